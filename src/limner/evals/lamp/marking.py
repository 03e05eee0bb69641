"""How LaMP answers count, as in the published scorer."""

import math

from limner.evals.lamp.tasks import Task
from limner.evals.records import Answer, Marked, Question
from limner.evals.scoring.rouge import rouge

__all__ = ["INVALID", "Marker", "stars"]

INVALID = "invalid"
"""Predicted class of an answer that is none of the classes: it is wrong, and no class of its own."""


def stars(text: str, gold: float) -> tuple[float, bool]:
    """Read a rating from 1 to 5.

    Args:
        text: What was answered.
        gold: The right rating.

    Returns:
        The rating, and whether it was one. What is no number counts as 1 or 5, whichever is farther from the gold
        (5 for a gold of 3), as in the published scorer; so does a number outside the scale, which that one takes
        as it is.
    """
    try:
        value = float(text.strip())
    except ValueError:
        value = math.nan
    if 1 <= value <= 5:
        return value, True
    return (1.0 if gold > 3 else 5.0), False


class Marker:
    """Marks the answers of one task.

    Args:
        task: Whose classes and scores count.
    """

    def __init__(self, task: Task) -> None:
        self._task = task

    def __call__(self, question: Question, answer: Answer) -> Marked:
        """Return the numbers of one answer; none where the gold is not known."""
        text = answer.text.strip()
        if not question.target:
            return Marked({}, answer=text, why="no gold")
        if self._task.kind == "text":
            return Marked(rouge(text, question.target), answer=text)
        gold = question.target[0]
        if self._task.kind == "rating":
            value, valid = stars(text, float(gold))
            values = {"error": value - float(gold), "correct": float(value == float(gold))}
            why = "" if valid else f"{text[:60]!r} is no rating from 1 to 5 and counts as {value:g}"
            return Marked(values, (f"{value:g}", gold), f"{value:g}", why)
        label = text if text in self._task.labels else INVALID
        why = f"{text[:60]!r} is none of the labels" if label == INVALID else ""
        values = {"correct": float(label == gold), "classes": float(len(self._task.labels))}
        return Marked(values, (label, gold), text, why)
