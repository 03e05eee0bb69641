"""Two ids that turn out to be one person's: everything of one becomes the other's, and says where it came from.

Nothing is lost, and nothing is there twice: the rules are those of `joining`. Reflections that are under way on either
find their claims gone and apply nothing; what they had in hand waits again. The old id is gone afterwards but for the
origin of its observations and the entry in `merges`; whoever goes on using it begins a new user.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, literal, select, update

from limner.errors import InputError, NotFound
from limner.memory.chroma import user_digest
from limner.memory.counters import new_epoch
from limner.memory.database import Database
from limner.memory.joining import (
    derive_again,
    finish,
    free_key,
    higher,
    redirected,
    retire_denied,
    says_the_same,
    stored_by_key,
    strictest_days,
    strictest_pause,
)
from limner.memory.records import Consent, new_id, utc_now
from limner.memory.revision import retire_version
from limner.memory.rows import chunked, ensure_user, insert_missing, lock_user
from limner.memory.schema import (
    audit_log,
    batch_members,
    checkpoint_writes,
    checkpoints,
    consents,
    documents,
    erasures,
    evidence,
    merges,
    observations,
    outbox,
    portrait_basis,
    portraits,
    propositions,
    rederivations,
    sources,
    stray_indexes,
    suggestion_basis,
    suggestions,
    supersessions,
    terms,
    users,
    vectors,
    verdicts,
)
from limner.memory.sources import list_consents, store_consent

__all__ = ("Merge", "Merged", "list_merges", "merge_users")

_MOVED: Sequence[Table] = (
    observations,
    propositions,
    evidence,
    supersessions,
    batch_members,
    portraits,
    portrait_basis,
    audit_log,
    verdicts,
    suggestions,
    suggestion_basis,
    erasures,
    rederivations,
    merges,
    consents,
    documents,
    terms,
    vectors,
)
"""Tables whose rows become the other's as they are, once nothing in them is in the way."""
_CITING = (evidence, batch_members, verdicts, suggestions, rederivations)
_LONGEST_THREAD = 256


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to."""

    id: str
    merged_id: str
    """The id that is gone."""
    user_id: str
    """Whose everything is now."""
    merged_at: datetime
    observations: int
    """That came over; those that both had are not among them."""
    propositions: int
    """Versions that came over."""
    retired: int = 0
    """Versions that are not held any more, because both had found out about the same, or one side had denied it."""


@dataclass(frozen=True, slots=True)
class Merge:
    """That another id has become this user's."""

    merged_id: str
    merged_at: datetime


def list_merges(connection: Connection, user_id: str) -> list[Merge]:
    """Return which ids have become this user's, oldest merge first."""
    c = merges.c
    statement = select(c.merged_id, c.merged_at).where(c.user_id == user_id).order_by(c.merged_at, c.id)
    return [Merge(*row) for row in connection.execute(statement)]


def merge_users(database: Database, merged_id: str, user_id: str) -> Merged:
    """Let everything of one id be another's, in one transaction.

    Args:
        database: The store.
        merged_id: The id that goes.
        user_id: The id that stays; it need not have anything yet.

    Raises:
        InputError: Both are the same.
        NotFound: Nothing is stored under the id that goes.
    """
    if merged_id == user_id:
        raise InputError("These are one id already.")
    with database.write() as connection:
        _lock(connection, merged_id, user_id)
        return _Merge(connection, merged_id, user_id).run()


def _lock(connection: Connection, merged_id: str, user_id: str) -> None:
    """Lock both, in one order whoever is merged into whom, so that two merges do not wait for each other."""
    for one in sorted((merged_id, user_id)):
        lock_user(connection, one)
    there = connection.execute(select(users.c.id).where(users.c.id == merged_id)).first()
    if there is None:
        raise NotFound(f"Nothing is stored about a user {merged_id!r}.")
    ensure_user(connection, user_id)


