"""The vector index: derived from SQL, and asked only for who has many vectors.

A write to SQL leaves a note in the outbox, in the same transaction. `drain` works the notes off; until then
the documents they name are compared from SQL, so that a user finds at once what they have just stored. An
index that does not hold exactly what SQL says it should is not asked: everything is compared from SQL instead,
and the next `drain` makes it anew. So the index can make a search faster, never wrong.
"""

import sys
import threading
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from limner.errors import IndexUnavailable, LimnerWarning
from limner.memory.chroma import Collections, collection_key
from limner.memory.database import Database
from limner.memory.documents import KINDS, Kind
from limner.memory.holders import is_dead, this_process
from limner.memory.receipts import replace_remnant
from limner.memory.records import new_id, utc_now
from limner.memory.rotation import new_seed, rotated, rotation_name
from limner.memory.schema import documents, outbox, stray_indexes, users, vectors
from limner.memory.snapshot_cache import SnapshotCache
from limner.memory.vectors import Vectorizer, load_vectors

__all__ = ("VectorIndex",)

LEASE = timedelta(minutes=10)
"""How long notes of the outbox belong to who works them off; repeating one changes nothing."""
NOTES = 1000
"""Notes that are worked off together."""
_LONGEST = 8192
"""Length of a vector that no encoder's is longer than."""
_LATER = "The vector index is in use elsewhere, or down; it is rewritten when it is next drained."


