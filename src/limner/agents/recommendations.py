"""What the recommending agent returns: the items, the reasons for each, and how it came to them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from limner.agents.reasons import Fitting, Reason, held_by
from limner.agents.wish import Wish
from limner.errors import InputError
from limner.memory.records import Proposition, new_id
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
    """One recommended item.

    Raises:
        InputError: A reason is about another item, about values that this one does not have, or rests on a call or a portrait line that is
            not among those given.
    """

    item: Item
    reason: str
    """The reasons in one sentence."""
    calls: tuple[Call, ...]
    """Tool calls that brought it here."""
    propositions: tuple[Proposition, ...]
    """Portrait lines that speak for it."""
    base_rank: int | None
    """Rank in the base recommender's list under the same conditions, from 1."""
    reasons: tuple[Reason, ...] = ()
    """Everything that speaks for it, and why it stands where it stands; the agent's are each compared with what they rest on."""

    def __post_init__(self) -> None:
        calls = {call.number for call in self.calls}
        lines = {proposition.id for proposition in self.propositions}
        for reason in self.reasons:
            foreign = (
                reason.item_id != self.item.id
                or not held_by(self.item, reason.attributes)
                or (reason.call is not None and reason.call not in calls)
                or (isinstance(reason, Fitting) and reason.proposition not in lines)
            )
            if foreign:
                raise InputError(f"This is no reason for {self.item.title}: {reason!r}.")

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
    id: str = field(default_factory=new_id)
    """Of this list; showing it twice is showing it once."""

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def finished(self) -> bool:
        """Whether the agent came to its own end."""
        return self.stopped == "finished"
