"""What an erasure can have PostgreSQL overwrite, and what it says where it cannot."""

import uuid

import pytest
from sqlalchemy import create_engine, text

from contracts.remains import remains
from limner.memory import Memory, NewObservation, database
from limner.settings import Settings
from limner.testing import HashEncoder


@pytest.fixture
def secret() -> str:
    """A word of this test's own: the log of a cluster may still hold that of another."""
    return f"Zylo{uuid.uuid4().hex}"


def sentence(secret: str) -> str:
    return f"My doctor is in {secret}. " * 200  # long enough for a TOAST table


@pytest.fixture
def superuser(postgresql_cluster, empty_postgresql_url):
    """Runs statements as the operator of the cluster, in the store's database."""
    engine = create_engine(empty_postgresql_url, isolation_level="AUTOCOMMIT")

    def run(*statements: str) -> None:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))

    run("ALTER SYSTEM SET wal_recycle = off", "SELECT pg_reload_conf()")
    yield run
    run("ALTER SYSTEM RESET wal_recycle", "SELECT pg_reload_conf()")
    engine.dispose()


@pytest.fixture
def ada(open_memory, empty_postgresql_url, superuser):
    ada = open_memory(database_url=empty_postgresql_url).user("ada")
    ada.observe_many(NewObservation(f"note {n}") for n in range(50))
    return ada


def test_heap_toast_indexes_statistics_and_log_are_written_anew(
    secret, ada, superuser, postgresql_cluster
) -> None:
    gone = ada.observe(sentence(secret), source=secret, key=secret)
    superuser("ANALYZE", "CHECKPOINT")
    assert any(place.startswith("base/") for place in remains(postgresql_cluster.data, secret))
    assert ada.forget(gone.id).remnants == ()
    assert remains(postgresql_cluster.data, secret) == []


def test_a_log_that_is_kept_for_reuse_is_named(secret, ada, superuser, postgresql_cluster) -> None:
    superuser("ALTER SYSTEM SET wal_recycle = on", "SELECT pg_reload_conf()")
    gone = ada.observe(sentence(secret))
    (remnant,) = ada.forget(gone.id).remnants
    assert "`wal_recycle` is on" in remnant
    assert all(place.startswith("pg_wal/") for place in remains(postgresql_cluster.data, secret))


def test_a_role_without_the_rights_is_told_what_the_operator_must_do(
    secret, tmp_path, empty_postgresql_url, postgresql_cluster, superuser
) -> None:
    role = "plain_" + empty_postgresql_url.rsplit("_", 1)[1][:8]
    name = empty_postgresql_url.rsplit("/", 1)[1]
    superuser(f"CREATE ROLE {role} LOGIN", f"ALTER DATABASE {name} OWNER TO {role}")
    url = empty_postgresql_url.replace("limner@", f"{role}@")
    with Memory(Settings(home=tmp_path / "home", database_url=url), HashEncoder(dimension=64)) as memory:
        ada = memory.user("ada")
        gone = ada.observe(sentence(secret), source=secret)
        superuser("CHECKPOINT")
        (remnant,) = ada.forget(gone.id).remnants
        assert "pg_switch_wal" in remnant
        superuser("SELECT pg_switch_wal()", "CHECKPOINT")
        assert remains(postgresql_cluster.data, secret) == []
    superuser(f"ALTER DATABASE {name} OWNER TO limner", f"REASSIGN OWNED BY {role} TO limner")
    superuser(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_whoever_reads_an_older_state_is_named_and_scrubbing_later_mends_it(
    secret, ada, open_memory, monkeypatch, empty_postgresql_url, postgresql_cluster, superuser
) -> None:
    monkeypatch.setattr(database, "SCRUB_PATIENCE_S", 0.2)
    gone = ada.observe(sentence(secret))
    reader = create_engine(empty_postgresql_url, isolation_level="REPEATABLE READ")
    with reader.connect() as connection:
        connection.execute(text("SELECT count(*) FROM observations"))
        receipt = ada.forget(gone.id)
        assert "reads an older state" in receipt.remnants[0]
        assert ada.receipt(receipt.id).remnants == receipt.remnants
    reader.dispose()
    assert open_memory(database_url=empty_postgresql_url).scrub() == []
    assert remains(postgresql_cluster.data, secret) == []
