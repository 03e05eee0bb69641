"""Erasing conversations: their checkpoints hold whatever was said, and whatever the model was shown.

A thread is cut at the first checkpoint that was stored after what is erased became known, or that holds one of its
texts; all that follows goes, because each state contains the one before. What is left can be gone on with.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, or_, select

from limner.memory.schema import checkpoint_writes, checkpoints
from limner.memory.traces import Traces

__all__ = ("count_checkpoints", "cut_threads")

_Row: TypeAlias = Row[Any, Any, Any, Any, Any]  # namespace, id, recorded_at, state, metadata


def count_checkpoints(connection: Connection, user_id: str) -> int:
    """Return how many checkpoints there are of all conversations."""
    statement = select(func.count()).select_from(checkpoints).where(checkpoints.c.user_id == user_id)
    return connection.execute(statement).scalar_one()


def cut_threads(connection: Connection, user_id: str, since: datetime, traces: Traces) -> int:
    """Remove every checkpoint, with its writes, that may hold what is erased; return how many went.

    Args:
        connection: A connection in a write transaction.
        user_id: Whose conversations.
        since: When what is erased became known.
        traces: What gives it away in states from before.
    """
    before = count_checkpoints(connection, user_id)
    mine = checkpoints.c.user_id == user_id
    connection.execute(delete(checkpoints).where(mine, checkpoints.c.recorded_at >= since))
    connection.execute(
        delete(checkpoint_writes).where(
            checkpoint_writes.c.user_id == user_id, checkpoint_writes.c.recorded_at >= since
        )
    )
    threads = select(checkpoints.c.thread_id).distinct().where(mine)
    for thread in connection.execute(threads).scalars().all():
        if traces.found_in_text(thread):
            connection.execute(delete(checkpoints).where(mine, checkpoints.c.thread_id == thread))
            continue
        first = _first_that_holds(connection, user_id, thread, traces)
        if first is not None:
            later = _from(first)
            connection.execute(delete(checkpoints).where(mine, checkpoints.c.thread_id == thread, later))
    return before - count_checkpoints(connection, user_id)


def _first_that_holds(connection: Connection, user_id: str, thread: str, traces: Traces) -> _Row | None:
    if not traces:
        return None
    c = checkpoints.c
    listed = (
        select(c.namespace, c.id, c.recorded_at, c.state, c.metadata)
        .where(c.user_id == user_id, c.thread_id == thread)
        .order_by(c.recorded_at, c.id)
    )
    for row in connection.execute(listed):
        contents = [
            row.state,
            row.metadata,
            row.namespace.encode(),
            *_written(connection, user_id, thread, row),
        ]
        if any(traces.found_in(content) for content in contents):
            return row
    return None


def _written(connection: Connection, user_id: str, thread: str, row: _Row) -> Sequence[bytes]:
    w = checkpoint_writes.c
    statement = select(w.value).where(
        w.user_id == user_id, w.thread_id == thread, w.namespace == row.namespace, w.checkpoint_id == row.id
    )
    return connection.execute(statement).scalars().all()


def _from(first: _Row) -> ColumnElement[bool]:
    c = checkpoints.c
    return or_(c.recorded_at > first.recorded_at, and_(c.recorded_at == first.recorded_at, c.id >= first.id))
