"""A conventional recommender that reads text: frozen embeddings of profile and item, and a small fitted link.

The second judge of a profile, which shares nothing with the first: no language model, and another idea of what a profile is
good for. A profile that helps both says something of the user rather than of the judge.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from limner.inference import Encoder
from limner.profiles.lettingo.judge import View
from limner.profiles.lettingo.split import Case, Rated
from limner.tools.datasets import Dataset

__all__ = ["TextFeatures"]

Floats = NDArray[np.float64]
_PRIOR = 5.0
"""Ratings of the mean that every item is taken to have besides its own."""


class TextFeatures:
    """What the link is fitted on, for each target of a case.

    Always: how often others rated the item (logarithm) and how high. `recent`: also how near the item is to the recent ones,
    as mean cosine, and to those rated above the user's mean. `history`: the same of `H`. `profile`: the cosine of the profile
    and the item, in its place.

    Args:
        encoder: Frozen.
        dataset: The ratings; those of the cases' own users are not counted.
        cases: All users of the run.
    """

    def __init__(self, encoder: Encoder, dataset: Dataset, cases: Sequence[Case]) -> None:
        own = {case.user for case in cases}
        count: Counter[str] = Counter()
        total: Counter[str] = Counter()
        for user, item, value in dataset.interactions.frame.select("user", "item", "value").iter_rows():
            if user not in own:
                count[item] += 1
                total[item] += value
        mean = sum(total.values()) / max(1, sum(count.values()))
        self._crowd = {
            item: (float(np.log1p(count[item])), (total[item] + _PRIOR * mean) / (count[item] + _PRIOR))
            for item in dataset.catalogue.ids
        }
        lines = sorted({one.line for case in cases for one in _all(case)})
        vectors = encoder.encode_documents(lines).astype(np.float64)
        self._items = dict(zip(lines, vectors, strict=True))
        self._encoder = encoder
        self._texts: dict[str, Floats] = {}

    def read(self, profiles: Sequence[str]) -> None:
        """Encode profiles, many at once."""
        new = sorted({text for text in profiles if text not in self._texts})
        vectors = self._encoder.encode_query(new).astype(np.float64)
        self._texts.update(zip(new, vectors, strict=True))

    def of(self, case: Case, view: View, profile: str = "") -> Floats:
        """Return the features, shape `(targets, features of the view)`."""
        targets = np.array([self._items[target.line] for target in case.targets])
        columns = [*np.array([self._crowd[target.item] for target in case.targets]).T]
        if view != "nothing":
            columns += self._near(targets, case.recent)
        if view == "history":
            columns += self._near(targets, case.history)
        if view == "profile":
            self.read([profile])
            columns.append(targets @ self._texts[profile])
        return np.column_stack(columns)

    def _near(self, targets: Floats, rated: Sequence[Rated]) -> list[Floats]:
        if not rated:
            return [np.zeros(len(targets)), np.zeros(len(targets))]
        cosines = targets @ np.array([self._items[one.line] for one in rated]).T
        values = np.array([one.value for one in rated])
        return [cosines.mean(axis=1), cosines @ (values - values.mean()) / len(rated)]


def _all(case: Case) -> tuple[Rated, ...]:
    return (*case.history, *case.recent, *case.targets)
