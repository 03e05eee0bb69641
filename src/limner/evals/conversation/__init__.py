"""Conversations with simulated users: whether they find what they are looking for, and in how many turns."""

__all__: list[str] = []
