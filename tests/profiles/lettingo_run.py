"""A run with profiles to pair, and its alignment on a tiny model."""

from pathlib import Path

from ratings import SMALL, films, wrote

from limner.inference import load_prompt
from limner.profiles.lettingo.align import Alignment, align
from limner.profiles.lettingo.configuration import AlignSettings
from limner.profiles.lettingo.explore import PROFILES
from limner.profiles.lettingo.pairs import Pair
from limner.profiles.lettingo.runs import RunFolder
from limner.profiles.lettingo.split import cases_of
from limner.settings import Settings


def tiny_settings(model: Path, **fields: object) -> AlignSettings:
    known = {
        "model": model,
        "device": "cpu",
        "threads": 1,
        "rank": 2,
        "learning_rate": 0.01,
        "accumulation": 1,
        "epochs": 2.0,
        "max_length": 2048,
        "save_steps": 1,
    }
    return AlignSettings(**{**known, **fields})


def begun(folder: Path) -> tuple[RunFolder, list[Pair]]:
    run = RunFolder(folder)
    with run.held("explore"):
        cases = cases_of(films(), SMALL)
        made = {
            "prompt": "explore",
            "prompt_hash": load_prompt("profiles/lettingo/explore").hash,
            "words": 60,
        }
        identity = {"data": "films", "data_hash": "x", "kind": "film", "split": SMALL.model_dump(mode="json")}
        run.begin(identity, cases, generators={"first": made})
        if not run.read(PROFILES, type(wrote("a"))):
            run.append(
                PROFILES,
                [
                    wrote(case.user, number=n, text=text, part=case.part, history=case.history_hash)
                    for case in cases
                    for n, text in enumerate(("Likes horror films.", "zzzz qqqq"))
                ],
            )
    pairs = [
        Pair(
            user=case.user,
            history=case.history_hash,
            chosen=f"first/{case.user}/0",
            rejected=f"first/{case.user}/1",
            chosen_text="Likes horror films.",
            rejected_text="zzzz qqqq",
            margin=0.1,
        )
        for case in cases
        if case.part == "train"
    ]
    return run, pairs


def aligned(folder: Path, model: Path, *, progress=lambda *told: None, **fields: object) -> Alignment:
    run, pairs = begun(folder)
    return align(run, "aligned", pairs, tiny_settings(model, **fields), Settings(), progress=progress)
