"""Storing what a reflection concluded: new propositions, and the retirement of those they replace.

Nothing is overwritten: a revision is a new row that supersedes the old one, and the old one keeps its text,
its evidence and the time at which it stopped being held. Everything of one batch happens in one transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from limner.errors import InputError, StaleClaim
from limner.memory.claims import Batch, check_held
from limner.memory.denials import refusals
from limner.memory.documents import add_document, retire_document
from limner.memory.quoting import Quotable, quotable
from limner.memory.records import Evidence, Proposition, Standing, utc_now
from limner.memory.rows import chunked, lock_user, proposition_row
from limner.memory.schema import (
    batch_members,
    documents,
    evidence,
    observations,
    propositions,
    supersessions,
)
from limner.memory.vectors import copy_vectors

__all__ = ("add_version", "apply", "consolidate", "retire_version")


def apply(
    connection: Connection,
    user_id: str,
    batch: Batch,
    add: Sequence[Proposition],
    retire: Mapping[str, str],
) -> None:
    """Store what was concluded from `batch`, and mark its observations as done.

    Args:
        connection: A connection in a write transaction.
        user_id: Whose batch.
        batch: What was claimed.
        add: New propositions; those they name in `supersedes` are retired.
        retire: Ids of propositions that are held no longer, without a successor, and why.

    Raises:
        StaleClaim: The batch is not held any more, or another one has found out about the same topic meanwhile.
        InputError: A proposition has no supporting evidence, a quote is not in its observation, a revision is
            of something unknown or retired, what stands lower would override what the user said, or it says again what
            the user denied. The message names it; nothing is stored.
    """
    lock_user(connection, user_id)
    check_held(connection, user_id, batch)
    now = utc_now()
    _revise(connection, user_id, add, retire, now, batch.id)
    _finish(connection, user_id, batch, now)


def consolidate(connection: Connection, user_id: str, add: Sequence[Proposition]) -> None:
    """Store new versions of what is held, made from that alone: no observation is behind them that was not behind it.

    Args:
        connection: A connection in a write transaction.
        user_id: Whose.
        add: New versions; each supersedes what it was made from.

    Raises:
        InputError: As in `apply`, or a version supersedes nothing; nothing is stored.
    """
    lock_user(connection, user_id)
    for proposition in add:
        if not proposition.supersedes:
            raise InputError(f"Proposition {proposition.id} is new; only a batch brings what is new.")
    _revise(connection, user_id, add, {}, utc_now(), None)


def _revise(
    connection: Connection,
    user_id: str,
    add: Sequence[Proposition],
    retire: Mapping[str, str],
    now: datetime,
    batch_id: str | None,
) -> None:
    old = _current(connection, user_id, [i for p in add for i in p.supersedes] + list(retire))
    spans = [span for proposition in add for span in proposition.evidence]
    texts = quotable(connection, user_id, (span.observation_id for span in spans))
    for proposition in add:
        _check(user_id, proposition, old, texts, {p.id for p in add if p.group == p.id})
    _check_retirement(retire, old)
    _check_topics(connection, user_id, add, old)
    for refused, reason in refusals(connection, user_id, add).items():
        raise InputError(f"Proposition {refused} cannot be stored: {reason}.")

    reasons = {**{i: f"revised by {p.id}" for p in add for i in p.supersedes}, **retire}
    for superseded, reason in reasons.items():
        retire_version(connection, user_id, superseded, reason, now, batch_id)
    for proposition in add:
        pins = [pin for i in proposition.supersedes if (pin := old[i].pinned_at) is not None]
        new = {
            "recorded_at": now,
            "retired_at": None,
            "denied_at": None,
            "pinned_at": max(pins, default=None),
        }
        texts_before = {i: old[i].text for i in proposition.supersedes}
        add_version(connection, proposition.model_copy(update=new), texts_before, batch_id)


def _current(connection: Connection, user_id: str, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return the rows that are to be retired, by id.

    Raises:
        InputError: One is not there, or is retired already.
    """
    found: dict[str, Row[Any]] = {}
    for chunk in chunked(dict.fromkeys(ids)):
        statement = select(propositions).where(
            propositions.c.user_id == user_id, propositions.c.id.in_(chunk)
        )
        found.update({row.id: row for row in connection.execute(statement)})
    for wanted in ids:
        if wanted not in found:
            raise InputError(f"There is no proposition {wanted} to revise.")
        if found[wanted].retired_at is not None:
            raise InputError(f"Proposition {wanted} has been retired already; revise its successor.")
    return found


def _check(
    user_id: str,
    proposition: Proposition,
    old: Mapping[str, Row[Any]],
    texts: Mapping[str, Quotable],
    begun: Collection[str],
) -> None:
    if proposition.user_id != user_id:
        raise InputError(f"Proposition {proposition.id} is about another user.")
    if not proposition.text.strip():
        raise InputError(f"Proposition {proposition.id} has no text.")
    if "\0" in proposition.text + proposition.reasoning:
        raise InputError(f"Proposition {proposition.id} has a NUL character: that is not text.")
    if not proposition.supporting:
        raise InputError(f"Proposition {proposition.id} has no supporting evidence.")
    for span in proposition.evidence:
        _check_quote(proposition, span, texts)
    lines = {old[i].group_id for i in proposition.supersedes} or {proposition.id}
    if proposition.group not in lines and (proposition.supersedes or proposition.group not in begun):
        raise InputError(
            f"Proposition {proposition.id} has group {proposition.group}, which is neither its own id nor the "
            f"group of what it supersedes, nor begun with it."
        )
    for superseded in proposition.supersedes:
        if proposition.standing < old[superseded].standing:
            raise InputError(_outranked(superseded))


