"""Giving the chosen items their reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from limner.agents.budget import Spending
from limner.agents.reasons import Grounds, grounds, justify
from limner.agents.recommendations import Recommendation
from limner.agents.taste import mean_rating
from limner.errors import ModelError
from limner.inference import LanguageModel
from limner.memory.records import Event, Proposition
from limner.tools import CandidateBus, Catalogue, Filter, Item, Recommender
from limner.tools.recommenders.protocol import Contribution

__all__ = ["Chosen", "Explainer"]

_CONTRIBUTIONS = 8


@dataclass(frozen=True)
class Chosen:
    """The items that were chosen for a user, and what it was done from."""

    order: Sequence[str]
    """Ids, best first."""
    base: Sequence[str]
    """The base recommender's own order; ids."""
    bus: CandidateBus
    events: Mapping[str, Event]
    """The user's last event with each item."""
    portrait: Sequence[Proposition]
    where: Filter
    """The wish's condition."""


class Explainer:
    """Says why items were chosen.

    Args:
        catalogue: The items.
        base: Its contributions say what of the history speaks for an item.
        model: Words the reasons.
        prompts: Folder of overriding prompt files.
    """

    def __init__(
        self, catalogue: Catalogue, base: Recommender, model: LanguageModel, prompts: Path | None = None
    ) -> None:
        self._catalogue = catalogue
        self._base = base
        self._vocabulary = frozenset(value for a in catalogue.attributes() for value in a.values)
        self._model = model
        self._prompts = prompts

    async def explained(
        self, chosen: Chosen, k: int, spending: Spending | None
    ) -> tuple[tuple[Recommendation, ...], str | None]:
        """Give the `k` best items their reasons, worded by the model while there is a budget and it works.

        Args:
            chosen: The items.
            k: How many of them.
            spending: What the wording may cost; without one, the reasons are plain.

        Returns:
            The items, and what ended the wording before the last.
        """
        ranks = {item_id: rank for rank, item_id in enumerate(chosen.base, start=1)}
        mean = mean_rating(list(chosen.events.values()))
        explained: list[Recommendation] = []
        cut: str | None = None
        told: set[str] = set()
        for item_id in chosen.order[:k]:
            item = self._catalogue.get(item_id)
            contributions = self._base.explain(chosen.bus.history, item_id, _CONTRIBUTIONS)
            why = grounds(
                item,
                neighbours=_varied(contributions, told),
                events=chosen.events,
                propositions=sorted(chosen.portrait, key=lambda p: p.id in told),
                wished=chosen.where,
                catalogue=self._catalogue,
                liked_from=mean,
            )
            told |= {*why.neighbours[:1], *(p.id for p in why.propositions[:1])}
            reason = why.sentence()
            if spending is not None and cut is None:
                reason, cut = await self._worded(item, why, spending)
            calls = tuple(chosen.bus.candidate(item_id).calls) if item_id in chosen.bus else ()
            explained.append(Recommendation(item, reason, calls, why.propositions, ranks.get(item_id)))
        return tuple(explained), cut

    async def _worded(self, item: Item, why: Grounds, spending: Spending) -> tuple[str, str | None]:
        """Return a reason in the model's words, or else the plain one and why it is that."""
        if spending.spent is not None:
            return why.sentence(), f"the budget of {spending.spent} ended"
        try:
            reason = await justify(item, why, self._model, vocabulary=self._vocabulary, prompts=self._prompts)
        except ModelError as error:
            return why.sentence(), f"the model failed: {error}"
        return reason, None


def _varied(contributions: Sequence[Contribution], told: set[str]) -> list[str]:
    """Return the ids of what contributed at least half as much as the first, what other reasons named already last."""
    if not contributions:
        return []
    strong = [c.item_id for c in contributions if 2 * c.amount >= contributions[0].amount]
    return sorted(strong, key=lambda item_id: item_id in told)
