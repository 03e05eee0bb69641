"""Putting a store back to what a backup holds, without bringing back what was forgotten since.

The backup is checked before anything is touched, and its rows take the place of those that are there in one transaction:
whatever happens meanwhile, the store is either as it was or as it was restored. In the same transaction

- what the present store knows to be forgotten (`tombstones`) is forgotten again, with all that came of it;
- pauses, consents, and the pauses and periods of sources stay as the users have settled them since;
- receipts stay;
- what was claimed waits again, and every user comes to a new epoch, so that no process goes on with what it remembers.

The vector index is made anew when it is next drained.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, create_engine, delete, func, insert, select, update
from sqlalchemy.pool import StaticPool

from limner.errors import ConfigurationError, InputError, StoreError
from limner.memory.backup import check_integrity, open_read_only
from limner.memory.cascade import Cascade
from limner.memory.chroma import user_digest
from limner.memory.counters import new_epoch
from limner.memory.database import Database
from limner.memory.joining import strictest_pause
from limner.memory.migrations import migrate
from limner.memory.receipts import keep_receipt
from limner.memory.records import new_id, utc_now
from limner.memory.rows import chunked, ensure_user, insert_missing
from limner.memory.schema import (
    SCHEMA_VERSION,
    checkpoints,
    consents,
    erasures,
    merges,
    metadata,
    observations,
    outbox,
    portraits,
    propositions,
    sources,
    store,
    stray_indexes,
    suggestions,
    tombstones,
    users,
)
from limner.memory.sources import Refusals, refusals_of, refuse_again, set_paused
from limner.memory.tombstones import buried, user_mark

__all__ = ("Restored", "restore")

_AT_ONCE = 1000
_CACHE_KIB = 256 << 10
_NOT_RESTORED = (store, outbox, stray_indexes, tombstones)
"""Tables that are about this folder, or joined with what is there."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restoring came to."""

    users: int
    observations: int
    forgotten_users: int = 0
    """Users of the backup who have been forgotten altogether since, and were again."""
    forgotten: int = 0
    """Observations and versions of propositions that were forgotten again."""
    took_over: bool = True
    """Whether there was a store whose erasures, pauses and consents could be looked at."""


def restore(place: str | Path, source: Path) -> Restored:
    """Put a store back to what a backup holds.

    Args:
        place: Where the store is, as `Database` takes it; an empty one is made where there is none.
        source: The backup; a file that an earlier version of limner wrote is upgraded on the way, and left as it is.

    Raises:
        ConfigurationError: The store is on PostgreSQL, or a newer limner wrote the backup.
        InputError: The file is no backup, or another store is there.
        StoreError: The backup is damaged, or the store cannot be read or written; the store is as it was.
    """
    with _checked(source.expanduser()) as backup:
        database = _present(place)
        try:
            took_over = _check_same_store(database, backup, source)
            with database.write() as connection:
                restored = _Restoring(connection, backup).run()
            database.scrub(None)
        finally:
            database.close()
    return Restored(*restored, took_over)


def _present(place: str | Path) -> Database:
    if isinstance(place, str) and not place.startswith("sqlite"):
        raise ConfigurationError(
            "limner restores SQLite only. For PostgreSQL use `pg_restore`, and forget again what was forgotten since the "
            "dump was made."
        )
    try:
        return Database(place)
    except StoreError as error:
        error.add_note(
            "If the store that is there is damaged, move its files (limner.db and those whose names begin with it) away "
            "and restore again; nobody knows then what was forgotten since the backup was made"
        )
        raise


