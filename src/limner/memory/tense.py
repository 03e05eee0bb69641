"""The tense of an English clause, as far as it decides which "Friday" or "May" is meant."""

import re
from typing import Literal

__all__ = ("Tense", "clause_around", "tense_around")

Tense = Literal["past", "perfect", "present", "future"]

_BREAK = re.compile(
    r"[.;!?\n]|,\s+(?=(?:and|but|so|because|which|i|we|it|he|she|they|my|now)\b)|\s[-–—]\s|"
    r"\s(?:but|because|so)\s|\band\s+(?=(?:i|we|my|it|he|she|they|now|then)\b)",
    re.IGNORECASE,
)
_TWO_WORDS = re.compile(r"\w\s+\w")
_OWNS = r"(?!\s+(?:an?|the|my|our|his|her|their|another|no|some|any|many|several|two|three|four|\d+|to)\b)"
"""Behind which "have" is the verb itself, and tells of no past: "I have an exam on Friday"."""
_PERFECT = re.compile(
    rf"\b(?:(?:have|has){_OWNS}|['’]ve|haven['’]t|hasn['’]t|been)\b|(?<=\w)['’]ve\b", re.IGNORECASE
)
_FUTURE = re.compile(
    r"\b(?:will|won['’]t|shall|going\s+to|gonna|plan(?:s|ning)?|want(?:s|ing)?\s+to|hop(?:e|es|ing)|tomorrow|looking\s+forward|"
    r"see\s+you|let['’]s|must|should|upcoming|next|until|till|before|due|ha(?:ve|s)\s+to)\b|['’]ll\b|\bcan['’]t\s+wait",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:was|were|wasn['’]t|weren['’]t|did|didn['’]t|had|got|went|came|took|made|saw|met|bought|gave|found|told|said|won|lost|"
    r"felt|left|began|became|ran|ate|drank|wrote|read|sent|spent|built|taught|thought|caught|fought|brought|sold|held|heard|"
    r"kept|slept|stood|understood|drove|flew|grew|knew|threw|broke|spoke|woke|chose|rode|rose|wore|swam|sang|sat|fell|"
    r"hurt|cut|put|quit|led|paid|lent|born|back\s+in|ago|last|yesterday|used\s+to|(?!need|feed|seed|speed|bleed|breed|"
    r"indeed|excit|interest|tir|bor|worri|pleas|scar|marri)[a-z]{2,}ed)\b",
    re.IGNORECASE,
)


def clause_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the clause that holds `text[start:end]` begins and ends; "on Friday, I …" is one clause."""
    left = max(
        (b.end() for b in _BREAK.finditer(text, max(0, start - 400), start)), default=max(0, start - 400)
    )
    right = _BREAK.search(text, end, end + 400)
    if (
        right is not None
        and right[0].startswith(",")
        and not _TWO_WORDS.search(text[left:start] + text[end : right.start()])
    ):
        right = _BREAK.search(text, right.end(), end + 400)
    return left, right.start() if right else min(len(text), end + 400)


def tense_around(text: str, start: int, end: int) -> Tense:
    """Return the tense of the clause around `text[start:end]`, by the nearest word that shows one."""
    left, right = clause_around(text, start, end)
    for words, nearest_last in ((text[left:start], True), (text[end:right], False)):
        found = _nearest(words, nearest_last)
        if found is not None:
            return found
    return "present"


def _nearest(words: str, nearest_last: bool) -> Tense | None:
    if _PERFECT.search(words):
        return "perfect"
    places: list[tuple[int, Tense]] = [(m.start(), "past") for m in _PAST.finditer(words)]
    places += [(m.start(), "future") for m in _FUTURE.finditer(words)]
    if not places:
        return None
    return (max(places) if nearest_last else min(places))[1]
