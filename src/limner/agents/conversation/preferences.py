"""What a user wants by now: what the acts of a session's turns add up to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from limner.agents.conversation.acts import (
    Accepted,
    Act,
    Critique,
    Forget,
    Indifferent,
    Liking,
    More,
    Rejected,
    Restart,
    Seen,
    Wanted,
    Words,
)
from limner.agents.conversation.dialogue import Dialogue, Turn
from limner.errors import InvalidFilter
from limner.tools import Catalogue, Condition, Filter

__all__ = ["Held", "Leaning", "Ordering", "Preferences", "preferences"]

_INSTEAD = re.compile(r"\b(?:instead|rather|actually|changed my mind|on second thought)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Held:
    """Something said that still counts, with the turn that says it."""

    turn: Turn
    quote: str
    condition: Condition

    @property
    def excludes(self) -> bool:
        """Whether it says what is not wanted."""
        return self.condition.op == "not in"


@dataclass(frozen=True)
class Leaning:
    """More or less of some values: no condition, but it moves what has them."""

    turn: Turn
    quote: str
    values: tuple[tuple[str, str], ...]
    """Pairs of attribute and value."""
    more: bool


@dataclass(frozen=True)
class Ordering:
    """More or less of a number, where there is nothing to measure it by: what has more or less of it comes first."""

    turn: Turn
    quote: str
    attribute: str
    more: bool


@dataclass
class Preferences:
    """What counts now."""

    held: list[Held] = field(default_factory=list)
    leanings: list[Leaning] = field(default_factory=list)
    orderings: list[Ordering] = field(default_factory=list)
    liked: dict[str, tuple[Turn, str]] = field(default_factory=dict)
    """Items named as examples of what is wanted or liked; with the turn and the words."""
    disliked: dict[str, tuple[Turn, str]] = field(default_factory=dict)
    words: list[tuple[Turn, str]] = field(default_factory=list)
    """Words that no attribute covers."""
    rejected: dict[str, tuple[Turn, str]] = field(default_factory=dict)
    """Items turned down, with the user's reason or an empty text."""
    seen: dict[str, Turn] = field(default_factory=dict)
    accepted: dict[str, Turn] = field(default_factory=dict)
    indifferent: set[str] = field(default_factory=set)
    """Attributes that they do not mind, or could not say anything of."""
    asked: list[str] = field(default_factory=list)
    """Attributes that were asked about, in order."""
    in_a_row: int = 0
    """Questions asked since the last recommendation."""
    impatient: bool = False
    """Whether their last word asks for recommendations."""

    @property
    def where(self) -> Filter:
        """The conditions that hold now."""
        return Filter(conditions=tuple(dict.fromkeys(held.condition for held in self.held)))

    @property
    def anything(self) -> bool:
        """Whether anything was said that tells items apart."""
        return bool(self.held or self.leanings or self.orderings or self.liked or self.disliked or self.words)

    @property
    def barred(self) -> set[str]:
        """Items that are not to be recommended, besides those shown."""
        return {*self.liked, *self.disliked, *self.rejected, *self.seen, *self.accepted}


def preferences(dialogue: Dialogue, catalogue: Catalogue) -> Preferences:
    """Return what a session's turns add up to.

    The newer word counts: a bound on a number takes the place of the one before on the same side, what is wanted again is unwanted no
    longer, and what is wanted "instead" takes the place of what was wanted of the same attribute. A positive condition on an attribute of
    which an item can have several values is added to those before, as long as the catalogue has items that satisfy all of them. Who
    names examples of what they want now wants nothing any more that none of these is.

    Args:
        dialogue: The session.
        catalogue: What conditions are about.
    """
    found = Preferences()
    for turn in dialogue.turns:
        for act in turn.acts:
            left = _of_catalogue(act, catalogue)
            if left is not None:
                _take(found, turn, left, catalogue)
        found.impatient = any(isinstance(act, More) for act in turn.acts)
        if turn.told is not None and turn.told.question is not None:
            found.asked.append(turn.told.question.attribute)
            found.in_a_row += 1
        elif turn.told is not None and turn.told.shown:
            found.in_a_row = 0
    return found


def _of_catalogue(act: Act, catalogue: Catalogue) -> Act | None:
    """Return an act without what the catalogue has no more; none where nothing of it is left."""
    schema = catalogue.schema()
    match act:
        case Wanted():
            try:
                catalogue.validated(Filter.parse(act.where))
            except InvalidFilter:  # the session began over another catalogue
                return None
            return act
        case Critique():
            held = tuple(v for v in act.values if v[0] in schema and v[1] in schema[v[0]].values)
            return (
                act.model_copy(update={"values": held})
                if act.attribute is None or act.attribute in schema
                else None
            )
        case Liking():
            return act.model_copy(update={"item_ids": tuple(i for i in act.item_ids if i in catalogue)})
        case _:
            return act


def _take(found: Preferences, turn: Turn, act: Act, catalogue: Catalogue) -> None:
    match act:
        case Wanted():
            for condition in Filter.parse(act.where).conditions:
                _hold(found, Held(turn, act.quote, condition), catalogue)
        case Critique():
            _criticised(found, turn, act, catalogue)
        case Words():
            found.words.append((turn, act.quote))
        case Liking(wished=True, liked=True):
            _give_way(found, turn, act, catalogue)
            _of_items(found, turn, act)
        case Restart() | Forget(what="session"):
            _restart(found)
        case _:
            _of_items(found, turn, act)


