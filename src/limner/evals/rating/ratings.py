"""Ratings from a data set, with each user's last one hidden."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from limner.errors import InputError, NotFound
from limner.evals.sources import DataError, Source
from limner.settings import Settings
from limner.tools.catalogue import Catalogue
from limner.tools.datasets import Dataset, load_dataset
from limner.tools.interactions import Interactions
from limner.tools.movielens import fetch_ml_100k, read_ml_100k

__all__ = ["HIGHEST", "LOWEST", "Rating", "Ratings", "UserRatings", "read_ratings"]

LOWEST, HIGHEST = 1, 5
SOURCE = Source(
    "MovieLens-100K",
    "https://grouplens.org/datasets/movielens/100k/ (and, as RecBole files, in the package recbole)",
    "the name ml-100k, or a folder with one x.inter (user_id, item_id, rating from 1 to 5, timestamp) and one x.item "
    "(item_id, title or movie_title, and what else is known of an item), tab separated, with a header of name:type",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rating:
    """One rating of one user."""

    item: str
    value: int
    """From `LOWEST` to `HIGHEST`."""
    at: datetime | None
    """When it was given; none where the time is in no calendar."""


@dataclass(frozen=True, slots=True)
class UserRatings:
    """What one user rated."""

    user: str
    earlier: tuple[Rating, ...]
    """Oldest first, ties in the order of the file; never empty."""
    hidden: Rating
    """The last one, which is to be predicted."""


@dataclass(frozen=True)
class Ratings:
    """A data set parted for rating prediction."""

    users: tuple[UserRatings, ...]
    """In order of appearance."""
    catalogue: Catalogue
    kind: str
    """What a person calls an item: `film`."""
    files: tuple[Path, ...]
    counted: Mapping[str, int]


def read_ratings(data: str) -> Ratings:
    """Read a data set and hide each user's last rating.

    Order is by time, ties in the order of the file, as in `limner.evals.ranking.split`: in MovieLens-100K, 415 of 943
    users rated several films in their last second, and which of them is hidden is a matter of this rule.

    Args:
        data: `ml-100k`, downloaded where it is not in the cache yet, or a folder of RecBole files.

    Raises:
        DataError: A file is missing or is not what it should be, or no user has two ratings.
        DownloadError: It could not be downloaded whole.
    """
    dataset, files = _loaded(data)
    counted = Counter({
        "row of the ratings that cannot be used": len(dataset.interactions.broken),
        "row of the items that cannot be used": len(dataset.broken_items),
    })
    known = dataset.interactions.only_items(dataset.catalogue.ids)
    counted["rating of an item that the item file lacks"] = len(dataset.interactions) - len(known)
    users = []
    for user in known.users:
        own = _of_user(known.by_user(user), files[0], counted)
        if len(own) > 1:
            users.append(UserRatings(user, tuple(own[:-1]), own[-1]))
        else:
            counted["user with one rating, who is not asked about"] += 1
    if not users:
        raise DataError(files[0], f"no user rated two items that the item file has. {SOURCE.advice}")
    met = {name: count for name, count in counted.items() if count}
    return Ratings(tuple(users), dataset.catalogue, dataset.item_type, files, met)


def _loaded(data: str) -> tuple[Dataset, tuple[Path, ...]]:
    """Return the data set and its files, that of the ratings first."""
    folder = fetch_ml_100k(Settings()) if data == "ml-100k" else SOURCE.found(data, folder=True)
    # A copy of the MovieLens files has columns that only their own reader knows.
    films = (folder / "ml-100k.item").is_file()
    try:
        dataset = read_ml_100k(folder) if films else load_dataset(folder, Settings())
    except (InputError, NotFound) as error:
        raise DataError(folder, f"{error} {SOURCE.advice}") from error
    return dataset, (*folder.glob("*.inter"), *folder.glob("*.item"))


def _of_user(own: Interactions, path: Path, counted: Counter[str]) -> list[Rating]:
    """Return one user's ratings in order of time."""
    found: list[Rating] = []
    seen: set[str] = set()
    for row, item, value, seconds in own.frame.select("row", "item", "value", "time").iter_rows():
        if value not in range(LOWEST, HIGHEST + 1):
            # Line 1 of the file is the header, and rows count from 0.
            problem = f"is {value:g} where a whole number from {LOWEST} to {HIGHEST} is expected"
            raise DataError(path, problem, row - 2, "rating")
        counted["item that a user rated again"] += item in seen
        seen.add(item)
        try:
            at = _EPOCH + timedelta(seconds=seconds)
        except OverflowError:
            counted["time that no calendar has"] += 1
            at = None
        found.append(Rating(item, int(value), at))
    return found
