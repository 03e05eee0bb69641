"""Clusters of items by the direction of their embeddings."""

import numpy as np
from numpy.typing import NDArray

from limner.tools.recommenders.base import Positions, Scores

__all__ = ["spherical_clusters"]

_PASSES = 50


def spherical_clusters(vectors: Scores, clusters: int, *, among: Positions, seed: int = 0) -> Positions:
    """Return each vector's cluster by spherical k-means (Dhillon and Modha, Machine Learning 42, 2001), shape `(len(vectors),)`.

    The first centres are drawn by k-means++ on the cosine distance; a cluster that loses all its members keeps its centre.

    Args:
        vectors: Shape `(n, features)`.
        clusters: Most clusters; fewer are used where fewer vectors differ.
        among: Places of the vectors that the centres are made from; the others only join the nearest one.
        seed: Of the first centres.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = (vectors / np.maximum(lengths, 1e-12)).astype(np.float64)
    points = unit[among]
    centres = _first(points, clusters, np.random.default_rng(seed))
    nearest = np.argmax(points @ centres.T, axis=1)
    for _ in range(_PASSES):
        for cluster in np.unique(nearest):
            centre = points[nearest == cluster].sum(axis=0)
            centres[cluster] = centre / max(float(np.linalg.norm(centre)), 1e-12)
        before, nearest = nearest, np.argmax(points @ centres.T, axis=1)
        if np.array_equal(before, nearest):
            break
    return np.asarray(np.argmax(unit @ centres.T, axis=1), dtype=np.intp)


def _first(points: NDArray[np.float64], clusters: int, rng: np.random.Generator) -> NDArray[np.float64]:
    centres = [points[rng.integers(len(points))]]
    while len(centres) < clusters:
        distance = np.maximum(1.0 - np.max(points @ np.stack(centres).T, axis=1), 0.0)
        if distance.sum() <= 1e-9:
            break
        centres.append(points[rng.choice(len(points), p=distance / distance.sum())])
    return np.stack(centres)
