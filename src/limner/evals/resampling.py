"""Resampling: how much a number would vary had the run had other users, or the same answers from the other system.

The items of one user are not independent of each other. Wherever `clusters` are given, whole clusters are resampled or
swapped, never single items; an item whose cluster is none stands for itself.
"""

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Clusters",
    "Difference",
    "Floats",
    "Interval",
    "bootstrap",
    "bootstrap_mean",
    "members_of",
    "paired_bootstrap",
    "paired_bootstrap_mean",
]

T = TypeVar("T")
Interval = tuple[float, float]
Floats = NDArray[np.float64]
Compute = Callable[[Sequence[T]], float]
Clusters = Sequence[Hashable]

_UNKNOWN: Interval = (math.nan, math.nan)
_SIGNS: Floats = np.array([-1.0, 1.0])
_UNDEFINED_AT_MOST = 0.1
"""Share of resamples in which a measure may be undefined before its interval is given up."""
_DRAWN_AT_ONCE = 2_000_000
"""Indices held in memory at a time: 16 MB."""


@dataclass(frozen=True)
class Difference:
    """How two systems differ on the same items, the first less the second."""

    value: float
    low: float
    high: float
    """The interval; both ends NaN where fewer than two clusters were there."""
    error: float
    """Standard error of the difference."""
    p: float
    """Two-sided: how often chance alone would make a difference as large."""


def bootstrap_mean(
    values: Floats,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    clusters: Clusters | None = None,
) -> Interval:
    """Return the percentile bootstrap interval of a mean: `bootstrap` without a call for each resample.

    Args:
        values: One for each item, shape `(n,)`.
        level: How often such intervals hold the true mean.
        resamples: How many to draw.
        seed: Of the draws; the same seed gives the same interval.
        clusters: Whose each value is.
    """
    members = members_of(clusters, len(values))
    if len(members) < 2:
        return _UNKNOWN
    return _percentiles(_resampled_means(values, members, resamples, seed), level)


def bootstrap(
    items: Sequence[T],
    compute: Compute[T],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    clusters: Clusters | None = None,
) -> Interval:
    """Return the percentile bootstrap interval of whatever is computed from items.

    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), §13.3. With clusters, whole ones are drawn, as many as
    there are, so that the items of one user stay together.

    Args:
        items: What the run has; drawn with replacement.
        compute: The number of interest; NaN where it is not defined.
        level: How often such intervals hold the true number; with fewer than some twenty clusters it is less often.
        resamples: How many to draw.
        seed: Of the draws; the same seed gives the same interval.
        clusters: Whose each item is.

    Returns:
        Both ends; NaN where there are fewer than two clusters, or where the number is undefined in more than a tenth of
        the resamples. A lower share of undefined ones is left out.
    """
    members = members_of(clusters, len(items))
    if len(members) < 2:
        return _UNKNOWN
    return _percentiles(
        np.array([
            compute([items[place] for place in places]) for places in _resampled(members, resamples, seed)
        ]),
        level,
    )


def paired_bootstrap(
    pairs: Sequence[tuple[T, T]],
    compute: Compute[T],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    clusters: Clusters | None = None,
) -> Difference:
    """Return how two systems differ in whatever is computed from their items, pair by pair.

    The interval is the percentile bootstrap's (Efron and Tibshirani 1993, §13.3), pairs being drawn. The p is that of the
    paired randomisation test (Noreen, "Computer-Intensive Methods for Testing Hypotheses", 1989; Yeh, COLING 2000): the two
    systems are swapped at random, and it is counted how often the difference comes out as large. It holds its level with
    a handful of clusters too, where a p taken from the bootstrap is too small.

    Args:
        pairs: What either system made of the same question.
        compute: The number of interest; NaN where it is not defined.
        level: Of the interval.
        resamples: How many to draw, and how many swaps to try.
        seed: Of the draws and of the swaps.
        clusters: Whose each pair is; a cluster's pairs are drawn, and swapped, together.
    """

    def differ(chosen: Sequence[tuple[T, T]]) -> float:
        return compute([one for one, _ in chosen]) - compute([other for _, other in chosen])

    value = differ(pairs)
    members = members_of(clusters, len(pairs))
    if len(members) < 2 or not math.isfinite(value):
        return Difference(value, *_UNKNOWN, math.nan, math.nan)
    drawn = np.array([
        differ([pairs[place] for place in places]) for places in _resampled(members, resamples, seed)
    ])
    swapped = np.array([
        differ(_arranged(pairs, members, row))
        for block in _signs(len(members), resamples, seed)
        for row in block
    ])
    return _difference(value, drawn, swapped, level)


