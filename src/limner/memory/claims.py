"""The queue of observations that wait to be reflected on.

An observation is `pending` until a batch claims it, `claimed` while a reflection works on it, and `done` once
what was concluded from it is stored. A claim is a lease: it ends by itself when the process dies. A failure
puts the batch back with a growing pause, and after `max_attempts` the observation is `parked` with its reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select, update

from limner.errors import StaleClaim
from limner.memory.database import Database
from limner.memory.holders import is_dead, this_process
from limner.memory.receipts import ERASED, erased_since
from limner.memory.records import Observation, new_id, utc_now
from limner.memory.rows import lock_user, observation_from
from limner.memory.schema import observations

__all__ = (
    "FREED",
    "Batch",
    "Parked",
    "check_held",
    "claim",
    "claimable",
    "parked",
    "release",
    "renew",
    "retry_parked",
)

LEASE = timedelta(minutes=30)
"""How long a batch belongs to who claimed it, unless the claiming process is seen to be dead before."""
MAX_BATCH = 50
"""Most observations in one batch, however short."""
FIRST_PAUSE = timedelta(seconds=30)
"""Wait after the first failure; each further one is four times as long."""

FREED: Mapping[str, str | None] = MappingProxyType({
    "state": "pending",
    "claim_id": None,
    "claim_holder": None,
    "claim_expires_at": None,
})
"""What makes an observation nobody's again."""
_ERROR_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Batch:
    """Observations that one reflection works on, oldest first."""

    id: str
    observations: tuple[Observation, ...]
    claimed_at: datetime = field(default_factory=utc_now)


class Parked(NamedTuple):
    """An observation that failed too often, and why it failed last."""

    id: str
    reason: str


def claim(
    database: Database,
    user_id: str,
    max_tokens: int,
    count_tokens: Callable[[str], int],
    *,
    alone: bool = False,
) -> Batch | None:
    """Take the oldest pending observations, up to `max_tokens` of text; none when nothing is due.

    At least one is taken, however long it is. One that failed before is a batch of its own, so that what is
    wrong with it holds nobody else up. With `alone`, none is taken while somebody holds another batch of the user.
    """
    while True:
        with database.read() as connection:
            due = [] if alone and _is_held(connection, user_id) else _due(connection, user_id)
        # Outside the transaction: counting may ask a model's endpoint.
        chosen = _fitting(due, max_tokens, count_tokens)
        if not chosen:
            return None
        batch_id, now = new_id(), utc_now()
        with database.write() as connection:
            if _take(connection, user_id, batch_id, [row.id for row in chosen], alone=alone):
                return Batch(batch_id, tuple(observation_from(row) for row in chosen), now)


def release(database: Database, user_id: str, batch: Batch, error: str | None, max_attempts: int) -> None:
    """Give a batch back: unharmed without an error, else one attempt the poorer.

    What the batch no longer holds (its lease ran out, or an observation was erased) is left as it is. Where something
    was erased meanwhile, the words of the error are not kept: they may hold it.
    """
    with database.write() as connection:
        lock_user(connection, user_id)
        if error is not None and erased_since(connection, user_id, batch.claimed_at):
            error = ERASED
        for row in connection.execute(select(observations).where(_holds(user_id, batch.id))).all():
            connection.execute(
                update(observations)
                .where(observations.c.id == row.id)
                .values(**_after(row.attempts, error, max_attempts))
            )


def renew(database: Database, user_id: str, batch: Batch) -> None:
    """Let the lease of a batch begin anew; one that is young yet is only looked at, which keeps nobody from writing.

    Raises:
        StaleClaim: The batch does not hold all of its observations any more.
    """
    if utc_now() - batch.claimed_at < LEASE / 3:
        with database.read() as connection:
            check_held(connection, user_id, batch)
        return
    with database.write() as connection:
        lock_user(connection, user_id)
        check_held(connection, user_id, batch)
        connection.execute(
            update(observations).where(_holds(user_id, batch.id)).values(claim_expires_at=utc_now() + LEASE)
        )


def check_held(connection: Connection, user_id: str, batch: Batch) -> None:
    """Make sure that `batch` still holds every one of its observations.

    Raises:
        StaleClaim: It does not; whoever holds them now will see to them.
    """
    ids = connection.execute(select(observations.c.id).where(_holds(user_id, batch.id))).scalars()
    if set(ids) != {observation.id for observation in batch.observations}:
        raise StaleClaim(
            "The claim on this batch has run out, or an observation of it was erased; nothing was applied."
        )


