"""What is computed over the items of a run: each measure once, for tasks, reports and comparisons alike."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import numpy as np

__all__ = ["MEASURES", "Counted", "Measure", "measure"]

Better = Literal["higher", "lower"]


class Counted(Protocol):
    """An item that was marked."""

    @property
    def values(self) -> dict[str, float]:
        """Its numbers by name."""
        ...

    @property
    def labels(self) -> tuple[str, str] | None:
        """Predicted and gold class."""
        ...


Marked = TypeVar("Marked", bound=Counted)


@dataclass(frozen=True)
class Measure:
    """One number over a set of items."""

    name: str
    compute: Callable[[Sequence[Counted]], float]
    """NaN where there is nothing to compute it from."""
    needs: str | None
    """The value that an item must have to count; none for measures over labels."""
    better: Better = "higher"
    binary: bool = False
    """Whether every item counts 0 or 1, so that Wilson's interval and McNemar's test apply."""

    def applicable(self, items: Sequence[Marked]) -> list[Marked]:
        """Return the items that this measure is computed from."""
        if self.needs is None:
            return [item for item in items if item.labels is not None]
        return [item for item in items if self.needs in item.values]


def _values(items: Sequence[Counted], name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([item.values[name] for item in items], dtype=np.float64)


def _mean(name: str, value: str, better: Better = "higher", binary: bool = False) -> Measure:
    def compute(items: Sequence[Counted]) -> float:
        return float(_values(items, value).mean()) if items else math.nan

    return Measure(name, compute, value, better, binary)


def _rmse(items: Sequence[Counted]) -> float:
    return float(np.sqrt((_values(items, "error") ** 2).mean())) if items else math.nan


def _mae(items: Sequence[Counted]) -> float:
    return float(np.abs(_values(items, "error")).mean()) if items else math.nan


def _macro_f1(items: Sequence[Counted]) -> float:
    """Mean over classes of each one's F1; what was predicted outside them is wrong and makes no class.

    The classes are those of the golds, and where an item tells how many its task has (`classes`), the others too, with an F1 of 0.
    """
    pairs = Counter(item.labels for item in items if item.labels is not None)
    hits: Counter[str] = Counter()
    predictions: Counter[str] = Counter()
    golds: Counter[str] = Counter()
    for (predicted, gold), count in pairs.items():
        predictions[predicted] += count
        golds[gold] += count
        hits[gold] += count if predicted == gold else 0
    scores = [2 * hits[name] / (predictions[name] + golds[name]) for name in sorted(golds)]
    classes = max([len(scores), *(int(item.values.get("classes", 0)) for item in items)])
    return sum(scores) / classes if scores else math.nan


def _auc(items: Sequence[Counted]) -> float:
    """Area under the ROC curve: the chance that a liked item scores above a disliked one, ties counting half."""
    scores, liked = _values(items, "preference"), _values(items, "liked") > 0.5
    high, low = scores[liked], np.sort(scores[~liked])
    if not len(high) or not len(low):
        return math.nan
    below = np.searchsorted(low, high, side="left") + np.searchsorted(low, high, side="right")
    return float(below.mean() / 2 / len(low))


_ALL = (
    _mean("accuracy", "correct", binary=True),
    Measure("macro_f1", _macro_f1, None),
    Measure("mae", _mae, "error", "lower"),
    Measure("rmse", _rmse, "error", "lower"),
    Measure("auc", _auc, "preference"),
    _mean("rouge_1", "rouge_1"),
    _mean("rouge_l", "rouge_l"),
    _mean("f1", "f1"),
    _mean("answer_recall", "answer_recall"),
    _mean("answer_precision", "answer_precision"),
    _mean("outdated_recall", "outdated_recall", "lower"),
    _mean("judged", "judged", binary=True),
    *(_mean(f"recall@{k}", f"recall@{k}") for k in (1, 3, 5, 10, 25, 50)),
    *(_mean(f"recall_any@{k}", f"recall_any@{k}", binary=True) for k in (1, 3, 5, 10, 25, 50)),
    *(_mean(f"recall_all@{k}", f"recall_all@{k}", binary=True) for k in (1, 3, 5, 10, 25, 50)),
    *(_mean(f"ndcg@{k}", f"ndcg@{k}") for k in (1, 3, 5, 10, 25, 50)),
)

MEASURES = {one.name: one for one in _ALL}


def measure(name: str) -> Measure:
    """Return the measure of this name.

    Raises:
        KeyError: There is none; names come from tasks, so this is a programming error.
    """
    return MEASURES[name]
