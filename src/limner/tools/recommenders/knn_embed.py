"""kNN-Embed: a user as a mixture over clusters of items, and a list drawn in proportion to it."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions
from limner.tools.recommenders.als import ALS
from limner.tools.recommenders.base import BaseRecommender, Positions, Scores, checked_decay, recency_weights
from limner.tools.recommenders.clusters import spherical_clusters
from limner.tools.recommenders.protocol import Grid, Recommender

__all__ = ["KNNEmbed"]


class KNNEmbed(BaseRecommender):
    """kNN-Embed (El-Kishky et al., 2022, arXiv 2205.06205): candidates from each interest of a user, in proportion to it.

    1. Items are embedded, here by the factors of `ALS`, and clustered by spherical k-means on them.
    2. A user is a mixture over the clusters: the share of the history in each, and for each an embedding of its own, made of the
       history's items there alone.
    3. The mixture is smoothed over the nearest training users (cosine of the whole histories' embeddings):
       `(1 − smoothing) · own + smoothing · mean of theirs`, the shares and the embeddings alike, so that an interest is guessed that the
       history does not show yet.
    4. Each cluster gives its items nearest to the user's embedding there (largest inner product), as many as its share of the list.

    A score must order the items for a list of any length, so the draw is made by highest averages (Webster, Sainte-Laguë): the `r`-th
    item of a cluster with share `p` scores `p / (2r − 1)`, and the first `k` items by it are the proportional draw of `k`, for every `k`. An item
    of the history takes no place; it scores as if it came behind its cluster's others. Items of clusters without a share score from
    −1 to 0, by their inner product with the whole history's embedding. A filter leaves items out of the draw, so what is left of it
    need not be proportional.

    Two things differ from the paper: it counts the items of a history alike where ours weighs them by `decay ** age`, and its
    embedding of an interest is the mean of the items, ours the part that they have in the history's `ALS` factor. So with one cluster
    and without smoothing, kNN-Embed orders the items as `ALS` does.

    More clusters make lists more varied and guess the next item less well. On the validation items of MovieLens-100K the lists of ten of
    `ALS` and of 2, 8 and 32 clusters (without smoothing) have a mean distance of two items of .44, .49, .55 and .60 (one minus the
    cosine of their embeddings) and an NDCG@10 of .130, .116, .098 and .091; smoothing gives back some of the second. The defaults stand in the
    middle: .53 and .106. It is for candidates that something else ranks.

    Args:
        clusters: Number of clusters, at least 1.
        neighbours: Training users that smooth the mixture, at least 0.
        smoothing: Weight of their mean, from 0 (the history alone) to 1.
        decay: Weight of an item of the history relative to the next newer one, above 0 and at most 1.
        features: Length of an embedding.
        seed: Of the embeddings and of the clusters' start.
    """

    name = "knn_embed"
    grid: ClassVar[Grid] = {"clusters": (2, 8, 32), "smoothing": (0.0, 0.3), "decay": (0.8, 0.9)}

    def __init__(
        self,
        *,
        clusters: int = 8,
        neighbours: int = 50,
        smoothing: float = 0.3,
        decay: float = 0.9,
        features: int = 32,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        if clusters < 1 or features < 1 or neighbours < 0:
            raise InputError(
                f"clusters={clusters} and features={features} must be at least 1, neighbours={neighbours} at least 0."
            )
        if not 0 <= smoothing <= 1:
            raise InputError(f"smoothing is {smoothing}; it must be from 0 to 1.")
        self.clusters = clusters
        self.neighbours = neighbours
        self.smoothing = smoothing
        self.decay = checked_decay(decay)
        self.features = features
        self._base = ALS(features=features, decay=decay, seed=seed)
        self._items: Scores = np.zeros((0, features), dtype=np.float32)
        self._cluster: Positions = np.zeros(0, dtype=np.intp)
        self._users: Scores = np.zeros((0, features), dtype=np.float32)
        self._interests: Scores = np.zeros((0, clusters, features), dtype=np.float32)
        self._shares: Scores = np.zeros((0, clusters), dtype=np.float32)

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        self._base = ALS(features=self.features, decay=self.decay, seed=self.seed)
        self._items = self._base.fit(interactions, catalogue).item_factors
        taken = np.unique(catalogue.positions(interactions.frame["item"].to_list()))
        self._cluster = spherical_clusters(self._items, self.clusters, among=taken, seed=self.seed)
        histories = [
            catalogue.positions(reversed(dict.fromkeys(reversed(history))))
            for history in interactions.histories().values()
        ]
        drawn = [self._mixture(history) for history in histories]
        self._interests = np.stack([interests for interests, _ in drawn])
        self._shares = np.stack([shares for _, shares in drawn])
        self._users = self._unit(self._interests.sum(axis=1))

    def _mixture(self, history: Positions) -> tuple[Scores, Scores]:
        """Return for each cluster what its items add to the history's embedding, and their share of the history's weight."""
        weights = recency_weights(len(history), self.decay)
        weights /= weights.sum()
        shares = np.zeros(self.clusters, dtype=np.float32)
        interests = np.zeros((self.clusters, self.features), dtype=np.float32)
        np.add.at(shares, self._cluster[history], weights)
        np.add.at(interests, self._cluster[history], self._base.pull(history).T)
        return interests, shares

    def _smoothed(self, interests: Scores, shares: Scores) -> tuple[Scores, Scores]:
        among = min(self.neighbours, len(self._users))
        if not among or not self.smoothing:
            return interests, shares
        likeness = self._users @ self._unit(interests.sum(axis=0))
        near = np.argsort(-likeness, kind="stable")[:among]
        own, theirs = 1.0 - self.smoothing, self.smoothing
        return (
            own * interests + theirs * self._interests[near].mean(axis=0),
            own * shares + theirs * self._shares[near].mean(axis=0),
        )

    def _score(self, history: Positions) -> Scores:
        own, counted = self._mixture(history)
        interests, shares = self._smoothed(own, counted)
        nearness = np.einsum("if,if->i", self._items, interests[self._cluster])
        nearness[history] = -np.inf
        order = np.lexsort((np.arange(len(nearness)), -nearness, self._cluster))
        sizes = np.bincount(self._cluster, minlength=self.clusters)
        places = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
        scores = np.empty(len(order), dtype=np.float64)
        scores[order] = shares[self._cluster[order]] / (2.0 * places - 1.0)
        without = shares[self._cluster] <= 0
        scores[without] = self._left_over(interests.sum(axis=0))[without]
        return scores.astype(np.float32)

    def _left_over(self, user: Scores) -> Scores:
        nearness = self._items @ user
        return np.asarray(nearness - nearness.max(), dtype=np.float32) / max(float(np.ptp(nearness)), 1e-12)

    @staticmethod
    def _unit(vectors: Scores) -> Scores:
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _contributions(self, history: Positions, item: int) -> Scores:
        same = self._cluster[history] == self._cluster[item]
        return np.asarray((self._items[item] @ self._base.pull(history)) * same, dtype=np.float32)

    def _parts(self) -> Mapping[str, Recommender]:
        return {"embedding": self._base}

    def _assemble(self, parts: Mapping[str, Recommender]) -> None:
        base = parts.get("embedding")
        if not isinstance(base, ALS):
            raise InputError("This kNN-Embed was saved without its embedding: fit it again.")
        self._base = base
        self._items = base.item_factors

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        return {
            "cluster": self._cluster,
            "users": self._users,
            "interests": self._interests,
            "shares": self._shares,
        }

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._cluster, self._users = arrays["cluster"], arrays["users"]
        self._interests, self._shares = arrays["interests"], arrays["shares"]
