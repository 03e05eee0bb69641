"""A copy of a whole store in one file, made while others write.

The file is a SQLite database with everything that is stored of everybody: the secrets behind the vector index are
among it, the index itself is not, because it is made from the rest. Rows are copied rather than pages, so that nothing
comes along that was erased before.
"""

import errno
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.request import pathname2url

from limner.errors import ConfigurationError, InputError, StoreError, StoreFull
from limner.memory.database import Database
from limner.memory.records import utc_now

__all__ = ("Backup", "back_up", "check_integrity", "open_read_only")

_OWNER_ONLY = 0o600
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made, and checked."""

    path: Path
    size: int
    """In bytes."""
    users: int
    observations: int


def back_up(database: Database, home: Path, destination: Path) -> Backup:
    """Write a backup of a store; the file takes its name only once it is whole and checked.

    Args:
        database: The store.
        home: The data folder, in which no backup may lie.
        destination: A file that is not there yet, or a folder, in which the file is named by the moment.

    Raises:
        ConfigurationError: The store is on PostgreSQL.
        InputError: The file is there already, lies in the data folder, or its folder is not there.
        StoreFull: No space left for it.
        StoreError: It cannot be written, or is not whole.
    """
    if not database.is_sqlite:
        raise ConfigurationError(
            "limner backs up SQLite only. For PostgreSQL use `pg_dump --format=custom` and `pg_restore`; a dump goes on "
            "holding what is erased later, so keep dumps no longer than erased data may be kept."
        )
    target = destination.expanduser().absolute()
    if target.is_dir():
        target /= f"limner-{utc_now():%Y%m%dT%H%M%SZ}.db"
    _check_target(target, home)
    part = target.with_name(target.name + ".part")
    try:
        return _write(database, part, target)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StoreFull(f"No space left for {target}.") from error
        raise StoreError(f"{target} cannot be written: {error.strerror}.") from error


def _write(database: Database, part: Path, target: Path) -> Backup:
    _remove(part)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY))
    try:
        database.copy_to(part)
        with closing(open_read_only(part)) as copy:
            check_integrity(copy, part)
            users, observations = (
                copy.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("users", "observations")
            )
        _to_disk(part)
        part.replace(target)
        _to_disk(target.parent)
    finally:
        _remove(part)
    return Backup(target, target.stat().st_size, users, observations)


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open a SQLite file that nobody may change.

    Raises:
        InputError: There is no such file, or it is no SQLite file.
        StoreError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_SQLITE)) != _SQLITE:
                raise InputError(f"{path} is no backup of limner: it is no SQLite file.")
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    log = path.with_name(f"{path.name}-wal")
    # Without a log beside it nothing has to be written to read it, so that it may lie where nobody can write.
    mode = "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
    try:
        return sqlite3.connect(f"file:{pathname2url(str(path))}?{mode}", uri=True)
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be read: {error}") from error


def check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    """Make sure that a SQLite file is whole.

    Raises:
        StoreError: It is damaged.
    """
    try:
        wrong = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if wrong == "ok" and connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            wrong = "rows refer to rows that are not there"
    except sqlite3.DatabaseError as error:
        wrong = str(error)
    if wrong != "ok":
        raise StoreError(f"{path} is damaged: {' '.join(wrong.split())}.")


def _check_target(target: Path, home: Path) -> None:
    if target.exists():
        raise InputError(f"{target} is there already; name another file, or a folder.")
    if not target.parent.is_dir():
        raise InputError(f"There is no folder {target.parent}.")
    if home.resolve() in target.resolve().parents:
        raise InputError(
            f"{target} lies in the data folder, where it would be lost with it, and named by every erasure; choose "
            f"another place."
        )


def _remove(part: Path) -> None:
    """Remove what an attempt has left, SQLite's journal of it too."""
    for path in (part, part.with_name(part.name + "-journal")):
        path.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Have the system write a file, or the entries of a folder, to the disk."""
    if os.name != "posix":
        return
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
