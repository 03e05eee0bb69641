"""Parting a user's ratings by time: what a profile is written from, what is recent, and what it is tried on.

LettinGo (Wang et al. 2025, arXiv 2506.18309, §3): profiles are written from the long-term history alone; the judge sees the
recent items besides; one later item tells whether it was right. One later item is noise, so here there are several, and
half of them are negatives.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from limner.errors import InputError
from limner.memory.records import Record
from limner.tools.datasets import Dataset
from limner.tools.lines import described

__all__ = ["PARTS", "Case", "Part", "Rated", "SplitSettings", "Target", "cases_of", "data_hash"]

_NEAR = 40
"""Places up and down the list of popularity from which a negative is drawn."""

Part = Literal["dev", "train", "test"]
PARTS: tuple[Part, ...] = ("dev", "train", "test")


class SplitSettings(Record):
    """How users and their ratings are parted."""

    dev: int = Field(default=0, ge=0)
    """Users to try prompts on; nothing is fitted to them and nothing is reported of them."""
    train: int = Field(default=20, ge=0)
    """Users whose profiles are trained on, and to whom the judges are fitted."""
    test: int = Field(default=20, ge=0)
    """Users that are reported on, and nothing else."""
    history: int = Field(default=20, ge=1)
    """Ratings in the long-term history `H`, from which a profile is written."""
    recent: int = Field(default=5, ge=0)
    """Ratings in the recent history `h`, which the judge sees besides."""
    targets: int = Field(default=10, ge=2, multiple_of=2)
    """Items that a profile is tried on; half were liked later, half are negatives."""
    negatives: Literal["unrated", "rated"] = "unrated"
    """`unrated`: for each liked item one that the user never rated and that is about as popular, so that popularity tells
    nothing. `rated`: items that the user rated low; true dislikes, which their mean rating by others gives away."""
    liked_from: float = 4.0
    """Ratings from here on are likes."""
    disliked_to: float = 2.0
    """Ratings up to here are dislikes; only for `rated`."""
    seed: int = 0
    """Of the draw of users and of negatives."""


class Rated(Record):
    """An item that the user rated."""

    item: str
    title: str
    line: str
    """Title and attributes in one line."""
    value: float
    time: float
    """Seconds since 1970."""


class Target(Rated):
    """A later item that a profile is tried on; the value of one that was never rated is 0."""

    liked: bool


class Case(Record):
    """One user, parted; a profile is written from `history` and tried on `targets`."""

    user: str
    part: Part
    history: tuple[Rated, ...]
    """`H`, oldest first."""
    recent: tuple[Rated, ...]
    """`h`, oldest first; all later than `history`."""
    targets: tuple[Target, ...]
    """All later than `recent`."""

    @property
    def history_hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of `H`: profiles of one pair share it."""
        rows = [(rated.item, rated.value, rated.time) for rated in self.history]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Row:
    item: str
    value: float
    time: float


def cases_of(dataset: Dataset, settings: SplitSettings) -> list[Case]:
    """Part the ratings of as many users as the settings ask for.

    Of each user, in order of time (ties in the order of the source): the latest stretch that holds enough targets is the
    future, of which the earliest of either kind are taken; before it lies `h`, and before that `H`. Users with too few
    ratings for that are passed over.

    Args:
        dataset: Ratings with times.
        settings: Sizes, thresholds and seed.

    Returns:
        `dev`, `train` and `test` users in this order; no user is in two of them.

    Raises:
        InputError: Fewer users have enough ratings than are asked for.
    """
    wanted = settings.dev + settings.train + settings.test
    users = sorted(dataset.interactions.users)
    random.Random(settings.seed).shuffle(users)
    sizes: dict[Part, int] = {"dev": settings.dev, "train": settings.train, "test": settings.test}
    parts = [part for part, size in sizes.items() for _ in range(size)]
    popular = _Popularity(dataset)
    found: list[Case] = []
    for user in users:
        if len(found) == wanted:
            break
        case = _case(dataset, user, parts[len(found)], settings, popular)
        if case is not None:
            found.append(case)
    if len(found) < wanted:
        raise InputError(
            f"{wanted} users are asked for, and {len(found)} of {dataset.name} have {settings.history} + "
            f"{settings.recent} ratings before the {settings.targets} items that a profile is tried on."
        )
    return found