def _check_quote(proposition: Proposition, span: Evidence, texts: Mapping[str, Quotable]) -> None:
    if span.observation_id not in texts:
        raise InputError(f"Proposition {proposition.id} cites {span.observation_id}, which is not there.")
    said = texts[span.observation_id]
    if said.author == "assistant":
        raise InputError(
            f"Proposition {proposition.id} cites {span.observation_id}, which limner itself said; that is no "
            f"evidence about the user."
        )
    if not said.has(span.quote, span.start, span.end, span.part):
        raise InputError(
            f"Proposition {proposition.id} quotes {span.observation_id} at {span.start}:{span.end}, but the "
            f"quote does not stand there."
        )


def _check_retirement(retire: Mapping[str, str], old: Mapping[str, Row[Any]]) -> None:
    """Let nothing but a successor of its own, that stands as high, take the place of what the user said."""
    for retired in retire:
        if old[retired].standing > Standing.INFERRED:
            raise InputError(_outranked(retired))


def _check_topics(
    connection: Connection, user_id: str, add: Sequence[Proposition], old: Mapping[str, Row[Any]]
) -> None:
    """Make sure that of each topic one version will be held.

    Raises:
        InputError: Two of the new ones have one topic.
        StaleClaim: One is held already that nobody here has seen: it was stored after this batch was looked at.
    """
    topics = [proposition.topic for proposition in add if proposition.topic is not None]
    if len(topics) != len(set(topics)):
        raise InputError("Two of these propositions have the same topic.")
    for chunk in chunked(topics):
        statement = select(propositions.c.id, propositions.c.topic).where(
            propositions.c.user_id == user_id,
            propositions.c.topic.in_(chunk),
            propositions.c.retired_at.is_(None),
        )
        for row in connection.execute(statement):
            if row.id not in old:
                raise StaleClaim(f"{row.topic} has been found out meanwhile; nothing was applied.")


def _outranked(proposition_id: str) -> str:
    return f"Proposition {proposition_id} was stated or confirmed by the user; what stands lower does not override it."


def add_version(
    connection: Connection, new: Proposition, superseded: Mapping[str, str], batch_id: str | None = None
) -> None:
    """Store a version with its evidence and its place in its line; it is searchable at once.

    Args:
        connection: A connection in a write transaction.
        new: The version.
        superseded: Texts of what it supersedes, by id; one with the same text lends its vector.
        batch_id: The claim under which a model wrote it; none where the user did, or where it was made from what was held.
    """
    connection.execute(insert(propositions).values(proposition_row(new, batch_id)))
    connection.execute(
        insert(evidence),
        [
            {"user_id": new.user_id, "proposition_id": new.id, "position": position, **span.model_dump()}
            for position, span in enumerate(new.evidence)
        ],
    )
    if new.supersedes:
        connection.execute(
            insert(supersessions),
            [
                {"user_id": new.user_id, "proposition_id": new.id, "superseded_id": old}
                for old in dict.fromkeys(new.supersedes)
            ],
        )
    number = add_document(connection, new)
    for old in new.supersedes:
        if superseded[old] == new.text:
            same = select(documents.c.id).where(documents.c.proposition_id == old)
            copy_vectors(connection, new.user_id, connection.execute(same).scalar_one(), number)
            break


def retire_version(
    connection: Connection,
    user_id: str,
    proposition_id: str,
    reason: str,
    now: datetime,
    batch_id: str | None = None,
) -> None:
    """Note that a version is held no longer, and why.

    Args:
        connection: A connection in a write transaction.
        user_id: Whose.
        proposition_id: Which.
        reason: Why.
        now: Since when.
        batch_id: The claim under which that was concluded; none where the user said so, or something held took its place.
    """
    connection.execute(
        update(propositions)
        .where(propositions.c.user_id == user_id, propositions.c.id == proposition_id)
        .values(retired_at=now, retired_because=reason, retired_by_batch=batch_id)
    )
    retire_document(connection, user_id, proposition_id, now)


def _finish(connection: Connection, user_id: str, batch: Batch, now: datetime) -> None:
    ids = [observation.id for observation in batch.observations]
    connection.execute(
        insert(batch_members),
        [{"user_id": user_id, "batch_id": batch.id, "observation_id": i, "applied_at": now} for i in ids],
    )
    connection.execute(
        update(observations)
        .where(observations.c.user_id == user_id, observations.c.claim_id == batch.id)
        .values(
            state="done",
            claim_id=None,
            claim_holder=None,
            claim_expires_at=None,
            next_attempt_at=None,
            last_error=None,
        )
    )
