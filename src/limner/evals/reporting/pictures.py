"""Pictures drawn with matplotlib, which is loaded when one is drawn."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_of", "written_png"]


def figure_of(width: float, height: float) -> "Figure":
    """Return an empty figure of so many inches; without pyplot, so that no window system is looked for and nothing is kept open.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib: install limner with the extra `evals` (pip install 'limner[evals]')."
        ) from error
    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def written_png(figure: "Figure", path: Path) -> Path:
    """Write a figure as PNG, whole or not at all, and return where it is.

    Raises:
        InputError: The file cannot be written.
    """
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(content.getvalue())
        part.replace(path)
    except OSError as error:
        raise InputError(f"The picture cannot be written to {path}: {error.strerror or error}.") from error
    return path
