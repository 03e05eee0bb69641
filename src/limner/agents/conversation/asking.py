"""Whether to ask, and what: the attribute whose answer tells the remaining candidates apart best.

SCPR (Lei et al. 2020, arXiv 2007.00194, §4.2.2) weighs each attribute by the entropy of its values over the candidates, each candidate
counting by its score; it asks about one value at a time. Here a question names several values of one attribute, and what counts is the
entropy of the answers to it: of which of the named values a candidate has. Attributes with very many values (directors) count less,
since people have a kind in mind sooner than a name.
"""

import math
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from limner.agents.conversation.options import ConversationOptions
from limner.agents.conversation.preferences import Preferences
from limner.agents.conversation.question import Question
from limner.profiles.propositions.findings import is_year
from limner.tools import Attribute, Catalogue, Condition

__all__ = ["Splitting", "best_question", "chances", "may_ask", "wants_question"]

_LOOKED_AT = 500
"""Best candidates that a question is chosen for; the rest hardly counts."""
_OPTIONS = 5
_MANY_VALUES = 60
_KNOWN = {"few": 1.0, "many": 0.35, "number": 0.6}
"""How far an attribute counts: with few values, with more than sixty, and numbers."""
_AGAIN = 0.5
"""What an attribute counts of which the user has spoken already."""
_RARE, _SETTLED = 0.02, 0.98
_RANGES = 4


@dataclass(frozen=True)
class Splitting:
    """A question, and what its answer is worth."""

    question: Question
    gain: float
    """Expected, in bits."""


def chances(n: int, *, head: float = 10.0, fall: float = 1.3) -> NDArray[np.float64]:
    """Return how likely each of `n` ranked candidates is what is wanted, best first: falls with a power of the rank, adds up to 1."""
    weights: NDArray[np.float64] = (np.arange(n, dtype=np.float64) + head) ** -fall
    weights /= max(float(weights.sum()), 1e-300)
    return weights


def wants_question(
    found: Preferences, sure: float, best: Splitting | None, options: ConversationOptions
) -> bool:
    """Whether to ask before something is recommended.

    Args:
        found: What the user wants by now.
        sure: Estimated probability that what they want is among the items that would be shown.
        best: The best question; none where there is none.
        options: Of the conversation.
    """
    return best is not None and best.gain >= options.least_gain and may_ask(found, sure, options)


def may_ask(found: Preferences, sure: float, options: ConversationOptions) -> bool:
    """Whether any question may be asked now; see `wants_question`."""
    if options.ask == "never" or found.impatient:
        return False
    if found.in_a_row >= options.in_a_row or len(found.asked) >= options.questions:
        return False
    return sure < options.sure


def best_question(
    ranking: Sequence[str],
    catalogue: Catalogue,
    found: Preferences,
    options: ConversationOptions,
    item_type: str = "item",
) -> Splitting | None:
    """Return the question to ask about some candidates, or none where no attribute tells them apart.

    Args:
        ranking: The candidates, best first; ids.
        catalogue: Of them.
        found: What was asked already, and what the user does not mind, is not asked about again.
        options: With `ask="random"`, any attribute is as good as another.
        item_type: What a person calls one of the items.
    """
    looked_at = list(ranking[:_LOOKED_AT])
    if len(looked_at) < 2:
        return None
    weights = chances(len(ranking))[: len(looked_at)]
    weights = weights / weights.sum()
    closed = {*found.asked, *found.indifferent}
    splittings = []
    for attribute in catalogue.attributes():
        if attribute.name in closed or attribute.kind == "text":
            continue
        splitting = _splitting(attribute, looked_at, weights, catalogue, found, item_type)
        if splitting is not None:
            splittings.append(splitting)
    if not splittings:
        return None
    if options.ask == "random":
        drawn = np.random.default_rng([options.seed, len(found.asked), len(ranking)])
        return splittings[int(drawn.integers(len(splittings)))]
    return max(splittings, key=lambda splitting: splitting.gain)


