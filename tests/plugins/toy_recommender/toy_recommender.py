"""A recommender in one file, as another package would bring it."""

import numpy as np

from limner.errors import InputError
from limner.tools.recommenders.base import BaseRecommender, user_item_matrix


class Cooccurrence(BaseRecommender):
    """Scores an item by how many users took it together with each item of the history.

    Args:
        least: Fewest common users that count.
        seed: Kept for the protocol's sake; nothing here is random.
    """

    name = "toy_cooccurrence"
    grid = {"least": [1, 3]}  # noqa: RUF012 - as short as a first plug-in would have it

    def __init__(self, *, least=1, seed=0):
        super().__init__(seed=seed)
        if least < 1:
            raise InputError(f"least is {least}; it must be at least 1.")
        self.least = least

    def _fit(self, interactions, catalogue):
        matrix = user_item_matrix(interactions, catalogue)
        common = (matrix.T @ matrix).toarray().astype(np.float32)
        np.fill_diagonal(common, 0)
        self._common = np.where(common >= self.least, common, 0).astype(np.float32)

    def _score(self, history):
        return self._common[history].sum(axis=0)

    def _contributions(self, history, item):
        return self._common[history, item]

    def _arrays(self):
        return {"common": self._common}

    def _restore(self, arrays):
        self._common = arrays["common"]
