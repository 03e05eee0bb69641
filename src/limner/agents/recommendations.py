"""What the recommending agent returns: the items, the reason for each, and how it came to them."""

from collections.abc import Iterator
from dataclasses import dataclass

from limner.agents.wish import Wish
from limner.memory.records import Proposition
from limner.tools import Call, Item

__all__ = ["AgentStep", "Recommendation", "Recommendations"]


@dataclass(frozen=True)
class AgentStep:
    """Something the agent did, for whoever shows it."""

    action: str
    detail: str
    reason: str = ""


@dataclass(frozen=True)
class Recommendation:
    """One recommended item."""

    item: Item
    reason: str
    calls: tuple[Call, ...]
    """Tool calls that brought it here."""
    propositions: tuple[Proposition, ...]
    """Portrait lines that speak for it."""
    base_rank: int | None
    """Rank in the base recommender's list under the same conditions, from 1."""

    @property
    def title(self) -> str:
        """The item's title."""
        return self.item.title


@dataclass(frozen=True)
class Recommendations:
    """What the agent recommends, and how it came to it."""

    items: tuple[Recommendation, ...]
    wish: Wish
    steps: tuple[AgentStep, ...]
    stopped: str
    """`finished`; else that nothing satisfies the wish, which budget ended or how the model failed: the list is then the
    best so far, or the rest of its reasons plain."""
    ranking: tuple[str, ...]
    """Every item that satisfies the wish, best first; ids."""
    base_ranking: tuple[str, ...]
    """The base recommender's own order of the same items; ids."""
    unknown: tuple[str, ...] = ()
    """Items of the user's history that the catalogue does not have."""

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def finished(self) -> bool:
        """Whether the agent came to its own end."""
        return self.stopped == "finished"
