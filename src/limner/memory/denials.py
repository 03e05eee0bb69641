"""What the user said is not so, or corrected: no later inference may bring it back.

A new version is refused that has the same words, is about the same computed topic, or is near-identical by its vector;
unless the user says it themselves again, in words that are newer than the denial.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from limner.memory.database import Database
from limner.memory.records import Proposition, Standing
from limner.memory.rows import chunked
from limner.memory.sameness import near_identical, same_words
from limner.memory.schema import observations, propositions
from limner.memory.vectors import unit_rows

__all__ = ("refusals", "refusals_by_vector")


class _Encoder(Protocol):
    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class _Denied(NamedTuple):
    text: str
    topic: str | None
    denied_at: datetime


def refusals(connection: Connection, user_id: str, add: Sequence[Proposition]) -> dict[str, str]:
    """Return which of these versions say again what the user denied, by words or topic, and why each is refused."""
    denied = _denied(connection, user_id)
    return _refused(connection, user_id, add, denied, [[_same(p, d) for d in denied] for p in add])


def refusals_by_vector(
    database: Database, encoder: _Encoder, user_id: str, add: Sequence[Proposition]
) -> dict[str, str]:
    """Return the same by words, topic or vector; no transaction is open while something is encoded."""
    with database.read() as connection:
        denied = _denied(connection, user_id)
    judged = [p for p in add if p.standing < Standing.CONFIRMED]
    if not denied or not judged:
        return {}
    rows = unit_rows(encoder.encode_documents([p.text for p in judged] + [d.text for d in denied]))
    cosines = rows[: len(judged)] @ rows[len(judged) :].T
    alike = [
        [
            _same(p, d) or near_identical(p.text, d.text, float(cosine))
            for d, cosine in zip(denied, row, strict=True)
        ]
        for p, row in zip(judged, cosines, strict=True)
    ]
    with database.read() as connection:
        return _refused(connection, user_id, judged, denied, alike)


def _denied(connection: Connection, user_id: str) -> Sequence[_Denied]:
    c = propositions.c
    statement = select(c.text, c.topic, c.denied_at).where(c.user_id == user_id, c.denied_at.is_not(None))
    return [_Denied(*row) for row in connection.execute(statement.order_by(c.denied_at.desc(), c.id))]


def _same(new: Proposition, denied: _Denied) -> bool:
    return same_words(new.text, denied.text) or (new.topic is not None and new.topic == denied.topic)


def _refused(
    connection: Connection,
    user_id: str,
    add: Sequence[Proposition],
    denied: Sequence[_Denied],
    alike: Sequence[Sequence[bool]],
) -> dict[str, str]:
    found: dict[str, str] = {}
    for new, row in zip(add, alike, strict=True):
        hit = next((d for d, same in zip(denied, row, strict=True) if same), None)
        if hit is None or new.standing >= Standing.CONFIRMED:
            continue
        if new.standing is Standing.STATED and _said_after(connection, user_id, new, hit):
            continue
        found[new.id] = f"the user denied it, or corrected it, on {hit.denied_at:%Y-%m-%d}: {hit.text}"
    return found


def _said_after(connection: Connection, user_id: str, new: Proposition, denied: _Denied) -> bool:
    """Whether the user has said it since, in an observation that speaks for it."""
    cited = {e.observation_id for e in new.evidence if e.polarity == "supports"}
    for chunk in chunked(sorted(cited)):
        statement = select(observations.c.id).where(
            observations.c.user_id == user_id,
            observations.c.id.in_(chunk),
            observations.c.author == "user",
            observations.c.occurred_at > denied.denied_at,
        )
        if connection.execute(statement.limit(1)).first() is not None:
            return True
    return False
