"""The memory on SQLite."""

import pytest

from contracts.memory_store_contract import MemoryStoreContract
from limner.memory import Memory


class TestMemoryOnSQLite(MemoryStoreContract):
    @pytest.fixture
    def memory(self, open_memory) -> Memory:
        return open_memory()
