"""Adapters for models of LensKit (Ekstrand, CIKM 2020, arXiv 1809.03125); they need the extra `lenskit`."""

import importlib
import importlib.util
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions
from limner.tools.recommenders.base import BaseRecommender, Positions, Scores, user_item_matrix

__all__ = ["LensKitALS", "LensKitItemKNN"]

if importlib.util.find_spec("lenskit") is None:
    raise ImportError("This recommender needs LensKit: install limner with `pip install 'limner[lenskit]'`.")


class LensKitALS(BaseRecommender):
    """Implicit-feedback matrix factorisation by alternating least squares (Hu, Koren and Volinsky, ICDM 2008), trained by LensKit.

    LensKit's training gives the item factors `Y`; a history is folded in by the paper's equation 4,
    `x = (YᵀY + λI + w Y_hᵀY_h)⁻¹ (1 + w) Y_hᵀ1`, as LensKit does for a user it has not seen, so that a saved model needs
    the factors alone. The score `Y x` is a sum over the history (§5 of the paper), which is what `explain` gives.

    The defaults have the best NDCG@10 on the validation items of MovieLens-100K.

    Args:
        features: Length of a factor.
        epochs: Passes over users and items.
        regularization: λ.
        weight: Confidence in an interaction, `w`.
        seed: Of the factors' first values.
    """

    name = "lenskit_als"

    def __init__(
        self,
        *,
        features: int = 24,
        epochs: int = 10,
        regularization: float = 1.0,
        weight: float = 0.5,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        self.features = features
        self.epochs = epochs
        self.regularization = regularization
        self.weight = weight
        self._factors: Scores = np.zeros((0, features), dtype=np.float32)

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        scorer = _lenskit("als").ImplicitMFScorer(
            embedding_size=self.features,
            epochs=self.epochs,
            regularization=self.regularization,
            weight=self.weight,
            user_embeddings=False,
        )
        data = _lenskit_dataset(interactions, catalogue)
        scorer.train(data, _lenskit("training").TrainingOptions(rng=self.seed))
        self._factors = np.asarray(scorer.item_embeddings, dtype=np.float32)

    def _score(self, history: Positions) -> Scores:
        return np.asarray(self._factors @ self._pull(history).sum(axis=1), dtype=np.float32)

    def _contributions(self, history: Positions, item: int) -> Scores:
        return np.asarray(self._factors[item] @ self._pull(history), dtype=np.float32)

    def _pull(self, history: Positions) -> NDArray[np.float64]:
        """Return what each history item adds to the user's factor, shape `(features, len(history))`."""
        factors = self._factors.astype(np.float64)
        own = factors[history]
        normal = factors.T @ factors + self.weight * (own.T @ own)
        normal[np.diag_indices_from(normal)] += self.regularization
        return np.asarray(np.linalg.solve(normal, own.T * (1.0 + self.weight)), dtype=np.float64)

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"factors": self._factors}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._factors = arrays["factors"]


class LensKitItemKNN(BaseRecommender):
    """Item-based nearest neighbours on implicit feedback (Deshpande and Karypis, ACM TOIS 2004), as LensKit has them.

    Differs from `item_knn` in that the neighbours of an item are chosen among the history when it is scored, not when the
    model is fitted, and that similarities are not shrunk.

    Args:
        neighbours: Most history items that an item is scored by.
        seed: Kept for the protocol's sake; nothing here is random.
    """

    name = "lenskit_item_knn"

    def __init__(self, *, neighbours: int = 20, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.neighbours = neighbours
        self._similarities = csr_array((0, 0), dtype=np.float32)
        self._scorer: Any = None

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        scorer = _lenskit("knn").ItemKNNScorer(max_nbrs=self.neighbours, feedback="implicit")
        scorer.train(
            _lenskit_dataset(interactions, catalogue), _lenskit("training").TrainingOptions(rng=self.seed)
        )
        self._similarities = csr_array(scorer.sim_matrix.to_scipy())
        self._scorer = scorer

    def _score(self, history: Positions) -> Scores:
        items = _lenskit("data").ItemList
        everything = items(item_ids=np.arange(self._similarities.shape[0]))
        scored = self._scorer(items(item_ids=history), everything).scores("numpy")
        # An item without a neighbour in the history has no score with LensKit; here it has an empty sum.
        return np.nan_to_num(np.asarray(scored, dtype=np.float32), nan=0.0)

    def _contributions(self, history: Positions, item: int) -> Scores:
        similarities = self._similarities[[item], :].toarray()[0, history]
        weakest = np.argsort(-similarities, kind="stable")[self.neighbours :]
        similarities[weakest] = 0.0
        return np.asarray(similarities, dtype=np.float32)

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        matrix = self._similarities
        return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        items = len(arrays["indptr"]) - 1
        self._similarities = csr_array(
            (arrays["data"], arrays["indices"], arrays["indptr"]), shape=(items, items)
        )
        scorer = _lenskit("knn").ItemKNNScorer(max_nbrs=self.neighbours, feedback="implicit")
        scorer.items = _lenskit("data").Vocabulary(np.arange(items), "item", reorder=False)
        scorer.item_means = None
        scorer.item_counts = np.diff(self._similarities.indptr)
        scorer.sim_matrix = _lenskit("data.matrix").SparseRowArray.from_scipy(self._similarities, large=True)
        self._scorer = scorer


def _lenskit(module: str) -> ModuleType:
    # Imported at the first fit, not with this module: it brings torch.
    return importlib.import_module(f"lenskit.{module}")


def _lenskit_dataset(interactions: Interactions, catalogue: Catalogue) -> Any:  # noqa: ANN401 - LensKit is optional
    """Return a LensKit data set whose item ids are the places in the catalogue; it holds every item, each pair once."""
    pandas = importlib.import_module("pandas")

    users, items = user_item_matrix(interactions, catalogue).nonzero()
    pairs = pandas.DataFrame({"user_id": users, "item_id": items})
    return _lenskit("data").from_interactions_df(pairs, items=np.arange(len(catalogue)))
