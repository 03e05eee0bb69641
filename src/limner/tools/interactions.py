"""Who took which item, when, and how they valued it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limner.errors import InputError
from limner.tools.tables import BrokenRow, Table, read_csv, read_recbole

__all__ = ["Columns", "Interactions"]

_SCHEMA = {
    "row": pl.UInt32(),
    "user": pl.String(),
    "item": pl.String(),
    "value": pl.Float32(),
    "time": pl.Float64(),
}
_LARGEST = float(np.finfo(np.float32).max)
"""A larger value would be infinite in the frame."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns to read.

    `value=None` reads implicit feedback, where every interaction counts 1; `time=None` takes the order of the rows for
    the order in time.
    """

    user: str = "user_id"
    item: str = "item_id"
    value: str | None = "rating"
    time: str | None = "timestamp"


class Interactions:
    """Rows of (user, item, value, time), in the order of their source.

    Times are seconds since 1970, UTC. Repeated (user, item) pairs are all kept: an item taken twice is two rows, and
    a recommender decides what to make of it (those here count a pair once, at its latest time).

    Args:
        frame: Columns `row`, `user`, `item`, `value` and `time`.
        broken: Rows of the source that were left out, and why.
    """

    def __init__(self, frame: pl.DataFrame, broken: Sequence[BrokenRow] = ()) -> None:
        self.frame = frame
        self.broken = tuple(broken)

    @classmethod
    def from_recbole(
        cls, path: Path | str, columns: Columns = Columns(), *, strict: bool = False
    ) -> "Interactions":
        """Read a RecBole atomic file (`.inter`): tab separated, with a header of `name:type`.

        Args:
            path: The file.
            columns: Names of its columns, without the type.
            strict: Raise at the first broken row instead of reporting it in `broken`.

        Raises:
            InputError: The file cannot be read or lacks a column, which is named; or, with `strict`, a row is broken.
        """
        return cls._from_table(read_recbole(Path(path)), columns, strict)

    @classmethod
    def from_csv(
        cls, path: Path | str, columns: Columns = Columns(), *, delimiter: str = ",", strict: bool = False
    ) -> "Interactions":
        """Read a CSV file with a header; times are seconds since 1970 or ISO 8601 (UTC where no offset is given).

        Raises:
            InputError: As for `from_recbole`.
        """
        return cls._from_table(read_csv(Path(path), delimiter), columns, strict)

    @classmethod
    def from_parquet(
        cls, path: Path | str, columns: Columns = Columns(), *, strict: bool = False
    ) -> "Interactions":
        """Read a Parquet file.

        Raises:
            InputError: As for `from_recbole`.
        """
        try:
            frame = pl.read_parquet(path)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise InputError(f"{path} cannot be read as Parquet: {error}.") from error
        return cls.from_frame(frame, columns, strict=strict, source=str(path))

    @classmethod
    def from_frame(
        cls,
        frame: pl.DataFrame,
        columns: Columns = Columns(),
        *,
        strict: bool = False,
        source: str = "The data frame",
    ) -> "Interactions":
        """Take a polars data frame; `row` counts its rows from 1.

        Raises:
            InputError: As for `from_recbole`.
        """
        texts: dict[str, list[str]] = {}
        for name in (columns.user, columns.item, columns.value, columns.time):
            if name is not None and name in frame.columns:
                texts[name] = [_text(value) for value in frame[name].to_list()]
        table = Table(source, texts, list(range(1, frame.height + 1)))
        return cls._from_table(table, columns, strict)

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, str, float, float]]) -> "Interactions":
        """Take (user, item, value, time) tuples.

        Raises:
            InputError: A row is broken; the message gives its number, from 1.
        """
        names = ("user_id", "item_id", "rating", "timestamp")
        cells = [[_text(cell) for cell in row] for row in rows]
        table = Table(
            "The rows",
            {name: [row[place] for row in cells] for place, name in enumerate(names)},
            list(range(1, len(cells) + 1)),
        )
        return cls._from_table(table, Columns(), strict=True)

    @classmethod
    def _from_table(cls, table: Table, columns: Columns, strict: bool) -> "Interactions":
        users, items = table.column(columns.user), table.column(columns.item)
        count = len(users)
        values = _floats(table.column(columns.value)) if columns.value else np.ones(count, dtype=np.float64)
        times = _times(table.column(columns.time)) if columns.time else np.arange(count, dtype=np.float64)
        reasons = _reasons(users, items, values, times)
        broken = sorted(
            [
                *table.broken,
                *(BrokenRow(row=table.rows[place], reason=reason) for place, reason in reasons.items()),
            ],
            key=lambda row: row.row,
        )
        if strict and broken:
            raise InputError(f"{table.source}: row {broken[0].row} is broken: {broken[0].reason}.")
        frame = pl.DataFrame(
            {"row": table.rows, "user": users, "item": items, "value": values, "time": times}, schema=_SCHEMA
        )
        if reasons:
            keep = np.ones(count, dtype=np.bool_)
            keep[list(reasons)] = False
            frame = frame.filter(pl.Series(keep))
        return cls(frame, broken)

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        return f"<Interactions: {len(self)} of {len(self.users)} users with {len(self.items)} items>"

    @cached_property
    def users(self) -> tuple[str, ...]:
        """Distinct users, in order of appearance."""
        return tuple(self.frame["user"].unique(maintain_order=True).to_list())

    @cached_property
    def items(self) -> tuple[str, ...]:
        """Distinct item ids, in order of appearance."""
        return tuple(self.frame["item"].unique(maintain_order=True).to_list())

    @property
    def user(self) -> NDArray[np.object_]:
        """User of each interaction, shape `(len(self),)`."""
        return np.asarray(self.frame["user"].to_list(), dtype=np.object_)

    @property
    def item(self) -> NDArray[np.object_]:
        """Item id of each interaction, shape `(len(self),)`."""
        return np.asarray(self.frame["item"].to_list(), dtype=np.object_)

    @property
    def value(self) -> NDArray[np.float32]:
        """Rating of each interaction, or 1 for implicit feedback, shape `(len(self),)`."""
        return self.frame["value"].to_numpy()

    @property
    def time(self) -> NDArray[np.float64]:
        """Seconds since 1970 of each interaction, shape `(len(self),)`."""
        return self.frame["time"].to_numpy()

    @property
    def rows(self) -> tuple[int, ...]:
        """Row number of each interaction in its source, which `without` takes."""
        return tuple(self.frame["row"].to_list())

    @cached_property
    def _by_user(self) -> Mapping[str, pl.DataFrame]:
        ordered = self.frame.sort("time", maintain_order=True)
        parts = ordered.partition_by("user", as_dict=True, maintain_order=True)
        return {str(key[0]): part for key, part in parts.items()}

    def by_user(self, user: str) -> "Interactions":
        """Return one user's interactions in order of time, ties in the order of the source; none for a stranger."""
        return Interactions(self._by_user.get(user, self.frame.clear()))

    def histories(self) -> dict[str, list[str]]:
        """Return each user's item ids in order of time, ties in the order of the source."""
        return {user: self._by_user[user]["item"].to_list() for user in self.users}

    def without(self, rows: Iterable[int]) -> "Interactions":
        """Return the interactions but for those with these row numbers."""
        return Interactions(self.frame.filter(~pl.col("row").is_in(list(rows))), self.broken)

    def only_items(self, item_ids: Iterable[str]) -> "Interactions":
        """Return the interactions with these items."""
        return Interactions(self.frame.filter(pl.col("item").is_in(list(item_ids))), self.broken)

    def last(self, n: int) -> "Interactions":
        """Return the `n` latest, in order of time."""
        ordered = self.frame.sort("time", maintain_order=True)
        return Interactions(ordered.tail(n) if n > 0 else ordered.clear())


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def _floats(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return numbers, NaN where there is none."""
    return (
        pl
        .Series(texts, dtype=pl.String)
        .str.strip_chars()
        .cast(pl.Float64, strict=False)
        .fill_null(np.nan)
        .to_numpy()
    )


def _times(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return seconds since 1970, NaN where a text is neither a number nor a moment."""
    times = _floats(texts).copy()
    for place in np.flatnonzero(np.isnan(times)).tolist():
        try:
            moment = datetime.fromisoformat(texts[place].strip())
        except ValueError:
            continue
        times[place] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return times


def _reasons(
    users: Sequence[str], items: Sequence[str], values: NDArray[np.float64], times: NDArray[np.float64]
) -> dict[int, str]:
    """Return, by place, why a row cannot be used."""
    reasons: dict[int, str] = {}
    for place in np.flatnonzero(~np.isfinite(times)).tolist():
        reasons[place] = "the time is missing or not a time"
    for place in np.flatnonzero(~(np.abs(values) <= _LARGEST)).tolist():
        reasons[place] = "the value is missing or not a finite number"
    for what, ids in (("item", items), ("user", users)):
        for place, text in enumerate(ids):
            if not text.strip():
                reasons[place] = f"the {what} is empty"
    return reasons
