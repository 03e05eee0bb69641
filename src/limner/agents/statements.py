"""Portrait lines in words to the user, and which values of a catalogue words name."""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from limner.profiles.propositions.findings import Topic

__all__ = ["addressed", "claimed", "computed", "without_names"]

_VERBS = {
    "loves": "love",
    "likes": "like",
    "enjoys": "enjoy",
    "rates": "rate",
    "picks": "pick",
    "favours": "favour",
    "chooses": "choose",
    "watches": "watch",
    "finds": "find",
    "prefers": "prefer",
}


def addressed(text: str) -> str:
    """Turn a portrait line about the user into words to the user, up to its examples."""
    head = text.removeprefix("The user ").split(",")[0].split(" such as ")[0].split(" like ")[0].rstrip(".")
    verb, _, rest = head.partition(" ")
    return f"you {_VERBS.get(verb, verb)} {rest}".strip()


def computed(topic: Topic) -> str:
    """Return in words to the user what a finding was computed to be, which names one value and no other."""
    what = f"the {topic.value}" if topic.attribute == "decade" else f"the {topic.attribute} {topic.value}"
    if topic.measure == "share":
        return f"you pick {what} more often than most people"
    return f"you rate {what} above the rest"


def claimed(text: str, vocabulary: Collection[str]) -> set[str]:
    """Return the values of a vocabulary that a text names, in the singular or the plural, in either case."""
    pattern = _pattern(frozenset(value.lower() for value in vocabulary if value))
    if pattern is None:
        return set()
    spelt = {value.lower(): value for value in vocabulary if value}
    # A value that is spelt like the plural of another is itself.
    meant = {_plural(value): spelt[value] for value in spelt} | spelt
    return {meant[_key(match, meant)] for match in pattern.findall(text)}


def _key(match: str, keys: Collection[str]) -> str:
    lower = match.lower()
    if lower in keys:
        return lower
    # Without regard to case some letters are more than their lower case: an i is also matched by İ and ı, an s by ſ.
    return next(key for key in keys if re.fullmatch(re.escape(key), match, re.IGNORECASE))


def without_names(text: str, names: Iterable[str]) -> str:
    """Return a text without these names, which may be made of words that mean something else: a film may be called *War*."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, " ")
    return text


@lru_cache(maxsize=8)
def _pattern(vocabulary: frozenset[str]) -> re.Pattern[str] | None:
    names = sorted({*vocabulary, *map(_plural, vocabulary)}, key=len, reverse=True)
    if not names:
        return None
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, names))})(?![\w-])", re.IGNORECASE)


def _plural(value: str) -> str:
    return f"{value[:-1]}ies" if value.endswith("y") else f"{value}s"
