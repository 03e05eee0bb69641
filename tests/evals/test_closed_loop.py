"""The closed loop, on made films: figures, arms, rounds, and what a run states."""

import json

import numpy as np
import pytest
from scipy.sparse import csr_array
from typer.testing import CliRunner

from limner.agents.simulators.pages import Manners
from limner.agents.simulators.population import Population
from limner.errors import InputError, NotFound
from limner.evals.closed_loop.arms import RandomOrder, arms_of, default_arms
from limner.evals.closed_loop.measures import ABOUT, between_users, gini, within_lists
from limner.evals.closed_loop.rounds import Loop, Start, looped
from limner.evals.closed_loop.running import compared
from limner.evals.closed_loop.stating import differences, over_seeds
from limner.evals.closed_loop.validation import validated
from limner.evals.ranking import Record
from limner.settings import Settings
from limner.testing.recommender_data import catalogue, interactions
from limner.tools import Dataset, Interactions, load_dataset

DATA = Dataset("made", catalogue(), interactions(60))
SMALL = Manners(page=3, most_pages=2)


@pytest.fixture(scope="module")
def population():
    return Population.of(DATA.interactions, DATA.catalogue)


@pytest.fixture(autouse=True)
def _few_resamples(request, monkeypatch):
    if "data" not in request.keywords:
        monkeypatch.setattr("limner.evals.closed_loop.validation._RESAMPLES", 20)


def run_of(population, name, users=None, rounds=3, seed=0):
    start = Start.of(DATA, population)
    users = users or population.users
    return looped(Loop(arms_of([name])[0], users, rounds, seed, SMALL), DATA, population, start)


def test_gini_is_0_for_even_shares_and_nearly_1_for_one_item():
    assert gini(np.ones(10)) == pytest.approx(0)
    assert gini(np.array([0.0, 0, 0, 7])) == pytest.approx(0.75)
    assert np.isnan(gini(np.zeros(3)))


def test_overlap_is_the_share_in_common_on_average_over_pairs():
    rows = csr_array(np.array([[1.0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0]]))
    assert between_users(rows) == pytest.approx((0.5 + 0.0 + 0.5) / 3)  # who has nothing is in no pair
    assert np.isnan(between_users(rows[[0, 3]]))


def test_diversity_of_a_list_is_what_its_items_do_not_have_in_common():
    attributes = csr_array(np.array([[1.0, 1, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]]))
    assert within_lists(np.array([[0, 1]]), attributes) == 0
    assert within_lists(np.array([[0, 2], [0, -1]]), attributes) == pytest.approx(2 / 3)
    assert within_lists(np.array([[0, 3]]), attributes) == 1


def test_arms_are_named_with_what_is_done_to_them():
    one, two, three = arms_of(["ease", "ease+frozen+room", "random", "ease"])
    assert (one.name, two.name, three.name) == ("ease", "ease+room+frozen", "random")
    assert (two.room, two.frozen, two.plain) == (True, True, "ease")
    assert [arm.name for arm in default_arms("markov_knn")][:3] == [
        "markov_knn",
        "markov_knn+room",
        "markov_knn+frozen",
    ]
    with pytest.raises(NotFound, match="ease"):
        arms_of(["eaze"])
    with pytest.raises(InputError, match=r"\+room and \+frozen"):
        arms_of(["ease+rooms"])
    with pytest.raises(InputError, match="at least one"):
        arms_of([])


def test_a_random_order_is_another_for_another_history_and_the_same_again():
    model = RandomOrder(seed=1).fit(DATA.interactions, DATA.catalogue)
    assert model.recommend(["a1"], 5) == model.recommend(["a1"], 5)
    assert [one.item_id for one in model.recommend(["a1"], 9)] != [
        one.item_id for one in model.recommend(["a2"], 9)
    ]


def test_recommenders_start_with_the_earlier_half_and_never_see_the_later(population):
    start = Start.of(DATA, population)
    for user, items in DATA.interactions.histories().items():
        assert start.interactions.by_user(user).frame["item"].to_list() == items[:2]
        assert start.yardstick.later[user] == frozenset(items[2:])


def test_rounds_are_the_same_under_the_same_seed_and_learn(population):
    run = run_of(population, "ease")
    assert run == run_of(population, "ease")
    assert run != run_of(population, "ease", seed=1)
    assert set(run[0]) == set(ABOUT)
    frozen = run_of(population, "ease+frozen")
    assert frozen[0] == run[0]
    assert frozen[1:] != run[1:]
    assert 0 < run[0]["coverage"] <= 1
    assert 1 <= run[0]["pages"] <= 2
    assert 1 <= run[0]["rating"] <= 5


def test_room_is_made_after_two_showings(population):
    plain, room = run_of(population, "popularity", rounds=4), run_of(population, "popularity+room", rounds=4)
    assert room[:2] == plain[:2]
    assert room[2:] != plain[2:]


def test_nothing_known_is_shown_and_each_item_is_watched_once(population, monkeypatch):
    from limner.agents.simulators.pages import Browsing

    known = {user: set(items[:2]) for user, items in DATA.interactions.histories().items()}
    visits = Browsing.visit

    def looked(self, user_id, listed, number=0):
        assert not known[user_id] & set(listed)
        visit = visits(self, user_id, listed, number)
        known[user_id] |= {one.item_id for one in visit.watched}
        return visit

    monkeypatch.setattr(Browsing, "visit", looked)
    run_of(population, "popularity+room", rounds=4)
    assert any(len(items) > 2 for items in known.values())


