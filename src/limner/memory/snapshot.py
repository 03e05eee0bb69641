"""One user's searchable documents in memory, at one state of the database.

A snapshot holds no text and is never changed: after a write the next search makes a new one from it, reading only what
the write has changed. Words and vectors are read when a search first needs them, and kept. All that takes a
connection must be given one that sees the state the snapshot is of; `SnapshotCache.opened` yields both together.

Everywhere a document is named by its position in `columns`; where every one of them has a value, the array has
shape (n,).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, select

from limner.memory.arrangement import Arrangement
from limner.memory.asof import AsOf
from limner.memory.documents import KINDS
from limner.memory.lexical import K1, B, idf, tokenize
from limner.memory.rows import chunked
from limner.memory.schema import terms, users
from limner.memory.snapshot_columns import NEVER, Columns, Names, microseconds, read_columns
from limner.memory.snapshot_sayings import Sayings
from limner.memory.snapshot_vectors import Matrix, Nearness
from limner.memory.vectors import Vectorizer

__all__ = ("Postings", "Snapshot", "State", "read_state")

_REREAD = 2000
"""New documents from which on words are better read again when they are next asked for."""
_ARRANGEMENTS = 4
"""How many ways of looking at a user are kept: the kinds that are searched for, and few else."""


@dataclass(frozen=True, slots=True)
class State:
    """What a snapshot is of; see `users.version` and `users.epoch`."""

    version: int
    epoch: int


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Where one term stands."""

    positions: NDArray[np.int64]
    """Documents that have it, rising."""
    frequencies: NDArray[np.float64]
    """How often each has it."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.positions.nbytes + self.frequencies.nbytes


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The documents of one user at one state; see this module."""

    user_id: str
    state: State
    columns: Columns
    names: Names
    _postings: dict[str, Postings] = field(default_factory=dict)
    _matrices: dict[tuple[str, str], Matrix] = field(default_factory=dict)
    _sayings: Sayings = field(default_factory=Sayings)
    _arrangements: dict[bytes, Arrangement] = field(default_factory=dict)

    @classmethod
    def read(cls, connection: Connection, user_id: str, state: State) -> "Snapshot":
        """Return the user's documents as `connection` sees them."""
        return cls(user_id, state, *read_columns(connection, user_id, Names()))

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def nbytes(self) -> int:
        """About how many bytes it takes."""
        postings = sum(p.nbytes + 250 for p in list(self._postings.values()))
        matrices = sum(m.nbytes for m in list(self._matrices.values()))
        arrangements = sum(a.nbytes for a in list(self._arrangements.values()))
        return self.columns.nbytes + postings + matrices + arrangements + self._sayings.nbytes

    @property
    def parts(self) -> int:
        """How many things have been read so far: only with another one it takes more bytes."""
        return len(self._postings) + len(self._matrices) + len(self._arrangements)

    def followed(self, connection: Connection, state: State) -> "Snapshot | None":
        """Return the snapshot of a later state of the same epoch; none if all has to be read again."""
        changed, names = read_columns(connection, self.user_id, self.names, since=self.state.version)
        last = int(self.columns.numbers[-1]) if len(self) else 0
        known = changed.numbers <= last
        columns = self.columns
        if known.any():
            numbers = changed.numbers[known]
            positions = np.searchsorted(columns.numbers, numbers)
            if not np.array_equal(columns.numbers[positions], numbers):
                return None
            columns = columns.with_rows(positions, changed.only(known))
        more = changed.only(~known)
        if len(more):
            columns = columns.followed_by(more)
        matrices = {
            key: matrix.followed(connection, self.user_id, key, columns.numbers)
            for key, matrix in list(self._matrices.items())
        }
        later = Snapshot(self.user_id, state, columns, names, {}, matrices, self._sayings)
        if len(more) < _REREAD:
            later._postings.update(self._postings_with(connection, more.numbers))
        return later

    @property
    def sayings(self) -> Sayings:
        """What texts show at a glance, for those documents that were asked for."""
        return self._sayings.grown(len(self))

    def arranged(self, seen: NDArray[np.bool_]) -> Arrangement:
        """Return how some of the documents lie beside each other.

        Args:
            seen: Which of them, (n,).
        """
        key = seen.tobytes()
        found = self._arrangements.get(key)
        if found is None:
            found = Arrangement.of(self.columns, seen)
            if len(self._arrangements) >= _ARRANGEMENTS:
                self._arrangements.clear()
            self._arrangements[key] = found
        return found

    def visible(self, kinds: Collection[str], when: AsOf) -> NDArray[np.bool_]:
        """Return for each document whether it answers for a moment.

        Args:
            kinds: Which kinds of documents.
            when: What was so, and what was known.
        """
        c = self.columns
        seen: NDArray[np.bool_] = c.valid_until > microseconds(when.moment)
        if when.known_at is None:
            seen &= c.retired == NEVER
        else:
            known_at = microseconds(when.known_at)
            seen &= (c.recorded <= known_at) & (c.retired > known_at)
        if when.at is not None:
            at = microseconds(when.at)
            happened = (c.kinds != KINDS.index("observation")) | (c.moments <= at)
            seen &= (c.valid_from <= at) & happened
        if not set(kinds).issuperset(KINDS):
            seen &= np.isin(c.kinds, [KINDS.index(kind) for kind in KINDS if kind in kinds])
        return seen

    def postings(self, connection: Connection, words: Iterable[str]) -> dict[str, Postings]:
        """Return where each of these terms stands; one that is nowhere has empty arrays."""
        wanted = list(words)
        missing = sorted({word for word in wanted if word not in self._postings})
        for chunk in chunked(missing):
            found: dict[str, list[tuple[int, int]]] = {word: [] for word in chunk}
            bound = {"user_id": self.user_id, "words": chunk}
            for word, number, frequency in connection.execute(_POSTINGS, bound):
                found[word].append((number, frequency))
            for word, pairs in found.items():
                self._postings[word] = _postings(self.columns, pairs)
        return {word: self._postings[word] for word in wanted}

    def terms_of(self, connection: Connection, positions: Collection[int]) -> dict[int, dict[str, int]]:
        """Return how often each term stands in some documents, by position."""
        by_number = {int(self.columns.numbers[position]): int(position) for position in positions}
        found: dict[int, dict[str, int]] = {position: {} for position in by_number.values()}
        for number, word, frequency in _terms_of(connection, self.user_id, by_number):
            found[by_number[number]][word] = frequency
        return found

    def bm25(self, connection: Connection, query: str, among: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the BM25 score of every document, (n,); 0 where it has no term of the query; see `lexical`.

        Args:
            connection: See this module.
            query: Any text.
            among: The documents that count, (n,).
        """
        scores = np.zeros(len(self))
        size = int(np.count_nonzero(among))
        wanted = Counter(tokenize(query))
        if not size or not wanted:
            return scores
        lengths = self.columns.lengths
        everything = size == len(self)
        mean_length = (int(lengths.sum()) if everything else int(lengths[among].sum())) / size or 1.0
        held = self.postings(connection, wanted)
        for word in sorted(wanted):  # a fixed order, because floating-point sums depend on it
            at, frequency = held[word].positions, held[word].frequencies
            if not everything:
                counted = among[at]
                at, frequency = at[counted], frequency[counted]
            rarity = idf(size, len(at))
            norm = K1 * (1 - B + B * lengths[at] / mean_length)
            scores[at] += wanted[word] * rarity * frequency * (K1 + 1) / (frequency + norm)
        return scores

    def nearness(self, connection: Connection, encoder: Vectorizer, most: int) -> Nearness:
        """Return what compares with the vectors of one encoder, which are read if they are not here yet.

        Args:
            connection: See this module.
            encoder: Whose vectors.
            most: Bytes they may take; if they took more, they stay in the database.
        """
        key = (encoder.name, encoder.version)
        if key not in self._matrices:
            numbers = self.columns.numbers
            self._matrices[key] = Matrix.read(connection, self.user_id, key, numbers, most)
        return Nearness(self.user_id, key, self.columns.numbers, self._matrices[key])

    def positions(self, numbers: Sequence[int]) -> NDArray[np.intp]:
        """Return where documents of these numbers are; those that are not here are left out."""
        wanted = np.array(numbers, dtype=np.int64)
        places = np.searchsorted(self.columns.numbers, wanted)
        places, wanted = places[places < len(self)], wanted[places < len(self)]
        found: NDArray[np.intp] = places[self.columns.numbers[places] == wanted]
        return found

    @cached_property
    def neighbours(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the observation of the same source just before each, and just after it; −1 where there is none."""
        c = self.columns
        said = np.flatnonzero(c.kinds == KINDS.index("observation"))
        said = said[np.lexsort((said, c.moments[said], c.sources[said]))]
        before, after = np.full(len(self), -1), np.full(len(self), -1)
        same = c.sources[said[1:]] == c.sources[said[:-1]]
        before[said[1:][same]] = said[:-1][same]
        after[said[:-1][same]] = said[1:][same]
        return before, after

    def _postings_with(self, connection: Connection, numbers: NDArray[np.int64]) -> dict[str, Postings]:
        """Return the terms known so far, with where they stand in new documents at the end."""
        held = dict(self._postings)
        new: dict[str, list[tuple[int, int]]] = {}
        position = {int(number): len(self) + i for i, number in enumerate(numbers)}
        for number, word, count in _terms_of(connection, self.user_id, position):
            if word in held:
                new.setdefault(word, []).append((position[number], count))
        for word, pairs in new.items():
            old, (at, frequencies) = held[word], _sorted(pairs)
            held[word] = Postings(
                np.concatenate((old.positions, at)), np.concatenate((old.frequencies, frequencies))
            )
        return held


def read_state(connection: Connection, user_id: str) -> State | None:
    """Return the state of a user; none if there is no such user."""
    row = connection.execute(_STATE, {"user_id": user_id}).first()
    return None if row is None else State(row.version, row.epoch)


_STATE = select(users.c.version, users.c.epoch).where(users.c.id == bindparam("user_id"))
_POSTINGS = select(terms.c.term, terms.c.document_id, terms.c.frequency).where(
    terms.c.user_id == bindparam("user_id"), terms.c.term.in_(bindparam("words", expanding=True))
)
_TERMS = select(terms.c.document_id, terms.c.term, terms.c.frequency).where(
    terms.c.document_id.in_(bindparam("numbers", expanding=True)), terms.c.user_id == bindparam("user_id")
)


def _terms_of(connection: Connection, user_id: str, numbers: Iterable[int]) -> Iterator[tuple[int, str, int]]:
    """Yield each term of documents of these numbers: number, term, frequency."""
    for chunk in chunked(numbers):
        for row in connection.execute(_TERMS, {"user_id": user_id, "numbers": chunk}):
            yield row.document_id, row.term, row.frequency


def _postings(columns: Columns, pairs: list[tuple[int, int]]) -> Postings:
    numbers, frequencies = _sorted(pairs)
    return Postings(np.searchsorted(columns.numbers, numbers), frequencies)


def _sorted(pairs: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    pairs.sort()
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return array[:, 0].copy(), array[:, 1].astype(np.float64)
