"""Bounds on years that a wish states in words which code can read: "before 1990", "not older than 1985", "from the 80s"."""

import re

__all__ = ["YearBounds", "year_bounds"]

YearBounds = tuple[int | None, int | None]
"""Both ends, each included; none where that side is open."""

_WORDED = {
    "twenties": 20,
    "thirties": 30,
    "forties": 40,
    "fifties": 50,
    "sixties": 60,
    "seventies": 70,
    "eighties": 80,
    "nineties": 90,
}
_YEAR = r"(?:the (?:year )?)?(1[89]\d\d|20\d\d)"
_BETWEEN = re.compile(rf"\b(?:between|from)\s+{_YEAR}\s*(?:and|to|until|-|–)\s*{_YEAR}\b", re.IGNORECASE)
_AT_LEAST = re.compile(
    rf"\b(?:(?:not|no|nothing|none) (?:older|earlier) than|not before|nothing before|since|starting (?:in|from))\s+{_YEAR}\b(?!s)"
    rf"|\b{_YEAR} (?:or|and) (?:later|newer|after|younger|onwards?)\b(?!\s+{_YEAR})|\bfrom {_YEAR} on(?:wards?)?\b",
    re.IGNORECASE,
)
_AT_MOST = re.compile(
    rf"\b(?:(?:not|no|nothing|none) (?:newer|later|younger) than|not after|nothing after|until|up to)\s+{_YEAR}\b(?!s)"
    rf"|\b{_YEAR} (?:or|and) (?:earlier|older|before)\b(?!\s+{_YEAR})",
    re.IGNORECASE,
)
_MORE = re.compile(rf"\b(?:after|newer than|later than|younger than|post-?)\s*{_YEAR}\b(?!s)", re.IGNORECASE)
_LESS = re.compile(rf"\b(?:before|older than|earlier than|prior to|pre-?)\s*{_YEAR}\b(?!s)", re.IGNORECASE)
_DECADE = re.compile(r"(?<!\d)(?:(19|20)(\d)0|(\d)0)['’]?s\b")
_AROUND_DECADE = re.compile(
    r"\b(?:before|after|not|no|since|until|older|newer|than|pre|post)[\s-]+(?:the )?(?:early |late )?$",
    re.IGNORECASE,
)


def year_bounds(text: str) -> YearBounds | None:
    """Return the bounds that a text states, or none where it states no year, or in another way than these.

    A small model mixes up the ends ("not older than 1990" became "1990 at most" in every case tried), so what can be read without it is.
    """
    between = _BETWEEN.search(text)
    if between is not None:
        first, second = int(between[1]), int(between[2])
        return min(first, second), max(first, second)
    low_ends = [_first(m) for m in _AT_LEAST.finditer(text)]
    high_ends = [_first(m) for m in _AT_MOST.finditer(text)]
    rest = _AT_MOST.sub(" ", _AT_LEAST.sub(" ", text))
    low_ends += [_first(m) + 1 for m in _MORE.finditer(rest)]
    high_ends += [_first(m) - 1 for m in _LESS.finditer(rest)]
    if low_ends or high_ends:
        low, high = max(low_ends, default=None), min(high_ends, default=None)
        # "Before 1980 or after 1990" leaves a gap; a single stretch would be just what is not wanted.
        return None if low is not None and high is not None and low > high else (low, high)
    starts = _decades(text)
    return (min(starts), max(starts) + 9) if starts else None


def _first(match: re.Match[str]) -> int:
    return next(int(year) for year in match.groups() if year is not None)


def _decades(text: str) -> list[int]:
    """Return the first years of the decades that a text names plainly; "before the 80s" is left to whoever reads on."""
    found = [
        (m.start(), int(f"{m[1]}{m[2]}0") if m[1] else 1900 + int(m[3]) * 10) for m in _DECADE.finditer(text)
    ]
    for word, start in _WORDED.items():
        found += [(m.start(), 1900 + start) for m in re.finditer(rf"\b{word}\b", text, re.IGNORECASE)]
    if any(_AROUND_DECADE.search(text[:place]) for place, _ in found):
        return []
    return [start for _, start in found]
