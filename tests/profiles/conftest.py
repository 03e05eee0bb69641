"""A memory in a temporary folder, and observations to work on."""

import shutil

import pytest

from limner.memory import Memory
from limner.settings import Settings
from limner.testing import HashEncoder


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory):
    """A folder with an empty database: copied, since making one takes longer than most tests."""
    home = tmp_path_factory.mktemp("empty") / "home"
    Memory(Settings(home=home), HashEncoder()).close()
    return home


@pytest.fixture
def settings(tmp_path, empty_home):
    shutil.copytree(empty_home, tmp_path / "home")
    return Settings(home=tmp_path / "home")


@pytest.fixture
def encoder():
    return HashEncoder()


@pytest.fixture
def memory(settings, encoder):
    with Memory(settings, encoder) as memory:
        yield memory


@pytest.fixture
def ada(memory):
    return memory.user("ada")
