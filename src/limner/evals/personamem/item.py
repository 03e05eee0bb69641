"""What both versions of the file are read into."""

import ast
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limner.evals.records import Role, Turn
from limner.evals.scoring.letters import LETTERS
from limner.evals.sources import Row

__all__ = [
    "UNKNOWN",
    "Item",
    "Loaded",
    "bucket_of_blocks",
    "bucket_of_tokens",
    "literal",
    "role_and_text",
    "texts",
    "unrepeated",
]

UNKNOWN = "unknown"
_BLOCKS = (6, 11, 21, 41)
_THOUSANDS = (0, 4, 8, 16, 32, 64, 128, 256, 512)


@dataclass(frozen=True)
class Item:
    """One question of the file, its options in their base order."""

    id: str
    message: str
    """The user's message, to which each option is a reply."""
    options: tuple[str, ...]
    correct: int
    type: str
    persona: str
    history: str | None
    groups: Mapping[str, str]
    """Value by grouping: the type, distances and others."""
    shortest: bool
    """Whether the length heuristic picks the shortest option here."""


@dataclass
class Loaded:
    """What was read."""

    files: tuple[Path, ...]
    items: list[Item] = field(default_factory=list)
    histories: dict[str, Sequence[Turn]] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)


def literal(row: Row, name: str, *, json_first: bool = False) -> Any:  # noqa: ANN401  (callers check what it is)
    """Return the value of a field that holds a Python literal (or JSON) as text.

    Raises:
        DataError: It is missing or neither.
    """
    text = row.text(name)
    if json_first:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass  # older rows hold Python literals
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise row.error(name, f"is not a list or an object written as text: {error!r:.120}") from error


def texts(row: Row, name: str, value: object, low: int) -> list[str]:
    """Return a list of texts that was read from a field, stripped.

    Args:
        row: Where it was.
        name: Of the field.
        value: What was read.
        low: How many there must be at least; there can be no more than letters.

    Raises:
        DataError: It is no such list, or one is blank.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one.strip() for one in value):
        raise row.error(name, "is no list of texts that are not blank")
    if not low <= len(value) <= len(LETTERS):
        raise row.error(name, f"has {len(value)} entries where {low} to {len(LETTERS)} are expected")
    return [one.strip() for one in value]


def role_and_text(row: Row) -> tuple[Role, str]:
    """Return role and text of a message; the text may be blank.

    Raises:
        DataError: One is missing or of another kind.
    """
    role = row.text("role")
    if role not in ("system", "user", "assistant"):
        raise row.error("role", f"is {role!r:.40} where system, user or assistant is expected")
    return role, row.text("content", empty=True)  # type: ignore[return-value]


def unrepeated(rows: Sequence[Row], counted: Counter[str]) -> list[Row]:
    """Return the rows without those that repeat an earlier one in everything but the question's id."""
    seen: set[str] = set()
    kept = []
    for row in rows:
        content = repr([(name, value) for name, value in row.fields.items() if name != "question_id"])
        if content in seen:
            counted["row that repeats another, left out"] += 1
        else:
            seen.add(content)
            kept.append(row)
    return kept


def bucket_of_blocks(row: Row, name: str, counted: Counter[str]) -> str:
    """Return the bucket of a distance in blocks (sessions): one each up to 5, then 06-10, 11-20, 21-40, 41+.

    Raises:
        DataError: It is no number.
    """
    blocks = _distance(row, name, counted)
    if blocks is None:
        return UNKNOWN
    if blocks < _BLOCKS[0]:
        return f"{int(blocks):02d}"
    return _span(blocks, _BLOCKS, "{:02d}", last=-1)


def bucket_of_tokens(row: Row, name: str, counted: Counter[str]) -> str:
    """Return the bucket of a distance in tokens: in thousands, each twice as wide as the one before.

    Raises:
        DataError: It is no number.
    """
    tokens = _distance(row, name, counted)
    return UNKNOWN if tokens is None else _span(tokens / 1000, _THOUSANDS, "{:03d}k", last=0)


def _distance(row: Row, name: str, counted: Counter[str]) -> float | None:
    value = row.fields.get(name)
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "nan", "none")):
        counted[f"no {name}"] += 1
        return None
    return max(0.0, row.number_in(name))


def _span(value: float, edges: Sequence[int], shape: str, last: int) -> str:
    low = max(edge for edge in edges if edge <= value)
    above = [edge for edge in edges if edge > value]
    return f"{shape.format(low)}-{shape.format(above[0] + last)}" if above else f"{shape.format(low)}+"
