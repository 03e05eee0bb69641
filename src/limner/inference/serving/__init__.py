"""vLLM as a server of one's own: its options, its command, its process."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.inference.serving.options import ServeOptions
    from limner.inference.serving.server import Starting, VLLMServer

__all__ = ["ServeOptions", "Starting", "VLLMServer"]

_MODULE_OF = {"ServeOptions": "options", "Starting": "server", "VLLMServer": "server"}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
