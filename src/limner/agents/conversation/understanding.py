"""What a turn means: read by code where code can, and by a language model for the rest."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from limner.agents.conversation.acts import Act, Liking, Wanted, Words
from limner.agents.conversation.language import language_of
from limner.agents.conversation.reading import Reader, Scene
from limner.agents.sayings import telling
from limner.agents.wish import understand
from limner.errors import ConfigurationError, DownloadError, ModelError
from limner.inference import LanguageModel
from limner.tools import Catalogue, Filter

__all__ = ["Understanding", "Understood"]

_AND = re.compile(r"^(?!.*\bor\b).*(?:\band\b|&)", re.IGNORECASE | re.DOTALL)


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
        acts = tuple(one for act in reading.acts for one in self._apart(_quoting(act, text), scene))
        language = language_of(text)
        if language is not None and not any(isinstance(act, Wanted | Liking) for act in acts):
            return Understood((), "", language)
        if not telling(reading.unread):
            return Understood(acts)
        if self._model is None or not model:
            return Understood(acts, reading.unread)
        try:
            wish = await understand(reading.unread, self._catalogue, self._model(), self._prompts)
        except (ModelError, ConfigurationError, DownloadError) as error:
            return Understood(acts, reading.unread, failure=str(error))
        quote = reading.unread if reading.unread in text else text.strip()
        more: list[Act] = [Wanted(quote=quote, where=str(condition)) for condition in wish.where.conditions]
        more += [Words(quote=words) for words in wish.unchecked if words in text]
        if wish.like:
            more.append(Liking(quote=quote, item_ids=wish.like, wished=True))
        return Understood((*acts, *more), "" if more else reading.unread)

    def _apart(self, act: Act, scene: Scene) -> Iterator[Act]:
        """Yield an answer that names several values joined by "and" as one wish for each: the item shall have all of them."""
        question = scene.question
        if isinstance(act, Wanted) and question is not None and _AND.search(act.quote):
            (condition, *others) = Filter.parse(act.where).conditions
            several = self._catalogue.schema()[question.attribute].kind == "categories"
            if several and not others and (condition.attribute, condition.op) == (question.attribute, "in"):
                for value in condition.values:
                    one = condition.model_copy(update={"values": (value,)})
                    yield act.model_copy(update={"where": str(Filter(conditions=(one,)))})
                return
        yield act


def _quoting(act: Act, text: str) -> Act:
    """Return an act whose quote is in the text: reasons quote it, and a quote that nobody said is none."""
    if act.quote.strip() and act.quote in text:
        return act
    return act.model_copy(update={"quote": text.strip()})
