"""LaMP: seven tasks in which the same input wants different answers for different users."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.evals.lamp.benchmark import lamp
    from limner.evals.lamp.submission import predictions, write_predictions

__all__ = ["lamp", "predictions", "write_predictions"]

_HOMES = {"lamp": "benchmark", "predictions": "submission", "write_predictions": "submission"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
