"""What a user has done with the items of a catalogue."""

from limner.memory.records import Event
from limner.memory.user import UserMemory
from limner.tools import Catalogue
from limner.tools.resolve import resolved

__all__ = ["events_of"]


def events_of(user: UserMemory, catalogue: Catalogue) -> dict[str, Event]:
    """Return the user's last event with each item, tied to the catalogue, in order; what an assistant said is none."""
    events: dict[str, Event] = {}
    for observation in user.observations():
        event = resolved(observation, catalogue).event
        if event is not None and observation.author != "assistant":
            events.pop(event.item_id, None)
            events[event.item_id] = event
    return events
