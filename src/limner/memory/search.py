"""Finding records again: one ranking from words, meaning, context, recency and confidence.

Every part is scaled to 0…1 and weighted by `RecallWeights`; the score is their sum, and `Recall.why` says what
each part gave. A part of weight 0 costs nothing: without `dense` and `diversity` no encoder is loaded.

What is compared lies in memory, in a snapshot that follows the database (`limner.memory.snapshot`); what is
returned is read from the database.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, select

from limner.memory.asof import AsOf
from limner.memory.documents import KINDS
from limner.memory.index import VectorIndex
from limner.memory.records import Observation, Proposition
from limner.memory.reencoding import Reencoder
from limner.memory.rows import chunked, observation_from, propositions_from
from limner.memory.schema import observations, propositions
from limner.memory.scoring import Ranking
from limner.memory.snapshot import Snapshot
from limner.memory.snapshot_cache import SnapshotCache
from limner.memory.snapshot_columns import NEVER
from limner.memory.snapshot_vectors import Nearness
from limner.memory.vectors import Vectorizer, encode_missing, unit_rows
from limner.settings import RecallWeights

__all__ = ("Recall", "Similar", "search", "similar")

_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Recall:
    """A record that was found, and why."""

    record: Observation | Proposition
    score: float
    why: Mapping[str, float]
    """What each part of the search gave; the sum is the score."""
    vectors: Literal["current", "earlier", "partial"] = "current"
    """What meaning was compared by: all documents' vectors, those of the encoder before while the one in force is making its own
    (see `limner.memory.reencoding`), or those that it has made so far."""


@dataclass(frozen=True, slots=True)
class Similar:
    """A current proposition that is near to a text."""

    proposition: Proposition
    cosine: float
    exact: bool
    """Whether the texts differ in case, punctuation and white space at most."""


def search(
    snapshots: SnapshotCache,
    index: VectorIndex,
    reencoder: Reencoder,
    user_id: str,
    query: str,
    k: int,
    kinds: Collection[str],
    weights: RecallWeights,
    when: AsOf,
) -> list[Recall]:
    """Return the `k` best records for `query`, best first; see `UserMemory.search`."""
    asks = weights.compares
    compares = asks or weights.diversity > 0
    last = snapshots.last(user_id)
    by = reencoder.serves(user_id)
    vector = None
    if asks and last is not None and last.visible(kinds, when).any():
        vector = reencoder.query_vector(by, query)  # most likely all that is to be done is to rank
    encoded = not compares
    while True:
        with snapshots.opened(user_id) as (connection, snapshot):
            if snapshot is None or not snapshot.visible(kinds, when).any():
                return []
            near = (
                _nearness(connection, snapshot, snapshots.most_vectors, reencoder, encoded)
                if compares
                else None
            )
            if near is not None and near.encoder != (by.name, by.version):
                by, vector = reencoder.serves(user_id, near.encoder), None
            if (encoded or near is not None) and (vector is not None or not asks):
                ranking = Ranking(connection, snapshot, index, kinds, when, weights, near)
                found = ranking.best(query, vector, k)
                records = _records(connection, snapshot, [ranked.position for ranked in found])
                by_what = _compared_by(near, reencoder.encoder)
                return [
                    Recall(records[r.position], sum(r.why.values()), r.why, by_what)
                    for r in found
                    if r.position in records
                ]
        if not encoded and near is None:
            encode_missing(snapshots.database, user_id, reencoder.encoder)
            encoded = True
        if asks and vector is None:
            vector = reencoder.query_vector(by, query)


def _nearness(
    connection: Connection, snapshot: Snapshot, most: int, reencoder: Reencoder, encoded: bool
) -> Nearness | None:
    """Return what a search compares with; none where documents are to be encoded first."""
    near = snapshot.nearness(connection, reencoder.encoder, most)
    if near.complete or encoded:
        return near
    missing = len(snapshot) - int(np.count_nonzero(near.present))
    others = reencoder.stands_in(connection, snapshot.user_id, missing)
    if others is None:
        return None
    able = [near, *(snapshot.nearness(connection, other, most) for other in others)]
    return max(able, key=lambda one: int(np.count_nonzero(one.present)))


def _compared_by(near: Nearness | None, encoder: Vectorizer) -> Literal["current", "earlier", "partial"]:
    if near is not None and near.encoder != (encoder.name, encoder.version):
        return "earlier"
    return "current" if near is None or near.complete else "partial"


def similar(
    snapshots: SnapshotCache, encoder: Vectorizer, user_id: str, texts: Sequence[str], k: int
) -> list[list[Similar]]:
    """Return for each text the `k` nearest current propositions; see `UserMemory.similar`."""
    if not texts:
        return []
    with snapshots.opened(user_id) as (_, snapshot):
        if snapshot is None or not len(_held(snapshot)):
            return [[] for _ in texts]
    encode_missing(snapshots.database, user_id, encoder, kind="proposition")
    queries = unit_rows(encoder.encode_documents(list(texts)))
    with snapshots.opened(user_id) as (connection, snapshot):
        if snapshot is None:
            return [[] for _ in texts]
        near = snapshot.nearness(connection, encoder, snapshots.most_vectors)
        positions = _held(snapshot)
        positions = positions[near.present[positions]]
        if not len(positions):
            return [[] for _ in texts]
        cosines = queries @ near.vectors(connection, positions).T
        rows = _proposition_texts(connection, user_id)
        owners = [snapshot.columns.owners[position] for position in positions]
        keys = [_key(rows[owner]) for owner in owners]
        best = [_nearest(_key(text), keys, cosines[i], k) for i, text in enumerate(texts)]
        wanted = sorted({int(positions[j]) for chosen in best for j, _, _ in chosen})
        records = _records(connection, snapshot, wanted)
    answers = []
    for chosen in best:
        pairs = [(records[int(positions[j])], cosine, exact) for j, cosine, exact in chosen]
        answers.append([
            Similar(p, cosine, exact) for p, cosine, exact in pairs if isinstance(p, Proposition)
        ])
    return answers


def _held(snapshot: Snapshot) -> NDArray[np.intp]:
    """Return the positions of the propositions that are held now."""
    columns = snapshot.columns
    return np.flatnonzero((columns.kinds == KINDS.index("proposition")) & (columns.retired == NEVER))


def _proposition_texts(connection: Connection, user_id: str) -> dict[str, str]:
    statement = select(propositions.c.id, propositions.c.text).where(
        propositions.c.user_id == user_id, propositions.c.retired_at.is_(None)
    )
    return {row.id: row.text for row in connection.execute(statement)}


_SAID = select(observations).where(
    observations.c.user_id == bindparam("user_id"), observations.c.id.in_(bindparam("ids", expanding=True))
)
_HELD = select(propositions).where(
    propositions.c.user_id == bindparam("user_id"), propositions.c.id.in_(bindparam("ids", expanding=True))
)


def _records(
    connection: Connection, snapshot: Snapshot, positions: Sequence[int]
) -> dict[int, Observation | Proposition]:
    """Return the records at some positions, as the database has them; what it has not is left out."""
    columns = snapshot.columns
    owners = {columns.owners[position]: position for position in positions}
    by_kind = [[o for o, p in owners.items() if columns.kinds[p] == code] for code in range(len(KINDS))]
    found: dict[int, Observation | Proposition] = {}
    for chunk in chunked(by_kind[KINDS.index("observation")]):
        for row in connection.execute(_SAID, {"user_id": snapshot.user_id, "ids": chunk}):
            found[owners[row.id]] = observation_from(row)
    for chunk in chunked(by_kind[KINDS.index("proposition")]):
        rows = connection.execute(_HELD, {"user_id": snapshot.user_id, "ids": chunk}).all()
        for record in propositions_from(connection, snapshot.user_id, rows):
            found[owners[record.id]] = record
    return found


def _nearest(
    key: str, keys: Sequence[str], cosines: NDArray[np.float32], k: int
) -> list[tuple[int, float, bool]]:
    ranked = sorted(range(len(keys)), key=lambda j: (keys[j] != key, -float(cosines[j]), j))
    return [(j, float(cosines[j]), keys[j] == key) for j in ranked[:k]]


def _key(text: str) -> str:
    return _NOT_WORD.sub(" ", text.casefold()).strip()
