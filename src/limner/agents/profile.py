"""What the deciding model is shown of the user, and which conditions that suggests."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from limner.agents.taste import Taste, tastes
from limner.errors import InvalidFilter
from limner.memory.records import Event, Proposition
from limner.profiles.propositions.findings import attribute_keys
from limner.profiles.propositions.portraitist import lines_of
from limner.tools import Catalogue, Condition, Filter

__all__ = ["Lead", "Profile", "ProfileKind", "profile"]

ProfileKind = Literal["portrait", "history", "nothing"]
"""The propositions held; the last titles with their ratings; or nothing at all. The latter two are there to be compared with."""

_LINES = 8
_TITLES = 15
_COMMON_AMONG = 30
"""Best candidates of which the common values are conditions, where no portrait offers any."""
_COMMON = 6
_COMMON_WEIGHT = 0.3
"""The median of what a portrait line of a MovieLens user weighs, so that the two can be compared."""


@dataclass(frozen=True)
class Lead:
    """A condition that may be searched, and what speaks for it."""

    where: Filter
    reason: str
    weight: float = 1.0
    """From 0 to 1."""


@dataclass(frozen=True)
class Profile:
    """What is shown of a user."""

    text: str
    leads: tuple[Lead, ...]


def profile(
    kind: ProfileKind,
    portrait: Sequence[Proposition],
    events: Mapping[str, Event],
    best: Sequence[str],
    catalogue: Catalogue,
) -> Profile:
    """Return what is shown of a user.

    Args:
        kind: Of what.
        portrait: What is held of the user.
        events: What they did, by item id, oldest first.
        best: The best candidates so far; ids.
        catalogue: For conditions.
    """
    if kind == "portrait":
        lines = [line.text for line in lines_of(list(portrait))[:_LINES]]
        leads = [_lead(taste) for taste in tastes(portrait, catalogue)[:_LINES]]
    else:
        lines = [_done(event) for event in list(events.values())[-_TITLES:]] if kind == "history" else []
        leads = _common(best, catalogue)
    return Profile("\n".join(f"- {line}" for line in lines) or "- nothing is known yet", tuple(leads))


def _lead(taste: Taste) -> Lead:
    return Lead(taste.where, f"the portrait says: {taste.proposition.text}", taste.weight)


def _done(event: Event) -> str:
    if event.value is None:
        return f"{event.kind}: {event.title}"
    highest = f" of {event.scale[1]:g}" if event.scale is not None else ""
    return f"{event.title}: {event.value:g}{highest}"


def _common(best: Sequence[str], catalogue: Catalogue) -> list[Lead]:
    """Return the values that the best candidates have most often: what a list looks like is all that there is to go by."""
    counted = Counter(
        (attribute, value)
        for item_id in best[:_COMMON_AMONG]
        for attribute, value in attribute_keys(catalogue.get(item_id).attributes)
    )
    leads = []
    for (attribute, value), count in counted.most_common():
        try:
            where = catalogue.validated(
                Filter(conditions=(Condition(attribute=attribute, op="in", values=(value,)),))
            )
        except InvalidFilter:  # a decade, or a text that is no category
            continue
        if count > 1:
            leads.append(Lead(where, f"{count} of the best so far have it", _COMMON_WEIGHT))
    return leads[:_COMMON]
