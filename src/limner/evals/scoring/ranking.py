"""Recall and NDCG of a ranked list of ids against the gold ids."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from limner.evals.records import Passage

__all__ = ["CUTOFFS", "Discount", "ndcg", "ranked_ids", "recall", "recall_all", "recall_any", "recalls"]

CUTOFFS = (1, 3, 5, 10, 25, 50)
"""Lengths of the list at which scores are given; there is a measure for each."""

Discount = Literal["rank + 1", "rank"]
"""What a gain is divided by: the binary logarithm of the rank plus one, as is usual today, or of the rank itself, with
ranks 1 and 2 counting in full (Järvelin and Kekäläinen 2002, "Cumulated Gain-Based Evaluation of IR Techniques", §2.2,
base 2)."""


def ranked_ids(passages: Sequence[Passage]) -> tuple[str, ...]:
    """Return the ids that passages rest on, best first, each once.

    A passage that names several counts as that many places: else one long summary would find everything at rank 1.
    """
    return tuple(dict.fromkeys(name for passage in passages for name in passage.ids))


def recall(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """Return the share of the gold ids among the first `k`; NaN where there is no gold id."""
    wanted = set(gold)
    return len(wanted.intersection(ranked[:k])) / len(wanted) if wanted else math.nan


def recall_any(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """Return 1 if at least one gold id is among the first `k`, else 0."""
    return float(not set(gold).isdisjoint(ranked[:k]))


def recall_all(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """Return 1 if every gold id is among the first `k`, else 0."""
    return float(set(gold) <= set(ranked[:k]))


def ndcg(ranked: Sequence[str], gold: Collection[str], k: int, discount: Discount = "rank + 1") -> float:
    """Return the normalised discounted cumulative gain of the first `k`, every gold id worth 1.

    Args:
        ranked: Ids, best first, each once.
        gold: The relevant ids.
        k: How many places count.
        discount: See `Discount`; scores with different ones are not comparable.

    Returns:
        From 0 to 1, where 1 means that no gold id could stand higher; 0 where there is none.
    """
    wanted = set(gold)
    ideal = sum(1 / _divisor(rank, discount) for rank in range(1, min(len(wanted), k) + 1))
    gain = sum(1 / _divisor(rank, discount) for rank, name in enumerate(ranked[:k], 1) if name in wanted)
    return gain / ideal if ideal else 0.0


def recalls(ranked: Sequence[str], gold: Collection[str]) -> Mapping[str, float]:
    """Return the values of the measures `recall@k` for every k of `CUTOFFS`."""
    return {f"recall@{k}": recall(ranked, gold, k) for k in CUTOFFS}


def _divisor(rank: int, discount: Discount) -> float:
    return math.log2(rank + 1) if discount == "rank + 1" else max(1.0, math.log2(rank))
