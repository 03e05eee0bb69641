"""Erasure: logs first, then rows, in one transaction; then every other file in which a trace of them may be left.

What goes with what is written down in `cascade`. The logs under the data folder are searched while the rows still say
what to look for: whoever dies on the way leaves an erasure that has not happened and can be asked for again. Afterwards
the database overwrites what it deleted, logs written meanwhile are searched, and the user's vector index is removed, to
be made anew from what is left. None of it needs a model, and none of it waits for a reflection: one that is under way
finds its batch gone and stores nothing.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from limner.errors import NotFound
from limner.memory.cascade import Cascade, Gone
from limner.memory.chroma import user_digest
from limner.memory.counters import new_epoch
from limner.memory.database import Database
from limner.memory.index import VectorIndex
from limner.memory.logs import Cleared, clear_logs, has_logs
from limner.memory.receipts import ErasureKind, Receipt, add_remnants, keep_receipt
from limner.memory.records import new_id, utc_now
from limner.memory.rotation import new_seed
from limner.memory.rows import chunked, lock_user
from limner.memory.schema import (
    checkpoints,
    observations,
    outbox,
    portraits,
    propositions,
    stray_indexes,
    suggestions,
    terms,
    users,
)
from limner.memory.sources import refusals_of, refuse_again
from limner.memory.tombstones import bury_user
from limner.memory.traces import Traces
from limner.memory.wording import wording_of

__all__ = ("Eraser", "Receipt")

_CLOCK_S = 2.0
"""By how much the clock of a file may be behind that of this process, in seconds."""


class Eraser:
    """Erases what is stored of one user, wherever it lies.

    Args:
        database: The truth.
        index: The vector index.
        home: The data folder, whose logs are searched.
        user_id: Whose.
    """

    def __init__(self, database: Database, index: VectorIndex, home: Path, user_id: str) -> None:
        self._database = database
        self._index = index
        self._home = home
        self._user_id = user_id

    def one(self, id: str) -> Receipt:
        """Erase an observation or a proposition.

        Raises:
            NotFound: The user has neither of this id.
        """

        def erase(connection: Connection) -> tuple[ErasureKind, Gone]:
            cascade = Cascade(connection, self._user_id)
            if self._has(connection, observations, id):
                return "observation", cascade.observations([id])
            if self._has(connection, propositions, id):
                return "proposition", cascade.proposition(id)
            raise NotFound(f"There is no observation or proposition {id!r}.")

        return self._run(erase)

    def source(self, source: str) -> Receipt:
        """Erase every observation of a source.

        Raises:
            NotFound: The user has no observation of this source.
        """

        def erase(connection: Connection) -> tuple[ErasureKind, Gone]:
            of_source = select(observations.c.id).where(
                observations.c.user_id == self._user_id, observations.c.source == source
            )
            ids = list(connection.execute(of_source).scalars())
            if not ids:
                raise NotFound(f"There is no observation from the source {source!r}.")
            return "source", Cascade(connection, self._user_id).observations(ids)

        return self._run(erase)

    def observations(self, ids: Collection[str], kind: ErasureKind = "observation") -> Receipt:
        """Erase several observations at once; those that are not there any more are passed over."""

        def erase(connection: Connection) -> tuple[ErasureKind, Gone]:
            there: set[str] = set()
            for chunk in chunked(sorted(set(ids))):
                statement = select(observations.c.id).where(
                    observations.c.user_id == self._user_id, observations.c.id.in_(chunk)
                )
                there.update(connection.execute(statement).scalars())
            return kind, Cascade(connection, self._user_id).observations(there)

        return self._run(erase)

    def everything(self, *, leave_nothing: bool) -> Receipt:
        """Erase the user: no row is left that names them, the receipt included.

        Args:
            leave_nothing: Whether pauses and withdrawn consents go too; without them they would be recorded again.
        """
        before, began = self._clear_logs_before(self._all_traces)
        with self._database.write() as connection:
            lock_user(connection, self._user_id)
            counts = {
                table.name: self._count(connection, table)
                for table in (observations, propositions, portraits, suggestions, checkpoints)
            }
            traces = self._all_traces(connection)
            bury_user(connection, self._user_id)
            refused = refusals_of(connection, self._user_id)
            connection.execute(
                delete(stray_indexes).where(stray_indexes.c.digest == user_digest(self._user_id))
            )
            connection.execute(
                insert(stray_indexes).values(digest=user_digest(self._user_id), created_at=utc_now())
            )
            connection.execute(delete(users).where(users.c.id == self._user_id))
            if refused and not leave_nothing:
                refuse_again(connection, self._user_id, refused)
        files, left = self._clear(traces, None, self._index.erase_strays, before, began)
        return Receipt(new_id(), "everything", utc_now(), files=files, remnants=left, **counts)

    def _run(self, erase: Callable[[Connection], tuple[ErasureKind, Gone]]) -> Receipt:
        before, began = self._clear_logs_before(lambda connection: erase(connection)[1].traces)
        with self._database.write() as connection:
            lock_user(connection, self._user_id)
            kind, gone = erase(connection)
            now = utc_now()
            if not gone.observations and not gone.propositions:
                return Receipt(new_id(), kind, now)
            receipt = keep_receipt(connection, self._user_id, kind, now, gone.counts, gone.requeued)
            new_epoch(connection, self._user_id)
            mine = users.c.id == self._user_id
            connection.execute(
                update(users).where(mine, users.c.index_key.is_not(None)).values(index_key=new_seed())
            )
            connection.execute(insert(outbox).values(user_id=self._user_id, action="rewrite", created_at=now))
        files, left = self._clear(
            gone.traces, gone.imprints, lambda: self._index.erase(self._user_id), before, began
        )
        if files or left:
            with self._database.write() as connection:
                add_remnants(connection, self._user_id, receipt.id, files, left)
        return replace(receipt, files=files, remnants=left)

    def _clear_logs_before(self, traces_of: Callable[[Connection], Traces]) -> tuple[Cleared, float]:
        """Remove the logs that hold what is going to be erased; return what came of it, and when it began.

        What is to be looked for is found out by erasing and taking it back.
        """
        began = time.time() - _CLOCK_S
        if not has_logs(self._home, self._home / "index"):
            return Cleared(0, ()), began
        with self._database.write() as connection:
            lock_user(connection, self._user_id)
            rehearsal = connection.begin_nested()
            traces = traces_of(connection)
            rehearsal.rollback()
        return clear_logs(self._home, traces, self._home / "index"), began

    def _clear(
        self,
        traces: Traces,
        imprints: Collection[bytes] | None,
        erase_index: Callable[[], str | None],
        before: Cleared,
        began: float,
    ) -> tuple[int, tuple[str, ...]]:
        """Clear database files, later logs and index; return the number of logs removed, and what is left."""
        self._index.snapshots.drop(self._user_id)
        # The database's log first: an index that fails must not keep the text in it.
        scrubbed = self._database.scrub(imprints)
        later = clear_logs(self._home, traces, self._home / "index", since=began)
        left = [erase_index(), scrubbed]
        if named := ", ".join(dict.fromkeys((*before.left, *later.left))):
            left.append(f"Files under the data folder that are no logs of limner's hold some of it: {named}.")
        return before.removed + later.removed, tuple(remnant for remnant in left if remnant is not None)

    def _all_traces(self, connection: Connection) -> Traces:
        def ids(table: Table) -> list[str]:
            return list(
                connection.execute(select(table.c.id).where(table.c.user_id == self._user_id)).scalars()
            )

        own = select(terms.c.term).distinct().where(terms.c.user_id == self._user_id)
        words = set(connection.execute(own).scalars())
        wording = wording_of(connection, self._user_id, ids(observations), ids(propositions))
        return Traces(wording.texts, words, wording.names)

    def _count(self, connection: Connection, table: Table) -> int:
        statement = select(func.count()).select_from(table).where(table.c.user_id == self._user_id)
        return connection.execute(statement).scalar_one()

    def _has(self, connection: Connection, table: Table, id: str) -> bool:
        statement = select(table.c.id).where(table.c.user_id == self._user_id, table.c.id == id)
        return connection.execute(statement).first() is not None
