"""Where a session's turns and outcomes are stored: behind the user's door, or, for a conversation off the record, nowhere."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

from limner.errors import NotFound
from limner.memory.user import UserMemory

__all__ = ["Kept", "OffTheRecord", "Outcome", "Recorder"]

_TURN = "turn/"
Outcome = Literal["accepted", "rejected", "seen"]


@dataclass(frozen=True)
class Kept:
    """A turn as it is stored."""

    observation: str
    """The observation's id."""
    text: str
    shown: tuple[str, ...] = ()
    """Ids of the items that were recommended before the next turn."""


class Recorder(Protocol):
    """Stores what happens in one session; each thing is stored when the method returns, and twice is once."""

    @property
    def records(self) -> bool:
        """Whether anything is stored."""
        ...

    def turn(self, key: str, text: str) -> str:
        """Store a turn of the user; return its observation's id.

        Args:
            key: Of this turn and no other, in any session.
            text: What was said.

        Raises:
            InvalidObservation: It is empty or too long; nothing was stored.
            RecordingRefused: The user has recording paused; nothing was stored.
        """
        ...

    def outcome(self, item_id: str, outcome: Outcome, turn: str) -> None:
        """Store what became of a recommended item.

        Args:
            item_id: The item.
            outcome: What the user made of it.
            turn: Id of the observation that says so.
        """
        ...

    def shown(self, item_ids: Sequence[str], turn: str) -> None:
        """Store that items were recommended.

        Args:
            item_ids: The items.
            turn: Id of the observation to which they are the reply.
        """
        ...

    def turns(self) -> Sequence[Kept]:
        """Return the turns of this session that are stored, oldest first."""
        ...

    def forget(self, ids: Collection[str]) -> None:
        """Erase observations, with the outcomes that they say, or propositions; what is not there any more is passed over."""
        ...


class OffTheRecord:
    """Stores nothing.

    Args:
        user: Whose records may be erased all the same.
    """

    records = False

    def __init__(self, user: UserMemory) -> None:
        self._user = user

    def turn(self, key: str, text: str) -> str:
        """Return a name for the turn."""
        return f"{_TURN}{key}"

    def outcome(self, item_id: str, outcome: Outcome, turn: str) -> None:
        """Store nothing."""

    def shown(self, item_ids: Sequence[str], turn: str) -> None:
        """Store nothing."""

    def turns(self) -> Sequence[Kept]:
        """Return nothing."""
        return ()

    def forget(self, ids: Collection[str]) -> None:
        """Erase what was stored before; of this session nothing is."""
        for id in ids:
            if not id.startswith(_TURN):
                with suppress(NotFound):
                    self._user.forget(id)
