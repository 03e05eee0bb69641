"""The page of one calibration: figures, diagrams and what was run, in one file without network or script."""

import functools
import math
from pathlib import Path

import jinja2

from limner import __version__
from limner.evals.calibration.diagram import panels
from limner.evals.calibration.measuring import Calibration
from limner.evals.reporting.page import write_whole

__all__ = ["calibration_page", "written_page"]


def calibration_page(found: Calibration) -> str:
    """Return one HTML page about a calibration."""
    template = _environment().get_template("calibration.html.jinja")
    return template.render(found=found, panels=panels(found), limner=__version__)


def written_page(found: Calibration, path: Path) -> Path:
    """Write the page, whole or not at all, and return where.

    Raises:
        InputError: The folder cannot be written to.
    """
    return write_whole(calibration_page(found), path)


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("limner.evals.reporting", "templates"),
        autoescape=True,  # what was said about people is in it
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number)
    return environment


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.3f}"