def data_hash(dataset: Dataset) -> str:
    """Return the first 16 hexadecimal digits of a SHA-256 over catalogue and ratings."""
    digest = hashlib.sha256(dataset.catalogue.version.encode())
    frame = dataset.interactions.frame
    for row in frame.select("user", "item", "value", "time").iter_rows():
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


class _Popularity:
    """The items of a data set by how often they were rated."""

    def __init__(self, dataset: Dataset) -> None:
        counted = Counter(dataset.interactions.frame["item"].to_list())
        known = sorted((item for item in dataset.catalogue.ids), key=lambda item: (counted[item], item))
        self._items = known
        self._place = {item: place for place, item in enumerate(known)}

    def like(self, item: str, taken: Collection[str], draw: random.Random) -> str | None:
        """Return an item that is about as popular; none where all of those are taken."""
        place = self._place[item]
        near = self._items[max(0, place - _NEAR) : place + _NEAR + 1]
        free = [other for other in near if other not in taken]
        return draw.choice(free) if free else None


def _case(
    dataset: Dataset, user: str, part: Part, settings: SplitSettings, popular: _Popularity
) -> Case | None:
    rows = _rows(dataset, user)
    start = _future(rows, settings)
    if start is None or start < settings.history + settings.recent:
        return None
    between = start - settings.recent
    half = settings.targets // 2
    liked = [row for row in rows[start:] if row.value >= settings.liked_from][:half]
    if settings.negatives == "rated":
        others = [row for row in rows[start:] if row.value <= settings.disliked_to][:half]
    else:
        others = _unrated(rows, liked, popular, random.Random(f"{settings.seed}/{user}"))
    if len(others) < half:
        return None
    targets = [_target(dataset, row, liked=True) for row in liked]
    targets += [_target(dataset, row, liked=False) for row in others]
    return Case(
        user=user,
        part=part,
        history=tuple(_rated(dataset, row) for row in rows[between - settings.history : between]),
        recent=tuple(_rated(dataset, row) for row in rows[between:start]),
        targets=tuple(sorted(targets, key=lambda target: (target.time, target.item))),
    )


def _unrated(
    rows: Sequence[_Row], liked: Sequence[_Row], popular: _Popularity, draw: random.Random
) -> list[_Row]:
    """Return for each liked item one that the user never rated, at any time; its time is that of the liked one."""
    taken = {row.item for row in rows}
    found = []
    for row in liked:
        item = popular.like(row.item, taken, draw)
        if item is not None:
            taken.add(item)
            found.append(_Row(item, 0.0, row.time))
    return found


def _rows(dataset: Dataset, user: str) -> list[_Row]:
    """Return a user's ratings in order of time, of an item that was rated again the first one alone."""
    frame = dataset.interactions.by_user(user).frame
    first: dict[str, _Row] = {}
    for item, value, time in frame.select("item", "value", "time").iter_rows():
        if item in dataset.catalogue:
            first.setdefault(item, _Row(item, float(value), float(time)))
    return list(first.values())


def _future(rows: Sequence[_Row], settings: SplitSettings) -> int | None:
    """Return where the latest stretch begins that has enough of either kind; none where there is none."""
    half = settings.targets // 2
    liked = disliked = 0
    for place in range(len(rows) - 1, -1, -1):
        liked += rows[place].value >= settings.liked_from
        disliked += settings.negatives == "unrated" or rows[place].value <= settings.disliked_to
        if liked >= half and disliked >= half:
            return place
    return None


def _target(dataset: Dataset, row: _Row, *, liked: bool) -> Target:
    return Target(**_rated(dataset, row).model_dump(), liked=liked)


def _rated(dataset: Dataset, row: _Row) -> Rated:
    item = dataset.catalogue.get(row.item)
    return Rated(item=row.item, title=item.title, line=described(item), value=row.value, time=row.time)
