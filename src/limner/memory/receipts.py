"""Receipts of erasures: what went, in counts, and what has been derived anew since."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, Row, func, insert, select, update

from limner.errors import NotFound
from limner.memory.records import new_id
from limner.memory.rows import chunked
from limner.memory.schema import erasures, evidence, observations, propositions, rederivations

__all__ = (
    "ERASED",
    "ErasureKind",
    "Receipt",
    "add_remnants",
    "erased_since",
    "keep_receipt",
    "list_receipts",
    "one_receipt",
    "replace_remnant",
)

ERASED = "(erased)"
"""Stands where words were that may have come from something erased."""

ErasureKind: TypeAlias = Literal["observation", "proposition", "source", "everything"]
"""What was asked to be forgotten."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure removed: counts, and nothing of the content."""

    id: str
    """Of the receipt; `UserMemory.receipt` tells by it what has been derived anew since."""
    kind: ErasureKind
    erased_at: datetime
    observations: int = 0
    propositions: int = 0
    """Versions removed, retired ones included; `withheld` is a part of these."""
    withheld: int = 0
    """Versions held until then that rested on other observations too; these are derived again without it."""
    requeued: int = 0
    """Observations put back to pending, to derive these from."""
    restored: int = 0
    """Earlier versions that are held again because what had revised them is gone."""
    portraits: int = 0
    suggestions: int = 0
    checkpoints: int = 0
    """States of conversations."""
    files: int = 0
    """Logs under the data folder."""
    waiting: int = 0
    """Of the observations put back, those that no reflection has finished yet: what rests on them is withheld still."""
    rederived: int = 0
    """Propositions held now that have been derived since from the observations put back."""
    remnants: tuple[str, ...] = ()
    """What could not be removed from here or then, in words; empty when nothing was left on this machine."""


_COUNTS = (
    "observations",
    "propositions",
    "withheld",
    "requeued",
    "restored",
    "portraits",
    "suggestions",
    "checkpoints",
    "files",
)


def erased_since(connection: Connection, user_id: str, moment: datetime) -> bool:
    """Return whether something of the user was erased since a moment: what was read then may hold it."""
    later = select(erasures.c.id).where(erasures.c.user_id == user_id, erasures.c.erased_at >= moment)
    return connection.execute(later.limit(1)).first() is not None


def keep_receipt(
    connection: Connection,
    user_id: str,
    kind: ErasureKind,
    erased_at: datetime,
    counts: dict[str, int],
    requeued: Collection[str],
) -> Receipt:
    """Store the receipt of an erasure, in its transaction, and return it."""
    id = new_id()
    row = {"id": id, "user_id": user_id, "kind": kind, "erased_at": erased_at}
    connection.execute(insert(erasures).values({**row, "counts": dict(counts), "remnants": []}))
    for chunk in chunked(sorted(requeued)):
        rows = [{"user_id": user_id, "erasure_id": id, "observation_id": one} for one in chunk]
        connection.execute(insert(rederivations), rows)
    return _of(id, kind, erased_at, counts, waiting=len(requeued))


def add_remnants(
    connection: Connection, user_id: str, id: str, files: int, remnants: Collection[str]
) -> None:
    """Note what happened after the transaction of an erasure."""
    own = (erasures.c.user_id == user_id, erasures.c.id == id)
    counts = connection.execute(select(erasures.c.counts).where(*own)).scalar()
    if counts is not None:
        changed = {"counts": {**counts, "files": files}, "remnants": list(remnants)}
        connection.execute(update(erasures).where(*own).values(changed))


def replace_remnant(connection: Connection, user_id: str, old: str, new: str | None) -> None:
    """Say another thing, or nothing, where the receipts of a user say `old`: it has been seen to since."""
    own = select(erasures.c.id, erasures.c.remnants).where(erasures.c.user_id == user_id)
    for id, remnants in connection.execute(own).all():
        if old in remnants:
            kept = [one for one in remnants if one != old]
            changed = kept if new is None or new in kept else [*kept, new]
            connection.execute(update(erasures).where(erasures.c.id == id).values(remnants=changed))


def one_receipt(connection: Connection, user_id: str, id: str) -> Receipt:
    """Return a receipt, with what has been derived anew by now.

    Raises:
        NotFound: The user has none of this id.
    """
    statement = select(erasures).where(erasures.c.user_id == user_id, erasures.c.id == id)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(f"There is no receipt {id!r}.")
    return _receipt(connection, row)


def list_receipts(connection: Connection, user_id: str) -> list[Receipt]:
    """Return every receipt of the user, oldest first."""
    statement = select(erasures).where(erasures.c.user_id == user_id)
    rows = connection.execute(statement.order_by(erasures.c.erased_at, erasures.c.id)).all()
    return [_receipt(connection, row) for row in rows]


def _of(
    id: str,
    kind: ErasureKind,
    erased_at: datetime,
    counts: Mapping[str, int],
    *,
    waiting: int = 0,
    rederived: int = 0,
    remnants: Collection[str] = (),
) -> Receipt:
    known = {name: counts.get(name, 0) for name in _COUNTS}
    return Receipt(
        id, kind, erased_at, waiting=waiting, rederived=rederived, remnants=tuple(remnants), **known
    )


def _receipt(connection: Connection, row: Row[Any]) -> Receipt:
    back = select(rederivations.c.observation_id).where(
        rederivations.c.user_id == row.user_id, rederivations.c.erasure_id == row.id
    )
    waiting = select(func.count()).where(
        observations.c.user_id == row.user_id,
        observations.c.id.in_(back),
        observations.c.state != "done",
    )
    cited = select(evidence.c.proposition_id).where(
        evidence.c.user_id == row.user_id, evidence.c.observation_id.in_(back)
    )
    rederived = select(func.count()).where(
        propositions.c.user_id == row.user_id,
        propositions.c.id.in_(cited),
        propositions.c.recorded_at > row.erased_at,
        propositions.c.retired_at.is_(None),
    )
    return _of(
        row.id,
        row.kind,
        row.erased_at,
        row.counts,
        waiting=connection.execute(waiting).scalar_one(),
        rederived=connection.execute(rederived).scalar_one(),
        remnants=row.remnants,
    )
