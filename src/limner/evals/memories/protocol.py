"""What a memory must be able to do to be compared."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from limner.evals.records import Passage, Turn

__all__ = ["MemorySystem"]


@runtime_checkable
class MemorySystem(Protocol):
    """A memory under test: two methods, both sync, called from worker threads, never at once for the same user.

    A system that has more to say may have an attribute `version`, a text that goes into the results, and a method
    `close()`, which is called when the run ends.
    """

    def add(self, user: str, messages: Sequence[Turn], timestamp: datetime | None) -> None:
        """Take in messages of one user, oldest first.

        Args:
            user: Whose; an id that no other history shares.
            messages: Turns of one session; each has an `id` where the benchmark scores retrieval.
            timestamp: When the session took place, with a time zone; none where the data does not tell.
        """
        ...

    def search(self, user: str, query: str, k: int) -> Sequence[Passage]:
        """Return what bears on a query, best first.

        Args:
            user: Whose memory.
            query: In words.
            k: How many pieces; a system that writes a summary of its own counts it as one.
        """
        ...
