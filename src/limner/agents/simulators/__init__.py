"""Simulated users: a seeker that goes by rules, one that a language model plays, and a population that browses pages."""

__all__: list[str] = []
