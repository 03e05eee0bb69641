"""What a round of a closed loop is measured by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from limner.agents.simulators.pages import Visit
from limner.evals.ranking.coverage import catalogue_coverage
from limner.evals.ranking.novelty import self_information
from limner.evals.resampling import Floats

__all__ = ["ABOUT", "Yardstick", "between_users", "gini", "measured", "within_lists"]

ABOUT: Mapping[str, str] = {
    "rating": "mean rating of what was watched",
    "liked": "items watched in a visit that were rated above the user's own mean",
    "pages": "pages looked at in a visit",
    "watched": "items watched in a visit",
    "watch_rate": "share of the items before somebody's eyes that were watched",
    "coverage": "share of the catalogue that is on anybody's first page",
    "gini": "how unequally the first pages are shared out among the items: 0 evenly, 1 all the same one",
    "unknownness": "mean self-information of the first page in bits, by what was taken before the first round",
    "list_diversity": "mean share of attribute values that two items of one first page do not have in common",
    "list_overlap": "share of one user's first page that is on another's too, on average over pairs",
    "taste_overlap": "cosine between what two users watched in this round, on average over pairs",
    "real": "share of what was watched that the real user took too, in the half that the recommender was not given",
}


@dataclass(frozen=True)
class Yardstick:
    """What stays the same through all rounds."""

    items: int
    bits: Floats
    """Self-information of each item, shape `(items,)`."""
    attributes: csr_array
    """Which item has which value, shape `(items, values)`."""
    usual: Mapping[str, float]
    """Each user's own mean rating."""
    later: Mapping[str, frozenset[str]]
    """What each user really took, and the recommender was not given at the start."""


def measured(
    first_pages: NDArray[np.intp],
    visits: Sequence[Visit],
    places: Mapping[str, int],
    by: Yardstick,
) -> dict[str, float | None]:
    """Return the figures of `ABOUT` for one round, none where a figure is not defined.

    Args:
        first_pages: What is on each user's first page, as places in the catalogue, shape `(users, page)`, -1 where it has ended.
        visits: One for each user.
        places: Of the catalogue's items.
        by: What all rounds are measured by.
    """
    ratings = np.array([one.rating for visit in visits for one in visit.watched])
    shown = sum(len(visit.shown) for visit in visits)
    known = [one.item_id in by.later[visit.user] for visit in visits for one in visit.watched]
    liked = sum(one.rating > by.usual[visit.user] for visit in visits for one in visit.watched)
    novelty = self_information(first_pages, by.bits)
    listed = _rows(first_pages, by.items)
    watched = _rows_of([[places[one.item_id] for one in visit.watched] for visit in visits], by.items)
    figures = {
        "rating": _mean(ratings),
        "liked": liked / len(visits),
        "pages": _mean(np.array([len(visit.pages) for visit in visits])),
        "watched": len(ratings) / len(visits),
        "watch_rate": len(ratings) / shown if shown else np.nan,
        "coverage": catalogue_coverage(first_pages, by.items),
        "gini": gini(np.asarray(listed.sum(axis=0))),
        "unknownness": _mean(novelty[np.isfinite(novelty)]),
        "list_diversity": within_lists(first_pages, by.attributes),
        "list_overlap": between_users(listed),
        "taste_overlap": between_users(watched),
        "real": _mean(np.array(known, dtype=np.float64)),
    }
    return {name: float(value) if np.isfinite(value) else None for name, value in figures.items()}


def gini(counts: Floats) -> float:
    """Return the Gini coefficient of how often each item occurs, items that never do among them; NaN where none does.

    0 where all occur equally often, `1 - 1/n` where all occurrences are of one of `n` items.
    """
    ordered = np.sort(np.asarray(counts, dtype=np.float64))
    total = ordered.sum()
    if not total:
        return float("nan")
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


def within_lists(lists: NDArray[np.intp], attributes: csr_array) -> float:
    """Return the mean of 1 less the Jaccard coefficient over all pairs of items in a list, then over lists.

    Ziegler, McNee, Konstan and Lausen, "Improving recommendation lists through topic diversification" (WWW 2005, §3.3), with attribute values for topics. Lists
    of fewer than two items are left out; two items without any value are alike.
    """
    found = []
    for own in lists:
        own = own[own >= 0]
        if len(own) < 2:
            continue
        values = attributes[own].toarray()
        common = values @ values.T
        sizes = values.sum(axis=1)
        either = sizes[:, None] + sizes[None, :] - common
        alike = np.where(either > 0, common / np.maximum(either, 1.0), 1.0)
        pairs = np.triu_indices(len(own), 1)
        found.append(1.0 - alike[pairs].mean())
    return float(np.mean(found)) if found else float("nan")


def between_users(rows: csr_array) -> float:
    """Return the mean cosine between the item sets of two users, over all pairs of users who have any; NaN for fewer than two.

    For sets of the same size it is the share that they have in common. That it rises is homogenisation (Chaney, Stewart and Engelhardt,
    RecSys 2018, §4, who take the Jaccard coefficient).
    """
    sizes = np.asarray(rows.sum(axis=1))
    users = int((sizes > 0).sum())
    if users < 2:
        return float("nan")
    weights = np.where(sizes > 0, 1.0 / np.sqrt(np.maximum(sizes, 1.0)), 0.0)
    together = np.asarray(rows.T @ weights)
    return float((together @ together - users) / (users * (users - 1)))


def _rows(lists: NDArray[np.intp], items: int) -> csr_array:
    return _rows_of([own[own >= 0].tolist() for own in lists], items)


def _rows_of(sets: Sequence[Sequence[int]], items: int) -> csr_array:
    rows = [row for row, own in enumerate(sets) for _ in own]
    columns = [place for own in sets for place in own]
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(sets), items))


def _mean(values: NDArray[np.generic]) -> float:
    return float(np.mean(values.astype(np.float64))) if values.size else float("nan")
