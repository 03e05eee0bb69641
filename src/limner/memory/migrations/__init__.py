"""Schema versions of the memory's database, applied when it is opened."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from limner.errors import ConfigurationError, StoreError
from limner.memory.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ("current_version", "migrate")

_LOCK = 0x6C696D6E  # "limn": PostgreSQL's advisory lock for one migration at a time


def current_version(connection: Connection) -> str | None:
    """Return the revision of the database, or none when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(engine: Engine) -> None:
    """Bring the database to the newest version, in one transaction; safe when several processes open it.

    Raises:
        ConfigurationError: The database's version is not known here: a newer limner wrote it.
        StoreError: Rows are missing to which others refer; nothing was changed.
    """
    with engine.connect() as connection, connection.begin():
        if current_version(connection) == SCHEMA_VERSION:
            return
    with engine.connect() as plain, _unlinked(plain):
        connection = plain.execution_options(limner_write=True)
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            _upgrade(connection)
            _check_links(connection)


@contextmanager
def _unlinked(connection: Connection) -> Iterator[None]:
    """Switch SQLite's foreign keys off, which can be done outside of a transaction only.

    Some changes of a table are made by copying it and dropping the old one. With foreign keys that deletes whatever
    refers to it: everything, where the table is that of the users.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        yield
        return
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _check_links(connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).first():
        raise StoreError("The database cannot be upgraded: rows in it refer to rows that are not there.")


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    config = _config(connection)
    found = current_version(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise ConfigurationError(
            f"The database has schema version {found}; this limner knows versions up to {SCHEMA_VERSION}. "
            f"A newer limner wrote it: upgrade limner, or open another folder."
        )
    command.upgrade(config, "head")


def _config(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