def paired_bootstrap_mean(
    differences: Floats,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    clusters: Clusters | None = None,
) -> Difference:
    """Return what `paired_bootstrap` would for a mean, without a call for each resample.

    Args:
        differences: What the first system counts for an item less what the second does, shape `(n,)`.
        level: Of the interval.
        resamples: How many to draw, and how many swaps to try.
        seed: Of the draws and of the swaps.
        clusters: Whose each item is.
    """
    value = float(differences.mean()) if len(differences) else math.nan
    members = members_of(clusters, len(differences))
    if len(members) < 2 or not math.isfinite(value):
        return Difference(value, *_UNKNOWN, math.nan, math.nan)
    sums = np.array([differences[places].sum() for places in members])
    swapped = np.concatenate([block @ sums for block in _signs(len(members), resamples, seed)]) / len(
        differences
    )
    return _difference(value, _resampled_means(differences, members, resamples, seed), swapped, level)


def _arranged(
    pairs: Sequence[tuple[T, T]], members: Sequence[NDArray[np.intp]], signs: Floats
) -> list[tuple[T, T]]:
    arranged = list(pairs)
    for places, sign in zip(members, signs, strict=True):
        if sign < 0:
            for place in places:
                arranged[place] = pairs[place][::-1]
    return arranged


def _difference(value: float, drawn: Floats, swapped: Floats, level: float) -> Difference:
    # The data as they are count as one of the arrangements, so p is never 0; the margin is for rounding in sums.
    as_large = int((np.abs(swapped) >= abs(value) * (1 - 1e-9) - 1e-12).sum())
    p = (as_large + 1) / (int(np.isfinite(swapped).sum()) + 1)
    return Difference(value, *_percentiles(drawn, level), float(np.nanstd(drawn, ddof=1)), p)


def members_of(clusters: Clusters | None, n: int) -> list[NDArray[np.intp]]:
    """Return the places of each cluster's items, clusters in order of appearance.

    Raises:
        ValueError: Not as many clusters as items.
    """
    if clusters is None:
        return [np.array([place]) for place in range(n)]
    if len(clusters) != n:
        raise ValueError(f"{len(clusters)} clusters for {n} items.")
    places: dict[Hashable, list[int]] = {}
    for place, cluster in enumerate(clusters):
        # A key that no name of a cluster equals.
        places.setdefault((place,) if cluster is None else (None, cluster), []).append(place)
    return [np.array(own) for own in places.values()]


def _draws(units: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield what is drawn, one row a resample, in blocks of bounded size."""
    rng = np.random.default_rng(seed)
    block = max(1, _DRAWN_AT_ONCE // units)
    for start in range(0, resamples, block):
        yield rng.integers(0, units, (min(block, resamples - start), units))


def _resampled(members: Sequence[NDArray[np.intp]], resamples: int, seed: int) -> Iterator[list[int]]:
    for block in _draws(len(members), resamples, seed):
        for row in block:
            yield np.concatenate([members[unit] for unit in row]).tolist()


def _resampled_means(
    values: Floats, members: Sequence[NDArray[np.intp]], resamples: int, seed: int
) -> Floats:
    sums = np.array([values[places].sum() for places in members])
    sizes = np.array([len(places) for places in members])
    return np.concatenate([
        sums[block].sum(axis=1) / sizes[block].sum(axis=1) for block in _draws(len(members), resamples, seed)
    ])


def _signs(units: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield -1 for each cluster that is swapped and 1 for each that is not, one row an arrangement, in blocks."""
    rng = np.random.default_rng([seed, 1])  # not the stream of the draws
    block = max(1, _DRAWN_AT_ONCE // units)
    for start in range(0, resamples, block):
        yield rng.choice(_SIGNS, (min(block, resamples - start), units))


def _percentiles(drawn: Floats, level: float) -> Interval:
    known = drawn[np.isfinite(drawn)]
    if len(known) < len(drawn) * (1 - _UNDEFINED_AT_MOST):
        return _UNKNOWN
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
