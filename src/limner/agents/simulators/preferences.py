"""What is true of the item that somebody has in mind: by itself, and against an item that they are shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from limner.agents.simulators.phrases import kinds, times
from limner.profiles.propositions.findings import is_year
from limner.tools import Attribute, Catalogue, Condition, Filter, Item

__all__ = ["Preference", "Truths", "values_of"]

_FEW_VALUES = 80
"""An attribute with more values than this holds names, such as directors."""
_FREQUENT = 12
"""Values of an attribute that somebody would think of not wanting: the most frequent."""
_MADE = {"director": "directed by", "writer": "written by", "author": "written by"} | dict.fromkeys(
    ("artist", "developer", "composer", "brand", "maker", "designer"), "by"
)
"""How somebody has made an item, by what the attribute is called."""
_CLEARLY = 3
"""Years between two items from which one is called older."""


@dataclass(frozen=True)
class Preference:
    """Something that can be said, and is true."""

    key: tuple[str, ...]
    """What it says; two of the same key say the same."""
    attribute: str | None
    where: str
    """A filter that the item in mind satisfies, which is what the words mean; empty where they mean none."""
    phrase: str
    """Key of `PHRASES`."""
    fills: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Ways to fill each blank of the template."""


def values_of(item: Item, name: str) -> tuple[str, ...]:
    """Return the values of an attribute that has categories; none where it is not known."""
    held = item.attributes.get(name, ())
    return held if isinstance(held, tuple) else () if isinstance(held, float) else (held,)


class Truths:
    """What is true of one item of a catalogue, without what would single it out.

    Args:
        catalogue: Says how many have a value.
        target: The item in mind.
        hidden: Ids of all items in mind: a value that no other item has is not told.
        item_type: What a person calls one of the items.
    """

    def __init__(
        self, catalogue: Catalogue, target: Item, hidden: frozenset[str], item_type: str = "item"
    ) -> None:
        self._catalogue = catalogue
        self._target = target
        self._hidden = hidden
        self._item = item_type
        self._attributes = [a for a in catalogue.attributes() if a.kind != "text"]

    def holds(self, where: str) -> bool:
        """Whether a filter, in its text form, holds for the item.

        Raises:
            InvalidFilter: It is none of this catalogue.
        """
        return bool(self._catalogue.mask(where)[self._catalogue.position(self._target.id)])

    def tells_too_much(self, where: str) -> bool:
        """Whether a filter leaves nothing but what is in mind."""
        return set(self._catalogue.select(where)) <= self._hidden

    def wanted(self) -> list[Preference]:
        """Return what it has: kinds first, then names and numbers."""
        found = [one for attribute in self._attributes for one in self._has(attribute)]
        return [one for one in found if not self.tells_too_much(one.where)]

    def unwanted(self) -> list[Preference]:
        """Return which frequent kinds it is not."""
        return [
            self._lacking(attribute, value, "no_kind", ())
            for attribute in self._attributes
            if _has_kinds(attribute) and values_of(self._target, attribute.name)
            for value in attribute.values[:_FREQUENT]
            if value not in values_of(self._target, attribute.name)
        ]

    def against(self, shown: Sequence[Item]) -> list[Preference]:
        """Return how it differs from items that are shown; what does not name one of these holds against all of them."""
        return [one for attribute in self._attributes for one in self._differs(attribute, shown)]

    def _has(self, attribute: Attribute) -> Iterator[Preference]:
        name = attribute.name
        if attribute.kind == "number":
            value = self._target.attributes.get(name)
            if isinstance(value, float):
                yield from self._number(attribute, value)
            return
        for value in values_of(self._target, name):
            where = _where(name, "in", value)
            if _has_kinds(attribute):
                ways = kinds(value, self._item)
                yield Preference((name, "in", value), name, where, "want_kind", {"kind": ways})
            else:
                made = [word for part, word in _MADE.items() if part in name.lower()]
                fills = {"value": (value,), "made": made}
                phrase = "by_person" if made else "with_person"
                yield Preference((name, "in", value), name, where, phrase, fills)

    def _number(self, attribute: Attribute, value: float) -> Iterator[Preference]:
        name = attribute.name
        if is_year(name, attribute.maximum or 0.0):
            start = int(value) // 10 * 10
            decade = _where(name, "between", start, start + 9)
            yield Preference((name, "decade"), name, decade, "want_years", {"years": times(int(value))})
            return
        reach = ((attribute.maximum or 0.0) - (attribute.minimum or 0.0)) / 10
        low, high = round(value - reach), round(value + reach)
        if low <= value <= high:
            said = (f"between {low} and {high}", f"from {low} to {high}")
            fills = {"name": (name,), "years": said}
            yield Preference((name, "about"), name, _where(name, "between", low, high), "want_number", fills)

    def _differs(self, attribute: Attribute, shown: Sequence[Item]) -> Iterator[Preference]:
        if attribute.kind == "number":
            yield from self._compared(attribute, shown)
        elif _has_kinds(attribute) and values_of(self._target, attribute.name):
            for item in shown:
                yield from self._mixed(attribute, item)

    def _mixed(self, attribute: Attribute, item: Item) -> Iterator[Preference]:
        name = attribute.name
        mine, theirs = values_of(self._target, name), values_of(item, name)
        for value in theirs:
            if value not in mine:
                yield self._lacking(attribute, value, "less_kind", (item.title,))
        for value in mine if theirs else ():
            where = _where(name, "in", value)
            if value not in theirs and not self.tells_too_much(where):
                fills = {"kind": kinds(value, self._item), "bare": (_bare(value),), "title": (item.title,)}
                yield Preference((name, "in", value), name, where, "more_kind", fills)

    def _lacking(self, attribute: Attribute, value: str, phrase: str, titles: tuple[str, ...]) -> Preference:
        fills = {"bare": (_bare(value),), "title": titles}
        key = (attribute.name, "not in", value)
        return Preference(key, attribute.name, _where(attribute.name, "not in", value), phrase, fills)

    def _compared(self, attribute: Attribute, shown: Sequence[Item]) -> Iterator[Preference]:
        name, mine = attribute.name, self._target.attributes.get(attribute.name)
        if not isinstance(mine, float):
            return
        there = [(item, v) for item in shown if isinstance(v := item.attributes.get(name), float)]
        year = is_year(name, attribute.maximum or 0.0)
        for op, sign in ((">", 1), ("<", -1)):
            clear = [(item, v) for item, v in there if sign * (mine - v) >= (_CLEARLY if year else 1e-9)]
            word = ("newer" if sign > 0 else "older") if year else ("higher" if sign > 0 else "lower")
            if clear and len(clear) == len(shown):
                bound = (max if sign > 0 else min)(v for _, v in clear)
                yield Preference((name, op), name, _where(name, op, bound), word, {"name": (name,)})
            if year:
                for item, v in clear:
                    fills = {"title": (item.title,)}
                    yield Preference((name, op), name, _where(name, op, v), f"{word}_than", fills)


def _has_kinds(attribute: Attribute) -> bool:
    return attribute.kind != "number" and len(attribute.values) <= _FEW_VALUES


def _bare(value: str) -> str:
    return value.lower() if value.istitle() else value


def _where(name: str, op: str, *values: str | float) -> str:
    condition = Condition.model_validate({"attribute": name, "op": op, "values": values})
    return str(Filter(conditions=(condition,)))
