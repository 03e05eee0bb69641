"""A memory in a temporary folder, and observations to work on."""

import pytest

from limner.memory import Memory
from limner.settings import Settings
from limner.testing import HashEncoder


@pytest.fixture
def settings(tmp_path):
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
