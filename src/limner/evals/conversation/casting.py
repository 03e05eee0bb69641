"""Who plays the seekers: rules, or a language model."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, get_args

from limner.agents.simulators.leaks import leaks
from limner.agents.simulators.portrayed import PortrayedSeeker
from limner.agents.simulators.rules import RuleSeeker
from limner.agents.simulators.seeker import Heard, Said, Seeker
from limner.agents.simulators.traits import infer_traits
from limner.errors import InputError
from limner.evals.conversation.cases import Case
from limner.evals.conversation.playing import LeakCheck
from limner.evals.engine import shared_model
from limner.inference import LanguageModel
from limner.settings import Settings
from limner.tools import Catalogue, Dataset

__all__ = ["Casting", "SeekerKind", "casting"]

SeekerKind = Literal["rules", "model"]


class Casting:
    """Makes the seeker of a case, a new one each time, and what looks for leaks in what they say.

    Args:
        catalogue: Of the data set.
        seeker: Makes the seeker.
        about: What the seekers hang on.
    """

    def __init__(
        self, catalogue: Catalogue, seeker: Callable[[Case], Seeker], about: Mapping[str, Any]
    ) -> None:
        self._catalogue = catalogue
        self._seeker = seeker
        self.about = dict(about)

    def __call__(self, case: Case) -> tuple[Seeker, LeakCheck]:
        """Return both."""
        return self._seeker(case), partial(self._leak, case)

    def _leak(self, case: Case, text: str) -> str | None:
        found = leaks(text, case.targets, self._catalogue)
        return None if found is None else found.words


def casting(
    kind: SeekerKind,
    dataset: Dataset,
    turns: int,
    settings: Settings,
    model: LanguageModel | None = None,
) -> Casting:
    """Return who makes the seekers of a run.

    Args:
        kind: `rules`, or `model`.
        dataset: What is looked for.
        turns: Of the system in one conversation: the seeker waits for so many.
        settings: The model's, where one plays.
        model: Instead of the settings'.

    Raises:
        InputError: There is no such kind.
    """
    if kind not in get_args(SeekerKind):
        raise InputError(f"A seeker is played by {' or by '.join(get_args(SeekerKind))}; not by {kind!r}.")
    if kind == "model":
        played_by = model if model is not None else shared_model(settings)
        about = {"kind": kind, "model": played_by.name}
        made = partial(_Portrayed, played_by, dataset.catalogue, turns, settings)
        return Casting(dataset.catalogue, made, about)
    return Casting(dataset.catalogue, partial(_by_rules, dataset, turns), {"kind": kind})


def _by_rules(dataset: Dataset, turns: int, case: Case) -> Seeker:
    return RuleSeeker(
        dataset.catalogue,
        case.targets,
        opening=case.opening,
        history=case.history,
        item_type=dataset.item_type,
        seed=case.seed,
        patience=turns,
    )


class _Portrayed:
    """A seeker of whom a portrait is drawn from their real words, where there are any, before they open."""

    def __init__(
        self, model: LanguageModel, catalogue: Catalogue, turns: int, settings: Settings, case: Case
    ) -> None:
        self._model, self._catalogue, self._turns, self._case = model, catalogue, turns, case
        self._prompts = settings.prompts
        self._seeker: PortrayedSeeker | None = None

    async def open(self) -> Said:
        """Draw the portrait and return the first turn."""
        case, words = self._case, self._case.words
        portrait = await infer_traits(words, self._model, self._prompts) if words else None
        self._seeker = PortrayedSeeker(
            self._model,
            portrait,
            case.targets,
            self._catalogue,
            seed=case.seed,
            patience=self._turns,
            opening=case.opening,
            prompts=self._prompts,
        )
        return await self._seeker.open()

    async def answer(self, heard: Heard) -> Said:
        """Return what is said to a reply."""
        assert self._seeker is not None
        return await self._seeker.answer(heard)
