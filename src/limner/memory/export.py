"""Everything stored of a user, or of all of them, as lines that `importing` reads back.

A file begins with a header and ends with a line that counts the others. In between, each user's section begins with the
user and has every table that is not derived, one kind of line after the other, so that what a line names stands before
it. All of it is read from one state of the database, and set aside before the first line is handed out: whoever takes
the lines slowly, or never goes on, keeps no transaction open, which would keep erased rows readable. What was forgotten
meanwhile is not handed out either.
"""

from collections.abc import Collection, Iterable, Iterator
from importlib.metadata import version
from tempfile import SpooledTemporaryFile
from typing import Any, TypeAlias

from pydantic_core import from_json, to_json, to_jsonable_python
from sqlalchemy import Connection, RowMapping, Select, func, select, true

from limner.errors import StaleClaim
from limner.memory.database import Database
from limner.memory.lines import FORMAT, KINDS, Kind, Part
from limner.memory.records import utc_now
from limner.memory.rows import chunked
from limner.memory.schema import SCHEMA_VERSION, documents, erasures, observations, users, vectors
from limner.memory.vectors import Vectorizer

__all__ = ("export",)

_AT_ONCE = 500
_IN_MEMORY = 16 << 20
"""Bytes of lines that wait in memory; more go to a file without a name, next to the database."""

_Erased: TypeAlias = dict[str, tuple[object, object]]


def export(
    database: Database,
    user_ids: Collection[str] | None,
    *,
    encoder: Vectorizer | None = None,
    with_vectors: bool = False,
) -> Iterator[dict[str, object]]:
    """Yield every line, as data that JSON can hold, from one state of the database.

    Args:
        database: Where from.
        user_ids: Whose sections, in this order; none means everybody's. Where nobody of them is there, no line comes.
        encoder: Named in the header.
        with_vectors: Whether vectors are exported too; without them, whoever imports encodes anew when it is needed.

    Raises:
        StaleClaim: Something was forgotten since the export began: it is not handed out; begin again.
    """
    folder = None if database.path is None else str(database.path.parent)
    with SpooledTemporaryFile(_IN_MEMORY, dir=folder) as aside:
        with database.read() as connection:
            for line in _lines(connection, user_ids, encoder, with_vectors):
                aside.write(to_json(line) + b"\n")
            erased = _erased(connection, user_ids)
        aside.seek(0)
        for lines in chunked(aside, _AT_ONCE):
            with database.read() as connection:
                now = _erased(connection, user_ids)
            if any(now.get(user_id) != before for user_id, before in erased.items()):
                raise StaleClaim("Something was forgotten while it was exported; begin the export again.")
            for written in lines:
                yield from_json(written)


def _lines(
    connection: Connection, user_ids: Collection[str] | None, encoder: Vectorizer | None, with_vectors: bool
) -> Iterator[dict[str, object]]:
    there = select(users.c.id).order_by(users.c.id)
    everybody = connection.execute(there).scalars().all()
    chosen = everybody if user_ids is None else [one for one in user_ids if one in everybody]
    if user_ids is not None and not chosen:
        return
    name = None if encoder is None else encoder.name
    mine = vectors.c.user_id.in_(chosen) if user_ids is not None else true()
    # Not asked of the encoder, which may have to be fetched to tell.
    made_by = select(vectors.c.encoder_version).where(mine, vectors.c.encoder == name).limit(1)
    yield _header(name, connection.execute(made_by).scalar())
    lines = 1
    for user_id in chosen:
        for line in _section(connection, user_id, with_vectors):
            lines += 1
            yield line
    yield {"record": "end", "lines": lines}


def _erased(connection: Connection, user_ids: Collection[str] | None) -> _Erased:
    """Return since when there are these users, and when something of theirs was forgotten last."""
    last = func.max(erasures.c.erased_at)
    statement = (
        select(users.c.id, users.c.created_at, last)
        .outerjoin(erasures, erasures.c.user_id == users.c.id)
        .group_by(users.c.id, users.c.created_at)
    )
    if user_ids is not None:
        statement = statement.where(users.c.id.in_(user_ids))
    return {row[0]: (row[1], row[2]) for row in connection.execute(statement)}


