"""A whole run: who is asked, what it hangs on, and the table that comes of it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from limner import __version__
from limner.agents.fusion import Weights
from limner.errors import InputError
from limner.evals.engine import shared_model
from limner.evals.fingerprints import data_hash, run_key
from limner.evals.ranking.evaluation import PROTOCOL
from limner.evals.ranking.split import parted
from limner.evals.toolrec.cases import Case, Half, cases, drawn
from limner.evals.toolrec.portraits import Portraits
from limner.evals.toolrec.rows import Rows
from limner.evals.toolrec.running import Kept, run
from limner.evals.toolrec.stating import ToolrecReport, stated
from limner.inference import LanguageModel, load_prompt
from limner.settings import Settings
from limner.tools import Dataset, Recommender
from limner.tools.recommenders.discovery import recommender

__all__ = ["reported"]

_PROMPTS = ("agents/wish", "agents/lead", "agents/decide", "agents/fit")


async def reported(
    dataset: Dataset,
    *,
    rows: Sequence[str],
    half: Half,
    users: int | None,
    limit: int | None,
    seed: int,
    folder: Path,
    settings: Settings,
    model: LanguageModel | None = None,
    names: Sequence[str] | None = None,
    at_once: int = 12,
    ask: bool = True,
    tell: Callable[[str], None] = lambda line: None,
) -> ToolrecReport:
    """Ask what was not asked before, and state everything that is kept.

    Args:
        dataset: To recommend from; interactions with items that its catalogue does not have are left out.
        rows: Which; see `rows.ROWS`.
        half: Of the users.
        users: How many are drawn from it; none are all.
        limit: Ask at most so many of those drawn, the first ones: to begin with, or to try.
        seed: Of the draw and of the requests.
        folder: Where everything is kept; runs that differ in data, model, seed, recommenders, weights of the loop, prompts or version each have a folder in it.
        settings: Model, encoder and recommenders.
        model: Instead of the settings' own.
        names: Recommenders instead of the settings', the base first.
        at_once: Users side by side.
        ask: Whether to ask at all, or only to state what is kept.
        tell: Told how far it is.

    Raises:
        InputError: There is no such half or row, the half has fewer users, or no user has three interactions.
        ModelUnavailable: The endpoint is down; the same command goes on.
    """
    split = parted(dataset)
    dataset = replace(dataset, interactions=dataset.interactions.only_items(dataset.catalogue.ids))
    chosen = drawn(list(split.test), half, users, seed)[:limit]
    asked = cases(dataset, split, chosen, seed)
    model = model or shared_model(settings)
    names = list(names or settings.recommenders)
    about = {
        "protocol": PROTOCOL,
        "data": data_hash(dataset),
        "model": model.name,
        "seed": seed,
        "half": half,
        "recommenders": names,
        "settings": {name: getattr(recommender(name), "settings", {}) for name in names},
        "weights": asdict(Weights()),
        "version": __version__,
        "prompts": {name: load_prompt(name, settings.prompts).hash for name in _PROMPTS},
    }
    own = folder / run_key(about)
    kept = Kept(own)
    (own / "run.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    training = replace(dataset, interactions=split.training)
    if ask:
        fitted = [recommender(name).fit(split.training, dataset.catalogue) for name in names]
        await _asked(training, fitted, rows, asked, kept, folder, model, settings, at_once, tell)
    return stated(about, rows, asked, kept, dataset, users)


async def _asked(
    training: Dataset,
    fitted: Sequence[Recommender],
    rows: Sequence[str],
    asked: Sequence[Case],
    kept: Kept,
    folder: Path,
    model: LanguageModel,
    settings: Settings,
    at_once: int,
    tell: Callable[[str], None],
) -> None:
    portraits = Portraits(folder / f"portraits-{data_hash(training)}", training, settings)
    try:
        await portraits.draw(asked, tell)
        table = Rows(training.catalogue, fitted, model, portraits, item_type=training.item_type)
        if asked and not table.order_known(asked[0]):
            raise InputError(f"{folder}: the portraits are of other histories; use another folder.")
        await run(table, rows, asked, kept, at_once=at_once, tell=tell)
    finally:
        portraits.close()
