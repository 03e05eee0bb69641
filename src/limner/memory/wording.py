"""The words of what is to be erased: its texts, and the index terms that nothing else has."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select, union_all

from limner.memory.lexical import tokenize
from limner.memory.rows import chunked
from limner.memory.schema import documents, observations, propositions, suggestions, terms, verdicts

__all__ = ("Wording", "wording_of", "words_only_of")

_NAMES = ("source", "session", "key", "origin")
"""Columns of an observation, besides its text, that hold words."""
_SHARED = ("source", "session")
"""Those of them that observations share."""


@dataclass(frozen=True)
class Wording:
    """What is to be erased, in words."""

    texts: tuple[str, ...]
    names: tuple[str, ...]
    """Sources, sessions, keys, titles."""
    since: datetime | None
    """When the first of it became known; none when there is nothing."""


def wording_of(
    connection: Connection, user_id: str, observed: Collection[str], versions: Collection[str]
) -> Wording:
    """Return texts and names of observations and proposition versions."""
    texts: list[str] = []
    names: set[str] = set()
    moments: list[datetime] = []
    for chunk in chunked(sorted(observed)):
        statement = select(observations).where(
            observations.c.user_id == user_id, observations.c.id.in_(chunk)
        )
        for row in connection.execute(statement).mappings():
            texts.append(row["text"])
            names.update(_names(row))
            moments.append(row["recorded_at"])
    for chunk in chunked(sorted(versions)):
        held = select(propositions.c.text, propositions.c.recorded_at).where(
            propositions.c.user_id == user_id, propositions.c.id.in_(chunk)
        )
        for text, recorded_at in connection.execute(held):
            texts.append(text)
            moments.append(recorded_at)
    return Wording(tuple(texts), tuple(sorted(names)), min(moments, default=None))


def words_only_of(connection: Connection, user_id: str, ids: Collection[str]) -> set[str]:
    """Return the index terms of these observations that no other of the user's has.

    What limner said, and what quotes a proposition or a suggestion, does not count: they may have their words from these.
    """
    own: Counter[str] = Counter()
    named: set[str] = set()
    going: Counter[tuple[str, str]] = Counter()
    for chunk in chunked(sorted(ids)):
        frequency = (
            select(terms.c.term, func.count())
            .join(documents, terms.c.document_id == documents.c.id)
            .where(terms.c.user_id == user_id, documents.c.observation_id.in_(chunk))
            .group_by(terms.c.term)
        )
        for term, n in connection.execute(frequency):
            own[term] += n
        rows = select(observations).where(observations.c.user_id == user_id, observations.c.id.in_(chunk))
        for row in connection.execute(rows).mappings():
            named.update(_names(row))
            going.update((column, row[column]) for column in _SHARED if row[column] is not None)
    terms_named = {term for name in named for term in tokenize(name)}
    wanted = {*own, *terms_named} - (_names_that_stay(connection, user_id, going) - set(own))
    quoted = _copies(connection, user_id)
    for chunk in chunked(sorted(wanted)):
        everywhere = (
            select(terms.c.term, func.count())
            .where(terms.c.user_id == user_id, terms.c.term.in_(chunk))
            .group_by(terms.c.term)
        )
        wanted -= {term for term, n in connection.execute(everywhere) if n - quoted[term] > own[term]}
    return wanted


def _copies(connection: Connection, user_id: str) -> Counter[str]:
    """Return how many documents have each term that may have it from an observation: no observation of the user's own."""
    quoting = select(verdicts.c.observation_id).where(
        verdicts.c.user_id == user_id, verdicts.c.kind != "correct"
    )
    decided = select(suggestions.c.observation_id).where(
        suggestions.c.user_id == user_id, suggestions.c.observation_id.is_not(None)
    )
    said = select(observations.c.id).where(
        observations.c.user_id == user_id,
        or_(
            observations.c.author == "assistant",
            observations.c.id.in_(quoting),
            observations.c.id.in_(decided),
        ),
    )
    mine = select(documents.c.id).where(documents.c.user_id == user_id)
    copies = union_all(
        mine.where(documents.c.kind == "proposition"), mine.where(documents.c.observation_id.in_(said))
    )
    counts = select(terms.c.term, func.count()).where(terms.c.document_id.in_(copies)).group_by(terms.c.term)
    return Counter({row.term: row[1] for row in connection.execute(counts)})


def _names_that_stay(connection: Connection, user_id: str, going: Mapping[tuple[str, str], int]) -> set[str]:
    """Return the terms in sources and sessions of the observations that stay.

    Args:
        connection: An open connection.
        user_id: Whose.
        going: How many of the observations that go have each of them, by column and name.
    """
    found: set[str] = set()
    for column in _SHARED:
        name = observations.c[column]
        statement = select(name, func.count()).where(observations.c.user_id == user_id, name.is_not(None))
        for value, n in connection.execute(statement.group_by(name)):
            if n > going.get((column, value), 0):
                found.update(tokenize(value))
    return found


def _names(row: Mapping[Any, Any]) -> Iterator[str]:
    for column in _NAMES:
        yield from _strings(row[column])
    yield from _strings(row["event"])
    yield from _strings(row["media"])


def _strings(value: object) -> Iterator[str]:
    """Yield every text in what JSON holds."""
    if isinstance(value, str):
        if not value.startswith("data:"):  # a picture itself, in letters that are no words
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
