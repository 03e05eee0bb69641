"""Adapters for models of implicit (Frederickson, github.com/benfred/implicit); they need the extra `implicit`."""

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix

from limner.errors import InputError
from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions
from limner.tools.recommenders.base import (
    BaseRecommender,
    Positions,
    Scores,
    checked_decay,
    recency_weights,
    user_item_matrix,
)
from limner.tools.recommenders.factors import LeastSquaresFactors
from limner.tools.recommenders.protocol import Grid

__all__ = ["ImplicitALS", "ImplicitBPR"]

if importlib.util.find_spec("implicit") is None:
    raise ImportError(
        "This recommender needs the package implicit: install limner with `pip install 'limner[implicit]'`."
    )


class ImplicitALS(LeastSquaresFactors):
    """Implicit-feedback matrix factorisation by alternating least squares (Hu, Koren and Volinsky, ICDM 2008), trained by implicit.

    implicit's `alpha` is `1 + weight` here; its solver is the exact one (Cholesky). See `LeastSquaresFactors` for how a
    history is folded in. The defaults have the best NDCG@10 on the validation items of MovieLens-100K.

    Args:
        features: Length of a factor.
        epochs: Passes over users and items.
        regularization: λ.
        weight: Confidence in an interaction, `w`.
        decay: See `LeastSquaresFactors`.
        seed: Of the factors' first values.
    """

    name = "implicit_als"
    grid: ClassVar[Grid] = {
        "features": (24, 32, 64),
        "regularization": (1.0, 10.0, 30.0),
        "decay": (0.9, 0.95, 1.0),
    }

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        model = _trained(
            "cpu.als",
            "AlternatingLeastSquares",
            user_item_matrix(interactions, catalogue),
            factors=self.features,
            regularization=self.regularization,
            alpha=1.0 + self.weight,
            iterations=self.epochs,
            use_cg=False,
            random_state=self.seed,
        )
        self._factors = np.asarray(model.item_factors, dtype=np.float32)


class ImplicitBPR(BaseRecommender):
    """Bayesian personalised ranking of a matrix factorisation (Rendle et al., UAI 2009, arXiv 1205.2618), trained by implicit.

    The library has no factor for a user it was not trained on. Here a history is folded in by a linear map: with `m` the
    mean of the history's item factors (weighed by `decay ** age`), `x = A m`, where `A` is the ridge regression
    of the factors that training gave its own users on their mean item factors. So a saved model needs the item
    factors, their biases and `A`, everybody is asked about alike, and the score without the bias is a sum over the history.

    The defaults are within a standard error of the best NDCG@10 on the validation items of MovieLens-100K, at less than half of its time.

    Args:
        features: Length of a factor, without the bias.
        epochs: Passes over the interactions.
        learning_rate: Step of the stochastic gradient, above 0.
        regularization: Weight decay of the factors, at least 0.
        decay: Weight of an item of the history relative to the next newer one, above 0 and at most 1; for asking, not for training.
        seed: Of the factors' first values and of the draws.
    """

    name = "implicit_bpr"
    grid: ClassVar[Grid] = {"features": (32, 64), "learning_rate": (0.02, 0.05), "decay": (0.8, 0.9, 1.0)}

    def __init__(
        self,
        *,
        features: int = 32,
        epochs: int = 100,
        learning_rate: float = 0.05,
        regularization: float = 0.02,
        decay: float = 0.9,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        if features < 1 or epochs < 1:
            raise InputError(f"features={features} and epochs={epochs} must be at least 1.")
        if not learning_rate > 0 or not regularization >= 0:
            raise InputError(
                f"learning_rate={learning_rate} must be above 0 and regularization={regularization} at least 0."
            )
        self.features = features
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.decay = checked_decay(decay)
        self._factors: Scores = np.zeros((0, features), dtype=np.float32)
        self._bias: Scores = np.zeros(0, dtype=np.float32)
        self._fold: Scores = np.zeros((features, features), dtype=np.float32)

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        matrix = user_item_matrix(interactions, catalogue)
        model = _trained(
            "cpu.bpr",
            "BayesianPersonalizedRanking",
            matrix,
            factors=self.features,
            learning_rate=self.learning_rate,
            regularization=self.regularization,
            iterations=self.epochs,
            random_state=self.seed,
        )
        # The library keeps an item's bias as the last value of its factor, against a 1 at the users' end.
        self._factors = np.ascontiguousarray(model.item_factors[:, :-1], dtype=np.float32)
        self._bias = np.asarray(model.item_factors[:, -1], dtype=np.float32)
        self._fold = _ridge(_means(matrix, self._factors), np.asarray(model.user_factors[:, :-1]))

    def _score(self, history: Positions) -> Scores:
        user = self._pull(history).sum(axis=0)
        return np.asarray(self._factors @ user + self._bias, dtype=np.float32)

    def _contributions(self, history: Positions, item: int) -> Scores:
        return np.asarray(self._pull(history) @ self._factors[item], dtype=np.float32)

    def _pull(self, history: Positions) -> Scores:
        """Return what each history item adds to the user's factor, shape `(len(history), features)`."""
        weights = recency_weights(len(history), self.decay)
        shares = (weights / weights.sum())[:, None]
        return np.asarray((self._factors[history] * shares) @ self._fold, dtype=np.float32)

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"factors": self._factors, "bias": self._bias, "fold": self._fold}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._factors, self._bias, self._fold = arrays["factors"], arrays["bias"], arrays["fold"]


def _trained(module: str, kind: str, matrix: csr_array, **settings: object) -> Any:  # noqa: ANN401 - implicit is optional
    # One thread: several write to the same factors and make two fits differ, and BLAS threads of its own slow implicit down.
    with importlib.import_module("threadpoolctl").threadpool_limits(1, "blas"):
        model = getattr(importlib.import_module(f"implicit.{module}"), kind)(num_threads=1, **settings)
        model.fit(_indexed(matrix), show_progress=False)
    return model


def _indexed(matrix: csr_array) -> csr_matrix:
    """Return the matrix as implicit's compiled parts take it: with 32-bit indices."""
    return csr_matrix(
        (matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)), shape=matrix.shape
    )


def _means(matrix: csr_array, factors: Scores) -> NDArray[np.float64]:
    taken = np.maximum(np.asarray(matrix.sum(axis=1), dtype=np.float64), 1.0)
    return np.asarray(matrix @ factors.astype(np.float64) / taken[:, None], dtype=np.float64)


def _ridge(given: NDArray[np.float64], wanted: NDArray[Any]) -> Scores:
    """Return `A` with `given @ A ≈ wanted`; the penalty is a hundredth of the mean variance, so that it has no unit."""
    normal = given.T @ given
    normal[np.diag_indices_from(normal)] += 0.01 * max(np.trace(normal) / len(normal), 1e-12)
    return np.asarray(np.linalg.solve(normal, given.T @ wanted.astype(np.float64)), dtype=np.float32)
