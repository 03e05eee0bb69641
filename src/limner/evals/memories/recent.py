"""The last few messages, whatever is asked."""

from collections.abc import Sequence
from datetime import datetime

from limner.evals.memories.histories import Histories, verbatim
from limner.evals.records import Passage, Turn

__all__ = ["RecentMemory"]


class RecentMemory:
    """Gives a user's last `k` messages, earliest first; the query changes nothing."""

    version = "recent"

    def __init__(self) -> None:
        self._histories = Histories()

    def add(self, user: str, messages: Sequence[Turn], timestamp: datetime | None) -> None:
        """Keep messages of one user."""
        self._histories.add(user, messages, timestamp)

    def search(self, user: str, query: str, k: int) -> Sequence[Passage]:
        """Return the last `k` messages in the order of time."""
        turns = self._histories.of(user)
        return [verbatim(turn) for turn in turns[max(0, len(turns) - max(0, k)) :]]