def _of_items(found: Preferences, turn: Turn, act: Act) -> None:
    match act:
        case Liking():
            into, out = (found.liked, found.disliked) if act.liked else (found.disliked, found.liked)
            for item_id in act.item_ids:
                out.pop(item_id, None)
                into[item_id] = (turn, act.quote)
        case Rejected():
            found.rejected |= dict.fromkeys(act.item_ids, (turn, act.reason))
        case Seen():
            found.seen |= dict.fromkeys(act.item_ids, turn)
        case Accepted():
            found.accepted |= dict.fromkeys(act.item_ids, turn)
        case Indifferent():
            if act.attribute is not None:
                found.indifferent.add(act.attribute)
            else:
                found.impatient = True
        case _:
            pass


def _give_way(found: Preferences, turn: Turn, act: Liking, catalogue: Catalogue) -> None:
    """Drop what was wanted before and none of the examples of what is wanted now is: the user has turned to something else."""
    examples = [item_id for item_id in act.item_ids if item_id in catalogue]
    found.held = [
        held
        for held in found.held
        if held.excludes
        or held.turn.number == turn.number
        or any(_has(item_id, held.condition, catalogue) for item_id in examples)
    ]


def _has(item_id: str, condition: Condition, catalogue: Catalogue) -> bool:
    return bool(catalogue.mask(Filter(conditions=(condition,)))[catalogue.position(item_id)])


def _restart(found: Preferences) -> None:
    """Forget every wish; what they have, know or turned down stays so."""
    found.held, found.leanings, found.orderings, found.words = [], [], [], []
    found.liked, found.disliked = {}, {}
    found.indifferent, found.asked, found.in_a_row = set(), [], 0


def _hold(found: Preferences, new: Held, catalogue: Catalogue) -> None:
    condition = new.condition
    same = [held for held in found.held if held.condition.attribute == condition.attribute]
    dropped: list[Held] = []
    if condition.op == "not in":
        dropped = [
            held for held in same if not held.excludes and set(held.condition.values) <= set(condition.values)
        ]
    elif condition.op == "in":
        dropped = [
            held for held in same if held.excludes and set(held.condition.values) & set(condition.values)
        ]
        if catalogue.schema()[condition.attribute].kind == "categories" and not _INSTEAD.search(
            new.turn.text
        ):
            together = Filter(
                conditions=tuple(held.condition for held in same if not held.excludes)
            ) & Filter(conditions=(condition,))
            several = bool(catalogue.mask(together).any())
        else:
            several = False
        if not several:
            dropped += [held for held in same if not held.excludes and held.turn.number < new.turn.number]
    else:
        dropped = [held for held in same if _same_side(held.condition, condition)]
    found.held = [held for held in found.held if held not in dropped and held.condition != condition]
    found.held.append(new)
    _lean_no_more(found, condition)


def _lean_no_more(found: Preferences, condition: Condition) -> None:
    """What is plainly wanted or unwanted now is no longer a matter of more or less."""
    named = {(condition.attribute, value) for value in condition.values}
    found.leanings = [
        leaning
        for leaning in found.leanings
        if not (set(leaning.values) & named and leaning.more == (condition.op == "not in"))
    ]


def _same_side(one: Condition, other: Condition) -> bool:
    return bool(_sides(one) & _sides(other))


def _sides(condition: Condition) -> set[str]:
    return {">": {"low"}, ">=": {"low"}, "<": {"high"}, "<=": {"high"}, "between": {"low", "high"}}.get(
        condition.op, set()
    )


def _criticised(found: Preferences, turn: Turn, act: Critique, catalogue: Catalogue) -> None:
    if act.attribute is not None:
        middle = _middle(act.than, act.attribute, catalogue)
        if middle is not None:
            condition = Condition(
                attribute=act.attribute, op=">" if act.direction == "more" else "<", values=(middle,)
            )
            _hold(found, Held(turn, act.quote, condition), catalogue)
        else:
            ordering = Ordering(turn, act.quote, act.attribute, act.direction == "more")
            found.orderings = [*(o for o in found.orderings if o.attribute != act.attribute), ordering]
    elif act.values:
        if act.direction == "less" and len(act.values) == 1:
            found.held = [held for held in found.held if held.excludes or not _names(held, act.values[0])]
        found.leanings.append(Leaning(turn, act.quote, act.values, act.direction == "more"))
    elif act.direction == "more" and act.word:
        found.words.append((turn, act.quote))


def _names(held: Held, value: tuple[str, str]) -> bool:
    """Whether a condition asks for just this value."""
    return (held.condition.attribute, held.condition.values) == (value[0], (value[1],))


def _middle(item_ids: Sequence[str], attribute: str, catalogue: Catalogue) -> float | None:
    """Return the median of a number over the items that a critique is measured by; none where none has it."""
    values = [
        catalogue.get(item_id).attributes.get(attribute) for item_id in item_ids if item_id in catalogue
    ]
    numbers = [float(value) for value in values if isinstance(value, float)]
    return float(np.median(numbers)) if numbers else None
