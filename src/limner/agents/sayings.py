"""What the user said in a conversation, and which of it speaks for an item."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from limner.agents.ordinary import ORDINARY
from limner.agents.reasons import Known, Said
from limner.memory.lexical import tokenize
from limner.memory.records import AttributeValue
from limner.tools import Filter, Item
from limner.tools.texts import item_text

__all__ = ["Saying", "asked_for", "said_of", "telling"]

_ALIKE = 20
"""Items that are said to go with an example: the first of its list; further down it goes with everything."""
_LONGEST_REQUEST = 100
_WORD = re.compile(r"[\w'’-]+")


@dataclass(frozen=True)
class Saying:
    """Something that the user said, and what it means for items."""

    text: str
    """The whole turn."""
    observation: str
    """Id of the observation that the turn is; of a conversation that is not recorded, any name of the turn."""
    quote: str
    """The words of the turn that mean it."""
    conditions: tuple[str, ...] = ()
    """Filters in their text form; one that an item satisfies speaks for it."""
    example: str = ""
    """Id of an item that the user named; what goes with it has this speaking for it."""
    words: bool = False
    """Whether the words themselves are looked for in an item's text."""


def said_of(item: Item, sayings: Sequence[Saying], known: Known) -> list[Said]:
    """Return what was said that speaks for an item: what is wanted before what is not, and the newest first.

    Args:
        item: Of the catalogue.
        sayings: In the order in which they were said.
        known: What reasons are compared with; its calls say what goes with an example.
    """
    found = []
    for saying in reversed(sayings):
        found += [
            _said(item, saying, condition=condition, attributes=_held(item, condition))
            for condition in saying.conditions
            if known.catalogue.mask(Filter.parse(condition))[known.catalogue.position(item.id)]
        ][:1]
        if saying.example:
            found += _alike(item, saying, known)
        if saying.words:
            held = set(tokenize(item_text(item)))
            telling_words = telling(saying.quote)
            shared = tuple(w for w in telling_words if held & set(tokenize(w)))
            # "A rainy day" is not borne out by any day.
            shared = shared if 2 * len(shared) > len(telling_words) else ()
            found += [_said(item, saying, words=shared)] if shared else []
    return sorted(found, key=lambda reason: " not in " in reason.condition)


def telling(text: str) -> list[str]:
    """Return the words of a text that say something of what is looked for, each once."""
    return [w for w in dict.fromkeys(_WORD.findall(text)) if len(w) > 1 and w.casefold() not in ORDINARY]


def asked_for(item: Item, sayings: Sequence[Saying]) -> list[Said]:
    """Return that the item is there because something was asked for: the last that was said."""
    if not sayings:
        return []
    last = sayings[-1]
    return [_said(item, last, quote=_end_of(last.text))]


def _end_of(text: str) -> str:
    """Return the last sentence of a text, and of a long one the last words."""
    sentence = re.split(r"(?<=[.!?])\s+", text.strip())[-1]
    if len(sentence) <= _LONGEST_REQUEST:
        return sentence
    return sentence[-_LONGEST_REQUEST:].partition(" ")[2] or sentence[-_LONGEST_REQUEST:]


def _said(
    item: Item,
    saying: Saying,
    *,
    quote: str = "",
    condition: str = "",
    attributes: dict[str, AttributeValue] | None = None,
    example: str = "",
    call: int | None = None,
    words: tuple[str, ...] = (),
) -> Said:
    return Said(
        item_id=item.id,
        attributes=attributes or {},
        evidence=(saying.observation,),
        call=call,
        quote=quote or saying.quote,
        condition=condition,
        example=example,
        words=words,
    )


def _held(item: Item, condition: str) -> dict[str, AttributeValue]:
    held = {one.attribute for one in Filter.parse(condition).conditions}
    return {name: value for name, value in item.attributes.items() if name in held}


def _alike(item: Item, saying: Saying, known: Known) -> list[Said]:
    if saying.example not in known.catalogue:
        return []
    title = known.catalogue.get(saying.example).title
    for call in known.calls:
        listed = known.found.get(call.number, ())[:_ALIKE]
        if call.arguments.get("with") == saying.example and item.id in listed:
            return [_said(item, saying, example=title, call=call.number)]
    return []
