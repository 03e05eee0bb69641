"""The counters that a search in memory follows: whoever changes what can be found counts it here, in the same transaction."""

import secrets

from sqlalchemy import Connection, update

from limner.memory.schema import users

__all__ = ("new_epoch", "next_version", "start_of_epoch")


def next_version(connection: Connection, user_id: str) -> int:
    """Count a change of what can be found of the user, and return the number of this change.

    Call it before the change, and write the number into `documents.changed` of every document that was added or has
    become another. A vector needs no more than the count.
    """
    return _counted(connection, user_id)


def new_epoch(connection: Connection, user_id: str) -> int:
    """Count a change after which everything kept in memory of the user is read again.

    For whatever takes documents or terms away, puts them back, or changes them without a number of its own: erasure,
    merging, importing, restoring.
    """
    return _counted(connection, user_id, epoch=start_of_epoch())


def start_of_epoch() -> int:
    """Return the name of a new epoch.

    It is drawn at random: an id that was forgotten and is used again, or a database that was put back from a copy,
    must not come to a state that somebody remembers as another one.
    """
    return secrets.randbelow(2**31 - 1) + 1


def _counted(connection: Connection, user_id: str, **also: int) -> int:
    statement = (
        update(users)
        .where(users.c.id == user_id)
        .values(version=users.c.version + 1, **also)
        .returning(users.c.version)
    )
    return connection.execute(statement).scalar_one_or_none() or 0
