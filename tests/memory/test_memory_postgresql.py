"""The memory on PostgreSQL, in a cluster of its own; skipped where PostgreSQL or its driver is not installed."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from contracts.memory_store_contract import MemoryStoreContract
from limner.memory import Memory
from limner.memory.database import Database
from limner.memory.schema import metadata

pytest.importorskip("psycopg", reason="PostgreSQL's driver psycopg is not installed")

INITDB = shutil.which("initdb") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[str]:
    """Start a server in a temporary folder and yield the URL of its administrative database."""
    if INITDB is None:
        pytest.skip("PostgreSQL is not installed")
    as_owner: list[str] = []
    folder = tmp_path_factory.mktemp("postgresql")
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("there is no user postgres to run the server as")
        as_owner = ["runuser", "-u", "postgres", "--"]
        for path in (folder, *folder.parents[:2]):
            path.chmod(0o755)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    control = [*as_owner, str(Path(INITDB).with_name("pg_ctl")), "-D", str(folder / "data"), "-w"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(
        [*as_owner, INITDB, "-D", str(folder / "data"), "-U", "limner", "-A", "trust", "-E", "UTF8"], **quiet
    )
    subprocess.run([*control, "-o", options, "-l", str(folder / "log"), "start"], **quiet)
    yield f"postgresql+psycopg://limner@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], **quiet)


@pytest.fixture
def url(cluster, request) -> str:
    """Return the URL of a fresh, empty database."""
    name = f"test{abs(hash(request.node.nodeid))}"
    engine = create_engine(cluster, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return cluster.rsplit("/", 1)[0] + f"/{name}"


class TestMemoryOnPostgreSQL(MemoryStoreContract):
    @pytest.fixture
    def memory(self, open_memory, url) -> Memory:
        return open_memory(database_url=url)


def test_migrations_lead_to_the_tables_of_the_code_on_postgresql(url) -> None:
    database = Database(url)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()
