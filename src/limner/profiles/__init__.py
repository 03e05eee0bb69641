"""Portraits: how what is known about a user is put into words."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.profiles.portraitist import Portraitist

__all__ = ["Portraitist"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.portraitist"), name)
