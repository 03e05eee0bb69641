"""Everything that was said: what a model answers that reads the whole history."""

from collections.abc import Sequence
from datetime import datetime

from limner.evals.memories.histories import Histories, verbatim
from limner.evals.records import Passage, Turn

__all__ = ["FullMemory"]


class FullMemory:
    """Gives every message of a user, earliest first; neither the query nor `k` changes anything."""

    version = "full"

    def __init__(self) -> None:
        self._histories = Histories()

    def add(self, user: str, messages: Sequence[Turn], timestamp: datetime | None) -> None:
        """Keep messages of one user."""
        self._histories.add(user, messages, timestamp)

    def search(self, user: str, query: str, k: int) -> Sequence[Passage]:
        """Return every message in the order of time."""
        return [verbatim(turn) for turn in self._histories.of(user)]
