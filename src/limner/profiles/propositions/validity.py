"""From when until when a statement is so, as far as the grammar of what was said tells.

An event ("I moved to Lisbon in May") is so from then on. A state or a plan with a date ("on holiday next week", "lived in Porto in
2019") is so within it, and "since" and "until" say one end. Where a sentence has two dates that could be meant, or none, nothing
is read into it: it is taken to be so from when it was said.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from limner.memory.dates import DateSpan, resolve
from limner.memory.tense import clause_around, tense_around

__all__ = ["Validity", "overlap", "validity"]

_STATE = re.compile(
    r"\b(?:lived|worked|studied|stayed|served|used\s+to|taught|trained|dated|attended\s+(?:school|university|college)|"
    r"(?:was|were|['’]?been)\s+(?:on|in|at|with|away|off|abroad|out|back\s+(?:in|at|home)|sick|ill|unwell|unemployed|pregnant|"
    r"injured|single|busy|vegan|vegetarian|a|an|the|my|working|living|studying|staying|dating|travell?ing|training|teaching))\b",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"\b(?:start|begin|move|join|become|quit|stop|retire|marr(?:y|ie)|get\s+married|switch|leave|turn|becom|mov|start|beginn|join|quitt|"
    r"retir|leav|switch|give\s+up|giv(?:e|ing)\s+up|graduat|adopt|open|launch|buy|sell)(?:e?s|ing)?\b",
    re.IGNORECASE,
)
_STAYING = re.compile(
    r"(?:\b(?:be|am|is|are|being)|['’](?:m|re|s))\s+(?:\w+ly\s+)?(?:on|in|at|away|off(?!\s+to)|out|abroad|back|busy|free|home|here|there|with|"
    r"staying|living|working|travell?ing)\b|\b(?:stay|live|work)\b",
    re.IGNORECASE,
)
_GOING = re.compile(r"\bgoing\s+to\b|\bwill\s+(?!be\b)|['’]ll\s+(?!be\b)|\bplan|\bhop|\bwant", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:not|never|no)\b|n['’]t\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True, slots=True)
class Validity:
    """When a statement is so, in the user's world."""

    first: datetime | None
    """None: nobody knows since when, and it is taken to have been so all along."""
    until: datetime | None = None
    """The first moment at which it is so no longer; none while no end is known."""


class Timed(Protocol):
    """What is so from one moment to another."""

    @property
    def valid_from(self) -> datetime | None: ...
    @property
    def valid_until(self) -> datetime | None: ...


def overlap(one: Timed, other: Timed) -> bool:
    """Whether two statements are so at the same time, at some time."""
    return _starts_before_end(one, other) and _starts_before_end(other, one)


def _starts_before_end(one: Timed, other: Timed) -> bool:
    return one.valid_from is None or other.valid_until is None or one.valid_from < other.valid_until


def validity(statement: str, sentence: str, occurred_at: datetime) -> Validity | None:
    """Return when a statement is so by the dates of the sentence that it was read out of; none where these do not tell.

    Args:
        statement: What was concluded from the sentence; a sentence of several clauses may have dates that are not its own.
        sentence: In the user's words.
        occurred_at: When it was said.
    """
    spans = _its_own(statement, sentence, resolve(sentence, occurred_at))
    first: list[datetime | None] = []
    until: list[datetime] = []
    points = [span for span in spans if span.direction == "point"]
    for span in spans:
        if span.direction == "since":
            first.append(span.first)
        elif span.direction in ("until", "before"):
            end = span.beyond if span.direction == "until" else span.first
            tense = tense_around(sentence, *_without_dates(sentence, span))
            left, _ = clause_around(sentence, span.start, span.end)
            if tense == "past" and _NEGATED.search(sentence[left : span.start]):
                first.append(span.first)  # "I didn't drive until 2020"
                continue
            until.append(end)
            if end <= occurred_at:
                first.append(None)
    if len(points) == 1 and not first and not until:
        return _at_point(sentence, points[0], occurred_at)
    if len(set(first)) > 1 or len(until) > 1 or not (first or until):
        return None
    begin = first[0] if first else occurred_at
    end_of_it = until[0] if until else None
    if begin is not None and end_of_it is not None and end_of_it <= begin:
        return None
    return Validity(begin, end_of_it)


def _its_own(statement: str, sentence: str, spans: Sequence[DateSpan]) -> list[DateSpan]:
    """Leave out dates of clauses that the statement has no word of, where others have."""
    if not spans or clause_around(sentence, spans[0].start, spans[0].end) == (0, len(sentence)):
        return list(spans)
    said = {word.casefold()[:5] for word in _WORD.findall(statement)} - {"user", "the"}
    kept = []
    for span in spans:
        left, right = clause_around(sentence, span.start, span.end)
        own = {
            w.casefold()[:5]
            for w in _WORD.findall(sentence[left : span.start] + " " + sentence[span.end : right])
        }
        elsewhere = {w.casefold()[:5] for w in _WORD.findall(sentence[:left] + " " + sentence[right:])}
        if own & said or not (elsewhere & said):
            kept.append(span)
    return kept


def _without_dates(sentence: str, span: DateSpan) -> tuple[int, int]:
    """Return the place before the preposition of a date: "until" by itself looks like the future."""
    words = re.search(r"\b\w+\s+(?:the\s+)?$", sentence[: span.start])
    start = words.start() if words else span.start
    return start, span.end


def _at_point(sentence: str, span: DateSpan, occurred_at: datetime) -> Validity | None:
    left, right = clause_around(sentence, span.start, span.end)
    clause = f"{sentence[left : span.start]} {sentence[span.end : right]}"
    tense = tense_around(sentence, *_without_dates(sentence, span))
    within = Validity(span.first, span.beyond)
    if span.beyond <= occurred_at or (tense == "past" and span.first <= occurred_at):
        lasting = span.grain != "day" or re.search(r"\b(?:was|were)\b", clause, re.IGNORECASE)
        if (span.grain == "range" and span.beyond <= occurred_at) or (lasting and _STATE.search(clause)):
            return within
        return Validity(span.first)
    if tense == "perfect" and span.first <= occurred_at:
        return Validity(span.first)
    if _CHANGE.search(clause):
        return Validity(span.first)
    if span.first > occurred_at and (_GOING.search(clause) or not _STAYING.search(clause)):
        return Validity(occurred_at, span.beyond)  # a plan is one from when it was made
    return within
