"""No memory: what a model answers without its user's history."""

from collections.abc import Sequence
from datetime import datetime

from limner.evals.records import Passage, Turn

__all__ = ["NoMemory"]


class NoMemory:
    """Keeps nothing and finds nothing; the floor that every memory has to beat."""

    version = "none"

    def add(self, user: str, messages: Sequence[Turn], timestamp: datetime | None) -> None:
        """Forget the messages at once."""

    def search(self, user: str, query: str, k: int) -> Sequence[Passage]:
        """Return nothing."""
        return ()
