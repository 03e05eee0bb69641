"""Putting absolute dates where a statement says "yesterday": a portrait is read long after it was written."""

import re
from collections.abc import Sequence
from datetime import datetime

from limner.memory.dates import DateSpan, resolve

__all__ = ["absolute", "named_dates"]

_VAGUE = re.compile(
    r"\b((?:a few|several|some|many|a couple(?: of)?)\s+(?:days|weeks|months|years))\s+ago\b", re.IGNORECASE
)
_THE_OTHER_DAY = re.compile(r"\bthe\s+other\s+day\b", re.IGNORECASE)
_PREPOSITION = re.compile(
    r"\b(on|in|at|of|for|over|during|within|since|until|till|til|through|by|before|after|from|to|between|around|about|"
    r"early|late|mid|later|earlier)\s+(?:the\s+)?$",
    re.IGNORECASE,
)
_SWALLOWED = re.compile(r"\b(?:for|over|in|during|within|on|at|from|between)\s+$", re.IGNORECASE)
_ABOUT = re.compile(r"\b(about|around|almost|nearly|over|exactly|just)\s+$", re.IGNORECASE)
_PART_OF_DAY = re.compile(r"morning|afternoon|evening|night", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s\b")


def absolute(statement: str, told: Sequence[tuple[str, datetime]]) -> str:
    """Return a statement with every relative date in it replaced by the absolute one.

    Args:
        statement: In words.
        told: What it rests on, each text with the moment at which it was said; the text that has the same words as the
            statement decides when they were said, and without one the latest.
    """
    if not told:
        return statement
    latest = max(moment for _, moment in told)
    known = {
        _key(text[span.start : span.end]): span for text, moment in told for span in resolve(text, moment)
    }
    written: list[str] = []
    rest = statement
    for span in reversed(resolve(statement, latest)):
        words = statement[span.start : span.end]
        span_said = known.get(_key(words), span)
        if not span_said.relative:
            continue
        head, phrase = _put(rest[: span.start], words, span_said, rest[span.end :])
        written.append(phrase + rest[span.end :])
        rest = head
    dated = rest + "".join(reversed(written))
    dated = _VAGUE.sub(lambda m: f"{m[1]} before {latest:%Y-%m-%d}", dated)
    return _THE_OTHER_DAY.sub(f"shortly before {latest:%Y-%m-%d}", dated)


def named_dates(text: str, moment: datetime) -> str:
    """Return every way in which a statement may put the dates of a text."""
    return " ".join(
        f"{span.first:%Y-%m-%d} {span.last:%Y-%m-%d} {span.first:%Y %B %A} {span.first.day}"
        for span in resolve(text, moment)
    )


def _key(words: str) -> str:
    return " ".join(words.casefold().split()).removeprefix("the ").removeprefix("in ")


def _put(before: str, words: str, span: DateSpan, after: str) -> tuple[str, str]:
    """Return what stands before a date, and the date in absolute words."""
    bare = _bare(words, span)
    if _POSSESSIVE.match(after):
        return before, bare
    if span.grain == "range":
        swallowed = _SWALLOWED.search(before)
        if swallowed is not None:
            before = before[: swallowed.start()]
        return before, _cased(before, bare)
    about = _ABOUT.search(before) if "ago" in words.lower() or words.lower().startswith("in ") else None
    if about is not None:
        rough = about[1].lower() in ("about", "around", "almost", "nearly")
        head = before[: about.start()]
        return head, _cased(head, f"around {bare}" if rough else f"{_preposition(span)} {bare}")
    if _PREPOSITION.search(before) and not words.lower().startswith("in "):
        return before, bare
    return before, _cased(before, f"{_preposition(span)} {bare}")


def _preposition(span: DateSpan) -> str:
    return "on" if span.grain in ("day", "weekend") else "in"


def _bare(words: str, span: DateSpan) -> str:
    first, last = span.first, span.last
    if span.grain == "day":
        part = _PART_OF_DAY.search(words)
        if part is None and words.lower() == "tonight":
            return f"the evening of {first:%Y-%m-%d}"
        return f"the {part[0].lower()} of {first:%Y-%m-%d}" if part else f"{first:%Y-%m-%d}"
    if span.grain == "range":
        if span.direction == "since":
            return "since " + (
                f"{first:%Y}"
                if "year" in words
                else f"{first:%B %Y}"
                if "month" in words
                else f"{first:%Y-%m-%d}"
            )
        return f"between {first:%Y-%m-%d} and {last:%Y-%m-%d}"
    if span.grain == "season":
        name = {3: "spring", 6: "summer", 9: "autumn", 12: "winter"}[first.month]
        return f"{name} {first:%Y}" if name != "winter" else f"winter {first:%Y}/{last:%y}"
    return {
        "weekend": f"the weekend of {first:%Y-%m-%d}",
        "week": f"the week of {first:%Y-%m-%d}",
        "month": f"{first:%B %Y}",
        "year": f"{first:%Y}",
    }.get(span.grain, words)


def _cased(before: str, phrase: str) -> str:
    return phrase if before.strip() else phrase[0].upper() + phrase[1:]
