"""What SQLite's planner is told about the tables.

Untold, it takes the rows of one user for ten, and reads all of them rather than look ten up by their ids. `ANALYZE` would
count the rows, but has to be repeated while a store grows; told once what is usual, it plans alike from the first row on.
"""

import sqlite3
from collections.abc import Sequence

__all__ = ("tell_planner",)

_ROWS = 1_000_000
"""In a table."""
_OF_A_USER = 1000
"""Of them, by the same user; of terms, twelve times as many."""
_FEW_VALUES = frozenset(("encoder", "encoder_version", "kind", "retired_at", "source", "state"))
"""Columns in which many rows of a user have the same."""
_OF_A_ROW = 12
"""Rows that belong to a row of another table."""


def tell_planner(driver: sqlite3.Connection) -> bool:
    """Store what is usual, where that has not been done since the last migration; return whether it was.

    Connections that are open already plan as before.

    Args:
        driver: A connection without a transaction.
    """
    wanted = sorted(_indexes(driver))
    if _told(driver) == [(table, name) for table, name, _ in wanted]:
        return False
    driver.execute("ANALYZE store")  # makes the table for it, which holds numbers only
    driver.execute("BEGIN IMMEDIATE")
    try:
        driver.execute("DELETE FROM sqlite_stat1")
        driver.executemany("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", wanted)
        driver.execute("COMMIT")
    except BaseException:
        driver.execute("ROLLBACK")
        raise
    return True


def _told(driver: sqlite3.Connection) -> list[tuple[str, str]]:
    known = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'"
    if driver.execute(known).fetchone() is None:
        return []
    return driver.execute("SELECT tbl, idx FROM sqlite_stat1 ORDER BY tbl, idx").fetchall()


def _indexes(driver: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Return table, name and statistics of every index."""
    tables = driver.execute(
        "SELECT name, sql LIKE '%WITHOUT ROWID' FROM sqlite_master"
        " WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('alembic_version', 'store')"
    )
    found = []
    for table, is_index in tables.fetchall():
        for _, name, unique, origin, _ in driver.execute(f'PRAGMA index_list("{table}")').fetchall():
            columns = [row[2] for row in driver.execute(f'PRAGMA index_info("{name}")')]
            called = table if is_index and origin == "pk" else name
            found.append((table, called, _usual(table, columns, bool(unique))))
    return found


def _usual(table: str, columns: Sequence[str], unique: bool) -> str:
    """Return the rows of a table, and how many of them have the same in the first column, in the first two, and so on."""
    times = _OF_A_ROW if table == "terms" else 1
    same, counts = _ROWS * times, []
    for place, column in enumerate(columns):
        if column == "user_id":
            same = _OF_A_USER * times
        elif place == 0:
            same = _OF_A_ROW
        elif column not in _FEW_VALUES:
            same = min(same, max(2, same // 100))
        counts.append(same)
    if unique:
        counts[-1] = 1
    return " ".join(str(n) for n in (_ROWS * times, *counts))
