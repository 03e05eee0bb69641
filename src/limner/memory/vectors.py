"""The encoder's vectors, kept in SQL under the encoder's name and version, and exact cosine over them.

A row gets its vector when a search first needs it, so that storing an observation loads no encoder. Vectors
have unit length, so a dot product is the cosine.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, select

from limner.errors import ModelError
from limner.memory.counters import next_version
from limner.memory.database import Database
from limner.memory.documents import Kind, document_texts
from limner.memory.records import utc_now
from limner.memory.rows import chunked, insert_missing
from limner.memory.schema import documents, outbox, users, vectors

__all__ = (
    "Vectorizer",
    "copy_vectors",
    "encode_missing",
    "lacks_vector",
    "load_vectors",
    "store_vectors",
    "unit_rows",
    "users_without_vectors",
)

ENCODING_BATCH = 256
"""Documents that are encoded, and stored, in one transaction."""


class Vectorizer(Protocol):
    """What the memory asks of an encoder (see `limner.inference.Encoder`)."""

    @property
    def name(self) -> str:
        """The encoder's name."""

    @property
    def version(self) -> str:
        """What changes when its vectors change."""

    def encode_query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of unit length per text."""

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of unit length per text."""


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `rows` (n, dimension) scaled to unit length; a row of zeros stays as it is.

    Raises:
        ModelError: A component is not a finite number.
    """
    matrix = np.ascontiguousarray(rows, dtype=np.float32)
    if not np.isfinite(matrix).all():
        raise ModelError("The encoder returned a vector that has components which are not numbers.")
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = np.divide(matrix, norms, out=np.zeros_like(matrix), where=norms > 0)
    return scaled


def load_vectors(
    connection: Connection, user_id: str, encoder: Vectorizer, numbers: Sequence[int] | None = None
) -> tuple[list[int], NDArray[np.float32]]:
    """Return document numbers and their vectors, one row each, (n, dimension); n may be 0.

    Args:
        connection: An open connection.
        user_id: Whose documents.
        encoder: Whose vectors; those of another name or version are not comparable and stay out.
        numbers: Which documents; none means all.
    """
    statement = select(vectors.c.document_id, vectors.c.vector).where(*_of(user_id, encoder))
    if numbers is None:
        rows = list(connection.execute(statement))
    else:
        rows = [
            row
            for chunk in chunked(numbers)
            for row in connection.execute(statement.where(vectors.c.document_id.in_(chunk)))
        ]
    rows.sort(key=lambda row: row.document_id)
    if not rows:
        return [], np.zeros((0, 0), dtype=np.float32)
    matrix = np.frombuffer(b"".join(row.vector for row in rows), dtype="<f4").reshape(len(rows), -1)
    return [row.document_id for row in rows], matrix


def encode_missing(
    database: Database,
    user_id: str,
    encoder: Vectorizer,
    *,
    kind: Kind | None = None,
    most: int | None = None,
) -> int:
    """Encode the user's documents that have no vector of this encoder yet; no transaction is open meanwhile.

    Args:
        database: The database.
        user_id: Whose documents.
        encoder: Makes the vectors.
        kind: Only documents of this kind.
        most: How many at most, oldest first; none means all.

    Returns:
        How many were encoded.
    """
    done = 0
    while True:
        left = ENCODING_BATCH if most is None else min(ENCODING_BATCH, most - done)
        with database.read() as connection:
            texts = _texts_without_vector(connection, user_id, encoder, kind, left) if left > 0 else {}
        if not texts:
            return done
        matrix = unit_rows(encoder.encode_documents(list(texts.values())))
        with database.write() as connection:
            store_vectors(connection, user_id, encoder, dict(zip(texts, matrix, strict=True)))
        done += len(texts)


def users_without_vectors(connection: Connection, encoder: Vectorizer) -> list[str]:
    """Return the users who have a document without a vector of this encoder."""
    statement = select(documents.c.user_id).distinct().where(lacks_vector(encoder))
    return list(connection.execute(statement.order_by(documents.c.user_id)).scalars())


def store_vectors(
    connection: Connection, user_id: str, encoder: Vectorizer, by_number: Mapping[int, NDArray[np.float32]]
) -> None:
    """Store vectors (unit length), and leave the user's index a note; documents erased meanwhile are passed over."""
    next_version(connection, user_id)
    alive: set[int] = set()
    for chunk in chunked(by_number):
        statement = select(documents.c.id).where(documents.c.user_id == user_id, documents.c.id.in_(chunk))
        alive.update(connection.execute(statement).scalars())
    made_by = {"encoder": encoder.name, "encoder_version": encoder.version}
    rows = [
        {
            "user_id": user_id,
            "document_id": number,
            **made_by,
            "dimension": len(vector),
            "vector": np.asarray(vector, dtype="<f4").tobytes(),
        }
        for number, vector in by_number.items()
        if number in alive
    ]
    insert_missing(connection, vectors, rows)
    _note(connection, user_id, [{"document_id": number, **made_by} for number in sorted(alive)])


def copy_vectors(connection: Connection, user_id: str, source: int, target: int) -> None:
    """Give document `target`, which is new, the vectors of `source`, whose text is the same."""
    mine = (vectors.c.user_id == user_id, vectors.c.document_id == source)
    rows = [dict(row) for row in connection.execute(select(vectors).where(*mine)).mappings()]
    if rows:
        copies = [{**row, "document_id": target} for row in rows]
        connection.execute(vectors.insert(), copies)
        _note(
            connection,
            user_id,
            [{name: copy[name] for name in ("document_id", "encoder", "encoder_version")} for copy in copies],
        )


def _note(connection: Connection, user_id: str, of: Sequence[Mapping[str, Any]]) -> None:
    """Leave the index a note of each new vector, where the user has an index; `VectorIndex.drain` makes the first."""
    indexed = select(users.c.id).where(users.c.id == user_id, users.c.index_key.is_not(None))
    if of and connection.execute(indexed).first() is not None:
        shared = {"user_id": user_id, "action": "upsert", "created_at": utc_now()}
        connection.execute(outbox.insert(), [{**shared, **one} for one in of])


def _texts_without_vector(
    connection: Connection, user_id: str, encoder: Vectorizer, kind: Kind | None, most: int
) -> dict[int, str]:
    missing = select(documents.c.id).where(documents.c.user_id == user_id, lacks_vector(encoder))
    if kind is not None:
        missing = missing.where(documents.c.kind == kind)
    numbers = connection.execute(missing.order_by(documents.c.id).limit(most)).scalars()
    return document_texts(connection, user_id, list(numbers))


def lacks_vector(encoder: Vectorizer) -> ColumnElement[bool]:
    """Return the condition that a document has no vector of this encoder."""
    return ~(
        select(vectors.c.document_id)
        .where(
            vectors.c.document_id == documents.c.id,
            vectors.c.encoder == encoder.name,
            vectors.c.encoder_version == encoder.version,
        )
        .exists()
    )


def _of(user_id: str, encoder: Vectorizer) -> tuple[ColumnElement[bool], ...]:
    return (
        vectors.c.user_id == user_id,
        vectors.c.encoder == encoder.name,
        vectors.c.encoder_version == encoder.version,
    )
