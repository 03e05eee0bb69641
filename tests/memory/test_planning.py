"""SQLite looks rows up by their ids, from the first row on and in stores of before."""

import sqlite3
from pathlib import Path

import pytest

from limner.memory.database import Database
from limner.memory.planning import tell_planner

OLD = Path(__file__).with_name("stores") / "0001.sql"


@pytest.fixture(params=["new", "of before"])
def path(request, tmp_path) -> Path:
    path = tmp_path / "limner.db"
    if request.param == "of before":
        connection = sqlite3.connect(path)
        connection.executescript(OLD.read_text())
        connection.close()
    Database(path).close()
    return path


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("SELECT text FROM observations WHERE user_id = 'ada' AND id IN (?, ?, ?)", "autoindex_observations_1 (id=?)"),
        ("SELECT text FROM propositions WHERE user_id = 'ada' AND id IN (?, ?, ?)", "autoindex_propositions_1 (id=?)"),
        ("SELECT term FROM terms WHERE user_id = 'ada' AND document_id IN (?, ?, ?)", "ix_terms_document_id"),
        ("SELECT frequency FROM terms WHERE user_id = 'ada' AND term IN (?, ?, ?)", "(user_id=? AND term=?)"),
        ("SELECT * FROM evidence WHERE user_id = 'ada' AND proposition_id IN (?, ?, ?)", "(proposition_id=?)"),
        ("SELECT text FROM observations WHERE user_id = ? AND source = ? AND occurred_at > ?", "source_occurred_at_id"),
    ],
)  # fmt: skip
def test_rows_are_looked_up(path, statement, index) -> None:
    connection = sqlite3.connect(path)
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", ("a", "b", "c")).fetchall()
    connection.close()
    assert [index in row[3] for row in plan] == [True], plan


def test_it_is_told_once_and_again_after_a_change(path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    assert not tell_planner(connection)
    connection.execute("CREATE INDEX ix_new ON observations (user_id, origin)")
    assert tell_planner(connection)
    assert not tell_planner(connection)
    connection.close()


def test_a_store_that_is_being_written_opens_all_the_same(path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DELETE FROM sqlite_stat1")
    connection.execute("BEGIN IMMEDIATE")
    Database(path, busy_timeout_s=0.1).close()
    connection.execute("ROLLBACK")
    assert connection.execute("SELECT count(*) FROM sqlite_stat1").fetchone() == (0,)
    connection.close()
    Database(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    assert not tell_planner(connection)
    connection.close()
