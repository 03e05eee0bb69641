"""What comes back for a turn."""

from dataclasses import dataclass

from limner.agents.conversation.acts import Act
from limner.agents.conversation.dialogue import ReplyAct
from limner.agents.conversation.question import Question
from limner.tools import Item

__all__ = ["Piece", "Reply", "Suggested"]


@dataclass(frozen=True)
class Suggested:
    """An item that a reply recommends."""

    item: Item
    reason: str
    """In one sentence, with the words of the user or the portrait line that it rests on."""
    why: tuple[str, ...] = ()
    """Every reason, a sentence each."""
    evidence: tuple[str, ...] = ()
    """Ids of the observations that they rest on."""

    @property
    def title(self) -> str:
        """The item's title."""
        return self.item.title


@dataclass(frozen=True)
class Piece:
    """A part of a reply's text, as it is streamed."""

    text: str


@dataclass(frozen=True)
class Reply:
    """What is said to a turn of the user."""

    text: str
    act: ReplyAct
    items: tuple[Suggested, ...] = ()
    """What it recommends, best first."""
    question: Question | None = None
    session: str = ""
    turn: int = 0
    """Number of the user's turn that it replies to, from 1."""
    understood: tuple[Act, ...] = ()
    """What the turn was taken for."""