def _header(encoder: str | None, encoder_version: str | None) -> dict[str, object]:
    return {
        "record": "limner",
        "format": FORMAT,
        "limner": version("limner"),
        "schema_version": SCHEMA_VERSION,
        "encoder": encoder,
        "encoder_version": encoder_version,
        "exported_at": _plain(utc_now()),
    }


def _section(connection: Connection, user_id: str, with_vectors: bool) -> Iterator[dict[str, object]]:
    for kind in KINDS:
        for rows in chunked(_rows(connection, kind, user_id), _AT_ONCE):
            parts = {
                shown: _parts(connection, part, user_id, kind, rows) for shown, part in kind.parts.items()
            }
            for row in rows:
                line = {shown: row[name] for name, shown in kind.columns.items()}
                if line.get("state") == "claimed":
                    line["state"] = "pending"
                for shown, by_owner in parts.items():
                    line[shown] = by_owner.get(row[kind.key[0]], [])
                yield {"record": kind.name, **_plain(line)}
    if with_vectors:
        yield from _vectors(connection, user_id)


def _rows(connection: Connection, kind: Kind, user_id: str) -> Iterator[RowMapping]:
    """Yield the rows of a user, a few at a time, in an order that needs no sorting of whole rows."""
    table = kind.table
    if table is users:
        yield from connection.execute(select(table).where(table.c.id == user_id)).mappings()
        return
    mine = table.c.user_id == user_id
    if table is observations:
        yield from _streamed(connection, select(table).where(mine).order_by(table.c.occurred_at, table.c.id))
    elif kind.key == ("id",):
        moments = [
            c for c in table.columns if c.name in ("recorded_at", "drawn_at", "decided_at", "erased_at")
        ]
        ids = (
            connection
            .execute(select(table.c.id).where(mine).order_by(*moments[:1], table.c.id))
            .scalars()
            .all()
        )
        for chunk in chunked(ids, _AT_ONCE):
            found = connection.execute(select(table).where(mine, table.c.id.in_(chunk))).mappings()
            by_id = {row["id"]: row for row in found}
            yield from (by_id[id] for id in chunk)
    else:
        yield from _streamed(
            connection, select(table).where(mine).order_by(*(table.c[name] for name in kind.key))
        )


def _streamed(connection: Connection, statement: Select[Any]) -> Iterator[RowMapping]:
    yield from connection.execute(statement.execution_options(yield_per=_AT_ONCE)).mappings()


def _parts(
    connection: Connection, part: Part, user_id: str, kind: Kind, rows: Iterable[RowMapping]
) -> dict[str, list[object]]:
    c = part.table.c
    statement = select(part.table).where(
        c.user_id == user_id, c[part.owner].in_([row[kind.key[0]] for row in rows])
    )
    found: dict[str, list[object]] = {}
    order = [c[part.owner], c[part.order], *(c[name] for name in part.columns)]
    for row in connection.execute(statement.order_by(*order)).mappings():
        whole = {name: row[name] for name in part.columns}
        one = whole if len(whole) > 1 else whole[part.columns[0]]
        found.setdefault(row[part.owner], []).append(one)
    return found


def _vectors(connection: Connection, user_id: str) -> Iterator[dict[str, object]]:
    owner = func.coalesce(documents.c.observation_id, documents.c.proposition_id)
    named = select(documents.c.id, documents.c.kind, owner).where(documents.c.user_id == user_id)
    for chunk in chunked(connection.execute(named.order_by(documents.c.kind, owner)).all(), _AT_ONCE):
        statement = select(vectors).where(
            vectors.c.user_id == user_id, vectors.c.document_id.in_([number for number, _, _ in chunk])
        )
        found: dict[int, list[RowMapping]] = {}
        ordered = statement.order_by(vectors.c.encoder, vectors.c.encoder_version)
        for row in connection.execute(ordered).mappings():
            found.setdefault(row["document_id"], []).append(row)
        for number, kind, owner_id in chunk:
            for row in found.get(number, ()):
                yield {
                    "record": "vector",
                    "user_id": user_id,
                    "owner_kind": kind,
                    "owner_id": owner_id,
                    **{name: row[name] for name in ("encoder", "encoder_version", "dimension")},
                    "vector": _plain(row["vector"]),
                }


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    return to_jsonable_python(value, bytes_mode="base64")
