"""Reading what is known about one user; nothing here changes it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from limner.errors import InputError
from limner.memory import audit, claims, observations, portraits, propositions
from limner.memory.asof import as_of
from limner.memory.claims import Parked
from limner.memory.documents import Kind
from limner.memory.export import export
from limner.memory.intake import check_zone, clean_text
from limner.memory.records import AuditEntry, Observation, Portrait, Proposition
from limner.memory.search import Recall, Similar, search, similar
from limner.memory.status import MemoryStatus, user_status
from limner.settings import RecallWeights

if TYPE_CHECKING:
    from limner.memory.memory import Memory

__all__ = ("UserReader",)


class UserReader:
    """The reading half of the door to one user; `UserMemory` adds what writes.

    Every method is about this user, and none takes a user id. No transaction is open between two calls.
    """

    def __init__(self, memory: "Memory", user_id: str) -> None:
        self.user_id = user_id
        self._memory = memory
        self._database = memory.database
        self._settings = memory.settings

    @property
    def weights(self) -> RecallWeights:
        """What each part of a search counts where nothing else is said."""
        return self._settings.recall

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

    def propositions(
        self, *, at: datetime | None = None, known_at: datetime | None = None
    ) -> list[Proposition]:
        """Return the propositions that are held and are not over, in the order in which they were recorded.

        Args:
            at: Those that were so at this moment in the user's world instead, over by now or not.
            known_at: As it was known at this moment in limner's time; none means now.
        """
        with self._database.read() as connection:
            return propositions.held_propositions(connection, self.user_id, as_of(at, known_at))

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
        known_at: datetime | None = None,
    ) -> list[Recall]:
        """Return the `k` records that answer to `query` best, best first, each with the reasons.

        Args:
            query: Any words.
            k: How many at most.
            kinds: What to look for.
            weights: What each part of the search counts; none means those of the settings.
            at: Search what was so at this moment in the user's world, and what had been said by then; none means what is
                not over.
            known_at: Search what was known at this moment in limner's time; none means now.

        Raises:
            InputError: The query is empty, or `k` is less than 1.
        """
        if k < 1:
            raise InputError(f"k is at least 1; not {k}.")
        words = clean_text(query, max_chars=self._settings.max_observation_chars, what="A query")
        return search(
            self._memory.snapshots,
            self._memory.index,
            self._memory.reencoder,
            self.user_id,
            words,
            k,
            kinds,
            weights or self._settings.recall,
            as_of(at, known_at),
        )

    def similar(self, texts: Sequence[str], k: int = 3) -> list[list[Similar]]:
        """Return for each text the `k` current propositions nearest to it, the same wording first.

        Meant for blocking: what is near-identical, or far from everything, needs no model to say so.

        Args:
            texts: Statements, such as drafts of new propositions.
            k: How many at most for each.
        """
        return similar(self._memory.snapshots, self._memory.encoder, self.user_id, texts, k)

    def portrait(
        self, kind: str, *, task: str | None = None, known_at: datetime | None = None
    ) -> Portrait | None:
        """Return the last portrait of a kind and task that was drawn by a moment; none if there is none."""
        with self._database.read() as connection:
            return portraits.latest_portrait(
                connection, self.user_id, kind, task, check_zone(known_at, "known_at")
            )

    def read_for(self, portrait_id: str) -> set[str]:
        """Return the ids of the observations that a stored portrait cites, or that were read for it."""
        with self._database.read() as connection:
            return portraits.read_for(connection, self.user_id, portrait_id)

    def parked(self) -> list[Parked]:
        """Return the observations that failed too often, each with the reason."""
        with self._database.read() as connection:
            return claims.parked(connection, self.user_id)

    def audit_log(self) -> list[AuditEntry]:
        """Return the logged decisions, oldest first."""
        with self._database.read() as connection:
            return audit.list_audit(connection, self.user_id)

    def status(self) -> MemoryStatus:
        """Return how much is stored, and what still waits."""
        with self._database.read() as connection:
            return user_status(connection, self.user_id, self._memory.encoder)

    def export(self, *, vectors: bool = False) -> Iterator[dict[str, object]]:
        """Yield everything stored of this user as JSON-able data, one dict per line of an export, from one state.

        The first one is a header and the last one counts the others; there is none at all about whom nothing is stored.
        No transaction stays open while the lines are taken.

        Args:
            vectors: Whether vectors are exported too; without them, whoever imports encodes anew when it is needed.

        Raises:
            StaleClaim: Something was forgotten since the export began.
        """
        return export(self._database, [self.user_id], encoder=self._memory.encoder, with_vectors=vectors)
