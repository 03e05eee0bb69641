"""What is settled about recording a user: pauses, consents and retention periods, for all of it or one source.

A pause and a withdrawn consent refuse what comes in, in the transaction that would store it. Both are about recording
alone: what is stored already is still reflected on, and stays until it is forgotten or its period ends. Both outlive
the user's being forgotten: who wants to be forgotten does not ask to be recorded again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from limner.errors import InputError, RecordingRefused
from limner.memory.receipts import ERASED
from limner.memory.records import Consent, utc_now
from limner.memory.rows import ensure_user, insert_missing
from limner.memory.schema import consents, observations, sources, users

__all__ = (
    "Refusals",
    "SourceStatus",
    "check_recording",
    "list_consents",
    "list_sources",
    "paused_since",
    "refusals_of",
    "refuse_again",
    "set_paused",
    "set_retention",
    "store_consent",
)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source of a user: what came from it, and what is settled about it."""

    source: str
    observations: int = 0
    last_recorded_at: datetime | None = None
    paused_at: datetime | None = None
    """Since when it is not recorded; none while it is. A pause of everything shows in `MemoryStatus`."""
    retain_days: int | None = None
    """Days after which its observations are erased; 0 keeps them, none leaves it to `settings.retention_days`."""
    consent: Consent | None = None
    """The newest entry of the log; none where nothing was ever said."""


def check_recording(connection: Connection, user_id: str, names: Collection[str]) -> None:
    """Make sure that observations of these sources may be stored now.

    Raises:
        RecordingRefused: Recording is paused, or consent to one of the sources was withdrawn.
    """
    if (paused := paused_since(connection, user_id)) is not None:
        raise RecordingRefused(f"Recording of this user is paused since {_at(paused)}; nothing was stored.")
    own = select(sources.c.source, sources.c.paused_at).where(
        sources.c.user_id == user_id, sources.c.paused_at.is_not(None)
    )
    for row in connection.execute(own):
        if row.source in names:
            raise RecordingRefused(
                f"Recording of the source {row.source!r} is paused since {_at(row.paused_at)}; nothing was stored.",
                row.source,
            )
    for source, consent in _newest_consents(connection, user_id).items():
        if source in names and not consent.granted:
            raise RecordingRefused(
                f"Consent to recording the source {source!r} was withdrawn at {_at(consent.decided_at)}; nothing was "
                f"stored.",
                source,
            )


def paused_since(connection: Connection, user_id: str) -> datetime | None:
    """Return since when nothing of the user is recorded; none while recording goes on."""
    return connection.execute(select(users.c.paused_at).where(users.c.id == user_id)).scalar()


def set_paused(connection: Connection, user_id: str, source: str | None, *, paused: bool) -> None:
    """Stop or resume recording, of one source or (none) of all; pausing twice keeps the first moment."""
    ensure_user(connection, user_id)
    now = utc_now()
    if source is None:
        change = update(users).where(users.c.id == user_id)
        column = users.c.paused_at
    else:
        insert_missing(connection, sources, [{"user_id": user_id, "source": source}])
        change = update(sources).where(sources.c.user_id == user_id, sources.c.source == source)
        column = sources.c.paused_at
    since = func.coalesce(column, now) if paused else None
    connection.execute(change.values({column: since}))


def set_retention(connection: Connection, user_id: str, source: str, days: int | None) -> None:
    """Set the days after which a source's observations are erased; 0 keeps them, none follows the settings.

    Raises:
        InputError: The number is negative.
    """
    if days is not None and days < 0:
        raise InputError(
            f"Days are 0 or more, or none to follow the settings (0 keeps for good); not {days}."
        )
    ensure_user(connection, user_id)
    insert_missing(connection, sources, [{"user_id": user_id, "source": source}])
    own = (sources.c.user_id == user_id, sources.c.source == source)
    connection.execute(update(sources).where(*own).values(retain_days=days))


def store_consent(connection: Connection, consent: Consent) -> None:
    """Add an entry to the log of consents."""
    ensure_user(connection, consent.user_id)
    connection.execute(insert(consents).values(consent.model_dump()))


def list_consents(connection: Connection, user_id: str) -> list[Consent]:
    """Return every entry of the log, oldest first."""
    statement = select(consents).where(consents.c.user_id == user_id)
    rows = connection.execute(statement.order_by(consents.c.decided_at, consents.c.id))
    return [Consent.model_validate(dict(row)) for row in rows.mappings()]


def list_sources(connection: Connection, user_id: str) -> list[SourceStatus]:
    """Return every source that something came from or about which something is settled, by name."""
    c = observations.c
    counted = (
        select(c.source, func.count().label("n"), func.max(c.recorded_at).label("last"))
        .where(c.user_id == user_id)
        .group_by(c.source)
    )
    counts: Mapping[str, Row[Any]] = {row.source: row for row in connection.execute(counted)}
    own = select(sources).where(sources.c.user_id == user_id)
    settled: Mapping[str, Row[Any]] = {row.source: row for row in connection.execute(own)}
    agreed = _newest_consents(connection, user_id)
    return [
        SourceStatus(
            source=name,
            observations=counts[name].n if name in counts else 0,
            last_recorded_at=counts[name].last if name in counts else None,
            paused_at=settled[name].paused_at if name in settled else None,
            retain_days=settled[name].retain_days if name in settled else None,
            consent=agreed.get(name),
        )
        for name in sorted({*counts, *settled, *agreed})
    ]


@dataclass(frozen=True, slots=True)
class Refusals:
    """What a user has refused to have recorded."""

    paused_at: datetime | None
    paused_sources: Mapping[str, datetime]
    withdrawn: Sequence[Consent]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.paused_at is not None or bool(self.paused_sources) or bool(self.withdrawn)


def refusals_of(connection: Connection, user_id: str) -> Refusals:
    """Return what the user has refused: names of sources, moments, and nothing else."""
    paused = select(sources.c.source, sources.c.paused_at).where(
        sources.c.user_id == user_id, sources.c.paused_at.is_not(None)
    )
    newest = _newest_consents(connection, user_id).values()
    return Refusals(
        paused_since(connection, user_id),
        {row.source: row.paused_at for row in connection.execute(paused)},
        [one.model_copy(update={"basis": ERASED}) for one in newest if not one.granted],
    )


def refuse_again(connection: Connection, user_id: str, refused: Refusals) -> None:
    """Let a user who is forgotten go on refusing what they refused."""
    ensure_user(connection, user_id)
    connection.execute(update(users).where(users.c.id == user_id).values(paused_at=refused.paused_at))
    rows = [
        {"user_id": user_id, "source": source, "paused_at": since}
        for source, since in refused.paused_sources.items()
    ]
    insert_missing(connection, sources, rows)
    for one in refused.withdrawn:
        store_consent(connection, one)


def _newest_consents(connection: Connection, user_id: str) -> dict[str, Consent]:
    return {consent.source: consent for consent in list_consents(connection, user_id)}


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