@contextmanager
def _checked(source: Path) -> Iterator[sqlite3.Connection]:
    """Open a backup, with the tables of this version."""
    with closing(open_read_only(source)) as backup:
        check_integrity(backup, source)
        names = {name for (name,) in backup.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"alembic_version", "store", "observations"} <= names:
            raise InputError(f"{source} is no backup of limner: its tables are others.")
        (version,) = backup.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
        if version == SCHEMA_VERSION:
            yield backup
            return
        # In memory, so that no copy is left anywhere if this process dies.
        with closing(sqlite3.connect(":memory:", check_same_thread=False)) as upgraded:
            backup.backup(upgraded)
            engine = create_engine("sqlite://", creator=lambda: upgraded, poolclass=StaticPool)
            try:
                migrate(engine)
            except ConfigurationError as error:
                raise ConfigurationError(
                    f"{source} has schema version {version}; this limner knows versions up to {SCHEMA_VERSION}. Upgrade limner."
                ) from error
            upgraded.commit()
            yield upgraded


def _check_same_store(database: Database, backup: sqlite3.Connection, source: Path) -> bool:
    """Make sure that no other store is replaced; return whether there was one before."""
    (theirs,) = backup.execute("SELECT id FROM store").fetchone()
    with database.read() as connection:
        ours = connection.execute(select(store.c.id)).scalar_one()
        used = connection.execute(select(func.count()).select_from(users)).scalar_one()
        marks = connection.execute(select(func.count()).select_from(tombstones)).scalar_one()
    if ours != theirs and used:
        raise InputError(
            f"{source} is a backup of another store than the one that is there, which has {used} users. Restore it into "
            f"another folder; `limner export` and `limner import` take users from there to here."
        )
    return bool(ours == theirs or marks)


