"""Evaluation: how well limner and its parts do what they are for."""

__all__: list[str] = []
