import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError
from limner.testing import HashEncoder
from limner.tools.catalogue import Catalogue, Item
from limner.tools.recommenders import recommender
from limner.tools.recommenders.alpharec import AlphaRec
from limner.tools.recommenders.base import user_item_matrix
from limner.tools.recommenders.text import TextRecommender


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIMNER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


class TestText(RecommenderContract):
    def make(self):
        return TextRecommender(encoder=HashEncoder(), decay=0.9)


def test_what_nobody_has_taken_is_recommended_by_what_it_says():
    added = CATALOGUE.with_items([
        Item(id="n1", title="Third Orbit", attributes={"genre": ("Sci-Fi", "Horror")})
    ])
    model = TextRecommender(encoder=HashEncoder()).fit(interactions(), added)
    assert model.recommend(HISTORY, 1)[0].item_id == "n1"
    assert {found.item_id for found in model.explain(HISTORY, "n1")} == set(HISTORY)


def test_contributions_add_up_to_the_score():
    model = TextRecommender(encoder=HashEncoder(), decay=0.8).fit(interactions(), CATALOGUE)
    places = model._known(["b1", "c1", "a1"])
    for item in range(len(CATALOGUE)):
        assert model._contributions(places, item).sum() == pytest.approx(
            float(model._score(places)[item]), abs=1e-5
        )


def test_a_catalogue_without_titles_is_read_by_its_attributes():
    bare = Catalogue(item.model_copy(update={"title": item.id}) for item in CATALOGUE)
    model = TextRecommender(encoder=HashEncoder()).fit(interactions(), bare)
    assert model.recommend(["b2"], 1)[0].item_id == "b4"
    empty = Catalogue(Item(id=item_id) for item_id in CATALOGUE.ids)
    nothing = TextRecommender(encoder=HashEncoder()).fit(interactions(), empty)
    assert not nothing.score(HISTORY).any()
    assert nothing.explain(HISTORY, "a3") == []


@pytest.mark.parametrize(
    "wrong", [{"decay": 0}, {"decay": 2}, {"ridge": -1}, {"ridge": float("nan")}, {"wording": "all"}]
)
def test_text_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        recommender("text", **wrong)


def _alpharec(**settings):
    small = {"width": 16, "hidden": 32, "epochs": 5, "batch": 20, "learning_rate": 0.003, "decay": 1.0}
    return AlphaRec(encoder=HashEncoder(), **{**small, "wording": "everything", **settings})


class TestAlphaRec(RecommenderContract):
    def make(self):
        return _alpharec()


class TestAlphaRecWithRecency(RecommenderContract):
    def make(self):
        return _alpharec(decay=0.8, layers=1, negatives=5)


def test_a_user_of_the_training_data_is_folded_in_as_a_node_of_the_graph():
    """The convolution of the whole graph, users among its nodes, written out with dense matrices (LightGCN, eq. 3 and 4)."""
    model = _alpharec(epochs=3).fit(interactions(), CATALOGUE)
    matrix = user_item_matrix(interactions(), CATALOGUE).toarray()
    users, items = matrix.shape
    graph = np.zeros((users + items, users + items))
    graph[:users, users:] = matrix
    graph[users:, :users] = matrix.T
    degrees = np.maximum(graph.sum(axis=1), 1e-9)
    graph /= np.sqrt(degrees[:, None] * degrees[None, :])
    texts = model._fitted["texts"]
    start = np.concatenate([matrix @ texts / matrix.sum(axis=1, keepdims=True), texts])
    middle = start @ model._fitted["into"].T + model._fitted["into_bias"]
    start = np.where(middle > 0, middle, 0.01 * middle) @ model._fitted["out"].T + model._fitted["out_bias"]
    nodes = start + graph @ start + graph @ graph @ start
    nodes /= np.linalg.norm(nodes, axis=1, keepdims=True)
    expected = nodes[:users] @ nodes[users:].T
    histories = [[CATALOGUE.ids[place] for place in np.flatnonzero(row)] for row in matrix]
    np.testing.assert_allclose(model.score_many(histories), expected, atol=1e-4)


def test_training_teaches_what_goes_together():
    untrained, trained = (
        _alpharec(epochs=epochs, learning_rate=rate).fit(interactions(), CATALOGUE)
        for epochs, rate in ((1, 1e-9), (20, 0.01))
    )
    near = [model.score(["c1"], ["c2"])[0] - model.score(["c1"], ["b1"])[0] for model in (untrained, trained)]
    assert near[1] > near[0]


def test_alpharec_has_a_place_for_what_nobody_has_taken():
    added = CATALOGUE.with_items([Item(id="n1", title="Third Orbit (1979)")])
    model = _alpharec().fit(interactions(), added)
    assert model.score(HISTORY, ["n1"])[0] > model.score(["b1", "b2"], ["n1"])[0]


def test_another_seed_gives_another_alpharec():
    one, other = (_alpharec(epochs=1, seed=seed).fit(interactions(), CATALOGUE) for seed in (1, 2))
    assert not np.array_equal(one.score(HISTORY), other.score(HISTORY))


@pytest.mark.parametrize(
    "wrong",
    [
        {"decay": 0},
        {"temperature": 0},
        {"layers": -1},
        {"epochs": 0},
        {"learning_rate": float("nan")},
        {"wording": "all"},
    ],
)
def test_alpharec_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        recommender("alpharec", **wrong)
