"""Finding the catalogue item behind an event, and what the catalogue knows of it."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from limner.memory.records import Event, NewObservation, Observation
from limner.tools.names import same

if TYPE_CHECKING:
    # It brings polars along: slow to import for who only reads a rating, and deaf to Ctrl-C while input is awaited.
    from limner.tools.catalogue import Catalogue, Item

__all__ = ["rating_in", "resolved", "with_event"]

_LONGEST = 300
"""Longest text that is looked at: the pattern takes cubic time on blanks, and no title is that long."""
_RATED = re.compile(
    r"\s*rated\s+(?P<title>.+?)\s*[:,]?\s+(?P<value>\d{1,6}(?:\.\d+)?)\s*(?:/|of|out of)\s*(?P<highest>\d{1,6})\s*(?:stars?)?\.?\s*",
    re.IGNORECASE,
)


def rating_in(text: str) -> Event | None:
    """Read a rating that is written out, such as `Rated Alien (1979) 5/5`; none where the text says anything else.

    The item goes by its title, until a catalogue resolves it.
    """
    match = _RATED.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    value, highest = float(match["value"]), float(match["highest"])
    if value > highest or highest == 0:
        return None
    return Event(
        kind="rating",
        item_id=match["title"],
        title=match["title"],
        value=value,
        scale=(min(1.0, value), highest),
    )


def with_event(new: NewObservation) -> NewObservation:
    """Return an observation with the rating that its text spells out, if it came without an event.

    What the assistant said is left as it is: it is no evidence about the user.
    """
    if new.event is not None or new.author == "assistant" or not isinstance(new.text, str):
        return new
    return replace(new, event=rating_in(new.text))


def resolved(observation: Observation, catalogue: "Catalogue", item_type: str = "item") -> Observation:
    """Return the observation with its event tied to the catalogue: the item's id, and its attributes where the event has none.

    An event whose item the catalogue does not have, by id or by title, is returned as it is.

    Args:
        observation: What was observed.
        catalogue: Where the item is looked up.
        item_type: What a person calls the catalogue's items, for events that don't say.
    """
    event = observation.event
    if event is None or ("item" not in {event.item_type, item_type} and event.item_type != item_type):
        return observation
    item = _item(event, catalogue)
    if item is None:
        return observation
    tied = event.model_copy(
        update={
            "item_id": item.id,
            "item_type": item_type if event.item_type == "item" else event.item_type,
            "attributes": event.attributes or item.attributes,
        }
    )
    return observation.model_copy(update={"event": tied})


def _item(event: Event, catalogue: "Catalogue") -> "Item | None":
    """Return the item that an event is about: the one of its id if the title agrees, else the only one of its title.

    An id alone is not enough: other sources number their items too, and a film may be called `300`.
    """
    by_id = catalogue.get(event.item_id) if event.item_id in catalogue else None
    if by_id is not None and event.item_id != event.title and same(event.title, [by_id.title]):
        return by_id
    named = [item for item in catalogue.find(event.title) if same(event.title, [item.title])]
    return named[0] if len({item.title for item in named}) == 1 else None