class _Restoring:
    """One restoring, in one transaction."""

    def __init__(self, connection: Connection, backup: sqlite3.Connection) -> None:
        self._connection = connection
        self._backup = backup
        self._forgotten = 0
        self._forgotten_users = 0

    def run(self) -> tuple[int, int, int, int]:
        """Do it; return users, observations, and how many users and rows were forgotten again."""
        # Indexes are filled in no order; with SQLite's 2 MB each page would be written many times.
        self._driver.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        settled = {table: self._all(table) for table in (users, sources, consents, erasures, merges)}
        indexed = {row["id"] for row in settled[users] if row["index_key"] is not None}
        for table in reversed(metadata.sorted_tables):
            if table not in _NOT_RESTORED:
                self._connection.execute(delete(table))
        for table in metadata.sorted_tables:
            if table not in _NOT_RESTORED:
                self._copy(table, "")
        self._copy(tombstones, "OR IGNORE")
        (id, created_at) = self._backup.execute("SELECT id, created_at FROM store").fetchone()
        self._driver.execute("UPDATE store SET id = ?, created_at = ?, retained_at = NULL", (id, created_at))
        self._free()
        indexed |= {row["id"] for row in self._all(users) if row["index_key"] is not None}
        for row in self._all(users):
            self._forget_again(row["id"], row["created_at"])
        self._keep_settled(settled)
        self._renew(indexed)
        counts = [
            self._connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (users, observations)
        ]
        return counts[0], counts[1], self._forgotten_users, self._forgotten

    @property
    def _driver(self) -> sqlite3.Connection:
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        return driver

    def _all(self, table: Table) -> list[dict[str, Any]]:
        return [dict(row) for row in self._connection.execute(select(table)).mappings()]

    def _copy(self, table: Table, conflict: str) -> None:
        """Copy rows as they are: both sides are SQLite, and of one schema."""
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        places = ", ".join("?" for _ in table.columns)
        rows = self._backup.execute(f'SELECT {names} FROM "{table.name}"')
        while chunk := rows.fetchmany(_AT_ONCE):
            self._driver.executemany(
                f'INSERT {conflict} INTO "{table.name}" ({names}) VALUES ({places})', chunk
            )

    def _free(self) -> None:
        """Let wait again what somebody had claimed when the backup was made."""
        claimed = update(observations).where(observations.c.state == "claimed")
        freed = dict.fromkeys(("claim_id", "claim_holder", "claim_expires_at"))
        self._connection.execute(claimed.values(state="pending", **freed))

    def _forget_again(self, user_id: str, created_at: Any) -> None:  # noqa: ANN401 - a moment, as the row has it
        if buried(self._connection, [user_mark(user_id, created_at)]):
            self._connection.execute(delete(users).where(users.c.id == user_id))
            self._forgotten_users += 1
            return
        cascade = Cascade(self._connection, user_id)
        if gone := self._buried(observations, user_id):
            erased = cascade.observations(gone)
            self._forgotten += erased.observations + erased.propositions
            self._keep_receipt(user_id, erased.counts, erased.requeued)
        if left := self._buried(propositions, user_id):
            erased = cascade.versions(left)
            self._forgotten += erased.propositions
            self._keep_receipt(user_id, erased.counts, erased.requeued)
        for table in (portraits, suggestions, checkpoints):
            for chunk in chunked(self._buried(table, user_id)):
                mine = (table.c.user_id == user_id, table.c.id.in_(chunk))
                self._connection.execute(delete(table).where(*mine))

    def _buried(self, table: Table, user_id: str) -> list[str]:
        mine = select(table.c.id).where(table.c.user_id == user_id)
        return sorted(buried(self._connection, dict.fromkeys(self._connection.execute(mine).scalars().all())))

    def _keep_receipt(self, user_id: str, counts: dict[str, int], requeued: Collection[str]) -> None:
        keep_receipt(self._connection, user_id, "observation", utc_now(), counts, requeued)

    def _keep_settled(self, settled: Mapping[Table, Sequence[Mapping[str, Any]]]) -> None:
        """Keep what users have settled since the backup, and the receipts of what they had forgotten."""
        known = {row["id"] for row in settled[users]}
        refusing = {row["id"] for row in settled[users] if row["paused_at"] is not None}
        refusing |= {row["user_id"] for table in (sources, consents) for row in settled[table]}
        for user_id in sorted(refusing):
            ensure_user(self._connection, user_id)
        for row in settled[users]:
            mine = users.c.id == row["id"]
            self._connection.execute(update(users).where(mine).values(paused_at=row["paused_at"]))
        for chunk in chunked(sorted(known)):
            self._connection.execute(delete(sources).where(sources.c.user_id.in_(chunk)))
        there = set(self._connection.execute(select(users.c.id)).scalars())
        for table in (sources, consents, erasures):
            rows = [row for row in settled[table] if row["user_id"] in there]
            for some in chunked(rows):
                insert_missing(self._connection, table, some)
        for row in settled[merges]:
            if row["merged_id"] in there and row["merged_id"] not in known:
                self._refuse_as(row["merged_id"], row["user_id"])

    def _refuse_as(self, user_id: str, other: str) -> None:
        """Let an id that is another's no longer, because the merge is undone, refuse what that other refuses today."""
        refused = refusals_of(self._connection, other)
        own = refusals_of(self._connection, user_id)
        mine = [one.model_copy(update={"id": new_id(), "user_id": user_id}) for one in refused.withdrawn]
        paused = {**refused.paused_sources, **own.paused_sources}
        since = strictest_pause(refused.paused_at, own.paused_at)
        for source in paused:
            set_paused(self._connection, user_id, source, paused=True)
        refuse_again(self._connection, user_id, Refusals(since, {}, mine))

    def _renew(self, indexed: Collection[str]) -> None:
        """Let every process read everything anew, and the index be made anew."""
        self._connection.execute(delete(outbox))
        self._connection.execute(update(users).values(index_key=None))
        there = list(self._connection.execute(select(users.c.id)).scalars())
        for user_id in there:
            new_epoch(self._connection, user_id)
        now = utc_now()
        notes = [{"user_id": one, "action": "rewrite", "created_at": now} for one in there if one in indexed]
        for chunk in chunked(notes):
            self._connection.execute(insert(outbox), chunk)
        strays = [{"digest": user_digest(one), "created_at": now} for one in indexed if one not in there]
        insert_missing(self._connection, stray_indexes, strays)
