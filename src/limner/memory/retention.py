"""Retention periods: observations that are older than their source is kept are forgotten, with all that rests on them.

A period counts from `recorded_at`, which nobody can date back: an observation that happened long ago is kept as long
as any other. The period of a source is the user's own (`sources.retain_days`), else that of the settings. The latter is
about what is recorded and not about the user's verdicts: these stay, unless the user sets a period for their source.

Periods are seen to at most once an hour, by all processes together: when a store is opened, when a user's door is, with
every observation and every reflection; and by a thread where a process only waits.
"""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from limner.errors import StoreError
from limner.memory.receipts import Receipt
from limner.memory.records import utc_now
from limner.memory.schema import observations, sources, store, verdicts

if TYPE_CHECKING:
    from limner.memory.memory import Memory

__all__ = ("CHECK_EVERY", "Retention", "expired")

CHECK_EVERY = timedelta(hours=1)
"""Least time between two checks, of all processes together."""

_logger = logging.getLogger("limner.retention")


class Retention:
    """Sees to the retention periods of a store.

    Args:
        memory: The store.
    """

    def __init__(self, memory: "Memory") -> None:
        self._memory = memory
        self._guard = threading.Lock()
        self._next_look = 0.0
        self._closing = threading.Event()
        self._watch: threading.Thread | None = None

    def watch(self) -> None:
        """See to the periods every hour from now on, whether or not anybody does anything; until `close`."""
        if self._watch is None:
            self._watch = threading.Thread(target=self._look_hourly, name="limner-retention", daemon=True)
            self._watch.start()

    def close(self) -> None:
        """Stop watching, after what is in hand."""
        self._closing.set()
        if self._watch is not None:
            self._watch.join()

    def _look_hourly(self) -> None:
        while not self._closing.wait(CHECK_EVERY.total_seconds()):
            self.run_when_due()

    def run(self) -> Mapping[str, Receipt]:
        """Forget what has outlived its period, now; return the receipt of each user who had something."""
        now = utc_now()
        with self._memory.database.write() as connection:
            connection.execute(update(store).values(retained_at=now))
        with self._memory.database.read() as connection:
            due = expired(connection, self._memory.settings.retention_days, now)
        return {user_id: self._memory.user(user_id).forget_observations(ids) for user_id, ids in due.items()}

    def run_when_due(self) -> None:
        """Do so if there are periods at all, and nobody has for an hour; costs next to nothing otherwise.

        A failure is logged and does not disturb what the caller came for: it is tried again an hour later.
        """
        with self._guard:
            if time.monotonic() < self._next_look:
                return
            self._next_look = time.monotonic() + CHECK_EVERY.total_seconds()
        try:
            if self._is_due():
                self.run()
        except StoreError as error:
            _logger.warning("Retention periods could not be seen to; tried again in an hour: %s", error)

    def _is_due(self) -> bool:
        with self._memory.database.read() as connection:
            periods = select(sources.c.source).where(sources.c.retain_days > 0).limit(1)
            if self._memory.settings.retention_days is None and connection.execute(periods).first() is None:
                return False
            last = connection.execute(select(func.max(store.c.retained_at))).scalar()
        return last is None or last <= utc_now() - CHECK_EVERY


def expired(connection: Connection, default_days: int | None, now: datetime) -> dict[str, list[str]]:
    """Return by user the observations whose period has ended.

    Args:
        connection: An open connection.
        default_days: The period of sources that have none of their own; none keeps them.
        now: When that is.
    """
    own = select(sources.c.retain_days).distinct().where(sources.c.retain_days > 0)
    ended: list[ColumnElement[bool]] = [
        and_(sources.c.retain_days == days, observations.c.recorded_at <= now - timedelta(days=days))
        for days in connection.execute(own).scalars()
        if days is not None
    ]
    if default_days is not None:
        before = now - timedelta(days=default_days)
        said = observations.c.id.in_(select(verdicts.c.observation_id))
        ended.append(and_(sources.c.retain_days.is_(None), observations.c.recorded_at <= before, ~said))
    if not ended:
        return {}
    joined = observations.outerjoin(
        sources,
        and_(sources.c.user_id == observations.c.user_id, sources.c.source == observations.c.source),
    )
    statement = select(observations.c.user_id, observations.c.id).select_from(joined).where(or_(*ended))
    found: dict[str, list[str]] = {}
    for user_id, id in connection.execute(statement.order_by(observations.c.user_id, observations.c.id)):
        found.setdefault(user_id, []).append(id)
    return found
