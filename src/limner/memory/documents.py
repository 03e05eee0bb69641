"""The searchable texts of a user: every observation and every version of a proposition, as numbered documents."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import ColumnElement, Connection, Table, and_, insert, or_, select

from limner.memory.lexical import index_terms, tokenize
from limner.memory.records import Observation, Proposition
from limner.memory.schema import documents, observations, propositions

__all__ = (
    "KINDS",
    "Document",
    "Kind",
    "add_document",
    "any_visible",
    "document_texts",
    "known_at",
    "visible_documents",
)

Kind = Literal["observation", "proposition"]
"""What a document is the text of."""

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Document:
    """One searchable text."""

    id: int
    kind: Kind
    owner_id: str
    """Id of the observation or proposition."""
    length: int
    """In index terms."""


def add_document(connection: Connection, record: Observation | Proposition) -> int:
    """Make the record findable by its words; its vector is made when one is first needed.

    Returns:
        The document's number.
    """
    counts = Counter(tokenize(record.text))
    proposition = isinstance(record, Proposition)
    row = {
        "user_id": record.user_id,
        "kind": "proposition" if proposition else "observation",
        "proposition_id" if proposition else "observation_id": record.id,
        "length": counts.total(),
        "recorded_at": record.recorded_at,
    }
    number: int = connection.execute(insert(documents).values(row).returning(documents.c.id)).scalar_one()
    index_terms(connection, record.user_id, number, counts)
    return number


def visible_documents(
    connection: Connection, user_id: str, kinds: Collection[str], at: datetime | None = None
) -> list[Document]:
    """Return the documents known at a moment, in order of their number.

    Args:
        connection: An open connection.
        user_id: Whose documents.
        kinds: Which kinds of them.
        at: The moment, in limner's time; none means now.
    """
    statement = (
        select(documents)
        .where(documents.c.user_id == user_id, documents.c.kind.in_(sorted(kinds)), known_at(documents, at))
        .order_by(documents.c.id)
    )
    return [
        Document(row.id, row.kind, row.observation_id or row.proposition_id, row.length)
        for row in connection.execute(statement)
    ]


def any_visible(
    connection: Connection, user_id: str, kinds: Collection[str], at: datetime | None = None
) -> bool:
    """Return whether `visible_documents` would find one."""
    statement = select(documents.c.id).where(
        documents.c.user_id == user_id, documents.c.kind.in_(sorted(kinds)), known_at(documents, at)
    )
    return connection.execute(statement.limit(1)).first() is not None


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


def known_at(table: Table, at: datetime | None) -> ColumnElement[bool]:
    """Return the condition that a row of `table` was known, and not yet retired, at a moment (none: now)."""
    if at is None:
        return table.c.retired_at.is_(None)
    return and_(table.c.recorded_at <= at, or_(table.c.retired_at.is_(None), table.c.retired_at > at))
