"""The language model and the memories of a process's evaluation runs: one of each, closed when the process ends."""

import atexit
from contextlib import ExitStack
from functools import cache
from threading import Lock

from limner.evals.memories.protocol import MemorySystem
from limner.inference import LanguageModel
from limner.inference.language_model import language_model
from limner.inference.response_cache import ResponseCache
from limner.settings import Settings

__all__ = ["close_all", "opened_memory", "reflects", "shared_model"]

_resources = ExitStack()
_lock = Lock()


def shared_model(settings: Settings) -> LanguageModel:
    """Return the model of these settings, started at first use and shared until the process ends.

    The same request is answered from the cache, so that a run that was killed goes on where it stopped, and the same turns in
    many histories are read once. Benchmarks hold data that is public or the caller's own; the cache is a plain file.

    Raises:
        ConfigurationError: The model cannot be found, or an extra is not installed.
        DownloadError: A packaged model cannot be fetched.
    """
    with _lock:
        return _shared_model(settings)


@cache
def _shared_model(settings: Settings) -> LanguageModel:
    folder = settings.cache / "evals"
    folder.mkdir(parents=True, exist_ok=True)
    cached = ResponseCache(folder / "responses.db")
    _resources.callback(cached.close)
    model = language_model(settings, cache=cached)
    _resources.callback(model.close)
    return model


def opened_memory(name: str, settings: Settings) -> MemorySystem:
    """Return the memory of this name, opened at first use and shared until the process ends.

    Raises:
        ConfigurationError: There is no such memory, or its extra is not installed.
    """
    if name.startswith("limner"):
        from limner.evals.memories.limner import variant_of

        variant_of(name)  # before a model is loaded for one that does not exist
    model = shared_model(settings) if reflects(name) else None
    with _lock:
        return _opened_memory(name, settings, model)


def reflects(name: str) -> bool:
    """Whether this memory asks limner's language model to take a history in."""
    kind, _, variant = name.partition(":")
    return kind == "limner" and variant != "observations"


@cache
def _opened_memory(name: str, settings: Settings, model: LanguageModel | None) -> MemorySystem:
    from limner.evals.memories.registry import memory

    opened = memory(name, settings, **({} if model is None else {"model": model}))
    close = getattr(opened, "close", None)
    if close is not None:
        _resources.callback(close)
    return opened


def close_all() -> None:
    """Close what is open; the next use opens it anew."""
    with _lock:
        _opened_memory.cache_clear()
        _shared_model.cache_clear()
        _resources.close()


atexit.register(close_all)
