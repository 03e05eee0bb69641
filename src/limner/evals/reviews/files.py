"""Profiles of reviews as PGraphRAG lays them out, and which review of each is hidden."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from limner.evals.lamp.files import unique
from limner.evals.sources import Row, Source

__all__ = ["SOURCE", "Hidden", "Review", "hide", "read_users"]

SOURCE = Source(
    "PGraphRAG",
    "https://github.com/PGraphRAG-benchmark/PGraphRAG",
    'a JSON list of {"id", "profile": [{"rating", "title", "text", "pid"}]}, ratings from 1 to 5, such as `amazon_dev.json`',
)


@dataclass(frozen=True)
class Review:
    """One review."""

    id: str
    """The product's, made unique within the user's reviews."""
    rating: int
    title: str
    text: str

    @property
    def words(self) -> str:
        """Title and text."""
        return f"{self.title}\n{self.text}".strip()

    @property
    def whole(self) -> str:
        """Title, text and rating, as memories are fed it."""
        return f"{self.words}\nRating: {self.rating} of 5"


@dataclass(frozen=True)
class Hidden:
    """A user with the review that is asked for and the others that may be read."""

    user: str
    asked: Review
    others: tuple[Review, ...]


def read_users(path: Path, counted: Counter[str], repeats: bool = False) -> dict[str, tuple[Review, ...]]:
    """Read the reviews of every user, repeats left out.

    Some users have the same review several times, under one product or under several; if it were hidden, its copies
    would give it away. The first of the same text (or of the same title, where there is no text) is kept.

    Args:
        path: The file.
        counted: Where oddities are counted.
        repeats: Whether to keep the copies too.

    Raises:
        DataError: The file is not as published, a rating is none, or a user comes twice.
    """
    users: dict[str, tuple[Review, ...]] = {}
    for row in SOURCE.rows(path, SOURCE.json(path)):
        user = row.words("id")
        if user in users:
            raise row.error("id", f"{user!r} was there before")
        users[user] = _reviews(row, counted, repeats)
    return users


def _reviews(row: Row, counted: Counter[str], repeats: bool) -> tuple[Review, ...]:
    kept: list[Review] = []
    seen: set[tuple[str, str]] = set()
    for entry in row.rows("profile"):
        title, text = entry.text("title", empty=True).strip(), entry.text("text", empty=True).strip()
        review = Review(entry.words("pid"), entry.whole("rating", 1, 5), title, text)
        counted["review without a text"] += not text
        same = ("text", _plain(text)) if text else ("title", _plain(title))
        if not review.words:
            counted["review without title and text, left out"] += 1
        elif same in seen and not repeats:
            counted["review that repeats another of the same user, left out"] += 1
        else:
            kept.append(review)
            seen.add(same)
    names = unique([review.id for review in kept], counted, "product with two reviews of the same user")
    return tuple(replace(review, id=name) for review, name in zip(kept, names, strict=True))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def hide(users: dict[str, tuple[Review, ...]], seed: int, counted: Counter[str]) -> list[Hidden]:
    """Hide one review of every user who has two.

    Reviews have no dates, so none is the last: one is drawn of those with both title and text. The draw rests on
    seed and user id alone, so it is the same for all tasks and for any part of the file.

    Args:
        users: Reviews by user.
        seed: Of the draw.
        counted: Where users who are left out are counted.
    """
    hidden = []
    for user, reviews in users.items():
        able = [position for position, review in enumerate(reviews) if review.title and review.text]
        if len(reviews) < 2:
            counted["user with fewer than two different reviews, left out"] += 1
        elif not able:
            counted["user without a review that has title and text, left out"] += 1
        else:
            drawn = random.Random(f"{seed} {user}").choice(able)
            hidden.append(Hidden(user, reviews[drawn], _without(reviews, drawn)))
    return hidden


def _without(reviews: Sequence[Review], position: int) -> tuple[Review, ...]:
    return (*reviews[:position], *reviews[position + 1 :])
