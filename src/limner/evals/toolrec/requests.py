"""Requests in words whose conditions hold for the item that the user took next, by construction.

Nothing but the target's attributes and the user's own ratings has a part in them, and no recommender: a request names one or two
conditions, such as a genre, a bound on the year or what it must not be, and sometimes an item of the history that is like it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from limner.profiles.propositions.findings import attribute_keys
from limner.tools import Attribute, Catalogue, Condition, Filter, Item

__all__ = ["Request", "requested"]

_CALLED = {
    "Action": ("an action film", "something with action"),
    "Adventure": ("an adventure film", "an adventure"),
    "Animation": ("an animated film", "animation"),
    "Children's": ("a children's film", "something for the children"),
    "Comedy": ("a comedy", "comedy"),
    "Crime": ("a crime film", "something about crime"),
    "Documentary": ("a documentary", "documentaries"),
    "Drama": ("a drama", "drama"),
    "Fantasy": ("a fantasy film", "fantasy"),
    "Film-Noir": ("a film noir", "film noir"),
    "Horror": ("a horror film", "horror"),
    "Musical": ("a musical", "musicals"),
    "Mystery": ("a mystery", "mystery"),
    "Romance": ("a romance", "something romantic"),
    "Sci-Fi": ("a science fiction film", "sci-fi"),
    "Thriller": ("a thriller", "thrillers"),
    "War": ("a war film", "something about war"),
    "Western": ("a western", "westerns"),
}
"""Ways of naming MovieLens' genres; values of other catalogues are named as they are."""

_OPENINGS = (
    "{}",
    "{}, please",
    "I'd like {}",
    "I'm in the mood for {}",
    "could you find me {}?",
    "how about {}",
)
_LIKE = ("like {}", "in the way of {}", "similar to {}")


@dataclass(frozen=True)
class Request:
    """What a user asks for."""

    text: str
    where: Filter
    """What the words mean; holds for the target."""
    like: str | None = None
    """Id of the item of the history that the text names."""


def requested(
    catalogue: Catalogue, user: str, target: str, liked: Sequence[str], seed: int
) -> Request | None:
    """Return a request that the target answers, or none where it has no attribute to ask by.

    Args:
        catalogue: What the items are like.
        user: Whose; with the seed, decides every draw.
        target: The item.
        liked: Items that the user thinks well of, oldest first; the one that has most in common with the target may be named.
        seed: Of the draws.
    """
    rng = np.random.default_rng(int(sha256(f"{seed}/{user}".encode()).hexdigest()[:16], 16))
    item = catalogue.get(target)
    kinds = [
        a for a in catalogue.attributes() if a.kind in {"categories", "category"} and _values(item, a.name)
    ]
    if not kinds:
        return None
    attribute = kinds[int(rng.integers(len(kinds)))]
    held = _values(item, attribute.name)
    value = held[int(rng.integers(len(held)))]
    conditions = [Condition(attribute=attribute.name, op="in", values=(value,))]
    words = _named(value, rng)
    second = _second(catalogue, item, attribute, rng)
    if second is not None:
        condition, said = second
        conditions.append(condition)
        words = f"{words} {said}"
    like = _alike(catalogue, liked, target) if rng.random() < 0.5 else None
    if like is not None:
        words = f"{words}, {_one(_LIKE, rng).format(catalogue.get(like).title)}"
    return Request(_one(_OPENINGS, rng).format(words), Filter(conditions=tuple(conditions)), like)


def _second(
    catalogue: Catalogue, item: Item, first: Attribute, rng: np.random.Generator
) -> tuple[Condition, str] | None:
    """Return a second condition in three of four requests: a bound on the year, or a value that it must not have."""
    number = next((a for a in catalogue.attributes() if a.kind == "number" and a.integral), None)
    drawn = rng.random()
    if drawn < 0.5 and number is not None and isinstance(item.attributes.get(number.name), float):
        return _bound(number, item.attributes[number.name], rng)
    if drawn < 0.75:
        return _excluded(first, _values(item, first.name), rng)
    return None


def _bound(attribute: Attribute, value: Any, rng: np.random.Generator) -> tuple[Condition, str]:  # noqa: ANN401 - a number
    name, step = attribute.name, int(_one((5, 10), rng))
    low = int(value) // step * step
    called = "" if name == "year" else f"{name} "
    ways = [
        (
            Condition(attribute=name, op=">=", values=(low,)),
            (f"from {called}{low} or later", f"not older than {called}{low}"),
        ),
        (
            Condition(attribute=name, op="between", values=(low // 10 * 10, low // 10 * 10 + 9)),
            (f"from the {called}{low // 10 * 10}s",),
        ),
    ]
    if low + step <= (attribute.maximum or 0):
        ways[0] = (
            Condition(attribute=name, op="<", values=(low + step,)),
            (
                f"from before {called}{low + step}",
                f"made before {called}{low + step}",
                f"older than {called}{low + step}",
            ),
        )
    condition, said = ways[int(rng.integers(len(ways)))]
    return condition, _one(said, rng)


def _excluded(
    attribute: Attribute, held: Sequence[str], rng: np.random.Generator
) -> tuple[Condition, str] | None:
    others = [value for value in attribute.values if value not in held and value.isalpha()][:12]
    if not others:
        return None
    value = str(_one(others, rng))
    return Condition(
        attribute=attribute.name, op="not in", values=(value,)
    ), f"but {_one(('no', 'not'), rng)} {value.lower()}"


def _alike(catalogue: Catalogue, liked: Sequence[str], target: str) -> str | None:
    """Return the liked item that has most in common with the target, by the values that both have; the latest of equals."""
    wanted = _keys(catalogue.get(target))
    twins = set(catalogue.twins(target))
    shared = {i: _overlap(_keys(catalogue.get(i)), wanted) for i in liked if i not in twins}
    best = max(shared.values(), default=0.0)
    return next((i for i in reversed(list(shared)) if shared[i] == best), None) if best > 0 else None


def _keys(item: Item) -> set[tuple[str, str]]:
    return set(attribute_keys({name: v for name, v in item.attributes.items() if name != "title"}))


def _overlap(one: set[tuple[str, str]], other: set[tuple[str, str]]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0


def _values(item: Item, attribute: str) -> tuple[str, ...]:
    held = item.attributes.get(attribute, ())
    return held if isinstance(held, tuple) else (str(held),)


def _named(value: str, rng: np.random.Generator) -> str:
    return str(_one(_CALLED.get(value, (value,)), rng))


def _one(options: Sequence[Any], rng: np.random.Generator) -> Any:  # noqa: ANN401 - what the options are
    return options[int(rng.integers(len(options)))]
