"""What is recommended from: the data set, its fitted recommenders, and what they tell about items in general."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from limner.memory.records import Observation
from limner.profiles.entities import Vocabulary
from limner.profiles.propositions.findings import attribute_keys
from limner.profiles.propositions.reflect import ItemKnowledge
from limner.tools import Catalogue, Dataset, Recommender
from limner.tools.recommenders.discovery import recommender
from limner.tools.resolve import resolved

__all__ = ["World"]


class World:
    """A data set and recommenders fitted on it, loaded and fitted when first needed; safe to share between threads.

    Args:
        dataset: The data set, or how to load it.
        names: Recommenders to fit, by registered name; the first is the base.
    """

    def __init__(self, dataset: Dataset | Callable[[], Dataset], names: Sequence[str]) -> None:
        self._dataset: Dataset | None = dataset if isinstance(dataset, Dataset) else None
        self._load: Callable[[], Dataset] | None = None if isinstance(dataset, Dataset) else dataset
        self._names = tuple(names)
        self._lock = threading.RLock()
        self._fitted: tuple[Recommender, ...] | None = None
        self._vocabularies: dict[Path | None, Vocabulary] = {}

    @property
    def dataset(self) -> Dataset:
        """The data set.

        Raises:
            DownloadError: It could not be fetched.
            NotFound: There is none of that name.
        """
        with self._lock:
            if self._dataset is None:
                assert self._load is not None
                self._dataset = self._load()
            return self._dataset

    @property
    def catalogue(self) -> Catalogue:
        """The items."""
        return self.dataset.catalogue

    @property
    def recommenders(self) -> tuple[Recommender, ...]:
        """The fitted recommenders, the base first."""
        with self._lock:
            if self._fitted is None:
                data = self.dataset
                self._fitted = tuple(
                    recommender(name).fit(data.interactions, data.catalogue) for name in self._names
                )
            return self._fitted

    @cached_property
    def baseline(self) -> Mapping[tuple[str, str], float]:
        """Share of all interactions with items of an attribute value, by (attribute, value); years by the decade."""
        data = self.dataset
        chosen = Counter(item for history in data.interactions.histories().values() for item in history)
        total = sum(chosen.values())
        counts: Counter[tuple[str, str]] = Counter()
        for item in data.catalogue:
            for key in attribute_keys(item.attributes):
                counts[key] += chosen[item.id]
        return {key: count / total for key, count in counts.items()} if total else {}

    def vocabulary(self, path: Path | None) -> Vocabulary:
        """Return the names of items and their values, with those of a file.

        Args:
            path: The file, which is read once; see `Vocabulary.of`.
        """
        with self._lock:
            if path not in self._vocabularies:
                self._vocabularies[path] = Vocabulary.of(self.dataset, path)
            return self._vocabularies[path]

    def knowledge(self) -> ItemKnowledge:
        """Return what reflections need of it."""
        dataset = self.dataset

        def resolve(observation: Observation) -> Observation:
            return resolved(observation, dataset.catalogue, dataset.item_type)

        return ItemKnowledge(self.baseline, resolve)
