"""Answers in the layout that LaMP's own evaluation reads."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from limner.evals.records import Question

__all__ = ["predictions", "write_predictions"]


def predictions(task: str, answers: Mapping[str, str], questions: Sequence[Question] = ()) -> dict[str, Any]:
    """Return answers in the layout of the golds file, which is that of predictions too.

    Args:
        task: As the golds file names it: the name of the benchmark, such as `LaMP_3`.
        answers: Question id to answer. The published scorer wants every question of the file.
        questions: Those of the benchmark; where a file has numbers as ids, they are written as numbers again, as the
            published scorer compares them as they are.
    """
    ids = {question.id: question.details.get("id", question.id) for question in questions}
    return {
        "task": task,
        "golds": [{"id": ids.get(key, key), "output": text} for key, text in answers.items()],
    }


def write_predictions(
    path: Path, task: str, answers: Mapping[str, str], questions: Sequence[Question] = ()
) -> None:
    """Write a file of predictions.

    Args:
        path: The file; an old one is replaced.
        task: As for `predictions`.
        answers: As for `predictions`.
        questions: As for `predictions`.

    Raises:
        OSError: It cannot be written.
    """
    path.write_text(json.dumps(predictions(task, answers, questions), indent=1) + "\n", encoding="utf-8")
