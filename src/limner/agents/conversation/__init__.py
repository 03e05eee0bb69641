"""Conversational recommendation sessions: what the user means by a turn, what is done about it, and what is said."""

__all__: list[str] = []
