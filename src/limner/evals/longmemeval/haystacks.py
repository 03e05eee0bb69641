"""Reading a LongMemEval file: questions, each with a haystack of dated sessions of its own."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from limner.evals.sources import Row, Source

__all__ = ["KINDS", "SOURCE", "Asking", "Dataset", "Said", "Session", "read"]

SOURCE = Source(
    name="LongMemEval",
    url="https://huggingface.co/datasets/xiaowu0162/longmemeval-cleaned",
    looks=(
        "a JSON list of questions, each with question_id, question_type, question, answer, question_date, "
        "haystack_session_ids, haystack_dates ('2023/05/20 (Sat) 02:21'), haystack_sessions (lists of turns with role, "
        "content and maybe has_answer) and answer_session_ids"
    ),
)

KINDS = (
    "single-session-user",
    "single-session-assistant",
    "single-session-preference",
    "multi-session",
    "temporal-reasoning",
    "knowledge-update",
)
"""The values of `question_type`."""

_DATE = re.compile(r"\s*([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})\s*(?:\([^()]*\))?\s*([0-9]{1,2}):([0-9]{2})\s*")
_ABSTENTION = "_abs"


@dataclass(frozen=True)
class Said:
    """One turn of a session."""

    role: Literal["user", "assistant"]
    text: str
    place: int
    """Counted from 1 within its session as the file has it; the published ids of turns end in it."""
    has_answer: bool | None
    """Whether it is evidence; none where the file does not say."""


@dataclass(frozen=True)
class Session:
    """One session of a haystack."""

    id: str
    """Unique within the haystack."""
    at: datetime
    turns: tuple[Said, ...]


@dataclass(frozen=True)
class Asking:
    """A question as the file has it."""

    id: str
    kind: str
    """`question_type`."""
    text: str
    answer: str
    asked: datetime
    sessions: tuple[Session, ...]
    """Oldest first, empty ones left out."""
    gold: tuple[str, ...]
    """Ids of evidence sessions that are in the haystack."""

    @property
    def abstention(self) -> bool:
        """Whether the haystack does not hold the answer, and saying so is right."""
        return self.id.endswith(_ABSTENTION)

    @property
    def labelled(self) -> bool:
        """Whether any turn says that it is or is not evidence."""
        return any(said.has_answer is not None for session in self.sessions for said in session.turns)


@dataclass(frozen=True)
class Dataset:
    """A file as it was read."""

    askings: tuple[Asking, ...]
    counted: Counter[str]
    files: tuple[Path, ...]


def read(data: str) -> Dataset:
    """Read a LongMemEval file.

    Args:
        data: Its path.

    Raises:
        DataError: It is missing, or is not as `SOURCE` describes it.
    """
    path = SOURCE.found(data)
    counted: Counter[str] = Counter()
    askings: dict[str, Asking] = {}
    for row in SOURCE.rows(path, SOURCE.json(path)):
        asking = _asking(row, counted)
        if asking.id in askings:
            raise row.error("question_id", f"is {asking.id!r} a second time; ids must differ")
        askings[asking.id] = asking
    return Dataset(tuple(askings.values()), +counted, (path,))


def _asking(row: Row, counted: Counter[str]) -> Asking:
    counted["answer that is a number"] += not isinstance(row.fields.get("answer"), str)
    sessions = _apart(sorted(_sessions(row, counted), key=lambda session: session.at), counted)
    known = {session.id for session in sessions}
    gold = dict.fromkeys(_texts(row, "answer_session_ids"))
    counted["evidence session that is not in the haystack"] += len(gold.keys() - known)
    kind = row.text("question_type")
    if kind not in KINDS:
        raise row.error("question_type", f"is {kind!r:.40} where one of {', '.join(KINDS)} is expected")
    return Asking(
        id=row.text("question_id"),
        kind=kind,
        text=row.text("question"),
        answer=row.words("answer"),
        asked=_moment(row, "question_date", row.text("question_date")),
        sessions=tuple(sessions),
        gold=tuple(name for name in gold if name in known),
    )


def _sessions(row: Row, counted: Counter[str]) -> Iterator[Session]:
    names, dates = _texts(row, "haystack_session_ids"), _texts(row, "haystack_dates")
    contents = row.items("haystack_sessions")
    if not len(names) == len(dates) == len(contents):
        problem = f"holds {len(contents)} sessions beside {len(names)} ids and {len(dates)} dates; there must be as many"
        raise row.error("haystack_sessions", problem)
    taken: set[str] = set()
    for place, (name, date, content) in enumerate(zip(names, dates, contents, strict=True)):
        at = _moment(row, "haystack_dates", date)
        turns = tuple(_turns(row, place, content, counted))
        if not turns:
            counted["empty session, left out"] += 1
            continue
        counted["session id used twice (the second one gets a number)"] += name in taken
        unique = _free(name, taken)
        taken.add(unique)
        yield Session(unique, at, turns)


def _turns(row: Row, place: int, content: object, counted: Counter[str]) -> Iterator[Said]:
    if not isinstance(content, list):
        raise row.error("haystack_sessions", f"holds something else than a list of turns at place {place}")
    for number, value in enumerate(content, 1):
        one = Row.of(row.path, f"{row.number}/haystack_sessions/{place}/{number - 1}", value)
        role, text, label = one.text("role"), one.text("content", empty=True), one.fields.get("has_answer")
        if role not in {"user", "assistant"}:
            raise one.error("role", f"is {role!r:.40} where user or assistant is expected")
        if not isinstance(label, (bool, type(None))):
            raise one.error("has_answer", f"is {label!r:.40} where true or false is expected")
        if text.strip():
            yield Said(cast(Literal["user", "assistant"], role), text, number, label)
        else:
            counted["turn without words, left out"] += 1


def _apart(sessions: list[Session], counted: Counter[str]) -> list[Session]:
    """Put sessions of one minute a millisecond apart: a session is what shares a moment."""
    moved: list[Session] = []
    for session in sessions:
        at = session.at
        if moved and moved[-1].at >= at:
            counted["session date used twice (set a millisecond apart)"] += 1
            at = moved[-1].at + timedelta(milliseconds=1)
        moved.append(Session(session.id, at, session.turns))
    return moved


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}#{number}" in taken:
        number += 1
    return f"{name}#{number}"


def _texts(row: Row, field: str) -> list[str]:
    values = row.items(field)
    for value in values:
        if not isinstance(value, str) or not value.strip():
            raise row.error(field, f"holds {value!r:.40} where texts are expected")
    return values


def _moment(row: Row, field: str, written: str) -> datetime:
    match = _DATE.fullmatch(written)
    try:
        if match is not None:
            year, month, day, hour, minute = (int(part) for part in match.groups())
            return datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        pass
    raise row.error(field, f"holds {written!r:.60} where a date such as '2023/05/20 (Sat) 02:21' is expected")
