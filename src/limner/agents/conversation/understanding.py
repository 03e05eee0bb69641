"""What a turn means: read by code where code can, and by a language model for the rest."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from limner.agents.conversation.acts import Act, Liking, Wanted, Words
from limner.agents.conversation.language import language_of
from limner.agents.conversation.reading import Reader, Scene
from limner.agents.sayings import telling
from limner.agents.wish import understand
from limner.errors import ModelError
from limner.inference import LanguageModel
from limner.tools import Catalogue

__all__ = ["Understanding", "Understood"]


@dataclass(frozen=True)
class Understood:
    """A turn, understood as far as may be."""

    acts: tuple[Act, ...]
    unread: str = ""
    """What nobody understood."""
    language: str | None = None
    """The turn's language, where it is not English and was not understood."""
    failure: str = ""
    """Why the model did not help, where it should have."""


class Understanding:
    """Understands turns over one catalogue.

    Args:
        catalogue: What turns are about.
        item_type: What a person calls one of its items.
        model: Gives the model that reads what code cannot; none does without. It is asked for when it is first needed.
        prompts: Folder of overriding prompt files.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        item_type: str,
        model: Callable[[], LanguageModel] | None = None,
        prompts: Path | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._reader = Reader(catalogue, item_type)
        self._model = model
        self._prompts = prompts

    async def understood(self, text: str, scene: Scene, *, model: bool = True) -> Understood:
        """Return what a turn means.

        Args:
            text: The turn.
            scene: What it is said in.
            model: Whether the language model may be asked.
        """
        reading = self._reader.read(text, scene)
        acts = tuple(_quoting(act, text) for act in reading.acts)
        language = language_of(text)
        if language is not None and not any(isinstance(act, Wanted | Liking) for act in acts):
            return Understood((), "", language)
        if not telling(reading.unread):
            return Understood(acts)
        if self._model is None or not model:
            return Understood(acts, reading.unread)
        try:
            wish = await understand(reading.unread, self._catalogue, self._model(), self._prompts)
        except ModelError as error:
            return Understood(acts, reading.unread, failure=str(error))
        quote = reading.unread if reading.unread in text else text.strip()
        more: list[Act] = [Wanted(quote=quote, where=str(condition)) for condition in wish.where.conditions]
        more += [Words(quote=words if words in text else quote) for words in wish.unchecked]
        if wish.like:
            more.append(Liking(quote=quote, item_ids=wish.like, wished=True))
        return Understood((*acts, *more), "" if more else reading.unread)


def _quoting(act: Act, text: str) -> Act:
    """Return an act whose quote is in the text: reasons quote it, and a quote that nobody said is none."""
    if act.quote.strip() and act.quote in text:
        return act
    return act.model_copy(update={"quote": text.strip()})
