"""A memory in a temporary folder, with an encoder that needs no model."""

from collections.abc import Callable, Iterator

import pytest

from limner.memory import Memory, UserMemory
from limner.settings import Settings
from limner.testing import HashEncoder


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module with the mark `every_database` on each."""
    if metafunc.definition.get_closest_marker("every_database") and "places" in metafunc.fixturenames:
        metafunc.parametrize("places", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def places(request) -> dict[str, object]:
    """Return the settings that say where a store is; SQLite in its folder if nothing else is asked for."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return {}
    return {"database_url": request.getfixturevalue("shared_postgresql_url")}


@pytest.fixture
def open_memory(tmp_path, make_store, places) -> Iterator[Callable[..., Memory]]:
    """Open a memory on the same folder; every handle is closed at the end."""
    opened: list[Memory] = []

    def _open(encoder: HashEncoder | None = None, **settings: object) -> Memory:
        if not (tmp_path / "home").exists():
            make_store(tmp_path / "home")
        memory = Memory(
            Settings(home=tmp_path / "home", **{**places, **settings}), encoder or HashEncoder(dimension=64)
        )
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
