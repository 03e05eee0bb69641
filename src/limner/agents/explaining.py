"""Giving the chosen items their reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from limner.agents.budget import Spending
from limner.agents.fusion import Vote
from limner.agents.history import Done, History
from limner.agents.reasons import (
    Fitting,
    Found,
    Granted,
    Grounds,
    Known,
    Move,
    Moved,
    Neighbour,
    Neighbours,
    Popular,
    Reason,
    Said,
    values_of,
    verified,
)
from limner.agents.recommendations import Recommendation
from limner.agents.sayings import Saying, asked_for, said_of
from limner.agents.statements import addressed, claimed, computed
from limner.agents.taste import fits, mean_rating, place_on_scale
from limner.agents.wording import justify, sentence
from limner.errors import ModelError
from limner.inference import LanguageModel
from limner.memory.records import AttributeValue, Proposition
from limner.profiles.propositions.findings import Topic, attribute_keys
from limner.tools import CandidateBus, Catalogue, Filter, Item, Recommender
from limner.tools.recommenders.protocol import Contribution

__all__ = ["Chosen", "Explainer"]

_CONTRIBUTIONS = 8
_LINES = 2
"""Portrait lines that are reasons for one item."""
_NEIGHBOURS = 2
_POPULAR = 4
"""What people in general choose is the first so-manyth part of the catalogue."""


@dataclass(frozen=True)
class Chosen:
    """The items that were chosen for a user, and what it was done from."""

    order: Sequence[str]
    """Ids, best first."""
    base: Sequence[str]
    """The base recommender's own order; ids."""
    bus: CandidateBus
    history: History
    portrait: Sequence[Proposition]
    where: Filter
    """The wish's condition."""
    votes: Sequence[Vote] = ()
    """What made the order out of the base recommender's."""
    sayings: Sequence[Saying] = ()
    """What the user said in the conversation that the items are recommended in."""


class Explainer:
    """Says why items were chosen.

    Args:
        catalogue: The items.
        base: Its contributions say what of the history speaks for an item.
        model: Words it; without one, reasons are plain.
        prompts: Folder of overriding prompt files.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        base: Recommender,
        model: LanguageModel | None,
        prompts: Path | None = None,
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
        explained: list[Recommendation] = []
        cut: str | None = None
        for why in self.grounds(chosen, k):
            reason = sentence(why)
            if spending is not None and cut is None:
                reason, cut = await self._worded(why, spending)
            item_id = why.item.id
            calls = tuple(chosen.bus.candidate(item_id).calls) if item_id in chosen.bus else ()
            explained.append(
                Recommendation(
                    why.item, reason, calls, why.propositions, ranks.get(item_id), reasons=why.reasons
                )
            )
        return tuple(explained), cut

    def grounds(self, chosen: Chosen, k: int) -> list[Grounds]:
        """Return what speaks for each of the `k` best items, and why they stand where they stand; every reason holds.

        A list does not say the same thing ten times: what another item's reason named already comes last.
        """
        known = self._known(chosen)
        liked_from = mean_rating(list(chosen.history.events.values()))
        told: set[str] = set()
        found = []
        for rank, item_id in enumerate(chosen.order[:k], start=1):
            item = self._catalogue.get(item_id)
            fitting = self._fitting(item, sorted(chosen.portrait, key=lambda p: p.id in told))
            neighbours = self._neighbours(item, chosen, told, liked_from)
            said = said_of(item, chosen.sayings, known)
            said = said or ([] if fitting else asked_for(item, chosen.sayings))
            reasons = [*_granted(item, chosen.where, said), *said, *fitting, *neighbours]
            reasons += [*_found(item, known), *self._popular(item, known), *_moved(item, rank, chosen)]
            told |= {reason.proposition for reason in fitting[:1]}
            told |= {reason.neighbours[0].item_id for reason in neighbours}
            lines = tuple(known.portrait[reason.proposition] for reason in fitting)
            found.append(Grounds(item, tuple(verified(reason, known) for reason in reasons), lines))
        return found

    def _known(self, chosen: Chosen) -> Known:
        found: dict[int, Sequence[str]] = {
            vote.call: vote.item_ids for vote in chosen.votes if vote.call is not None and vote.weight > 0
        }
        for call in chosen.bus.calls[:1]:
            found[call.number] = chosen.base
        return Known(
            catalogue=self._catalogue,
            history=chosen.history,
            portrait={proposition.id: proposition for proposition in chosen.portrait},
            calls=chosen.bus.calls,
            order=chosen.order,
            base=chosen.base,
            popular=self._by_popularity,
            vocabulary=self._vocabulary,
            found=found,
            said={saying.observation: saying.text for saying in chosen.sayings},
        )

    @cached_property
    def _by_popularity(self) -> list[str]:
        order = np.argsort(-self._base.score([]), kind="stable")
        return [self._catalogue.ids[place] for place in order]

    def _fitting(self, item: Item, portrait: Iterable[Proposition]) -> list[Fitting]:
        found = []
        for proposition in portrait:
            topic = None if proposition.topic is None else Topic.parse(proposition.topic)
            if topic is None or topic.sign != "+" or not fits(item, topic) or not proposition.evidence:
                continue
            told = addressed(proposition.text)
            value = topic.value.lower()
            # What a line is cut at may be part of its value: "action, adventure".
            cut = value in proposition.text.lower() and value not in told.lower()
            foreign = claimed(told, self._vocabulary) - values_of(item)
            found.append(
                Fitting(
                    item_id=item.id,
                    attributes=_matching(item, topic),
                    evidence=tuple(dict.fromkeys(e.observation_id for e in proposition.evidence)),
                    proposition=proposition.id,
                    statement=proposition.text,
                    topic=str(topic),
                    told=computed(topic) if cut or foreign else told,
                )
            )
        return found[:_LINES]

    def _neighbours(
        self, item: Item, chosen: Chosen, told: set[str], liked_from: float | None
    ) -> list[Neighbours]:
        contributions = self._base.explain(chosen.bus.history, item.id, _CONTRIBUTIONS)
        named = []
        for contribution in _varied(contributions, told):
            done = chosen.history.taken.get(contribution.item_id)
            if done is not None and _was_liked(done, liked_from):
                named.append(
                    Neighbour(
                        item_id=contribution.item_id,
                        title=self._catalogue.get(contribution.item_id).title,
                        amount=contribution.amount,
                        done=done.event.kind,
                        value=done.event.value,
                        scale=done.event.scale,
                        observation=done.observation_id,
                    )
                )
        named = named[:_NEIGHBOURS]
        evidence = tuple(neighbour.observation for neighbour in named)
        return (
            [
                Neighbours(
                    item_id=item.id,
                    recommender=self._base.name,
                    neighbours=tuple(named),
                    evidence=evidence,
                )
            ]
            if named
            else []
        )

    def _popular(self, item: Item, known: Known) -> list[Popular]:
        rank = known.popular.index(item.id) + 1
        return [Popular(item_id=item.id, rank=rank)] if _POPULAR * (rank - 1) < len(known.popular) else []

    async def _worded(self, why: Grounds, spending: Spending) -> tuple[str, str | None]:
        """Return a reason in the model's words, or else the plain one and why it is that."""
        if self._model is None:
            return sentence(why), "there is no model"
        if spending.spent is not None:
            return sentence(why), f"the budget of {spending.spent} ended"
        try:
            reason = await justify(why, self._model, vocabulary=self._vocabulary, prompts=self._prompts)
        except ModelError as error:
            return sentence(why), f"the model failed: {error}"
        return reason, None


