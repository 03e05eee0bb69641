"""What a recommender lists for everybody who is asked about, and where the held-out items stand in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.plugins import FAULTS
from limner.tools.recommenders.base import BaseRecommender, ranked
from limner.tools.recommenders.protocol import Recommender

__all__ = ["Lists", "held_out_ranks", "lists_of", "places", "together"]

_BATCH = 128
Histories = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Lists:
    """One list for each history."""

    items: NDArray[np.intp]
    """Places in the catalogue, best first, shape `(histories, k)`, -1 where a list has ended."""
    failures: int = 0
    """Lists that could not be had, or are not what they should be."""
    reasons: tuple[str, ...] = field(default=())
    """Why, each once."""

    def ranks(self, targets: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return each target's rank in its list, from 1; infinity where it is not there.

        Args:
            targets: Places in the catalogue, shape `(histories,)`, -1 for what the catalogue does not have.
        """
        found = (self.items == targets[:, None]) & (targets >= 0)[:, None]
        return np.where(found.any(axis=1), found.argmax(axis=1) + 1.0, np.inf)


def held_out_ranks(
    model: Recommender, queries: Mapping[str, Sequence[str]], targets: Mapping[str, str], k: int
) -> tuple[NDArray[np.float64], int]:
    """Return each user's rank of the held-out item among the first `k`, infinity where it is not there, and the number of failures.

    See `lists_of` for what a failure is.
    """
    lists = lists_of(model, [queries[user] for user in targets], k)
    return lists.ranks(places(model, list(targets.values()))), lists.failures


def places(model: Recommender, item_ids: Sequence[str]) -> NDArray[np.intp]:
    """Return the places of items in the model's catalogue, -1 for those it does not have."""
    catalogue = model.catalogue
    return np.array([catalogue.position(i) if i in catalogue else -1 for i in item_ids], dtype=np.intp)


def lists_of(model: Recommender, histories: Histories, k: int, *, one_by_one: bool = False) -> Lists:
    """Return the `k` best items for each history, the same as `recommend` gives.

    A model that ranks as `BaseRecommender` does is asked for many at once, unless `one_by_one`; one with a `recommend` of its own is
    asked by that, as its filters and its failures are in it. A failure is an error, an item that the catalogue lacks, that was in the history or that occurs
    twice (such a list counts as empty), or a list with fewer than `k` items where the catalogue has as many left (it counts as it is).
    """
    items = np.full((len(histories), k), -1, dtype=np.intp)
    failed: dict[int, str] = {}
    many = together(model) and not one_by_one
    for start in range(0, len(histories), _BATCH):
        batch = histories[start : start + _BATCH]
        found = _listed_together(model, batch, k) if many else None
        for place, history in enumerate(batch, start=start):
            try:
                listed = found[place - start] if found is not None else _listed(model, history, k)
            except FAULTS as error:
                failed[place] = f"{type(error).__name__}: {error}"
                continue
            items[place, : len(listed)] = listed
            if len(listed) < min(
                k, len(model.catalogue) - len(set(history).intersection(model.catalogue.ids))
            ):
                failed[place] = f"a list of {len(listed)} items where {k} were asked for"
    return Lists(items, len(failed), tuple(dict.fromkeys(failed.values())))


def together(model: Recommender) -> bool:
    """Return whether a list is nothing but `score_many` with the history masked, so that many can be made at once."""
    return isinstance(model, BaseRecommender) and all(
        getattr(type(model), name) is getattr(BaseRecommender, name) and name not in vars(model)
        for name in ("recommend", "score", "score_many")
    )


def _listed_together(model: Recommender, histories: Histories, k: int) -> list[NDArray[np.intp]] | None:
    """Return the lists of a batch; none where one of the histories cannot be scored, so that only that one fails."""
    try:
        scores = model.score_many(histories)
    except FAULTS:
        return None
    lists = []
    for history, own in zip(histories, scores, strict=True):
        allowed = np.ones(len(model.catalogue), dtype=np.bool_)
        allowed[model.catalogue.positions(history)] = False
        lists.append(ranked(own, np.flatnonzero(allowed))[:k])
    return lists


def _listed(model: Recommender, history: Sequence[str], k: int) -> NDArray[np.intp]:
    catalogue = model.catalogue
    listed = np.array([catalogue.position(one.item_id) for one in model.recommend(history, k)], dtype=np.intp)
    if len(listed) > k or len(set(listed.tolist())) < len(listed):
        raise InputError("The list is too long, or has an item twice.")
    if np.isin(listed, catalogue.positions(history)).any():
        raise InputError("The list has an item of the history.")
    return listed
