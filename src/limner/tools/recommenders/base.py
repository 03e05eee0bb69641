"""What every recommender of ours does alike: the catalogue, masking, filters, ranking, storage."""

import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from limner.errors import InputError
from limner.tools.catalogue import Catalogue
from limner.tools.filters import Filter
from limner.tools.interactions import Interactions
from limner.tools.recommenders.discovery import load_recommender
from limner.tools.recommenders.protocol import Contribution, Recommender, Scored

__all__ = [
    "BaseRecommender",
    "Matrix",
    "Positions",
    "Scores",
    "ranked",
    "recency_weights",
    "user_item_matrix",
]

Positions = NDArray[np.intp]
"""Places in catalogue order."""
Scores = NDArray[np.float32]
Matrix: TypeAlias = NDArray[np.float32] | csr_array
"""Dense or sparse; rows can be taken from either by their places."""

_FORMAT = 1


class BaseRecommender(ABC):
    """Base of the recommenders here: a subclass says how to fit and how to score, in catalogue positions.

    A subclass's constructor takes keyword arguments that JSON can hold and keeps each under the same name, so that a
    saved model is built again from them.
    """

    name: ClassVar[str]
    seed: int

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        self._catalogue: Catalogue | None = None
        self._popularity: Scores = np.zeros(0, dtype=np.float32)

    # What a model says about itself

    @abstractmethod
    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        """Train on interactions whose items are all in the catalogue."""

    @abstractmethod
    def _score(self, history: Positions) -> Scores:
        """Return finite scores of all catalogue items, shape `(items,)`, for a history that is not empty, oldest first, without repetition."""

    def _contributions(self, history: Positions, item: int) -> Scores:
        """Return what each history position adds to the item's score, shape `(len(history),)`; zeros from a model that cannot say."""
        return np.zeros(len(history), dtype=np.float32)

    def _score_many(self, histories: Sequence[Positions]) -> Scores:
        """Return `_score` of several histories, shape `(histories, items)`; a model that can do them together overrides it."""
        return np.stack([self._score(history) for history in histories])

    @abstractmethod
    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return the arrays that scoring needs."""

    @abstractmethod
    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take the arrays that `_arrays` gave."""

    def _parts(self) -> Mapping[str, Recommender]:
        """Return the fitted recommenders that this one is made of, by a name that a folder can have."""
        return {}

    def _assemble(self, parts: Mapping[str, Recommender]) -> None:  # noqa: B027 - most have no parts
        """Take the recommenders that `_parts` gave; called before `_restore`."""

    # What follows from it

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue it was fitted on.

        Raises:
            InputError: It has not been fitted.
        """
        if self._catalogue is None:
            raise InputError(f"{self.name} has not been fitted: call fit(interactions, catalogue) first.")
        return self._catalogue

    @property
    def settings(self) -> dict[str, object]:
        """The constructor's arguments."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"

    def fit(self, interactions: Interactions, catalogue: Catalogue) -> Self:
        """See `Recommender.fit`.

        Raises:
            InputError: The catalogue is empty, or no interaction is with an item of it.
        """
        if not len(catalogue):
            raise InputError("The catalogue is empty: there is nothing to recommend.")
        known = interactions.only_items(catalogue.ids)
        if not len(known):
            raise InputError("None of the interactions is with an item of the catalogue.")
        self._popularity = np.asarray(user_item_matrix(known, catalogue).sum(axis=0), dtype=np.float32)
        self._fit(known, catalogue)
        self._catalogue = catalogue
        return self

    def score(self, history: Sequence[str], candidates: Sequence[str] | None = None) -> Scores:
        """See `Recommender.score`."""
        positions = self._known(history)
        scores = self._score(positions) if positions.size else self._popularity.copy()
        if candidates is None:
            return scores
        return scores[[self.catalogue.position(item_id) for item_id in candidates]]

    def score_many(self, histories: Sequence[Sequence[str]]) -> Scores:
        """See `Recommender.score_many`."""
        scores = np.tile(self._popularity, (len(histories), 1))
        known = [self._known(history) for history in histories]
        asked = [place for place, positions in enumerate(known) if positions.size]
        if asked:
            scores[asked] = self._score_many([known[place] for place in asked])
        return scores

    def recommend(
        self, history: Sequence[str], k: int, where: Filter | str | None = None, exclude: Iterable[str] = ()
    ) -> list[Scored]:
        """See `Recommender.recommend`."""
        if k < 0:
            raise InputError(f"k is {k}; a list cannot have fewer than 0 items.")
        allowed = self.catalogue.mask(where)
        allowed[self.catalogue.positions(history)] = False
        allowed[self.catalogue.positions(exclude)] = False
        scores = self.score(history)
        best = ranked(scores, np.flatnonzero(allowed))[:k]
        return [Scored(self.catalogue.ids[position], float(scores[position])) for position in best]

    def explain(self, history: Sequence[str], item_id: str, n: int = 3) -> list[Contribution]:
        """See `Recommender.explain`."""
        positions = self._known(history)
        amounts = self._contributions(positions, self.catalogue.position(item_id))
        best = [place for place in ranked(amounts) if amounts[place] > 0][:n]
        return [Contribution(self.catalogue.ids[positions[place]], float(amounts[place])) for place in best]

    def unknown(self, history: Iterable[str]) -> list[str]:
        """See `Recommender.unknown`."""
        return [item_id for item_id in history if item_id not in self.catalogue]

    def _known(self, history: Sequence[str]) -> Positions:
        """Return the positions of the history's known items, oldest first, each at its latest occurrence."""
        latest_first = dict.fromkeys(reversed(history))
        return self.catalogue.positions(reversed(list(latest_first)))

    def save(self, path: Path) -> None:
        """See `Recommender.save`."""
        path.mkdir(parents=True, exist_ok=True)
        described = {
            "format": _FORMAT,
            "name": self.name,
            "settings": self.settings,
            "catalogue": self.catalogue.version,
            "parts": sorted(self._parts()),
        }
        for part, model in self._parts().items():
            model.save(path / part)
        np.savez(path / "arrays.npz", allow_pickle=False, popularity=self._popularity, **self._arrays())
        self.catalogue.save(path / "catalogue.json")
        (path / "model.json").write_text(json.dumps(described, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """See `Recommender.load`.

        Raises:
            InputError: The folder holds no model, a model of another kind, or one of another format.
        """
        try:
            described = json.loads((path / "model.json").read_text(encoding="utf-8"))
            with np.load(path / "arrays.npz", allow_pickle=False) as file:
                arrays = dict(file)
            kind, name, settings = described["format"], described["name"], described["settings"]
            parts = list(described.get("parts", []))
        except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise InputError(f"{path} holds no recommender: {error}.") from error
        if kind != _FORMAT or name != cls.name:
            raise InputError(
                f"{path} holds {name!r} in format {kind}; this is {cls.name!r}, format {_FORMAT}. Fit it again."
            )
        try:
            model = cls(**settings)
        except TypeError as error:
            raise InputError(f"{path} was saved by another version: {error}. Fit it again.") from error
        catalogue = Catalogue.load(path / "catalogue.json")
        if catalogue.version != described["catalogue"]:
            raise InputError(f"{path}: the catalogue is not the one that the model was fitted on.")
        model._popularity = arrays.pop("popularity")
        model._assemble({part: load_recommender(path / part) for part in parts})
        model._restore(arrays)
        model._catalogue = catalogue
        return model


def ranked(scores: Scores, among: Positions | None = None) -> Positions:
    """Return positions by falling score; equal scores keep their order."""
    if among is None:
        return np.argsort(-scores, kind="stable")
    return among[np.argsort(-scores[among], kind="stable")]


def recency_weights(length: int, decay: float) -> Scores:
    """Return `decay ** age` for a history given oldest first; the newest item has age 0."""
    return np.power(np.float32(decay), np.arange(length - 1, -1, -1, dtype=np.float32)).astype(np.float32)


def user_item_matrix(interactions: Interactions, catalogue: Catalogue) -> csr_array:
    """Return who took what as a binary matrix, shape `(users, items)` in catalogue order."""
    _, users = np.unique(interactions.frame["user"].to_numpy(), return_inverse=True)
    items = catalogue.positions(interactions.frame["item"].to_list())
    matrix = csr_array(
        (np.ones(len(items), dtype=np.float32), (users, items)),
        shape=(int(users.max(initial=-1)) + 1, len(catalogue)),
    )
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
