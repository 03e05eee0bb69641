"""Another encoder, or another version of it: all vectors are made anew, in the background, while searches go on.

Until a user's documents all have a vector of the encoder in force, a search compares with whichever is further on: the vectors of the
encoder before, where that one can still be loaded, or those made so far; what has none is found by its words. When all of a
user's are made, those of other encoders are removed from the database and from the index.

It begins with the first search that meets vectors of another encoder, and goes on where it was when a process ends. Of several
processes whose encoders differ the one that was opened last has its way; the others search with what there is.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, not_, select, update

from limner.errors import LimnerError
from limner.memory.counters import new_epoch
from limner.memory.database import Database
from limner.memory.records import utc_now
from limner.memory.rows import lock_user
from limner.memory.schema import documents, outbox, store, users, vectors
from limner.memory.vectors import (
    ENCODING_BATCH,
    Vectorizer,
    encode_missing,
    lacks_vector,
    unit_rows,
    users_without_vectors,
)

__all__ = ("Encoding", "Reencoder", "encoding_of", "other_encoders")

_AT_ONCE = 32
"""Documents that are encoded together in the background: whoever closes the memory waits for no more."""

_logger = logging.getLogger("limner.reencoding")

Progress = Callable[[int, int], None]
"""Is told how many documents are done, and how many there are to do."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How far the vectors of a user have been made anew."""

    documents: int
    encoded: int
    """Those that have a vector of the encoder in force."""
    outdated: int
    """Vectors of other encoders, which go in the end."""


class Reencoder:
    """Sees to it that what was encoded by another encoder is encoded by this one.

    Args:
        database: The truth.
        encoder: The encoder in force.
        earlier: Returns an encoder by name and version, or none where it cannot be loaded.
    """

    def __init__(
        self,
        database: Database,
        encoder: Vectorizer,
        earlier: Callable[[str, str], Vectorizer | None] | None = None,
    ) -> None:
        self.encoder = encoder
        self._database = database
        self._earlier = earlier
        self._known: dict[tuple[str, str], Vectorizer | None] = {}
        self._serving: dict[str, Vectorizer] = {}
        self._stood_down = False
        self._opened_at = utc_now()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._first: list[str] = []
        self._stop = threading.Event()

    def stands_in(self, connection: Connection, user_id: str, missing: int) -> Sequence[Vectorizer] | None:
        """Return the encoders whose vectors may serve a search until those of the encoder in force are made.

        Args:
            connection: An open connection.
            user_id: Whose.
            missing: How many of the documents lack a vector of the encoder in force.

        Returns:
            None where the search should have them encoded first: nothing else was encoded before. Otherwise they are
            made in the background, if they are many.
        """
        others = other_encoders(connection, user_id, self.encoder)
        if not others:
            return None
        self.start(user_id)
        if missing <= _AT_ONCE:
            return None
        loaded = [self._load(name, version) for name, version in others]
        return [one for one in loaded if one is not None]

    def serves(self, user_id: str, key: tuple[str, str] | None = None) -> Vectorizer:
        """Return the encoder that a user's queries are encoded by.

        Args:
            user_id: Whose.
            key: Name and version of the encoder that serves from now on; none means the one that did last.
        """
        with self._guard:
            if key == (self.encoder.name, self.encoder.version):
                self._serving.pop(user_id, None)
            elif key is not None and (one := self._known.get(key)) is not None:
                self._serving[user_id] = one
            return self._serving.get(user_id, self.encoder)

    def query_vector(self, by: Vectorizer, query: str) -> NDArray[np.float32] | None:
        """Return the vector of a query; none where an encoder of before turns out not to be usable.

        Raises:
            LimnerError: The encoder in force is not usable.
        """
        try:
            vector: NDArray[np.float32] = unit_rows(by.encode_query([query]))[0]
            return vector
        except LimnerError as error:
            if by is self.encoder:
                raise
            _logger.warning(
                "The encoder before cannot be used, searches go by words where they must: %s", error
            )
            with self._guard:
                self._known[by.name, by.version] = None
                self._serving = {user: one for user, one in self._serving.items() if one is not by}
            return None

    def start(self, user_id: str) -> None:
        """Begin in the background, with this user, unless that has been done."""
        with self._guard:
            if self._stood_down or self._stop.is_set():
                return
            if user_id not in self._first:
                self._first.append(user_id)
            if self._thread is not None and self._thread.is_alive():
                return
            self._thread = threading.Thread(target=self._run, name="limner-reencoding", daemon=True)
            self._thread.start()

    def finish(self, progress: Progress | None = None) -> int:
        """Encode everything that lacks a vector, of all users, and remove the vectors of other encoders; now.

        Args:
            progress: Is told from time to time.

        Returns:
            How many documents were encoded.
        """
        self._wanted(forced=True)
        with self._database.read() as connection:
            behind = users_without_vectors(connection, self.encoder)
            total = connection.execute(
                select(func.count()).select_from(documents).where(lacks_vector(self.encoder))
            ).scalar_one()
        done = 0
        for user_id in behind:
            while more := encode_missing(self._database, user_id, self.encoder, most=ENCODING_BATCH):
                done += more
                if progress is not None:
                    progress(done, max(done, total))
        for user_id in self._outdated():
            self._remove_others(user_id)
        return done

    def close(self) -> None:
        """Stop after what is being encoded; the rest waits for the next process."""
        self._stop.set()
        with self._guard:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until nothing is being encoded in the background."""
        with self._guard:
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def _run(self) -> None:
        try:
            _logger.warning(
                "The encoder is another one: vectors are made anew; searches use what there is meanwhile."
            )
            while (user_id := self._next()) is not None:
                if not self._encode(user_id):
                    return
            _logger.info("All vectors are of the encoder in force.")
        except LimnerError as error:  # the next search that needs it begins again
            _logger.warning("Vectors could not be made anew; searches use what there is: %s", error)

    def _next(self) -> str | None:
        """Return the user whose turn it is: who was searched first, then everybody else."""
        with self._guard:
            if self._first:
                return self._first.pop(0)
        outdated = self._outdated(most=1)
        return outdated[0] if outdated else None

    def _encode(self, user_id: str) -> bool:
        """Encode a user's documents and remove other vectors; return whether it was not stopped."""
        while not self._stop.is_set():
            if not self._wanted():
                self._stood_down = True
                _logger.warning(
                    "A process that was opened later has another encoder, and has its way; searches use its vectors where "
                    "it can be loaded here, or words."
                )
                return False
            if not encode_missing(self._database, user_id, self.encoder, most=_AT_ONCE):
                self._remove_others(user_id)
                return True
        return False

    def _wanted(self, *, forced: bool = False) -> bool:
        """Return whether the store is to be encoded by this encoder, and note so."""
        with self._database.read() as connection:
            if self._is_of_the_store(connection):
                return True
        with self._database.write() as connection:
            since: datetime | None = connection.execute(select(store.c.encoder_since)).scalar_one()
            if not forced and since is not None and since > self._opened_at:
                return self._is_of_the_store(connection)
            mine = {"encoder": self.encoder.name, "encoder_version": self.encoder.version}
            connection.execute(update(store).values(**mine, encoder_since=utc_now()))
        return True

    def _is_of_the_store(self, connection: Connection) -> bool:
        row = connection.execute(select(store.c.encoder, store.c.encoder_version)).one()
        return (row.encoder, row.encoder_version) == (self.encoder.name, self.encoder.version)

    def _remove_others(self, user_id: str) -> None:
        """Remove the vectors of other encoders, where all documents have one of this."""
        with self._database.write() as connection:
            lock_user(connection, user_id)
            if not self._is_of_the_store(connection):
                return
            behind = select(documents.c.id).where(documents.c.user_id == user_id, lacks_vector(self.encoder))
            if connection.execute(behind.limit(1)).first() is not None:
                return
            gone = connection.execute(delete(vectors).where(vectors.c.user_id == user_id, not_(self._mine())))
            if not gone.rowcount:
                return
            new_epoch(connection, user_id)
            indexed = select(users.c.id).where(users.c.id == user_id, users.c.index_key.is_not(None))
            if connection.execute(indexed).first() is not None:
                note = {"user_id": user_id, "action": "rewrite", "created_at": utc_now()}
                connection.execute(insert(outbox).values(note))

    def _outdated(self, most: int | None = None) -> list[str]:
        """Return users who have vectors of other encoders."""
        statement = select(vectors.c.user_id).where(not_(self._mine())).group_by(vectors.c.user_id)
        with self._database.read() as connection:
            return list(connection.execute(statement.limit(most)).scalars())

    def _mine(self) -> ColumnElement[bool]:
        return and_(vectors.c.encoder == self.encoder.name, vectors.c.encoder_version == self.encoder.version)

    def _load(self, name: str, version: str) -> Vectorizer | None:
        with self._guard:
            if (name, version) not in self._known:
                self._known[name, version] = None if self._earlier is None else self._earlier(name, version)
            return self._known[name, version]


