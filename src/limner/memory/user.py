"""The only door to one user's data."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from limner.errors import InputError, InvalidObservation
from limner.memory import audit, claims, observations, pictures, portraits, revision
from limner.memory.claims import Batch
from limner.memory.denials import refusals_by_vector
from limner.memory.erasure import Eraser, Receipt
from limner.memory.intake import observation_of
from limner.memory.offers import UserOffers
from limner.memory.receipts import list_receipts, one_receipt
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
from limner.memory.rows import lock_user
from limner.memory.sources import check_recording
from limner.memory.verdicts import Verdict, judge

if TYPE_CHECKING:
    from limner.memory.checkpoints import Checkpoints

__all__ = ("UserMemory",)


class UserMemory(UserOffers):
    """What is known about one user; made by `Memory.user`, safe to share between threads."""

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
        session: str | None = None,
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
            session: The conversation that it is part of, by any name.

        Raises:
            InvalidObservation: It is empty, too long, not text, or from the future.
            RecordingRefused: Recording is paused, or consent to the source was withdrawn; nothing was stored.
            StoreFull: No space left; nothing was stored.
        """
        new = NewObservation(text, source, author, occurred_at, key, event, media, session)
        return self._store([self._checked(new)])[0]

    def observe_many(self, new: Iterable[NewObservation]) -> list[Observation]:
        """Store observations in one transaction: all of them, or none.

        Raises:
            InvalidObservation: One cannot be stored; the message says which, counted from 0.
            RecordingRefused: Recording is paused, or consent to one of the sources was withdrawn.
            StoreFull: No space left; nothing was stored.
        """
        checked = []
        for number, one in enumerate(new):
            try:
                checked.append(self._checked(one))
            except InvalidObservation as error:
                raise InvalidObservation(f"Observation {number}: {error}") from error
        return self._store(checked) if checked else []

    def claim(
        self, max_tokens: int, count_tokens: Callable[[str], int], *, alone: bool = False
    ) -> Batch | None:
        """Take the oldest pending observations as one batch; none when nothing is due.

        Args:
            max_tokens: Most tokens of text in the batch; one longer observation is a batch of its own.
            count_tokens: Counts the tokens of a text.
            alone: Whether to take none while somebody else works on a batch of this user.

        Returns:
            The batch; give it to `apply` or `release`. Nobody else gets its observations meanwhile.
        """
        self._memory.retention.run_when_due()
        return claims.claim(self._database, self.user_id, max_tokens, count_tokens, alone=alone)

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
                unknown or retired, is an inference that would override what the user said, or says again what the
                user denied.
        """
        for refused, reason in self.refused(add).items():
            raise InputError(f"Proposition {refused} cannot be stored: {reason}.")
        with self._database.write() as connection:
            revision.apply(connection, self.user_id, batch, add, retire or {})

    def consolidate(self, add: Sequence[Proposition]) -> None:
        """Store new versions that were made from what is held, in one transaction: merged, narrowed or ended.

        Raises:
            InputError: As in `apply`; or one supersedes nothing, or what is held no longer. Nothing was stored.
        """
        with self._database.write() as connection:
            revision.consolidate(connection, self.user_id, add)

    def refused(self, add: Sequence[Proposition]) -> dict[str, str]:
        """Return which of these new propositions say again what the user denied or corrected, and the reason for each."""
        return refusals_by_vector(self._database, self._memory.encoder, self.user_id, add)

    def confirm(self, id: str) -> Proposition:
        """Let a proposition stand above every inference: the user says that it is so.

        Returns:
            Its next version.

        Raises:
            NotFound: This user has none of this id.
            InputError: It is not held any more.
        """
        return self._judge(id, "confirm")

    def pin(self, id: str) -> Proposition:
        """Confirm a proposition, and have it kept in mind whatever is asked; see `confirm`."""
        return self._judge(id, "pin")

    def unpin(self, id: str) -> Proposition:
        """Have a proposition no longer kept in mind whatever is asked; it stays confirmed."""
        return self._judge(id, "unpin")

    def correct(self, id: str, words: str) -> Proposition:
        """Put the user's own words in the place of a proposition; what was derived from it is looked at anew.

        Args:
            id: Which; it may have been revised since.
            words: How it is.

        Returns:
            The version that says these words, and rests on them alone.

        Raises:
            NotFound: This user has none of this id.
            InvalidObservation: The words are empty, too long, or no text.
        """
        return self._judge(id, "correct", words)

    def deny(self, id: str) -> Proposition:
        """Say that a proposition is not so: it is not held any more, and no later inference brings it back.

        Returns:
            The version that was denied.

        Raises:
            NotFound: This user has none of this id.
        """
        return self._judge(id, "deny")

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

    def put_off(self, batch: Batch, ids: Collection[str], reason: str) -> Batch:
        """Let observations of a batch whose pictures the model does not see wait for one that does.

        Returns:
            What is left of the batch.

        Raises:
            StaleClaim: The batch is somebody else's by now, or an observation of it was erased.
        """
        with self._database.write() as connection:
            return pictures.put_off(connection, self.user_id, batch, ids, reason)

    def describe(self, batch: Batch, words: Mapping[str, str]) -> Batch:
        """Keep what a model saw in pictures of a batch.

        Args:
            batch: What was claimed.
            words: What was seen, by id of the observation.

        Returns:
            The batch with it.

        Raises:
            StaleClaim: The batch is somebody else's by now, or an observation of it was erased.
        """
        with self._database.write() as connection:
            return pictures.describe(connection, self.user_id, batch, words)

    def unseen(self) -> int:
        """Return how many observations wait for a model that sees."""
        with self._database.read() as connection:
            return pictures.waiting_to_be_seen(connection, self.user_id)

    def bring_back(self) -> int:
        """Let what waits for a model that sees be taken by the next batch, since there is one; return how many."""
        with self._database.write() as connection:
            return pictures.bring_back(connection, self.user_id)

    def retry_parked(self) -> int:
        """Let every parked observation be tried again; return how many there were."""
        with self._database.write() as connection:
            return claims.retry_parked(connection, self.user_id)

    def save_portrait(self, portrait: Portrait, read: Collection[str] = ()) -> None:
        """Keep a portrait; earlier ones stay.

        Args:
            portrait: What was drawn.
            read: Ids of observations that were read for it, besides those it cites; it goes when one of them is forgotten.

        Raises:
            InputError: It is of another user.
            StaleClaim: Something that it was drawn from has been erased meanwhile.
        """
        with self._database.write() as connection:
            portraits.save_portrait(connection, self.user_id, portrait, read)

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

    def forget(self, id: str) -> Receipt:
        """Erase an observation or a proposition, and everything that came of it, from every file.

        Args:
            id: Of an observation: takes its quotes, the propositions that rest on it, and the portraits and conversations
                that may show them; what else those rested on is reflected on again. Of a proposition: takes its whole
                line of revisions.

        Returns:
            What went, in counts; `remnants` says what could not be removed now.

        Raises:
            NotFound: This user has neither of this id.
        """
        return self._eraser().one(id)

    def forget_source(self, source: str) -> Receipt:
        """Erase every observation of a source, and everything that came of them, as `forget` does.

        Raises:
            NotFound: This user has no observation of this source.
        """
        return self._eraser().source(source)

    def forget_observations(self, ids: Collection[str]) -> Receipt:
        """Erase several observations at once, as `forget` does; those that are not there any more are passed over.

        Where none of them is there, the receipt that this returns is not kept.
        """
        return self._eraser().observations(ids)

    def forget_everything(self, *, leave_nothing: bool = False) -> Receipt:
        """Erase the user altogether: nothing is left that names them, not even the receipt that this returns.

        Only a user who had recording paused, or consent withdrawn, stays known by that, so that they are not recorded
        again: names of sources and moments, and nothing else.

        Args:
            leave_nothing: Whether that goes too.
        """
        return self._eraser().everything(leave_nothing=leave_nothing)

    def receipt(self, id: str) -> Receipt:
        """Return the receipt of an erasure, with what has been derived anew by now.

        Raises:
            NotFound: This user has none of this id.
        """
        with self._database.read() as connection:
            return one_receipt(connection, self.user_id, id)

    def receipts(self) -> list[Receipt]:
        """Return the receipts of all erasures, oldest first."""
        with self._database.read() as connection:
            return list_receipts(connection, self.user_id)

    def checkpoints(self) -> "Checkpoints":
        """Return a LangGraph checkpointer that keeps this user's conversations, and nobody else's."""
        from limner.memory.checkpoints import Checkpoints

        return Checkpoints(self._database, self.user_id)

    def drain_index(self) -> int:
        """Bring the vector index up to date where this user has enough vectors to need it; encodes nothing.

        Returns:
            How many vectors went into the index, those of other users that waited included.
        """
        with self._database.read() as connection:
            needed = self._memory.index.needed(connection, self.user_id)
        return self._memory.index.drain() if needed else 0

    def _judge(self, id: str, verdict: Verdict, words: str | None = None) -> Proposition:
        longest = self._settings.max_observation_chars
        return judge(self._database, self.user_id, id, verdict, words, longest)

    def _eraser(self) -> Eraser:
        return Eraser(self._database, self._memory.index, self._settings.home, self.user_id)

    def _checked(self, new: NewObservation) -> Observation:
        return observation_of(self.user_id, new, max_chars=self._settings.max_observation_chars)

    def _store(self, checked: Sequence[Observation]) -> list[Observation]:
        with self._database.write() as connection:
            lock_user(connection, self.user_id)
            check_recording(connection, self.user_id, {observation.source for observation in checked})
            stored = observations.store_observations(connection, self.user_id, checked)
        self._memory.retention.run_when_due()
        return stored
