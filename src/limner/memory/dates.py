"""Dates and spans of time in English text, resolved against the moment at which it was said.

Made for sentences that people write about themselves, and for precision: what may be no date ("may", "second", "march on", "the 4th
floor", "today's music", "every Friday", 5/6/2023) is left alone. A week begins on Monday, seasons are those of the northern hemisphere,
"next Friday" is the one of the next week, "last Friday" the most recent one. Text in another language yields its ISO
dates only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from limner.memory.date_readers import PATTERNS, Direction
from limner.memory.periods import Grain
from limner.memory.tense import tense_around

__all__ = ("DateSpan", "Direction", "Grain", "resolve")

_GATE = re.compile(
    r"\b(?:yesterday|today|tonight|tomorrow|ago|morning|night|last|past|next|this|coming|weeks?|weekend|months?|years?|days?|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|january|february|"
    r"march|april|august|september|october|november|december)\b|\d{4}|\d(?:st|nd|rd|th)\b|\d0s\b|\d\.\d",
    re.IGNORECASE,
)
"""What every date has in it; most texts have none of it, and nothing else is looked for in these."""


@dataclass(frozen=True, slots=True)
class DateSpan:
    """A date, or a span of time, that a text names: `text[start:end]`."""

    start: int
    end: int
    first: datetime
    """Its first moment, in the time zone of the observation."""
    last: datetime
    """Its last moment, to the microsecond."""
    direction: Direction
    """`since`, `until`, `before` or `after` it, by the word in front; else `point`."""
    grain: Grain
    relative: bool
    """Whether it takes the moment of speaking to know when that is."""

    @property
    def beyond(self) -> datetime:
        """The first moment after it."""
        return self.last + timedelta(microseconds=1)


def resolve(text: str, occurred_at: datetime) -> list[DateSpan]:
    """Return the dates that stand in a text, in order; none overlap, and none raises an error.

    Args:
        text: In English.
        occurred_at: When it was said; the time zone decides what "today" is.
    """
    if _GATE.search(text) is None:
        return []
    taken: list[DateSpan] = []
    for span in _spans(text, occurred_at):
        if all(span.end <= other.start or span.start >= other.end for other in taken):
            taken.append(span)
    return sorted(taken, key=lambda span: span.start)


def _spans(text: str, occurred_at: datetime) -> Iterator[DateSpan]:
    for pattern, read in PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span("date") if "date" in pattern.groupindex else match.span()
            try:
                found = read(match, occurred_at.date(), tense_around(text, start, end))
                if found is None:
                    continue
                first = datetime.combine(found.days[0], time(), occurred_at.tzinfo)
                after = datetime.combine(found.days[1], time(), occurred_at.tzinfo)
                last = after - timedelta(microseconds=1)
            except (ValueError, OverflowError):  # the 31st of February, or a year beyond the calendar
                continue
            if first <= last:
                direction = found.direction or _direction(text, start, end)
                yield DateSpan(start, end, first, last, direction, found.grain, found.relative)


_CONNECTORS = re.compile(
    r"\b(since|until|til|till|through|up to|by|before|prior to|after)\s+"
    r"(?:(?:the|about|around|early|late|at least|end of|(?:the\s+)?(?:start|end|beginning|middle) of)\s+)*$",
    re.IGNORECASE,
)
_FROM = re.compile(r"\bfrom\s+$", re.IGNORECASE)
_ON = re.compile(r"\s+(?:on|onwards?|forward)\b", re.IGNORECASE)
_DIRECTIONS: dict[str, Direction] = {
    "since": "since", "before": "before", "prior to": "before", "after": "after",
}  # fmt: skip


def _direction(text: str, start: int, end: int) -> Direction:
    if _FROM.search(text, max(0, start - 8), start):
        return "since" if _ON.match(text, end) else "point"
    connector = _CONNECTORS.search(text, max(0, start - 40), start)
    if connector is None:
        return "point"
    return _DIRECTIONS.get(connector[1].lower(), "until")
