"""A memory in a temporary folder, with an encoder that needs no model."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from limner.memory import Memory, UserMemory, new_id
from limner.memory.database import Database
from limner.settings import Settings
from limner.testing import HashEncoder


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> bytes:
    """The file of an empty store: to copy it takes much less time than to make it."""
    path = tmp_path_factory.mktemp("empty") / "limner.db"
    Database(path).close()
    return path.read_bytes()


@pytest.fixture
def make_store(empty_store) -> Callable[[Path], None]:
    """Make an empty store in a new folder, other than every other one."""

    def _make(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "limner.db").write_bytes(empty_store)
        with closing(sqlite3.connect(folder / "limner.db")) as database, database:
            database.execute("UPDATE store SET id = ?", (new_id(),))

    return _make


@pytest.fixture
def open_memory(tmp_path, make_store) -> Iterator[Callable[..., Memory]]:
    """Open a memory on the same folder; every handle is closed at the end."""
    opened: list[Memory] = []

    def _open(encoder: HashEncoder | None = None, **settings: object) -> Memory:
        if not (tmp_path / "home").exists():
            make_store(tmp_path / "home")
        memory = Memory(Settings(home=tmp_path / "home", **settings), encoder or HashEncoder(dimension=64))
        opened.append(memory)
        return memory

    yield _open
    for memory in opened:
        memory.close()


@pytest.fixture
def memory(open_memory) -> Memory:
    return open_memory()


@pytest.fixture
def ada(memory) -> UserMemory:
    return memory.user("ada")
