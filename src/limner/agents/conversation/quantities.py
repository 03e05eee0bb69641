"""Bounds on a number that a turn states with its unit: "under two hours", "at most 300 pages", "for less than 20 dollars"."""

import re

from limner.agents.conversation.acts import Wanted, Words
from limner.agents.conversation.critiques import numbered
from limner.agents.conversation.hearing import Hearing, Rule, rule
from limner.agents.conversation.lexicon import NUMBERS
from limner.agents.conversation.tokens import Line, Unit
from limner.tools import Attribute, Condition, Filter

__all__ = ["QUANTITIES"]

_MINUTES_FROM = 20
"""A length whose greatest value is above this is in minutes, and else in hours."""
_WORDED = {
    **NUMBERS,
    "a": 1,
    "an": 1,
    "half": 0.5,
    "ninety": 90,
    "sixty": 60,
    "twenty": 20,
    "thirty": 30,
    "hundred": 100,
}
_N = rf"(?P<number>\d+(?: \. \d+)?|{'|'.join(sorted(_WORDED, key=len, reverse=True))})"
_UNITS = {
    "length": ("hours?", "hrs?", "h", "minutes?", "mins?", "pages?"),
    "price": (r"\$", "€", "£", "dollars?", "bucks", "euros?", "pounds?"),
}
_UNIT = "|".join(unit for units in _UNITS.values() for unit in units)
_MOST = r"under|below|less than|fewer than|shorter than|cheaper than|(?:not|no|nothing) (?:longer|more|over)(?: than)?|not above|at most|up to|within|maximum|max|nothing over|nothing above"
_LEAST = r"over|above|more than|longer than|at least|not less than|(?:not|no|nothing) (?:shorter|less|under)(?: than)?|minimum"


def _bounded(hearing: Hearing, line: Line, match: re.Match[str], found: list[Unit]) -> bool | None:
    unit = match["unit"] or match["before"] or ""
    kind = next((kind for kind, units in _UNITS.items() if re.fullmatch("|".join(units), unit)), None)
    if kind is None:
        return False
    name = numbered(kind, hearing.vocabulary)
    if name is None or ("page" in unit) != ("page" in name.lower()):
        hearing.add(Words, found)  # so that the user is told that it was not checked
        return None
    bound = _in_unit(match, unit, hearing.vocabulary.attributes[name])
    below = match["most"] is not None or match["after"] in {
        "or less",
        "max",
        "maximum",
        "at most",
        "tops",
        "or shorter",
    }
    strict = match["most"] in {"under", "below", "less than", "fewer than", "shorter than", "cheaper than"}
    op = ("<" if strict else "<=") if below else ">="
    condition = Condition(attribute=name, op=op, values=(bound,))
    hearing.add(Wanted, found, where=str(Filter(conditions=(condition,))))
    return None


def _in_unit(match: re.Match[str], unit: str, attribute: Attribute) -> float:
    """Return a number in the unit that the attribute is in: hours and minutes are told apart by how large it grows."""
    text = match["number"].replace(" ", "")
    number = float(_WORDED[text]) if text in _WORDED else float(text)
    if match["half"] is not None:
        number += 0.5
    in_minutes = (attribute.maximum or 0.0) > _MINUTES_FROM
    if unit.startswith("h"):
        return number * 60 if in_minutes else number
    if unit.startswith("min"):
        return number if in_minutes else number / 60
    return number


QUANTITIES: list[Rule] = [
    rule(
        rf"(?:(?:that|which|is|are|its|be|for|lasts?|runs?|takes?|costs?|please|and|but|,|something|anything|I) )*(?:(?P<most>{_MOST})|(?P<least>{_LEAST})) (?:about |around )?(?P<before>\$|€|£)? ?{_N}"
        rf" ?(?:(?P<unit>{_UNIT})(?P<half> and a half)?)?(?: (?P<after>or less|or more|max|maximum|tops))?(?: (?:long|in length|of length|in total))?",
        _bounded,
    ),
    rule(
        rf"(?P<most>(?!))?(?P<before>\$|€|£)? ?{_N} (?P<unit>{_UNIT})(?P<half> and a half)? (?P<after>or less|or shorter|or more|or longer|max|maximum|at most|at least|tops)",
        _bounded,
    ),
]
"""Numbers with a unit."""
