"""What search knows of each document of one user, as one array per property.

Moments are microseconds since 1970, UTC, as int64: `ALWAYS` and `NEVER` stand where a beginning or an end is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    bindparam,
    cast,
    extract,
    func,
    select,
    type_coerce,
)

from limner.memory.documents import KINDS
from limner.memory.schema import documents, observations, propositions

__all__ = ("ALWAYS", "NEVER", "Columns", "Names", "microseconds", "read_columns")

ALWAYS = int(np.iinfo(np.int64).min)
"""Stands for a beginning that is not known."""
NEVER = int(np.iinfo(np.int64).max)
"""Stands for an end that has not come."""

OBSERVATION_DURABILITY = 5
"""How lasting an observation counts as, on the scale of propositions."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The documents of one user in order of their number, retired ones included; every array has shape (n,)."""

    numbers: NDArray[np.int64]
    """Document numbers, rising."""
    kinds: NDArray[np.int8]
    """Position in `KINDS`."""
    owners: NDArray[np.object_]
    """Id of the observation or proposition, a string."""
    lengths: NDArray[np.int64]
    """In index terms."""
    recorded: NDArray[np.int64]
    retired: NDArray[np.int64]
    """`NEVER` while it is held."""
    moments: NDArray[np.int64]
    """When an observation was made, or when what a proposition says was last observed."""
    valid_from: NDArray[np.int64]
    valid_until: NDArray[np.int64]
    durabilities: NDArray[np.int64]
    confidences: NDArray[np.float64]
    sources: NDArray[np.int32]
    """Code of an observation's source in `Names.sources`; −1 of a proposition."""
    sessions: NDArray[np.int32]
    """Code of an observation's session in `Names.sessions`; −1 where there is none."""
    authors: NDArray[np.int32]
    """Code of an observation's author in `Names.authors`; −1 of a proposition."""

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def nbytes(self) -> int:
        """Bytes in memory, with about 90 for each owner's id."""
        total = 90 * len(self)
        for field in fields(self):
            total += getattr(self, field.name).nbytes
        return total

    def followed_by(self, more: "Columns") -> "Columns":
        """Return these documents and more, whose numbers are higher."""
        return Columns(
            *(np.concatenate((getattr(self, f.name), getattr(more, f.name))) for f in fields(self))
        )

    def with_rows(self, positions: NDArray[np.intp], rows: "Columns") -> "Columns":
        """Return these documents with other values at some positions."""
        columns = []
        for field in fields(self):
            column = getattr(self, field.name).copy()
            column[positions] = getattr(rows, field.name)
            columns.append(column)
        return Columns(*columns)

    def only(self, chosen: NDArray[np.bool_]) -> "Columns":
        """Return some of these documents."""
        return Columns(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Names:
    """What the codes in `Columns` stand for."""

    sources: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


def microseconds(moment: datetime) -> int:
    """Return an aware moment as microseconds since 1970, UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def read_columns(
    connection: Connection, user_id: str, names: Names, since: int | None = None
) -> tuple[Columns, Names]:
    """Return the user's documents.

    Args:
        connection: An open connection.
        user_id: Whose.
        names: Codes given out before; new ones are added.
        since: Only those that changed after this version of the user; none means all.
    """
    said_now, held_now = _STATEMENTS[connection.dialect.name == "sqlite", since is None]
    bound = {"user_id": user_id, "since": since}
    said = list(connection.execute(said_now, bound))
    held = list(connection.execute(held_now, bound))
    rows = said + held
    sources, source_names = _codes([r.source for r in said], len(held), names.sources)
    sessions, session_names = _codes([r.session for r in said], len(held), names.sessions)
    authors, author_names = _codes([r.author for r in said], len(held), names.authors)
    never = np.full(len(said), NEVER)
    columns = Columns(
        numbers=_integers([r.id for r in rows]),
        kinds=np.repeat(np.arange(len(KINDS), dtype=np.int8), [len(said), len(held)]),
        owners=_objects([r.owner for r in rows]),
        lengths=_integers([r.length for r in rows]),
        recorded=_moments([r.recorded for r in rows], NEVER),
        retired=_moments([r.retired for r in rows], NEVER),
        moments=_moments([r.moment for r in rows], ALWAYS),
        valid_from=np.concatenate((np.full(len(said), ALWAYS), _moments([r.begins for r in held], ALWAYS))),
        valid_until=np.concatenate((never, _moments([r.ends for r in held], NEVER))),
        durabilities=_integers([OBSERVATION_DURABILITY] * len(said) + [r.durability for r in held]),
        confidences=np.array([10.0] * len(said) + [r.confidence for r in held], dtype=np.float64),
        sources=sources,
        sessions=sessions,
        authors=authors,
    )
    if held and said:
        order = np.argsort(columns.numbers)
        columns = Columns(*(getattr(columns, field.name)[order] for field in fields(columns)))
    return columns, Names(source_names, session_names, author_names)


def _statements(sqlite: bool, everything: bool) -> tuple[Select[Any], Select[Any]]:
    """Return the statements for observations and for propositions, in order of document numbers."""

    def moment(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
        # Neither driver makes a datetime of it, which would take most of the time.
        if sqlite:
            return type_coerce(column, String).label(name)
        return cast(extract("epoch", column) * 1_000_000, BigInteger).label(name)

    d, o, p = documents.c, observations.c, propositions.c
    shared = (d.id, d.length, moment(d.recorded_at, "recorded"), moment(d.retired_at, "retired"))
    said = select(
        *shared, o.id.label("owner"), moment(o.occurred_at, "moment"), o.source, o.session, o.author
    ).join(observations, d.observation_id == o.id)
    last = func.coalesce(p.observed_at, p.valid_from, p.recorded_at)
    held = select(
        *shared,
        p.id.label("owner"),
        moment(last, "moment"),
        moment(p.valid_from, "begins"),
        moment(p.valid_until, "ends"),
        p.durability,
        p.confidence,
    ).join(propositions, d.proposition_id == p.id)
    mine = [d.user_id == bindparam("user_id")]
    if not everything:
        mine.append(d.changed > bindparam("since"))
    return (
        said.where(*mine, d.kind == KINDS[0]).order_by(d.id),
        held.where(*mine, d.kind == KINDS[1]).order_by(d.id),
    )


_STATEMENTS = {
    (sqlite, everything): _statements(sqlite, everything)
    for sqlite in (True, False)
    for everything in (True, False)
}


def _integers(values: Sequence[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def _objects(values: Sequence[str]) -> NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _moments(values: Sequence[str | int | None], missing: int) -> NDArray[np.int64]:
    """Return moments as SQLite's text, or as PostgreSQL's microseconds, have them."""
    if any(isinstance(value, str) for value in values):
        parsed: NDArray[np.int64] = np.array(values, dtype="datetime64[us]").astype(np.int64)
        parsed[[value is None for value in values]] = missing
        return parsed
    return np.array([missing if value is None else value for value in values], dtype=np.int64)


def _codes(
    values: Sequence[str | None], without: int, known: tuple[str, ...]
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return a code for each value, −1 for none and for `without` documents more, and all names by code."""
    codes = {name: code for code, name in enumerate(known)}
    array = np.full(len(values) + without, -1, dtype=np.int32)
    array[: len(values)] = [-1 if v is None else codes.setdefault(v, len(codes)) for v in values]
    return array, tuple(codes)
