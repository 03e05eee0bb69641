"""What each part of a search gives each document: words, meaning, neighbours, recency and confidence.

Everything is an array over the documents of a snapshot, or over those of them that are candidates.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from limner.memory.arrangement import Arrangement
from limner.memory.asof import AsOf
from limner.memory.documents import KINDS
from limner.memory.fusion import fused
from limner.memory.index import VectorIndex
from limner.memory.questions import read_question
from limner.memory.ranking import Scores, diversify, fuse, min_max, top
from limner.memory.signals import WIDEST, signals
from limner.memory.snapshot import Snapshot
from limner.memory.snapshot_columns import OBSERVATION_DURABILITY, microseconds
from limner.memory.snapshot_vectors import Nearness
from limner.memory.telling import telling_direction
from limner.settings import RecallWeights

__all__ = ("POOL", "Ranked", "Ranking")

POOL = 200
"""How many of the best by words, and of the best by meaning, are ranked when not all are compared."""

_MANY = 10 * POOL
"""Documents of a kind above which the best of it are ranked, not all: what each part gives is only worked out for those."""
_MICROSECONDS_PER_DAY = 86_400_000_000.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """A document that was found, by its position in the snapshot, and what each part gave."""

    position: int
    why: dict[str, float]


class Ranking:
    """One search of one user, on one snapshot.

    Args:
        connection: Sees the state that the snapshot is of.
        snapshot: The user's documents.
        index: Is asked for candidates where there are many.
        kinds: Which kinds of documents.
        when: What was so, and what was known.
        weights: What each part counts.
        nearness: Compares with the vectors; none where neither `dense` nor `diversity` counts.
    """

    def __init__(
        self,
        connection: Connection,
        snapshot: Snapshot,
        index: VectorIndex,
        kinds: Collection[str],
        when: AsOf,
        weights: RecallWeights,
        nearness: Nearness | None,
    ) -> None:
        self._connection = connection
        self._snapshot = snapshot
        self._index = index
        self._when = when
        self._weights = weights
        self._nearness = nearness
        self._visible = snapshot.visible(kinds, when)

    def best(self, query: str, vector: NDArray[np.float32] | None, k: int) -> list[Ranked]:
        """Return the `k` best documents, best first.

        Args:
            query: Any words.
            vector: The query's vector; none switches the part `dense` off.
            k: How many at most.
        """
        weights, columns = self._weights, self._snapshot.columns
        words = np.zeros(len(columns))
        if weights.lexical > 0 or weights.fitted > 0:
            words = self._snapshot.bm25(self._connection, query, self._visible)
        chosen = self._candidates(words, vector)[::-1]  # of equal scores the record stored later comes first
        if not len(chosen):
            return []
        lexical = dense = np.zeros(len(chosen))
        if weights.lexical > 0:
            lexical = min_max(words[chosen])
        if weights.dense > 0 and vector is not None and self._nearness is not None:
            dense = min_max(self._nearness.cosines(self._connection, vector, chosen))
        parts = {"lexical": (weights.lexical, lexical), "dense": (weights.dense, dense)}
        if weights.context > 0:
            parts["context"] = (weights.context, self._context(chosen, lexical, dense))
        if weights.recency > 0:
            parts["recency"] = (weights.recency, self._recency(chosen))
        if weights.confidence > 0:
            parts["confidence"] = (weights.confidence, columns.confidences[chosen] / 10)
        given = fuse(parts)
        if weights.fitted > 0 and vector is not None:
            for name, part in fused(self.signals(query, vector, chosen), weights.without).items():
                given[name] = given.get(name, 0.0) + weights.fitted * part
        return self._explained(chosen, given, k)

    def signals(self, query: str, vector: NDArray[np.float32], chosen: NDArray[np.intp]) -> dict[str, Scores]:
        """Return the signals of some documents for a query; see `limner.memory.signals`.

        Args:
            query: Any words.
            vector: The query's vector.
            chosen: The documents' positions, (c,).
        """
        snapshot, arrangement = self._snapshot, self.arrangement
        near = self._around(chosen, WIDEST)
        cosines = np.zeros(len(arrangement))
        if self._nearness is not None:
            positions = arrangement.order[near]
            cosines[near] = self._nearness.cosines(self._connection, vector, positions)
        places = arrangement.places[chosen]
        question = read_question(query)
        return signals(
            self._connection, snapshot, arrangement, question, cosines, self._telling(chosen), places
        )

    def _telling(self, chosen: NDArray[np.intp]) -> Scores:
        """Return how much each document looks like one that holds facts, (c,); 0 where its encoder tells nothing of it."""
        direction = None if self._nearness is None else telling_direction(self._nearness.encoder[0])
        if self._nearness is None or direction is None:
            return np.zeros(len(chosen))
        return self._nearness.cosines(self._connection, direction, chosen)

    @cached_property
    def arrangement(self) -> Arrangement:
        """How the documents that may be seen lie beside each other."""
        return self._snapshot.arranged(self._visible)

    def _around(self, chosen: NDArray[np.intp], radius: int) -> NDArray[np.intp]:
        """Return the places of the arrangement where these documents are, or something near to one."""
        return self.arrangement.windows(radius).touched(self.arrangement.places[chosen])

    def _candidates(self, words: Scores, vector: NDArray[np.float32] | None) -> NDArray[np.intp]:
        """Return the positions of the documents to be ranked, rising."""
        if vector is None or self._nearness is None:
            if self._weights.recency > 0 or self._weights.confidence > 0:
                return np.flatnonzero(self._visible)
            return np.flatnonzero(self._with_neighbours(words > 0))
        pool = self._pool(vector)
        if np.any(self._visible & ~pool):
            matching = np.flatnonzero(words)
            pool[matching[top(words[matching], POOL)]] = True
        if not self._nearness.complete:  # what has no vector yet is found by its words
            pool &= self._nearness.present | (words > 0)
        if self._weights.fitted > 0 and np.any(self._visible & ~pool):
            near = self._around(np.flatnonzero(pool & self._visible), 1)
            pool[self.arrangement.order[near]] = True
        return np.flatnonzero(self._with_neighbours(pool))

    def _pool(self, vector: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return whether each document is worth comparing: all of a kind, or where there are many the best of it."""
        columns, nearness = self._snapshot.columns, self._nearness
        pool = np.zeros(len(columns), dtype=np.bool_)
        for code, kind in enumerate(KINDS):
            mine = self._visible & (columns.kinds == code)
            size = int(np.count_nonzero(mine))
            if nearness is not None and size > self._index.limit(nearness.matrix.dimension, nearness.encoder):
                there = int(np.count_nonzero(nearness.present & (columns.kinds == code)))
                user_id = self._snapshot.user_id
                near = self._index.nearest(self._connection, user_id, kind, vector, 2 * POOL, there)
                if near is not None:
                    seen = self._snapshot.positions(near)
                    seen = seen[mine[seen]]
                    # The index knows retired rows too: where these crowd out what may be found, all are compared.
                    if len(seen) >= min(POOL, size):
                        pool[seen] = True
                        continue
            if nearness is not None and size > _MANY and nearness.matrix.rows is not None:
                places = np.flatnonzero(mine)
                cosines = nearness.cosines(self._connection, vector, places)
                pool[places[top(cosines, 2 * POOL)]] = True
                continue
            pool |= mine
        return pool

    def _with_neighbours(self, pool: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return these documents that may be seen, and where neighbours count, those too."""
        if self._weights.context > 0:
            pool = pool.copy()
            for around in self._snapshot.neighbours:
                beside = around[np.flatnonzero(pool)]
                pool[beside[beside >= 0]] = True
        return pool & self._visible

    def _context(self, chosen: NDArray[np.intp], lexical: Scores, dense: Scores) -> Scores:
        """Return the best neighbour's score of each document, by words and meaning, from 0 to 1."""
        total = self._weights.lexical + self._weights.dense
        if not total:
            return np.zeros(len(chosen))
        own = np.zeros(len(self._snapshot) + 1)  # the last is what −1, no neighbour, points at
        own[chosen] = (self._weights.lexical * lexical + self._weights.dense * dense) / total
        before, after = self._snapshot.neighbours
        scores: Scores = np.maximum(own[before[chosen]], own[after[chosen]])
        return scores

    def _recency(self, chosen: NDArray[np.intp]) -> Scores:
        columns = self._snapshot.columns
        ages = (microseconds(self._when.moment) - columns.moments[chosen]) / _MICROSECONDS_PER_DAY
        steps = (columns.durabilities[chosen] - OBSERVATION_DURABILITY) / 2
        scores: Scores = 0.5 ** (np.maximum(ages, 0.0) / (self._weights.half_life_days * 2.0**steps))
        return scores

    def _explained(self, chosen: NDArray[np.intp], parts: dict[str, Scores], k: int) -> list[Ranked]:
        total = np.sum(list(parts.values()), axis=0) if parts else np.zeros(len(chosen))
        diversity = self._weights.diversity
        if diversity == 0 or self._nearness is None:
            return [
                Ranked(int(chosen[i]), {name: float(part[i]) for name, part in parts.items()})
                for i in top(total, k)
            ]
        # Everything past a generous pool is too far down to be chosen for being different.
        pool = top(total, max(POOL, 4 * k))
        vectors = self._nearness.vectors(self._connection, chosen[pool])
        ranked = []
        for place, cost in diversify(total[pool], vectors, k, diversity):
            i = pool[place]
            why = {name: (1 - diversity) * float(part[i]) for name, part in parts.items()}
            ranked.append(Ranked(int(chosen[i]), {**why, "diversity": cost}))
        return ranked
