"""LaMP as a benchmark (Salemi et al. 2023, "LaMP: When Large Language Models Meet Personalization")."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast, get_args

from limner.errors import InputError
from limner.evals.lamp.asking import Asker
from limner.evals.lamp.files import (
    SOURCE,
    Asking,
    Golds,
    ProfileItem,
    question_rows,
    read_golds,
    read_questions,
    which_task,
)
from limner.evals.lamp.floors import floors
from limner.evals.lamp.marking import Marker
from limner.evals.lamp.published import PUBLISHED
from limner.evals.lamp.tasks import Task
from limner.evals.records import Benchmark, Method, Question, Turn
from limner.evals.scoring.rouge import rouge
from limner.evals.sources import DataError

__all__ = ["How", "chosen_by", "lamp"]

How = Method | Literal["free"]
"""How a class is answered: one of the ways to choose, or `free` text, of which only the label itself counts."""

_MEASURES = {
    "choice": ("accuracy", "macro_f1"),
    "rating": ("mae", "rmse", "accuracy"),
    "text": ("rouge_1", "rouge_l"),
}


def lamp(
    data: str,
    *,
    seed: int = 0,
    task: str = "",
    outputs: str | None = None,
    method: How = "constrained",
    budget: int = 512,
    labelled: bool = False,
) -> Benchmark:
    """Load one task of LaMP.

    Without golds (the published test sets have none) the benchmark has no measures and its questions no targets:
    answers are taken down for `write_predictions`, and nothing is scored.

    Args:
        data: A questions file, of the user-based or the time-based split.
        seed: Of no effect.
        task: `LaMP_1` to `LaMP_7`, or `LaMP_2N`; empty to tell it by file name, folder or golds.
        outputs: The golds file; by default the one beside the questions that is named `..._outputs.json`.
        method: How the class is chosen in LaMP-1, 2, 2N and 3; `free` for free text, as in the published runs.
        budget: Tokens of a prompt, at 4 characters each, into which what the memory found is shortened; 0 for no
            limit. The published code has 512 for encoder and decoder models; the input itself is never cut here.
        labelled: Whether what memories are fed also tells how the user decided (tag, category, score, subject).
            Retrieval as published does not see it, but a memory that writes notes learns nothing of a user's taste
            without it.

    Raises:
        InputError: A parameter has a value that it cannot have.
        DataError: A file is missing or malformed.
        ImportError: A text task is loaded and the extra `evals` is not installed.
    """
    way = chosen_by(method)
    if budget < 0:
        raise InputError(f"budget is {budget}; it is a number of tokens, or 0 for no limit.")
    path = SOURCE.found(data)
    golds_path = _golds_path(path, outputs)
    golds = read_golds(golds_path) if golds_path else None
    rows = question_rows(path)
    what = which_task(task, path, golds, rows)
    if what.kind == "text":
        rouge("", [""])  # a missing package shows before a model is asked, not after
    counted: Counter[str] = Counter()
    asked = read_questions(rows, what, counted)
    targets = _targets(what, asked, golds, golds_path, counted)
    asker = Asker(what, _profiles(asked), way, budget)
    by_id = {one.id: one for one in asked}
    return Benchmark(
        name=golds.task if golds is not None and golds.task else what.name,
        questions=[_question(what, one, targets.get(one.id), counted) for one in asked],
        measures=_MEASURES[what.kind] if targets else (),
        mark=Marker(what),
        histories=_histories(what, asked, labelled),
        ask=asker,
        files=(path, golds_path) if golds_path else (path,),
        prompts=(asker.prompt,),
        floors=floors(what, asked, targets),
        floors_on=lambda questions: floors(what, [by_id[question.id] for question in questions], targets),
        counted={name: number for name, number in counted.items() if number},
        published=PUBLISHED.get(what.name, {}),
    )


def chosen_by(method: str) -> Method | None:
    """Return the way to choose that a parameter names; none for `free`.

    Raises:
        InputError: It names none.
    """
    if method != "free" and method not in get_args(Method):
        raise InputError(f"There is no method {method!r}; there are {', '.join(get_args(Method))} and free.")
    return None if method == "free" else cast(Method, method)


def _golds_path(path: Path, outputs: str | None) -> Path | None:
    if outputs is not None:
        return SOURCE.found(outputs)
    beside = path.with_name(path.name.replace("questions", "outputs"))
    return beside if beside != path and beside.is_file() else None


def _targets(
    task: Task, asked: Sequence[Asking], golds: Golds | None, path: Path | None, counted: Counter[str]
) -> dict[str, str]:
    targets: dict[str, str] = {}
    for one in asked:
        gold = golds.outputs.get(one.id) if golds is not None else one.gold
        if gold is not None:
            targets[one.id] = _gold(task, one, gold)
        elif golds is not None:
            raise one.row.error("id", f"{one.id!r} has no gold in {path}")
        else:
            counted["question without a gold"] += 1
    if golds is not None:
        counted["gold without a question"] += len(golds.outputs) - len(targets)
    return targets


def _gold(task: Task, one: Asking, gold: str) -> str:
    text = gold.strip()
    if task.kind == "rating" and text.endswith(".0"):
        text = text[:-2]
    if task.labels and text not in task.labels:
        wanted = ", ".join(task.labels)
        raise DataError(one.row.path, f"its gold {text[:60]!r} is none of {wanted}", one.row.number, "output")
    return text


def _profiles(asked: Sequence[Asking]) -> dict[str, dict[str, ProfileItem]]:
    return {one.user: {item.id: item for item in one.items} for one in asked if one.user}


def _histories(task: Task, asked: Sequence[Asking], labelled: bool) -> dict[str, list[Turn]]:
    return {
        one.user: [Turn(item.text(task, labelled), "user", item.id, item.at) for item in one.items]
        for one in asked
        if one.user
    }


def _question(task: Task, one: Asking, target: str | None, counted: Counter[str]) -> Question:
    query = task.query(one.input)
    counted["question whose query cannot be told from its instruction"] += query is None
    if query and any(item.fields[task.cut].strip() == query for item in one.items):
        counted["question whose text is in the profile too"] += 1
    return Question(
        id=one.id,
        text=query or one.input,
        target=() if target is None else (target,),
        history=one.user,
        group=_size(len(one.items)),
        cluster=one.user or one.id,
        details={"id": one.raw_id, "input": one.input},
    )


def _size(items: int) -> str:
    for low, high in ((0, 0), (1, 20), (21, 100)):
        if items <= high:
            return f"profile of {low}-{high}" if high else "no profile"
    return "profile of more than 100"
