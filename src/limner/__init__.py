"""LLM agents that know their user.

The names below are imported when they are first used, so that `import limner` stays cheap: it loads neither
torch nor chromadb nor a database driver.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.api import Limner, User
    from limner.errors import LimnerError
    from limner.memory.records import Event, Observation, Portrait, Proposition
    from limner.settings import Settings

    __version__: str

__all__ = [
    "Event",
    "Limner",
    "LimnerError",
    "Observation",
    "Portrait",
    "Proposition",
    "Settings",
    "User",
    "__version__",
]

_HOME = {
    "Event": "limner.memory.records",
    "Limner": "limner.api",
    "LimnerError": "limner.errors",
    "Observation": "limner.memory.records",
    "Portrait": "limner.memory.records",
    "Proposition": "limner.memory.records",
    "Settings": "limner.settings",
    "User": "limner.api",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("limner")
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
