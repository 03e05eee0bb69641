"""What a user may demand of what is kept about them; a part of `User`."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from limner.errors import StoreError
from limner.memory.merging import Merge
from limner.memory.receipts import Receipt
from limner.memory.records import Consent, Observation, Proposition
from limner.memory.sources import SourceStatus
from limner.memory.user import UserMemory

if TYPE_CHECKING:
    from limner.api.limner import Limner
    from limner.memory.checkpoints import Checkpoints

__all__ = ["UserRights"]


class UserRights:
    """The part of the door to one user by which they see, take along, stop and erase what is kept about them."""

    def __init__(self, limner: "Limner", memory: UserMemory) -> None:
        self._limner = limner
        self._memory = memory

    @property
    def user_id(self) -> str:
        """Whose door this is."""
        return self._memory.user_id

    @property
    def memory(self) -> UserMemory:
        """What is stored of them.

        Raises:
            ConfigurationError: The limner that this door belongs to is closed.
        """
        self._limner.check_open()
        return self._memory

    # Seeing and taking along

    def observations(
        self,
        *,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        pending: bool | None = None,
        limit: int | None = None,
    ) -> list[Observation]:
        """Return what was observed, in the order in which it happened.

        Args:
            source: Only from this source.
            since: Only what happened then or later.
            until: Only what happened before.
            pending: Only what still waits for a reflection (true), or no longer (false).
            limit: Only the newest so many of these.
        """
        return self.memory.observations(source=source, since=since, until=until, pending=pending, limit=limit)

    def export(self, *, vectors: bool = False) -> Iterator[Mapping[str, object]]:
        """Yield everything that is stored about the user, as objects that JSON can hold; `Limner.import_file` reads it back.

        Args:
            vectors: Whether the encoder's vectors are among it; they can be made anew.

        Raises:
            StaleClaim: Something was forgotten while the lines were taken; begin again.
        """
        return self.memory.export(vectors=vectors)

    # Recording

    def pause(self, source: str | None = None) -> None:
        """Record nothing any more, from one source or (none) at all, until `resume`.

        Meanwhile `observe` raises `RecordingRefused` and stores nothing. What is stored already is still used.

        Raises:
            InvalidObservation: This is no name of a source.
        """
        self.memory.pause(source)

    def resume(self, source: str | None = None) -> None:
        """Record again, from one source or (none) from all that are not paused by themselves.

        Raises:
            InvalidObservation: This is no name of a source.
        """
        self.memory.resume(source)

    def sources(self) -> list[SourceStatus]:
        """Return every source, with what came from it and what is settled about it."""
        return self.memory.sources()

    def consent(self, source: str, *, granted: bool, basis: str) -> Consent:
        """Log that the user agreed, or no longer agrees, to a source being recorded.

        Withdrawn consent refuses further observations of the source. Those that are there stay until `forget_source`.

        Args:
            source: What it is about.
            granted: Whether they agree.
            basis: What shows it, such as `form of 2026-05-01, version 3`.

        Raises:
            InputError: The basis is empty.
        """
        return self.memory.consent(source, granted=granted, basis=basis)

    def consents(self) -> list[Consent]:
        """Return the log of consents, oldest first; the newest entry of a source counts."""
        return self.memory.consents()

    def retain(self, source: str, days: int | None) -> None:
        """Set how long observations of a source are kept after they were recorded; then they are forgotten.

        Args:
            source: What it is about.
            days: After so many days they go; 0 keeps them, none follows `settings.retention_days`.

        Raises:
            InputError: The number is negative.
        """
        self.memory.retain(source, days)

    def merges(self) -> list[Merge]:
        """Return which other ids have become this user's; `Observation.origin` says it of each observation."""
        return self.memory.merges()

    # Having the last word

    def confirm(self, id: str) -> Proposition:
        """Say that a proposition is so: no inference overrides it any more. Returns its next version.

        Raises:
            NotFound: This user has no proposition of this id.
            InputError: It is not held any more.
        """
        return self.memory.confirm(id)

    def pin(self, id: str) -> Proposition:
        """Confirm a proposition, and keep it in mind whatever is asked; see `confirm`."""
        return self.memory.pin(id)

    def unpin(self, id: str) -> Proposition:
        """Keep a proposition no longer in mind whatever is asked; it stays confirmed."""
        return self.memory.unpin(id)

    def correct(self, id: str, words: str) -> Proposition:
        """Put the user's own words in the place of a proposition; what was derived from it is looked at anew.

        Args:
            id: Which; it may have been revised since.
            words: How it is.

        Returns:
            The version that says these words.

        Raises:
            NotFound: This user has no proposition of this id.
            InvalidObservation: The words are empty, too long, or no text.
        """
        return self.memory.correct(id, words)

    def deny(self, id: str) -> Proposition:
        """Say that a proposition is not so: it is not held any more, and no inference brings it back.

        Raises:
            NotFound: This user has no proposition of this id.
        """
        return self.memory.deny(id)

    # What goes

    def forget(self, id: str) -> Receipt:
        """Erase an observation or a proposition, with everything that rests on it alone; there is no way back.

        Raises:
            NotFound: This user has nothing of this id.
        """
        receipt = self.memory.forget(id)
        self._drain_index()
        return receipt

    def forget_source(self, source: str) -> Receipt:
        """Erase every observation of a source, and everything that rests on them alone; there is no way back.

        Raises:
            NotFound: This user has no observation of this source.
        """
        receipt = self.memory.forget_source(source)
        self._drain_index()
        return receipt

    def forget_everything(self, *, leave_nothing: bool = False) -> Receipt:
        """Erase all there is about the user, the receipts of earlier erasures too; there is no way back.

        Only a user who had recording paused, or consent withdrawn, stays known by that, so that they are not recorded
        again: names of sources and moments, and nothing else.

        Args:
            leave_nothing: Whether that goes too.
        """
        return self.memory.forget_everything(leave_nothing=leave_nothing)

    def receipt(self, id: str) -> Receipt:
        """Return the receipt of an erasure, with what has been derived anew by now.

        Raises:
            NotFound: This user has none of this id.
        """
        return self.memory.receipt(id)

    def receipts(self) -> list[Receipt]:
        """Return the receipts of all erasures, oldest first."""
        return self.memory.receipts()

    # Conversations

    def checkpoints(self) -> "Checkpoints":
        """Return a LangGraph checkpointer that keeps this user's conversations, and nobody else's."""
        return self.memory.checkpoints()

    def _drain_index(self) -> None:
        # What came before is stored, and must be told; without the index a search is slower, and the next turn mends it.
        with suppress(StoreError):
            self.memory.drain_index()
