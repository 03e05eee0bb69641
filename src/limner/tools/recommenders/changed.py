"""A fitted recommender over another catalogue than its own: items may have gone or come since, and nothing is fitted again."""

from collections.abc import Mapping
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from limner.errors import InputError
from limner.inference.encoder import Encoder
from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions
from limner.tools.recommenders.base import BaseRecommender, Positions, Scores
from limner.tools.recommenders.discovery import recommender
from limner.tools.recommenders.protocol import Recommender
from limner.tools.texts import ItemEncoder, whitened

__all__ = ["ChangedCatalogue"]

_BLOCK = 1024
"""Items compared with all others at once: memory for the similarities of so many rows."""
_REFERENCE = 5000
"""Most old items from which the scale for new ones is read."""


class ChangedCatalogue(BaseRecommender):
    """Any recommender, asked about a changed catalogue without being fitted again.

    ```python
    model = EASE().fit(interactions, catalogue)
    model = ChangedCatalogue.over(model, catalogue.with_items(new).without(gone))
    ```

    **What has gone** is unknown from then on: it is not scored, listed, explained or named, and ignored in a history. Conditions are
    checked against the attributes of the new catalogue.

    **What is new** has no interactions, so it is judged by what it says: its *estimate* is the mean of the base's scores of its
    `neighbours` nearest old items by whitened sentence vectors, weighted by similarity. Such means lie closer together than scores
    do, and would never get into a list; so an estimate is put on the base's own scale by rank. Every old item is estimated from the
    others in the same way, and the new item gets the score that the base gives at the place its estimate has among
    those: it is listed as often as an old item of its standing. `share` makes that rarer. Without a history a
    new item is as popular as it is, which is not at all.

    **In a history** new items stand for their nearest old item where more than half of the history is new. Otherwise the base is
    asked with the rest: on MovieLens-100K the stand-ins did not make lists better.

    It answers to the base's name and is saved with the base inside. The catalogue may be changed again at any time: take `base`.

    Args:
        base: Registered name of the recommender that `fit` fits; `over` takes a fitted one of any kind.
        base_settings: Arguments of its constructor.
        encoder: An encoder, or the name of one as in `Settings.encoder`; an empty name is that of the settings. Used if something is
            new, and then once.
        neighbours: Nearest old items that an estimate is made of.
        share: How often a new item is listed for each time that an old one of its standing is, above 0 and at most 1.
        seed: Of the base that `fit` makes.
    """

    name = "changed"

    def __init__(
        self,
        *,
        base: str = "ease",
        base_settings: Mapping[str, object] | None = None,
        encoder: Encoder | str = "",
        neighbours: int = 100,
        share: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        if neighbours < 1:
            raise InputError(f"neighbours is {neighbours}; it must be 1 or more.")
        if not 0 < share <= 1:
            raise InputError(f"share is {share}; it must be above 0 and at most 1.")
        self.base = base
        self.base_settings = dict(base_settings or {})
        self._encoder = ItemEncoder(encoder)
        self.encoder = self._encoder.name
        self.neighbours = neighbours
        self.share = share
        self._inner: Recommender | None = None
        self._places: Positions = np.zeros(0, dtype=np.intp)
        self._stand_ins: Positions = np.zeros(0, dtype=np.intp)
        self._near_new = csr_array((0, 0), dtype=np.float32)
        self._near_old = csr_array((0, 0), dtype=np.float32)

    @classmethod
    def over(
        cls,
        base: Recommender,
        catalogue: Catalogue,
        *,
        encoder: Encoder | str | ItemEncoder = "",
        neighbours: int = 100,
        share: float = 1.0,
    ) -> Self:
        """Return a fitted recommender's answers over another catalogue.

        An item that both have is the same one if its id is; title and attributes are the new catalogue's.

        Args:
            base: Fitted, of any kind; it stays as it is and may go on being used.
            catalogue: The items that there are now.
            encoder: See the class.
            neighbours: See the class.
            share: See the class.

        Raises:
            InputError: The catalogue is empty, or has no item that the base knows.
            DownloadError: Something is new, and the encoder cannot be fetched.
        """
        if isinstance(base, ChangedCatalogue):
            base = base.fitted
        given = ItemEncoder.of(encoder)
        made = cls(
            base=base.name,
            base_settings=getattr(base, "settings", {}),
            encoder=given.name,
            neighbours=neighbours,
            share=share,
            seed=base.seed,
        )
        made._encoder = given
        made._take(base, catalogue)
        return made

    @property
    def fitted(self) -> Recommender:
        """The recommender underneath, over the catalogue that it was fitted on.

        Raises:
            InputError: It has not been fitted.
        """
        if self._inner is None:
            raise InputError(f"{self.name} has not been fitted: call fit(interactions, catalogue) first.")
        return self._inner

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        settings = {"seed": self.seed, **self.base_settings}
        self._take(recommender(self.base, **settings).fit(interactions, catalogue), catalogue)

    def _take(self, base: Recommender, catalogue: Catalogue) -> None:
        places = np.array(
            [base.catalogue.position(i) if i in base.catalogue else -1 for i in catalogue.ids], dtype=np.intp
        )
        if not len(places):
            raise InputError("The catalogue is empty: there is nothing to recommend.")
        if not (places >= 0).any():
            raise InputError(
                f"{base.name} knows no item of the catalogue: fit it on interactions with these items."
            )
        self._inner = base
        self.name = base.name  # who asks several recommenders tells them apart by it
        self._places = places
        self._compare(base.catalogue, catalogue)
        self._popularity = np.zeros(len(places), dtype=np.float32)
        self._popularity[places >= 0] = base.score([])[places[places >= 0]]
        self._catalogue = catalogue

    def _compare(self, old: Catalogue, catalogue: Catalogue) -> None:
        """Find the nearest old items of what is new, and, for the scale, of the old items."""
        new = np.flatnonzero(self._places < 0)
        self._stand_ins = np.zeros(len(new), dtype=np.intp)
        self._near_new = csr_array((len(new), len(old)), dtype=np.float32)
        self._near_old = csr_array((0, len(old)), dtype=np.float32)
        if not new.size:
            return
        items = [*old, *(catalogue.items()[place] for place in new)]
        vectors = whitened(self._encoder.vectors(items))
        known, added = vectors[: len(old)], vectors[len(old) :]
        reference = np.unique(np.linspace(0, len(old) - 1, min(len(old), _REFERENCE)).astype(np.intp))
        self._near_new = _nearest(added, known, self.neighbours, None)
        self._near_old = _nearest(known[reference], known, self.neighbours, reference)
        # In a row without any likeness the first item is as good as every other.
        self._stand_ins = np.asarray(
            [
                row.indices[row.data.argmax()] if row.nnz else 0
                for row in (self._near_new[[place]] for place in range(len(new)))
            ],
            dtype=np.intp,
        )

    def _asked(self, history: Positions) -> list[tuple[int, str]]:
        """Return the history as the base is asked: each entry's place in it, and the id of an old item."""
        ids = self.fitted.catalogue.ids
        places = self._places[history]
        known = places >= 0
        if 2 * int(known.sum()) >= len(history):
            return [(at, ids[place]) for at, place in enumerate(places.tolist()) if place >= 0]
        number = np.cumsum(self._places < 0) - 1
        stand_ins = np.where(known, places, 0)
        stand_ins[~known] = self._stand_ins[number[history[~known]]]
        return [(at, ids[place]) for at, place in enumerate(stand_ins.tolist())]

    def _score(self, history: Positions) -> Scores:
        old = np.asarray(self.fitted.score([item_id for _, item_id in self._asked(history)]))
        scores = np.empty(len(self._places), dtype=np.float32)
        is_old = self._places >= 0
        scores[is_old] = old[self._places[is_old]]
        if not is_old.all():
            scores[~is_old] = self._on_scale(old)
        return scores

    def _on_scale(self, old: Scores) -> Scores:
        """Return the new items' scores: what the base gives at their estimates' places among the old items' estimates."""
        exact = old.astype(np.float64)
        estimates = np.sort(self._near_old @ exact)
        falling = np.arange(len(estimates))[::-1] + 0.5
        from_top = np.minimum(falling / self.share / len(estimates), 1.0) * len(exact)
        at_place = np.interp(len(exact) - 1 - from_top, np.arange(len(exact)), np.sort(exact))
        return np.asarray(np.interp(self._near_new @ exact, estimates, at_place), dtype=np.float32)

    def _contributions(self, history: Positions, item: int) -> Scores:
        """Return the base's, of an old item; of a new one the mean over its neighbours, in their proportion."""
        amounts = np.zeros(len(history), dtype=np.float32)
        asked = self._asked(history)
        # Of two entries that stand for one item, the base counts the later.
        owner = {item_id: at for at, item_id in asked}
        place = int(self._places[item])
        catalogue = self.fitted.catalogue
        if place >= 0:
            weighted = [(place, 1.0)]
        else:
            row = self._near_new[[int((self._places[:item] < 0).sum())]]
            weighted = list(zip(row.indices.tolist(), row.data.tolist(), strict=True))
        query = [item_id for _, item_id in asked]
        for neighbour, weight in weighted:
            for found in self.fitted.explain(query, catalogue.ids[neighbour], len(query)):
                amounts[owner[found.item_id]] += weight * found.amount
        return amounts

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {"places": self._places, "stand_ins": self._stand_ins}
        for name, matrix in (("near_new", self._near_new), ("near_old", self._near_old)):
            arrays |= {
                f"{name}_data": matrix.data,
                f"{name}_indices": matrix.indices,
                f"{name}_indptr": matrix.indptr,
            }
        return arrays

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._places, self._stand_ins = arrays["places"], arrays["stand_ins"]
        width = len(self.fitted.catalogue)
        self._near_new, self._near_old = (
            csr_array(
                (arrays[f"{name}_data"], arrays[f"{name}_indices"], arrays[f"{name}_indptr"]),
                shape=(len(arrays[f"{name}_indptr"]) - 1, width),
            )
            for name in ("near_new", "near_old")
        )

    def _parts(self) -> Mapping[str, Recommender]:
        return {"base": self.fitted}

    def _assemble(self, parts: Mapping[str, Recommender]) -> None:
        self._inner = parts["base"]
        self.name = self._inner.name


def _nearest(some: Scores, known: Scores, most: int, selves: Positions | None) -> csr_array:
    """Return the similarities to the nearest of the known, each row summing to 1, shape `(some, known)`.

    Only positive ones; an item that is like none is as near to all.

    Args:
        some: Vectors of unit length.
        known: Vectors of unit length.
        most: Most of them in a row.
        selves: Place of each of `some` among the known, which does not count.
    """
    rows: list[csr_array] = []
    for start in range(0, len(some), _BLOCK):
        near = np.maximum(some[start : start + _BLOCK] @ known.T, 0.0)
        at = np.arange(len(near))
        if selves is not None:
            near[at, selves[start : start + _BLOCK]] = 0.0
        if most < near.shape[1]:
            last = np.partition(near, -most, axis=1)[:, [-most]]
            near[near < last] = 0.0
        near[near.sum(axis=1) <= 0] = 1.0
        rows.append(csr_array(near / near.sum(axis=1, keepdims=True)))
    if not rows:
        return csr_array((0, len(known)), dtype=np.float32)
    from scipy.sparse import vstack

    return cast(csr_array, csr_array(vstack(rows)))