class VectorIndex:
    """Finds the nearest of many vectors, for one store and one encoder.

    Args:
        database: The truth.
        collections: Where the index is kept.
        encoder: Whose vectors are indexed.
        exact_limit: Most documents of one user and kind that are compared one by one, without an index; fewer where their
            vectors would not stay in memory.
        snapshots: What is kept in memory of the same vectors.
    """

    def __init__(
        self,
        database: Database,
        collections: Collections,
        encoder: Vectorizer,
        exact_limit: int,
        snapshots: SnapshotCache,
    ) -> None:
        self._exact_limit = exact_limit
        self.snapshots = snapshots
        self._database = database
        self._collections = collections
        self._encoder = encoder
        # Held while vectors travel from SQL to the index, and while they are erased from it.
        self._guard = threading.RLock()

    def limit(self, dimension: int, encoder: tuple[str, str] | None = None) -> int:
        """Return the most documents of a kind whose vectors are compared one by one.

        Args:
            dimension: Length of a vector.
            encoder: Name and version of the encoder that they are of; those of another than the index's always are.
        """
        if encoder is not None and encoder != (self._encoder.name, self._encoder.version):
            return sys.maxsize
        fits = self.snapshots.most_vectors // (4 * max(dimension, 1))
        return min(self._exact_limit, fits // len(KINDS))  # of the other kind there may be as many

    def nearest(
        self,
        connection: Connection,
        user_id: str,
        kind: Kind,
        vector: NDArray[np.float32],
        n: int,
        there: int | None = None,
    ) -> list[int] | None:
        """Return document numbers among which the `n` nearest are, or none when all must be compared.

        Args:
            connection: An open connection.
            user_id: Whose.
            kind: Of which documents.
            vector: To what.
            n: How many.
            there: How many documents of the kind have a vector, where that is known.
        """
        waiting = self._waiting(connection, user_id, kind)
        if waiting is None:
            return None
        there = self._count(connection, user_id, kind) if there is None else there
        seed = connection.execute(select(users.c.index_key).where(users.c.id == user_id)).scalar()
        key = self._key(kind, seed)
        with _forgiving():
            if not self._collections.available():
                return None
            indexed = self._collections.count(user_id, key)
            if indexed and indexed == there - len(waiting):
                turned = rotated(vector, seed)
                return [*waiting, *self._collections.query(user_id, key, turned, min(n, indexed))]
        return None

    def needed(self, connection: Connection, user_id: str) -> bool:
        """Return whether the user has so many vectors of a kind that a search would ask the index."""
        return any(self._outgrown(connection, user_id, kind) for kind in KINDS)

    def drain(self) -> int:
        """Work off the outbox; return how many vectors went into the index.

        Nothing happens while another process has the index: it will do it.
        """
        moved = 0
        self.erase_strays()
        self._admit()
        with self._guard, _forgiving():
            dead = self._dead_holders()
            while self._collections.available():
                lease, notes = self._lease(dead)
                if not notes:
                    break
                with self._given_back(lease):
                    moved += self._work_off(lease, notes)
        return moved

    def rebuild(self) -> int:
        """Make the index anew from the vectors in SQL; nothing is encoded. Returns how many went in."""
        moved = 0
        with self._guard, _forgiving():
            if not self._collections.available():
                return 0
            with self._database.read() as connection:
                everybody = list(connection.execute(select(users.c.id)).scalars())
                last = connection.execute(select(func.max(outbox.c.id))).scalar() or 0
            for user_id in everybody:
                self._collections.erase(user_id)
                moved += sum(self._fill(user_id, kind) for kind in KINDS)
            with self._database.write() as connection:
                connection.execute(delete(outbox).where(outbox.c.id <= last))
        return moved

    def erase(self, user_id: str) -> str | None:
        """Remove every vector of the user from the index; return what is left for others to remove.

        The caller has left a `rewrite` note: until the next `drain` has followed it the index is not asked, and
        what cannot be removed now is removed then.
        """
        with self._guard, _forgiving():
            if self._collections.erase(user_id):
                return self._collections.remnants
        return _LATER

    def finish_erasures(self) -> None:
        """Do what an erasure does after its transaction, where a process may have died before it had."""
        with self._database.read() as connection:
            notes = select(outbox.c.user_id, outbox.c.lease_holder).where(outbox.c.action == "rewrite")
            cut_short = [
                row.user_id
                for row in connection.execute(notes)
                if row.lease_holder is None or is_dead(row.lease_holder)
            ]
            strays = connection.execute(select(stray_indexes.c.digest).limit(1)).first()
        if cut_short or strays:
            self._database.scrub(None)
        for user_id in dict.fromkeys(cut_short):
            self.erase(user_id)
        if strays:
            self.erase_strays()

    def erase_strays(self) -> str | None:
        """Remove the indexes of users who are forgotten altogether; return what is left for others to remove."""
        with self._guard, _forgiving():
            with self._database.read() as connection:
                strays = list(connection.execute(select(stray_indexes.c.digest)).scalars())
            gone = [digest for digest in strays if self._collections.erase_digest(digest)]
            if gone:
                with self._database.write() as connection:
                    connection.execute(delete(stray_indexes).where(stray_indexes.c.digest.in_(gone)))
            if len(gone) == len(strays):
                return self._collections.remnants
        return _LATER

    def close(self) -> None:
        """Let go of files and connections."""
        with self._guard:
            self._collections.close()

    def _follow(self, user_id: str, kind: Kind, lease: str) -> int:
        """Put the leased notes' vectors into the index, and make it anew if it is not what SQL says then."""
        with self._database.read() as connection:
            if not self._outgrown(connection, user_id, kind):
                return 0
            total = self._count(connection, user_id, kind)
            numbers = self._waiting(connection, user_id, kind, outbox.c.lease_id == lease) or []
            others = self._waiting(connection, user_id, kind, outbox.c.lease_id.is_distinct_from(lease))
            found, matrix = load_vectors(connection, user_id, self._encoder, numbers)
        seed = self._seed(user_id)
        if seed is None:
            return 0  # forgotten, or merged into another, since the vectors were read: they must not go there as they are
        key = self._key(kind, seed)
        self._collections.upsert(user_id, key, found, rotated(matrix, seed))
        if others is not None and self._collections.count(user_id, key) == total - len(others):
            return len(found)
        return self._fill(user_id, kind)

    def _fill(self, user_id: str, kind: Kind) -> int:
        with self._database.read() as connection:
            if not self._outgrown(connection, user_id, kind):
                return 0
        seed = self._seed(user_id)  # from here on new vectors leave a note, so that none is missed below
        with self._database.read() as connection:
            numbers = connection.execute(select(vectors.c.document_id).where(*self._of(user_id, kind)))
            found, matrix = load_vectors(connection, user_id, self._encoder, list(numbers.scalars()))
        if seed is None:
            return 0
        key = self._key(kind, seed)
        for old in (key, self._key(kind, None)):
            self._collections.drop(user_id, old)
        self._collections.upsert(user_id, key, found, rotated(matrix, seed))
        return len(found)

    def _admit(self) -> None:
        """Leave a note to make the index of every user who needs one by now and has none.

        Who has no index leaves no notes of single vectors.
        """
        d = documents.c
        many = (
            select(d.user_id)
            .join(users, users.c.id == d.user_id)
            .where(users.c.index_key.is_(None))
            .group_by(d.user_id, d.kind)
            .having(func.count() > self.limit(_LONGEST))
            .distinct()
        )
        with self._database.read() as connection:
            candidates = connection.execute(many).scalars().all()
            waiting = select(outbox.c.user_id).where(outbox.c.document_id.is_(None))
            noted = set(connection.execute(waiting).scalars()) if candidates else set()
            new = [u for u in candidates if u not in noted and self.needed(connection, u)]
        if new:
            note = {"action": "upsert", "created_at": utc_now()}  # of no document: of all there are
            with self._database.write() as connection:
                connection.execute(insert(outbox), [{**note, "user_id": user_id} for user_id in new])

    def _seed(self, user_id: str) -> str | None:
        """Return the seed of the user's rotation, drawn when it is first needed; none of a user who is gone."""
        mine = users.c.id == user_id
        with self._database.write() as connection:
            connection.execute(
                update(users).where(mine, users.c.index_key.is_(None)).values(index_key=new_seed())
            )
            return connection.execute(select(users.c.index_key).where(mine)).scalar()

    def _work_off(self, lease: str, notes: Sequence[tuple[str, str]]) -> int:
        """Let the index follow the leased notes, given as user and action; return how many vectors went in."""
        moved = 0
        if self._database.is_sqlite and any(action == "rewrite" for _, action in notes):
            self._database.scrub()  # whoever erased may have died before
        for user_id in dict.fromkeys(user for user, _ in notes):
            if (user_id, "rewrite") in notes:
                self._collections.erase(user_id)
            moved += sum(self._follow(user_id, kind, lease) for kind in KINDS)
        with self._database.write() as connection:
            for user_id in dict.fromkeys(user for user, action in notes if action == "rewrite"):
                replace_remnant(connection, user_id, _LATER, self._collections.remnants)
            connection.execute(delete(outbox).where(outbox.c.lease_id == lease))
        return moved

    @contextmanager
    def _given_back(self, lease: str) -> Iterator[None]:
        """Free the notes of a lease at once when working them off fails."""
        try:
            yield
        except BaseException:
            freed = {"lease_id": None, "lease_holder": None, "lease_expires_at": None}
            with self._database.write() as connection:
                connection.execute(update(outbox).where(outbox.c.lease_id == lease).values(freed))
            raise

    def _dead_holders(self) -> list[str]:
        """Return the processes that hold notes and are known to have ended."""
        holders = select(outbox.c.lease_holder).distinct().where(outbox.c.lease_holder.is_not(None))
        with self._database.read() as connection:
            return [holder for holder in connection.execute(holders).scalars() if is_dead(holder)]

    def _lease(self, dead: Collection[str]) -> tuple[str, list[tuple[str, str]]]:
        """Take the oldest notes that nobody works on; return the lease, and user and action of each."""
        lease, now = new_id(), utc_now()
        free = (
            select(outbox.c.id)
            .where(
                or_(
                    outbox.c.lease_id.is_(None),
                    outbox.c.lease_expires_at <= now,
                    outbox.c.lease_holder.in_(dead),
                )
            )
            .order_by(outbox.c.id)
            .limit(NOTES)
            .with_for_update(skip_locked=True)
        )
        with self._database.write() as connection:
            connection.execute(
                update(outbox)
                .where(outbox.c.id.in_(free))
                .values(lease_id=lease, lease_holder=this_process(), lease_expires_at=now + LEASE)
            )
            taken = (
                select(outbox.c.user_id, outbox.c.action)
                .where(outbox.c.lease_id == lease)
                .order_by(outbox.c.id)
            )
            return lease, [(user, action) for user, action in connection.execute(taken)]

    def _waiting(
        self, connection: Connection, user_id: str, kind: Kind, *conditions: ColumnElement[bool]
    ) -> list[int] | None:
        """Return the documents whose vectors are not in the index yet; none when all of it is to go."""
        rewrite = select(outbox.c.id).where(
            outbox.c.user_id == user_id, outbox.c.action == "rewrite", *conditions
        )
        if connection.execute(rewrite.limit(1)).first() is not None:
            return None
        statement = (
            select(outbox.c.document_id)
            .distinct()
            .join(documents, outbox.c.document_id == documents.c.id)
            .where(
                outbox.c.user_id == user_id,
                outbox.c.encoder == self._encoder.name,
                outbox.c.encoder_version == self._encoder.version,
                documents.c.kind == kind,
                *conditions,
            )
        )
        return list(connection.execute(statement).scalars())

    def _count(self, connection: Connection, user_id: str, kind: Kind) -> int:
        statement = select(func.count()).select_from(vectors).where(*self._of(user_id, kind))
        return connection.execute(statement).scalar_one()

    def _outgrown(self, connection: Connection, user_id: str, kind: Kind) -> bool:
        """Return whether the user has more vectors of a kind than are compared one by one."""
        one = select(vectors.c.dimension).where(*self._of(user_id, kind)).limit(1)
        dimension = connection.execute(one).scalar()
        return dimension is not None and self._count(connection, user_id, kind) > self.limit(dimension)

    def _of(self, user_id: str, kind: Kind) -> tuple[ColumnElement[bool], ...]:
        return (
            vectors.c.user_id == user_id,
            vectors.c.encoder == self._encoder.name,
            vectors.c.encoder_version == self._encoder.version,
            vectors.c.document_id.in_(
                select(documents.c.id).where(documents.c.user_id == user_id, documents.c.kind == kind)
            ),
        )

    def _key(self, kind: Kind, seed: str | None) -> str:
        # Named by the rotation too: what another process still writes under an old one is never asked.
        key = collection_key(kind, self._encoder.name, self._encoder.version)
        return key if seed is None else f"{key}-{rotation_name(seed)}"


@contextmanager
def _forgiving() -> Iterator[None]:
    """Go on without the index when it fails: SQL has everything, only slower."""
    try:
        yield
    except IndexUnavailable as error:
        warnings.warn(f"{error} Vectors are compared from SQL meanwhile.", LimnerWarning, stacklevel=3)
