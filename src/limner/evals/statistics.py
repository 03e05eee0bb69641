"""How sure a score is: intervals for the scores of one run, and tests for two runs on the same items."""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from scipy.special import bdtr, ndtri

from limner.evals.measures import Measure
from limner.evals.measures import measure as measure_named
from limner.evals.resampling import (
    Clusters,
    Difference,
    Floats,
    Interval,
    bootstrap,
    bootstrap_mean,
    members_of,
    paired_bootstrap,
    paired_bootstrap_mean,
)
from limner.evals.results import Item, Statement

__all__ = [
    "Difference",
    "applicable",
    "bootstrap",
    "bootstrap_mean",
    "grouped",
    "independent",
    "item_values",
    "mcnemar",
    "paired_bootstrap",
    "paired_bootstrap_mean",
    "paired_proportions",
    "standard_error",
    "statements",
    "wilson",
    "zero_or_one",
]

_COMPUTED = 1000
"""Resamples of what is no mean: as many as two digits need."""


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Return the score interval of a proportion.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927), p. 209-212. Unlike the
    usual `p ± 1.96 se`, it stays within 0 and 1 and has a width where all or no items succeeded.

    Args:
        successes: Items that count 1.
        n: All items, independent of each other; of none at all, nothing is known, and the interval is 0 to 1.
        level: How often such intervals hold the true proportion.

    Raises:
        ValueError: More successes than items, or fewer than none.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} are not possible.")
    if n == 0:
        return 0.0, 1.0
    z = float(ndtri((1 + level) / 2))
    share, weight = successes / n, z**2 / n
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / n + weight / (4 * n)) / (1 + weight)
    # At either end the bound is exact, and rounding must not push it off.
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high


def standard_error(values: Floats) -> float:
    """Return the standard error of the mean of independent values; NaN for fewer than two."""
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else math.nan


def mcnemar(b: int, c: int) -> float:
    """Return the exact two-sided p of McNemar's test.

    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", Psychometrika 12
    (1947), p. 153-157, with the binomial distribution in the place of its chi-square: twice the smaller tail, as its two tails are alike.

    Args:
        b: Items that only the first system got right.
        c: Items that only the second got right. Where both are none, p is 1.
    """
    return 1.0 if b + c == 0 else min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5)))


def paired_proportions(b: int, c: int, n: int, level: float = 0.95) -> Difference:
    """Return how two proportions on the same independent items differ, with McNemar's p.

    The interval is the adjusted one of Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data", Journal of Educational and Behavioral Statistics 37 (2012): one more item of either
    kind of disagreement is counted, which gives it a width where no two answers differ.

    Args:
        b: Items that only the first system got right.
        c: Items that only the second got right.
        n: All items, at least one.
        level: Of the interval.
    """
    first, second = (b + 1) / (n + 2), (c + 1) / (n + 2)
    middle = first - second
    error = math.sqrt((first + second - middle**2) / (n + 2))
    half = float(ndtri((1 + level) / 2)) * error
    return Difference((b - c) / n, max(-1.0, middle - half), min(1.0, middle + half), error, mcnemar(b, c))


def independent(clusters: Clusters) -> bool:
    """Return whether every item stands for itself: no cluster holds two."""
    named = [cluster for cluster in clusters if cluster is not None]
    return len(set(named)) == len(named)


def applicable(items: Sequence[Item], measure: Measure) -> list[Item]:
    """Return the items that a measure is computed from."""
    return cast("list[Item]", measure.applicable(items))


def item_values(items: Sequence[Item], measure: Measure) -> Floats | None:
    """Return what each item counts where the measure is the mean of that, else none.

    A mean is resampled a hundred times faster than anything else. It is known by what it does: it equals the mean of what it
    gives for each item alone. For measures over a value of each item that settles it: the root of a mean square passes only
    where all errors are the same, and then it is the mean; an area under a curve is undefined for a single item. Measures
    over classes can agree with a mean by chance and are not tried.
    """
    if measure.needs is None or not items:
        return None
    alone = np.array([measure.compute([item]) for item in items], dtype=np.float64)
    if not np.isfinite(alone).all():
        return None
    return alone if math.isclose(alone.mean(), measure.compute(items), rel_tol=1e-12, abs_tol=1e-12) else None


def statements(items: Sequence[Item], measure_names: Sequence[str], *, seed: int = 0) -> list[Statement]:
    """State each measure over the items that it applies to, with its 95 % interval.

    Wilson's interval for measures of which every item is 0 or 1 and stands for itself, else the bootstrap's, over clusters
    where any holds two items. Fewer than two clusters tell nothing about the next one, so there is no interval. Where
    clusters hold more items and all of those count the same, the bootstrap is blind; the interval is then Wilson's with one
    item for each cluster (`wilson over clusters`), which is wider than need be, but not of no width.

    Raises:
        KeyError: There is no such measure.
    """
    return [_statement(items, measure_named(name), seed) for name in measure_names]


def grouped(
    items: Sequence[Item], measure_names: Sequence[str], *, seed: int = 0
) -> dict[str, list[Statement]]:
    """State the measures for each group of items, groups in order of their names; items without a group are in none."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        if item.group is not None:
            groups.setdefault(item.group, []).append(item)
    return {name: statements(groups[name], measure_names, seed=seed) for name in sorted(groups)}


def _statement(items: Sequence[Item], measure: Measure, seed: int) -> Statement:
    counted = applicable(items, measure)
    value = measure.compute(counted)
    stated = Statement(
        measure=measure.name,
        value=value if math.isfinite(value) else None,
        n=len(counted),
        better=measure.better,
    )
    if stated.value is None:
        return stated
    (low, high), how = _interval(counted, measure, seed)
    if not (math.isfinite(low) and math.isfinite(high)):
        return stated
    return stated.model_copy(update={"low": low, "high": high, "interval": how})


def _interval(items: Sequence[Item], measure: Measure, seed: int) -> tuple[Interval, str]:
    clusters = [item.cluster for item in items]
    members = members_of(clusters, len(items))
    if len(members) < 2:
        return (math.nan, math.nan), ""
    each = item_values(items, measure)
    alone = independent(clusters)
    how = "bootstrap" if alone else "cluster bootstrap"
    if each is None:
        drawn = bootstrap(items, measure.compute, resamples=_COMPUTED, seed=seed, clusters=clusters)
        return drawn, how
    if measure.binary and zero_or_one(each):
        if alone:
            return wilson(int(each.sum()), len(each)), "wilson"
        if each.min() == each.max():
            return wilson(len(members) * int(each[0]), len(members)), "wilson over clusters"
    return bootstrap_mean(each, seed=seed, clusters=clusters), how


def zero_or_one(values: Floats) -> bool:
    """Return whether every item counts nothing or one."""
    return bool(np.isin(values, (0.0, 1.0)).all())