def other_encoders(connection: Connection, user_id: str, encoder: Vectorizer) -> list[tuple[str, str]]:
    """Return name and version of the encoders, besides this one, that the user has vectors of."""
    pair = (vectors.c.encoder, vectors.c.encoder_version)
    mine = select(*pair).where(vectors.c.user_id == user_id)
    ends = [
        connection.execute(mine.order_by(*(c.desc() if last else c for c in pair)).limit(1)).first()
        for last in (False, True)
    ]
    # In order of the index: where the first and the last are of this encoder, so are all between.
    if None in ends or all(tuple(row) == (encoder.name, encoder.version) for row in ends if row is not None):
        return []
    found = connection.execute(mine.group_by(*pair).order_by(func.count().desc()))
    return [
        (row.encoder, row.encoder_version) for row in found if tuple(row) != (encoder.name, encoder.version)
    ]


def encoding_of(connection: Connection, user_id: str, encoder: Vectorizer) -> Encoding | None:
    """Return how far the user's vectors have been made anew; none where none are of another encoder, or that cannot be told."""
    try:
        if not other_encoders(connection, user_id, encoder):
            return None
    except LimnerError:  # it is not on this machine, and neither is its version
        return None
    mine = select(func.count()).select_from(vectors).where(vectors.c.user_id == user_id)
    total = select(func.count()).select_from(documents).where(documents.c.user_id == user_id)
    encoded = mine.where(vectors.c.encoder == encoder.name, vectors.c.encoder_version == encoder.version)
    there = connection.execute(encoded).scalar_one()
    return Encoding(
        connection.execute(total).scalar_one(), there, connection.execute(mine).scalar_one() - there
    )
