"""Finding records again: one ranking from words, meaning, context, recency and confidence.

Every part is scaled to 0…1 and weighted by `RecallWeights`; the score is their sum, and `Recall.why` says what
each part gave. A part of weight 0 costs nothing: without `dense` and `diversity` no encoder is loaded.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from limner.memory.asof import AsOf, held_in
from limner.memory.database import Database
from limner.memory.documents import Kind, any_visible, visible_documents
from limner.memory.index import VectorIndex
from limner.memory.lexical import bm25
from limner.memory.ranking import Scores, diversify, fuse, min_max, order
from limner.memory.records import Observation, Proposition
from limner.memory.rows import chunked, observation_from, propositions_from
from limner.memory.schema import UTCDateTime, documents, observations, propositions
from limner.memory.vectors import Vectorizer, encode_missing, load_vectors, unit_rows
from limner.settings import RecallWeights

__all__ = ("Recall", "Similar", "search", "similar")

POOL = 200
"""How many of the best by words, and of the best by meaning, are ranked when not all are compared."""

_SECONDS_PER_DAY = 86_400.0
_OBSERVATION_DURABILITY = 5
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Recall:
    """A record that was found, and why."""

    record: Observation | Proposition
    score: float
    why: Mapping[str, float]
    """What each part of the search gave; the sum is the score."""


@dataclass(frozen=True, slots=True)
class Similar:
    """A current proposition that is near to a text."""

    proposition: Proposition
    cosine: float
    exact: bool
    """Whether the texts differ in case, punctuation and white space at most."""


def search(
    database: Database,
    index: VectorIndex,
    encoder: Vectorizer,
    user_id: str,
    query: str,
    k: int,
    kinds: Collection[str],
    weights: RecallWeights,
    when: AsOf,
) -> list[Recall]:
    """Return the `k` best records for `query`, best first; see `UserMemory.search`."""
    with database.read() as connection:
        if not any_visible(connection, user_id, kinds, when):
            return []
    vector = None
    if weights.dense > 0 or weights.diversity > 0:
        encode_missing(database, user_id, encoder)
    if weights.dense > 0:
        vector = unit_rows(encoder.encode_query([query]))[0]
    with database.read() as connection:
        return _Lookup(connection, index, encoder, user_id, kinds, when, weights).ranked(query, vector, k)


def similar(
    database: Database, encoder: Vectorizer, user_id: str, texts: Sequence[str], k: int
) -> list[list[Similar]]:
    """Return for each text the `k` nearest current propositions; see `UserMemory.similar`."""
    if not texts:
        return []
    with database.read() as connection:
        if not any_visible(connection, user_id, ("proposition",)):
            return [[] for _ in texts]
    encode_missing(database, user_id, encoder)
    queries = unit_rows(encoder.encode_documents(list(texts)))
    with database.read() as connection:
        rows = connection.execute(
            select(propositions, documents.c.id.label("document_id"))
            .join(documents, documents.c.proposition_id == propositions.c.id)
            .where(propositions.c.user_id == user_id, held_in(propositions, None))
        ).all()
        by_number = {row.document_id: row for row in rows}
        numbers, matrix = load_vectors(connection, user_id, encoder, sorted(by_number))
        if not numbers:
            return [[] for _ in texts]
        cosines = queries @ matrix.T
        held = [by_number[number] for number in numbers]
        keys = [_key(row.text) for row in held]
        best = [_nearest(_key(text), keys, cosines[i], k) for i, text in enumerate(texts)]
        wanted = {held[j].id: held[j] for chosen in best for j, _, _ in chosen}
        records = {p.id: p for p in propositions_from(connection, user_id, list(wanted.values()))}
    return [[Similar(records[held[j].id], cosine, exact) for j, cosine, exact in chosen] for chosen in best]


@dataclass(frozen=True, slots=True)
class _Fact:
    """What ranking needs to know of one document."""

    moment: datetime
    durability: int
    confidence: float


class _Lookup:
    """One search of one user, on one state of the database."""

    def __init__(
        self,
        connection: Connection,
        index: VectorIndex,
        encoder: Vectorizer,
        user_id: str,
        kinds: Collection[str],
        when: AsOf,
        weights: RecallWeights,
    ) -> None:
        self._connection = connection
        self._index = index
        self._encoder = encoder
        self._user_id = user_id
        self._now = when.moment
        self._weights = weights
        self._documents = {d.id: d for d in visible_documents(connection, user_id, kinds, when)}
        self._neighbours = self._adjacent() if weights.context > 0 else {}

    def ranked(self, query: str, vector: NDArray[np.float32] | None, k: int) -> list[Recall]:
        weights = self._weights
        words: dict[int, float] = {}
        if weights.lexical > 0:
            lengths = {d.id: d.length for d in self._documents.values()}
            words = bm25(self._connection, self._user_id, query, lengths)
        numbers, cosines = self._candidates(words, vector)
        if not numbers:
            return []
        numbers.sort(reverse=True)  # of equal scores the record stored later comes first
        lexical = min_max(np.array([words.get(n, 0.0) for n in numbers]))
        dense = min_max(np.array([cosines.get(n, 0.0) for n in numbers]))
        parts = {
            "lexical": (weights.lexical, lexical),
            "dense": (weights.dense, dense),
            "context": (weights.context, self._context(numbers, lexical, dense)),
        }
        if weights.recency > 0 or weights.confidence > 0:
            by_number = self._facts(numbers)
            facts = [by_number[n] for n in numbers]
            parts["recency"] = (weights.recency, self._recency(facts))
            parts["confidence"] = (weights.confidence, np.array([f.confidence / 10 for f in facts]))
        return self._explained(numbers, fuse(parts), k)

    def _candidates(
        self, words: Mapping[int, float], vector: NDArray[np.float32] | None
    ) -> tuple[list[int], dict[int, float]]:
        """Return the documents to be ranked, and the cosine of each."""
        if vector is None:
            everything = self._weights.recency > 0 or self._weights.confidence > 0
            return list(self._documents) if everything else self._with_neighbours(words), {}
        pool = sorted(self._pool(words, vector))
        numbers, matrix = load_vectors(self._connection, self._user_id, self._encoder, pool)
        cosines = matrix @ vector if numbers else np.zeros(0)
        return numbers, {n: float(c) for n, c in zip(numbers, cosines, strict=True)}

    def _pool(self, words: Mapping[int, float], vector: NDArray[np.float32]) -> list[int]:
        """Return the documents worth comparing: all of a kind, or where there are many the best of it."""
        by_kind: dict[Kind, list[int]] = {}
        for document in self._documents.values():
            by_kind.setdefault(document.kind, []).append(document.id)
        pool: list[int] = []
        for kind, numbers in by_kind.items():
            near = None
            if len(numbers) > self._index.exact_limit:
                near = self._index.nearest(self._connection, self._user_id, kind, vector, 2 * POOL)
            # The index knows retired rows too: where these crowd out what may be found, all are compared.
            seen = [number for number in near or () if number in self._documents]
            pool += seen if len(seen) >= min(POOL, len(numbers)) else numbers
        best = sorted(words, key=lambda number: (-words[number], number))[:POOL]
        return self._with_neighbours([*pool, *best])

    def _with_neighbours(self, numbers: Iterable[int]) -> list[int]:
        around = (m for n in numbers for m in (n, *self._neighbours.get(n, ())))
        return [n for n in dict.fromkeys(around) if n in self._documents]

    def _adjacent(self) -> dict[int, tuple[int, ...]]:
        """Return each observation's neighbours: those of the same source just before and after it."""
        source, when = observations.c.source, (observations.c.occurred_at, observations.c.id)
        statement = (
            select(
                documents.c.id,
                func.lag(documents.c.id).over(partition_by=source, order_by=when).label("before"),
                func.lead(documents.c.id).over(partition_by=source, order_by=when).label("after"),
            )
            .join(observations, documents.c.observation_id == observations.c.id)
            .where(documents.c.user_id == self._user_id)
        )
        return {
            row.id: tuple(n for n in (row.before, row.after) if n is not None)
            for row in self._connection.execute(statement)
        }

    def _facts(self, numbers: Sequence[int]) -> dict[int, _Fact]:
        facts: dict[int, _Fact] = {}
        said = select(documents.c.id, observations.c.occurred_at).join(
            observations, documents.c.observation_id == observations.c.id
        )
        held = select(
            documents.c.id,
            func.coalesce(
                propositions.c.observed_at,
                propositions.c.valid_from,
                propositions.c.recorded_at,
                type_=UTCDateTime,
            ).label("moment"),
            propositions.c.durability,
            propositions.c.confidence,
        ).join(propositions, documents.c.proposition_id == propositions.c.id)
        for chunk in chunked(numbers):
            mine = (documents.c.user_id == self._user_id, documents.c.id.in_(chunk))
            for number, moment in self._connection.execute(said.where(*mine)):
                facts[number] = _Fact(moment, _OBSERVATION_DURABILITY, 10.0)
            for number, *rest in self._connection.execute(held.where(*mine)):
                facts[number] = _Fact(*rest)
        return facts

    def _context(self, numbers: Sequence[int], lexical: Scores, dense: Scores) -> Scores:
        """Return the best neighbour's score of each document, by words and meaning, from 0 to 1."""
        total = self._weights.lexical + self._weights.dense
        if not self._neighbours or not total:
            return np.zeros(len(numbers))
        own = (self._weights.lexical * lexical + self._weights.dense * dense) / total
        score = dict(zip(numbers, own, strict=True))
        return np.array([
            max((score.get(m, 0.0) for m in self._neighbours.get(n, ())), default=0.0) for n in numbers
        ])

    def _recency(self, facts: Sequence[_Fact]) -> Scores:
        ages = np.array([(self._now - fact.moment).total_seconds() / _SECONDS_PER_DAY for fact in facts])
        steps = np.array([(fact.durability - _OBSERVATION_DURABILITY) / 2 for fact in facts])
        scores: Scores = 0.5 ** (np.maximum(ages, 0.0) / (self._weights.half_life_days * 2.0**steps))
        return scores

    def _explained(self, numbers: Sequence[int], parts: Mapping[str, Scores], k: int) -> list[Recall]:
        total = np.sum(list(parts.values()), axis=0) if parts else np.zeros(len(numbers))
        diversity = self._weights.diversity
        if diversity == 0:
            chosen = [(i, {name: float(part[i]) for name, part in parts.items()}) for i in order(total)[:k]]
        else:
            # Everything past a generous pool is too far down to be chosen for being different.
            pool = order(total)[: max(POOL, 4 * k)]
            picked = diversify(total[pool], self._vectors([numbers[i] for i in pool]), k, diversity)
            chosen = []
            for position, cost in picked:
                i = pool[position]
                kept = {name: (1 - diversity) * float(part[i]) for name, part in parts.items()}
                chosen.append((i, {**kept, "diversity": cost}))
        records = self._records([numbers[i] for i, _ in chosen])
        return [Recall(records[numbers[i]], sum(why.values()), why) for i, why in chosen]

    def _vectors(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        found, matrix = load_vectors(self._connection, self._user_id, self._encoder, numbers)
        place = {number: i for i, number in enumerate(found)}
        return matrix[[place[number] for number in numbers]]

    def _records(self, numbers: Sequence[int]) -> dict[int, Observation | Proposition]:
        owners = {self._documents[n].owner_id: n for n in numbers}
        found: dict[int, Observation | Proposition] = {}
        for chunk in chunked(owners):
            said = select(observations).where(
                observations.c.user_id == self._user_id, observations.c.id.in_(chunk)
            )
            for row in self._connection.execute(said):
                found[owners[row.id]] = observation_from(row)
            held = select(propositions).where(
                propositions.c.user_id == self._user_id, propositions.c.id.in_(chunk)
            )
            rows = self._connection.execute(held).all()
            for record in propositions_from(self._connection, self._user_id, rows):
                found[owners[record.id]] = record
        return found


def _nearest(
    key: str, keys: Sequence[str], cosines: NDArray[np.float32], k: int
) -> list[tuple[int, float, bool]]:
    ranked = sorted(range(len(keys)), key=lambda j: (keys[j] != key, -float(cosines[j]), j))
    return [(j, float(cosines[j]), keys[j] == key) for j in ranked[:k]]


def _key(text: str) -> str:
    return _NOT_WORD.sub(" ", text.casefold()).strip()
