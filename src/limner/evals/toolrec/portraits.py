"""Portraits drawn once by the real path (observations, reflection, propositions) and kept in the folder of a run.

The wording is left to plain templates: a model that words every finding of hundreds of users costs more than everything that is
measured, and what a recommender does with a finding depends on its topic and confidence.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from langchain_core.language_models.fake_chat_models import FakeListChatModel

from limner.api.world import World
from limner.errors import InputError
from limner.evals.toolrec.cases import Case
from limner.inference import LanguageModel
from limner.inference.encoder import encoder as encoder_of
from limner.memory import Memory, NewObservation, UserMemory
from limner.profiles.propositions.reflect import reflect
from limner.settings import Settings
from limner.tools import Dataset

__all__ = ["Portraits"]

_UNWORDED = "-"


class Portraits:
    """The users of a run, as limner knows them: everything up to the validation item, reflected on.

    Args:
        folder: Where they are kept; a second run draws those alone that are not there.
        dataset: The training part, which general shares are taken from.
        settings: For the encoder.
    """

    def __init__(self, folder: Path, dataset: Dataset, settings: Settings) -> None:
        self._settings = settings.model_copy(
            update={"home": folder, "database_url": None, "chroma_url": None}
        )
        self._encoder = encoder_of(self._settings)
        self._world = World(dataset, ())
        self._memory = Memory(self._settings, self._encoder)
        self._model = LanguageModel.wrap(
            FakeListChatModel(responses=[_UNWORDED]), name="templates", plan="small"
        )

    def close(self) -> None:
        """Let go of the folder."""
        self._memory.close()

    def of(self, case: Case) -> UserMemory:
        """Return what is known of a user."""
        return self._memory.user(f"user-{case.user}")

    async def draw(self, cases: Sequence[Case], tell: Callable[[str], None] = lambda line: None) -> None:
        """Draw what is missing, one user after the other.

        Raises:
            InputError: A reflection failed.
        """
        knowledge = self._world.knowledge()
        for place, case in enumerate(cases, start=1):
            user = self.of(case)
            status = user.status()
            if status.observations == len(case.events) and not status.pending:
                continue
            user.observe_many(_observations(case))
            done = await reflect(user, self._model, self._encoder, self._settings, items=knowledge)
            if done.failed:
                raise InputError(f"The portrait of user {case.user} could not be drawn: {done.failed[0]}")
            if place % 20 == 0:
                tell(f"portraits: {place} of {len(cases)}")


def _observations(case: Case) -> list[NewObservation]:
    """Return the events as observations: keyed, so that a run that was cut off adds none twice, and in their order."""
    found = []
    for place, (when, event) in enumerate(case.events):
        # Many share a second; a microsecond each keeps the order of the file.
        moment = datetime.fromtimestamp(when + place / 1e6, UTC)
        text = f"Rated {event.title} {event.value:g}/5"
        found.append(NewObservation(text, "ratings", "user", moment, f"{case.user}/{event.item_id}", event))
    return found
