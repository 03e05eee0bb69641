"""Lines of one user's section becoming rows, in one transaction.

What a line names has to be there already and to be this user's, and a quote has to stand in its observation. A row
that is there with the same content is left as it is; one with another content is refused. What is derived (words,
documents) is made anew.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
from sqlalchemy import Connection, Table, insert, select, tuple_, update

from limner.memory.columns import UTCDateTime
from limner.memory.counters import next_version, start_of_epoch
from limner.memory.documents import add_documents
from limner.memory.intake import CLOCK_SKEW
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
from limner.memory.lines import KINDS, Kind, Line, VectorLine
from limner.memory.records import Observation, Proposition, utc_now
from limner.memory.references import References, Refusal
from limner.memory.revision import retire_version
from limner.memory.rows import chunked, ensure_user, insert_missing
from limner.memory.schema import (
    documents,
    evidence,
    observations,
    portrait_basis,
    propositions,
    sources,
    supersessions,
    users,
    vectors,
)
from limner.memory.tombstones import unbury, user_mark

__all__ = ("Arrival", "Numbered")

Numbered: TypeAlias = list[tuple[int, Line]]
"""Lines of one kind, each with its number in the file."""
_Rows: TypeAlias = list[tuple[int, dict[str, Any]]]

_BY_NAME = {kind.name: kind for kind in KINDS}
_UNIT = 1e-3
"""How far from 1 the length of a vector may be."""
_ELSEWHERE = "found out elsewhere too; computed anew"


class Arrival:
    """Takes in the section of one user.

    Args:
        connection: A connection in a write transaction.
        user_id: Whose section.
        refuse: Makes the error that is raised for a line.
        merges: Whether the user was there before.
    """

    def __init__(self, connection: Connection, user_id: str, refuse: Refusal, *, merges: bool) -> None:
        self.added = 0
        """Lines whose rows were not there."""
        self.known = 0
        """Lines that hold what is there already."""
        self._connection = connection
        self._user_id = user_id
        self._refuse = refuse
        self._merges = merges
        self._references = References(connection, user_id, refuse)
        self._now = utc_now()
        self._version = 0
        self._same: dict[str, str] = {}  # observations of the file that count as stored ones
        self._superseded: list[tuple[int, str, str]] = []
        self._given_up: set[str] = set()

    def take(self, lines: Numbered) -> None:
        """Store lines of one kind.

        Raises:
            InputError: One cannot be stored; the message says which and why.
        """
        first = lines[0][1]
        if isinstance(first, VectorLine):
            self._vectors(cast("list[tuple[int, VectorLine]]", lines))
            return
        kind = _BY_NAME[first.record]  # type: ignore[attr-defined]
        special: dict[str, Callable[[Kind, Numbered], None]] = {
            "user": self._user,
            "source": self._sources,
            "observation": self._observations,
            "proposition": self._propositions,
            "portrait": self._portraits,
        }
        special.get(kind.name, self._plain)(kind, lines)

    def finish(self) -> None:
        """Store what could not be before everything was there, and settle what contradicts itself.

        Raises:
            InputError: A version supersedes one that is not there.
        """
        named = [(number, old) for number, _, old in self._superseded]
        self._references.check(propositions, named, "supersedes")
        for chunk in chunked(self._superseded):
            rows = [
                {"user_id": self._user_id, "proposition_id": new, "superseded_id": old}
                for _, new, old in chunk
            ]
            insert_missing(self._connection, supersessions, rows)
        if self._given_up:
            derive_again(self._connection, self._user_id, self._given_up)
        if self._merges:
            retire_denied(self._connection, self._user_id, self._now)

    def _user(self, kind: Kind, lines: Numbered) -> None:
        ((_, line),) = lines
        row = {name: getattr(line, shown) for name, shown in kind.columns.items()}
        mine = users.c.id == self._user_id
        if self._merges:
            ensure_user(self._connection, self._user_id)
            paused = self._connection.execute(select(users.c.paused_at).where(mine)).scalar()
            pause = strictest_pause(paused, row["paused_at"])
            self._connection.execute(update(users).where(mine).values(paused_at=pause))
            self.known += 1
        else:
            self._connection.execute(insert(users).values({**row, "epoch": start_of_epoch()}))
            unbury(self._connection, [user_mark(self._user_id, row["created_at"])])
            self.added += 1
        self._version = next_version(self._connection, self._user_id)

    def _plain(self, kind: Kind, lines: Numbered) -> None:
        rows = self._rows(kind, lines)
        for name, table in kind.names.items():
            if table is observations:
                for _, row in rows:
                    row[name] = self._same.get(row[name], row[name])
            self._references.check(table, [(number, row[name]) for number, row in rows], name)
        if kind.name == "checkpoint_write":
            self._references.check_checkpoints(rows)
        self._insert(kind.table, self._new(kind, rows))

    def _sources(self, kind: Kind, lines: Numbered) -> None:
        rows = self._rows(kind, lines)
        stored = self._stored(kind, rows)
        for number, row in rows:
            there = stored.get((row["source"],))
            if there is None:
                self._insert(sources, [(number, row)])
                continue
            self._refuse_twice(number)
            joined = {
                "paused_at": strictest_pause(there["paused_at"], row["paused_at"]),
                "retain_days": strictest_days(there["retain_days"], row["retain_days"]),
            }
            mine = (sources.c.user_id == self._user_id, sources.c.source == row["source"])
            self._connection.execute(update(sources).where(*mine).values(joined))
            self.known += 1

    def _observations(self, kind: Kind, lines: Numbered) -> None:
        rows = self._rows(kind, lines)
        new = self._new(kind, rows)
        fresh = {row["id"] for _, row in new}
        done = [row["id"] for _, row in rows if row["id"] not in fresh and row["state"] == "done"]
        keys = [row["key"] for _, row in new if row["key"] is not None]
        taken = stored_by_key(self._connection, self._user_id, keys)
        fresh_rows: _Rows = []
        for number, row in new:
            there = None if row["key"] is None else taken.get(row["key"])
            if there is not None:
                self._refuse_twice(number, "key")
                if says_the_same(row, there):
                    self._same[row["id"]] = there["id"]
                    self.known += 1
                    done += [there["id"]] if row["state"] == "done" else []
                    continue
                row["key"] = free_key(row["key"], row["id"])
            fresh_rows.append((number, row))
            if row["key"] is not None:
                taken[row["key"]] = row
        self._insert(observations, fresh_rows)
        self._make_findable(Observation, fresh_rows)
        if done:
            finish(self._connection, self._user_id, done)

    def _propositions(self, kind: Kind, lines: Numbered) -> None:
        rows = self._rows(kind, lines)
        spans = {
            number: [{**span.model_dump(), "observation_id": self._id_of(span)} for span in line.evidence]  # type: ignore[attr-defined]
            for number, line in lines
        }
        self._references.check_quotes(spans)
        stored = self._stored(kind, rows)
        new = self._new(kind, rows, stored)
        fresh = {row["id"] for _, row in new}
        for number, row in rows:
            if row["id"] not in fresh:
                self._references.check_same(number, row["id"], spans[number])
                self._adopt_retirement(row, stored[row["id"],])
        self._settle_topics([row for _, row in new])
        self._insert(propositions, new)
        cited = [
            {"user_id": self._user_id, "proposition_id": row["id"], "position": position, **span}
            for number, row in new
            for position, span in enumerate(spans[number])
        ]
        if cited:
            self._connection.execute(insert(evidence), cited)
        self._make_findable(Proposition, new)
        for number, line in lines:
            self._superseded += [(number, line.id, old) for old in line.supersedes]  # type: ignore[attr-defined]

    def _portraits(self, kind: Kind, lines: Numbered) -> None:
        rows = self._rows(kind, lines)
        for _, row in rows:
            if self._same:
                row["lines"] = redirected(row["lines"], self._same)
        new = self._new(kind, rows)
        self._insert(kind.table, new)
        fresh = {number for number, _ in new}
        basis = [
            {
                "user_id": self._user_id,
                "portrait_id": line.id,  # type: ignore[attr-defined]
                "owner_kind": one.owner_kind,
                "owner_id": self._same.get(one.owner_id, one.owner_id),
            }
            for number, line in lines
            if number in fresh
            for one in line.basis  # type: ignore[attr-defined]
        ]
        insert_missing(self._connection, portrait_basis, basis)

    def _vectors(self, lines: "Sequence[tuple[int, VectorLine]]") -> None:
        owners = {
            "observation": {self._same.get(line.owner_id, line.owner_id) for _, line in lines},
            "proposition": {line.owner_id for _, line in lines},
        }
        numbers = {kind: self._documents(kind, ids) for kind, ids in owners.items()}
        rows = []
        for number, line in lines:
            if line.user_id != self._user_id:
                raise self._refuse(number, "user_id", "is another user's than the section")
            owner = self._same.get(line.owner_id, line.owner_id)
            document = numbers[line.owner_kind].get(owner)
            if document is None:
                raise self._refuse(number, "owner_id", f"names {line.owner_id}, which is not there")
            if len(line.vector) != 4 * line.dimension or not _has_unit_length(line.vector):
                raise self._refuse(number, "vector", "is no vector of this dimension and of unit length")
            made = {
                name: getattr(line, name) for name in ("encoder", "encoder_version", "dimension", "vector")
            }
            rows.append({"user_id": self._user_id, "document_id": document, **made})
        insert_missing(self._connection, vectors, rows)

    def _make_findable(self, record: type[Observation | Proposition], new: _Rows) -> None:
        names = ("id", "user_id", "text", "recorded_at")
        # What was checked as a line and is stored need not be checked as a record.
        records = [record.model_construct(**{name: row[name] for name in names}) for _, row in new]
        numbers = add_documents(self._connection, self._user_id, records, self._version)
        for number, (_, row) in zip(numbers, new, strict=True):
            if row.get("retired_at") is not None:
                retired = update(documents).where(documents.c.id == number)
                self._connection.execute(retired.values(retired_at=row["retired_at"]))

    def _rows(self, kind: Kind, lines: Numbered) -> _Rows:
        rows: _Rows = []
        columns = kind.table.columns
        moments = [
            n for n in kind.columns if isinstance(columns[n].type, UTCDateTime) and n not in kind.ahead
        ]
        for number, line in lines:
            row = {name: getattr(line, shown) for name, shown in kind.columns.items()}
            if row["user_id"] != self._user_id:
                raise self._refuse(number, "user_id", "is another user's than the section")
            for name in moments:
                if row[name] is not None and row[name] > self._now + CLOCK_SKEW:
                    raise self._refuse(number, name, "lies in the future")
            rows.append((number, row))
        return rows

    def _new(
        self, kind: Kind, rows: _Rows, stored: Mapping[tuple[Any, ...], Mapping[str, Any]] | None = None
    ) -> _Rows:
        """Return the rows that are not there; the others are what is there, or refused."""
        if stored is None:
            stored = self._stored(kind, rows)
        fixed = set(kind.columns) - kind.changing
        new: _Rows = []
        seen: set[tuple[Any, ...]] = set()
        for number, row in rows:
            key = tuple(row[name] for name in kind.key)
            there = stored.get(key)
            if key in seen:
                raise self._refuse(number, kind.key[-1], "stands twice in this file")
            seen.add(key)
            if there is None:
                new.append((number, row))
                continue
            if there["user_id"] != self._user_id:
                raise self._refuse(number, kind.key[-1], "is taken: another user has something of this id")
            self._refuse_twice(number, kind.key[-1])
            differ = sorted(name for name in fixed if there[name] != row[name])
            if differ:
                shown = kind.renamed.get(differ[0], differ[0])
                raise self._refuse(number, shown, "is not what is stored under the same id")
            self.known += 1
        return new

    def _refuse_twice(self, number: int, field: str = "") -> None:
        if not self._merges:
            raise self._refuse(number, field, "stands twice in this file")

    def _stored(self, kind: Kind, rows: _Rows) -> dict[tuple[Any, ...], Mapping[str, Any]]:
        """Return what is stored under the keys of these rows, whoever has it."""
        table = kind.table
        columns = [table.c[name] for name in kind.key]
        keys = [tuple(row[name] for name in kind.key) for _, row in rows]
        statement = select(table)
        if "user_id" in table.primary_key.columns:
            statement = statement.where(table.c.user_id == self._user_id)
        if len(columns) == 1:
            statement = statement.where(columns[0].in_([key[0] for key in keys]))
        else:
            statement = statement.where(tuple_(*columns).in_(keys))
        found = self._connection.execute(statement).mappings()
        return {tuple(row[name] for name in kind.key): dict(row) for row in found}

    def _insert(self, table: Table, rows: _Rows) -> None:
        if rows:
            self._connection.execute(insert(table), [row for _, row in rows])
            if table in (observations, propositions):
                unbury(self._connection, [row["id"] for _, row in rows])
            self.added += len(rows)

    def _adopt_retirement(self, row: Mapping[str, Any], there: Mapping[str, Any]) -> None:
        """Retire what is held here and was retired, or denied, where the file comes from."""
        mine = (propositions.c.user_id == self._user_id, propositions.c.id == row["id"])
        if row["denied_at"] is not None and there["denied_at"] is None:
            denied = update(propositions).where(*mine).values(denied_at=row["denied_at"])
            self._connection.execute(denied)
        if row["retired_at"] is not None and there["retired_at"] is None:
            reason = row["retired_because"] or ""
            retire_version(
                self._connection, self._user_id, row["id"], reason, row["retired_at"], row["retired_by_batch"]
            )

    def _settle_topics(self, new: Sequence[dict[str, Any]]) -> None:
        """Let of each computed finding one version be held."""
        current = [row for row in new if row["topic"] is not None and row["retired_at"] is None]
        p = propositions.c
        held: dict[str, Mapping[str, Any]] = {}
        for chunk in chunked(sorted({row["topic"] for row in current})):
            statement = select(propositions).where(
                p.user_id == self._user_id, p.topic.in_(chunk), p.retired_at.is_(None)
            )
            held.update({row["topic"]: dict(row) for row in self._connection.execute(statement).mappings()})
        retired = {"retired_at": self._now, "retired_because": _ELSEWHERE}
        arrived = {row["id"]: row for row in current}
        for row in current:
            there = held.get(row["topic"])
            lower = row if there is not None and higher(there, row) else there
            if lower is not row:
                held[row["topic"]] = row
            if lower is None:
                continue
            self._given_up.add(lower["id"])
            if lower["id"] in arrived:
                arrived[lower["id"]].update(retired)
            else:
                retire_version(self._connection, self._user_id, lower["id"], _ELSEWHERE, self._now)

    def _documents(self, kind: str, ids: Collection[str]) -> dict[str, int]:
        owner = documents.c.observation_id if kind == "observation" else documents.c.proposition_id
        found: dict[str, int] = {}
        for chunk in chunked(sorted(ids)):
            statement = select(owner, documents.c.id).where(
                documents.c.user_id == self._user_id, owner.in_(chunk)
            )
            found.update({row[0]: row[1] for row in self._connection.execute(statement)})
        return found

    def _id_of(self, span: Any) -> str:  # noqa: ANN401 - evidence, as the line's model has it
        named: str = span.observation_id
        return self._same.get(named, named)


def _has_unit_length(content: bytes) -> bool:
    """Return whether a vector has length 1, or is that of a text without a meaning: zero."""
    length = float(np.linalg.norm(np.frombuffer(content, dtype="<f4")))
    return length == 0 or abs(length - 1) <= _UNIT
