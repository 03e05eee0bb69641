"""What retrieval finds: sessions or rounds, the text under which each is found, and which of them are evidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from limner.evals.longmemeval.haystacks import Asking, Said, Session
from limner.evals.records import Turn, Utterance

__all__ = ["Granularity", "Key", "Unit", "units"]

Granularity = Literal["session", "round"]
"""A round is a turn of the user with the assistant's turns up to the user's next one."""
Key = Literal["user", "both"]
"""Whose words are the text under which a unit is found; the published code indexes the user's alone."""


@dataclass(frozen=True)
class Unit:
    """One thing that can be found."""

    turn: Turn
    gold: bool


def units(asking: Asking, granularity: Granularity, key: Key) -> Iterator[Unit]:
    """Yield the units of a haystack, oldest first.

    With labels, a unit is evidence if it holds a turn marked `has_answer` whose words are indexed, and, as a session,
    is listed in `answer_session_ids`. Without labels, a session is evidence if it is listed, and no round is.

    Args:
        asking: A question with its haystack.
        granularity: How large a unit is.
        key: Whose words are indexed; a unit without any is left out, as nothing could find it.
    """
    for session in asking.sessions:
        for name, said in [(session.id, session.turns)] if granularity == "session" else _rounds(session):
            indexed = [one for one in said if key == "both" or one.role == "user"]
            if not indexed:
                continue
            marked = any(one.has_answer for one in indexed)
            listed = session.id in asking.gold
            gold = listed and (marked or not asking.labelled) if granularity == "session" else marked
            utterances = tuple(Utterance(one.text, one.role) for one in indexed)
            text = " ".join(one.text for one in indexed)
            yield Unit(Turn(text, "user", name, session.at, session.id, utterances), gold)


def _rounds(session: Session) -> Iterator[tuple[str, tuple[Said, ...]]]:
    """Yield each round with its published id; an assistant's turns before the first of the user's are one of their own."""
    current: list[Said] = []
    for said in session.turns:
        if said.role == "user" and current:
            yield f"{session.id}_{current[0].place}", tuple(current)
            current = []
        current.append(said)
    if current:
        yield f"{session.id}_{current[0].place}", tuple(current)
