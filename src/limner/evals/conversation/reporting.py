"""A whole run: who talks to which systems, what it hangs on, and the table that comes of it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner import __version__
from limner.evals.conversation.cases import Cases, load_cases
from limner.evals.conversation.casting import SeekerKind, casting
from limner.evals.conversation.measuring import ConversationReport, stated
from limner.evals.conversation.registry import opened
from limner.evals.conversation.running import Kept, run
from limner.evals.fingerprints import code_hash, data_hash, run_key
from limner.evals.toolrec.cases import Half
from limner.inference import LanguageModel
from limner.settings import Settings
from limner.tools.recommenders.discovery import recommender

__all__ = ["Run", "reported"]

_CODE = ("limner.agents", "limner.evals.conversation")
"""What decides what is said."""


@dataclass(frozen=True)
class Run:
    """A run, and everything that was said in it."""

    report: ConversationReport
    kept: Kept
    cases: Cases


async def reported(
    data: str,
    *,
    systems: Sequence[str],
    seeker: SeekerKind = "rules",
    half: Half,
    conversations: int | None,
    turns: int = 5,
    show: int = 10,
    seed: int = 0,
    folder: Path,
    settings: Settings,
    model: LanguageModel | None = None,
    at_once: int = 4,
    ask: bool = True,
    tell: Callable[[str], None] = lambda line: None,
) -> Run:
    """Have the conversations that were not had before, and state everything that is kept.

    Args:
        data: See `cases.load_cases`.
        systems: See `registry.SYSTEMS`.
        seeker: Who talks to them.
        half: Of the people.
        conversations: How many with each system; none is all of the half.
        turns: Of a system in one conversation.
        show: Items that a turn may show.
        seed: Of everything that is drawn.
        folder: Where everything is kept; runs that differ in data, seed, seekers, recommenders, model or code each have a folder in it.
        settings: Recommenders, and the model of the seeker.
        model: Of the seeker, instead of the settings'.
        at_once: Conversations side by side.
        ask: Whether to talk at all, or only to state what is kept.
        tell: Told how far it is.

    Raises:
        InputError: There is no such half or system, or too few conversations.
        ModelUnavailable: The endpoint is down; the same command goes on.
    """
    cases = load_cases(data, half, conversations, seed, settings)
    cast = casting(seeker, cases.dataset, turns, settings, model)
    names = list(settings.recommenders)
    about: dict[str, Any] = {
        "protocol": cases.protocol,
        "dataset": cases.dataset.name,
        "data": data_hash(cases.dataset),
        "half": half,
        "seed": seed,
        "seeker": cast.about,
        "turns": turns,
        "show": show,
        "recommenders": {name: getattr(recommender(name), "settings", {}) for name in names},
        "version": __version__,
        "code": code_hash(_CODE),
    }
    own = folder / run_key(about)
    kept = Kept(own)
    (own / "run.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    if ask:
        async with opened(systems, cases.dataset, show, seed, settings) as talkers:
            await run(
                talkers,
                cases.cases,
                cast,
                cases.dataset.catalogue,
                kept,
                turns=turns,
                at_once=at_once,
                tell=tell,
            )
    wanted = {**about, "cases": [case.id for case in cases.cases], "left_out": cases.left_out}
    return Run(stated(wanted, systems, kept.played, str(own)), kept, cases)
