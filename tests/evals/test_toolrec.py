"""The recommending agent's benchmark, on the made films and with scripted models."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from answering import Answers
from contracts.recommender_data import catalogue, interactions
from limner.agents.fusion import Weights
from limner.errors import InputError, ModelUnavailable
from limner.evals.ranking.split import leave_one_out
from limner.evals.toolrec.cases import cases, drawn
from limner.evals.toolrec.portraits import Portraits
from limner.evals.toolrec.reporting import reported
from limner.evals.toolrec.rows import ROWS, Cost, Outcome, Reading, Rows, chosen_rows
from limner.evals.toolrec.running import Kept, run
from limner.evals.toolrec.stating import atoms, stated
from limner.settings import Settings
from limner.tools import Dataset, Filter, Interactions
from limner.tools.recommenders import EASE, Popularity

DATA = Dataset("made", catalogue(), interactions(), item_type="film")
SPLIT = leave_one_out(DATA.interactions)
USERS = drawn(list(SPLIT.test), "dev", 4, 0)
CASES = cases(DATA, SPLIT, USERS, 0)
WISH = {"genre_in": [], "genre_not_in": [], "year_from": None, "year_to": None, "other": []}


def answers(**replies):
    return Answers(replies={"wish": WISH, "lead": "A", **replies})


@pytest.fixture
def rows_of(tmp_path, hashed):
    """Rows over two recommenders and the portraits of `CASES`, with a scripted model."""
    training = replace(DATA, interactions=SPLIT.training)
    fitted = [model.fit(SPLIT.training, DATA.catalogue) for model in (EASE(), Popularity())]
    portraits = Portraits(tmp_path / "portraits", training, hashed)
    yield lambda model: Rows(DATA.catalogue, fitted, model, portraits, item_type="film")
    portraits.close()


@pytest.fixture
def hashed(monkeypatch):
    """Settings under which vectors cost nothing."""
    from limner.testing import HashEncoder

    monkeypatch.setattr("limner.evals.toolrec.portraits.encoder_of", lambda settings: HashEncoder())
    return Settings(recommenders=("ease", "popularity"))


def test_the_halves_share_nobody_and_a_larger_draw_adds_to_a_smaller():
    users = [str(n) for n in range(31)]
    dev, report = drawn(users, "dev", None, 3), drawn(users, "report", None, 3)
    assert sorted(dev + report) == sorted(users)
    assert drawn(users, "report", 5, 3) == report[:5]
    assert drawn(users, "report", 5, 4) != report[:5]
    with pytest.raises(InputError, match="has 15 users"):
        drawn(users, "report", 16, 3)
    with pytest.raises(InputError, match="dev and report"):
        drawn(users, "test", 2, 3)


def test_what_is_known_ends_before_the_target():
    for case in CASES:
        items = DATA.interactions.by_user(case.user).frame["item"].to_list()
        assert (case.history, case.target) == (tuple(items[:-1]), items[-1])
        assert [event.item_id for _, event in case.events] == items[:-1]


def test_a_requests_conditions_hold_for_the_target_and_its_example_is_liked():
    asked = [c for seed in range(8) for c in cases(DATA, SPLIT, list(SPLIT.test), seed) if c.request]
    assert len(asked) > 300
    for case in asked:
        assert case.request.where
        assert case.target in DATA.catalogue.select(case.request.where)
        if case.request.like is not None:
            ratings = {event.item_id: event.value for _, event in case.events}
            assert ratings[case.request.like] > sum(ratings.values()) / len(ratings)
            assert DATA.catalogue.get(case.request.like).title in case.request.text
    kinds = {c.op for case in asked for c in case.request.where.conditions}
    assert kinds == {"in", "not in", "between", ">=", "<"}
    assert any(case.request.like for case in asked)


def test_a_request_depends_on_seed_and_user_alone():
    again = cases(DATA, SPLIT, USERS[::-1], 0)
    assert [c.request for c in again] == [c.request for c in CASES[::-1]]
    assert [c.request for c in cases(DATA, SPLIT, USERS, 1)] != [c.request for c in CASES]


def test_rows_are_named_by_set_and_by_way():
    assert chosen_rows(None) == list(ROWS)
    assert chosen_rows(["next/rerank", "base"]) == ["next/base", "next/rerank", "requests/base"]
    assert all(row.startswith("requests/") for row in chosen_rows(["requests"]))
    with pytest.raises(InputError, match="no row 'loops'"):
        chosen_rows(["loops"])


async def test_every_row_lists_only_what_is_new_and_there(rows_of, tmp_path, hashed):
    rows, kept = rows_of(answers().model()), Kept(tmp_path / "run")
    await rows._portraits.draw(CASES)
    assert all(rows.order_known(case) for case in CASES)
    await run(rows, list(ROWS), CASES, kept)
    assert len(kept.outcomes) == len(ROWS) * len(CASES)
    assert {one.invalid for one in kept.outcomes.values()} == {0}
    assert {one.failed for one in kept.outcomes.values()} == {None}
    for case in CASES:
        listed = {row: kept.outcomes[case.user, row].listed for row in ROWS}
        assert set(listed["requests/true"]) <= set(DATA.catalogue.select(case.request.where))
        assert set(listed["next/rerank"]) == set(listed["next/base"])
    assert kept.outcomes[USERS[0], "next/base"].cost.calls == 0
    assert kept.outcomes[USERS[0], "next/parts"].cost.calls == 0
    assert kept.outcomes[USERS[0], "requests/read"].cost.calls == 1


async def test_a_failure_scores_zero_and_stays_in_the_denominator(rows_of, tmp_path):
    rows, kept = rows_of(answers(wish="what?").model()), Kept(tmp_path / "run")
    await rows._portraits.draw(CASES)
    await run(rows, ["requests/base", "requests/read", "requests/loop"], CASES, kept)
    report = stated({"seed": 0}, list(ROWS), CASES, kept, DATA)
    base, read, loop = report.rows
    assert (base.failures, read.failures, loop.failures) == (0, 4, 4)
    assert (read.users, read.hit_rate, loop.ndcg) == (4, 0.0, 0.0)
    assert report.reading.failures == 4
    assert report.reading.exact == 0.0


async def test_an_invented_or_seen_id_is_counted(rows_of, tmp_path):
    rows, case = rows_of(answers().model()), CASES[0]
    rows._listed = lambda case, where, k: ["nowhere", case.history[0], "c4", "c4"]
    outcome = await rows.ask("next/base", case, None)
    assert outcome.invalid == 3
    kept = Kept(tmp_path / "run")
    kept.outcome(outcome)
    assert stated({"seed": 0}, list(ROWS), CASES, kept, DATA).rows[0].invalid == 3


async def test_a_dead_endpoint_is_no_failure_of_a_row(rows_of, tmp_path):
    rows, kept = rows_of(answers(wish=ModelUnavailable("gone")).model()), Kept(tmp_path / "run")
    with pytest.raises(ModelUnavailable):
        await run(rows, ["requests/read"], CASES, kept)
    assert not kept.outcomes


def outcome(user, row, rank):
    return Outcome(user=user, row=row, rank=rank, listed=("a1",) * 10, invalid=0, cost=Cost(calls=2))


def test_the_table_compares_the_same_users(tmp_path):
    kept = Kept(tmp_path)
    for place, user in enumerate(USERS):
        kept.outcome(outcome(user, "next/base", None if place else 1))
        if place < 3:
            kept.outcome(outcome(user, "next/loop", 1))
    base, loop = stated({"seed": 0}, list(ROWS), CASES, kept, DATA).rows
    assert (base.users, base.hit_rate, base.contrasts) == (4, 0.25, ())
    (contrast,) = loop.contrasts
    assert (contrast.users, contrast.against) == (3, "next/base")
    assert contrast.ndcg == contrast.hit_rate == pytest.approx(2 / 3)
    assert contrast.smallest == pytest.approx(2.8 * (2 / 9 / 3) ** 0.5, rel=0.1)


def test_reading_is_held_against_what_was_meant(tmp_path):
    kept, (one, two, *_) = Kept(tmp_path), CASES
    meant = str(one.request.where)
    kept.reading(Reading(user=one.user, text="x", true=meant, read=meant))
    kept.reading(Reading(user=two.user, text="x", true=str(two.request.where), read="year > 1998"))
    reading = stated({"seed": 0}, list(ROWS), CASES, kept, DATA).reading
    assert (reading.requests, reading.exact, reading.kept) == (2, 0.5, 0.5)
    conditions = len(atoms(one.request.where)) + len(atoms(two.request.where))
    assert reading.recall == pytest.approx(len(atoms(one.request.where)) / conditions)


def test_conditions_that_mean_the_same_are_the_same():
    assert atoms(Filter.parse("year < 1990")) == atoms(Filter.parse("year <= 1989"))
    assert atoms(Filter.parse("year between 1990 1999")) == atoms(
        Filter.parse("year >= 1990 and year < 2000")
    )


def test_a_line_that_a_kill_cut_off_is_dropped_and_a_strange_one_is_not(tmp_path):
    Kept(tmp_path).outcome(outcome("u1", "next/base", 1))
    file = tmp_path / "outcomes.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:20])
    assert list(Kept(tmp_path).outcomes) == [("u1", "next/base")]
    assert file.read_bytes() == whole
    file.write_bytes(b'{"user": 1}\n')
    with pytest.raises(InputError, match="no outcome of this run"):
        Kept(tmp_path)


async def test_a_run_goes_on_where_it_was_killed(tmp_path, hashed):
    """A process ends itself, without a chance to tidy up, at the sixth call of the model."""
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, sys\n"
        f"sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
        "import anyio, limner.evals.toolrec.portraits as portraits\n"
        "from limner.testing import HashEncoder\n"
        "portraits.encoder_of = lambda settings: HashEncoder()\n"
        "from test_toolrec import asked\n"
        f"anyio.run(asked, {str(tmp_path)!r}, 6)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    (file,) = tmp_path.glob("*/outcomes.jsonl")
    before = file.read_text().splitlines()
    assert 0 < len(before) < 4 * 7
    report, calls = await asked(str(tmp_path), None)
    after = file.read_text().splitlines()
    assert after[: len(before)] == before
    assert len(after) == len({(json.loads(line)["user"], json.loads(line)["row"]) for line in after}) == 4 * 7
    assert [row.users for row in report.rows] == [4] * 7
    whole = await asked(str(tmp_path / "whole"), None)
    assert [(r.row, r.ndcg) for r in whole[0].rows] == [(r.row, r.ndcg) for r in report.rows]
    assert calls < whole[1]
    again, none = await asked(str(tmp_path), None)
    assert none == 0
    assert again.rows == report.rows


async def asked(folder, last):
    """Run everything that asks little of the model, and end the process at the call of this number."""
    count = 0

    def counted(reply):
        def answer(_):
            nonlocal count
            count += 1
            if count == last:
                os._exit(9)
            return reply

        return answer

    model = Answers(replies={"wish": counted(WISH), "lead": counted("A")}).model()
    report = await reported(
        DATA,
        rows=[row for row in ROWS if row.startswith("requests/") and not row.endswith("rerank")],
        half="dev",
        users=4,
        limit=None,
        seed=0,
        folder=Path(folder),
        settings=Settings(recommenders=("ease", "popularity")),
        model=model,
        at_once=2,
    )
    return report, count


async def test_interactions_with_items_that_the_catalogue_lacks_are_left_out(tmp_path, hashed):
    rows = DATA.interactions.frame.select("user", "item", "value", "time").rows()
    more = replace(DATA, interactions=Interactions.from_rows([*rows, ("u1", "gone", 3.0, 99.0)]))
    half = "dev" if "u1" in drawn(list(SPLIT.test), "dev", None, 0) else "report"

    async def figures(dataset):
        report = await reported(
            dataset,
            rows=["next/base"],
            half=half,
            users=None,
            limit=None,
            seed=0,
            folder=tmp_path,
            settings=Settings(recommenders=("ease", "popularity")),
            model=answers().model(),
        )
        return report.rows, report.about["data"]

    assert await figures(more) == await figures(DATA)


async def test_answers_of_a_loop_with_other_weights_are_not_taken_for_its_own(tmp_path, hashed, monkeypatch):
    async def folders():
        await reported(
            DATA,
            rows=["next/base"],
            half="dev",
            users=None,
            limit=1,
            seed=0,
            folder=tmp_path,
            settings=Settings(recommenders=("ease", "popularity")),
            model=answers().model(),
        )
        return {path.parent.name for path in tmp_path.glob("*/run.json")}

    once = await folders()
    assert len(once) == 1
    assert await folders() == once
    monkeypatch.setattr("limner.evals.toolrec.reporting.Weights", lambda: Weights(search=0.2))
    assert len(await folders()) == 2
