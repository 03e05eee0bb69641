"""Puts this folder on the import path, so that tests share the classes of `contracts/`; and starts servers."""

import os
import signal
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from limner.memory.database import Database
from limner.memory.schema import metadata
from servers import ChromaProcess, PostgreSQL, postgresql

# The same examples in every run of the same code; `pytest --hypothesis-profile=explore` draws others.
hypothesis.settings.register_profile("explore", derandomize=False)
hypothesis.settings.register_profile("repeatable", derandomize=True)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see the defaults, whatever the developer's own environment says; the cache alone is shared."""
    for name in os.environ:
        if name.startswith("LIMNER_") and name != "LIMNER_CACHE":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _heed_interrupts() -> None:
    """A shell starts what it puts into the background with SIGINT ignored; the tests of Ctrl-C need it heard."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> bytes:
    """The file of an empty store: to copy it takes much less time than to make it."""
    path = tmp_path_factory.mktemp("empty") / "limner.db"
    Database(path).close()
    return path.read_bytes()


@pytest.fixture(scope="session")
def make_store(empty_store) -> Callable[[Path], None]:
    """Make an empty store in a new folder, other than every other one."""

    def _make(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "limner.db").write_bytes(empty_store)
        with closing(sqlite3.connect(folder / "limner.db")) as database, database:
            database.execute("UPDATE store SET id = ?", (str(uuid.uuid4()),))

    return _make


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[PostgreSQL]:
    """Run one PostgreSQL cluster for all tests; skip where it is not installed."""
    with tempfile.TemporaryDirectory() as folder, postgresql(Path(folder)) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def _store_to_copy(postgresql_cluster) -> str:
    """Name a database with an empty store: to copy it takes much less time than to make it."""
    with _administering(postgresql_cluster) as connection:
        connection.execute(text("CREATE DATABASE store_to_copy"))
    Database(_url_of(postgresql_cluster, "store_to_copy")).close()
    return "store_to_copy"


@pytest.fixture
def postgresql_url(postgresql_cluster, _store_to_copy) -> Iterator[str]:
    """Return the URL of a PostgreSQL database with an empty store, other than every other one."""
    with _database(postgresql_cluster, f"TEMPLATE {_store_to_copy}") as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("UPDATE store SET id = :id"), {"id": str(uuid.uuid4())})
        engine.dispose()
        yield url


@pytest.fixture(scope="session")
def _shared_postgresql(postgresql_cluster, _store_to_copy) -> Iterator[Engine]:
    with _database(postgresql_cluster, f"TEMPLATE {_store_to_copy}") as url:
        engine = create_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture
def shared_postgresql_url(_shared_postgresql) -> str:
    """Return the URL of an empty store in the one database that tests share: that takes less time than one of their own."""
    tables = ", ".join(f'"{name}"' for name in metadata.tables if name != "store")
    with _shared_postgresql.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        store = metadata.tables["store"]
        noted = {column: None for column in store.c if column.nullable}
        connection.execute(store.update().values({store.c.id: str(uuid.uuid4()), **noted}))
    return _shared_postgresql.url.render_as_string(hide_password=False)


@pytest.fixture
def empty_postgresql_url(postgresql_cluster) -> Iterator[str]:
    """Return the URL of a PostgreSQL database without a table."""
    with _database(postgresql_cluster) as url:
        yield url


@contextmanager
def _database(cluster: PostgreSQL, options: str = "") -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with _administering(cluster) as connection:
        connection.execute(text(f"CREATE DATABASE {name} {options}"))
    yield _url_of(cluster, name)
    with _administering(cluster) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def _administering(cluster: PostgreSQL) -> Iterator[Connection]:
    engine = create_engine(cluster.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _url_of(cluster: PostgreSQL, name: str) -> str:
    return cluster.url.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory) -> Iterator[ChromaProcess]:
    """Run one Chroma server for all tests; each store has collections of its own on it."""
    server = ChromaProcess(tmp_path_factory.mktemp("chroma"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def chroma_url(chroma_server) -> str:
    """Return the URL of a running Chroma server."""
    return chroma_server.url
