"""Items in one line each, as prompts and tools show them: never with an id."""

from limner.tools.bus import Candidate
from limner.tools.catalogue import Item
from limner.tools.filters import plain

__all__ = ["described", "numbered"]


def described(item: Item, *, numbers: bool = False) -> str:
    """Return an item as one line: its title, then the values of its attributes.

    Args:
        item: The item.
        numbers: Whether numeric attributes are shown too, by name; a title often holds its year already.
    """
    parts = [item.title]
    for name, value in item.attributes.items():
        if isinstance(value, tuple):
            parts += value
        elif isinstance(value, str):
            parts.append(value)
        elif numbers:
            parts.append(f"{name} {plain(value)}")
    return ", ".join(parts)


def numbered(candidate: Candidate) -> str:
    """Return a candidate as one line with its number in front and all its attributes."""
    return f"{candidate.number}. {described(candidate.item, numbers=True)}"
