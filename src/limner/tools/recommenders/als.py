"""Matrix factorisation on implicit feedback, without an extra."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions
from limner.tools.recommenders.base import user_item_matrix
from limner.tools.recommenders.factors import LeastSquaresFactors
from limner.tools.recommenders.protocol import Grid

__all__ = ["ALS", "alternating_least_squares"]

Factors = NDArray[np.float64]
_CELLS = 4_000_000
"""How many numbers the normal equations that are solved together may take: 32 MB."""


class ALS(LeastSquaresFactors):
    """Implicit-feedback matrix factorisation by alternating least squares (Hu, Koren and Volinsky, ICDM 2008), each step solved exactly.

    A history is folded in with a recency weight; see `LeastSquaresFactors`. Each pass takes time in proportion to
    `interactions · features² + (users + items) · features³`. The defaults have the best NDCG@10 on the validation items of
    MovieLens-100K.

    Args:
        features: Length of a factor.
        epochs: Passes over users and items.
        regularization: λ.
        weight: Confidence in an interaction, `w`.
        decay: See `LeastSquaresFactors`.
        seed: Of the factors' first values.
    """

    name = "als"
    grid: ClassVar[Grid] = {
        "features": (16, 32, 48),
        "regularization": (10.0, 20.0),
        "decay": (0.87, 0.9, 0.93),
    }

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        matrix = user_item_matrix(interactions, catalogue)
        rng = np.random.default_rng(self.seed)
        items = rng.normal(scale=1.0 / self.features, size=(matrix.shape[1], self.features))
        for _ in range(self.epochs):
            users = alternating_least_squares(matrix, items, self.regularization, self.weight)
            items = alternating_least_squares(csr_array(matrix.T), users, self.regularization, self.weight)
        self._factors = items.astype(np.float32)


def alternating_least_squares(
    matrix: csr_array, others: Factors, regularization: float, weight: float
) -> Factors:
    """Return the factors of the rows, shape `(rows, features)`, that fit a binary matrix best where those of the columns are given.

    One half step of Hu, Koren and Volinsky (2008, eq. 4) with confidence `1 + weight` in a 1 and 1 in a 0.
    """
    rows, features = matrix.shape[0], others.shape[1]
    shared = others.T @ others
    shared[np.diag_indices(features)] += regularization
    squares = np.einsum("if,ig->ifg", others, others).reshape(len(others), -1)
    at_once = max(1, _CELLS // (features * features))
    found = np.zeros((rows, features))
    for start in range(0, rows, at_once):
        part = matrix[start : start + at_once]
        normal = shared + weight * np.asarray(part @ squares).reshape(-1, features, features)
        wanted = (1.0 + weight) * np.asarray(part @ others)
        found[start : start + at_once] = np.linalg.solve(normal, wanted[:, :, None])[:, :, 0]
    return found
