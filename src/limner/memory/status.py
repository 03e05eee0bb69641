"""How much is stored, and what still waits."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, func, select

from limner.memory.claims import Parked, parked
from limner.memory.documents import known_at
from limner.memory.records import utc_now
from limner.memory.schema import observations, outbox, propositions, users, vectors

__all__ = ("MemoryStatus", "StoreStatus", "store_status", "user_status")


@dataclass(frozen=True, slots=True)
class MemoryStatus:
    """What is stored of one user, and what still waits."""

    observations: int
    pending: int
    """Observations that wait for a reflection or are in one."""
    parked: tuple[Parked, ...]
    """Observations that failed too often, each with the reason."""
    propositions: int
    """Those held now."""
    next_attempt_at: datetime | None
    """When the first failed batch may be tried again; none when nothing pauses after a failure."""


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What is stored of all users together."""

    users: int
    observations: int
    pending: int
    parked: int
    propositions: int
    """Those held now."""
    vectors: int
    outbox: int
    """Changes that the vector index has not followed yet."""


def store_status(connection: Connection) -> StoreStatus:
    """Return the counts over all users."""

    def count(table: Table, *conditions: ColumnElement[bool]) -> int:
        return connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()

    return StoreStatus(
        users=count(users),
        observations=count(observations),
        pending=count(observations, observations.c.state.in_(("pending", "claimed"))),
        parked=count(observations, observations.c.state == "parked"),
        propositions=count(propositions, known_at(propositions, None)),
        vectors=count(vectors),
        outbox=count(outbox),
    )


def user_status(connection: Connection, user_id: str) -> MemoryStatus:
    """Return the counts of one user."""
    c = observations.c
    states = select(c.state, func.count()).where(c.user_id == user_id).group_by(c.state)
    by_state = {row[0]: row[1] for row in connection.execute(states)}
    held = select(func.count()).where(propositions.c.user_id == user_id, known_at(propositions, None))
    pause = select(func.min(c.next_attempt_at)).where(
        c.user_id == user_id, c.state == "pending", c.next_attempt_at > utc_now()
    )
    return MemoryStatus(
        observations=sum(by_state.values()),
        pending=by_state.get("pending", 0) + by_state.get("claimed", 0),
        parked=tuple(parked(connection, user_id)),
        propositions=connection.execute(held).scalar_one(),
        next_attempt_at=connection.execute(pause).scalar(),
    )