def test_figures_are_stated_over_seeds():
    told = over_seeds([1.0, 2.0, 3.0])
    assert told["mean"] == 2
    assert told["high"] - 2 == pytest.approx(
        4.303 / np.sqrt(3), abs=1e-3
    )  # Student's, with two degrees of freedom
    assert over_seeds([1.0]) == {"mean": 1.0, "low": None, "high": None}
    assert over_seeds([None, None])["mean"] is None
    assert over_seeds([None, 2.0])["mean"] == 2


def test_differences_are_to_the_plain_arm_where_it_was_run_and_else_to_the_first():
    def runs(value):
        return {seed: [dict.fromkeys(ABOUT, value + seed)] * 2 for seed in range(2)}

    arms = arms_of(["ease", "popularity", "popularity+room"])
    told = differences(arms, {"ease": runs(1.0), "popularity": runs(3.0), "popularity+room": runs(3.5)})
    assert [(one["arm"], one["less"]) for one in told] == [
        ("popularity", "ease"),
        ("popularity+room", "popularity"),
    ]
    assert told[0]["all"]["rating"] == {"mean": 2.0, "low": 2.0, "high": 2.0}
    assert told[1]["last"]["gini"]["mean"] == 0.5


def test_a_comparison_goes_on_from_its_record(tmp_path):
    path, begun = tmp_path / "runs.json", []
    arms = arms_of(["popularity", "random"])
    options = {"rounds": 2, "repeats": 2, "users": 20, "manners": SMALL}
    record = Record(path, {"closed_loop": "made"})
    compared(DATA, arms[:1], record=record, **options)
    kept = path.read_bytes()
    again = compared(
        DATA, arms, record=Record(path, {"closed_loop": "made"}), progress=begun.append, **options
    )
    assert [line.split(",")[0] for line in begun[1:]] == ["random", "random"]
    assert path.read_bytes() != kept
    assert again == compared(DATA, arms, **options)
    assert len(again["arms"][0]["rounds"]) == 2
    assert json.loads(json.dumps(again, allow_nan=False)) == again


def test_an_arm_that_fails_is_said_to_and_the_others_go_on(monkeypatch):
    from limner.tools.recommenders import EASE

    def broken(self, interactions, catalogue):
        raise RuntimeError("no memory left")

    monkeypatch.setattr(EASE, "_fit", broken)
    told = compared(DATA, arms_of(["ease", "popularity"]), rounds=1, repeats=1, manners=SMALL)
    assert told["arms"][0] == {"name": "ease", "failed": "RuntimeError: no memory left"}
    assert told["arms"][1]["failed"] is None
    assert told["differences"] == []


def test_a_validation_compares_with_people_that_nothing_was_learnt_from():
    rows = interactions(80, seed=3).frame
    told = validated(Dataset("made", catalogue(), Interactions(rows)), manners=SMALL)
    assert told["users"] == 40
    assert sum(told["ratings"]["real"]) == pytest.approx(1, abs=0.01)
    assert {one["by"] for one in told["choice"]} == {"simulated", "popularity"}
    assert all(
        one["n"] == 0 and one["accuracy"] is None for one in told["choice"]
    )  # twelve films are too few to ask
    assert set(told["traits"]) == {"activity", "conformity", "diversity", "variety"}
    with pytest.raises(InputError, match="four users"):
        validated(
            Dataset(
                "few",
                catalogue(),
                Interactions.from_rows([
                    (user, item, float(value), float(value))
                    for user in ("u", "v")
                    for value, item in enumerate(("a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4", "c1", "c2"))
                ]),
            )
        )


def test_the_command_prints_tables_or_json(tmp_path, monkeypatch):
    from limner.apps.cli.app import app

    monkeypatch.setattr("limner.tools.load_dataset", lambda name, settings: DATA)
    asked = [
        "eval",
        "closed-loop",
        "--rounds",
        "2",
        "--repeats",
        "1",
        "--page",
        "3",
        "-n",
        "popularity",
        "-n",
        "random",
    ]
    record = ["--record", str(tmp_path / "kept.json")]
    printed = CliRunner().invoke(app, [*asked, *record])
    assert printed.exit_code == 0, printed.output
    assert "popularity" in printed.stdout
    assert "simulated and real" in printed.stdout
    told = json.loads(CliRunner().invoke(app, [*asked, *record, "--json"]).stdout)
    assert [row["name"] for row in told["arms"]] == ["popularity", "random"]
    refused = CliRunner().invoke(app, [*asked, "-n", "easy"])
    assert refused.exit_code != 0


@pytest.mark.data
def test_the_population_of_movielens_takes_after_its_people():
    told = validated(load_dataset("ml-100k", Settings()))
    row = {(one["negatives"], one["ratio"], one["by"]): one for one in told["choice"]}
    assert row["random", "1:1", "simulated"]["accuracy"] > 0.82
    assert row["as popular", "1:1", "simulated"]["auc"] > 0.7
    assert row["as popular", "1:1", "popularity"]["auc"] < 0.55
    assert told["ratings"]["distance"] < 0.05
    assert told["traits"]["conformity"]["spearman"] > 0.4
    assert told["traits"]["variety"]["spearman"] > 0.55
