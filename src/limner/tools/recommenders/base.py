"""What every recommender of ours does alike: the catalogue, masking, filters, ranking, storage."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from limner.errors import InputError
from limner.tools.catalogue import Catalogue
from limner.tools.filters import Filter
from limner.tools.interactions import Interactions
from limner.tools.recommenders.discovery import load_recommender
from limner.tools.recommenders.protocol import Contribution, Grid, Recommender, Scored
from limner.tools.recommenders.storage import (
    Described,
    described_in,
    new_folder,
    read_arrays,
    read_catalogue,
    write_files,
)

__all__ = [
    "BaseRecommender",
    "Matrix",
    "Positions",
    "Scores",
    "checked_decay",
    "ranked",
    "recency_weights",
    "user_item_matrix",
]

Positions = NDArray[np.intp]
"""Places in catalogue order."""
Scores = NDArray[np.float32]
Matrix: TypeAlias = NDArray[np.float32] | csr_array
"""Dense or sparse; rows can be taken from either by their places."""

_POPULARITY = "popularity"


class BaseRecommender(ABC):
    """Base of the recommenders here: a subclass says how to fit and how to score, in catalogue positions.

    A subclass's constructor takes keyword arguments that JSON can hold and keeps each under the same name, so that a
    saved model is built again from them.
    """

    name: str
    seed: int
    grid: ClassVar[Grid] = {}
    """Settings worth trying when they are chosen for other data; nothing where there is nothing to choose."""

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
        if not (np.isfinite(known.value).all() and np.isfinite(known.time).all()):
            raise InputError(
                "A value or a time of the interactions is not a finite number: read them with Interactions.from_frame, which "
                "leaves such rows out and names them."
            )
        self._catalogue = (
            None  # a fit that fails leaves no model, rather than half of the old and half of the new
        )
        self._popularity = np.asarray(user_item_matrix(known, catalogue).sum(axis=0), dtype=np.float32)
        self._fit(known, catalogue)
        self._catalogue = catalogue
        return self

    def score(self, history: Sequence[str], candidates: Sequence[str] | None = None) -> Scores:
        """See `Recommender.score`."""
        positions = self._known(history)
        scores = self._sound(self._score(positions)) if positions.size else self._popularity.copy()
        if candidates is None:
            return scores
        return scores[[self.catalogue.position(item_id) for item_id in candidates]]

    def score_many(self, histories: Sequence[Sequence[str]]) -> Scores:
        """See `Recommender.score_many`."""
        scores = np.tile(self._popularity, (len(histories), 1))
        known = [self._known(history) for history in histories]
        asked = [place for place, positions in enumerate(known) if positions.size]
        if asked:
            found = np.asarray(self._score_many([known[place] for place in asked]))
            for place, row in zip(asked, found, strict=True):
                scores[place] = self._sound(row)
        return scores

    def recommend(
        self, history: Sequence[str], k: int, where: Filter | str | None = None, exclude: Iterable[str] = ()
    ) -> list[Scored]:
        """See `Recommender.recommend`."""
        if k < 0:
            raise InputError(f"k is {k}; a list cannot have fewer than 0 items.")
        allowed = self.catalogue.mask(where)
        allowed[self._known(history)] = False
        allowed[self.catalogue.positions(_ids("exclude", exclude))] = False
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
        return [item_id for item_id in _ids("history", history) if item_id not in self.catalogue]

    def _known(self, history: Sequence[str]) -> Positions:
        """Return the positions of the history's known items, oldest first, each at its latest occurrence."""
        latest_first = dict.fromkeys(reversed(list(_ids("history", history))))
        return self.catalogue.positions(reversed(list(latest_first)))

    def _sound(self, scores: Scores) -> Scores:
        # NaN sorts as the worst and an infinity as the best, so a model that diverged would go unnoticed.
        if scores.shape != (len(self.catalogue),) or not np.isfinite(scores).all():
            raise InputError(
                f"{self!r} gave scores that are not one finite number for each item: fit it with other settings, or on other "
                "data."
            )
        return scores

    def save(self, path: Path) -> None:
        """See `Recommender.save`; where it fails, what was in the folder before is unchanged.

        Raises:
            InputError: It has not been fitted, the folder cannot be written, or a setting is not what JSON can hold.
        """
        catalogue, parts = self.catalogue, self._parts()
        described = Described(type(self).name, self.settings, catalogue.version, tuple(sorted(parts)))
        with new_folder(path) as folder:
            write_files(folder, described, {_POPULARITY: self._popularity, **self._arrays()}, catalogue)
            for part, model in parts.items():
                model.save(folder / part)

    @classmethod
    def load(cls, path: Path) -> Self:
        """See `Recommender.load`.

        Raises:
            InputError: The folder holds no model, a model of another kind, one of another format or version, or one of which
                a file is missing, damaged or changed.
            NotFound: The kind of a part is not installed.
        """
        path = Path(path)
        described = described_in(path)
        if described.name != cls.name:
            raise InputError(
                f"{path} holds {described.name!r}; this is {cls.name!r}. Use load_recommender, which finds the kind."
            )
        arrays = read_arrays(path)
        catalogue = read_catalogue(path, described.catalogue)
        if arrays.get(_POPULARITY, np.zeros(0)).shape != (len(catalogue),):
            raise InputError(f"{path}: the arrays do not fit the catalogue. Fit the model again and save it.")
        parts = {part: load_recommender(path / part) for part in described.parts}
        try:
            model = cls(**described.settings)
            model._popularity = arrays.pop(_POPULARITY)
            model._assemble(parts)
            model._restore(arrays)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise InputError(
                f"{path} was saved by another version, or changed since: {type(error).__name__}: {error}. Fit the model "
                "again and save it."
            ) from error
        model._catalogue = catalogue
        return model


def _ids(what: str, item_ids: Iterable[str]) -> Iterable[str]:
    # One text is a sequence of texts too, and each of its letters an id that no catalogue has.
    if isinstance(item_ids, str):
        raise InputError(
            f"{what} is one text, {item_ids!r}; it takes a sequence of item ids: [{item_ids!r}]."
        )
    return item_ids


def ranked(scores: Scores, among: Positions | None = None) -> Positions:
    """Return positions by falling score; equal scores keep their order."""
    if among is None:
        return np.argsort(-scores, kind="stable")
    return among[np.argsort(-scores[among], kind="stable")]


def checked_decay(decay: float) -> float:
    """Return a weight of an item relative to the next newer one, as `recency_weights` takes it.

    Raises:
        InputError: It is not above 0 and at most 1.
    """
    if not 0 < decay <= 1:
        raise InputError(f"decay is {decay}; it must be above 0 and at most 1.")
    return decay


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
