"""What was said in a session, as votes on a list and as words that reasons quote."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from limner.agents.conversation.dialogue import Dialogue, Turn
from limner.agents.conversation.preferences import Leaning, Ordering, Preferences
from limner.agents.fusion import Vote
from limner.agents.sayings import Saying, telling
from limner.memory.bm25 import BM25
from limner.tools import Catalogue, Condition, Filter
from limner.tools.texts import item_text

__all__ = ["ItemTexts", "SayingWeights", "sayings_of", "votes_of"]


@dataclass(frozen=True)
class SayingWeights:
    """What is said counts against the base list's 1."""

    more: float = 0.6
    """Of a wish for more of something."""
    less: float = 0.6
    """Of a wish for less of something; counted against what has it."""
    ordering: float = 0.5
    """Of a wish for more or less of a number that there is nothing to measure by."""
    words: float = 0.8
    """Of words that no attribute covers, looked for in the items' texts."""
    disliked: float = 0.2
    """Of what is near an item that the user doesn't like; counted against it."""


class ItemTexts:
    """The texts of a catalogue's items, searched by words (BM25).

    Args:
        catalogue: The items.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._ids = catalogue.ids
        self._bm25 = BM25([item_text(item) for item in catalogue])

    def search(self, words: str, n: int = 200) -> list[str]:
        """Return the ids of the items whose text has any of these words, best first, `n` at most; words that say nothing do not count."""
        scores = self._bm25.scores(" ".join(telling(words)))
        order = np.argsort(-scores, kind="stable")[:n]
        return [self._ids[place] for place in order if scores[place] > 0]


def votes_of(
    found: Preferences,
    catalogue: Catalogue,
    texts: ItemTexts,
    near: Callable[[str], Sequence[str]],
    weights: SayingWeights = SayingWeights(),
) -> Callable[[Sequence[str]], list[Vote]]:
    """Return what turns the base recommender's list into the votes of what was said on it.

    Args:
        found: What the user wants by now.
        catalogue: The items.
        texts: The same, to look for words in.
        near: Returns what goes with an item; ids, best first.
        weights: What each kind counts.
    """

    def votes(base: Sequence[str]) -> list[Vote]:
        among = set(base)
        cast = [_leaning_vote(leaning, base, catalogue, weights) for leaning in found.leanings]
        cast += [_ordering_vote(ordering, base, catalogue, weights) for ordering in found.orderings]
        for turn, quote in found.words:
            listed = [item_id for item_id in texts.search(quote) if item_id in among]
            cast.append(Vote(listed, weights.words, f"its words for “{quote}”", evidence=(turn.observation,)))
        for item_id, (turn, quote) in found.disliked.items():
            listed = [other for other in near(item_id) if other in among]
            because = f"being near {catalogue.get(item_id).title}, of which you said “{quote}”"
            cast.append(Vote(listed, -weights.disliked, because, evidence=(turn.observation,)))
        return [vote for vote in cast if vote.item_ids]

    return votes


def _leaning_vote(
    leaning: Leaning, base: Sequence[str], catalogue: Catalogue, weights: SayingWeights
) -> Vote:
    """Return a vote for what has more of these values, or against what has any: the more of them, the further up its list."""
    mask = np.zeros(len(catalogue), dtype=np.int_)
    for attribute, value in leaning.values:
        mask += catalogue.mask(Filter(conditions=(_condition(attribute, (value,), "in"),)))
    counts = {item_id: int(mask[catalogue.position(item_id)]) for item_id in base}
    listed = sorted((item_id for item_id in base if counts[item_id]), key=lambda i: -min(counts[i], 2))
    weight = weights.more if leaning.more else -weights.less
    because = f"what you said, “{leaning.quote}”"
    return Vote(listed, weight, because, evidence=(leaning.turn.observation,))


def _ordering_vote(
    ordering: Ordering, base: Sequence[str], catalogue: Catalogue, weights: SayingWeights
) -> Vote:
    values = {item_id: catalogue.get(item_id).attributes.get(ordering.attribute) for item_id in base}
    numbers = {item_id: value for item_id, value in values.items() if isinstance(value, float)}
    listed = sorted(numbers, key=lambda item_id: -numbers[item_id] if ordering.more else numbers[item_id])
    because = f"what you said, “{ordering.quote}”"
    return Vote(listed, weights.ordering, because, evidence=(ordering.turn.observation,))


def sayings_of(found: Preferences, dialogue: Dialogue) -> list[Saying]:
    """Return what was said that still counts, in the order in which it was said; the newest turn comes last, as what was asked for.

    Args:
        found: What the user wants by now.
        dialogue: The session; it has a turn.
    """
    sayings = [_saying(held.turn, held.quote, conditions=(str(held.condition),)) for held in found.held]
    sayings += [
        _saying(leaning.turn, leaning.quote, conditions=_meant(leaning)) for leaning in found.leanings
    ]
    sayings += [_saying(turn, quote, example=item_id) for item_id, (turn, quote) in found.liked.items()]
    sayings += [_saying(turn, quote, words=True) for turn, quote in found.words]
    numbers = {turn.observation: turn.number for turn in dialogue.turns}
    sayings.sort(key=lambda saying: numbers[saying.observation])
    last = dialogue.turns[-1]
    return [*sayings, _saying(last, last.text)]


def _saying(
    turn: Turn, quote: str, *, conditions: tuple[str, ...] = (), example: str = "", words: bool = False
) -> Saying:
    return Saying(turn.text, turn.observation, quote, conditions, example, words)


def _meant(leaning: Leaning) -> tuple[str, ...]:
    """Return the filters that bear a leaning out: any of the values for more of them, none of those of one attribute for less."""
    if leaning.more:
        return tuple(str(_condition(attribute, (value,), "in")) for attribute, value in leaning.values)
    by_attribute: dict[str, list[str]] = {}
    for attribute, value in leaning.values:
        by_attribute.setdefault(attribute, []).append(value)
    return tuple(
        str(_condition(attribute, tuple(values), "not in")) for attribute, values in by_attribute.items()
    )


def _condition(attribute: str, values: tuple[str, ...], op: Literal["in", "not in"]) -> Condition:
    return Condition(attribute=attribute, op=op, values=values)
