"""Memories to compare, each one file behind `MemorySystem`."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.evals.memories.protocol import MemorySystem
    from limner.evals.memories.registry import available, memory

__all__ = ["MemorySystem", "available", "memory"]

_HOMES = {"MemorySystem": "protocol", "available": "registry", "memory": "registry"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
