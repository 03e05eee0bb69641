"""Factors trained by least squares on implicit feedback: how a history becomes a user's factor."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.tools.recommenders.base import BaseRecommender, Positions, Scores, checked_decay, recency_weights

__all__ = ["LeastSquaresFactors"]


class LeastSquaresFactors(BaseRecommender):
    """Base of the models of implicit-feedback matrix factorisation (Hu, Koren and Volinsky, ICDM 2008).

    A library's training gives the item factors `Y`; a history is folded in by the paper's equation 4,
    `x = (YᵀY + λI + w Y_hᵀ R Y_h)⁻¹ (1 + w) Y_hᵀ R 1`, where the diagonal of `R` is `decay ** age`; without decay that is what the
    libraries do for a user they have not seen. So a saved model needs the factors alone. The score `Y x` is a sum over
    the history (§5 of the paper), which is what `explain` gives.

    Args:
        features: Length of a factor.
        epochs: Passes over users and items.
        regularization: λ, at least 0.
        weight: Confidence in an interaction, `w`, at least 0: an item taken counts `1 + w` times one not taken.
        decay: Weight of an item of the history relative to the next newer one, above 0 and at most 1; for asking, not for training.
        seed: Of the factors' first values.
    """

    def __init__(
        self,
        *,
        features: int = 32,
        epochs: int = 15,
        regularization: float = 10.0,
        weight: float = 1.0,
        decay: float = 0.9,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        if features < 1 or epochs < 1:
            raise InputError(f"features={features} and epochs={epochs} must be at least 1.")
        if not regularization >= 0 or not weight >= 0:
            raise InputError(f"regularization={regularization} and weight={weight} must be at least 0.")
        self.features = features
        self.epochs = epochs
        self.regularization = regularization
        self.weight = weight
        self.decay = checked_decay(decay)
        self._factors: Scores = np.zeros((0, features), dtype=np.float32)

    @property
    def item_factors(self) -> Scores:
        """The factors `Y` of the catalogue's items, shape `(items, features)`; a copy."""
        return self._factors.copy()

    def _score(self, history: Positions) -> Scores:
        return np.asarray(self._factors @ self.pull(history).sum(axis=1), dtype=np.float32)

    def _contributions(self, history: Positions, item: int) -> Scores:
        return np.asarray(self._factors[item] @ self.pull(history), dtype=np.float32)

    def pull(self, history: Positions) -> NDArray[np.float64]:
        """Return what each position of a history adds to the user's factor, shape `(features, len(history))`."""
        factors = self._factors.astype(np.float64)
        own = factors[history]
        recency = recency_weights(len(history), self.decay).astype(np.float64)
        normal = factors.T @ factors + self.weight * (own.T @ (own * recency[:, None]))
        normal[np.diag_indices_from(normal)] += self.regularization
        return np.asarray(np.linalg.solve(normal, own.T * ((1.0 + self.weight) * recency)), dtype=np.float64)

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"factors": self._factors}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._factors = arrays["factors"]
