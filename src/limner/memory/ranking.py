"""From scores to an order: scaling, weighting, and diversification. Pure numbers, no database."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ("Scores", "diversify", "fuse", "min_max", "order", "top")

Scores = NDArray[np.float64]


def min_max(scores: Scores) -> Scores:
    """Return `scores` (n,) scaled to 0…1; where all are equal, 1 if they are positive and else 0."""
    if len(scores) == 0:
        return scores
    low, high = scores.min(), scores.max()
    if high > low:
        scaled: Scores = (scores - low) / (high - low)
        return scaled
    return (scores > 0).astype(np.float64)


def fuse(parts: Mapping[str, tuple[float, Scores]]) -> dict[str, Scores]:
    """Return each part's contribution, weight times score, leaving out those of weight 0."""
    return {name: weight * scores for name, (weight, scores) in parts.items() if weight > 0}


def order(scores: Scores) -> list[int]:
    """Return positions by falling score; equal ones stay as they come."""
    return [int(i) for i in np.argsort(-scores, kind="stable")]


def top(scores: Scores, k: int) -> list[int]:
    """Return the positions of the `k` highest scores by falling score; equal ones stay as they come."""
    if k >= len(scores):
        return order(scores)
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    best = np.flatnonzero(scores >= least)
    return [int(best[i]) for i in np.argsort(-scores[best], kind="stable")[:k]]


def diversify(
    scores: Scores, vectors: NDArray[np.float32], k: int, diversity: float
) -> list[tuple[int, float]]:
    """Choose `k` positions by maximal marginal relevance (Carbonell and Goldstein 1998).

    Args:
        scores: Relevance of each candidate, (n,).
        vectors: Unit vectors of the candidates, (n, dimension).
        k: How many to choose.
        diversity: 1 − λ: what the greatest similarity to something chosen before counts against a candidate.

    Returns:
        Positions in the order chosen, each with what its similarity cost it (at most 0); relevance counts
        λ times, so the sum of both falls along the list.
    """
    nearest = np.zeros(len(scores), dtype=np.float64)
    left = np.ones(len(scores), dtype=bool)
    chosen: list[tuple[int, float]] = []
    for _ in range(min(k, len(scores))):
        marginal = np.where(left, (1 - diversity) * scores - diversity * nearest, -np.inf)
        best = int(np.argmax(marginal))
        chosen.append((best, -diversity * float(nearest[best])))
        left[best] = False
        similarity = (vectors @ vectors[best]).astype(np.float64)
        nearest = np.maximum(nearest, similarity)
    return chosen
