"""What a simulated user of a conversation is: somebody who is looking for an item, hears replies, and says something to them."""

from dataclasses import dataclass
from typing import Protocol

from limner.agents.conversation.question import Question
from limner.tools import Item

__all__ = ["Heard", "Said", "Seeker"]


@dataclass(frozen=True)
class Heard:
    """A reply of the system, as the seeker gets it."""

    text: str
    items: tuple[Item, ...] = ()
    """What it recommends, best first."""
    question: Question | None = None
    """What it asks, where that is known in a form that code can use; a language model reads the text."""


@dataclass(frozen=True)
class Said:
    """A turn of the seeker."""

    text: str
    accepted: str | None = None
    """Id of the item that they take, which ends the conversation."""
    gave_up: bool = False


class Seeker(Protocol):
    """Somebody who is looking for something; one conversation each."""

    async def open(self) -> Said:
        """Return the first turn."""
        ...

    async def answer(self, heard: Heard) -> Said:
        """Return what is said to a reply.

        Raises:
            ModelError: A model that plays the seeker failed.
        """
        ...
