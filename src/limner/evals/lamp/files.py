"""The published files of LaMP: questions with profiles, and the golds beside them."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from limner.evals.lamp.tasks import TASKS, Task, named_task, task_in_path
from limner.evals.sources import DataError, Row, Source

__all__ = [
    "SOURCE",
    "Asking",
    "Golds",
    "ProfileItem",
    "question_rows",
    "read_golds",
    "read_questions",
    "unique",
    "which_task",
]

SOURCE = Source(
    "LaMP",
    "https://lamp-benchmark.github.io/download",
    '`LaMP_N_{train,dev,test}_questions.json`, a list of {"id", "input", "profile": [{"id", ...}]}, and beside it '
    '`..._outputs.json`, {"task": "LaMP_N", "golds": [{"id", "output"}]}; LaMP-6 must be filled in from the Avocado '
    "collection first",
)


@dataclass(frozen=True)
class ProfileItem:
    """One thing that a user wrote or rated."""

    id: str
    """Unique within the profile."""
    fields: Mapping[str, str]
    at: datetime | None = None

    def text(self, task: Task, labelled: bool = False) -> str:
        """Return what retrieval sees of it.

        Args:
            task: Whose fields count.
            labelled: Whether to add how the user decided: the tag, the category, the score, the subject.
        """
        text = " ".join(self.fields[name].strip() for name in task.corpus).strip()
        if not (labelled and task.label and text):
            return text
        return f"{text} ({task.label}: {self.fields[task.label].strip()})"


@dataclass(frozen=True)
class Asking:
    """One question with the profile of whoever it is about."""

    id: str
    raw_id: str | int | float
    """As in the file, where it may be a number."""
    input: str
    items: tuple[ProfileItem, ...]
    """In order of time where the file has dates, else as in the file."""
    row: Row
    gold: str | None = None
    """The gold, where the questions file carries it itself."""

    @cached_property
    def user(self) -> str | None:
        """A name for the profile; none for an empty one.

        The files name no users. Questions with the same profile are taken to be one user's, so that the profile is
        remembered once and intervals resample users.
        """
        if not self.items:
            return None
        whole = sorted((item.id, sorted(item.fields.items()), str(item.at)) for item in self.items)
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Golds:
    """The gold of every question, by its id as text."""

    task: str | None
    """As the file names it."""
    outputs: Mapping[str, str]


def which_task(name: str, path: Path, golds: Golds | None, rows: Sequence[Row]) -> Task:
    """Return the task of a file: the one asked for, or what file name, folder or golds tell.

    Raises:
        InputError: The name asked for is not a task's.
        DataError: Nothing tells, or the golds are of another task.
    """
    told = named_task(golds.task) if golds is not None and golds.task is not None else None
    task = named_task(name) if name else task_in_path(path) or told
    if task is None:
        raise DataError(
            path, f"neither its name nor its golds tell which task it is; name one of {', '.join(TASKS)}"
        )
    if told is not None and told.name[:6] != task.name[:6]:
        raise DataError(path, f"is taken for {task.name}, but its golds are of {told.name}")
    # Both tasks were published as LaMP_2; only what is in the file tells them apart.
    news = any("category" in item for row in rows for item in _raw_items(row))
    return TASKS["LaMP_2N"] if task.name == "LaMP_2" and news else task


def _raw_items(row: Row) -> list[Mapping[str, object]]:
    items = row.fields.get("profile")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def read_golds(path: Path) -> Golds:
    """Read an outputs file.

    Raises:
        DataError: It is not as published, or gives an id twice.
    """
    value = SOURCE.json(path)
    if not isinstance(value, dict):
        raise DataError(path, f'is not an object with "task" and "golds". {SOURCE.advice}')
    outputs: dict[str, str] = {}
    for row in SOURCE.rows(path, value.get("golds")):
        key = row.words("id")
        if key in outputs:
            raise row.error("id", f"{key!r} was there before")
        outputs[key] = row.words("output")
    name = value.get("task")
    if name is not None and not (isinstance(name, str) and _known(name)):
        raise DataError(path, f"is {name!r:.60}, where one of {', '.join(TASKS)} is expected", field="task")
    return Golds(name, outputs)


def _known(name: str) -> bool:
    return re.fullmatch(r"\s*(?:LaMP)?[_-]?(?:2[MN]|[1-7])\s*", name, re.IGNORECASE) is not None


def question_rows(path: Path) -> list[Row]:
    """Return the entries of a questions file, not yet checked.

    The published script that fills in LaMP-6 writes its test questions as an object with a list `golds`; that is
    taken too.

    Raises:
        DataError: It is no list of objects, or holds none.
    """
    value = SOURCE.json(path)
    rows = SOURCE.rows(path, value.get("golds") if isinstance(value, dict) else value)
    if not rows:
        raise DataError(path, f"holds no questions. {SOURCE.advice}")
    return rows


def read_questions(rows: Sequence[Row], task: Task, counted: Counter[str]) -> list[Asking]:
    """Check the entries of a questions file and count what is odd.

    Raises:
        DataError: An entry is not as published, or an id comes twice.
    """
    seen: set[str] = set()
    asked: list[Asking] = []
    for row in rows:
        key = row.words("id")
        if key in seen:
            raise row.error("id", f"{key!r} was there before")
        seen.add(key)
        items = _profile(row, task, counted)
        gold = row.words("output") if row.has("output") else None
        asked.append(Asking(key, row.fields["id"], row.text("input"), items, row, gold))
        counted["question with an empty profile"] += not items
    return asked


def _profile(row: Row, task: Task, counted: Counter[str]) -> tuple[ProfileItem, ...]:
    items = []
    for entry in row.rows("profile"):
        fields = {name: _field(entry, name, counted) for name in task.fields}
        item = ProfileItem(entry.words("id"), fields, _date(entry, counted))
        if item.text(task):
            items.append(item)
        else:
            counted["profile item without text, left out"] += 1
    names = unique([item.id for item in items], counted, "profile item id given twice")
    items = [replace(item, id=name) for item, name in zip(items, names, strict=True)]
    times = [item.at for item in items]
    if all(times):
        items.sort(key=lambda item: item.at or datetime.min.replace(tzinfo=UTC))
    elif any(times):
        counted["profile with some dates missing, kept in the order of the file"] += 1
    return tuple(items)


def _field(row: Row, name: str, counted: Counter[str]) -> str:
    if name in row.fields and row.fields[name] is None:
        counted[f"profile item whose {name} is null"] += 1
        return ""
    return row.words(name) if name in row.fields else row.text(name)


_DATE = re.compile(r"\s*(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?!\d)")


def _date(row: Row, counted: Counter[str]) -> datetime | None:
    """Read a year, a month or a day; the files of the time-based split hold all three kinds, depending on the task."""
    if not row.has("date"):
        return None
    match = _DATE.match(str(row.fields["date"]))
    if match is not None:
        year, month, day = (int(part or 1) for part in match.groups())
        try:
            return datetime(year, month, day, tzinfo=UTC)
        except ValueError:
            pass
    counted["profile item whose date cannot be read"] += 1
    return None


def unique(names: Sequence[str], counted: Counter[str], oddity: str) -> list[str]:
    """Return names without repeats: the second `7` becomes `7#2`.

    Args:
        names: Ids as in the file.
        counted: Where repeats are counted.
        oddity: Under which name.
    """
    taken = set(names)
    seen: set[str] = set()
    result = []
    for name in names:
        if name in seen:
            counted[oddity] += 1
            number = 2
            while (name_with := f"{name}#{number}") in taken:
                number += 1
            name = name_with
            taken.add(name)
        seen.add(name)
        result.append(name)
    return result
