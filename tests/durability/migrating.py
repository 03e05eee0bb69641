"""Kill a process in the middle of a migration."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, event

from durability.processes import fork_server, warm_up
from limner.memory.database import Database

__all__ = ("open_and_count", "open_and_die")

_context = fork_server("durability.migrating")


def open_and_count(place: str | Path) -> int:
    """Open a database; return how many statements that took."""
    seen: list[None] = []
    with _each_statement(lambda: seen.append(None)):
        Database(place).close()
    return len(seen)


def open_and_die(place: str | Path, statement: int) -> None:
    """Let a process open a database and be killed before its nth statement, counted from 1."""
    warm_up()
    process = _context.Process(target=_open, args=(place, statement))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def _open(place: str | Path, statement: int) -> None:
    left = statement

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with _each_statement(count):
        Database(place)


@contextmanager
def _each_statement(does: Callable[[], None]) -> Iterator[None]:
    def listen(*_: object) -> None:
        does()

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
