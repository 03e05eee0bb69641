"""The Python interface: `Limner` opens a folder, `User` is the door to one user."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.api.limner import Limner
    from limner.api.user import User

__all__ = ["Limner", "User"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{name.lower()}"), name)
