"""The second stage as a whole: judge, score, compare, and write down what came out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from limner.errors import InputError
from limner.evals.lettingo.report import Report, in_markdown, reported
from limner.inference import LanguageModel
from limner.inference.encoder import encoder
from limner.profiles.lettingo.card import write_card
from limner.profiles.lettingo.configuration import AlignSettings
from limner.profiles.lettingo.evaluate import Score, ajudge, model_scores, text_scores, written
from limner.profiles.lettingo.explore import Progress
from limner.profiles.lettingo.judge import LanguageModelJudge, View
from limner.profiles.lettingo.pairs import Pair, margin_pairs
from limner.profiles.lettingo.runs import RunFolder
from limner.profiles.lettingo.split import data_hash
from limner.profiles.lettingo.text_recommender import TextFeatures
from limner.settings import Settings
from limner.tools.datasets import load_dataset

__all__ = ["Judges", "aevaluate", "pairs_of", "report_of"]

Judges = Literal["model", "text", "both"]
VIEWS: tuple[View, ...] = ("recent", "history", "profile")


def _silent(stage: str, done: int, total: int) -> None:
    """Take no notice."""


async def aevaluate(
    run: RunFolder,
    model: LanguageModel,
    settings: Settings,
    *,
    parts: Sequence[str] = ("train", "test"),
    views: Sequence[View] = VIEWS,
    concurrency: int = 4,
    progress: Progress = _silent,
) -> int:
    """Let the language model judge what it has not judged yet; return how many judgements failed.

    Raises:
        ModelUnavailable: The endpoint stays down; what was judged is kept.
        StoreError: Another process judges in the folder.
    """
    return await ajudge(
        run,
        _judge(run, model, settings),
        parts=parts,
        views=views,
        concurrency=concurrency,
        progress=progress,
    )


def report_of(
    run: RunFolder,
    settings: Settings,
    *,
    judges: Judges = "both",
    model: LanguageModel | None = None,
    part: str = "test",
    pairs: Sequence[tuple[str, str]] = (),
) -> Report:
    """Compare the profiles of the users of one part, and write it into `evaluation.json` and into the adapters' cards.

    Both judges are fitted on the `train` users, so only `test` users tell anything.

    Args:
        run: What was explored and, for the judge `model`, judged.
        settings: Where encoder and data are.
        judges: Whose scores.
        model: The judge; needed for `model`, and not asked.
        part: Whose users.
        pairs: Names of generators to compare besides; an aligned generator and the one it came from always are.

    Raises:
        InputError: Nothing was judged, or the data has changed since.
    """
    scores = _scores(run, settings, judges, model, (part,))
    manifest = run.manifest
    known = [*pairs, *_aligned(run)]
    report = reported(scores, pairs=list(dict.fromkeys(known)))
    notes = {
        "identity": manifest["identity"],
        "generators": manifest["generators"],
        "part": part,
        "judge": None if model is None else _judge(run, model, settings).name,
        "encoder": settings.encoder,
    }
    report = report.model_copy(update={"notes": notes})
    run.write_json("evaluation.json", report.model_dump(mode="json"))
    for folder in _alignments(run):
        recipe = json.loads((folder / "recipe.json").read_text("utf-8"))
        training = json.loads((folder / "adapter" / "training.json").read_text("utf-8"))
        write_card(folder / "adapter", recipe, training, in_markdown(report))
    return report


def pairs_of(
    run: RunFolder, settings: Settings, wanted: AlignSettings, model: LanguageModel | None
) -> list[Pair]:
    """Return the margin pairs of the `train` users.

    Args:
        run: What was explored and judged.
        settings: Where encoder and data are.
        wanted: Which judge orders them, the margin, and how many.
        model: The judge, for `model`; it is not asked.

    Raises:
        InputError: Nothing was judged.
    """
    scores = _scores(run, settings, wanted.judge, model, ("train",))
    return margin_pairs(scores, written(run, ["train"]), margin=wanted.margin, per_user=wanted.pairs_per_user)


def _judge(run: RunFolder, model: LanguageModel, settings: Settings) -> LanguageModelJudge:
    return LanguageModelJudge(model, run.manifest["identity"]["kind"], settings.prompts)


def _scores(
    run: RunFolder, settings: Settings, judges: Judges, model: LanguageModel | None, parts: Sequence[str]
) -> list[Score]:
    scores: list[Score] = []
    if judges in ("model", "both"):
        if model is None:
            raise InputError("The judge `model` is a language model; name one.")
        scores += model_scores(run, _judge(run, model, settings).name, parts)
    if judges in ("text", "both"):
        identity = run.manifest["identity"]
        dataset = load_dataset(identity["data"], settings)
        if data_hash(dataset) != identity["data_hash"]:
            raise InputError(f"{identity['data']} is not what it was when {run.path} was begun.")
        scores += text_scores(run, TextFeatures(encoder(settings), dataset, run.cases()), parts)
    return scores


def _alignments(run: RunFolder) -> list[Path]:
    return [path.parent.parent for path in sorted(run.path.glob("align/*/adapter/training.json"))]


def _aligned(run: RunFolder) -> list[tuple[str, str]]:
    """Return generators that have an adapter of this run, each with the generator that it came from."""
    found = []
    for folder in _alignments(run):
        base = json.loads((folder / "recipe.json").read_text("utf-8"))["generator"]
        for name, made in run.manifest["generators"].items():
            if made.get("adapter") and Path(made["adapter"]).resolve() == (folder / "adapter").resolve():
                found.append((name, base))
    return found
