"""Ranking metrics for one held-out item per user.

Each takes the rank of every user's held-out item, from 1, infinity where it was not in the list, and
returns one value per user, shape `(users,)`; their mean is the metric.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["bootstrap_interval", "hit_rate", "ndcg", "reciprocal_rank", "standard_error"]

Values = NDArray[np.float64]


def hit_rate(ranks: Values, k: int = 10) -> Values:
    """Return 1 where the held-out item is among the first `k`; with one such item it is also the recall."""
    return (ranks <= k).astype(np.float64)


def ndcg(ranks: Values, k: int = 10) -> Values:
    """Return the normalised discounted cumulative gain (Järvelin and Kekäläinen, ACM TOIS 2002): `1 / log2(1 + rank)` down to rank `k`."""
    return np.where(ranks <= k, 1.0 / np.log2(1.0 + ranks), 0.0)


def reciprocal_rank(ranks: Values, k: int = 10) -> Values:
    """Return `1 / rank` down to rank `k`; the mean is the MRR."""
    return np.where(ranks <= k, 1.0 / ranks, 0.0)


def standard_error(values: Values) -> float:
    """Return the standard error of the mean; NaN for fewer than two values."""
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else float("nan")


def bootstrap_interval(
    values: Values, *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean (Efron and Tibshirani 1993, §13.3), users being resampled."""
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    for sample in range(resamples):
        means[sample] = values[rng.integers(0, values.size, values.size)].mean()
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
