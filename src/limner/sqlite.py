"""What every SQLite file that limner opens needs, whichever room it belongs to."""

import sqlite3
import time

__all__ = ["use_write_ahead_log"]

_PAUSE_S = 0.02


def use_write_ahead_log(connection: sqlite3.Connection, *, patience_s: float) -> None:
    """Switch a file to a write-ahead log, which it keeps.

    SQLite's own wait for locks does not cover this switch: of several that open a new file at the same moment, all but
    one are told at once that it is locked.

    Args:
        connection: A connection outside any transaction.
        patience_s: Seconds to go on trying while others hold the file.

    Raises:
        sqlite3.Error: The file stayed locked, cannot be written, or is no database.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
        else:
            return
