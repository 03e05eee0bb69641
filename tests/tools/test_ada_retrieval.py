import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError, NotFound
from limner.tools.interactions import Interactions
from limner.tools.recommenders import EASE, load_recommender
from limner.tools.recommenders.ada_retrieval import AdaRetrieval, _last_items
from limner.tools.recommenders.listwise import Lesson, listwise_weights

EASY = {"regularization": 10.0}


def ids(model, history, k=12):
    return [scored.item_id for scored in model.recommend(history, k)]


class TestAdaRetrieval(RecommenderContract):
    def make(self):
        return AdaRetrieval(base="ease", base_settings=EASY, rounds=2, size=2)


class TestAdaRetrievalOfOneRound(RecommenderContract):
    def make(self):
        return AdaRetrieval(base="item_knn", rounds=1)


@pytest.mark.parametrize("history", [HISTORY, ["c2", "b1"], list(CATALOGUE.ids)])
def test_one_round_orders_as_the_base_does(history):
    base = EASE(**EASY).fit(interactions(), CATALOGUE)
    assert ids(
        AdaRetrieval(base="ease", base_settings=EASY, rounds=1).fit(interactions(), CATALOGUE), history
    ) == ids(base, history)


def test_the_first_round_is_the_bases_own():
    base = EASE(**EASY).fit(interactions(), CATALOGUE)
    model = AdaRetrieval(base="ease", base_settings=EASY, rounds=3, size=3).fit(interactions(), CATALOGUE)
    for history in (HISTORY, ["c2", "b1"]):
        assert ids(model, history, 3) == ids(base, history, 3)


def test_rounds_that_heed_the_history_alone_change_nothing():
    base = EASE(**EASY).fit(interactions(), CATALOGUE)
    model = AdaRetrieval(base="ease", base_settings=EASY, rounds=3, size=2).fit(interactions(), CATALOGUE)
    model._weights = np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    assert ids(model, HISTORY) == ids(base, HISTORY)


def test_a_round_can_turn_away_from_what_was_retrieved():
    """A made weight against the user's side puts behind what the retrieved ones call for, and leaves them where they are."""
    model = AdaRetrieval(base="ease", base_settings=EASY, rounds=2, size=1).fit(interactions(), CATALOGUE)
    history = ["a1", "b1", "a2"]
    model._weights = np.array([[0.0, 0.0, -1.0]])
    first, *others = ids(model, history)
    assert first in {"a3", "a4"}
    assert ({"a3", "a4"} - {first}).pop() == others[-1]


def test_the_last_items_are_learnt_from_and_nothing_else_is_lost():
    rows = [("u", "a1", 5.0, 2.0), ("u", "a2", 5.0, 3.0), ("u", "a3", 5.0, 1.0), ("v", "b1", 5.0, 0.0)]
    earlier, targets = _last_items(Interactions.from_rows(rows))
    assert targets == {"u": "a2"}
    assert sorted(earlier.frame["item"].to_list()) == ["a1", "a3", "b1"]


def test_users_with_one_item_each_leave_it_at_the_base():
    rows = Interactions.from_rows([
        (f"u{place}", item, 5.0, 0.0) for place, item in enumerate(["a1", "a2", "a2"])
    ])
    model = AdaRetrieval(base="item_knn", rounds=3).fit(rows, CATALOGUE)
    assert ids(model, ["a1"], 1) == ["a2"] or model._weights.shape == (0, 3)


def test_listwise_weights_find_the_sign_that_tells():
    rng = np.random.default_rng(3)
    lessons = []
    for _ in range(200):
        signs = rng.normal(size=(3, 8)).astype(np.float32)
        likely = np.exp(signs[1] * 2.0 - signs[2])
        lessons.append(Lesson(signs, int(rng.choice(8, p=likely / likely.sum()))))
    weights = listwise_weights(lessons, np.array([1.0, 0.0, 0.0]), 1e-6)
    np.testing.assert_allclose(weights, [0.0, 2.0, -1.0], atol=0.4)
    assert np.abs(listwise_weights(lessons, np.zeros(3), 10.0)).max() < 0.1
    assert listwise_weights([], np.array([1.0, 0.0]), 1.0).tolist() == [1.0, 0.0]


def test_a_catalogue_too_large_is_refused_before_memory_is_taken():
    with pytest.raises(InputError, match="max_items=5"):
        AdaRetrieval(max_items=5).fit(interactions(), CATALOGUE)


def test_an_unknown_base_is_named():
    with pytest.raises(NotFound, match="eese"):
        AdaRetrieval(base="eese").fit(interactions(), CATALOGUE)


def test_saved_without_its_base_it_is_refused(tmp_path):
    AdaRetrieval(base="ease", base_settings=EASY).fit(interactions(), CATALOGUE).save(tmp_path)
    described = tmp_path / "model.json"
    described.write_text(described.read_text().replace('"parts": [\n    "base"\n  ]', '"parts": []'))
    with pytest.raises(InputError, match="base"):
        load_recommender(tmp_path)


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"size": 0}, {"penalty": 0}, {"penalty": float("nan")}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        AdaRetrieval(**wrong)
