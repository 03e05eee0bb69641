"""Having PostgreSQL overwrite what was deleted, as far as a client can.

A deleted row stays in its page until a vacuum, and a plain vacuum leaves its bytes in the gap; only `VACUUM FULL`
writes a table, its indexes and its TOAST table anew. What was written stays in the write-ahead log as well, until a
checkpoint lets the server remove the old segments: it renames and keeps them for reuse unless `wal_recycle` is off.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from limner.memory.schema import metadata

__all__ = ("vacuum",)

_PAUSE_S = 0.05
_OLDER = text(
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend' AND backend_xmin IS NOT NULL "
    "AND age(backend_xmin) > age(CAST(CAST(CAST(:now AS numeric) % 4294967296 AS text) AS xid)) LIMIT 1"
)
_DENIED = "42501"
"""SQLSTATE of a missing right."""


def vacuum(engine: Engine, patience_s: float) -> list[str]:
    """Write every table anew and let the server drop its old log; return what is left for others, in words.

    Args:
        engine: Of the store.
        patience_s: Longest wait for others who read an older state, or use a table, in seconds.
    """
    left: list[str] = []
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        now = connection.execute(text("SELECT CAST(pg_current_xact_id() AS text)")).scalar_one()
        if not _nobody_reads_older(connection, now, patience_s):
            left.append(
                "Another connection to PostgreSQL reads an older state, for which it keeps deleted rows; "
                "`limner scrub` removes them afterwards."
            )
        connection.execute(text(f"SET lock_timeout = {max(1, round(patience_s * 1000))}"))
        try:
            busy = [table for table in metadata.tables if not _written_anew(connection, table)]
            if busy:
                left.append(
                    f"PostgreSQL keeps deleted rows of {', '.join(busy)}, which others use; `limner scrub` removes them."
                )
            left += _drop_log(connection)
        finally:
            connection.execute(text("SET lock_timeout = DEFAULT"))
    return left


def _nobody_reads_older(connection: Connection, now: str, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while connection.execute(_OLDER, {"now": now}).first() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def _written_anew(connection: Connection, table: str) -> bool:
    try:
        connection.execute(text(f'VACUUM (FULL) "{table}"'))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in ("55P03", _DENIED):  # lock_not_available
            return False
        raise
    return True


def _drop_log(connection: Connection) -> Iterator[str]:
    with _allowed() as rights:
        for statement in ("SELECT pg_switch_wal()", "CHECKPOINT"):
            connection.execute(text(statement))
    kept = []
    if not rights:
        kept.append("this role may neither switch it (`pg_switch_wal`) nor call for a checkpoint")
    if connection.execute(text("SHOW wal_recycle")).scalar() == "on":
        kept.append("`wal_recycle` is on")
    if connection.execute(text("SHOW archive_mode")).scalar() != "off":
        kept.append("it is archived")
    if connection.execute(text("SELECT 1 FROM pg_replication_slots LIMIT 1")).first() is not None:
        kept.append("a replication slot holds it")
    if kept:
        yield (
            f"PostgreSQL's write-ahead log may hold it until its files are written over ({'; '.join(kept)}), as do "
            f"archives, replicas and backups: its operator removes these."
        )


@contextmanager
def _allowed() -> Iterator[list[bool]]:
    """Yield a list that holds something afterwards if nothing in the block lacked a right."""
    done: list[bool] = []
    try:
        yield done
        done.append(True)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _DENIED:
            raise
