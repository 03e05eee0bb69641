"""Rating prediction: what a user gave the last item they rated."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.evals.rating.prediction import rating

__all__ = ["rating"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name != "rating":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.prediction").rating
