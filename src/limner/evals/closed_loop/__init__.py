"""Rounds of recommending, browsing and fitting again: what becomes of satisfaction, variety and concentration."""

__all__: list[str] = []
