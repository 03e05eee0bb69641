"""The recommending agent against the trained recommender it stands on: next items, and requests with conditions."""

__all__: list[str] = []
