"""One SQL database: connections, transactions, and what its failures mean."""

import errno
import mmap
import shutil
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from limner.errors import ConfigurationError, StoreError, StoreFull
from limner.memory.migrations import migrate
from limner.memory.planning import tell_planner
from limner.memory.vacuum import vacuum
from limner.sqlite import use_write_ahead_log

__all__ = ("Database",)

BUSY_TIMEOUT_S = 30.0
"""How long a write waits for another process's write before it is a `StoreError`."""

SCRUB_PATIENCE_S = 2.0
"""How long an erasure waits for readers of an older state before it leaves the log for later."""

_LOOKED_FOR = 100
"""Imprints of deleted rows that are looked for one by one; with more, writing the file anew is not dearer."""

_ALMOST_NOTHING = 1 << 20
"""Free bytes below which an input/output error of SQLite is taken for a full disk."""


class Database:
    """A migrated database, opened by URL; thread-safe.

    Transactions are begun by us, not by the driver: Python's sqlite3 begins one only before a change, so that
    reads of one call would not see one state. A write takes SQLite's write lock at its start (`BEGIN
    IMMEDIATE`), because a transaction that turns from reading to writing can fail without waiting.

    Args:
        place: SQLAlchemy URL of SQLite (a file) or PostgreSQL, or the path of a SQLite file.
        busy_timeout_s: Longest wait for a lock, in seconds.

    Raises:
        ConfigurationError: The URL is unusable, or a newer limner wrote the database.
        StoreError: The database cannot be opened.
    """

    def __init__(self, place: str | Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        url = _url(place)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._busy_timeout_s = busy_timeout_s
        self.path: Path | None = None
        if self.is_sqlite:
            if url.database in (None, "", ":memory:"):
                raise ConfigurationError(
                    "An in-memory SQLite database is lost when the process ends; name a file, as in "
                    "sqlite:////path/to/limner.db."
                )
            self.path = Path(str(url.database))
        with _translated(self.path):
            if self.path is not None:
                _make_folder(self.path.parent)
            # SQLite's log is there while a process uses the database, and after one was killed.
            self.was_in_use = self.path is None or _log_of(self.path) > 0
            self._engine = _engine(url, {"timeout": busy_timeout_s} if self.is_sqlite else {})
            if self.is_sqlite:
                _prepare_sqlite(self._engine, busy_timeout_s)
            migrate(self._engine)
            if self.is_sqlite:
                _tell_planner(self._engine)
        # On PostgreSQL each statement of a transaction would see what others have stored since the one before.
        self._reading = (
            self._engine
            if self.is_sqlite
            else self._engine.execution_options(isolation_level="REPEATABLE READ")
        )
        # Threads queue here, in the order in which they come; SQLite lets them poll, and some of them starve.
        self._turn = threading.Lock()
        self._log_is_to_be_emptied = False
        if self.is_sqlite and self.was_in_use:
            self._empty_log(0.0)  # whoever wrote it may have been killed on the way to that

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection on which every statement sees the same state."""
        with _translated(self.path), self._reading.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection whose changes are kept together at the end, or not at all.

        Raises:
            StoreFull: No space left; nothing was kept.
            StoreError: Another process held the lock too long, or the database failed; nothing was kept.
        """
        turn = self._my_turn() if self.is_sqlite else nullcontext()
        with turn, _translated(self.path), self._engine.connect() as connection:
            connection = connection.execution_options(limner_write=True)
            with connection.begin():
                yield connection
        if self._log_is_to_be_emptied:
            self._empty_log(0.0)

    def scrub(self, imprints: Collection[bytes] | None = ()) -> str | None:
        """Overwrite what was deleted: empty SQLite's write-ahead log, or have PostgreSQL write its tables anew.

        Args:
            imprints: SQLite's file is written anew when one of these is found in it, or there are many; none means that
                nobody knows what to look for, so it is written anew.

        Returns:
            What is left for others to remove, in words; none when nothing is.
        """
        if not self.is_sqlite:
            with _translated(self.path):
                return " ".join(vacuum(self._engine, SCRUB_PATIENCE_S)) or None
        emptied = self._empty_log(SCRUB_PATIENCE_S)
        assert self.path is not None
        if imprints is None or len(imprints) > _LOOKED_FOR or _has_any(self.path, imprints):
            try:
                with self._my_turn(), _translated(self.path), self._engine.connect() as connection:
                    driver = connection.connection.driver_connection
                    assert isinstance(driver, sqlite3.Connection)
                    _rewrite(driver, self.path)
            except StoreError as error:
                return f"{error} Copies of deleted rows may be left in its file until the next erasure."
            emptied = self._empty_log(SCRUB_PATIENCE_S)
        if not emptied:
            return "Somebody reads an older state, so the database's log is emptied after one of the next writes."
        return None

    def copy_to(self, path: Path) -> None:
        """Write what SQLite's file holds into an empty file, from one state, while others write.

        What was deleted is not among it: rows are copied, not pages.

        Raises:
            StoreFull: No space left where the copy goes.
            StoreError: The file cannot be read or the copy not be written.
        """
        with _translated(self.path), self._engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            try:
                driver.execute("VACUUM INTO ?", (str(path),))
            except sqlite3.Error as error:
                if _disk_is_full(error, path):
                    raise StoreFull(f"No space left for a copy of the database{_at(path)}.") from error
                raise StoreError(f"The database{_at(self.path)} cannot be copied: {error}") from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _empty_log(self, patience_s: float) -> bool:
        """Write SQLite's log into the database and empty it; return whether that was possible."""
        with _translated(self.path), self._engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.execute(f"PRAGMA busy_timeout = {round(patience_s * 1000)}")
            try:
                busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    raise StoreError(f"The database{_at(self.path)} failed: {error}") from error
                busy = True
            finally:
                driver.execute(f"PRAGMA busy_timeout = {round(self._busy_timeout_s * 1000)}")
        self._log_is_to_be_emptied = bool(busy)
        return not busy

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """Let one thread of this process at a time write."""
        if not self._turn.acquire(timeout=self._busy_timeout_s):
            raise StoreError(f"The database{_at(self.path)} is locked by another thread's write.")
        try:
            yield
        finally:
            self._turn.release()


def _url(place: str | Path) -> URL:
    if isinstance(place, Path):
        return URL.create("sqlite", database=str(place))  # in a URL a `?` would end the path
    try:
        url = make_url(place)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in ("sqlite", "postgresql"):
        # The text is not repeated, nor the cause: there may be a password in it.
        raise ConfigurationError(
            "LIMNER_DATABASE_URL is no database that limner knows. Write sqlite:////path/to/limner.db or "
            "postgresql+psycopg://user:password@host/name, or leave it out for a SQLite file in LIMNER_HOME."
        ) from None
    return url


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise StoreError(
            f"The folder {folder} for the database cannot be made ({error.strerror}). Set LIMNER_HOME, or "
            f"LIMNER_DATABASE_URL, to a place that you may write to."
        ) from error


def _engine(url: URL, arguments: dict[str, float]) -> Engine:
    try:
        return create_engine(url, connect_args=arguments)
    except (ImportError, ArgumentError) as error:
        raise ConfigurationError(
            f"The database driver that {url.drivername}:// needs is not there ({error}). For PostgreSQL install "
            f"`psycopg[binary]` and write postgresql+psycopg://…."
        ) from error


def _prepare_sqlite(engine: Engine, busy_timeout_s: float) -> None:
    @event.listens_for(engine, "connect")
    def prepare(driver: sqlite3.Connection, _record: object) -> None:
        driver.isolation_level = None  # the driver begins nothing; `begin` below does
        use_write_ahead_log(driver, patience_s=busy_timeout_s)
        for pragma in (
            "synchronous = FULL",  # in WAL mode NORMAL may lose the last commits when the power fails
            "foreign_keys = ON",
            "secure_delete = ON",
            "temp_store = MEMORY",  # no user text in temporary files
        ):
            driver.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("limner_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _tell_planner(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        try:
            told = tell_planner(driver)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise StoreError(f"The database failed: {error}") from error
            return  # it only makes things faster: who opens it next does it
    if told:
        engine.dispose()  # a connection reads it when it is opened


@contextmanager
def _translated(path: Path | None) -> Iterator[None]:
    """Turn the failures of database and disk into `StoreError`s; the cause stays attached."""
    try:
        yield
    except DBAPIError as error:
        cause = error.orig
        if _disk_is_full(cause, path):
            raise StoreFull(f"No space left for the database{_at(path)}; nothing was stored.") from error
        raise StoreError(f"The database{_at(path)} failed: {cause}") from error
    except NoConnectionFree as error:
        raise StoreError(f"Too many threads use the database{_at(path)} at once: {error}") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StoreFull(f"No space left for the database{_at(path)}; nothing was stored.") from error
        raise


def _has_any(path: Path, imprints: Collection[bytes]) -> bool:
    """Return whether one of these stands anywhere in a file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(imprint) >= 0 for imprint in imprints)


def _rewrite(driver: sqlite3.Connection, path: Path) -> None:
    """Write a SQLite file anew from its rows.

    Raises:
        StoreError: It stayed locked, or there is no room for a second copy.
    """
    try:
        driver.execute("VACUUM")
    except sqlite3.Error as error:
        if _disk_is_full(error, path):
            raise StoreFull(f"No space left to write the database{_at(path)} anew.") from error
        raise StoreError(f"The database{_at(path)} cannot be written anew: {error}") from error


def _log_of(path: Path) -> int:
    """Return the bytes in the write-ahead log of a SQLite file."""
    log = path.with_name(f"{path.name}-wal")
    return log.stat().st_size if log.exists() else 0


def _at(path: Path | None) -> str:
    return f" at {path}" if path is not None else ""


def _disk_is_full(cause: BaseException | None, path: Path | None) -> bool:
    if getattr(cause, "sqlstate", None) == "53100":  # PostgreSQL: disk_full
        return True
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return False
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return True
    # Where SQLite maps a file (its shared WAL index) it reports a full disk as an input/output error.
    suspicious = primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    return suspicious and path is not None and shutil.disk_usage(path.parent).free < _ALMOST_NOTHING
