"""Whether two statements say the same, as far as that needs no model."""

import re

__all__ = ("near_identical", "opposite", "same_words")

_IDENTICAL = 0.97
"""Cosine of all-MiniLM-L6-v2 from which two statements are the same without asking."""
_NUMBER_OR_NEGATION = re.compile(
    r"\d+|\b(?:not|cannot|no|never|none|without|stopped|quit|former|dislikes?|hates?)\b|n['’]t\b"
)


def same_words(first: str, second: str) -> bool:
    """Whether two statements have equal words, whatever their case and punctuation."""
    return _folded(first) == _folded(second)


def near_identical(first: str, second: str, cosine: float) -> bool:
    """Whether two statements are the same without asking: equal words, or a cosine of .97 and no number or negation apart."""
    if same_words(first, second):
        return True
    return cosine >= _IDENTICAL and _marks(first) == _marks(second)


def opposite(first: str, second: str) -> bool:
    """Whether a number or a negation stands in one of two statements and not in the other."""
    return _marks(first) != _marks(second)


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _marks(text: str) -> list[str]:
    return sorted(_NUMBER_OR_NEGATION.findall(text.casefold()))
