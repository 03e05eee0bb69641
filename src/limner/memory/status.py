"""How much is stored, and what still waits."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, func, select

from limner.memory.asof import held_in
from limner.memory.claims import Parked, parked
from limner.memory.pictures import waiting_to_be_seen
from limner.memory.records import utc_now
from limner.memory.reencoding import Encoding, encoding_of
from limner.memory.schema import checkpoints, observations, outbox, propositions, users, vectors
from limner.memory.sources import list_sources, paused_since
from limner.memory.vectors import Vectorizer

__all__ = ("MemoryStatus", "StoreStatus", "UserSummary", "store_status", "summaries", "user_status")


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
    paused_at: datetime | None = None
    """Since when nothing is recorded; none while it is."""
    paused_sources: tuple[str, ...] = ()
    """Sources that are not recorded, while others are."""
    encoding: Encoding | None = None
    """How far the vectors have been made anew; none where all are of the encoder in force, or it cannot be told."""
    unseen: int = 0
    """Observations, among those pending, whose picture waits for a model that sees."""


@dataclass(frozen=True, slots=True)
class UserSummary:
    """One user among all: how much is stored of them, from where, and when something came last."""

    id: str
    created_at: datetime
    observations: int
    pending: int
    """Observations that wait for a reflection or are in one."""
    parked: int
    propositions: int
    """Those held now."""
    sources: Mapping[str, int]
    """Observations by source."""
    last_recorded_at: datetime | None
    """When something was recorded last; none where nothing is."""
    paused_at: datetime | None
    """Since when nothing is recorded; none while it is."""
    size: int | None = None
    """Characters of what was observed and concluded, and bytes of vectors and conversations; none where not asked for."""


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
        propositions=count(propositions, held_in(propositions, None)),
        vectors=count(vectors),
        outbox=count(outbox),
    )


def user_status(connection: Connection, user_id: str, encoder: Vectorizer) -> MemoryStatus:
    """Return the counts of one user."""
    c = observations.c
    states = select(c.state, func.count()).where(c.user_id == user_id).group_by(c.state)
    by_state = {row[0]: row[1] for row in connection.execute(states)}
    held = select(func.count()).where(propositions.c.user_id == user_id, held_in(propositions, None))
    pause = select(func.min(c.next_attempt_at)).where(
        c.user_id == user_id, c.state == "pending", c.next_attempt_at > utc_now()
    )
    return MemoryStatus(
        observations=sum(by_state.values()),
        pending=by_state.get("pending", 0) + by_state.get("claimed", 0),
        parked=tuple(parked(connection, user_id)),
        propositions=connection.execute(held).scalar_one(),
        next_attempt_at=connection.execute(pause).scalar(),
        paused_at=paused_since(connection, user_id),
        paused_sources=tuple(one.source for one in list_sources(connection, user_id) if one.paused_at),
        encoding=encoding_of(connection, user_id, encoder),
        unseen=waiting_to_be_seen(connection, user_id),
    )


def summaries(connection: Connection, *, sizes: bool = False) -> list[UserSummary]:
    """Return one summary a user, by id; with their sizes every row is looked at."""
    o, p = observations.c, propositions.c
    counted = select(
        o.user_id, o.source, o.state, func.count().label("n"), func.max(o.recorded_at).label("last")
    ).group_by(o.user_id, o.source, o.state)
    by_source: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    by_state: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    last: dict[str, datetime] = {}
    for row in connection.execute(counted.order_by(o.user_id, o.source)):
        by_source[row.user_id][row.source] += row.n
        by_state[row.user_id][row.state] += row.n
        last[row.user_id] = max(last.get(row.user_id, row.last), row.last)
    counts = select(p.user_id, func.count()).where(held_in(propositions, None)).group_by(p.user_id)
    held = {row[0]: row[1] for row in connection.execute(counts)}
    size_of = _sizes(connection) if sizes else {}
    return [
        UserSummary(
            id=row.id,
            created_at=row.created_at,
            observations=sum(by_source[row.id].values()),
            pending=by_state[row.id]["pending"] + by_state[row.id]["claimed"],
            parked=by_state[row.id]["parked"],
            propositions=held.get(row.id, 0),
            sources=dict(by_source[row.id]),
            last_recorded_at=last.get(row.id),
            paused_at=row.paused_at,
            size=size_of.get(row.id, 0) if sizes else None,
        )
        for row in connection.execute(select(users).order_by(users.c.id))
    ]


def _sizes(connection: Connection) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for column in (observations.c.text, propositions.c.text, vectors.c.vector, checkpoints.c.state):
        user_id = column.table.c.user_id
        for name, size in connection.execute(
            select(user_id, func.sum(func.length(column))).group_by(user_id)
        ):
            found[name] += size
    return found