class _Merge:
    """One merge, in one transaction in which both users are locked."""

    def __init__(self, connection: Connection, merged_id: str, user_id: str) -> None:
        self._connection = connection
        self._old = merged_id
        self._new = user_id
        self._now = utc_now()

    def run(self) -> Merged:
        """Do it; the order matters: what is in the way goes first, and the old user last."""
        self._free_claims()
        given_up = self._settle_topics()
        self._join_keys()
        self._join_sources()
        withdrawn = self._withdrawn()
        counts = {table: self._count(table) for table in (observations, propositions)}
        self._say_origin()
        for table in _MOVED:
            self._connection.execute(
                update(table).where(table.c.user_id == self._old).values(user_id=self._new)
            )
        self._move_conversations()
        self._withdraw(withdrawn)
        derive_again(self._connection, self._new, given_up)
        id = new_id()
        row = {"id": id, "user_id": self._new, "merged_id": self._old, "merged_at": self._now}
        self._connection.execute(insert(merges).values(row))
        self._leave_old()
        denied = retire_denied(self._connection, self._new, self._now)
        new_epoch(self._connection, self._new)
        return Merged(
            id,
            self._old,
            self._new,
            self._now,
            observations=counts[observations],
            propositions=counts[propositions],
            retired=len(given_up) + denied,
        )

    def _free_claims(self) -> None:
        """Let wait again what somebody reflects on: their conclusions were drawn without the other half."""
        freed = dict.fromkeys(("claim_id", "claim_holder", "claim_expires_at"))
        self._connection.execute(
            update(observations)
            .where(observations.c.user_id.in_((self._old, self._new)), observations.c.state == "claimed")
            .values(state="pending", **freed)
        )

    def _settle_topics(self) -> set[str]:
        """Let of each computed finding one version be held; return the others."""
        p = propositions.c
        statement = select(propositions).where(p.topic.is_not(None), p.retired_at.is_(None))
        by_topic: dict[str, list[dict[str, Any]]] = {}
        for row in self._connection.execute(
            statement.where(p.user_id.in_((self._old, self._new)))
        ).mappings():
            by_topic.setdefault(row["topic"], []).append(dict(row))
        given_up: set[str] = set()
        for found in by_topic.values():
            if len(found) == 2:
                first, second = found
                lower = second if higher(first, second) else first
                reason = "found out under another id too; computed anew"
                retire_version(self._connection, lower["user_id"], lower["id"], reason, self._now)
                given_up.add(lower["id"])
        return given_up

    def _join_keys(self) -> None:
        """Let the same key with the same content be one observation, and with other content two keys."""
        o = observations.c
        mine = select(observations).where(o.user_id == self._old, o.key.is_not(None)).order_by(o.id)
        same: dict[str, str] = {}
        done: list[str] = []
        for rows in chunked(self._connection.execute(mine).mappings().all()):
            taken = stored_by_key(self._connection, self._new, [row["key"] for row in rows])
            for row in rows:
                there = taken.get(row["key"])
                if there is None:
                    continue
                if says_the_same(dict(row), there):
                    same[row["id"]] = there["id"]
                    done += [there["id"]] if row["state"] == "done" else []
                else:
                    key = free_key(row["key"], self._old)
                    if stored_by_key(self._connection, self._new, [key]):
                        key = free_key(row["key"], row["id"])
                    self._connection.execute(update(observations).where(o.id == row["id"]).values(key=key))
        if same:
            self._stand_in(same)
            finish(self._connection, self._new, done)

    def _stand_in(self, same: dict[str, str]) -> None:
        """Let what cites an observation of the old id cite the same one of the new id instead."""
        for old, new in same.items():
            for table in _CITING:
                self._connection.execute(
                    update(table).where(table.c.observation_id == old).values(observation_id=new)
                )
            self._connection.execute(
                update(portrait_basis)
                .where(portrait_basis.c.user_id == self._old, portrait_basis.c.owner_id == old)
                .values(owner_id=new)
            )
        drawn = select(portraits.c.id, portraits.c.lines).where(portraits.c.user_id == self._old)
        for id, lines in self._connection.execute(drawn).all():
            changed = redirected(lines, same)
            if changed != lines:
                self._connection.execute(update(portraits).where(portraits.c.id == id).values(lines=changed))
        for chunk in chunked(same):
            self._connection.execute(delete(observations).where(observations.c.id.in_(chunk)))

    def _join_sources(self) -> None:
        """Let the stricter settings hold, of each source and of everything."""
        found = {
            user_id: {
                row["source"]: dict(row)
                for row in self._connection.execute(
                    select(sources).where(sources.c.user_id == user_id)
                ).mappings()
            }
            for user_id in (self._old, self._new)
        }
        for source, row in found[self._old].items():
            there = found[self._new].get(source)
            if there is None:
                self._connection.execute(insert(sources).values({**row, "user_id": self._new}))
                continue
            joined = {
                "paused_at": strictest_pause(row["paused_at"], there["paused_at"]),
                "retain_days": strictest_days(row["retain_days"], there["retain_days"]),
            }
            mine = (sources.c.user_id == self._new, sources.c.source == source)
            self._connection.execute(update(sources).where(*mine).values(joined))
        paused = select(users.c.paused_at).where(users.c.id.in_((self._old, self._new)))
        pause = strictest_pause(*self._connection.execute(paused).scalars().all())
        self._connection.execute(update(users).where(users.c.id == self._new).values(paused_at=pause))

    def _withdrawn(self) -> set[str]:
        """Return the sources of which consent is withdrawn under either id."""
        found: set[str] = set()
        for user_id in (self._old, self._new):
            newest = {one.source: one for one in list_consents(self._connection, user_id)}
            found |= {source for source, one in newest.items() if not one.granted}
        return found

    def _withdraw(self, withdrawn: set[str]) -> None:
        newest = {one.source: one for one in list_consents(self._connection, self._new)}
        for source in sorted(withdrawn):
            if newest[source].granted:
                entry = Consent(
                    user_id=self._new,
                    source=source,
                    granted=False,
                    basis=f"withdrawn under one of two ids, {self._old} and {self._new}, which are one now",
                    decided_at=self._now,
                )
                store_consent(self._connection, entry)

    def _say_origin(self) -> None:
        self._connection.execute(
            update(observations)
            .where(observations.c.user_id == self._old, observations.c.origin.is_(None))
            .values(origin=self._old)
        )

    def _move_conversations(self) -> None:
        """Copy checkpoints, then their writes; a thread whose name is taken gets another."""
        c = checkpoints.c
        taken = set(self._threads(self._new))
        names: dict[str, str] = {}
        for thread in self._threads(self._old):
            name = thread
            while name in taken:
                name = f"{name} ({self._old})" if name == thread else new_id()
                name = name if len(name) <= _LONGEST_THREAD else new_id()
            taken.add(name)
            names[thread] = name
        for thread, name in names.items():
            for table in (checkpoints, checkpoint_writes):
                replaced = {"user_id": literal(self._new), "thread_id": literal(name)}
                columns = [replaced.get(column.name, column) for column in table.columns]
                copied = select(*columns).where(table.c.user_id == self._old, table.c.thread_id == thread)
                self._connection.execute(
                    insert(table).from_select([column.name for column in table.columns], copied)
                )
        self._connection.execute(delete(checkpoints).where(c.user_id == self._old))

    def _threads(self, user_id: str) -> list[str]:
        c = checkpoints.c
        named = select(c.thread_id).distinct().where(c.user_id == user_id).order_by(c.thread_id)
        return list(self._connection.execute(named).scalars())

    def _leave_old(self) -> None:
        """Remove the old id, have its index removed, and the other's made anew."""
        self._connection.execute(delete(users).where(users.c.id == self._old))
        stray = {"digest": user_digest(self._old), "created_at": self._now}
        insert_missing(self._connection, stray_indexes, [stray])
        note = {"user_id": self._new, "action": "rewrite", "created_at": self._now}
        self._connection.execute(insert(outbox).values(note))

    def _count(self, table: Table) -> int:
        statement = select(func.count()).select_from(table).where(table.c.user_id == self._old)
        return self._connection.execute(statement).scalar_one()
