"""Item-to-next-item neighbours: what people take soon after, and soon before, what somebody took last."""

from typing import ClassVar

import numpy as np
from scipy.sparse import coo_array, csr_array

from limner.errors import InputError
from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions
from limner.tools.recommenders.linear import LinearItemModel
from limner.tools.recommenders.protocol import Grid

__all__ = ["MarkovKNN"]


class MarkovKNN(LinearItemModel):
    """First-order item-to-item transitions, counted over near places of a sequence and asked with a recency-weighted history.

    These are the sequential rules of Ludewig and Jannach (UMUAI 2018, arXiv 1803.09587, §3.1): an item that follows another
    `g` places later in somebody's sequence counts `gap ** (g - 1)`, up to `window` places. One that comes that much earlier counts
    `backward` times as much: people rate in sittings, whose order is partly chance. With `C` the counts and `n` their sums, an item `i`
    gets from a history item `j`

    `W[j, i] = C[j, i] / ((n_j + shrinkage) · (n_i + shrinkage) ** damping)`,

    a transition probability that few counts do not inflate, damped for what follows everything. Only the `neighbours` largest of each
    `j` are kept. Unlike a Markov chain, which knows the last item alone, a query weighs the whole history (`decay`).

    The defaults have the best NDCG@10 on the validation items of MovieLens-100K.

    Args:
        window: Most places between two items of a sequence that count, at least 1.
        gap: Weight of a place further away relative to the one before, above 0 and at most 1.
        backward: Weight of what comes before relative to what comes after, at least 0; 0 is the strict order.
        shrinkage: In units of counts, at least 0.
        damping: Of popular items, from 0 to 1.
        neighbours: Most items kept for each item, at least 1.
        decay: See `LinearItemModel`.
        seed: Kept for the protocol's sake; nothing here is random.
    """

    name = "markov_knn"
    # One setting at a time: what they do hardly depends on each other.
    grid: ClassVar[Grid] = (
        {},
        {"window": 15},
        {"window": 50},
        {"gap": 0.9},
        {"gap": 1.0},
        {"backward": 0.3},
        {"backward": 1.0},
        {"shrinkage": 100.0},
        {"shrinkage": 1000.0},
        {"damping": 0.3},
        {"damping": 0.7},
        {"neighbours": 200},
        {"decay": 0.7},
        {"decay": 0.8},
    )

    def __init__(
        self,
        *,
        window: int = 30,
        gap: float = 0.95,
        backward: float = 0.6,
        shrinkage: float = 300.0,
        damping: float = 0.5,
        neighbours: int = 500,
        decay: float = 0.75,
        seed: int = 0,
    ) -> None:
        super().__init__(decay=decay, seed=seed)
        if window < 1 or neighbours < 1:
            raise InputError(f"window={window} and neighbours={neighbours} must be at least 1.")
        if not 0 < gap <= 1:
            raise InputError(f"gap is {gap}; it must be above 0 and at most 1.")
        if not (backward >= 0 and shrinkage >= 0 and 0 <= damping <= 1):
            raise InputError(
                f"backward={backward} and shrinkage={shrinkage} must be at least 0, damping={damping} from 0 to 1."
            )
        self.window = window
        self.gap = gap
        self.backward = backward
        self.shrinkage = shrinkage
        self.damping = damping
        self.neighbours = neighbours

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        counts = self._counts(interactions, catalogue)
        following = np.asarray(counts.sum(axis=1), dtype=np.float64) + self.shrinkage
        followed = np.asarray(counts.sum(axis=0), dtype=np.float64) + self.shrinkage
        rows, columns, weights = [], [], []
        for item in range(len(catalogue)):
            span = slice(counts.indptr[item], counts.indptr[item + 1])
            others = counts.indices[span]
            weight = counts.data[span] / (following[item] * followed[others] ** self.damping)
            best = np.argsort(-weight, kind="stable")[: self.neighbours]
            rows.append(np.full(len(best), item))
            columns.append(others[best])
            weights.append(weight[best])
        self._weights = csr_array(
            (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))),
            shape=counts.shape,
            dtype=np.float32,
        )

    def _counts(self, interactions: Interactions, catalogue: Catalogue) -> csr_array:
        """Return the weighted counts of what comes after (and before) what, shape `(items, items)`; nothing follows itself."""
        size = len(catalogue)
        counts = csr_array((size, size), dtype=np.float64)
        sequences = [
            catalogue.positions(reversed(dict.fromkeys(reversed(history))))
            for history in interactions.histories().values()
        ]
        for distance in range(1, self.window + 1):
            before = np.concatenate([sequence[:-distance] for sequence in sequences])
            after = np.concatenate([sequence[distance:] for sequence in sequences])
            ones = np.full(len(before), self.gap ** (distance - 1))
            counts = csr_array(counts + coo_array((ones, (before, after)), shape=(size, size)))
        counts = csr_array(counts + self.backward * counts.T)
        counts.sort_indices()
        counts.eliminate_zeros()
        return counts
