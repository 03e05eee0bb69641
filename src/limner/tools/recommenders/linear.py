"""Item-to-item models: a score is a weighted sum over the history, so it can be taken apart again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from limner.tools.recommenders.base import (
    BaseRecommender,
    Matrix,
    Positions,
    Scores,
    checked_decay,
    recency_weights,
)

__all__ = ["LinearItemModel"]


class LinearItemModel(BaseRecommender):
    """Base of models with `score(i) = Σ_j decay^age(j) · W[j, i]` over the history items `j`.

    Args:
        decay: Weight of an item relative to the next newer one, above 0 and at most 1; 1 treats all alike.
        seed: Kept for the protocol's sake; nothing here is random.
    """

    def __init__(self, *, decay: float = 1.0, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.decay = checked_decay(decay)
        self._weights: Matrix = csr_array((0, 0), dtype=np.float32)

    def _score(self, history: Positions) -> Scores:
        scores: Any = self._weights[history].T @ recency_weights(len(history), self.decay)
        return np.asarray(scores, dtype=np.float32)

    def _contributions(self, history: Positions, item: int) -> Scores:
        column: Any = self._weights[history][:, [item]]
        dense = column.toarray() if isinstance(column, csr_array) else column
        return np.asarray(dense[:, 0] * recency_weights(len(history), self.decay), dtype=np.float32)

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        weights = self._weights
        if isinstance(weights, csr_array):
            return {"data": weights.data, "indices": weights.indices, "indptr": weights.indptr}
        return {"weights": weights}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        if "weights" in arrays:
            self._weights = arrays["weights"]
            return
        items = len(arrays["indptr"]) - 1
        self._weights = csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(items, items))
