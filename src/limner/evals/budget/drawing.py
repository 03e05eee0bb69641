"""The plot: answer quality against prompt tokens, a field for each task and a line for each way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limner.evals.budget.stating import BudgetReport, Point
from limner.evals.reporting.pictures import figure_of, written_png

__all__ = ["drawn"]

_STYLE = {
    "none": ("X", "#555555"),
    "recent": ("s", "#8c6d31"),
    "retrieval": ("o", "#1f77b4"),
    "summary": ("^", "#2ca02c"),
    "both": ("D", "#d62728"),
    "full": ("P", "#9467bd"),
}
"""Marker and colour of each way: it must be readable without colours."""


def drawn(report: BudgetReport, path: Path) -> Path:
    """Draw the plot as a PNG, whole or not at all, and return where it is.

    Raises:
        ImportError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    tasks = list(dict.fromkeys(point.task for point in report.points))
    figure = figure_of(5.2 * len(tasks), 4.2)
    for place, task in enumerate(tasks, start=1):
        axes = figure.add_subplot(1, len(tasks), place)
        _field(axes, task, [point for point in report.points if point.task == task])
    figure.axes[0].set_ylabel("answer quality")
    figure.axes[-1].legend(loc="best", fontsize=8)
    return written_png(figure, path)


def _field(axes: Any, task: str, points: Sequence[Point]) -> None:  # noqa: ANN401 - matplotlib's
    for way, (marker, colour) in _STYLE.items():
        own = sorted((p for p in points if p.way == way), key=lambda p: p.tokens)
        if not own:
            continue
        low = [p.quality - p.low for p in own]
        high = [p.high - p.quality for p in own]
        axes.errorbar(
            [p.tokens for p in own],
            [p.quality for p in own],
            yerr=[low, high],
            marker=marker,
            color=colour,
            capsize=2,
            linewidth=1,
            label=way,
        )
    axes.set_title(f"{task}, n = {points[0].n}")
    axes.set_xlabel("prompt tokens, mean")
    axes.grid(alpha=0.3)
