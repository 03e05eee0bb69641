"""Erasure: what it takes with it, and what it leaves behind.

Forgetting an observation removes it with its quotes, words, vectors and place in the queue, and

- every proposition version that cites it, with every version that revised one of those: their words may come
  from it. What else these versions rested on goes back to the queue, so that the next reflection derives it
  again without what was forgotten ("withheld"). A version that only they had superseded is held again, as it
  was before;
- every portrait that shows any of this;
- words that models wrote with the observation before their eyes: reasons of retirement, error messages, and
  reasoning in which a word of it occurs that no other observation has.

Forgetting a proposition removes its whole line of revisions and the portraits that show it; the observations
stay. Foreign keys take everything that hangs on a removed row; then SQLite's log is emptied (`secure_delete`
has overwritten the pages), and the user's vector index is removed, to be made anew from what is left.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, insert, select, update

from limner.errors import NotFound
from limner.memory.database import Database
from limner.memory.index import VectorIndex
from limner.memory.lexical import tokenize
from limner.memory.records import utc_now
from limner.memory.rows import chunked, lock_user
from limner.memory.schema import (
    audit_log,
    batch_members,
    documents,
    evidence,
    observations,
    outbox,
    portrait_basis,
    portraits,
    propositions,
    supersessions,
    terms,
)

__all__ = ("ERASED", "Receipt", "forget")

ERASED = "(erased)"
"""Stands where words were that may have come from something erased."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure removed: counts, and nothing of the content."""

    id: str
    kind: Literal["observation", "proposition"]
    erased_at: datetime
    observations: int = 0
    propositions: int = 0
    """Versions removed, retired ones included; `withheld` is a part of these."""
    withheld: int = 0
    """Versions held until now that rested on other observations too; these are derived again without it."""
    requeued: int = 0
    """Observations put back to pending, to derive these from."""
    restored: int = 0
    """Earlier versions that are held again because what had revised them is gone."""
    portraits: int = 0
    remnants: tuple[str, ...] = ()
    """What could not be removed from here or now, in words; empty when nothing is left on this machine."""


def forget(database: Database, index: VectorIndex, user_id: str, id: str) -> Receipt:
    """Erase an observation or a proposition and all that came of it; see this module.

    Raises:
        NotFound: The user has neither of this id.
    """
    with database.write() as connection:
        lock_user(connection, user_id)
        erasure = _Erasure(connection, user_id)
        if erasure.has(observations, id):
            receipt = erasure.observation(id)
        elif erasure.has(propositions, id):
            receipt = erasure.proposition(id)
        else:
            raise NotFound(f"There is no observation or proposition {id!r}.")
        connection.execute(
            insert(outbox).values(user_id=user_id, action="rewrite", created_at=receipt.erased_at)
        )
    # The log first: an index that fails must not keep the text in it.
    scrubbed = database.scrub()
    left = [index.erase(user_id), scrubbed]
    return replace(receipt, remnants=tuple(remnant for remnant in left if remnant is not None))


