"""Adapters for models of LensKit (Ekstrand, CIKM 2020, arXiv 1809.03125); they need the extra `lenskit`."""

import importlib
import importlib.util
from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from limner.errors import InputError
from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions
from limner.tools.recommenders.base import BaseRecommender, Positions, Scores, user_item_matrix
from limner.tools.recommenders.factors import LeastSquaresFactors
from limner.tools.recommenders.linear import LinearItemModel
from limner.tools.recommenders.protocol import Grid

__all__ = ["LensKitALS", "LensKitItemKNN", "LensKitSLIM"]

if importlib.util.find_spec("lenskit") is None:
    raise ImportError("This recommender needs LensKit: install limner with `pip install 'limner[lenskit]'`.")


class LensKitALS(LeastSquaresFactors):
    """Implicit-feedback matrix factorisation by alternating least squares (Hu, Koren and Volinsky, ICDM 2008), trained by LensKit.

    See `LeastSquaresFactors` for how a history is folded in. The defaults are within a standard error of the best NDCG@10 tried on
    the validation items of MovieLens-100K.

    Args:
        features: Length of a factor.
        epochs: Passes over users and items.
        regularization: λ.
        weight: Confidence in an interaction, `w`.
        decay: See `LeastSquaresFactors`.
        seed: Of the factors' first values.
    """

    name = "lenskit_als"
    grid: ClassVar[Grid] = {
        "features": (24, 32),
        "regularization": (0.1, 1.0, 10.0),
        "decay": (0.9, 0.95, 1.0),
    }

    def __init__(
        self,
        *,
        features: int = 24,
        epochs: int = 10,
        regularization: float = 1.0,
        weight: float = 0.5,
        decay: float = 0.9,
        seed: int = 0,
    ) -> None:
        super().__init__(
            features=features,
            epochs=epochs,
            regularization=regularization,
            weight=weight,
            decay=decay,
            seed=seed,
        )

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


class LensKitSLIM(LinearItemModel):
    """Sparse linear methods (Ning and Karypis, ICDM 2011), trained by LensKit.

    An item's weights are the elastic-net regression of who took it on who took the others, without itself and never
    negative (§4.2). They are all that a saved model holds. The defaults have the best NDCG@10 on the validation items of
    MovieLens-100K.

    Args:
        l1: Weight of the absolute values, above 0; the larger, the fewer weights are left.
        l2: Weight of the squares, above 0.
        decay: See `LinearItemModel`.
        seed: Kept for the protocol's sake; nothing here is random.
    """

    name = "lenskit_slim"
    grid: ClassVar[Grid] = {"l1": (1.0, 5.0), "l2": (10.0, 50.0), "decay": (0.9, 0.95, 1.0)}

    def __init__(self, *, l1: float = 1.0, l2: float = 50.0, decay: float = 0.9, seed: int = 0) -> None:
        super().__init__(decay=decay, seed=seed)
        if not l1 > 0 or not l2 > 0:
            raise InputError(f"l1={l1} and l2={l2} must be above 0.")
        self.l1 = l1
        self.l2 = l2

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        scorer = _lenskit("knn.slim").SLIMScorer(l1_reg=self.l1, l2_reg=self.l2)
        scorer.train(
            _lenskit_dataset(interactions, catalogue), _lenskit("training").TrainingOptions(rng=self.seed)
        )
        self._weights = csr_array(scorer.weights, dtype=np.float32)


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
        if neighbours < 1:
            raise InputError(f"neighbours is {neighbours}; it must be at least 1.")
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
