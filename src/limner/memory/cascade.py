"""What an erasure takes with it, in one transaction.

Forgetting observations removes them with their quotes, words, vectors and places in the queue, and

- every proposition version that cites one of them, or in whose text a word of them occurs that nothing else has and
  that a model wrote with them before its eyes; with every version that revised one of those: their words may come
  from it. What else these versions rested on goes back to the queue, so that the next reflection derives it again
  without what was forgotten ("withheld"). A version that only they had superseded is held again, as it was before;
- what limner itself answered, where one of their texts, or a name or number of theirs, stands in it;
- what the user said about those versions (their verdicts quote them), but not what they put in their place;
- every suggestion that rests on one of those versions or repeats any of this, with what the user made of it;
- every portrait that shows any of this, and every conversation from where it may come in;
- words that models wrote with the observations before their eyes: reasons of retirement, error messages, and
  reasoning in which a word of them occurs that nothing else has.

Forgetting a proposition removes its whole line of revisions, what the user said about it, and the portraits that
show it; the observations stay. Foreign keys take everything that hangs on a removed row.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select, update

from limner.memory.imprints import imprints_of
from limner.memory.lexical import tokenize
from limner.memory.lineage import Lineage
from limner.memory.receipts import ERASED
from limner.memory.rederiving import put_back
from limner.memory.rows import chunked
from limner.memory.schema import (
    audit_log,
    batch_members,
    documents,
    observations,
    portrait_basis,
    portraits,
    propositions,
    suggestion_basis,
    suggestions,
    verdicts,
)
from limner.memory.threads import cut_threads
from limner.memory.tombstones import bury
from limner.memory.traces import Traces
from limner.memory.wording import wording_of, words_only_of

__all__ = ("Cascade", "Gone")


@dataclass
class Gone:
    """What an erasure took."""

    observations: int = 0
    propositions: int = 0
    withheld: int = 0
    restored: int = 0
    portraits: int = 0
    suggestions: int = 0
    checkpoints: int = 0
    requeued: set[str] = field(default_factory=set)
    """Observations put back to pending."""
    traces: Traces = field(default_factory=lambda: Traces(()))
    """What gives the erased texts away elsewhere."""
    imprints: set[bytes] = field(default_factory=set)
    """What gives copies of the erased rows away in the database's file."""

    @property
    def counts(self) -> dict[str, int]:
        """What is told of it."""
        return {
            "observations": self.observations,
            "propositions": self.propositions,
            "withheld": self.withheld,
            "requeued": len(self.requeued),
            "restored": self.restored,
            "portraits": self.portraits,
            "suggestions": self.suggestions,
            "checkpoints": self.checkpoints,
        }


