"""Items that a wish names as examples: "a thriller like Alien"."""

import re
from dataclasses import dataclass

from limner.agents.titles import titles_in
from limner.tools import Catalogue

__all__ = ["Likeness", "likeness"]

_CUE = r"(?:like|similar to|such as|reminiscent of|in the (?:way|style|spirit|vein|manner) of|along the lines of|à la)"
_AGAINST = re.compile(r"\b(?:not|nothing|no|isn't|don't|never|less|than)(?:\W+\w+){0,2}\W*$", re.IGNORECASE)


@dataclass(frozen=True)
class Likeness:
    """Which items a wish wants something like, and the wish without them."""

    item_ids: tuple[str, ...]
    rest: str


def likeness(text: str, catalogue: Catalogue) -> Likeness:
    """Find the titles of the catalogue that stand behind "like", "similar to" and their kin; no model is asked.

    What a title says of years or kinds is no condition of the wish, so a reader of conditions is better given the rest. "Nothing like
    X" wants something else, and is left where it is.

    Args:
        text: A wish.
        catalogue: Whose titles count.
    """
    found: list[str] = []
    rest = text
    titles = (
        titles_in(text, (item.title for item in catalogue)) if re.search(_CUE, text, re.IGNORECASE) else []
    )
    by_title = {item.title: item.id for item in reversed(list(catalogue))}
    for title in titles:
        bare = re.sub(r" \(\d+\)$", "", title)
        names = "|".join(re.escape(name) for name in dict.fromkeys((title, bare)))
        phrase = re.compile(rf",?\s*\b{_CUE}\s+[\"'“‘«]?(?:{names})(?!\w)[\"'”’»]?", re.IGNORECASE)
        match = phrase.search(rest)
        if match is None or _AGAINST.search(rest[: match.start()]):
            continue
        rest = f"{rest[: match.start()]}{rest[match.end() :]}".strip(" ,")
        found.append(by_title[title])
    return Likeness(tuple(found), rest)
