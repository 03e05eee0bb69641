"""Both axes of time, on SQLite and PostgreSQL."""

import pytest

from contracts.time_contract import TimeContract
from limner.memory import Memory


class TestTimeOnSQLite(TimeContract):
    @pytest.fixture
    def memory(self, open_memory) -> Memory:
        return open_memory()


class TestTimeOnPostgreSQL(TimeContract):
    @pytest.fixture
    def memory(self, open_memory, shared_postgresql_url) -> Memory:
        return open_memory(database_url=shared_postgresql_url)
