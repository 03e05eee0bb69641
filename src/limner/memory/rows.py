"""Between records and rows of the tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from limner.memory.counters import start_of_epoch
from limner.memory.records import Event, Evidence, Media, Observation, Proposition, Standing, utc_now
from limner.memory.schema import evidence, propositions, supersessions, users

__all__ = (
    "chunked",
    "ensure_user",
    "insert_missing",
    "lock_user",
    "observation_from",
    "observation_row",
    "proposition_row",
    "propositions_from",
)

_T = TypeVar("_T")

_CHUNK = 500
"""Values in one `IN (…)`: well under the parameter limits of every SQLite and PostgreSQL."""


def chunked(values: Iterable[_T], size: int = _CHUNK) -> Iterator[list[_T]]:
    """Yield `values` in lists of at most `size`."""
    rest = iter(values)
    while chunk := list(islice(rest, size)):
        yield chunk


def insert_missing(connection: Connection, table: Table, values: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose key or unique columns are not there yet."""
    if not values:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(table).on_conflict_do_nothing(), list(values))


def ensure_user(connection: Connection, user_id: str) -> None:
    """Make sure the user has a row, and lock it until the transaction ends."""
    new = {"id": user_id, "created_at": utc_now(), "epoch": start_of_epoch()}
    insert_missing(connection, users, [new])
    lock_user(connection, user_id)


def lock_user(connection: Connection, user_id: str) -> None:
    """Let one transaction at a time change this user's data; SQLite's write lock has done so already."""
    if connection.dialect.name != "sqlite":
        # Inserting what belongs to a user locks the user's key; with these a stronger lock could end in a deadlock.
        locked = select(users.c.id).where(users.c.id == user_id).with_for_update(key_share=True)
        connection.execute(locked)


def observation_row(observation: Observation) -> dict[str, Any]:
    """Return the columns of `observation` that come from the record."""
    return {
        **observation.model_dump(exclude={"event", "media"}),
        "utc_offset": _offset(observation.occurred_at),
        "event": observation.event.model_dump(mode="json") if observation.event else None,
        "media": observation.media.model_dump(mode="json") if observation.media else None,
    }


def _offset(moment: datetime) -> int:
    offset = moment.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def observation_from(row: Row[Any]) -> Observation:
    """Return the observation in `row`."""
    return Observation(
        id=row.id,
        user_id=row.user_id,
        text=row.text,
        source=row.source,
        author=row.author,
        event=None if row.event is None else Event.model_validate(_tuples(row.event)),
        media=None if row.media is None else Media.model_validate(row.media),
        occurred_at=row.occurred_at.astimezone(timezone(timedelta(seconds=row.utc_offset))),
        recorded_at=row.recorded_at,
        key=row.key,
        session=row.session,
        origin=row.origin,
    )


def proposition_row(proposition: Proposition, batch_id: str | None) -> dict[str, Any]:
    """Return the columns of `proposition`, written under the claim `batch_id` (none: by the user)."""
    return {
        **proposition.model_dump(exclude={"group", "evidence", "supersedes"}),
        "group_id": proposition.group,
        "standing": int(proposition.standing),
        "batch_id": batch_id,
    }


def propositions_from(connection: Connection, user_id: str, rows: Sequence[Row[Any]]) -> list[Proposition]:
    """Return the propositions in `rows`, each with its evidence and what it superseded."""
    by_id: dict[str, list[Evidence]] = {row.id: [] for row in rows}
    superseded: dict[str, list[str]] = {row.id: [] for row in rows}
    for ids in chunked(by_id):
        found = (
            select(evidence)
            .where(evidence.c.user_id == user_id, evidence.c.proposition_id.in_(ids))
            .order_by(evidence.c.proposition_id, evidence.c.position)
        )
        for e in connection.execute(found):
            by_id[e.proposition_id].append(
                Evidence(
                    observation_id=e.observation_id,
                    start=e.start,
                    end=e.end,
                    quote=e.quote,
                    polarity=e.polarity,
                    part=e.part,
                )
            )
        links = (
            select(supersessions)
            .where(supersessions.c.user_id == user_id, supersessions.c.proposition_id.in_(ids))
            .order_by(supersessions.c.proposition_id, supersessions.c.superseded_id)
        )
        for link in connection.execute(links):
            superseded[link.proposition_id].append(link.superseded_id)
    return [_proposition(row, by_id[row.id], superseded[row.id]) for row in rows]


def _proposition(row: Row[Any], spans: Sequence[Evidence], supersedes: Sequence[str]) -> Proposition:
    fields = {c.name for c in propositions.c} & set(Proposition.model_fields)
    return Proposition(
        **{name: getattr(row, name) for name in fields - {"standing"}},
        standing=Standing(row.standing),
        group=row.group_id,
        evidence=tuple(spans),
        supersedes=tuple(supersedes),
    )


def _tuples(event: Mapping[str, Any]) -> dict[str, Any]:
    attributes = event.get("attributes") or {}
    return {
        **event,
        "attributes": {n: tuple(v) if isinstance(v, list) else v for n, v in attributes.items()},
    }
