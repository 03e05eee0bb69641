"""What the user may settle about being recorded; a part of their one door."""

from limner.errors import InputError
from limner.memory.intake import check_source, clean_text
from limner.memory.merging import Merge, list_merges
from limner.memory.reading import UserReader
from limner.memory.records import Consent
from limner.memory.sources import (
    SourceStatus,
    list_consents,
    list_sources,
    set_paused,
    set_retention,
    store_consent,
)

__all__ = ("UserRecording",)

_MAX_BASIS = 10_000


class UserRecording(UserReader):
    """Pauses, consents and retention periods of one user; `UserMemory` adds what is recorded."""

    def pause(self, source: str | None = None) -> None:
        """Record nothing any more, from one source or (none) at all, until `resume`; `observe` refuses meanwhile.

        Raises:
            InvalidObservation: This is no name of a source.
        """
        self._set_paused(source, paused=True)

    def resume(self, source: str | None = None) -> None:
        """Record again, from one source or (none) from all that are not paused by themselves.

        Raises:
            InvalidObservation: This is no name of a source.
        """
        self._set_paused(source, paused=False)

    def consent(self, source: str, *, granted: bool, basis: str) -> Consent:
        """Log that the user agreed, or no longer agrees, to a source being recorded.

        Withdrawn consent refuses further observations of the source. Those that are there stay until they are
        forgotten: `forget_source`.

        Args:
            source: What it is about.
            granted: Whether they agree.
            basis: What shows it, such as `form of 2026-05-01, version 3`.

        Raises:
            InputError: The basis is empty.
        """
        if not basis.strip():
            raise InputError("A consent has a basis: say what shows it.")
        entry = Consent(
            user_id=self.user_id,
            source=check_source(source),
            granted=granted,
            basis=clean_text(basis, max_chars=_MAX_BASIS, what="A basis"),
        )
        with self._database.write() as connection:
            store_consent(connection, entry)
        return entry

    def consents(self) -> list[Consent]:
        """Return the log of consents, oldest first; the newest entry of a source counts."""
        with self._database.read() as connection:
            return list_consents(connection, self.user_id)

    def retain(self, source: str, days: int | None) -> None:
        """Set how long observations of a source are kept after they were recorded; then they are forgotten.

        The periods are seen to at most once an hour, by whoever uses the memory then.

        Args:
            source: What it is about.
            days: After so many days they go; 0 keeps them, none follows `settings.retention_days`.

        Raises:
            InputError: The number is negative.
        """
        with self._database.write() as connection:
            set_retention(connection, self.user_id, check_source(source), days)

    def sources(self) -> list[SourceStatus]:
        """Return every source of this user, with what came from it and what is settled about it."""
        with self._database.read() as connection:
            return list_sources(connection, self.user_id)

    def merges(self) -> list[Merge]:
        """Return which other ids have become this user's; `Observation.origin` says it of each observation."""
        with self._database.read() as connection:
            return list_merges(connection, self.user_id)

    def _set_paused(self, source: str | None, *, paused: bool) -> None:
        name = None if source is None else check_source(source)
        with self._database.write() as connection:
            set_paused(connection, self.user_id, name, paused=paused)