class _Erasure:
    """One erasure, in one transaction."""

    def __init__(self, connection: Connection, user_id: str) -> None:
        self._connection = connection
        self._user_id = user_id

    def has(self, table: Table, id: str) -> bool:
        statement = select(table.c.id).where(table.c.user_id == self._user_id, table.c.id == id)
        return self._connection.execute(statement).first() is not None

    def observation(self, id: str) -> Receipt:
        cites = select(evidence.c.proposition_id).where(
            evidence.c.user_id == self._user_id, evidence.c.observation_id == id
        )
        tainted = self._with_revisions(self._connection.execute(cites).scalars())
        rested_on = self._rested_on(tainted)
        others = {o for cited in rested_on.values() for o in cited} - {id}
        withheld = sum(1 for p in self._held(tainted) if rested_on[p] - {id})
        restored = self._superseded_only_by(tainted)
        others -= {o for cited in self._rested_on(restored).values() for o in cited}
        others |= self._behind_retired_with(id)
        self._scrub_words_of(id)
        gone = self._remove_portraits({id, *tainted})
        self._remove_propositions(tainted, restored)
        self._connection.execute(delete(observations).where(*self._mine(observations, id)))
        return Receipt(
            id=id,
            kind="observation",
            erased_at=utc_now(),
            observations=1,
            propositions=len(tainted),
            withheld=withheld,
            requeued=self._requeue(others),
            restored=len(restored),
            portraits=gone,
        )

    def proposition(self, id: str) -> Receipt:
        group = select(propositions.c.group_id).where(*self._mine(propositions, id))
        line = select(propositions.c.id).where(
            propositions.c.user_id == self._user_id, propositions.c.group_id == group.scalar_subquery()
        )
        tainted = self._with_revisions(self._connection.execute(line).scalars())
        restored = self._superseded_only_by(tainted)
        gone = self._remove_portraits(tainted)
        self._remove_propositions(tainted, restored)
        return Receipt(
            id=id,
            kind="proposition",
            erased_at=utc_now(),
            propositions=len(tainted),
            restored=len(restored),
            portraits=gone,
        )

    def _with_revisions(self, ids: Iterable[str]) -> set[str]:
        """Return these versions, and all that revised one of them, directly or not."""
        found: set[str] = set()
        new = set(ids)
        while new:
            found |= new
            revisions: set[str] = set()
            for chunk in chunked(sorted(new)):
                statement = select(supersessions.c.proposition_id).where(
                    supersessions.c.user_id == self._user_id, supersessions.c.superseded_id.in_(chunk)
                )
                revisions.update(self._connection.execute(statement).scalars())
            new = revisions - found
        return found

    def _rested_on(self, versions: Collection[str]) -> dict[str, set[str]]:
        """Return for each version the observations that it cites."""
        cited: dict[str, set[str]] = {version: set() for version in versions}
        for chunk in chunked(sorted(versions)):
            statement = select(evidence.c.proposition_id, evidence.c.observation_id).where(
                evidence.c.user_id == self._user_id, evidence.c.proposition_id.in_(chunk)
            )
            for version, observation in self._connection.execute(statement):
                cited[version].add(observation)
        return cited

    def _held(self, versions: Collection[str]) -> list[str]:
        """Return those of the versions that are current."""
        held: list[str] = []
        for chunk in chunked(sorted(versions)):
            statement = select(propositions.c.id).where(
                *self._mine(propositions, *chunk), propositions.c.retired_at.is_(None)
            )
            held += self._connection.execute(statement).scalars()
        return held

    def _superseded_only_by(self, versions: Collection[str]) -> set[str]:
        """Return the versions, outside of these, that nothing but these has superseded."""
        by: dict[str, set[str]] = {}
        for chunk in chunked(sorted(versions)):
            revised = select(supersessions.c.superseded_id).where(
                supersessions.c.user_id == self._user_id, supersessions.c.proposition_id.in_(chunk)
            )
            every = select(supersessions.c.superseded_id, supersessions.c.proposition_id).where(
                supersessions.c.user_id == self._user_id, supersessions.c.superseded_id.in_(revised)
            )
            for old, new in self._connection.execute(every):
                by.setdefault(old, set()).add(new)
        free = {old for old, new in by.items() if old not in versions and new <= set(versions)}
        return self._one_of_each_topic(free, versions)

    def _one_of_each_topic(self, versions: Collection[str], going: Collection[str]) -> set[str]:
        """Return the versions without a topic, and of each topic that nothing else holds the newest one."""
        topic, newest_first = propositions.c.topic, propositions.c.recorded_at.desc()
        of_topic: dict[str, str] = {}
        chosen: set[str] = set()
        for chunk in chunked(sorted(versions)):
            statement = select(propositions.c.id, topic).where(*self._mine(propositions, *chunk))
            for id, named in self._connection.execute(statement.order_by(newest_first)):
                if named is None:
                    chosen.add(id)
                else:
                    of_topic.setdefault(named, id)
        held = select(topic, propositions.c.id).where(
            propositions.c.user_id == self._user_id, topic.is_not(None), propositions.c.retired_at.is_(None)
        )
        for named, id in self._connection.execute(held):
            if id not in going:
                of_topic.pop(named, None)
        return chosen | set(of_topic.values())

    def _behind_retired_with(self, observation_id: str) -> set[str]:
        """Return what propositions rested on that were given up, without a successor, in a batch with this one.

        Nobody knows whether this observation was the reason, so they are derived again, if they still hold.
        """
        given_up = select(propositions.c.id).where(
            propositions.c.user_id == self._user_id,
            propositions.c.retired_by_batch.in_(self._batches(observation_id)),
            propositions.c.id.not_in(
                select(supersessions.c.superseded_id).where(supersessions.c.user_id == self._user_id)
            ),
        )
        cited = self._rested_on(list(self._connection.execute(given_up).scalars()))
        return {o for observed in cited.values() for o in observed} - {observation_id}

    def _scrub_words_of(self, observation_id: str) -> None:
        """Blank what a model wrote with this observation before its eyes, where its words may stand."""
        batches = self._batches(observation_id)
        mine = propositions.c.user_id == self._user_id
        self._connection.execute(
            update(propositions)
            .where(mine, propositions.c.retired_by_batch.in_(batches))
            .values(retired_because=None)
        )
        # An error may hold the model's answer, which may hold any text of its batch.
        self._connection.execute(
            update(observations)
            .where(observations.c.user_id == self._user_id, observations.c.last_error.is_not(None))
            .values(last_error=ERASED)
        )
        words = self._words_only_of(observation_id)
        written = select(propositions.c.id, propositions.c.reasoning).where(
            mine, propositions.c.batch_id.in_(batches)
        )
        for id, reasoning in self._connection.execute(written).all():
            if words.intersection(tokenize(reasoning)):
                self._connection.execute(
                    update(propositions).where(*self._mine(propositions, id)).values(reasoning=ERASED)
                )

    def _words_only_of(self, observation_id: str) -> set[str]:
        """Return the index terms that no other observation of the user has."""
        own = select(documents.c.id).where(documents.c.observation_id == observation_id)
        elsewhere = terms.alias()
        others = select(documents.c.id).where(
            documents.c.user_id == self._user_id,
            documents.c.kind == "observation",
            documents.c.observation_id != observation_id,
        )
        statement = select(terms.c.term).where(
            terms.c.user_id == self._user_id,
            terms.c.document_id.in_(own),
            ~select(elsewhere.c.term)
            .where(
                elsewhere.c.user_id == self._user_id,
                elsewhere.c.term == terms.c.term,
                elsewhere.c.document_id.in_(others),
            )
            .exists(),
        )
        return set(self._connection.execute(statement).scalars())

    def _batches(self, observation_id: str) -> Select[tuple[str]]:
        return select(batch_members.c.batch_id).where(
            batch_members.c.user_id == self._user_id, batch_members.c.observation_id == observation_id
        )

    def _remove_portraits(self, owners: Collection[str]) -> int:
        gone = 0
        for chunk in chunked(sorted(owners)):
            shows = select(portrait_basis.c.portrait_id).where(
                portrait_basis.c.user_id == self._user_id, portrait_basis.c.owner_id.in_(chunk)
            )
            statement = delete(portraits).where(
                portraits.c.user_id == self._user_id, portraits.c.id.in_(shows)
            )
            gone += self._connection.execute(statement).rowcount
        return gone

    def _remove_propositions(self, versions: Collection[str], restored: Collection[str]) -> None:
        """Remove versions; hold those again that nothing else had superseded."""
        for chunk in chunked(sorted(versions)):
            told = update(audit_log).where(
                audit_log.c.user_id == self._user_id, audit_log.c.proposition_id.in_(chunk)
            )
            self._connection.execute(told.values(reason=None))
            self._connection.execute(delete(propositions).where(*self._mine(propositions, *chunk)))
        for chunk in chunked(sorted(restored)):
            again = {"retired_at": None, "retired_because": None, "retired_by_batch": None}
            self._connection.execute(
                update(propositions).where(*self._mine(propositions, *chunk)).values(again)
            )
            self._connection.execute(
                update(documents)
                .where(documents.c.user_id == self._user_id, documents.c.proposition_id.in_(chunk))
                .values(retired_at=None)
            )

    def _requeue(self, ids: Collection[str]) -> int:
        requeued = 0
        for chunk in chunked(sorted(ids)):
            statement = (
                update(observations)
                .where(
                    *self._mine(observations, *chunk),
                    observations.c.state == "done",
                    observations.c.author != "assistant",
                )
                .values(state="pending", attempts=0)
            )
            requeued += self._connection.execute(statement).rowcount
        return requeued

    def _mine(self, table: Table, *ids: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return table.c.user_id == self._user_id, table.c.id.in_(ids)
