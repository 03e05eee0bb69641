"""The systems that can be talked to, by name."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property

from anyio import to_thread

from limner.agents.conversation.options import ConversationOptions
from limner.api.world import World
from limner.errors import InputError
from limner.evals.conversation.systems import BaseList, Popular, System, WordSearch
from limner.evals.conversation.talking import Talking
from limner.evals.engine import shared_model
from limner.settings import Settings
from limner.tools import Dataset

__all__ = ["SYSTEMS", "chosen_systems", "opened"]

SYSTEMS: Mapping[str, str] = {
    "popularity": "what was taken most, the next ones each turn",
    "bm25": "BM25 over title, values and description, with all that was said so far",
    "base": "the base recommender for the history that is known, the next ones each turn",
    "limner-no-questions": "limner, which never asks",
    "limner-random-questions": "limner, which asks for any attribute",
    "limner": "limner: asks for what splits the remaining candidates best",
    "limner-model": "limner, with a language model that reads what code cannot",
}
"""Names and what they are, in the order of the table."""
_ASKS = {"limner-no-questions": "never", "limner-random-questions": "random"}
_DEFAULT = tuple(name for name in SYSTEMS if name != "limner-model")


def chosen_systems(names: Sequence[str] | None) -> list[str]:
    """Return the systems named, in the order of the table; none are all that need no language model.

    Raises:
        InputError: There is no such system.
    """
    if names is None:
        return list(_DEFAULT)
    for name in names:
        if name not in SYSTEMS:
            raise InputError(f"There is no system {name!r}; the systems are {', '.join(SYSTEMS)}.")
    return [name for name in SYSTEMS if name in names]


@dataclass(frozen=True)
class _Means:
    """What systems are made of, each made when the first needs it."""

    dataset: Dataset
    show: int
    seed: int
    settings: Settings

    @cached_property
    def world(self) -> World:
        return World(self.dataset, self.settings.recommenders)

    def made(self, name: str) -> System:
        if name == "popularity":
            return Popular(self.dataset, self.show)
        if name == "bm25":
            return WordSearch(self.dataset, self.show)
        if name == "base":
            return BaseList(self.world.recommenders[0], self.show)
        options = ConversationOptions.model_validate({
            "show": self.show,
            "ask": _ASKS.get(name, "best"),
            "seed": self.seed,
        })
        model = shared_model(self.settings) if name == "limner-model" else None
        return Talking(name, options, self.world, self.settings, model)


@asynccontextmanager
async def opened(
    names: Sequence[str], dataset: Dataset, show: int, seed: int, settings: Settings
) -> AsyncIterator[list[System]]:
    """Open systems that know a data set, and close them.

    Args:
        names: Which.
        dataset: What they are fitted on and show items of.
        show: Items that a turn may show.
        seed: Of what a system draws.
        settings: Recommenders, encoder and language model.
    """
    means = _Means(dataset, show, seed, settings)
    systems: list[System] = []
    try:
        for name in names:
            systems.append(await to_thread.run_sync(means.made, name))
        yield systems
    finally:
        for system in systems:
            await system.close()
