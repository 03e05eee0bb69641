"""The page: what is told of each task, in which order, and how numbers are written."""

import functools
import os
import tempfile
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import jinja2

from limner.errors import InputError
from limner.evals.reporting.differences import Note, shared, warnings_of
from limner.evals.reporting.plots import Plot, dot_plot
from limner.evals.results import Result, Statement

__all__ = ["report", "write_whole", "written"]

_LANES_AT_MOST = 60
"""Dots in the plot of groups beyond which only the table is shown: nobody reads more."""


@dataclass(frozen=True)
class _Run:
    number: int
    result: Result
    statements: Mapping[str, Statement]
    groups: Mapping[str, Mapping[str, Statement]]

    @property
    def memory(self) -> str:
        return self.result.memory if self.result.k is None else f"{self.result.memory}, k = {self.result.k}"

    @property
    def name(self) -> str:
        return self.memory if self.result.model == "none" else f"{self.memory}, {self.result.model}"


@dataclass(frozen=True)
class _Said:
    """A figure that some of the runs come with."""

    name: str
    value: float
    runs: tuple[int, ...]
    """Which ones; empty where all do."""


@dataclass(frozen=True)
class _Task:
    name: str
    anchor: str
    runs: Sequence[_Run]
    measures: Sequence[str]
    better: Mapping[str, str]
    groups: Sequence[str]
    floors: Sequence[_Said]
    published: Sequence[_Said]
    counted: Sequence[_Said]
    plot: Plot | None
    group_plot: Plot | None
    notes: Sequence[Note]

    def sizes(self, group: str, measure: str) -> list[int]:
        """Return how many items of a group were counted: one number where all runs agree."""
        stated = [run.groups.get(group, {}).get(measure) for run in self.runs]
        sizes = [0 if own is None else own.n for own in stated]
        return sizes[:1] if len(set(sizes)) == 1 else sizes


def report(results: Sequence[Result]) -> str:
    """Return one HTML page about some runs, which needs no other file, no network and no script.

    Args:
        results: The runs; those of one task stand together, in this order.

    Raises:
        InputError: There is none.
    """
    if not results:
        raise InputError("There is no run to report.")
    by_task: dict[str, list[Result]] = {}
    for result in results:
        by_task.setdefault(result.task, []).append(result)
    tasks = [
        _task(name, f"task-{place}", runs) for place, (name, runs) in enumerate(by_task.items(), start=1)
    ]
    return (
        _environment().get_template("report.html.jinja").render(title=_title(results, by_task), tasks=tasks)
    )


def written(results: Sequence[Result], path: Path) -> Path:
    """Write the page of some runs to a file, whole or not at all, and return where.

    Raises:
        InputError: There is no run, or the folder cannot be written to.
    """
    return write_whole(report(results), path)


def write_whole(page: str, path: Path) -> Path:
    """Write a page to a file, whole or not at all, and return where.

    Raises:
        InputError: The folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, as a rename is only atomic within a file system.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(page)
            partial.chmod(0o644)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"The report cannot be written to {path}: {error.strerror or error}.") from error
    return path


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("limner.evals.reporting", "templates"),
        autoescape=True,  # results hold what models and users wrote
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, count=_count, duration=_duration, date=_date, short=_short)
    return environment


def _title(results: Sequence[Result], tasks: Iterable[str]) -> str:
    days = sorted(_date(result)[:10] for result in results)
    when = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    return f"{', '.join(tasks)}: {len(results)} {'run' if len(results) == 1 else 'runs'}, {when}"


def _task(name: str, anchor: str, results: Sequence[Result]) -> _Task:
    runs = [
        _Run(
            number,
            result,
            _by_measure(result.statements),
            {group: _by_measure(stated) for group, stated in result.groups.items()},
        )
        for number, result in enumerate(results, start=1)
    ]
    better = {statement.measure: statement.better for result in results for statement in result.statements}
    measures = list(better)
    groups = sorted({group for result in results for group in result.groups})
    floors = _said(runs, lambda result: result.floors)
    return _Task(
        name=name,
        anchor=anchor,
        runs=runs,
        measures=measures,
        better=better,
        groups=groups,
        floors=floors,
        published=_said(runs, lambda result: result.published),
        counted=_said(runs, lambda result: result.counted),
        plot=_plot(runs, measures, floors),
        group_plot=_group_plot(runs, measures, groups),
        notes=warnings_of(results),
    )


def _by_measure(statements: Sequence[Statement]) -> dict[str, Statement]:
    return {statement.measure: statement for statement in statements}


def _said(runs: Sequence[_Run], figures: Callable[[Result], Mapping[str, float]]) -> list[_Said]:
    """Gather what the runs come with; a figure in which they differ is listed once for each value."""
    found: dict[tuple[str, float], list[Hashable]] = {}
    for run in runs:
        for name, value in figures(run.result).items():
            found.setdefault((name, value), []).append(run.number)
    return [_Said(name, value, shared(numbers, len(runs))) for (name, value), numbers in found.items()]


def _plot(runs: Sequence[_Run], measures: Sequence[str], floors: Sequence[_Said]) -> Plot | None:
    if not measures:
        return None
    lines = {_with_runs(floor): floor.value for floor in floors}
    rows = {
        f"{run.number}. {run.name}": [(run.number, run.statements[measures[0]])]
        for run in runs
        if measures[0] in run.statements
    }
    return dot_plot(measures[0], rows, lines)


def _group_plot(runs: Sequence[_Run], measures: Sequence[str], groups: Sequence[str]) -> Plot | None:
    if not measures or len(groups) < 2 or len(groups) * len(runs) > _LANES_AT_MOST:
        return None
    rows = {
        group: [
            (run.number, run.groups[group][measures[0]])
            for run in runs
            if measures[0] in run.groups.get(group, {})
        ]
        for group in groups
    }
    return dot_plot(measures[0], rows)


def _with_runs(said: _Said) -> str:
    return f"{said.name} (run {', '.join(map(str, said.runs))})" if said.runs else said.name


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"


def _count(value: int) -> str:
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _date(result: Result) -> str:
    return result.started.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _short(digest: Any) -> str:  # noqa: ANN401 - a template hands in what it has
    return str(digest)[:12]
