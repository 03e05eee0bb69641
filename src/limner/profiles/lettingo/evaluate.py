"""Evaluate: score each profile by the log-loss of a recommender that reads it (Wang et al. 2025, §3.2).

The paper labels a profile right or wrong by one prediction of one item. Here a profile is scored by its mean log-loss over
several items, of which half are negatives, under two recommenders that have nothing in common.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError, ModelError, ModelUnavailable
from limner.inference.together import together
from limner.memory.records import Record
from limner.profiles.lettingo.calibration import Link, losses, within_auc
from limner.profiles.lettingo.explore import PROFILES, Progress, latest
from limner.profiles.lettingo.judge import LanguageModelJudge, View
from limner.profiles.lettingo.runs import Judgement, RunFolder, WrittenProfile
from limner.profiles.lettingo.split import Case
from limner.profiles.lettingo.text_recommender import TextFeatures

__all__ = ["JUDGEMENTS", "Score", "ajudge", "model_scores", "text_scores", "written"]

JUDGEMENTS = "judgements.jsonl"

Floats = NDArray[np.float64]
Features = Mapping[tuple[str, str, str], Floats]
"""What a judge says, by user, view and profile: shape `(targets, features of the view)`."""


class Score(Record):
    """How well the targets of one user are told apart, given one view of the user."""

    judge: str
    """`model` or `text`."""
    user: str
    part: str
    view: str
    generator: str = ""
    profile: str = ""
    loss: float
    """Mean log-loss over the targets, in nats; log 2 = 0.693 is what knowing nothing costs."""
    auc: float
    """How often a liked target stands above another."""
    failed: bool = False
    """Whether there is no such profile; it then counts what no profile would."""


def _silent(stage: str, done: int, total: int) -> None:
    """Take no notice."""


def written(run: RunFolder, parts: Sequence[str] | None = None) -> list[WrittenProfile]:
    """Return the last try of each profile, of the users in some parts."""
    rows = latest(run.read(PROFILES, WrittenProfile)).values()
    return [row for row in rows if parts is None or row.part in parts]


async def ajudge(
    run: RunFolder,
    judge: LanguageModelJudge,
    *,
    parts: Sequence[str] = ("train", "test"),
    views: Sequence[View] = ("recent", "history", "profile"),
    concurrency: int = 4,
    progress: Progress = _silent,
) -> int:
    """Let a language model judge every profile and the references; what was judged already is not asked again.

    May be killed: whole judgements are kept, and the next call goes on.

    Args:
        run: An exploration.
        judge: Whom to ask.
        parts: Whose profiles.
        views: What it is shown; all but `profile` are references.
        concurrency: Users at a time; the items of one are asked one after the other, for the sake of the prefix cache.
        progress: Told after each judgement.

    Returns:
        How many judgements failed, of this judge; each is a row with its reason.

    Raises:
        ModelUnavailable: The endpoint stays down; what was judged is kept.
        StoreError: Another process judges in the folder.
    """
    with run.held("evaluate"):
        cases = {case.user: case for case in run.cases() if case.part in parts}
        there = {row.key: row for row in run.read(JUDGEMENTS, Judgement)}
        wanted: list[tuple[Case, View, str, str]] = [
            (case, view, "", "") for view in views if view != "profile" for case in cases.values()
        ]
        if "profile" in views:
            profiles = written(run, parts)
            wanted += [(cases[p.user], "profile", p.id, p.text) for p in profiles if p.text is not None]
        name = judge.name
        todo = [
            one
            for one in wanted
            if (row := there.get((name, one[0].user, one[1], one[2]))) is None or row.log_odds is None
        ]
        finished = failed = 0

        async def one_of_them(case: Case, view: View, profile: str, text: str) -> None:
            nonlocal finished, failed
            row = Judgement(judge=name, user=case.user, view=view, profile=profile)
            try:
                row = row.model_copy(update={"log_odds": await judge.judge(case, view, text)})
            except ModelUnavailable:
                raise
            except ModelError as error:
                row = row.model_copy(update={"error": str(error)})
                failed += 1
            run.append(JUDGEMENTS, [row])
            finished += 1
            progress("judge", finished, len(todo))

        progress("judge", 0, len(todo))
        await together((partial(one_of_them, *one) for one in todo), at_once=concurrency)
    return failed


def model_scores(run: RunFolder, judge: str, parts: Sequence[str] = ("train", "test")) -> list[Score]:
    """Score what a language model judged, its log-odds calibrated on the `train` users.

    Args:
        run: What was judged.
        judge: `LanguageModelJudge.name`.
        parts: Whose scores.

    Raises:
        InputError: Nothing was judged by this model, or nothing of the `train` users.
    """
    rows = [row for row in run.read(JUDGEMENTS, Judgement) if row.judge == judge and row.log_odds is not None]
    if not rows:
        raise InputError(f"{run.path} has no judgements by {judge}; `limner lettingo evaluate` makes them.")
    said = {
        (row.user, row.view, row.profile): np.array(row.log_odds, dtype=np.float64)[:, None] for row in rows
    }
    return _scores("model", run.cases(), written(run), said, parts)


def text_scores(
    run: RunFolder, features: TextFeatures, parts: Sequence[str] = ("train", "test")
) -> list[Score]:
    """Score by the text recommender, its link fitted on the `train` users.

    Args:
        run: An exploration.
        features: Made of all users of the run.
        parts: Whose scores.

    Raises:
        InputError: There are no `train` users.
    """
    cases = run.cases()
    by_user = {case.user: case for case in cases}
    profiles = [one for one in written(run) if one.text is not None]
    features.read([one.text for one in profiles if one.text is not None])
    views: tuple[View, ...] = ("nothing", "recent", "history")
    said: dict[tuple[str, str, str], Floats] = {
        (case.user, view, ""): features.of(case, view)
        for case in cases
        for view in views
        if case.part in ("train", *parts)
    }
    for one in profiles:
        if one.part in ("train", *parts) and one.text is not None:
            said[one.user, "profile", one.id] = features.of(by_user[one.user], "profile", one.text)
    return _scores("text", cases, written(run), said, parts)


def _scores(
    judge: str,
    cases: Sequence[Case],
    profiles: Sequence[WrittenProfile],
    said: Features,
    parts: Sequence[str],
) -> list[Score]:
    links = _links(judge, cases, said)
    generators = {one.id: one.generator for one in profiles}
    by_user = {case.user: case for case in cases}
    found = []
    for (user, view, profile), features in said.items():
        case = by_user[user]
        if case.part in parts and view in links:
            found.append(
                _score(judge, case, links[view].probabilities(features)).model_copy(
                    update={"view": view, "profile": profile, "generator": generators.get(profile, "")}
                )
            )
    return [*found, *_failures(judge, by_user, profiles, found, parts)]


def _failures(
    judge: str,
    by_user: Mapping[str, Case],
    profiles: Sequence[WrittenProfile],
    found: Sequence[Score],
    parts: Sequence[str],
) -> Iterable[Score]:
    """Count a profile that could not be written as what there is without one."""
    without = {score.user: score for score in found if score.view == "recent"}
    for one in profiles:
        if one.text is None and one.part in parts and one.user in without:
            known = {"view": "profile", "generator": one.generator, "profile": one.id, "failed": True}
            yield without[one.user].model_copy(update=known)


def _links(judge: str, cases: Sequence[Case], said: Features) -> dict[str, Link]:
    """Fit one link for each view, on the `train` users alone."""
    train = {case.user: case for case in cases if case.part == "train"}
    rows_of = {}
    for view in sorted({view for _, view, _ in said}):
        rows = [(train[user], x) for (user, v, _), x in said.items() if v == view and user in train]
        if not rows:
            raise InputError(
                f"The judge `{judge}` is fitted on the train users, and none of them has been judged with the view {view}: "
                f"explore and evaluate them too."
            )
        liked = np.array([target.liked for case, _ in rows for target in case.targets])
        rows_of[view] = np.concatenate([x for _, x in rows]), liked
    if judge == "text":
        return {view: Link.fit(features, liked) for view, (features, liked) in rows_of.items()}
    return _one_slope(rows_of)


def _one_slope(rows_of: Mapping[str, tuple[Floats, NDArray[np.bool_]]]) -> dict[str, Link]:
    """Fit a language model's one slope on all views alike, and to each view a bias of its own.

    How sharp its answers are is a matter of the model; with a slope for each view, of which some have few rows, chance would
    decide which view is believed, and even which way round.
    """
    centred = {view: x - x.mean(axis=0) for view, (x, _) in rows_of.items()}
    liked = np.concatenate([kind for _, kind in rows_of.values()])
    most = max(len(x) for x in centred.values())
    counts = np.concatenate([np.full(len(x), most / len(x)) for x in centred.values()])
    link = Link.fit(np.concatenate([*centred.values()]), liked, counts=counts, upright=True)
    return {view: replace(link, centre=tuple(x.mean(axis=0).tolist())) for view, (x, _) in rows_of.items()}


def _score(judge: str, case: Case, probabilities: Floats) -> Score:
    liked = [target.liked for target in case.targets]
    return Score(
        judge=judge,
        user=case.user,
        part=case.part,
        view="",
        loss=float(losses(probabilities, liked).mean()),
        auc=within_auc(probabilities, liked),
    )
