"""Whose observations wait to be reflected on, found without looking at one user after the other."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, Select, func, select

from limner.memory.claims import claimable
from limner.memory.database import Database
from limner.memory.rows import chunked
from limner.memory.schema import observations

__all__ = ("Due", "Left", "Waiting")


class Due(NamedTuple):
    """A user with something that a batch may take now."""

    user_id: str
    observations: int
    events: int
    """How many of these observations are structured."""


class Left(NamedTuple):
    """What is not done."""

    users: int
    """How many users have something that a batch may take now."""
    due: int
    """Observations that a batch may take now."""
    pending: int
    """Observations that wait or are in a batch; some of them may pause after a failure."""
    parked: int
    """Observations that failed too often."""


class Waiting:
    """What waits, of all users together; each answer is one query, or one for every few hundred ids that are asked about.

    Args:
        database: Where the observations are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def after(self, user_id: str, limit: int) -> list[Due]:
        """Return the next users with something due, by id, behind this one."""
        c = observations.c
        with self._database.read() as connection:
            statement = _due(connection).where(c.user_id > user_id).order_by(c.user_id).limit(limit)
            return [Due._make(row) for row in connection.execute(statement)]

    def everybody(self, page: int) -> Iterator[list[Due]]:
        """Yield everybody with something due, by id, so many at once; each page is looked up when it is asked for."""
        last = ""
        while due := self.after(last, page):
            yield due
            last = due[-1].user_id

    def longest(self, limit: int) -> list[Due]:
        """Return the users who have most due, most first."""
        with self._database.read() as connection:
            statement = _due(connection).order_by(func.count().desc(), observations.c.user_id).limit(limit)
            return [Due._make(row) for row in connection.execute(statement)]

    def among(self, user_ids: Collection[str]) -> list[Due]:
        """Return those of these users who have something due, most first."""
        found: list[Due] = []
        with self._database.read() as connection:
            for some in chunked(user_ids):
                rows = connection.execute(_due(connection).where(observations.c.user_id.in_(some)))
                found += [Due._make(row) for row in rows]
        return sorted(found, key=lambda one: (-one.observations, one.user_id))

    def left(self, user_ids: Collection[str] | None = None) -> Left:
        """Return what is not done, of these users or (none) of all."""
        with self._database.read() as connection:
            if user_ids is None:
                return _left(connection, None)
            parts = [_left(connection, some) for some in chunked(user_ids)]
        return Left(*(sum(counts) for counts in zip(*parts, strict=True))) if parts else Left(0, 0, 0, 0)


def _due(connection: Connection) -> Select[tuple[str, int, int]]:
    c = observations.c
    counts = select(c.user_id, func.count(), func.count(c.event))
    return counts.where(claimable(connection, None)).group_by(c.user_id)


def _left(connection: Connection, user_ids: Collection[str] | None) -> Left:
    c = observations.c
    ready = select(func.count(c.user_id.distinct()), func.count()).where(claimable(connection, None))
    states = select(c.state, func.count()).where(c.state != "done").group_by(c.state)
    if user_ids is not None:
        ready, states = ready.where(c.user_id.in_(user_ids)), states.where(c.user_id.in_(user_ids))
    users, due = connection.execute(ready).one()
    by_state = {row[0]: row[1] for row in connection.execute(states)}
    pending = by_state.get("pending", 0) + by_state.get("claimed", 0)
    return Left(users, due, pending, by_state.get("parked", 0))
