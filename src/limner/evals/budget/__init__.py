"""Answer quality against prompt tokens: what a summary of the user, retrieval, and both buy at several budgets."""

__all__: list[str] = []
