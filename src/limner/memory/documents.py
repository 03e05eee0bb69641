"""The searchable texts of a user: every observation and every version of a proposition, as numbered documents."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Connection, insert, select, update

from limner.memory.counters import next_version
from limner.memory.lexical import index_terms, tokenize
from limner.memory.records import Observation, Proposition
from limner.memory.schema import documents, observations, propositions

__all__ = (
    "KINDS",
    "Kind",
    "add_document",
    "add_documents",
    "document_texts",
    "retire_document",
)

Kind = Literal["observation", "proposition"]
"""What a document is the text of."""

KINDS: tuple[Kind, ...] = get_args(Kind)


def add_document(
    connection: Connection, record: Observation | Proposition, version: int | None = None
) -> int:
    """Make one record findable, as `add_documents` does; return the document's number.

    Args:
        connection: A connection in a write transaction.
        record: What was just stored.
        version: The number of the change that it is part of, from `next_version`; none counts one for it.
    """
    counted = next_version(connection, record.user_id) if version is None else version
    return add_documents(connection, record.user_id, [record], counted)[0]


def add_documents(
    connection: Connection, user_id: str, records: Sequence[Observation | Proposition], version: int
) -> list[int]:
    """Make records findable by their words; their vectors are made when they are first needed.

    Args:
        connection: A connection in a write transaction.
        user_id: Whose records.
        records: What was just stored.
        version: The number of the change that they are part of, from `next_version`.

    Returns:
        The documents' numbers, rising.
    """
    counts = [Counter(tokenize(record.text)) for record in records]
    rows = []
    for record, count in zip(records, counts, strict=True):
        proposition = isinstance(record, Proposition)
        rows.append({
            "user_id": user_id,
            "kind": "proposition" if proposition else "observation",
            "observation_id": None if proposition else record.id,
            "proposition_id": record.id if proposition else None,
            "length": count.total(),
            "recorded_at": record.recorded_at,
            "changed": version,
        })
    if not rows:
        return []
    numbered = insert(documents).returning(documents.c.id, sort_by_parameter_order=True)
    numbers = list(connection.execute(numbered, rows).scalars())
    index_terms(connection, user_id, dict(zip(numbers, counts, strict=True)))
    return numbers


def retire_document(connection: Connection, user_id: str, proposition_id: str, now: datetime) -> None:
    """Let a version of a proposition be found no longer, except by who asks for what was held before."""
    connection.execute(
        update(documents)
        .where(documents.c.user_id == user_id, documents.c.proposition_id == proposition_id)
        .values(retired_at=now, changed=next_version(connection, user_id))
    )


def document_texts(connection: Connection, user_id: str, numbers: Collection[int]) -> dict[int, str]:
    """Return the texts of some documents by their number."""
    text = select(documents.c.id, observations.c.text.label("said"), propositions.c.text.label("held"))
    joined = documents.outerjoin(observations, documents.c.observation_id == observations.c.id).outerjoin(
        propositions, documents.c.proposition_id == propositions.c.id
    )
    found: dict[int, str] = {}
    statement = text.select_from(joined).where(
        documents.c.user_id == user_id, documents.c.id.in_(sorted(numbers))
    )
    for row in connection.execute(statement):
        found[row.id] = row.said if row.said is not None else row.held
    return found
