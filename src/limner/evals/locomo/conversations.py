"""Reading a LoCoMo file: conversations of dated sessions, and the questions about each."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from limner.evals.locomo.evidence import evidence_ids
from limner.evals.records import Turn, Utterance
from limner.evals.sources import Row, Source

__all__ = ["ABSENT", "GROUPS", "SOURCE", "Asking", "Conversation", "Dataset", "read"]

SOURCE = Source(
    name="LoCoMo",
    url="https://github.com/snap-research/locomo (data/locomo10.json)",
    looks=(
        "a JSON list of conversations, each with sample_id, conversation (session_1, session_1_date_time, …; a session "
        "is a list of turns with speaker, dia_id, text and maybe blip_caption) and qa (question, answer, evidence, "
        "category 1 to 5, adversarial_answer in category 5)"
    ),
)

GROUPS = {1: "1 multi-hop", 2: "2 temporal", 3: "3 open", 4: "4 single-hop", 5: "5 adversarial"}
"""What the numbers mean. The paper lists the categories in another order; the published scorer tells which is which."""

ABSENT = 5
"""The category of the questions that the conversation does not answer."""

_SESSION = re.compile(r"session_([1-9][0-9]{0,4})")
_SESSION_DATE = re.compile(r"session_([1-9][0-9]{0,4})_date_time")
_DATE = re.compile(
    r"\s*([0-9]{1,2}):([0-9]{2})\s*([ap])\.?m\.?\s+on\s+([0-9]{1,2})\s+([a-z]+),?\s+([0-9]{4})\s*",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Asking:
    """A question as the file has it."""

    id: str
    text: str
    category: int
    evidence: tuple[str, ...]
    """Ids of turns that exist."""
    answer: str | None
    trap: str | None
    """In category 5, the answer that a careless reader gives."""
    row: Row


@dataclass(frozen=True)
class Conversation:
    """One conversation and what is asked about it."""

    id: str
    sessions: tuple[tuple[Turn, ...], ...]
    """In the order of their numbers, which is that of time; empty ones left out."""
    askings: tuple[Asking, ...]

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns, oldest first."""
        return tuple(turn for session in self.sessions for turn in session)


@dataclass(frozen=True)
class Dataset:
    """A file as it was read."""

    conversations: tuple[Conversation, ...]
    counted: Counter[str]
    files: tuple[Path, ...]


def read(data: str) -> Dataset:
    """Read a LoCoMo file.

    Args:
        data: Its path.

    Raises:
        DataError: It is missing, or is not as `SOURCE` describes it.
    """
    path = SOURCE.found(data)
    counted: Counter[str] = Counter()
    conversations: list[Conversation] = []
    seen: set[str] = set()
    for row in SOURCE.rows(path, SOURCE.json(path)):
        conversation = _conversation(row, counted)
        if conversation.id in seen:
            raise row.error("sample_id", f"is {conversation.id!r} a second time; ids must differ")
        seen.add(conversation.id)
        conversations.append(conversation)
    return Dataset(tuple(conversations), +counted, (path,))


def _conversation(row: Row, counted: Counter[str]) -> Conversation:
    name = row.text("sample_id")
    sessions = tuple(
        _sessions(Row.of(row.path, f"{row.number}/conversation", row.fields.get("conversation")), counted)
    )
    known = {turn.id for session in sessions for turn in session if turn.id is not None}
    askings: list[Asking] = []
    texts: set[str] = set()
    for place, one in enumerate(row.rows("qa")):
        asking = _asking(f"{name}/{place}", one, known, counted)
        counted["question asked twice of one conversation"] += asking.text in texts
        texts.add(asking.text)
        askings.append(asking)
    return Conversation(name, sessions, tuple(askings))


def _sessions(row: Row, counted: Counter[str]) -> Iterator[tuple[Turn, ...]]:
    numbers = sorted(int(match[1]) for field in row.fields if (match := _SESSION.fullmatch(field)))
    dates = {int(match[1]) for field in row.fields if (match := _SESSION_DATE.fullmatch(field))}
    counted["session date without a session"] += len(dates.difference(numbers))
    taken: set[str] = set()
    for number in numbers:
        rows = row.rows(f"session_{number}")
        if not rows:
            counted["empty session"] += 1
            continue
        field = f"session_{number}_date_time"
        written = row.text(field)
        at = _moment(row, field, written)
        turns = [turn for one in rows if (turn := _turn(one, field, written, at, taken, counted)) is not None]
        if turns:
            yield tuple(turns)


def _turn(
    row: Row, session: str, written: str, at: datetime, taken: set[str], counted: Counter[str]
) -> Turn | None:
    speaker, words = row.text("speaker"), row.text("text", empty=True).strip()
    caption = row.text("blip_caption", empty=True).strip() if row.has("blip_caption") else ""
    name: str | None = row.text("dia_id")
    if not words and not caption:
        counted["turn without words or image, left out"] += 1
        return None
    if name in taken:
        counted["turn id used twice (the second turn goes without)"] += 1
        name = None
    else:
        taken.add(str(name))
    said = f"{speaker}: {words}" + (f" (image: {caption})" if caption else "")
    return Turn(f"({written}) {said}", id=name, at=at, session=session, utterances=(Utterance(said),))


def _asking(name: str, row: Row, known: set[str], counted: Counter[str]) -> Asking:
    category = row.whole("category", 1, 5)
    entries = row.items("evidence")
    for entry in entries:
        if not isinstance(entry, str):
            raise row.error("evidence", f"holds {entry!r:.40} where ids of turns as text are expected")
    if not isinstance(row.fields.get("answer"), (str, type(None))):
        counted["answer that is a number"] += 1
    answer = row.words("answer") if row.has("answer") else None
    if category == ABSENT:
        counted["category 5 with an answer" if answer is not None else "category 5 without an answer"] += 1
    return Asking(
        id=name,
        text=row.text("question"),
        category=category,
        evidence=evidence_ids(entries, known, counted),
        answer=answer,
        trap=row.words("adversarial_answer") if row.has("adversarial_answer") else None,
        row=row,
    )


def _moment(row: Row, field: str, written: str) -> datetime:
    match = _DATE.fullmatch(written)
    if match is not None and match[5][:3].lower() in _MONTHS:
        hour, minute, half, day, month, year = match.groups()
        try:
            if 1 <= int(hour) <= 12:
                hours = int(hour) % 12 + (12 if half.lower() == "p" else 0)
                number = _MONTHS.index(month[:3].lower()) + 1
                return datetime(int(year), number, int(day), hours, int(minute), tzinfo=UTC)
        except ValueError:
            pass
    raise row.error(field, f"is {written!r:.60} where a date such as '1:56 pm on 8 May, 2023' is expected")
