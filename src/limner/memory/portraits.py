"""Keeping portraits, each with the list of what it was drawn from, so that erasure finds it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, insert, select

from limner.errors import InputError, StaleClaim
from limner.memory.receipts import erased_since
from limner.memory.records import Portrait, PortraitLine
from limner.memory.rows import chunked, ensure_user, insert_missing
from limner.memory.schema import observations, portrait_basis, portraits, propositions

__all__ = ("latest_portrait", "read_for", "save_portrait")

_DRAW_AGAIN = "What this portrait was drawn from has been erased meanwhile; draw it again."


def save_portrait(
    connection: Connection, user_id: str, portrait: Portrait, read: Collection[str] = ()
) -> None:
    """Store a portrait next to the earlier ones.

    Args:
        connection: In a write transaction.
        user_id: Whose.
        portrait: What was drawn.
        read: Ids of further observations that were read for it; an erasure of one takes the portrait, cited or not.

    Raises:
        InputError: It is of another user.
        StaleClaim: Something has been erased since it was begun; it must not come back through it.
    """
    if portrait.user_id != user_id:
        raise InputError("This portrait is of another user.")
    ensure_user(connection, user_id)
    if portrait.model is not None and erased_since(connection, user_id, portrait.drawn_at):
        raise StaleClaim(_DRAW_AGAIN)  # the model may have read it, whatever it cites
    cited = {span.observation_id for line in portrait.lines for span in line.evidence} | set(read)
    _check_there(connection, user_id, propositions, portrait.based_on)
    _check_there(connection, user_id, observations, cited)
    row = portrait.model_dump(exclude={"lines", "changes"})
    lines = [line.model_dump(mode="json") for line in portrait.lines]
    connection.execute(insert(portraits).values({**row, "lines": lines}))
    basis = {("proposition", i) for i in portrait.based_on}
    basis |= {("observation", i) for i in cited}
    insert_missing(
        connection,
        portrait_basis,
        [
            {"user_id": user_id, "portrait_id": portrait.id, "owner_kind": kind, "owner_id": owner}
            for kind, owner in sorted(basis)
        ],
    )


def latest_portrait(
    connection: Connection, user_id: str, kind: str, task: str | None, at: datetime | None
) -> Portrait | None:
    """Return the last portrait of a kind, for a task, that was drawn by a moment (none: now)."""
    statement = select(portraits).where(
        portraits.c.user_id == user_id, portraits.c.kind == kind, portraits.c.task == task
    )
    if at is not None:
        statement = statement.where(portraits.c.drawn_at <= at)
    newest = statement.order_by(portraits.c.drawn_at.desc(), portraits.c.id.desc()).limit(1)
    found = _portraits(connection, newest)
    return found[0] if found else None


def read_for(connection: Connection, user_id: str, portrait_id: str) -> set[str]:
    """Return the ids of the observations that a stored portrait cites, or that were read for it."""
    basis = select(portrait_basis.c.owner_id).where(
        portrait_basis.c.user_id == user_id,
        portrait_basis.c.portrait_id == portrait_id,
        portrait_basis.c.owner_kind == "observation",
    )
    return set(connection.execute(basis).scalars())


def _check_there(connection: Connection, user_id: str, table: Table, ids: Collection[str]) -> None:
    for chunk in chunked(sorted(set(ids))):
        there = select(table.c.id).where(table.c.user_id == user_id, table.c.id.in_(chunk))
        if set(connection.execute(there).scalars()) != set(chunk):
            raise StaleClaim(_DRAW_AGAIN)


def _portraits(connection: Connection, statement: Select[Any]) -> list[Portrait]:
    return [
        Portrait(
            id=row.id,
            user_id=row.user_id,
            kind=row.kind,
            task=row.task,
            lines=tuple(PortraitLine.model_validate(line) for line in row.lines),
            drawn_at=row.drawn_at,
            model=row.model,
            prompt_hash=row.prompt_hash,
        )
        for row in connection.execute(statement)
    ]
