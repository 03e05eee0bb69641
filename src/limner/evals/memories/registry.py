"""Memories by name: the built-in ones, and those that other packages bring."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, cast

from limner.errors import ConfigurationError
from limner.evals.memories.protocol import MemorySystem
from limner.plugins import load_plugin, plugins
from limner.settings import Settings

__all__ = ["GROUP", "available", "memory"]

GROUP = "limner.memories"
"""Entry points of other packages: each a callable `(settings, **options) -> MemorySystem`."""

Build = Callable[..., MemorySystem]


def memory(name: str, settings: Settings, **options: Any) -> MemorySystem:  # noqa: ANN401 - the memory's own
    """Make an empty memory.

    Args:
        name: One of `available()`; `limner` may be followed by a colon and a variant, and `mem0:verbatim` is mem0
            without a language model.
        settings: Where the cache is, which encoder and which endpoint.
        options: What this memory takes beyond the settings: `encoder` for the dense ones (else the settings' encoder),
            `lexical` for `hybrid`, `language` for `bm25`, `model` for `limner`, `infer` for `mem0`.

    Raises:
        ConfigurationError: There is no such memory, it cannot be imported, it does not take these options, or
            something it needs is not installed.
    """
    base, separator, variant = name.partition(":")
    if base in _WITH_VARIANTS:
        options["variant"] = variant
    elif separator:
        raise ConfigurationError(f"memory {name}: only {' and '.join(sorted(_WITH_VARIANTS))} have variants.")
    build = _BUILT_IN.get(base) or _plug_in(base)
    try:
        return build(settings, **options)
    except TypeError as error:
        raise ConfigurationError(f"memory {name}: {error}.") from error


def available() -> list[str]:
    """Return the names of all memories, those of other packages included, sorted."""
    return sorted({*_BUILT_IN, *plugins(GROUP)})


def _plug_in(name: str) -> Build:
    if name not in plugins(GROUP):
        raise ConfigurationError(f"There is no memory {name!r}; there are {', '.join(available())}.")
    return cast(Build, load_plugin(GROUP, name))


def _plain(module: str, class_name: str) -> Build:
    """Return what makes a memory that needs no settings."""
    return lambda settings, **options: _load(module, class_name)(**options)


def _encoding(module: str, class_name: str) -> Build:
    """Return what makes a memory that encodes."""

    def build(settings: Settings, **options: Any) -> MemorySystem:  # noqa: ANN401 - as above
        if "encoder" not in options:
            from limner.inference.encoder import encoder

            options["encoder"] = encoder(settings)
        return _load(module, class_name)(folder=settings.cache / "evals" / "vectors", **options)

    return build


def _load(module: str, class_name: str) -> Build:
    # Imported when asked for: a run without an encoder or a model need not wait for their libraries.
    return cast(Build, getattr(import_module(f"limner.evals.memories.{module}"), class_name))


def _limner(settings: Settings, *, variant: str, model: object = None) -> MemorySystem:
    return _load("limner", "LimnerMemory")(settings, variant, model)


def _mem0(settings: Settings, *, variant: str, **options: Any) -> MemorySystem:  # noqa: ANN401 - as above
    if variant not in {"", "verbatim"}:
        raise ConfigurationError(f"memory mem0:{variant}: there is mem0 and mem0:verbatim.")
    return _load("mem0", "Mem0Memory")(settings, **{"infer": not variant, **options})


_WITH_VARIANTS = frozenset({"limner", "mem0"})

_BUILT_IN: Mapping[str, Build] = {
    "none": _plain("nothing", "NoMemory"),
    "recent": _plain("recent", "RecentMemory"),
    "full": _plain("full", "FullMemory"),
    "bm25": _plain("bm25", "BM25Memory"),
    "dense": _encoding("dense", "DenseMemory"),
    "rrf": _encoding("rrf", "ReciprocalRankFusion"),
    "hybrid": _encoding("hybrid", "HybridMemory"),
    "limner": _limner,
    "mem0": _mem0,
}