def _granted(item: Item, where: Filter, said: Sequence[Said]) -> list[Reason]:
    """Return the conditions of the wish that the item satisfies, less those that the user's own words stand for."""
    quoted = {reason.condition for reason in said}
    return [
        Granted(item_id=item.id, attributes=_values(item, condition.attribute), condition=str(condition))
        for condition in where.conditions
        if str(condition) not in quoted
    ]


def _values(item: Item, attribute: str) -> dict[str, AttributeValue]:
    return {attribute: item.attributes[attribute]} if attribute in item.attributes else {}


def _matching(item: Item, topic: Topic) -> dict[str, AttributeValue]:
    """Return the values of an item that a topic is about."""
    found: dict[str, AttributeValue] = {}
    for name, value in item.attributes.items():
        if (topic.attribute, topic.value) in set(attribute_keys({name: value})):
            found[name] = (topic.value,) if isinstance(value, tuple) else value
    return found


def _found(item: Item, known: Known) -> list[Reason]:
    """Return where the calls that found an item put it on their lists, the base recommender's first."""
    reasons: list[Reason] = []
    for call in known.calls:
        listed = known.found.get(call.number, ())
        if call.tool == "retrieve" and item.id in listed:
            rank = listed.index(item.id) + 1
            if rank <= int(call.arguments["k"]):
                reasons.append(
                    Found(
                        item_id=item.id,
                        call=call.number,
                        recommender=call.arguments["recommender"],
                        where=call.arguments["where"],
                        rank=rank,
                    )
                )
    return reasons


def _moved(item: Item, rank: int, chosen: Chosen) -> list[Reason]:
    """Return what moved an item away from its place on the base list, the way it moved."""
    if item.id not in chosen.base or (base_rank := chosen.base.index(item.id) + 1) == rank:
        return []
    gains = [(vote.gain(item.id), vote) for vote in chosen.votes]
    way = 1 if rank < base_rank else -1
    moves = tuple(
        Move(because=vote.because, gain=gain, evidence=vote.evidence, call=vote.call)
        for gain, vote in sorted(gains, key=lambda pair: -way * pair[0])
        if way * gain > 0 and vote.because
    )
    if not moves:
        return []
    evidence = tuple(dict.fromkeys(id for move in moves for id in move.evidence))
    return [Moved(item_id=item.id, base_rank=base_rank, rank=rank, moves=moves, evidence=evidence)]


def _was_liked(done: Done, liked_from: float | None) -> bool:
    """Whether something of the history may be named as a reason; what was rated below the user's mean may not."""
    place = place_on_scale(done.event)
    return done.event.kind != "dislike" and (place is None or liked_from is None or place >= liked_from)


def _varied(contributions: Sequence[Contribution], told: set[str]) -> list[Contribution]:
    """Return what contributed at least half as much as the first, what other reasons named already last."""
    if not contributions:
        return []
    strong = [c for c in contributions if 2 * c.amount >= contributions[0].amount]
    return sorted(strong, key=lambda c: c.item_id in told)
