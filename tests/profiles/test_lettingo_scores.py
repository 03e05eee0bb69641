import numpy as np
import pytest
from ratings import SMALL, films, wrote

from limner.errors import InputError, MalformedOutput, ModelUnavailable
from limner.profiles.lettingo.calibration import Link, losses, within_auc
from limner.profiles.lettingo.evaluate import JUDGEMENTS, Score, ajudge, model_scores, text_scores
from limner.profiles.lettingo.explore import PROFILES
from limner.profiles.lettingo.judge import LanguageModelJudge
from limner.profiles.lettingo.pairs import margin_pairs
from limner.profiles.lettingo.runs import Judgement, RunFolder
from limner.profiles.lettingo.split import cases_of
from limner.profiles.lettingo.text_recommender import TextFeatures
from limner.testing import HashEncoder, scripted_model


class Oracle:
    """Knows the answers as far as a profile says `oracle`; is fond of saying yes."""

    name = "oracle"

    def __init__(self) -> None:
        self.asked = []

    async def judge(self, case, view, profile=""):
        self.asked.append((case.user, view, profile))
        if "broken" in profile:
            raise MalformedOutput("no", "raw")
        if "down" in profile:
            raise ModelUnavailable("gone")
        sure = 2.0 if "oracle" in profile else 0.0
        return tuple(5.0 + (sure if target.liked else -sure) for target in case.targets)


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path / "run")
    with folder.held("explore"):
        cases = cases_of(films(), SMALL)
        folder.begin({"data": "films", "kind": "film"}, cases, generators={"first": {}, "second": {}})
        for case in cases:
            known = {"part": case.part, "history": case.history_hash}
            folder.append(
                PROFILES,
                [
                    wrote(case.user, "first", 0, "oracle", **known),
                    wrote(case.user, "first", 1, "who knows", **known),
                    wrote(case.user, "second", 0, None, error="the model wrote nothing", **known),
                ],
            )
    return folder


async def test_a_profile_that_tells_more_costs_less_and_fondness_of_yes_is_calibrated_away(run) -> None:
    assert await ajudge(run, Oracle()) == 0
    scores = model_scores(run, "oracle", ["test"])
    cost = {one.profile.split("/")[2] if one.profile else one.view: one for one in scores if not one.failed}
    assert cost["0"].loss < 0.3
    assert cost["0"].auc == 1.0
    assert cost["recent"].loss == pytest.approx(np.log(2), abs=1e-6)
    assert cost["1"].loss > cost["0"].loss
    failed = [one for one in scores if one.failed]
    assert {one.generator for one in failed} == {"second"}
    assert all(one.loss == pytest.approx(np.log(2), abs=1e-6) for one in failed)
    assert {one.part for one in scores} == {"test"}


async def test_what_was_judged_is_not_judged_again(run) -> None:
    first, second = Oracle(), Oracle()
    await ajudge(run, first, views=["recent"])
    await ajudge(run, second)
    assert {view for _, view, _ in second.asked} == {"history", "profile"}
    third = Oracle()
    await ajudge(run, third)
    assert third.asked == []


async def test_a_judgement_that_fails_is_a_row_and_is_tried_again(run) -> None:
    user = next(case.user for case in run.cases() if case.part == "train")
    run.append(PROFILES, [wrote(user, "third", 0, "broken")])
    assert await ajudge(run, Oracle(), views=["profile"]) == 1
    rows = run.read(JUDGEMENTS, Judgement)
    assert [row.error for row in rows if row.log_odds is None] == ["no"]
    again = Oracle()
    assert await ajudge(run, again, views=["profile"]) == 1
    assert len(again.asked) == 1


async def test_an_endpoint_that_is_down_stops_the_run_and_keeps_what_was_judged(run) -> None:
    user = next(case.user for case in run.cases() if case.part == "test")
    run.append(PROFILES, [wrote(user, "third", 0, "down", part="test")])
    with pytest.raises(ModelUnavailable):
        await ajudge(run, Oracle(), concurrency=1)
    assert len(run.read(JUDGEMENTS, Judgement)) > 5


