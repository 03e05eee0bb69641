"""What profiles are worth to a recommender, with intervals."""

__all__: list[str] = []
