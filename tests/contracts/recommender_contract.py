"""The contract of recommenders that `limner.testing` has for everybody."""

from limner.testing import RecommenderContract
from limner.testing.recommender_contract import CATALOGUE, HISTORY, IDS

__all__ = ["CATALOGUE", "HISTORY", "IDS", "RecommenderContract"]
