"""The log of what was told, or not told, to whom (contextual integrity)."""

from sqlalchemy import Connection, insert, select

from limner.errors import InputError
from limner.memory.records import AuditEntry
from limner.memory.rows import ensure_user
from limner.memory.schema import audit_log

__all__ = ("list_audit", "store_audit")


def store_audit(connection: Connection, user_id: str, entry: AuditEntry) -> None:
    """Add one decision to the log.

    Raises:
        InputError: It is about another user.
    """
    if entry.user_id != user_id:
        raise InputError("This decision is about another user.")
    ensure_user(connection, user_id)
    connection.execute(insert(audit_log).values(entry.model_dump()))


def list_audit(connection: Connection, user_id: str) -> list[AuditEntry]:
    """Return every decision about this user, oldest first."""
    statement = (
        select(audit_log)
        .where(audit_log.c.user_id == user_id)
        .order_by(audit_log.c.decided_at, audit_log.c.id)
    )
    return [AuditEntry.model_validate(dict(row)) for row in connection.execute(statement).mappings()]
