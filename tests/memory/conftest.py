"""A memory in a temporary folder, with an encoder that needs no model."""

from collections.abc import Callable, Iterator

import pytest

from limner.memory import Memory, UserMemory
from limner.settings import Settings
from limner.testing import HashEncoder


@pytest.fixture
def open_memory(tmp_path) -> Iterator[Callable[..., Memory]]:
    """Open a memory on the same folder; every handle is closed at the end."""
    opened: list[Memory] = []

    def _open(encoder: HashEncoder | None = None, **settings: object) -> Memory:
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
