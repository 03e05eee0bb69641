"""Calibration: whether statements of which limner is 0.8 sure hold eight times in ten, and what mends it where they do not."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.evals.calibration.claims import Claim, Sample
    from limner.evals.calibration.fitting import fitted_map
    from limner.evals.calibration.measuring import Calibration, calibration

__all__ = ["Calibration", "Claim", "Sample", "calibration", "fitted_map"]

_HOMES = {
    "Calibration": "measuring",
    "Claim": "claims",
    "Sample": "claims",
    "calibration": "measuring",
    "fitted_map": "fitting",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
