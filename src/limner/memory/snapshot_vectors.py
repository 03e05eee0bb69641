"""The vectors of one user and encoder in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, select

from limner.memory.rows import chunked
from limner.memory.schema import vectors

__all__ = ("Matrix", "Nearness")

_AT_ONCE = 4096
"""Vectors that are read from the database together."""
_GATHERING = 8
"""How many times dearer a vector is that is fetched by itself than one of many that lie beside each other."""


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Unit vectors, one for each document of a snapshot; or where they would take too much, which of them there are."""

    rows: NDArray[np.float32] | None
    """Shape (n, dimension); a document without a vector has a row that means nothing. None: not in memory."""
    present: NDArray[np.bool_]
    """Which documents have a vector, (n,)."""
    complete: bool
    """Whether all of them have one."""
    dimension: int
    """0 while nothing is encoded."""
    most: int
    """Bytes that the vectors may take."""
    _room: NDArray[np.float32] | None
    """What `rows` is the beginning of: space for vectors to come, so that adding one copies nothing."""

    @classmethod
    def read(
        cls,
        connection: Connection,
        user_id: str,
        encoder: tuple[str, str],
        numbers: NDArray[np.int64],
        most: int,
    ) -> "Matrix":
        """Return the vectors that there are.

        Args:
            connection: An open connection.
            user_id: Whose.
            encoder: Name and version of the encoder.
            numbers: The documents' numbers, rising.
            most: Bytes that the vectors may take.
        """
        empty = cls(None, np.zeros(0, dtype=np.bool_), True, 0, most, None)
        return empty.followed(connection, user_id, encoder, numbers)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return (0 if self._room is None else self._room.nbytes) + self.present.nbytes

    def followed(
        self, connection: Connection, user_id: str, encoder: tuple[str, str], numbers: NDArray[np.int64]
    ) -> "Matrix":
        """Return the vectors of a later state; `numbers` are those of before, and perhaps more.

        Only the newest matrix may be followed: what it has room for is shared with those before it.
        """
        n = len(numbers)
        present = np.zeros(n, dtype=np.bool_)
        present[: len(self.present)] = self.present
        missing = np.flatnonzero(~present)
        bound = {"user_id": user_id, "name": encoder[0], "version": encoder[1]}
        room, dimension = self._room, self.dimension
        if len(missing):
            start = {"start": int(numbers[missing[0]])}
            rows = connection.execute(_NUMBERS, {**bound, **start}).scalars()
            found = np.array(list(rows), dtype=np.int64)
            places = np.searchsorted(numbers, found)
            fresh = ~present[places]
            places, found = places[fresh], found[fresh]
            if len(found) and not dimension:
                one = {"first": int(found[0]), "last": int(found[0])}
                dimension = connection.execute(_DIMENSION, {**bound, **one}).scalar_one()
            held = self.rows is not None or not len(self.present) or not self.present.any()
            if held and dimension and 4 * n * dimension <= self.most:
                room = self._with_room(n, dimension)
                _fill(connection, bound, room, found, places)
            else:
                room = None
            present[places] = True
        rows_now = None if room is None else room[:n]
        return Matrix(rows_now, present, bool(present.all()), dimension, self.most, room)

    def _with_room(self, n: int, dimension: int) -> NDArray[np.float32]:
        if self._room is not None and n <= len(self._room):
            return self._room
        spare = 0 if self._room is None else max(64, n // 8)
        room = np.zeros((n + spare, dimension), dtype=np.float32)
        if self.rows is not None:
            room[: len(self.rows)] = self.rows
        return room


@dataclass(frozen=True, slots=True, eq=False)
class Nearness:
    """Compares with the vectors of a snapshot's documents, in memory or, a few of them, from the database."""

    user_id: str
    encoder: tuple[str, str]
    numbers: NDArray[np.int64]
    """Of the snapshot's documents, rising."""
    matrix: Matrix
    _compared: dict[bytes, NDArray[np.float32]] = field(default_factory=dict)
    """What all of them gave, by the vector that they were compared with: it is asked for more than once in a search."""

    @property
    def complete(self) -> bool:
        """Whether every document has a vector."""
        return self.matrix.complete

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which documents have a vector, (n,)."""
        return self.matrix.present

    def cosines(
        self, connection: Connection, vector: NDArray[np.float32], chosen: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return the cosine of `vector` with each chosen document; with one that has no vector, the least of them."""
        rows, key = self.matrix.rows, vector.tobytes()
        if not self.matrix.dimension:
            return np.zeros(len(chosen))
        if rows is None:
            found = _products(self.vectors(connection, chosen), vector)
        elif key in self._compared or _GATHERING * len(chosen) > len(rows):
            if key not in self._compared:
                self._compared[key] = _products(rows, vector)
            found = self._compared[key][chosen]
        else:
            found = _products(rows[chosen], vector)
        cosines: NDArray[np.float64] = found.astype(np.float64)
        if not self.complete:
            there = self.present[chosen]
            cosines[~there] = cosines[there].min() if there.any() else 0.0
        return cosines

    def vectors(self, connection: Connection, chosen: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the vector of each chosen document, (m, dimension); zeros of one that has none."""
        if self.matrix.rows is not None:
            rows = self.matrix.rows[chosen]
        else:
            rows = np.zeros((len(chosen), self.matrix.dimension), dtype=np.float32)
            if self.matrix.dimension:
                bound = {"user_id": self.user_id, "name": self.encoder[0], "version": self.encoder[1]}
                place = {int(number): i for i, number in enumerate(self.numbers[chosen])}
                for chunk in chunked(place):
                    for number, vector in connection.execute(_CHOSEN, {**bound, "numbers": chunk}):
                        rows[place[number]] = np.frombuffer(vector, dtype="<f4")
        if not self.complete:
            rows[~self.present[chosen]] = 0.0
        return rows


def _products(rows: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the dot product of each row with a vector.

    A product of matrices would take as long, but what it gives equal rows differs with where they lie, in the last digits;
    scaled to 0…1 that can be all that is left.
    """
    products: NDArray[np.float32] = np.einsum("ij,j->i", rows, vector)
    return products


def _fill(
    connection: Connection,
    bound: Mapping[str, str],
    room: NDArray[np.float32],
    numbers: NDArray[np.int64],
    places: NDArray[np.intp],
) -> None:
    """Read the vectors of these documents into their places, a few megabytes at a time."""
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        between = {"first": int(part[0]), "last": int(part[-1])}
        rows = connection.execute(_VECTORS, {**bound, **between})
        by_number = {row.document_id: row.vector for row in rows}
        joined = b"".join([by_number[number] for number in part.tolist()])
        room[places[start : start + _AT_ONCE]] = np.frombuffer(joined, dtype="<f4").reshape(len(part), -1)


_MINE = (
    vectors.c.user_id == bindparam("user_id"),
    vectors.c.encoder == bindparam("name"),
    vectors.c.encoder_version == bindparam("version"),
)
_BETWEEN = vectors.c.document_id.between(bindparam("first"), bindparam("last"))
_NUMBERS = (
    select(vectors.c.document_id)
    .where(*_MINE, vectors.c.document_id >= bindparam("start"))
    .order_by(vectors.c.document_id)
)
_DIMENSION = select(vectors.c.dimension).where(*_MINE, _BETWEEN)
_VECTORS = select(vectors.c.document_id, vectors.c.vector).where(*_MINE, _BETWEEN)
_CHOSEN = select(vectors.c.document_id, vectors.c.vector).where(
    *_MINE, vectors.c.document_id.in_(bindparam("numbers", expanding=True))
)
