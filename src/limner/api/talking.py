"""What holds conversations; a part of `Limner`."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from limner.agents.companion import Companion
from limner.api.cataloguing import Cataloguing
from limner.errors import ConfigurationError
from limner.inference import LanguageModel
from limner.settings import Settings

if TYPE_CHECKING:
    from limner.agents.conversation.talker import Talker

__all__ = ["Talking"]


class Talking(Cataloguing, ABC):
    """What of `Limner` holds conversations."""

    settings: Settings

    @property
    @abstractmethod
    def model(self) -> LanguageModel:
        """The language model."""

    @abstractmethod
    def companion(self) -> Companion:
        """Return what answers questions."""

    def talker(self) -> "Talker":
        """Return what holds conversations over the catalogue as it is now; the recommenders are fitted for it, no model is loaded.

        Raises:
            ConfigurationError: There is nothing to recommend from.
            DownloadError: The data set could not be fetched.
        """
        with self._lock:
            if self.world is None:
                raise ConfigurationError(
                    "There is nothing to talk about: set LIMNER_DATASET, or open with dataset=…."
                )
            if self._talker is None:
                from limner.agents.conversation.talker import Talker

                fitted = self.world.recommenders
                self._talker = Talker(
                    fitted[0].catalogue,
                    fitted,
                    item_type=self.world.dataset.item_type,
                    model=lambda: self.model,
                    companion=self.companion,
                    prompts=self.settings.prompts,
                )
            return self._talker
