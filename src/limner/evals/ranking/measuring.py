"""One recommender, fitted and asked about everybody: what all figures of its row are made from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from limner.errors import LimnerError
from limner.evals.ranking.costs import measured, saved_mb
from limner.evals.ranking.coverage import catalogue_coverage
from limner.evals.ranking.lists import Lists, lists_of, places, together
from limner.evals.ranking.novelty import self_information, self_information_of_items
from limner.evals.ranking.split import Part, Split
from limner.plugins import FAULTS
from limner.tools.catalogue import Catalogue
from limner.tools.recommenders.discovery import recommender
from limner.tools.recommenders.protocol import Recommender

__all__ = ["Measured", "measure"]

_ALONE = 50
"""Users who are asked about one by one as well: for the time that takes, and to see that asking many at once gives the same."""


@dataclass(frozen=True)
class Measured:
    """What was found out about one recommender; JSON-able by `as_entry`."""

    name: str
    settings: Mapping[str, object]
    ranks: tuple[float, ...] = ()
    """Of each user's held-out item, infinity where it is not listed."""
    novelty: tuple[float, ...] = ()
    """Of each user's list, NaN where there is none."""
    coverage: float = 0.0
    failures: int = 0
    problems: tuple[str, ...] = ()
    """What went wrong with single lists, each once, and with saving."""
    fit_s: float = 0.0
    fit_peak_mb: float | None = None
    query_ms: float = 0.0
    batch_ms: float | None = None
    """None where the model was asked one by one."""
    model_mb: float | None = None
    """None where it cannot be saved."""
    failed: str = ""
    """Why nothing could be measured."""
    kept: bool = field(default=False, compare=False)
    """Whether it was measured in an earlier run."""

    def as_entry(self) -> dict[str, Any]:
        """Return it as JSON knows it: nothing for what is infinite or not a number."""
        entry = asdict(self)
        del entry["kept"]
        for name in ("ranks", "novelty"):
            entry[name] = [value if math.isfinite(value) else None for value in entry[name]]
        return entry

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> "Measured":
        """Take what `as_entry` gave; other fields are ignored."""
        known = {one.name: entry[one.name] for one in fields(cls) if one.name in entry}
        known["ranks"] = tuple(math.inf if value is None else value for value in entry["ranks"])
        known["novelty"] = tuple(math.nan if value is None else value for value in entry["novelty"])
        return cls(**{**known, "problems": tuple(entry["problems"]), "kept": True})


def measure(
    name: str, settings: Mapping[str, object], catalogue: Catalogue, split: Split, part: Part, k: int
) -> Measured:
    """Fit a recommender on the training items and ask it about everybody; where that is impossible, say why.

    Args:
        name: As registered.
        settings: Arguments of its constructor.
        catalogue: What is ranked.
        split: The data.
        part: Which items are to be found.
        k: Length of the lists.
    """
    try:
        model = recommender(name, **settings)
        with measured() as fitting:
            model.fit(split.training, catalogue)
        return _measured(model, split, part, k, fitting.seconds, fitting.peak_mb)
    except FAULTS as error:
        return Measured(name, settings, failed=_words(error))


def _measured(
    model: Recommender, split: Split, part: Part, k: int, fit_s: float, peak_mb: float | None
) -> Measured:
    queries, targets = split.questions(part)
    histories = [queries[user] for user in targets]
    lists, seconds, batch_s = _asked(model, histories, k)
    if lists.failures == len(histories):
        raise LimnerError(f"every list failed: {lists.reasons[0]}")
    problems = list(lists.reasons)
    try:
        size: float | None = saved_mb(model)
    except FAULTS as error:
        size = None
        problems.append(f"it cannot be saved: {_words(error)}")
    of_items = self_information_of_items(split.training, model.catalogue)
    return Measured(
        name=model.name,
        settings=getattr(model, "settings", {}),
        ranks=tuple(lists.ranks(places(model, list(targets.values()))).tolist()),
        novelty=tuple(self_information(lists.items, of_items).tolist()),
        coverage=catalogue_coverage(lists.items, len(model.catalogue)),
        failures=lists.failures,
        problems=tuple(problems),
        fit_s=fit_s,
        fit_peak_mb=peak_mb,
        query_ms=seconds * 1000,
        batch_ms=None if batch_s is None else batch_s * 1000,
        model_mb=size,
    )


def _asked(
    model: Recommender, histories: Sequence[Sequence[str]], k: int
) -> tuple[Lists, float, float | None]:
    """Return everybody's list, the seconds of one that is asked for alone, and those of one that is asked for with others."""
    step = max(1, len(histories) // _ALONE)
    sample = list(range(0, len(histories), step))
    with measured() as alone_time:
        alone = lists_of(model, [histories[place] for place in sample], k, one_by_one=True)
    each = alone_time.seconds / len(sample)
    if together(model):
        with measured() as batch_time:
            lists = lists_of(model, histories, k)
        # Believed only where it gives what an agent gets, which asks for one list at a time.
        if np.array_equal(lists.items[sample], alone.items):
            return lists, each, batch_time.seconds / len(histories)
    return lists_of(model, histories, k, one_by_one=True), each, None


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if not isinstance(error, LimnerError) else str(error)
