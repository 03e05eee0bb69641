"""What was said, kept per user in the order of time: the part that memories of verbatim turns share."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from limner.evals.records import Passage, Turn

__all__ = ["Histories", "verbatim"]


class Histories:
    """Each user's turns.

    A turn without a time takes its session's; without that, it stays right after the turn that was added before it. Turns
    of one time stay in the order in which they were added. Different users may be added from different threads.
    """

    def __init__(self) -> None:
        self._turns: dict[str, list[Turn]] = {}

    def add(self, user: str, messages: Sequence[Turn], timestamp: datetime | None) -> None:
        """Append a session; arguments as `MemorySystem.add`."""
        self._turns.setdefault(user, []).extend(
            turn if turn.at is not None or timestamp is None else replace(turn, at=timestamp)
            for turn in messages
        )

    def of(self, user: str) -> list[Turn]:
        """Return a user's turns, earliest first; none of an unknown user."""
        turns = self._turns.get(user, [])
        times: list[tuple[bool, float]] = []
        latest = (False, 0.0)  # before everything that has a time
        for turn in turns:
            if turn.at is not None:
                latest = (True, turn.at.timestamp())
            times.append(latest)
        return [turns[i] for i in sorted(range(len(turns)), key=times.__getitem__)]


def verbatim(turn: Turn, score: float | None = None) -> Passage:
    """Return a turn as a passage, word for word."""
    return Passage(
        turn.text, ids=() if turn.id is None else (turn.id,), score=score, role=turn.role, at=turn.at
    )
