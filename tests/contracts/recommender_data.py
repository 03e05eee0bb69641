"""The made films and interactions that `limner.testing` has for everybody."""

from limner.testing.recommender_data import FILMS, catalogue, interactions

__all__ = ["FILMS", "catalogue", "interactions"]
