"""The most popular items, whoever asks: the floor for every other model."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions
from limner.tools.recommenders.base import BaseRecommender, Positions, Scores

__all__ = ["Popularity"]


class Popularity(BaseRecommender):
    """Ranks items by the number of users who took them."""

    name = "popularity"

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        """Nothing to add: every recommender counts popularity, for those who have no history."""

    def _score(self, history: Positions) -> Scores:
        return self._popularity.copy()

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        return {}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Nothing beyond what the base restores."""
