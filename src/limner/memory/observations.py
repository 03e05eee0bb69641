"""Storing observations, and reading them back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from limner.errors import NotFound
from limner.memory.counters import next_version
from limner.memory.documents import add_documents
from limner.memory.records import Observation
from limner.memory.rows import chunked, ensure_user, observation_from, observation_row
from limner.memory.schema import observations

__all__ = ("list_observations", "one_observation", "store_observations")


def store_observations(connection: Connection, user_id: str, new: Sequence[Observation]) -> list[Observation]:
    """Store observations in the order given; one whose key is known is not stored again.

    What limner itself said is stored for context, but never waits for a reflection: it is no evidence.

    Returns:
        Each observation as it is stored, which for a known key is the one stored first.
    """
    ensure_user(connection, user_id)
    known = _with_keys(connection, user_id, [o.key for o in new if o.key is not None])
    fresh, stored = [], []
    for observation in new:
        first = observation if observation.key is None else known.setdefault(observation.key, observation)
        if first is observation:
            fresh.append(observation)
        stored.append(first)
    if fresh:
        version = next_version(connection, user_id)
        connection.execute(insert(observations), [_new_row(observation) for observation in fresh])
        add_documents(connection, user_id, fresh, version)
    return stored


def _new_row(observation: Observation) -> dict[str, Any]:
    state = "done" if observation.author == "assistant" else "pending"
    return {**observation_row(observation), "state": state, "attempts": 0}


def one_observation(connection: Connection, user_id: str, observation_id: str) -> Observation:
    """Return one observation.

    Raises:
        NotFound: The user has none of this id.
    """
    statement = select(observations).where(
        observations.c.user_id == user_id, observations.c.id == observation_id
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(f"There is no observation {observation_id!r}.")
    return observation_from(row)


def list_observations(
    connection: Connection,
    user_id: str,
    *,
    source: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    pending: bool | None = None,
    limit: int | None = None,
) -> list[Observation]:
    """Return observations in the order in which they happened; see `UserMemory.observations`."""
    c = observations.c
    statement = select(observations).where(c.user_id == user_id)
    if source is not None:
        statement = statement.where(c.source == source)
    if since is not None:
        statement = statement.where(c.occurred_at >= since)
    if until is not None:
        statement = statement.where(c.occurred_at < until)
    if pending is not None:
        waits = c.state.in_(("pending", "claimed"))
        statement = statement.where(waits if pending else ~waits)
    if limit is None:
        rows = connection.execute(statement.order_by(c.occurred_at, c.id)).all()
    else:
        newest = statement.order_by(c.occurred_at.desc(), c.id.desc()).limit(limit)
        rows = connection.execute(newest).all()[::-1]
    return [observation_from(row) for row in rows]


def _with_keys(connection: Connection, user_id: str, keys: Sequence[str]) -> dict[str, Observation]:
    """Return the observations that have one of these keys, by key."""
    found: dict[str, Observation] = {}
    for chunk in chunked(dict.fromkeys(keys)):
        statement = select(observations).where(
            observations.c.user_id == user_id, observations.c.key.in_(chunk)
        )
        found.update({row.key: observation_from(row) for row in connection.execute(statement)})
    return found
