"""Where dots, intervals and lines lie in a plot; the template draws them.

Widths are shares of the plot's own, so that it fits a phone and a wall alike and its letters keep their size.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from limner.evals.results import Statement

__all__ = ["Line", "Mark", "Plot", "Row", "Tick", "dot_plot"]

_LABEL = 18
"""Height of a line of text, in pixels."""
_LANE = 24
"""Height of one run's dot and interval."""
_GAP = 8


@dataclass(frozen=True)
class Tick:
    """A place on the axis."""

    x: float
    text: str


@dataclass(frozen=True)
class Mark:
    """One run's value and its interval."""

    number: int
    """Of the run, written into its dot: the plot must be readable without colours."""
    y: int
    x: float
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True)
class Row:
    """A name with the marks below it."""

    name: str
    y: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Line:
    """A value to hold the others against, drawn from top to bottom."""

    name: str
    x: float
    y: int
    """Of its name."""
    anchor: str
    """On which side of the line the name lies: `start`, `middle` or `end` (SVG's `text-anchor`)."""
    text: str


@dataclass(frozen=True)
class Plot:
    """A dot-and-interval plot; `x` in per cent of the width, `y` in pixels."""

    measure: str
    height: int
    top: int
    """Where the field begins, below the names of the lines."""
    bottom: int
    """Where it ends, above the axis."""
    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]
    lines: tuple[Line, ...]


def dot_plot(
    measure: str,
    rows: Mapping[str, Sequence[tuple[int, Statement]]],
    lines: Mapping[str, float] | None = None,
) -> Plot | None:
    """Lay out a plot of one measure.

    Args:
        measure: Its name.
        rows: For each name, the numbers of the runs and what they state; those without a value are left out.
        lines: Values to hold them against, by name.

    Returns:
        None where there is nothing to draw.
    """
    lines = {name: value for name, value in (lines or {}).items() if math.isfinite(value)}
    known = {
        name: [(number, stated.value, stated) for number, stated in marks if stated.value is not None]
        for name, marks in rows.items()
    }
    ends = [
        end
        for marks in known.values()
        for _, _, stated in marks
        for end in (stated.value, stated.low, stated.high)
        if end is not None
    ]
    if not ends:
        return None
    ticks = _round_numbers(min([*ends, *lines.values()]), max([*ends, *lines.values()]))
    scale = _Scale(ticks[0], ticks[-1])
    top = _GAP + _LABEL * len(lines)
    placed, y = [], top + _GAP
    for name, marks in known.items():
        placed.append(_row(name, marks, y, scale))
        y += _LABEL + _LANE * len(marks) + _GAP
    return Plot(
        measure=measure,
        height=y + _LABEL + _GAP,
        top=top,
        bottom=y,
        ticks=tuple(Tick(scale.place(tick), f"{tick:g}") for tick in ticks),
        rows=tuple(placed),
        lines=_lines(lines, scale),
    )


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def place(self, value: float) -> float:
        return round(100 * (value - self.low) / (self.high - self.low), 2)


def _row(name: str, marks: Sequence[tuple[int, float, Statement]], y: int, scale: _Scale) -> Row:
    placed = []
    for lane, (number, value, stated) in enumerate(marks):
        placed.append(
            Mark(
                number=number,
                y=y + _LABEL + lane * _LANE + _LANE // 2,
                x=scale.place(value),
                low=None if stated.low is None else scale.place(stated.low),
                high=None if stated.high is None else scale.place(stated.high),
                text=f"{value:.3f}",
            )
        )
    return Row(name, y + _LABEL - 5, tuple(placed))


def _lines(lines: Mapping[str, float], scale: _Scale) -> tuple[Line, ...]:
    placed = []
    for place, (name, value) in enumerate(sorted(lines.items(), key=lambda line: line[1])):
        x = scale.place(value)
        anchor = "start" if x < 30 else "end" if x > 70 else "middle"
        placed.append(Line(name, x, _LABEL * (place + 1) - 4, anchor, f"{value:.3f}"))
    return tuple(placed)


def _round_numbers(low: float, high: float) -> list[float]:
    """Return four to seven round numbers that enclose both ends, at equal steps of 1, 2 or 5 times a power of ten."""
    width = high - low or max(abs(high), 1.0) / 10
    power = 10.0 ** math.floor(math.log10(width / 4))
    step = next(power * times for times in (1, 2, 5, 10) if width / (power * times) <= 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return [round(place * step, digits) for place in range(first, max(last, first + 1) + 1)]
