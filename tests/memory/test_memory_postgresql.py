"""The memory on PostgreSQL, in a cluster of its own; skipped where PostgreSQL or its driver is not installed."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from contracts.memory_store_contract import MemoryStoreContract
from limner.memory import Memory
from limner.memory.database import Database
from limner.memory.schema import metadata


class TestMemoryOnPostgreSQL(MemoryStoreContract):
    @pytest.fixture
    def memory(self, open_memory, shared_postgresql_url) -> Memory:
        return open_memory(database_url=shared_postgresql_url)


def test_migrations_lead_to_the_tables_of_the_code_on_postgresql(empty_postgresql_url) -> None:
    database = Database(empty_postgresql_url)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()
