"""Which titles a text names."""

import re
from collections.abc import Iterable, Iterator

__all__ = ["titles_in"]

_YEAR = re.compile(r" \(\d+\)$")
_SHORTEST = 4
"""Letters from which a title counts without its year or quotes: "It" and "Up" are words like any other."""
_OPENING, _CLOSING = "[\"'“‘«„*_]", "[\"'”’»“*_]"


def titles_in(text: str, titles: Iterable[str]) -> list[str]:
    """Return the titles that a text names, as whole words, with or without the year in parentheses at their end.

    Where titles overlap the longest counts, so that "Alien Resurrection" does not name "Alien"; of titles that differ in
    their year alone and stand there without it, the first.

    Args:
        text: Where to look.
        titles: As they are spelled; those with fewer than four letters count with their year or in quotes only.
    """
    found = [
        (start - end, place, start, title)
        for place, title in enumerate(dict.fromkeys(titles))
        for start, end in _spans(title, text)
    ]
    taken: set[int] = set()
    named: dict[str, None] = {}
    for less, _, start, title in sorted(found):
        covered = range(start, start - less)
        if taken.isdisjoint(covered):
            taken.update(covered)
            named[title] = None
    return list(named)


def _spans(title: str, text: str) -> Iterator[tuple[int, int]]:
    bare = _YEAR.sub("", title)
    if not bare or bare not in text:
        return
    patterns = []
    if sum(letter.isalpha() for letter in bare) >= _SHORTEST:
        patterns.append(rf"(?<!\w){re.escape(bare)}(?!\w)")
    else:
        patterns.append(f"(?<={_OPENING}){re.escape(bare)}(?={_CLOSING})")
    if bare != title:
        patterns.append(rf"(?<!\w){re.escape(title)}")
    for pattern in patterns:
        yield from (match.span() for match in re.finditer(pattern, text))
