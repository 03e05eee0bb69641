"""The plot: answer quality against prompt tokens, a field for each task and a line for each way."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limner.errors import InputError
from limner.evals.budget.stating import BudgetReport, Point

__all__ = ["written_png"]

_STYLE = {
    "none": ("X", "#555555"),
    "recent": ("s", "#8c6d31"),
    "retrieval": ("o", "#1f77b4"),
    "summary": ("^", "#2ca02c"),
    "both": ("D", "#d62728"),
    "full": ("P", "#9467bd"),
}
"""Marker and colour of each way: it must be readable without colours."""


def written_png(report: BudgetReport, path: Path) -> Path:
    """Draw the plot, whole or not at all, and return where it is.

    Raises:
        ImportError: matplotlib is not installed.
        InputError: The file cannot be written.
    """
    picture = _drawn(report)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(picture)
        part.replace(path)
    except OSError as error:
        raise InputError(f"The plot cannot be written to {path}: {error.strerror or error}.") from error
    return path


def _drawn(report: BudgetReport) -> bytes:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "The plot needs matplotlib: install limner with the extra `evals` (pip install 'limner[evals]')."
        ) from error
    tasks = list(dict.fromkeys(point.task for point in report.points))
    figure = Figure(figsize=(5.2 * len(tasks), 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    for place, task in enumerate(tasks, start=1):
        axes = figure.add_subplot(1, len(tasks), place)
        _field(axes, task, [point for point in report.points if point.task == task])
    figure.axes[0].set_ylabel("answer quality")
    figure.axes[-1].legend(loc="best", fontsize=8)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120, metadata={"Software": None})
    return picture.getvalue()


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
