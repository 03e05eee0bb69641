"""What is recommended from: the data set, its fitted recommenders, and what they tell about items in general."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from limner.api.catalogue_changes import CatalogueChanges
from limner.errors import InputError
from limner.inference import Encoder
from limner.memory.records import Observation
from limner.profiles.entities import Vocabulary
from limner.profiles.propositions.findings import attribute_keys
from limner.profiles.propositions.reflect import ItemKnowledge
from limner.settings import Settings
from limner.tools import Catalogue, Dataset, Item, Recommender
from limner.tools.recommenders.changed import ChangedCatalogue
from limner.tools.recommenders.discovery import recommender, recommender_class
from limner.tools.resolve import resolved
from limner.tools.texts import ItemEncoder

__all__ = ["World"]


class World:
    """A data set and recommenders fitted on it, loaded and fitted when first needed; safe to share between threads.

    Args:
        dataset: The data set, or how to load it.
        names: Recommenders to fit, by registered name; the first is the base.
        encoder: Reads what is added to the catalogue; none is that of the settings.
        settings: Where the vectors of items are cached, and changes to the catalogue are kept; none keeps no changes.
    """

    def __init__(
        self,
        dataset: Dataset | Callable[[], Dataset],
        names: Sequence[str],
        *,
        encoder: Encoder | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._load: Callable[[], Dataset] | None = None if isinstance(dataset, Dataset) else dataset
        self._names = tuple(names)
        self._encoder = ItemEncoder(encoder if encoder is not None else "", settings)
        self._changes = CatalogueChanges(None if settings is None else settings.home / "catalogue.json")
        self._lock = threading.RLock()
        self._dataset: Dataset | None = dataset if isinstance(dataset, Dataset) else None
        self._current: Dataset | None = None
        self._bases: tuple[Recommender, ...] | None = None
        self._fitted: tuple[Recommender, ...] | None = None
        self._vocabularies: dict[Path | None, Vocabulary] = {}
        self._baseline: Mapping[tuple[str, str], float] | None = None

    @property
    def dataset(self) -> Dataset:
        """The data set, with the catalogue as it has been changed.

        Raises:
            DownloadError: It could not be fetched.
            NotFound: There is none of that name.
            StoreError: The changes to the catalogue cannot be read.
        """
        with self._lock:
            if self._current is None:
                loaded = self._loaded
                changed = self._changes.of(loaded.name).applied(loaded.catalogue)
                self._current = (
                    replace(loaded, catalogue=changed) if changed is not loaded.catalogue else loaded
                )
            return self._current

    @property
    def _loaded(self) -> Dataset:
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
        """The fitted recommenders, the base first, over the catalogue as it is now."""
        with self._lock:
            if self._fitted is None:
                catalogue = self.dataset.catalogue
                if self._bases is None:
                    data = self._loaded
                    self._bases = tuple(
                        self._made(name).fit(data.interactions, data.catalogue) for name in self._names
                    )
                self._fitted = self._over(self._bases, catalogue)
            return self._fitted

    def _made(self, name: str) -> Recommender:
        # Two that read must not read with different encoders.
        reads = getattr(recommender_class(name), "reads_items", False)
        return recommender(name, encoder=self._encoder) if reads else recommender(name)

    def _over(self, bases: tuple[Recommender, ...], catalogue: Catalogue) -> tuple[Recommender, ...]:
        if catalogue is self._loaded.catalogue:
            return bases
        return tuple(ChangedCatalogue.over(base, catalogue, encoder=self._encoder) for base in bases)

    def change(self, add: Sequence[Item], remove: Collection[str]) -> None:
        """Change the catalogue: all of it or nothing.

        Args:
            add: Items that are new, or described anew.
            remove: Ids of items that go.

        Raises:
            InputError: A value does not fit its attribute, or nothing that the recommenders know would be left.
            NotFound: The catalogue does not have one of those that shall go.
            StoreError: The change cannot be kept.
        """
        with self._lock:
            data = self.dataset
            for item_id in remove:
                data.catalogue.position(item_id)
            changed = data.catalogue.with_items(add).without(remove)
            changed.schema()  # says what does not fit before anything is changed
            if not any(item_id in self._loaded.catalogue for item_id in changed.ids):
                raise InputError("Nothing of what the recommenders were fitted on would be left.")
            fitted = None if self._bases is None else self._over(self._bases, changed)
            self._changes.add(data.name, add, remove)
            self._current, self._fitted = replace(data, catalogue=changed), fitted
            self._vocabularies.clear()
            self._baseline = None

    @property
    def baseline(self) -> Mapping[tuple[str, str], float]:
        """Share of all interactions with items of an attribute value, by (attribute, value); years by the decade."""
        with self._lock:
            if self._baseline is None:
                self._baseline = _shares(self.dataset)
            return self._baseline

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
        with self._lock:
            dataset, baseline = self.dataset, self.baseline

        def resolve(observation: Observation) -> Observation:
            return resolved(observation, dataset.catalogue, dataset.item_type)

        return ItemKnowledge(baseline, resolve)


def _shares(data: Dataset) -> Mapping[tuple[str, str], float]:
    chosen = Counter(item for history in data.interactions.histories().values() for item in history)
    total = sum(chosen.values())
    counts: Counter[tuple[str, str]] = Counter()
    for item in data.catalogue:
        for key in attribute_keys(item.attributes):
            counts[key] += chosen[item.id]
    return {key: count / total for key, count in counts.items()} if total else {}
