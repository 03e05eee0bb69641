"""LettinGo: free-form profiles, scored by what a recommender makes of them, and a generator that is aligned to the better."""

__all__: list[str] = []
