"""Finding the catalogue item behind an event, and what the catalogue knows of it."""

import re

from limner.memory.records import Event, Observation
from limner.tools.catalogue import Catalogue

__all__ = ["rating_in", "resolved"]

_RATED = re.compile(
    r"\s*rated\s+(?P<title>.+?)\s*[:,]?\s+(?P<value>\d+(?:\.\d+)?)\s*(?:/|of|out of)\s*(?P<highest>\d+)\s*(?:stars?)?\.?\s*",
    re.IGNORECASE,
)


def rating_in(text: str) -> Event | None:
    """Read a rating that is written out, such as `Rated Alien (1979) 5/5`; none where the text says anything else.

    The item goes by its title, until a catalogue resolves it.
    """
    match = _RATED.fullmatch(text)
    if match is None:
        return None
    value, highest = float(match["value"]), float(match["highest"])
    if value > highest:
        return None
    return Event(
        kind="rating",
        item_id=match["title"],
        title=match["title"],
        value=value,
        scale=(min(1.0, value), highest),
    )


def resolved(observation: Observation, catalogue: Catalogue, item_type: str = "item") -> Observation:
    """Return the observation with its event tied to the catalogue: the item's id, and its attributes where the event has none.

    An event whose item the catalogue does not have, by id or by title, is returned as it is.

    Args:
        observation: What was observed.
        catalogue: Where the item is looked up.
        item_type: What a person calls the catalogue's items, for events that don't say.
    """
    event = observation.event
    if event is None:
        return observation
    if event.item_id in catalogue:
        item = catalogue.get(event.item_id)
    else:
        same = [
            item for item in catalogue.find(event.title, 1) if _folded(item.title) == _folded(event.title)
        ]
        if not same:
            return observation
        item = same[0]
    tied = event.model_copy(
        update={
            "item_id": item.id,
            "item_type": item_type if event.item_type == "item" else event.item_type,
            "attributes": event.attributes or item.attributes,
        }
    )
    return observation.model_copy(update={"event": tied})


def _folded(title: str) -> str:
    return " ".join(re.findall(r"\w+", title.casefold()))
