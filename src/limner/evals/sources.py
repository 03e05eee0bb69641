"""Reading benchmark files: every error names file, row and field, and says where the published file comes from."""

import csv
import hashlib
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from limner.errors import InputError

__all__ = ["DataError", "Row", "Source", "file_hash"]

Kind = TypeVar("Kind")


class DataError(InputError):
    """A benchmark file is missing, or is not what it should be.

    Args:
        path: The file.
        problem: What is wrong, and what would be right.
        row: Which entry, counted from 0 as in the file; none where it is the whole file.
        field: Which field of it.
    """

    def __init__(
        self, path: Path, problem: str, row: int | str | None = None, field: str | None = None
    ) -> None:
        where = [str(path)]
        where += [] if row is None else [f"row {row}"]
        where += [] if field is None else [f"field {field!r}"]
        super().__init__(f"{', '.join(where)}: {problem}")
        self.path, self.row, self.field = path, row, field


@dataclass(frozen=True)
class Source:
    """Where a published file comes from, and what it must look like."""

    name: str
    """Of the benchmark, such as `PersonaMem v1`."""
    url: str
    looks: str
    """The layout in one sentence: file names and fields."""

    def found(self, path: str | Path, *, folder: bool = False) -> Path:
        """Return a path that is there.

        Args:
            path: What the user gave.
            folder: Whether a folder is wanted and not a file.

        Raises:
            DataError: It is not there, or is the other kind; the message says where to get it.
        """
        place = Path(path)
        try:
            place = place.expanduser()
            if place.is_dir() if folder else place.is_file():
                return place
            state = "does not exist" if not place.exists() else f"is not a {'folder' if folder else 'file'}"
        except (OSError, ValueError, RuntimeError) as error:  # a name too long, or with a NUL; no such home
            raise DataError(place, f"is no path: {error}. {self.advice}") from error
        raise DataError(place, f"{state}. {self.advice}")

    @property
    def advice(self) -> str:
        """Where the file comes from and how it must look."""
        return f"{self.name} is published at {self.url}; it must look like this: {self.looks}"

    def json(self, path: Path) -> Any:  # noqa: ANN401  (any JSON value; the caller checks it through `Row`)
        """Read a JSON file.

        Raises:
            DataError: It cannot be read, is not UTF-8, or is not JSON.
        """
        return self._parsed(path, self.text(path), None)

    def json_lines(self, path: Path) -> Iterator[tuple[int, Any]]:
        """Yield the values of a JSON Lines file with the number of their row, blank lines left out.

        Raises:
            DataError: As `json`.
        """
        for number, line in enumerate(self.text(path).split("\n")):
            if line.strip():
                yield number, self._parsed(path, line, number)

    def table(self, path: Path, columns: Sequence[str], delimiter: str = ",") -> list["Row"]:
        """Read a table with a header.

        Args:
            path: The file.
            columns: Columns that must be there.
            delimiter: Between two fields.

        Raises:
            DataError: It cannot be read, or a column is missing, or a row has too few fields.
        """
        csv.field_size_limit(sys.maxsize)
        lines = self.text(path).splitlines(keepends=True)
        try:
            reader = csv.DictReader(lines, delimiter=delimiter, strict=True)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise DataError(path, f"the header lacks {', '.join(missing)}. {self.advice}")
            return [Row(path, number, dict(fields)) for number, fields in enumerate(reader)]
        except csv.Error as error:
            raise DataError(path, f"is not a table: {error}. {self.advice}") from error

    def text(self, path: Path) -> str:
        """Read a text file.

        Raises:
            DataError: It cannot be read, or is not UTF-8.
        """
        try:
            return path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(path, f"is not UTF-8: {error}. {self.advice}") from error
        except OSError as error:
            raise DataError(path, f"cannot be read: {error.strerror}. {self.advice}") from error

    def rows(self, path: Path, value: object) -> list["Row"]:
        """Return the entries of a JSON list of objects.

        Raises:
            DataError: It is no such list.
        """
        if not isinstance(value, list):
            raise DataError(path, f"holds {_kind(value)} where a list is expected. {self.advice}")
        return [Row.of(path, number, entry) for number, entry in enumerate(value)]

    def _parsed(self, path: Path, text: str, row: int | None) -> Any:  # noqa: ANN401
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(path, f"is not JSON: {error}. {self.advice}", row) from error


@dataclass(frozen=True)
class Row:
    """One entry of a file, whose fields are read with their type checked."""

    path: Path
    number: int | str
    fields: Mapping[str, Any]

    @classmethod
    def of(cls, path: Path, number: int | str, value: object) -> "Row":
        """Take a JSON value as an entry.

        Raises:
            DataError: It is not an object.
        """
        if not isinstance(value, dict):
            raise DataError(path, f"is {_kind(value)} where an object is expected", number)
        return cls(path, number, value)

    def error(self, field: str | None, problem: str) -> DataError:
        """Return an error about a field of this row."""
        return DataError(self.path, problem, self.number, field)

    def has(self, field: str) -> bool:
        """Whether a field is there and not null."""
        return self.fields.get(field) is not None

    def text(self, field: str, *, empty: bool = False) -> str:
        """Return a text.

        Args:
            field: Its name.
            empty: Whether a blank one is accepted.

        Raises:
            DataError: It is missing, of another type, or blank.
        """
        value = self._typed(field, str)
        if not empty and not value.strip():
            raise self.error(field, "is empty")
        return value

    def words(self, field: str) -> str:
        """Return a text or a number as text, as files that mix both need it.

        Raises:
            DataError: It is missing or neither.
        """
        value = self.fields.get(field)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self.error(field, f"is {_kind(value)} where a text or a number is expected")
        return str(value)

    def number_in(self, field: str, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a number, also when it is written as text.

        Raises:
            DataError: It is missing, no finite number, or out of range.
        """
        value = self.fields.get(field)
        try:
            number = float("nan") if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if not math.isfinite(number) or not low <= number <= high:
            span = "" if low == -math.inf and high == math.inf else f" from {low:g} to {high:g}"
            raise self.error(field, f"is {value!r:.60} where a number{span} is expected")
        return number

    def whole(self, field: str, low: int = -(2**63), high: int = 2**63) -> int:
        """Return a whole number, also when it is written as text.

        Raises:
            DataError: It is missing, not whole, or out of range.
        """
        number = self.number_in(field, low, high)
        if number != int(number):
            raise self.error(field, f"is {number!r} where a whole number is expected")
        return int(number)

    def items(self, field: str) -> list[Any]:
        """Return a list.

        Raises:
            DataError: It is missing or of another type.
        """
        return self._typed(field, list)

    def rows(self, field: str) -> list["Row"]:
        """Return a list of objects as rows, numbered `3/field/0`.

        Raises:
            DataError: It is missing, or holds something else.
        """
        return [Row.of(self.path, f"{self.number}/{field}/{i}", v) for i, v in enumerate(self.items(field))]

    def _typed(self, field: str, kind: type[Kind]) -> Kind:
        value = self.fields.get(field)
        if not isinstance(value, kind):
            expected = {str: "a text", list: "a list", dict: "an object"}[kind]  # type: ignore[index]
            state = "is missing" if field not in self.fields else f"is {_kind(value)}"
            raise self.error(field, f"{state} where {expected} is expected")
        return value


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
