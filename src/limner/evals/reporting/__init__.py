"""Reports: what runs came to, on one page that needs neither network nor scripts."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.evals.reporting.page import report, written

__all__ = ["report", "written"]

_HOMES = {"report": "page", "written": "page"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
