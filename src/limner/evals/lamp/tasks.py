"""The tasks of LaMP: their fields, classes and queries (Salemi et al. 2023, "LaMP", §2 and appendix A)."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from limner.errors import InputError

__all__ = ["TASKS", "Kind", "Task", "named_task", "task_in_path"]

Kind = Literal["choice", "rating", "text"]
"""What an answer is: one of a few classes, a number of stars, or words."""


@dataclass(frozen=True)
class Task:
    """What sets one task of LaMP apart from the others."""

    name: str
    kind: Kind
    prompt: str
    """Name of the prompt file, which holds the published template."""
    fields: tuple[str, ...]
    """What every profile item has besides its id."""
    corpus: tuple[str, ...]
    """The fields that retrieval sees, joined by a space."""
    cut: str
    """The field that is shortened where the prompt would be too long."""
    marker: str = ""
    """What stands before the query in the input."""
    labels: tuple[str, ...] = ()
    """Every class, in the order of the official scorer."""
    label: str | None = None
    """The field of a profile item that says how the user decided, where retrieval does not see it."""

    def query(self, text: str) -> str | None:
        """Return the part of an input that memories are searched for; none where the input is not of this task.

        The instruction around it is the same for everyone and would only blur the search. In LaMP-1 the query is
        the titles of both candidate references, as in the published runs.
        """
        if self.name == "LaMP_1":
            return _references(text)
        _, found, query = text.partition(self.marker)
        return query.strip() or None if found else None

    def instruction(self, text: str) -> str:
        """Return an input without its query, or as much of it as tells what kind of answer is wanted."""
        if self.name == "LaMP_1":
            return "Which reference is related? Just answer with [1] or [2] without explanation."
        before, found, _ = text.partition(self.marker)
        return (before + found).strip() or text


# A title may hold quotes itself, so the marks of the two references are looked for and not the quotes.
_REFERENCES = re.compile(r'\[1\]:\s*"(.*)"\s*\[2\]:\s*"(.*)"\s*\Z', re.DOTALL)


def _references(text: str) -> str | None:
    match = _REFERENCES.search(text)
    return (" ".join(part.strip() for part in match.groups()).strip() or None) if match else None


_TAGS = (
    "sci-fi",
    "based on a book",
    "comedy",
    "action",
    "twist ending",
    "dystopia",
    "dark comedy",
    "classic",
    "psychology",
    "fantasy",
    "romance",
    "thought-provoking",
    "social commentary",
    "violence",
    "true story",
)
_CATEGORIES = (
    "food & drink",
    "sports",
    "education",
    "parents",
    "religion",
    "travel",
    "business",
    "crime",
    "science & technology",
    "culture & arts",
    "entertainment",
    "politics",
    "women",
    "style & beauty",
    "healthy living",
)
_ALL = (
    Task(
        "LaMP_1",
        "choice",
        "citation",
        ("title", "abstract"),
        ("title", "abstract"),
        "title",
        labels=("[1]", "[2]"),
    ),
    Task(
        "LaMP_2",
        "choice",
        "movie_tag",
        ("description", "tag"),
        ("description",),
        "description",
        "description:",
        _TAGS,
        "tag",
    ),
    Task(
        "LaMP_2N",
        "choice",
        "news_category",
        ("title", "text", "category"),
        ("title", "text"),
        "text",
        "article:",
        _CATEGORIES,
        "category",
    ),
    Task(
        "LaMP_3",
        "rating",
        "rating",
        ("text", "score"),
        ("text",),
        "text",
        "review:",
        ("1", "2", "3", "4", "5"),
        "score",
    ),
    Task("LaMP_4", "text", "title", ("title", "text"), ("title", "text"), "text", "article:"),
    Task("LaMP_5", "text", "paper_title", ("title", "abstract"), ("title", "abstract"), "abstract", "paper:"),
    Task("LaMP_6", "text", "title", ("title", "text"), ("text",), "text", ":", label="title"),
    Task("LaMP_7", "text", "tweet", ("text",), ("text",), "text", ":"),
)
TASKS = {task.name: task for task in _ALL}
"""Tasks by name. `LaMP_2` is movie tagging; `LaMP_2N` is the news categorisation that was called LaMP-2 at first."""

_NAME = re.compile(r"\A(?:LaMP)?[_-]?([1-7])([MN]?)\Z", re.IGNORECASE)
_IN_NAME = re.compile(r"(?<![a-z])LaMP[_-]?([1-7])([MN]?)(?![a-z0-9])", re.IGNORECASE)


def named_task(name: str) -> Task:
    """Return the task of a name such as `LaMP_3`, `LaMP-3`, `3` or `2N`.

    Raises:
        InputError: There is none.
    """
    match = _NAME.match(name.strip())
    if match is None or (match[2] and match[1] != "2"):
        raise InputError(f"There is no LaMP task {name!r}; there are {', '.join(TASKS)}.")
    return _task(match)


def task_in_path(path: Path) -> Task | None:
    """Return the task that a file name tells, or else the nearest folder: the published files lie in `LaMP_3/dev/`."""
    for part in (path.name, *(folder.name for folder in path.absolute().parents)):
        match = _IN_NAME.search(part)
        if match is not None:
            return _task(match)
    return None


def _task(match: re.Match[str]) -> Task:
    return TASKS[f"LaMP_{match[1]}{'N' if match[1] == '2' and match[2].upper() == 'N' else ''}"]
