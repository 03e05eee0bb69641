"""Transactions, full disks, locks, and schema versions, on real files."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text

import limner.memory.migrations
from limner.errors import ConfigurationError, StoreError, StoreFull
from limner.memory import Memory, utc_now
from limner.memory.database import Database
from limner.memory.schema import SCHEMA_VERSION, metadata, users
from limner.settings import Settings
from limner.testing import HashEncoder


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'limner.db'}")
    yield database
    database.close()


def add_user(connection, name: str) -> None:
    connection.execute(insert(users).values(id=name, created_at=utc_now()))


def names(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(select(users.c.id)).scalars())


def test_a_failed_transaction_leaves_nothing(database) -> None:
    def fail() -> None:
        with database.write() as connection:
            add_user(connection, "ada")
            connection.execute(text("CREATE TABLE half (id INTEGER)"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(database) == []
    with database.read() as connection:
        assert connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'half'")).first() is None


def test_a_read_sees_one_state(database) -> None:
    with database.read() as connection:
        assert connection.execute(select(users)).all() == []
        with database.write() as other:
            add_user(other, "ada")
        assert connection.execute(select(users)).all() == []
    assert names(database) == ["ada"]


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1), ("journal_mode", "wal")],
)
def test_every_connection_is_set_up(database, pragma, value) -> None:
    for context in (database.read, database.write):
        with context() as connection:
            assert connection.execute(text(f"PRAGMA {pragma}")).scalar() == value


def test_a_lock_is_waited_for(database, tmp_path) -> None:
    other = sqlite3.connect(tmp_path / "limner.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    release.start()
    with database.write() as connection:
        add_user(connection, "ada")
    release.join()
    other.close()
    assert names(database) == ["ada"]


def test_a_lock_held_too_long_is_an_error(tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'limner.db'}", busy_timeout_s=0.1)
    other = sqlite3.connect(tmp_path / "limner.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"), database.write():
        pass
    other.close()
    database.close()


def test_a_full_database_keeps_nothing_of_the_write(open_memory, tmp_path) -> None:
    memory = open_memory()
    ada = memory.user("ada")
    kept = ada.observe("before")
    with memory.database.read() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        # The limit belongs to the connection, and the pool hands this one out again.
        connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
    with pytest.raises(StoreFull):
        ada.observe("word " * 50_000)
    assert ada.observations() == [kept]
    with memory.database.read() as connection:
        connection.execute(text("PRAGMA max_page_count = 1000000"))
    assert ada.observe("after").text == "after"


@pytest.mark.skipif(shutil.which("mount") is None, reason="needs mount(8)")
def test_a_full_disk_keeps_nothing_of_the_write(tmp_path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("may not mount a small file system here")
    try:
        from limner.memory import Memory
        from limner.settings import Settings
        from limner.testing import HashEncoder

        memory = Memory(Settings(home=folder), HashEncoder())
        ada = memory.user("ada")
        kept = ada.observe("before")

        def fill() -> None:
            for number in range(100):
                ada.observe(f"{number} " + "word " * 40_000, key=str(number))

        with pytest.raises(StoreFull):
            fill()
        whole = [o for o in ada.observations() if o.id != kept.id]
        assert all(len(o.text) > 200_000 for o in whole)
        assert ada.observations()[0] == kept
        memory.close()
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_migrations_lead_to_the_tables_of_the_code(database) -> None:
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_code_knows_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(limner.memory.migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_VERSION]


def test_a_newer_schema_is_refused(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'limner.db'}"
    database = Database(url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(ConfigurationError, match="newer limner"):
        Database(url)


def test_opening_twice_at_once_migrates_once(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'limner.db'}"
    opened: list[Database] = []
    threads = [threading.Thread(target=lambda: opened.append(Database(url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    for database in opened:
        database.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url) -> None:
    with pytest.raises(ConfigurationError, match="in-memory"):
        Database(url)


def test_a_file_that_is_no_database_is_an_error(tmp_path) -> None:
    (tmp_path / "limner.db").write_text("this is not a database" * 100)
    with pytest.raises(StoreError):
        Database(f"sqlite:///{tmp_path / 'limner.db'}")


def test_opening_a_current_database_needs_neither_alembic_nor_chroma_nor_torch(tmp_path) -> None:
    Database(f"sqlite:///{tmp_path / 'limner.db'}").close()
    code = (
        "import sys; from limner.memory import Memory; from limner.settings import Settings\n"
        "class Encoder: name, version = 'none', '0'\n"
        f"memory = Memory(Settings(home={str(tmp_path)!r}), Encoder())\n"
        "memory.user('ada').observe('hello')\n"
        "print([m for m in ('alembic', 'chromadb', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("url", ["nonsense", "", "mysql://host/name", "postgresql://u:secret@host:port/name"])
def test_a_url_of_no_database_is_refused_without_repeating_it(url) -> None:
    with pytest.raises(ConfigurationError, match="LIMNER_DATABASE_URL") as refused:
        Database(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("driver", ["postgresql", "postgresql+nosuch", "sqlite+nosuch"])
def test_a_driver_that_is_not_there_is_said_to_be_so(driver, tmp_path, monkeypatch) -> None:
    for module in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match="driver"):
        Database(f"{driver}:///{tmp_path}/limner.db")


def test_a_folder_that_cannot_be_made_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="LIMNER_HOME") as refused:
        Database(tmp_path / "file" / "home" / "limner.db")
    assert str(tmp_path) in str(refused.value)


@pytest.mark.parametrize("name", ["wh?at", "a#b", "50%20", "with space", "a&b=c"])
def test_a_folder_may_have_any_name(tmp_path, name) -> None:
    home = tmp_path / name
    with Memory(Settings(home=home), HashEncoder()) as memory:
        memory.user("ada").observe("hello")
    assert (home / "limner.db").is_file()
    assert {p.name for p in tmp_path.iterdir()} == {name}
