"""Ranking metrics for one held-out item per user.

Each takes the rank of every user's held-out item, from 1, infinity where it was not in the list, and
returns one value per user, shape `(users,)`; their mean is the metric.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["hit_rate", "ndcg", "reciprocal_rank"]

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