class Cascade:
    """One erasure of one user; see this module.

    Args:
        connection: A connection in a write transaction, with the user locked.
        user_id: Whose.
    """

    def __init__(self, connection: Connection, user_id: str) -> None:
        self._connection = connection
        self._user_id = user_id
        self._lineage = Lineage(connection, user_id)

    def observations(self, ids: Collection[str]) -> Gone:
        """Erase these observations and all that came of them."""
        going = set(ids)
        words = words_only_of(self._connection, self._user_id, going)
        going |= self._repeated_by_limner(going, words)
        batches = self._batches(going)
        tainted = self._lineage.with_revisions(
            {*self._lineage.citing(going), *self._worded_with(batches, words)}, going
        )
        while verdicts_on := self._said_of(tainted) - going:
            going |= verdicts_on
            tainted = self._lineage.with_revisions({*tainted, *self._lineage.citing(verdicts_on)}, going)
        return self._erase(going, tainted, words, batches, rederive=True)

    def proposition(self, id: str) -> Gone:
        """Erase a proposition with its whole line of revisions."""
        group = select(propositions.c.group_id).where(*self._mine(propositions, id))
        line = select(propositions.c.id).where(
            propositions.c.user_id == self._user_id, propositions.c.group_id == group.scalar_subquery()
        )
        tainted = self._lineage.with_revisions(self._connection.execute(line).scalars(), set())
        return self._erase(self._said_of(tainted), tainted, set(), set(), rederive=False)

    def versions(self, ids: Collection[str]) -> Gone:
        """Erase single versions of propositions, with what revised them."""
        tainted = self._lineage.with_revisions(ids, set())
        return self._erase(self._said_of(tainted), tainted, set(), set(), rederive=False)

    def _erase(
        self,
        going: Collection[str],
        tainted: Collection[str],
        words: Collection[str],
        batches: Collection[str],
        *,
        rederive: bool,
    ) -> Gone:
        gone = Gone(observations=len(going), propositions=len(tainted))
        rested_on = self._lineage.rested_on(tainted)
        restored = self._lineage.superseded_only_by(tainted) | self._denied_only_by(going, tainted)
        others: set[str] = set()
        if rederive:
            others = {o for cited in rested_on.values() for o in cited}
            gone.withheld = sum(1 for p in self._lineage.held(tainted) if rested_on[p] - set(going))
            others -= {o for cited in self._lineage.rested_on(restored).values() for o in cited}
            others |= self._behind_retired_in(batches)
        wording = wording_of(self._connection, self._user_id, going, tainted)
        gone.traces = Traces(wording.texts, words, wording.names)
        gone.imprints = imprints_of(self._connection, self._user_id, going, tainted, words)
        self._scrub_words(words, batches, gone.traces)
        gone.portraits = self._remove_portraits({*going, *tainted}, gone.traces)
        gone.suggestions = self._remove_suggestions(going, tainted, gone.traces)
        gone.restored = len(restored)
        bury(self._connection, sorted({*going, *tainted}))
        self._remove_propositions(tainted, restored)
        for chunk in chunked(sorted(going)):
            self._connection.execute(delete(observations).where(*self._mine(observations, *chunk)))
        gone.requeued = put_back(self._connection, self._user_id, others - set(going))
        if wording.since is not None:
            gone.checkpoints = cut_threads(self._connection, self._user_id, wording.since, gone.traces)
        return gone

    def _batches(self, ids: Collection[str]) -> set[str]:
        """Return the claims under which a model had these observations before its eyes."""
        found: set[str] = set()
        for chunk in chunked(sorted(ids)):
            statement = select(batch_members.c.batch_id).where(
                batch_members.c.user_id == self._user_id, batch_members.c.observation_id.in_(chunk)
            )
            found.update(self._connection.execute(statement).scalars())
        return found

    def _repeated_by_limner(self, ids: Collection[str], words: Collection[str]) -> set[str]:
        """Return limner's own answers, and decisions that quote it, in which one of these observations stands."""
        decided = select(suggestions.c.observation_id).where(
            suggestions.c.user_id == self._user_id, suggestions.c.observation_id.is_not(None)
        )
        said = select(observations.c.id, observations.c.text).where(
            observations.c.user_id == self._user_id,
            or_(observations.c.author == "assistant", observations.c.id.in_(decided)),
        )
        answers = self._connection.execute(said).all()
        if not answers:
            return set()
        wording = wording_of(self._connection, self._user_id, ids, ())
        traces = Traces(wording.texts, words, wording.names)
        return {id for id, text in answers if traces.found_in_text(text)}

    def _worded_with(self, batches: Collection[str], words: Collection[str]) -> set[str]:
        """Return the versions written in these batches whose text has one of the words."""
        found: set[str] = set()
        for chunk in chunked(sorted(batches)):
            written = select(propositions.c.id, propositions.c.text).where(
                propositions.c.user_id == self._user_id, propositions.c.batch_id.in_(chunk)
            )
            for id, text in self._connection.execute(written):
                if not set(words).isdisjoint(tokenize(text)):
                    found.add(id)
        return found

    def _said_of(self, versions: Collection[str]) -> set[str]:
        """Return the observations that quote these versions, or what was suggested because of them."""
        found = self._verdicts_on(versions)
        for chunk in chunked(sorted(versions)):
            resting = select(suggestion_basis.c.suggestion_id).where(
                suggestion_basis.c.user_id == self._user_id, suggestion_basis.c.proposition_id.in_(chunk)
            )
            decided = select(suggestions.c.observation_id).where(
                suggestions.c.user_id == self._user_id,
                suggestions.c.id.in_(resting),
                suggestions.c.observation_id.is_not(None),
            )
            found.update(self._connection.execute(decided).scalars())
        return found

    def _verdicts_on(self, versions: Collection[str]) -> set[str]:
        """Return the observations in which the user judged these versions; a correction is in words of its own."""
        found: set[str] = set()
        for chunk in chunked(sorted(versions)):
            statement = select(verdicts.c.observation_id).where(
                verdicts.c.user_id == self._user_id,
                verdicts.c.proposition_id.in_(chunk),
                verdicts.c.kind != "correct",
            )
            found.update(self._connection.execute(statement).scalars())
        return found

    def _denied_only_by(self, going: Collection[str], tainted: Collection[str]) -> set[str]:
        """Return the versions that are retired because of a denial that goes, and of nothing else."""
        denied: set[str] = set()
        for chunk in chunked(sorted(going)):
            statement = select(verdicts.c.proposition_id).where(
                verdicts.c.user_id == self._user_id,
                verdicts.c.observation_id.in_(chunk),
                verdicts.c.kind == "deny",
                verdicts.c.proposition_id.is_not(None),
            )
            denied.update(self._connection.execute(statement).scalars())
        still: set[str] = set()
        for chunk in chunked(sorted(denied)):
            statement = select(verdicts.c.proposition_id, verdicts.c.observation_id).where(
                verdicts.c.user_id == self._user_id,
                verdicts.c.proposition_id.in_(chunk),
                verdicts.c.kind == "deny",
            )
            still |= {p for p, o in self._connection.execute(statement) if o not in going}
        free = denied - still - set(tainted)
        return self._lineage.one_of_each_topic(self._lineage.without_successor(free), tainted)

    def _behind_retired_in(self, batches: Collection[str]) -> set[str]:
        """Return what propositions rested on that were given up, without a successor, in one of these batches.

        Nobody knows whether what is erased was the reason, so they are derived again, if they still hold.
        """
        given_up: set[str] = set()
        for chunk in chunked(sorted(batches)):
            statement = select(propositions.c.id).where(
                propositions.c.user_id == self._user_id, propositions.c.retired_by_batch.in_(chunk)
            )
            given_up.update(self._connection.execute(statement).scalars())
        cited = self._lineage.rested_on(self._lineage.without_successor(given_up))
        return {o for observed in cited.values() for o in observed}

    def _scrub_words(self, words: Collection[str], batches: Collection[str], traces: Traces) -> None:
        """Blank what a model wrote with what is erased before its eyes, where its words may stand."""
        mine = propositions.c.user_id == self._user_id
        for chunk in chunked(sorted(batches)):
            self._connection.execute(
                update(propositions)
                .where(mine, propositions.c.retired_by_batch.in_(chunk))
                .values(retired_because=None)
            )
        # An error may hold the model's answer, which may hold any text of its batch.
        self._connection.execute(
            update(observations)
            .where(observations.c.user_id == self._user_id, observations.c.last_error.is_not(None))
            .values(last_error=ERASED)
        )
        seen = set(words)
        written = select(propositions.c.id, propositions.c.batch_id, propositions.c.reasoning).where(mine)
        for id, batch, reasoning in self._connection.execute(written).all():
            near = batch in batches and not seen.isdisjoint(tokenize(reasoning))
            if near or traces.found_in_text(reasoning):
                self._connection.execute(
                    update(propositions).where(*self._mine(propositions, id)).values(reasoning=ERASED)
                )

    def _remove_portraits(self, owners: Collection[str], traces: Traces) -> int:
        gone: set[str] = set()
        for chunk in chunked(sorted(owners)):
            shows = select(portrait_basis.c.portrait_id).where(
                portrait_basis.c.user_id == self._user_id, portrait_basis.c.owner_id.in_(chunk)
            )
            gone.update(self._connection.execute(shows).scalars())
        drawn = select(portraits.c.id, portraits.c.task, portraits.c.lines).where(
            portraits.c.user_id == self._user_id
        )
        for id, task, lines in self._connection.execute(drawn):
            if any(traces.found_in_text(text) for text in (task or "", *(line["text"] for line in lines))):
                gone.add(id)
        for chunk in chunked(sorted(gone)):
            self._connection.execute(delete(portraits).where(*self._mine(portraits, *chunk)))
        return len(gone)

    def _remove_suggestions(self, going: Collection[str], versions: Collection[str], traces: Traces) -> int:
        gone: set[str] = set()
        for chunk in chunked(sorted(versions)):
            resting = select(suggestion_basis.c.suggestion_id).where(
                suggestion_basis.c.user_id == self._user_id, suggestion_basis.c.proposition_id.in_(chunk)
            )
            gone.update(self._connection.execute(resting).scalars())
        made = select(suggestions.c.id, suggestions.c.text, suggestions.c.observation_id).where(
            suggestions.c.user_id == self._user_id
        )
        for id, text, observation_id in self._connection.execute(made):
            if observation_id in going or traces.found_in_text(text):
                gone.add(id)
        for chunk in chunked(sorted(gone)):
            self._connection.execute(delete(suggestions).where(*self._mine(suggestions, *chunk)))
        return len(gone)

    def _remove_propositions(self, versions: Collection[str], restored: Collection[str]) -> None:
        """Remove versions; hold those again that nothing else had superseded."""
        for chunk in chunked(sorted(versions)):
            told = update(audit_log).where(
                audit_log.c.user_id == self._user_id, audit_log.c.proposition_id.in_(chunk)
            )
            self._connection.execute(told.values(reason=None))
            self._connection.execute(delete(propositions).where(*self._mine(propositions, *chunk)))
        for chunk in chunked(sorted(restored)):
            again = dict.fromkeys(("retired_at", "retired_because", "retired_by_batch", "denied_at"))
            self._connection.execute(
                update(propositions).where(*self._mine(propositions, *chunk)).values(again)
            )
            self._connection.execute(
                update(documents)
                .where(documents.c.user_id == self._user_id, documents.c.proposition_id.in_(chunk))
                .values(retired_at=None)
            )

    def _mine(self, table: Table, *ids: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return table.c.user_id == self._user_id, table.c.id.in_(ids)
