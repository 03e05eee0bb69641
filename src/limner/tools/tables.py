"""Reading of delimited tables, row by row, so that one broken row costs one row and not the file."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from limner.errors import InputError
from limner.memory.records import Record

__all__ = ["BrokenRow", "Table", "read_csv", "read_recbole"]


class BrokenRow(Record):
    """A row that could not be used, and why."""

    row: int
    """Line of the file, the header being line 1; for Parquet and data frames the data row, from 1."""
    reason: str


@dataclass(frozen=True)
class Table:
    """A table as text: columns by name, all of the same length."""

    source: str
    columns: dict[str, list[str]]
    rows: list[int]
    """Line number of each row."""
    types: dict[str, str] = field(default_factory=dict)
    """RecBole's type of each column (`token`, `token_seq`, `float`, `float_seq`); empty for CSV."""
    broken: list[BrokenRow] = field(default_factory=list)

    def column(self, name: str) -> list[str]:
        """Return one column.

        Raises:
            InputError: The table has no such column; the message names it and those there are.
        """
        if name not in self.columns:
            there = ", ".join(self.columns) or "none"
            raise InputError(f"{self.source}: the column {name!r} is missing; there are: {there}.")
        return self.columns[name]


def read_recbole(path: Path) -> Table:
    """Read a RecBole atomic file: tab separated, with a header of `name:type`, no quoting.

    Raises:
        InputError: The file is missing, empty, or its header has a column without a type.
    """
    header, rows, numbers, broken = _read(path, delimiter="\t", quoting=csv.QUOTE_NONE)
    names, types = [], {}
    for cell in header:
        name, separator, kind = cell.partition(":")
        if not separator:
            raise InputError(f"{path}: the header cell {cell!r} has no type; RecBole files say `name:type`.")
        names.append(name)
        types[name] = kind
    return Table(str(path), _columns(names, rows), numbers, types, broken)


def read_csv(path: Path, delimiter: str = ",") -> Table:
    """Read a CSV file with a header.

    Raises:
        InputError: The file is missing or empty.
    """
    header, rows, numbers, broken = _read(path, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL)
    return Table(str(path), _columns([cell.strip() for cell in header], rows), numbers, {}, broken)


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    if not rows:
        return {name: [] for name in names}
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _read(
    path: Path, *, delimiter: str, quoting: int
) -> tuple[list[str], list[list[str]], list[int], list[BrokenRow]]:
    rows: list[list[str]] = []
    numbers: list[int] = []
    broken: list[BrokenRow] = []
    header: list[str] | None = None
    for line, cells in _lines(path, delimiter, quoting):
        if header is None:
            if isinstance(cells, str):
                raise InputError(f"{path}: the header cannot be read: {cells}.")
            header = cells
        elif isinstance(cells, str):
            broken.append(BrokenRow(row=line, reason=cells))
        elif len(cells) != len(header):
            broken.append(
                BrokenRow(row=line, reason=f"{len(cells)} fields where the header has {len(header)}")
            )
        else:
            rows.append(cells)
            numbers.append(line)
    if header is None:
        raise InputError(f"{path} is empty: not even a header.")
    return header, rows, numbers, broken


def _lines(path: Path, delimiter: str, quoting: int) -> Iterator[tuple[int, list[str] | str]]:
    """Yield (line number, cells), or (line number, reason) where a line cannot be read; blank lines are skipped."""
    try:
        # Bytes that are not UTF-8 come through as lone surrogates, so that only their own row is refused.
        file = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    with file:
        reader = csv.reader(file, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, str(error)
                continue
            if not cells:
                continue
            if not _is_text(cells):
                yield line, "bytes that are not UTF-8"
            else:
                yield line, cells


def _is_text(cells: Sequence[str]) -> bool:
    joined = "".join(cells)
    if joined.isascii():
        return True
    return not any("\udc80" <= character <= "\udcff" for character in joined)
