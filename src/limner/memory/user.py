"""The only door to one user's data."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from limner.errors import InputError, InvalidObservation
from limner.memory import audit, claims, observations, portraits, propositions, revision
from limner.memory.claims import Batch, Parked
from limner.memory.documents import Kind
from limner.memory.erasure import Receipt, forget
from limner.memory.export import export
from limner.memory.intake import check_zone, clean_text, observation_of
from limner.memory.records import (
    AuditEntry,
    Author,
    Event,
    Media,
    NewObservation,
    Observation,
    Portrait,
    Proposition,
)
from limner.memory.search import Recall, Similar, search, similar
from limner.memory.status import MemoryStatus, user_status
from limner.settings import RecallWeights

if TYPE_CHECKING:
    from limner.memory.memory import Memory

__all__ = ("UserMemory",)


class UserMemory:
    """What is known about one user; made by `Memory.user`, safe to share between threads.

    Every method is about this user, and none takes a user id. No transaction is open between two calls.
    """

    def __init__(self, memory: "Memory", user_id: str) -> None:
        self.user_id = user_id
        self._memory = memory
        self._database = memory.database
        self._settings = memory.settings

    def observe(
        self,
        text: str | bytes,
        *,
        source: str = "user",
        author: Author = "user",
        occurred_at: datetime | None = None,
        key: str | None = None,
        event: Event | None = None,
        media: Media | None = None,
    ) -> Observation:
        """Store one observation; it is on the disk when this returns. Nothing is encoded, no model is asked.

        Args:
            text: Words; bytes are read as UTF-8.
            source: Where it comes from, such as `chat` or `ratings`.
            author: Who produced the text.
            occurred_at: When it happened, with a time zone; none means now.
            key: Idempotency key: the same key twice is one observation, and the first one stays.
            event: The same in a form that code can compute with.
            media: An image that came with it.

        Raises:
            InvalidObservation: It is empty, too long, not text, or from the future.
            StoreFull: No space left; nothing was stored.
        """
        new = NewObservation(text, source, author, occurred_at, key, event, media)
        return self._store([self._checked(new)])[0]

    def observe_many(self, new: Iterable[NewObservation]) -> list[Observation]:
        """Store observations in one transaction: all of them, or none.

        Raises:
            InvalidObservation: One cannot be stored; the message says which, counted from 0.
            StoreFull: No space left; nothing was stored.
        """
        checked = []
        for number, one in enumerate(new):
            try:
                checked.append(self._checked(one))
            except InvalidObservation as error:
                raise InvalidObservation(f"Observation {number}: {error}") from error
        return self._store(checked) if checked else []

    def observation(self, id: str) -> Observation:
        """Return one observation.

        Raises:
            NotFound: This user has none of this id.
        """
        with self._database.read() as connection:
            return observations.one_observation(connection, self.user_id, id)

    def observations(
        self,
        *,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        pending: bool | None = None,
        limit: int | None = None,
    ) -> list[Observation]:
        """Return observations in the order in which they happened.

        Args:
            source: Only from this source.
            since: Only those that happened then or later.
            until: Only those that happened before.
            pending: Only those that still wait for a reflection (true), or no longer (false).
            limit: Only the newest so many of these.
        """
        with self._database.read() as connection:
            return observations.list_observations(
                connection,
                self.user_id,
                source=source,
                since=check_zone(since, "since"),
                until=check_zone(until, "until"),
                pending=pending,
                limit=limit,
            )

    def propositions(self, *, at: datetime | None = None) -> list[Proposition]:
        """Return the propositions that are held now, or were at a moment in limner's time; oldest first."""
        with self._database.read() as connection:
            return propositions.held_propositions(connection, self.user_id, check_zone(at, "at"))

    def proposition(self, id: str) -> Proposition:
        """Return one version of a proposition, current or retired.

        Raises:
            NotFound: This user has none of this id.
        """
        with self._database.read() as connection:
            return propositions.one_proposition(connection, self.user_id, id)

    def history(self, group: str) -> list[Proposition]:
        """Return every version of one line of thought, oldest first.

        Raises:
            NotFound: This user has no such line.
        """
        with self._database.read() as connection:
            return propositions.line_of_revisions(connection, self.user_id, group)

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        kinds: Sequence[Kind] = ("observation", "proposition"),
        weights: RecallWeights | None = None,
        at: datetime | None = None,
    ) -> list[Recall]:
        """Return the `k` records that answer to `query` best, best first, each with the reasons.

        Args:
            query: Any words.
            k: How many at most.
            kinds: What to look for.
            weights: What each part of the search counts; none means those of the settings.
            at: Search what was known at this moment in limner's time; none means now.

        Raises:
            InputError: The query is empty, or `k` is less than 1.
        """
        if k < 1:
            raise InputError(f"k is at least 1; not {k}.")
        words = clean_text(query, max_chars=self._settings.max_observation_chars, what="A query")
        return search(
            self._database,
            self._memory.index,
            self._memory.encoder,
            self.user_id,
            words,
            k,
            kinds,
            weights or self._settings.recall,
            check_zone(at, "at"),
        )

    def similar(self, texts: Sequence[str], k: int = 3) -> list[list[Similar]]:
        """Return for each text the `k` current propositions nearest to it, the same wording first.

        Meant for blocking: what is near-identical, or far from everything, needs no model to say so.

        Args:
            texts: Statements, such as drafts of new propositions.
            k: How many at most for each.
        """
        return similar(self._database, self._memory.encoder, self.user_id, texts, k)

    def claim(self, max_tokens: int, count_tokens: Callable[[str], int]) -> Batch | None:
        """Take the oldest pending observations as one batch; none when nothing is due.

        Args:
            max_tokens: Most tokens of text in the batch; one longer observation is a batch of its own.
            count_tokens: Counts the tokens of a text.

        Returns:
            The batch; give it to `apply` or `release`. Nobody else gets its observations meanwhile.
        """
        return claims.claim(self._database, self.user_id, max_tokens, count_tokens)

    def apply(
        self,
        batch: Batch,
        *,
        add: Sequence[Proposition] = (),
        retire: Mapping[str, str] | None = None,
    ) -> None:
        """Store what was concluded from a batch, and mark its observations as done, in one transaction.

        Args:
            batch: What was claimed.
            add: New propositions; those they name in `supersedes` are retired. `recorded_at` is set here.
            retire: Propositions that are no longer held and have no successor: id and reason.

        Raises:
            StaleClaim: The batch is somebody else's by now, or was applied already; nothing was stored.
            InputError: A proposition lacks supporting evidence, quotes what is not there, revises what is
                unknown or retired, or is an inference that would override what the user said.
        """
        with self._database.write() as connection:
            revision.apply(connection, self.user_id, batch, add, retire or {})

    def renew(self, batch: Batch) -> None:
        """Let the lease of a batch begin anew, between two steps that may take long.

        Raises:
            StaleClaim: The batch is somebody else's by now, or an observation of it was erased.
        """
        claims.renew(self._database, self.user_id, batch)

    def release(self, batch: Batch, error: str | None = None) -> None:
        """Give a batch back.

        Args:
            batch: What was claimed.
            error: None puts it back as it was (an interruption); a reason counts as a failed attempt, is
                retried after a growing pause, and parks the observation after `settings.max_attempts`.
        """
        claims.release(self._database, self.user_id, batch, error, self._settings.max_attempts)

    def parked(self) -> list[Parked]:
        """Return the observations that failed too often, each with the reason."""
        with self._database.read() as connection:
            return claims.parked(connection, self.user_id)

    def retry_parked(self) -> int:
        """Let every parked observation be tried again; return how many there were."""
        with self._database.write() as connection:
            return claims.retry_parked(connection, self.user_id)

    def save_portrait(self, portrait: Portrait) -> None:
        """Keep a portrait; earlier ones stay.

        Raises:
            InputError: It is of another user.
            StaleClaim: Something that it was drawn from has been erased meanwhile.
        """
        with self._database.write() as connection:
            portraits.save_portrait(connection, self.user_id, portrait)

    def portrait(self, kind: str, *, task: str | None = None, at: datetime | None = None) -> Portrait | None:
        """Return the last portrait of a kind and task that was drawn by a moment; none if there is none."""
        with self._database.read() as connection:
            return portraits.latest_portrait(connection, self.user_id, kind, task, check_zone(at, "at"))

    def record_audit(
        self,
        recipient: str,
        purpose: str,
        *,
        decision: str,
        proposition_id: str | None = None,
        reason: str | None = None,
    ) -> AuditEntry:
        """Log that something about the user was, or was not, told to somebody.

        Args:
            recipient: To whom.
            purpose: What for.
            decision: Such as `share` or `withhold`.
            proposition_id: Which statement it was about.
            reason: Why.
        """
        entry = AuditEntry(
            user_id=self.user_id,
            recipient=recipient,
            purpose=purpose,
            proposition_id=proposition_id,
            decision=decision,
            reason=reason,
        )
        with self._database.write() as connection:
            audit.store_audit(connection, self.user_id, entry)
        return entry

    def audit_log(self) -> list[AuditEntry]:
        """Return the logged decisions, oldest first."""
        with self._database.read() as connection:
            return audit.list_audit(connection, self.user_id)

    def status(self) -> MemoryStatus:
        """Return how much is stored, and what still waits."""
        with self._database.read() as connection:
            return user_status(connection, self.user_id)

    def forget(self, id: str) -> Receipt:
        """Erase an observation or a proposition, and everything that came of it, from every file.

        Args:
            id: Of an observation: takes its quotes, the propositions that rest on it, and the portraits that
                show them; what else those rested on is reflected on again. Of a proposition: takes its whole
                line of revisions.

        Returns:
            What went, in counts; `remnants` says what could not be removed now.

        Raises:
            NotFound: This user has neither of this id.
        """
        return forget(self._database, self._memory.index, self.user_id, id)

    def drain_index(self) -> int:
        """Bring the vector index up to date where this user has enough vectors to need it; encodes nothing.

        Returns:
            How many vectors went into the index, those of other users that waited included.
        """
        with self._database.read() as connection:
            needed = self._memory.index.needed(connection, self.user_id)
        return self._memory.index.drain() if needed else 0

    def export(self) -> Iterator[dict[str, object]]:
        """Yield everything stored of this user as JSON-able data, one dict per record."""
        return export(self._database, self.user_id)

    def _checked(self, new: NewObservation) -> Observation:
        return observation_of(self.user_id, new, max_chars=self._settings.max_observation_chars)

    def _store(self, checked: Sequence[Observation]) -> list[Observation]:
        with self._database.write() as connection:
            return observations.store_observations(connection, self.user_id, checked)