def parked(connection: Connection, user_id: str) -> list[Parked]:
    """Return the observations that failed too often, oldest first."""
    statement = (
        select(observations.c.id, observations.c.last_error)
        .where(observations.c.user_id == user_id, observations.c.state == "parked")
        .order_by(observations.c.occurred_at, observations.c.id)
    )
    return [Parked(row.id, row.last_error or "") for row in connection.execute(statement)]


def retry_parked(connection: Connection, user_id: str | None) -> int:
    """Put every parked observation of one user, or (none) of everybody, back to pending, with its attempts forgotten; return how many."""
    mine = observations.c.state == "parked"
    if user_id is not None:
        lock_user(connection, user_id)
        mine &= observations.c.user_id == user_id
    statement = update(observations).where(mine).values(state="pending", attempts=0, next_attempt_at=None)
    return connection.execute(statement).rowcount


def _due(connection: Connection, user_id: str) -> Sequence[Row[Any]]:
    statement = (
        select(observations)
        .where(observations.c.user_id == user_id, claimable(connection, user_id))
        .order_by(observations.c.occurred_at, observations.c.id)
        .limit(MAX_BATCH)
    )
    return connection.execute(statement).all()


def _fitting(due: Sequence[Row[Any]], max_tokens: int, count_tokens: Callable[[str], int]) -> list[Row[Any]]:
    chosen: list[Row[Any]] = []
    tokens = 0
    for row in due:
        tokens += count_tokens(row.text)
        if chosen and (tokens > max_tokens or row.attempts):
            break
        chosen.append(row)
        if row.attempts:
            break
    return chosen


def _take(connection: Connection, user_id: str, batch_id: str, ids: Sequence[str], *, alone: bool) -> bool:
    """Claim exactly these observations, or none when somebody else was faster."""
    lock_user(connection, user_id)
    if alone and _is_held(connection, user_id):
        return False
    free = select(observations.c.id).where(
        observations.c.user_id == user_id, observations.c.id.in_(ids), claimable(connection, user_id)
    )
    if set(connection.execute(free).scalars()) != set(ids):
        return False
    connection.execute(
        update(observations)
        .where(observations.c.user_id == user_id, observations.c.id.in_(ids))
        .values(
            state="claimed",
            claim_id=batch_id,
            claim_holder=this_process(),
            claim_expires_at=utc_now() + LEASE,
        )
    )
    return True


def claimable(connection: Connection, user_id: str | None) -> ColumnElement[bool]:
    """Return the condition on observations that a batch may take now; of one user, or (none) of any."""
    now = utc_now()
    c = observations.c
    holders = select(c.claim_holder).distinct().where(c.state == "claimed")
    if user_id is not None:
        holders = holders.where(c.user_id == user_id)
    dead = [holder for holder in connection.execute(holders).scalars() if is_dead(holder)]
    return or_(
        and_(c.state == "pending", or_(c.next_attempt_at.is_(None), c.next_attempt_at <= now)),
        and_(c.state == "claimed", or_(c.claim_expires_at <= now, c.claim_holder.in_(dead))),
    )


def _is_held(connection: Connection, user_id: str) -> bool:
    """Whether somebody who is there holds a batch of this user."""
    c = observations.c
    live = select(c.id).where(c.user_id == user_id, c.state == "claimed", ~claimable(connection, user_id))
    return connection.execute(live.limit(1)).first() is not None


def _holds(user_id: str, batch_id: str) -> ColumnElement[bool]:
    c = observations.c
    return and_(c.user_id == user_id, c.state == "claimed", c.claim_id == batch_id)


def _after(attempts: int, error: str | None, max_attempts: int) -> Mapping[str, Any]:
    if error is None:
        return FREED
    failed = {**FREED, "attempts": attempts + 1, "last_error": error[:_ERROR_CHARS]}
    if attempts + 1 >= max_attempts:
        return {**failed, "state": "parked", "next_attempt_at": None}
    return {**failed, "next_attempt_at": utc_now() + FIRST_PAUSE * 4**attempts}
