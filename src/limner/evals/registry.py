"""The benchmarks by name; names and summaries cost nothing, a benchmark is imported when it is run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import cast

from limner.errors import ConfigurationError, NotFound
from limner.evals.records import Benchmark
from limner.plugins import imported, plugins

__all__ = ["BENCHMARKS", "GROUP", "Entry", "benchmarks", "entry"]

GROUP = "limner.benchmarks"
"""Entry points of other packages: each an `Entry`."""


@dataclass(frozen=True)
class Entry:
    """One benchmark that can be run."""

    name: str
    place: str
    """`module:function`; the function takes `data`, `seed` and its own parameters, and returns a `Benchmark`."""
    about: str
    memory: str = "none"
    """The memory it is run with by default."""
    k: int = 5
    asks_model: bool = True

    def load(self) -> Callable[..., Benchmark]:
        """Import the benchmark."""
        module, _, function = self.place.partition(":")
        return cast(Callable[..., Benchmark], getattr(import_module(module), function))


def _entries() -> dict[str, Entry]:
    room = "limner.evals"
    entries = [
        Entry(
            "lamp",
            f"{room}.lamp:lamp",
            "LaMP 1 to 7 and 2N: classify, rate and write as a user would.",
            "bm25",
            4,
        ),
        Entry(
            "reviews",
            f"{room}.reviews:reviews",
            "A hidden review of each user: its rating, title or text.",
            "bm25",
            4,
        ),
        Entry(
            "personamem",
            f"{room}.personamem:personamem",
            "PersonaMem: the reply that fits the user as they are now.",
        ),
        Entry(
            "prefeval",
            f"{room}.prefeval:prefeval",
            "PrefEval: is a preference heeded that was stated turns ago?",
        ),
        Entry(
            "locomo_qa", f"{room}.locomo:locomo_qa", "LoCoMo: questions about long conversations.", "rrf", 10
        ),
        Entry(
            "longmemeval_qa",
            f"{room}.longmemeval:longmemeval_qa",
            "LongMemEval: questions about months of chat.",
            "rrf",
            5,
        ),
        Entry(
            "personabench_qa",
            f"{room}.personabench:personabench_qa",
            "PersonaBench: questions about private documents.",
            "dense",
            5,
        ),
        Entry(
            "personafeedback",
            f"{room}.personafeedback:personafeedback",
            "PersonaFeedback: the better personalised of two replies.",
        ),
        Entry("rating", f"{room}.rating:rating", "Kang et al.: the rating a user gave last.", "recent", 10),
        Entry(
            "locomo_recall",
            f"{room}.locomo:locomo_recall",
            "LoCoMo: are the evidence turns found?",
            "rrf",
            50,
            False,
        ),
        Entry(
            "longmemeval_recall",
            f"{room}.longmemeval:longmemeval_recall",
            "LongMemEval: are the evidence sessions found?",
            "rrf",
            50,
            False,
        ),
        Entry(
            "personabench_recall",
            f"{room}.personabench:personabench_recall",
            "PersonaBench: are the gold documents found?",
            "dense",
            5,
            False,
        ),
    ]
    return {one.name: one for one in entries}


BENCHMARKS = _entries()
"""limner's own."""


@cache
def benchmarks() -> Mapping[str, Entry]:
    """Return all benchmarks by name: limner's own, and those that other packages bring.

    Raises:
        ConfigurationError: A plug-in cannot be imported, is no `Entry`, or has the name of another benchmark.
    """
    found = dict(BENCHMARKS)
    for point in (point for points in plugins(GROUP).values() for point in points):
        brought = imported(point)
        if not isinstance(brought, Entry):
            raise ConfigurationError(
                f"{point.value}, registered under {GROUP}, is no limner.evals.registry.Entry."
            )
        if brought.name in found:
            raise ConfigurationError(
                f"{point.value} brings a benchmark {brought.name!r}; there is one of this name."
            )
        found[brought.name] = brought
    return found


def entry(name: str) -> Entry:
    """Return the benchmark of this name.

    Raises:
        NotFound: There is none; the message lists those there are.
    """
    if name not in benchmarks():
        raise NotFound(f"There is no benchmark {name!r}; there are: {', '.join(benchmarks())}.")
    return benchmarks()[name]
