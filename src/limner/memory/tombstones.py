"""Remembering that something was forgotten, without remembering what.

A backup from before an erasure holds what was erased. Of each row that goes, a hash of its id stays; whoever restores the
backup finds the row by it and forgets it again. Ids are drawn at random, so that a hash says nothing of whom or what it
was; that of a user is mixed with the moment at which they appeared.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select

from limner.memory.records import utc_now
from limner.memory.rows import chunked, insert_missing
from limner.memory.schema import (
    checkpoints,
    observations,
    portraits,
    propositions,
    suggestions,
    tombstones,
    users,
)

__all__ = ("buried", "bury", "bury_user", "unbury", "user_mark")


def user_mark(user_id: str, created_at: datetime) -> str:
    """Return what stands for a user who is forgotten altogether, until somebody of the same id appears anew."""
    return f"{user_id}\n{created_at.isoformat()}"


def bury(connection: Connection, ids: Iterable[str]) -> None:
    """Note that these were forgotten."""
    now = utc_now()
    for chunk in chunked(ids):
        insert_missing(connection, tombstones, [{"digest": _digest(id), "erased_at": now} for id in chunk])


def bury_user(connection: Connection, user_id: str) -> None:
    """Note that a user is forgotten, with everything that might be found under another id in a backup."""
    since = connection.execute(select(users.c.created_at).where(users.c.id == user_id)).scalar()
    if since is None:
        return
    bury(connection, [user_mark(user_id, since)])
    for table in (observations, propositions, portraits, suggestions, checkpoints):
        ids = connection.execute(select(table.c.id).where(table.c.user_id == user_id)).scalars().all()
        bury(connection, dict.fromkeys(ids))


def buried(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Return those of the ids that were forgotten."""
    found: set[str] = set()
    for chunk in chunked(ids):
        by_digest = {_digest(id): id for id in chunk}
        statement = select(tombstones.c.digest).where(tombstones.c.digest.in_(by_digest))
        found.update(by_digest[digest] for digest in connection.execute(statement).scalars())
    return found


def unbury(connection: Connection, ids: Iterable[str]) -> None:
    """Note that these are there again, because their user brought them back."""
    for chunk in chunked(ids):
        digests = [_digest(id) for id in chunk]
        connection.execute(delete(tombstones).where(tombstones.c.digest.in_(digests)))


def _digest(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()[:32]
