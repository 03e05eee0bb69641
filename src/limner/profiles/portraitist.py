"""What every way of drawing a portrait has in common."""

from typing import Protocol

from limner.memory.records import Portrait
from limner.memory.user import UserMemory

__all__ = ["Portraitist"]


class Portraitist(Protocol):
    """Draws a portrait of a user from memory."""

    @property
    def kind(self) -> str:
        """Name under which its portraits are kept: such as `propositions` or `summary`."""
        ...

    async def draw(self, user: UserMemory, task: str | None = None) -> Portrait:
        """Draw a portrait; it is not stored yet.

        Args:
            user: Whose.
            task: What the portrait is for, in words; none for a general one.
        """
        ...
