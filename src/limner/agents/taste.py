"""What a portrait and a history say in the terms of a catalogue."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from limner.errors import InvalidFilter
from limner.memory.records import Event, Proposition
from limner.profiles.propositions.findings import Topic, attribute_keys, is_year
from limner.tools import Catalogue, Condition, Filter, Item

__all__ = ["Taste", "fits", "mean_rating", "place_on_scale", "tastes"]


@dataclass(frozen=True)
class Taste:
    """A computed proposition as a condition on the catalogue."""

    proposition: Proposition
    where: Filter
    """Holds for what the person likes or chooses, or, for a dislike, for everything else."""
    liked: bool

    @property
    def weight(self) -> float:
        """0 at even odds, 1 at certainty."""
        return max(0.0, (self.proposition.confidence - 5) / 5)


def tastes(propositions: Sequence[Proposition], catalogue: Catalogue) -> list[Taste]:
    """Return the propositions that the catalogue can check, surest first; others have no condition to offer."""
    found = []
    for proposition in propositions:
        if proposition.topic is None:
            continue
        topic = Topic.parse(proposition.topic)
        condition = _condition(topic, catalogue)
        if condition is None:
            continue
        try:
            where = catalogue.validated(Filter(conditions=(condition,)))
        except InvalidFilter:  # the attribute or value is of another catalogue
            continue
        found.append(Taste(proposition, where, liked=topic.sign == "+"))
    return sorted(found, key=lambda taste: -taste.proposition.confidence)


def fits(item: Item, topic: Topic) -> bool:
    """Whether an item has the attribute value that a topic is about."""
    return (topic.attribute, topic.value) in set(attribute_keys(item.attributes))


def _condition(topic: Topic, catalogue: Catalogue) -> Condition | None:
    if topic.attribute != "decade":
        return Condition(
            attribute=topic.attribute, op="in" if topic.sign == "+" else "not in", values=(topic.value,)
        )
    year = next(_years(catalogue), None)
    if year is None:
        return None
    first = float(topic.value.removesuffix("s"))
    if topic.sign == "+":
        return Condition(attribute=year, op="between", values=(first, first + 9))
    if first + 9 >= (catalogue.schema()[year].maximum or 0):
        return Condition(attribute=year, op="<", values=(first,))
    return Condition(attribute=year, op="not in", values=tuple(first + n for n in range(10)))


def _years(catalogue: Catalogue) -> Iterator[str]:
    """Yield the attributes whose values are years, as `findings` takes them by the decade."""
    for attribute in catalogue.attributes():
        if (
            attribute.kind == "number"
            and attribute.integral
            and is_year(attribute.name, attribute.maximum or 0)
        ):
            yield attribute.name


def mean_rating(events: Sequence[Event]) -> float | None:
    """Return the mean of the ratings among events, each as its place on its scale from 0 to 1; none where there is none."""
    places = [place for event in events if (place := place_on_scale(event)) is not None]
    return sum(places) / len(places) if places else None


def place_on_scale(event: Event) -> float | None:
    """Return where a rating lies between the lowest (0) and the highest (1) of its scale; none without rating or scale."""
    if event.value is None or event.scale is None or event.scale[0] >= event.scale[1]:
        return None
    return (event.value - event.scale[0]) / (event.scale[1] - event.scale[0])
