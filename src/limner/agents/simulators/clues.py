"""What a seeker may tell of the item they have in mind without naming it, one thing at a time."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from limner.agents.titles import titles_in
from limner.inference import LanguageModel, Prompt
from limner.profiles.propositions.propose import strangers
from limner.tools import Attribute, Catalogue, Item
from limner.tools.filters import plain

__all__ = ["Clue", "clues_of", "decade", "gist_of"]

_FEW_VALUES = 80
"""An attribute with more values than this holds names."""
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_DECADES = {
    20: "twenties",
    30: "thirties",
    40: "forties",
    50: "fifties",
    60: "sixties",
    70: "seventies",
    80: "eighties",
    90: "nineties",
}
_ADJECTIVES = {
    "action": "an action movie",
    "adventure": "an adventure movie",
    "animation": "something animated",
    "biography": "a biography",
    "children's": "a movie for children",
    "documentary": "a documentary",
    "family": "a family movie",
    "fantasy": "a fantasy movie",
    "history": "something historical",
    "music": "something with music",
    "sci-fi": "a sci-fi movie",
    "short": "a short film",
    "sport": "a sports movie",
    "war": "a war movie",
    "crime": "a crime movie",
    "romance": "a romance",
    "film-noir": "a film noir",
}
_NOUNS = frozenset({"comedy", "drama", "thriller", "western", "mystery", "musical"})
_ALSO = {
    "animation": ("animat", "cartoon"),
    "children's": ("child", "kid"),
    "comedy": ("comed", "funny", "laugh"),
    "history": ("histor",),
    "music": ("music",),
    "romance": ("roman",),
    "sci-fi": ("sci-fi", "sci fi", "scifi", "science fiction"),
    "sport": ("sport",),
    "biography": ("biogra", "biopic"),
    "film-noir": ("noir",),
    "mystery": ("myster",),
}
_PEOPLE = {"director": "a movie directed by", "writer": "a movie written by"}
_ACTORS = frozenset({"star", "stars", "actor", "actors", "cast"})
_OBSCURE = frozenset({"writer"})
_STEM = 5


@dataclass(frozen=True)
class Clue:
    """One thing about the target."""

    attribute: str
    """`description` for what it is about."""
    value: str
    wish: str
    """What is wanted, such as `a comedy` or `something with Lena Marsh in it`."""
    signs: tuple[str, ...]
    """Pieces of words, in lower case; a turn that tells the clue has one of them."""

    def told_in(self, text: str) -> bool:
        """Whether a turn tells it."""
        lower = text.casefold()
        return any(sign in lower for sign in self.signs)


def clues_of(
    target: Item, catalogue: Catalogue, gist: str, given_away: Callable[[str], bool], chance: random.Random
) -> list[Clue]:
    """Return what can be told of an item: first a value such as a genre, then everything else in an order of chance.

    Args:
        target: The item.
        catalogue: Which attributes there are.
        gist: What it is about, in words without its title; empty where that is not known.
        given_away: Whether words name the target; a clue that does is left out.
        chance: The order.
    """
    first: list[Clue] = []
    rest: list[Clue] = []
    for attribute in catalogue.attributes():
        value = target.attributes.get(attribute.name)
        if value is None:
            continue
        if isinstance(value, float):
            rest += [_number(attribute.name, value)]
        elif attribute.kind in {"category", "categories"}:
            values = (value,) if isinstance(value, str) else value
            (first if len(attribute.values) <= _FEW_VALUES else rest).extend(
                _value(attribute, v) for v in values
            )
    if gist:
        signs = tuple(w.casefold()[:_STEM] for w in _WORD.findall(gist) if len(w) >= _STEM)
        rest.append(Clue("description", gist, f"something about {gist}", signs or (gist.casefold(),)))
    chance.shuffle(first)
    chance.shuffle(rest)
    # Hardly anybody knows who wrote a film.
    rest.sort(key=lambda clue: clue.attribute in _OBSCURE)
    ordered = [*first[:1], *rest[:2], *first[1:2], *rest[2:], *first[2:]]
    return [clue for clue in dict.fromkeys(ordered) if not given_away(clue.wish)]


def decade(year: float) -> str:
    """Return the decade of a year as people say it."""
    start = int(year) // 10 * 10
    if start >= 2000:
        return "the last few years" if start >= 2010 else "the 2000s"
    return f"the {_DECADES[start % 100]}" if start % 100 in _DECADES and start >= 1900 else f"the {start}s"


def _number(name: str, value: float) -> Clue:
    if name == "year":
        start = int(value) // 10 * 10
        said = decade(value)
        new = ("recent", "new", "last few", "latest") if start >= 2010 else ()
        signs = (
            said.removeprefix("the "),
            f"{start}s",
            f"{start % 100}s",
            f"{start % 100}'s",
            plain(value),
            *new,
        )
        return Clue(name, plain(value), f"something from {said}", signs)
    return Clue(name, plain(value), f"something with {name} about {plain(value)}", (plain(value),))


def _value(attribute: Attribute, value: str) -> Clue:
    lower = value.casefold()
    if len(attribute.values) > _FEW_VALUES:
        lead = _PEOPLE.get(attribute.name)
        wish = f"{lead} {value}" if lead else f"a movie with {value}"
        wish += " in it" if attribute.name in _ACTORS else ""
        return Clue(attribute.name, value, wish, (lower.split()[-1], lower))
    article = "an" if lower[:1] in "aeiou" else "a"
    return Clue(
        attribute.name,
        value,
        _ADJECTIVES.get(lower, f"{article} {lower}{'' if lower in _NOUNS else ' movie'}"),
        (lower, *_ALSO.get(lower, ())),
    )


async def gist_of(target: Item, model: LanguageModel, prompt: Prompt) -> str:
    """Return in a few words what an item is about, from its description; empty where the model's words hold a name or the title.

    Args:
        target: The item.
        model: Words it.
        prompt: `agents/plot`.

    Raises:
        ModelError: The model failed.
    """
    plot = target.description.strip()
    if not plot:
        return ""
    reply = await model.acomplete(prompt.messages(plot=plot), stage="seek", max_tokens=40, stop=["\n"])
    gist = reply.strip().rstrip(".").removeprefix("about ")
    gist = gist[:1].lower() + gist[1:]
    return gist if _nameless(gist, target) else ""


def _nameless(gist: str, target: Item) -> bool:
    title = {w.casefold()[:_STEM] for w in _WORD.findall(target.title) if len(w) > 3}
    words = _WORD.findall(gist)
    return (
        3 <= len(words) <= 20
        and not strangers(gist, "")
        and not title & {w.casefold()[:_STEM] for w in words}
        and not titles_in(gist, [target.title])
    )
