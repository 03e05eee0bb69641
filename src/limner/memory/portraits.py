"""Keeping portraits, each with the list of what it was drawn from, so that erasure finds it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select

from limner.errors import InputError
from limner.memory.records import Portrait, PortraitLine
from limner.memory.rows import ensure_user, insert_missing
from limner.memory.schema import portrait_basis, portraits

__all__ = ("latest_portrait", "list_portraits", "save_portrait")


def save_portrait(connection: Connection, user_id: str, portrait: Portrait) -> None:
    """Store a portrait next to the earlier ones.

    Raises:
        InputError: It is of another user.
    """
    if portrait.user_id != user_id:
        raise InputError("This portrait is of another user.")
    ensure_user(connection, user_id)
    row = portrait.model_dump(exclude={"lines"})
    lines = [line.model_dump(mode="json") for line in portrait.lines]
    connection.execute(insert(portraits).values({**row, "lines": lines}))
    basis = {("proposition", i) for i in portrait.based_on}
    basis |= {("observation", span.observation_id) for line in portrait.lines for span in line.evidence}
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


def list_portraits(connection: Connection, user_id: str) -> list[Portrait]:
    """Return every portrait of the user, oldest first."""
    statement = select(portraits).where(portraits.c.user_id == user_id)
    return _portraits(connection, statement.order_by(portraits.c.drawn_at, portraits.c.id))


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
