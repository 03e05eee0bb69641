"""Typed attributes of a catalogue, each kept as a column that answers conditions fast."""

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limner.errors import InputError
from limner.memory.records import AttributeValue, Record
from limner.tools.filters import Condition, plain

__all__ = ["Attribute", "Column", "Kind", "column", "infer_kind"]

Kind = Literal["category", "categories", "number", "text"]
"""One of a few values, several of a few values, a number, or free text."""


class Attribute(Record):
    """What is known of one attribute of the catalogue."""

    name: str
    kind: Kind
    values: tuple[str, ...] = ()
    """Every value that occurs, most frequent first; only for `category` and `categories`."""
    minimum: float | None = None
    """Only for `number`."""
    maximum: float | None = None
    missing: int = 0
    """Number of items without a value."""

    @property
    def integral(self) -> bool:
        """Whether a number that occurs at either end is whole, as years are."""
        ends = [end for end in (self.minimum, self.maximum) if end is not None]
        return bool(ends) and all(float(end).is_integer() for end in ends)


def infer_kind(values: Sequence[AttributeValue]) -> Kind:
    """Return the kind that fits the values of one attribute (those that are there)."""
    if values and all(isinstance(value, float) for value in values):
        return "number"
    if any(isinstance(value, tuple) for value in values):
        return "categories"
    # A text that on average stands on two items or more is a category; names and sentences rarely repeat.
    return "category" if len(set(values)) * 2 <= len(values) else "text"


class Column(Protocol):
    """The values of one attribute over all items of a catalogue."""

    @property
    def attribute(self) -> Attribute:
        """Name, kind and values."""
        ...

    def holds(self, condition: Condition) -> NDArray[np.bool_]:
        """Return which items satisfy a validated condition, as an array of shape `(items,)`."""
        ...


def column(name: str, values: Sequence[AttributeValue | None], kind: Kind) -> Column:
    """Build the column for an attribute; `None` where an item has no value.

    Raises:
        InputError: A value does not fit the kind.
    """
    if kind == "number":
        return NumberColumn(name, values)
    if kind == "text":
        return TextColumn(name, values)
    return CategoryColumn(name, values, kind)


class NumberColumn:
    """Numbers, with NaN where a value is missing (no comparison holds for NaN)."""

    def __init__(self, name: str, values: Sequence[AttributeValue | None]) -> None:
        numbers = []
        for value in values:
            try:
                numbers.append(np.nan if value is None else float(value))  # type: ignore[arg-type]
            except (TypeError, ValueError):
                raise InputError(f"The attribute {name!r} is a number, but one value is {value!r}.") from None
        self._numbers = np.asarray(numbers, dtype=np.float64)
        there = self._numbers[np.isfinite(self._numbers)]
        self.attribute = Attribute(
            name=name,
            kind="number",
            minimum=float(there.min()) if there.size else None,
            maximum=float(there.max()) if there.size else None,
            missing=int(self._numbers.size - there.size),
        )

    def holds(self, condition: Condition) -> NDArray[np.bool_]:
        """See `Column.holds`."""
        values = [float(value) for value in condition.values]
        numbers = self._numbers
        match condition.op:
            case "between":
                return (numbers >= values[0]) & (numbers <= values[1])
            case ">":
                return numbers > values[0]
            case ">=":
                return numbers >= values[0]
            case "<":
                return numbers < values[0]
            case "<=":
                return numbers <= values[0]
        among = np.isin(numbers, values)
        return among if condition.op == "in" else ~among


class CategoryColumn:
    """One or several of a limited set of values, as a list of items for each value."""

    def __init__(self, name: str, values: Sequence[AttributeValue | None], kind: Kind) -> None:
        holders: dict[str, list[int]] = {}
        missing = 0
        for position, value in enumerate(values):
            texts = _as_texts(value)
            missing += not texts
            for text in texts:
                holders.setdefault(text, []).append(position)
        self._size = len(values)
        self._holders = {text: np.asarray(positions, dtype=np.intp) for text, positions in holders.items()}
        names = tuple(sorted(holders, key=lambda text: (-len(holders[text]), text)))
        self.attribute = Attribute(name=name, kind=kind, values=names, missing=missing)

    def holds(self, condition: Condition) -> NDArray[np.bool_]:
        """See `Column.holds`."""
        among = np.zeros(self._size, dtype=np.bool_)
        for value in condition.values:
            among[self._holders[str(value)]] = True
        return among if condition.op == "in" else ~among


class TextColumn:
    """Free text, searched without regard to case."""

    def __init__(self, name: str, values: Sequence[AttributeValue | None]) -> None:
        texts = [None if value is None else " ".join(_as_texts(value)) for value in values]
        self._texts = pl.Series(name, texts, dtype=pl.String).str.to_lowercase()
        self.attribute = Attribute(name=name, kind="text", missing=self._texts.null_count())

    def holds(self, condition: Condition) -> NDArray[np.bool_]:
        """See `Column.holds`."""
        wanted = str(condition.values[0]).lower()
        found = self._texts.str.contains(wanted, literal=True).fill_null(False)
        return found.to_numpy().astype(np.bool_)


def _as_texts(value: AttributeValue | None) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, float):
        return (plain(value),)
    return (value,) if isinstance(value, str) else tuple(dict.fromkeys(value))
