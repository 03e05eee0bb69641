"""Choosing a recommender's settings on the validation items, never on the test items."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from limner.errors import InputError
from limner.evals.ranking.keeping import Record, provenance
from limner.evals.ranking.lists import held_out_ranks
from limner.evals.ranking.metrics import hit_rate, ndcg
from limner.evals.ranking.split import Split, parted
from limner.evals.statistics import standard_error
from limner.plugins import FAULTS
from limner.tools.datasets import Dataset
from limner.tools.recommenders.discovery import recommender, recommender_class
from limner.tools.recommenders.protocol import Grid

__all__ = ["Trial", "combinations", "grid_of", "select_settings"]


@dataclass(frozen=True)
class Trial:
    """One combination of settings and what it reached on the validation items."""

    settings: Mapping[str, object]
    ndcg: float
    """NaN where it could not be fitted or asked."""
    hit_rate: float
    standard_error: float = field(default=math.nan, compare=False)
    """Of the NDCG."""
    seconds: float = field(default=0.0, compare=False)
    """To fit and to ask."""
    failures: int = 0
    """Lists that could not be had; they score 0."""
    failed: str = ""
    """Why it could not be fitted or asked."""


def select_settings(
    dataset: Dataset,
    name: str,
    grid: Grid,
    *,
    k: int = 10,
    seed: int = 0,
    record: Record | None = None,
    progress: Callable[[Trial, int, int], None] | None = None,
) -> list[Trial]:
    """Try every combination of a grid: fit on training, ask with training items, look for the validation item.

    Args:
        dataset: What to train on and to ask about.
        name: A registered recommender.
        grid: See `Grid`.
        k: Length of the lists.
        seed: Of the models.
        record: Where each trial is kept as soon as it is done; trials that it holds already, of the same data, code and seed, are not
            done again.
        progress: Called after each trial with it, its number from 1, and how many there are.

    Returns:
        Every trial, the best by NDCG first; equal ones in the order of the grid. The test items are not looked at,
        and are masked nowhere, as a user of the day before could not have known them.

    Raises:
        InputError: The grid is empty or of another form, or no user has three interactions.
        NotFound, ImportError: As for `recommender_class`.
    """
    tried = list(combinations(grid))
    if not tried:
        raise InputError(f"There is nothing to try for {name}: give a grid of settings.")
    split = parted(dataset)
    depends = {"seed": seed, **provenance(dataset, recommender_class(name), k=k)}
    trials = []
    for number, settings in enumerate(tried, start=1):
        key = {"settings": settings, **depends}
        kept = record.find(key) if record else None
        trial = _from_entry(kept, k) if kept else _tried(name, settings, dataset, split, k, seed)
        if record and not kept:
            record.add(key | _as_entry(trial, k))
        if progress:
            progress(trial, number, len(tried))
        trials.append(trial)
    return sorted(trials, key=lambda trial: -trial.ndcg if math.isfinite(trial.ndcg) else math.inf)


def combinations(grid: Grid) -> Iterator[dict[str, object]]:
    """Yield the settings that a grid means.

    Raises:
        InputError: It has neither of the two forms.
    """
    if isinstance(grid, Mapping):
        if not all(isinstance(values, Sequence) and not isinstance(values, str) for values in grid.values()):
            raise InputError('A grid gives a list of values for each setting: {"decay": [0.8, 0.9]}.')
        if grid:
            for values in itertools.product(*grid.values()):
                yield dict(zip(grid, values, strict=True))
        return
    if not isinstance(grid, Sequence) or not all(isinstance(one, Mapping) for one in grid):
        raise InputError('A grid is {"setting": [values]}, or a list of {"setting": value}.')
    yield from (dict(one) for one in grid)


def grid_of(name: str) -> Grid:
    """Return the grid that a recommender's class states; an empty one where it states none.

    Raises:
        NotFound, ImportError: As for `recommender_class`.
    """
    return cast("Grid", getattr(recommender_class(name), "grid", {}))


def _tried(
    name: str, settings: Mapping[str, object], dataset: Dataset, split: Split, k: int, seed: int
) -> Trial:
    started = time.perf_counter()
    try:
        model = recommender(name, **{"seed": seed, **settings}).fit(split.training, dataset.catalogue)
        ranks, failures = held_out_ranks(model, *split.questions("validation"), k)
    except FAULTS as error:
        # One impossible combination must not cost the others; an InputError says what is wrong with it.
        return Trial(settings, math.nan, math.nan, failed=f"{type(error).__name__}: {error}")
    values = ndcg(ranks, k)
    return Trial(
        settings,
        float(values.mean()),
        float(hit_rate(ranks, k).mean()),
        standard_error(np.asarray(values)),
        time.perf_counter() - started,
        failures,
    )


def _as_entry(trial: Trial, k: int) -> dict[str, Any]:
    figures = {
        f"ndcg@{k}": trial.ndcg,
        f"ndcg@{k}_se": trial.standard_error,
        f"hr@{k}": trial.hit_rate,
    }
    return {
        **{name: round(value, 5) if math.isfinite(value) else None for name, value in figures.items()},
        "seconds": round(trial.seconds, 2),
        "failures": trial.failures,
        "failed": trial.failed,
    }


def _from_entry(entry: Mapping[str, Any], k: int) -> Trial:
    ndcg_, error, hits = (
        math.nan if entry[name] is None else entry[name] for name in (f"ndcg@{k}", f"ndcg@{k}_se", f"hr@{k}")
    )
    return Trial(entry["settings"], ndcg_, hits, error, entry["seconds"], entry["failures"], entry["failed"])