def _splitting(
    attribute: Attribute,
    looked_at: Sequence[str],
    weights: NDArray[np.float64],
    catalogue: Catalogue,
    found: Preferences,
    item_type: str,
) -> Splitting | None:
    values = [catalogue.get(item_id).attributes.get(attribute.name) for item_id in looked_at]
    if attribute.kind == "number":
        numbers = np.asarray([value if isinstance(value, float) else math.nan for value in values])
        made = _ranges(attribute, numbers, weights)
        known = _KNOWN["number"]
    else:
        sets = [frozenset(v if isinstance(v, tuple) else (v,) if isinstance(v, str) else ()) for v in values]
        made = _choices(attribute, sets, weights, _settled(attribute.name, found))
        known = _KNOWN["many" if len(attribute.values) > _MANY_VALUES else "few"]
    if _settled(attribute.name, found):
        known *= _AGAIN
    if made is None:
        return None
    labels, conditions, patterns = made
    gain = known * _entropy(patterns, weights)
    if gain <= 0:
        return None
    question = Question(
        attribute=attribute.name,
        options=tuple(labels),
        conditions=tuple(str(condition) for condition in conditions),
        text=_worded(attribute, labels, item_type, known=bool(_settled(attribute.name, found))),
    )
    return Splitting(question, gain)


def _settled(name: str, found: Preferences) -> set[str]:
    """Return the values of an attribute that were spoken of already."""
    named = {str(v) for held in found.held if held.condition.attribute == name for v in held.condition.values}
    return named | {
        value for leaning in found.leanings for attribute, value in leaning.values if attribute == name
    }


_Made = tuple[list[str], list[Condition], list[object]]
"""Labels, the condition of each, and of each candidate which answer it would be given."""


def _choices(
    attribute: Attribute, sets: Sequence[Set[str]], weights: NDArray[np.float64], settled: Set[str]
) -> _Made | None:
    mass: defaultdict[str, float] = defaultdict(float)
    for held, weight in zip(sets, weights, strict=True):
        for value in held:
            mass[value] += float(weight)
    open_ = [value for value, share in mass.items() if _RARE < share < _SETTLED and value not in settled]
    chosen = sorted(open_, key=lambda value: (-_binary(mass[value]), value))[:_OPTIONS]
    if len(chosen) < 2:
        return None
    chosen.sort(key=lambda value: -mass[value])
    conditions = [Condition(attribute=attribute.name, op="in", values=(value,)) for value in chosen]
    return chosen, conditions, [frozenset(held & set(chosen)) for held in sets]


def _ranges(attribute: Attribute, numbers: NDArray[np.float64], weights: NDArray[np.float64]) -> _Made | None:
    there = np.isfinite(numbers)
    if there.sum() < 2:
        return None
    if attribute.integral and is_year(attribute.name, attribute.maximum or 0):
        bins = np.where(there, np.floor(numbers / 10) * 10, np.nan)
        share = {float(start): float(weights[bins == start].sum()) for start in np.unique(bins[there])}
        starts = sorted(sorted(share, key=lambda start: -share[start])[:_OPTIONS])
        edges = [(start, start + 9) for start in starts]
        labels = [f"{start:.0f}s" for start in starts]
    else:
        cuts = np.unique(np.quantile(numbers[there], np.linspace(0, 1, _RANGES + 1)))
        edges = [(float(a), float(b)) for a, b in pairwise(cuts)]
        labels = [f"{low:g} to {high:g}" for low, high in edges]
    if len(edges) < 2:
        return None
    conditions = [Condition(attribute=attribute.name, op="between", values=edge) for edge in edges]
    patterns: list[object] = [
        next((place for place, (low, high) in enumerate(edges) if low <= number <= high), None)
        for number in numbers
    ]
    return labels, conditions, patterns


def _entropy(patterns: Sequence[object], weights: NDArray[np.float64]) -> float:
    mass: defaultdict[object, float] = defaultdict(float)
    for pattern, weight in zip(patterns, weights, strict=True):
        mass[pattern] += float(weight)
    return -sum(share * math.log2(share) for share in mass.values() if share > 0)


def _binary(share: float) -> float:
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)


def _worded(attribute: Attribute, labels: Sequence[str], item_type: str, *, known: bool) -> str:
    listed = f"{', '.join(labels[:-1])} or {labels[-1]}"
    if attribute.integral and is_year(attribute.name, attribute.maximum or 0):
        return f"Which years should the {item_type} be from: {listed}? Or doesn't it matter?"
    if attribute.kind == "number":
        return f"What {attribute.name} should the {item_type} have: {listed}? Or doesn't it matter?"
    lower = listed if _names(labels) else listed.lower()
    if known:
        return f"Should it have another {attribute.name} as well: {lower}? Or doesn't it matter?"
    return f"Which {attribute.name} do you have in mind: {lower}? Or doesn't it matter?"


def _names(labels: Sequence[str]) -> bool:
    """Whether these are names of persons or places, which keep their capitals: several words with a capital each."""
    return any(
        len(label.split()) > 1 and all(word[0].isupper() for word in label.split()) for label in labels
    )
