"""Brier score, calibration error, maps fitted on one half, and the sources of claims."""

import json
import math
import re

import numpy as np
import pytest

from limner.errors import InputError
from limner.evals.calibration.claims import Claim, Sample, read_claims, write_claims
from limner.evals.calibration.contrasts import computed_claims
from limner.evals.calibration.fitting import FORMS, applied, chosen_map, fitted_map
from limner.evals.calibration.judging import Verdict, judge
from limner.evals.calibration.measures import (
    brier,
    calibration_error,
    discrimination,
    gain,
    log_loss,
    reliability,
)
from limner.evals.calibration.measuring import calibration
from limner.evals.calibration.page import calibration_page
from limner.evals.calibration.personas import Fact, personas
from limner.evals.calibration.shipping import add_maps
from limner.evals.sources import DataError
from limner.profiles.propositions.recalibration import ConfidenceMap, ConfidenceMaps, read_maps
from limner.testing import scripted_model

STATED = np.array([0.9, 0.8, 0.3, 0.3])
HELD = np.array([1.0, 0.0, 0.0, 1.0])


def made(n=1600, people=40, power=1.0, seed=0):
    """Claims that hold with probability p, and say so with log-odds `power` times those of p."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.5, 0.98, n)
    odds = power * np.log(p / (1 - p))
    stated = 1 / (1 + np.exp(-odds))
    held = (rng.uniform(size=n) < p).astype(float)
    claims = tuple(
        Claim(f"u{i % people}", "stated", "x", f"t{i % 7}", float(stated[i]), float(held[i]))
        for i in range(n)
    )
    return Sample("made", claims, tuple(f"u{i}" for i in range(people)))


def figure(found, name):
    return next(one for one in found.groups[0].figures if one.name == name)


def test_measures_by_hand():
    assert brier(STATED, HELD) == pytest.approx((0.01 + 0.64 + 0.09 + 0.49) / 4)
    # Bins 0.9: |0.9 - 1|; 0.8: |0.8 - 0|; 0.3, two of four: |0.3 - 0.5|.
    assert calibration_error(STATED, HELD) == pytest.approx(0.25 * 0.1 + 0.25 * 0.8 + 0.5 * 0.2)
    assert log_loss(np.array([0.5, 0.25]), np.array([1.0, 1.0])) == pytest.approx(1.5)
    assert gain(np.array([0.5]), np.array([1.0]), np.array([0.25])) == pytest.approx(1.0)
    # Of the four pairs of a held and a failed claim: 0.9 beats both, 0.3 loses to 0.8 and ties with 0.3.
    assert discrimination(STATED, HELD) == pytest.approx(2.5 / 4)
    assert math.isnan(discrimination(STATED, np.ones(4)))
    assert math.isnan(brier(np.array([]), np.array([])))


def test_bins_hold_every_claim_once_and_ends_belong_to_the_upper_bin():
    bins = reliability(np.array([0.0, 0.3, 0.3, 1.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert [(b.low, b.n, b.held) for b in bins] == [(0.0, 1, 0.0), (0.3, 2, 0.5), (0.9, 1, 1.0)]
    assert bins[1].bounds[0] < 0.5 < bins[1].bounds[1]


def test_what_is_calibrated_is_left_as_it_is():
    found = calibration(made())
    assert found.choices["stated"].form == "identity"
    assert figure(found, "calibration error").after < 0.03
    assert figure(found, "Brier score").before == figure(found, "Brier score").after


def test_overconfidence_is_mended_on_people_who_were_not_fitted_on():
    found = calibration(made(power=3))
    error, score = figure(found, "calibration error"), figure(found, "Brier score")
    assert error.before > 0.1 > 0.04 > error.after
    assert score.change_interval[1] < 0
    assert found.maps.kinds["stated"](27 / 28) == pytest.approx(3 / 4, abs=0.06)  # a third of the log-odds
    assert found.maps.kinds["stated"].fitted.claims == found.fitted_on


@pytest.mark.parametrize("form", FORMS)
def test_every_form_rises(form):
    sample = made(600, power=2)
    stated = np.array([c.probability for c in sample.claims])
    held = np.array([c.held for c in sample.claims])
    grid = applied(fitted_map(stated, held, form), np.linspace(0, 1, 201))
    assert (np.diff(grid) >= 0).all()
    assert ((grid >= 0) & (grid <= 1)).all()
    if form in ("logistic", "beta"):
        assert (np.diff(grid) > 0).all()


def test_claims_that_always_fail_the_surer_they_are_are_not_turned_round():
    stated, held = np.linspace(0.5, 0.99, 400), np.linspace(1, 0, 400).round()
    for form in FORMS:
        assert (np.diff(applied(fitted_map(stated, held, form), stated)) >= 0).all()


def test_a_few_claims_are_not_fitted_on():
    stated = np.full(50, 0.9)
    choice = chosen_map(stated, np.tile([1.0, 0.0], 25), [str(i) for i in range(50)])
    assert (choice.form, choice.losses) == ("identity", {})


def test_with_few_people_the_claims_are_halved_and_it_is_said():
    found = calibration(made(300, people=3))
    assert "only 3 people" in found.halved
    assert found.fitted_on == found.tested_on == 150


def test_a_claim_that_says_the_same_of_everybody_gains_nothing():
    rng = np.random.default_rng(1)
    users = [f"u{i}" for i in range(200)]
    truth = {user: float(rng.uniform() < 0.8) for user in users}
    claims = tuple(Claim(user, "rating", "x", "rating/+/genre/Drama", 0.8, truth[user]) for user in users)
    found = calibration(Sample("safe", claims, tuple(users), truths={"rating/+/genre/Drama": truth}))
    assert abs(found.groups[0].gain_before) < 0.03
    assert found.coverage.topics == found.coverage.effective_topics == 1
    assert found.safe.topic == "rating/+/genre/Drama"


def test_nothing_judged_is_an_error_that_says_so():
    claim = Claim("ada", "stated", "x", "", 0.8, None)
    with pytest.raises(InputError, match="None of the 1 claims"):
        calibration(Sample("x", (claim,), ("ada",)))


def test_kept_claims_come_back(tmp_path):
    sample = made(20, people=2)
    write_claims(sample, tmp_path / "claims.jsonl")
    assert read_claims([tmp_path / "claims.jsonl"]).claims == sample.claims


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[]", "an object is expected"),
        ('{"user": "a", "kind": "guess", "text": "x", "probability": 0.5}', "one of rating"),
        ('{"user": "a", "kind": "stated", "text": "x", "probability": 1.5}', "'probability'.*from 0 to 1"),
        ('{"user": "a", "kind": "stated", "text": "x"}', "'probability'"),
        ("nonsense", "not JSON"),
    ],
)
def test_a_line_that_is_no_claim_is_named(tmp_path, line, says):
    path = tmp_path / "claims.jsonl"
    path.write_text(line)
    with pytest.raises(DataError, match=says):
        read_claims([path])


def test_fitted_maps_join_those_of_other_kinds(tmp_path):
    path = tmp_path / "maps.json"
    add_maps(ConfidenceMaps(kinds={"rating": ConfidenceMap(form="beta", a=0.5)}), path)
    add_maps(ConfidenceMaps(kinds={"stated": ConfidenceMap()}), path)
    assert set(read_maps(path).kinds) == {"rating", "stated"}
    path.write_text("mine")
    with pytest.raises(Exception, match="cannot be used"):
        add_maps(ConfidenceMaps(), path)
    assert path.read_text() == "mine"


def ratings(folder, people=24, turns=False):
    """People who love horror and not comedy in the first half; with `turns`, the other way round in the second."""
    items = ["item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"]
    items += [f"{i}\tFilm {i}\t{1980 + i % 2}\t{'Horror' if i % 2 else 'Comedy'}" for i in range(40)]
    rows = ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
    for person in range(people):
        for i in range(40):
            loved = (i % 2 == 1) != (turns and i >= 20)
            value = (5 if loved else 1) if (i + person) % 5 else 3
            rows.append(f"p{person}\t{i}\t{value}\t{100 + i}")
    (folder / "ml-100k.item").write_text("\n".join(items) + "\n")
    (folder / "ml-100k.inter").write_text("\n".join(rows) + "\n")
    return str(folder)


def test_contrasts_are_judged_by_later_ratings_alone(tmp_path):
    sample = computed_claims(ratings(tmp_path))
    horror = [c for c in sample.claims if c.topic == "rating/+/genre/Horror"]
    assert len(horror) == 24
    assert {c.held for c in horror} == {1.0}
    assert all(c.if_true > 0.9 and c.if_true > c.if_false for c in horror)
    assert sample.truths["rating/-/genre/Horror"]["p0"] == 0.0
    assert sample.covered == sample.coverable == 24 * 20


def test_a_taste_that_turns_round_makes_the_claims_fail(tmp_path):
    sample = computed_claims(ratings(tmp_path, turns=True))
    assert {c.held for c in sample.claims if c.kind == "rating" and "genre" in c.topic} == {0.0}


def test_too_few_later_ratings_are_not_judged_by(tmp_path):
    sample = computed_claims(ratings(tmp_path), limit=3, least=11)
    assert len(sample.users) == 3
    assert not [c for c in sample.judged if c.kind == "rating"]
    assert sample.counted["claim with too few later ratings to judge it"] == len(sample.claims)


def test_the_page_holds_figures_diagram_and_no_markup_of_others(tmp_path):
    claims = [Claim("<b>", "stated", "x", "t", 0.9, float(i % 2)) for i in range(40)]
    page = calibration_page(calibration(Sample("<script>", tuple(claims), ("<b>",))))
    assert "Brier score" in page
    assert "<svg" in page
    assert "<script>" not in page


def context(folder, messages):
    (folder / "shared_contexts_32k.jsonl").write_text(json.dumps({"abc": messages}) + "\n")
    return str(folder)


def test_the_system_message_holds_the_facts_of_personamem(tmp_path):
    data = context(
        tmp_path,
        [
            {
                "role": "system",
                "content": "Current user persona: Name: Ines\n\nInes is a baker. She likes tea.",
            },
            {"role": "user", "content": "User: I have baked bread since I was ten years old."},
            {"role": "assistant", "content": "Assistant: Lovely to hear that, tell me about it."},
            {"role": "user", "content": "User: Thanks!"},
        ],
    )
    (person,) = personas("personamem", data).people
    assert [fact.text for fact in person.facts] == ["Name: Ines", "Ines is a baker.", "She likes tea."]
    assert [said.text for said in person.said] == ["I have baked bread since I was ten years old."]


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([{"role": "user", "content": "hello"}], "no system message"),
        ([{"content": "hello"}], "'role'"),
        ("hello", "a list is expected"),
    ],
)
def test_a_context_that_is_none_is_named(tmp_path, messages, says):
    with pytest.raises(DataError, match=says):
        personas("personamem", context(tmp_path, messages))


def test_missing_files_say_where_to_get_them(tmp_path):
    with pytest.raises(DataError, match="huggingface"):
        personas("personamem", str(tmp_path))
    with pytest.raises(DataError, match="personabench"):
        personas("personabench", str(tmp_path / "none"))
    with pytest.raises(InputError, match="no source of people"):
        personas("lamp", str(tmp_path))


class Words:
    """An encoder to whom texts are near that share words."""

    def encode_documents(self, texts):
        names = sorted({word for text in texts for word in WORD.findall(text)} | set(VOCABULARY))
        assert names == sorted(VOCABULARY)
        rows = np.array([[word in WORD.findall(text) for word in names] for text in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1)


WORD = re.compile(r"\w+")
FACTS = [Fact("f1", "drinks tea"), Fact("f2", "plays cello")]
NOTES = ["drinks tea daily", "hates tea drinks", "saw snow"]
VOCABULARY = sorted({word for text in [*NOTES, *(f.text for f in FACTS)] for word in WORD.findall(text)})


async def test_what_no_fact_settles_is_not_judged_and_what_is_far_from_all_is_not_asked_about():
    model = scripted_model(lambda messages: "wrong" if "hates" in messages[-1].text else "right")
    verdicts = await judge(NOTES, FACTS, model, Words())
    assert [(v.held, v.fact) for v in verdicts] == [(1.0, "f1"), (0.0, "f1"), (None, "")]
    assert len(model.chat.asked) == 2
    assert await judge(NOTES, [], model, Words()) == [Verdict(None)] * 3


async def test_a_judge_who_leaves_it_open_judges_nothing():
    verdicts = await judge(NOTES[:1], FACTS, scripted_model(lambda messages: "open"), Words())
    assert verdicts == [Verdict(None)]