async def test_nothing_judged_of_train_users_is_an_error(run) -> None:
    await ajudge(run, Oracle(), parts=["test"])
    with pytest.raises(InputError, match="fitted on the train users"):
        model_scores(run, "oracle")
    with pytest.raises(InputError, match="no judgements by nobody"):
        model_scores(run, "nobody")


def test_the_test_users_are_not_fitted_to(run) -> None:
    dataset, cases = films(), run.cases()
    features = TextFeatures(HashEncoder(), dataset, cases)
    before = text_scores(run, features, ["train"])
    liked = next(case for case in cases if case.part == "test")
    turned = liked.model_copy(
        update={"targets": tuple(t.model_copy(update={"liked": not t.liked}) for t in liked.targets)}
    )
    run.write_all("cases.jsonl", [turned if case.user == liked.user else case for case in cases])
    assert text_scores(run, features, ["train"]) == before


async def test_a_model_without_log_probabilities_cannot_judge() -> None:
    case = cases_of(films(), SMALL)[0]
    judge = LanguageModelJudge(scripted_model(lambda _: "yes"), "film")
    with pytest.raises(MalformedOutput, match="gives no log-probabilities"):
        await judge.judge(case, "recent")


def test_a_link_fits_bias_and_slope() -> None:
    x = np.linspace(-3, 3, 400)[:, None] + 10
    liked = np.random.default_rng(0).random(400) < 1 / (1 + np.exp(-2 * (x[:, 0] - 10)))
    p = Link.fit(x, liked).probabilities(x)
    assert abs(p.mean() - liked.mean()) < 0.01
    assert losses(p, liked).mean() < 0.45
    with pytest.raises(ValueError, match="Both liked"):
        Link.fit(x, np.ones(400, dtype=bool))


def test_a_judge_is_never_turned_round() -> None:
    x = np.array([[2.0], [1.0], [-1.0], [-2.0]])
    liked = np.array([False, False, True, True])
    assert Link.fit(x, liked, upright=True).probabilities(x) == pytest.approx(0.5)
    assert Link.fit(x, liked).probabilities(x)[0] < 0.4


def test_a_tie_counts_half() -> None:
    assert within_auc(np.array([1.0, 1.0]), [True, False]) == 0.5
    assert within_auc(np.array([2.0, 1.0]), [True, False]) == 1.0


def score(profile, loss, user="ada"):
    return Score(judge="model", user=user, part="train", view="profile", profile=profile, loss=loss, auc=0.5)


def test_pairs_have_a_margin_and_one_history() -> None:
    profiles = [
        wrote("ada", number=n, text=f"text {n}", history="new" if n == 3 else "old") for n in range(5)
    ]
    scores = [score(one.id, loss) for one, loss in zip(profiles, (0.4, 0.5, 0.69, 0.1, 0.7), strict=True)]
    pairs = margin_pairs(scores, profiles, margin=0.15, per_user=9)
    assert [(pair.chosen[-1], pair.rejected[-1]) for pair in pairs] == [
        ("0", "4"),
        ("0", "2"),
        ("1", "4"),
        ("1", "2"),
    ]
    assert [round(pair.margin, 2) for pair in pairs] == [0.3, 0.29, 0.2, 0.19]
    assert all(pair.history == "old" for pair in pairs)
    assert len(margin_pairs(scores, profiles, margin=0.15, per_user=2)) == 2


def test_failed_unscored_and_equal_profiles_are_in_no_pair() -> None:
    profiles = [
        wrote("ada", number=0, text="a"),
        wrote("ada", number=1, text="a"),
        wrote("ada", number=2, text=None),
    ]
    scores = [score(one.id, 0.3 * n) for n, one in enumerate(profiles)]
    assert margin_pairs(scores, profiles, margin=0.1, per_user=9) == []
    assert margin_pairs(scores[:1], profiles, margin=0.0, per_user=9) == []
