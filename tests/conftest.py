"""Puts this folder on the import path, so that tests share the classes of `contracts/`; and starts servers."""

import os
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from servers import ChromaProcess, PostgreSQL, postgresql


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
def postgresql_cluster() -> Iterator[PostgreSQL]:
    """Run one PostgreSQL cluster for all tests; skip where it is not installed."""
    with tempfile.TemporaryDirectory() as folder, postgresql(Path(folder)) as cluster:
        yield cluster


@pytest.fixture
def postgresql_url(postgresql_cluster) -> Iterator[str]:
    """Return the URL of a fresh, empty PostgreSQL database."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(postgresql_cluster.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgresql_cluster.url.rsplit("/", 1)[0] + f"/{name}"
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


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
