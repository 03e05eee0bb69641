"""The reliability diagram: what was said against what held, as a PNG and as places in an SVG (Murphy and Winkler 1977)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from limner.evals.calibration.measures import Bin
from limner.evals.calibration.measuring import Calibration, Group
from limner.evals.reporting.pictures import figure_of, written_png

__all__ = ["Dot", "Panel", "drawn", "panels"]

_SIDE = 320.0
"""Of the square field, in pixels."""
_EDGE = 40.0


@dataclass(frozen=True, slots=True)
class Dot:
    """One bin, in pixels of the SVG."""

    x: float
    y: float
    low: float
    high: float
    radius: float
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One field: a kind of claim, before and after."""

    name: str
    n: int
    before: tuple[Dot, ...]
    after: tuple[Dot, ...]


def panels(found: Calibration) -> list[Panel]:
    """Return where the dots of each group lie; the field is 320 pixels wide and high, 40 from the left and the top."""
    return [
        Panel(group.name, group.n, _dots(group, group.bins_before), _dots(group, group.bins_after))
        for group in found.groups
    ]


def _dots(group: Group, bins: Sequence[Bin]) -> tuple[Dot, ...]:
    return tuple(
        Dot(
            x=round(_EDGE + one.stated * _SIDE, 1),
            y=round(_EDGE + (1 - one.held) * _SIDE, 1),
            low=round(_EDGE + (1 - one.bounds[0]) * _SIDE, 1),
            high=round(_EDGE + (1 - one.bounds[1]) * _SIDE, 1),
            radius=round(3 + 9 * (one.n / group.n) ** 0.5, 1),
            text=f"said {one.stated:.2f}, held {one.held:.2f} of {one.n}",
        )
        for one in bins
    )


def drawn(found: Calibration, path: Path) -> Path:
    """Draw the diagram as a PNG, one field for each kind of claim, and return where it is.

    Raises:
        ImportError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    figure = figure_of(4.2 * len(found.groups), 4.4)
    from matplotlib.collections import PathCollection

    for place, group in enumerate(found.groups, start=1):
        axes = figure.add_subplot(1, len(found.groups), place)
        axes.plot((0, 1), (0, 1), color="0.6", linewidth=1, linestyle="--", label="as sure as right")
        for bins, name, colour, marker in (
            (group.bins_before, "before", "#8a4b08", "o"),
            (group.bins_after, "after", "#1f5a8a", "s"),
        ):
            x, y = [one.stated for one in bins], [one.held for one in bins]
            below = [max(0.0, one.held - one.bounds[0]) for one in bins]
            above = [max(0.0, one.bounds[1] - one.held) for one in bins]
            axes.errorbar(x, y, yerr=(below, above), fmt="none", ecolor=colour, alpha=0.5, linewidth=1)
            sizes = [20 + 180 * one.n / group.n for one in bins]
            axes.scatter(x, y, s=sizes, color=colour, marker=marker, alpha=0.8, label=name)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability stated", ylabel="share that held")
        axes.set_title(f"{group.name}, {group.n} claims", fontsize=10)
        axes.set_aspect("equal")
        legend = axes.legend(loc="upper left", fontsize=8)
        for handle in legend.get_children()[0].findobj(PathCollection):
            handle.set_sizes([40])
    return written_png(figure, path)
