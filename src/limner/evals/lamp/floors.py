"""What LaMP answers reach that read nothing but the profile's own decisions, or not even those."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from limner.evals.lamp.files import Asking, ProfileItem
from limner.evals.lamp.tasks import Task
from limner.evals.scoring.rouge import rouge

__all__ = ["floors", "half_up", "spread"]

FIRST_WORDS = 10
"""Of an article, abstract or email, taken for its title; about as many as titles have."""


def floors(task: Task, asked: Sequence[Asking], golds: Mapping[str, str]) -> dict[str, float]:
    """Return what simple answers reach, over all questions that have a gold.

    Args:
        task: Which.
        asked: The questions.
        golds: By question id.
    """
    known = [one for one in asked if one.id in golds]
    if not known:
        return {}
    if task.kind == "choice":
        return _of_choices(task, known, golds)
    return _of_ratings(known, golds) if task.kind == "rating" else _of_texts(task, known, golds)


def half_up(value: float) -> float:
    """Round to a whole number, halves up, as readers of a rating expect; Python rounds them to the even one."""
    return float(math.floor(value + 0.5))


def spread(name: str, errors: Sequence[float]) -> dict[str, float]:
    """Return MAE and RMSE of errors under names such as `mae, always 5`."""
    mae = sum(abs(error) for error in errors) / len(errors)
    return {f"mae, {name}": mae, f"rmse, {name}": math.sqrt(sum(error**2 for error in errors) / len(errors))}


def _of_choices(task: Task, asked: Sequence[Asking], golds: Mapping[str, str]) -> dict[str, float]:
    most = Counter(golds[one.id] for one in asked).most_common(1)[0][0]
    found = {f"accuracy, always {most!r}": sum(golds[one.id] == most for one in asked) / len(asked)}
    label = task.label
    if label is None:
        return found

    def usual(items: Sequence[ProfileItem]) -> str:
        labels = Counter(text for item in items if (text := item.fields[label].strip()) in task.labels)
        return labels.most_common(1)[0][0] if labels else most

    right = sum(usual(one.items) == golds[one.id] for one in asked)
    return {**found, f"accuracy, the user's most frequent {label}": right / len(asked)}


def _of_ratings(asked: Sequence[Asking], golds: Mapping[str, str]) -> dict[str, float]:
    by_user = {one.id: _scores(one.items) for one in asked}
    everyone = [score for scores in by_user.values() for score in scores]
    usual = sum(everyone) / len(everyone) if everyone else 5.0

    def errors(answer: Callable[[Sequence[float]], float]) -> list[float]:
        return [answer(by_user[one.id]) - float(golds[one.id]) for one in asked]

    def mean(scores: Sequence[float]) -> float:
        return sum(scores) / len(scores) if scores else usual

    return {
        **spread("always 5", errors(lambda _: 5.0)),
        **spread("the user's mean score", errors(mean)),
        **spread("the user's mean score, rounded", errors(lambda scores: half_up(mean(scores)))),
    }


def _scores(items: Sequence[ProfileItem]) -> list[float]:
    scores = []
    for item in items:
        try:
            score = float(item.fields["score"])
        except ValueError:
            continue
        if 1 <= score <= 5:
            scores.append(score)
    return scores


def _of_texts(task: Task, asked: Sequence[Asking], golds: Mapping[str, str]) -> dict[str, float]:
    name = "the tweet as it is" if task.name == "LaMP_7" else f"the first {FIRST_WORDS} words"
    scores = []
    for one in asked:
        words = (task.query(one.input) or one.input).split()
        text = " ".join(words if task.name == "LaMP_7" else words[:FIRST_WORDS])
        scores.append(rouge(text, [golds[one.id]]))
    return {
        f"{key}, {name}": sum(score[key] for score in scores) / len(scores) for key in ("rouge_1", "rouge_l")
    }
