"""What commands print: JSON for programs, text and tables for people."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from limner.memory.records import Evidence

__all__ = ["as_plain", "byte_progress", "console", "print_evidence", "print_json", "print_table", "when"]


def as_plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return records, dataclasses, moments and paths as what JSON knows."""
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, fallback=str)


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value as JSON on standard output."""
    typer.echo(json.dumps(as_plain(value), ensure_ascii=False, indent=indent))


def console(*, err: bool = False) -> "Console":
    """Return a console that prints users' texts as they are, without reading markup into them."""
    from rich.console import Console

    return Console(stderr=err, markup=False, highlight=False, emoji=False, soft_wrap=True)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = (), wide: bool = False
) -> None:
    """Print a table; the columns named in `right` hold numbers, and a `wide` one is never folded to fit the terminal."""
    from rich.box import SIMPLE
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    shown = console()
    if wide:
        shown.width = max(
            shown.width, Measurement.get(shown, shown.options.update(max_width=1000), table).maximum
        )
    shown.print(table, soft_wrap=False)


def print_evidence(evidence: "Iterable[Evidence]") -> None:
    """Print what a statement rests on, one span a line, with the observation's id."""
    from rich.text import Text

    for span in evidence:
        sign = "+" if span.polarity == "supports" else "-"
        console().print(Text(f"       {sign} “{span.quote}”  {span.observation_id}", style="dim"))


def when(moment: datetime | None) -> str:
    """Return a moment in this machine's time zone, to the minute; nothing for none."""
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


@contextmanager
def byte_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show how far downloads have got, on standard error; yields what a download reports to."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(err=True)) as bar:
        tasks: dict[str, Any] = {}

        def report(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)

        yield report
