"""Implementations of `limner.inference.Encoder`, one per file."""

__all__: list[str] = []
