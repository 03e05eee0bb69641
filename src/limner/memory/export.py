"""Everything stored of a user, or of all of them, as lines that `importing` reads back.

A file begins with a header and ends with a line that counts the others. In between, each user's section begins with the
user and has every table that is not derived, one kind of line after the other, so that what a line names stands before
it. Rows are read a few at a time, all from one state of the database.
"""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, RowMapping, Select, func, select

from limner.memory.database import Database
from limner.memory.lines import FORMAT, KINDS, Kind, Part
from limner.memory.records import utc_now
from limner.memory.rows import chunked
from limner.memory.schema import SCHEMA_VERSION, documents, observations, users, vectors
from limner.memory.vectors import Vectorizer

__all__ = ("export", "export_header")

_AT_ONCE = 500


def export(
    database: Database,
    user_ids: Iterable[str] | None,
    *,
    encoder: Vectorizer | None = None,
    with_vectors: bool = False,
) -> Iterator[dict[str, object]]:
    """Yield every line, as data that JSON can hold, from one state of the database.

    A transaction stays open until the last line has been taken, or the iterator is closed.

    Args:
        database: Where from.
        user_ids: Whose sections, in this order; none means everybody's. Where nobody of them is there, no line comes.
        encoder: Named in the header.
        with_vectors: Whether vectors are exported too; without them, whoever imports encodes anew when it is needed.
    """
    with database.read() as connection:
        there = select(users.c.id).order_by(users.c.id)
        everybody = connection.execute(there).scalars().all()
        chosen = everybody if user_ids is None else [one for one in user_ids if one in everybody]
        if user_ids is not None and not chosen:
            return
        yield export_header(encoder)
        lines = 1
        for user_id in chosen:
            for line in _section(connection, user_id, with_vectors):
                lines += 1
                yield line
        yield {"record": "end", "lines": lines}


def export_header(encoder: Vectorizer | None) -> dict[str, object]:
    """Return the first line of a file."""
    return {
        "record": "limner",
        "format": FORMAT,
        "limner": version("limner"),
        "schema_version": SCHEMA_VERSION,
        "encoder": encoder.name if encoder is not None else None,
        "encoder_version": encoder.version if encoder is not None else None,
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
    owner = func.coalesce(documents.c.observation_id, documents.c.proposition_id).label("owner_id")
    statement = (
        select(documents.c.kind, owner, vectors)
        .join(documents, vectors.c.document_id == documents.c.id)
        .where(vectors.c.user_id == user_id)
        .order_by(vectors.c.document_id, vectors.c.encoder, vectors.c.encoder_version)
    )
    for row in _streamed(connection, statement):
        yield {
            "record": "vector",
            "user_id": user_id,
            "owner_kind": row["kind"],
            **{name: row[name] for name in ("owner_id", "encoder", "encoder_version", "dimension")},
            "vector": _plain(row["vector"]),
        }


def _plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    return to_jsonable_python(value, bytes_mode="base64")
