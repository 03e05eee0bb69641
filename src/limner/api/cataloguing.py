"""Changing what is recommended from, without fitting anything again."""

import threading
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from limner.errors import ConfigurationError
from limner.tools import Catalogue, Item

if TYPE_CHECKING:
    from limner.agents.conversation.talker import Talker
    from limner.agents.recommender import RecommendingAgent
    from limner.api.world import World

__all__ = ["Cataloguing"]


class Cataloguing:
    """What `Limner` can do to the catalogue."""

    world: "World | None"
    _agent: "RecommendingAgent | None"
    _lock: threading.RLock
    _talker: "Talker | None" = None

    def add_items(self, items: Iterable[Item | Mapping[str, object]]) -> None:
        """Add items, or describe those anew whose ids there are already; the next recommendation knows them.

        Nothing is fitted again: a new item is judged by its nearest old ones, by what their texts say (`ChangedCatalogue`). The
        first new one lets the encoder read the whole catalogue, once: seconds for a thousand items. The change is kept in
        `catalogue.json` in the data folder, for this data set; other processes that have the folder open see it when
        they open it again.

        ```python
        limner.add_items([{"id": "n1", "title": "Third Orbit (1999)", "attributes": {"genre": ("Sci-Fi",)}}])
        ```

        Args:
            items: Items, or mappings with their fields.

        Raises:
            InputError: A mapping is no item, an id occurs twice, or a value does not fit its attribute; nothing was changed.
            ConfigurationError: There is nothing to recommend from.
            DownloadError: The data set or the encoder could not be fetched; nothing was changed.
            StoreError: The change could not be kept; nothing was changed.
        """
        taken = list(items)
        new = [
            item if isinstance(item, Item) else Catalogue.from_records([item]).items()[0] for item in taken
        ]
        self._change(Catalogue(new).items(), ())

    def remove_items(self, item_ids: Collection[str]) -> None:
        """Remove items: the next recommendation has none of them, nor is one named in a reason.

        What users said and did about them stays theirs. An item that is added again under its id is the one it was. Kept as
        `add_items` says.

        Raises:
            NotFound: The catalogue does not have one of them; nothing was changed.
            InputError: Nothing that the recommenders know would be left; nothing was changed.
            ConfigurationError: There is nothing to recommend from.
            DownloadError: The data set could not be fetched; nothing was changed.
            StoreError: The change could not be kept; nothing was changed.
        """
        self._change((), [item_ids] if isinstance(item_ids, str) else list(item_ids))

    def _change(self, add: tuple[Item, ...], remove: Collection[str]) -> None:
        if self.world is None:
            raise ConfigurationError(
                "There is nothing to recommend from: set LIMNER_DATASET, or open with dataset=…."
            )
        self.world.change(add, remove)
        with self._lock:
            self._agent = None
            self._talker = None
