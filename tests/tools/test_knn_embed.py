import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError
from limner.tools.recommenders import load_recommender
from limner.tools.recommenders.als import ALS
from limner.tools.recommenders.clusters import spherical_clusters
from limner.tools.recommenders.knn_embed import KNNEmbed


class TestKNNEmbed(RecommenderContract):
    def make(self):
        return KNNEmbed(clusters=3, features=3, decay=1.0, neighbours=5, smoothing=0.1, seed=3)


@pytest.mark.parametrize("history", [HISTORY, ["c2", "b1", "a4"], list(CATALOGUE.ids)])
def test_one_cluster_without_smoothing_orders_as_the_embedding_does(history):
    base = ALS(features=4, decay=0.7, seed=1).fit(interactions(), CATALOGUE)
    model = KNNEmbed(clusters=1, smoothing=0.0, features=4, decay=0.7, seed=1).fit(interactions(), CATALOGUE)
    expected = [scored.item_id for scored in base.recommend(history, 12)]
    assert [scored.item_id for scored in model.recommend(history, 12)] == expected


@pytest.mark.parametrize("history", [["a1", "b1", "a2", "c1"], ["b1", "a1", "a2", "b2", "a3"]])
def test_the_list_is_the_proportional_draw(history):
    """Each list holds what the divisor method gives the clusters, dealt out here one place after the other."""
    model = KNNEmbed(clusters=3, smoothing=0.0, features=3, decay=0.9, seed=3).fit(interactions(), CATALOGUE)
    positions = model._known(history)
    _, shares = model._mixture(positions)
    left = np.bincount(model._cluster, minlength=3) - np.bincount(model._cluster[positions], minlength=3)
    given = np.zeros(3, dtype=int)
    for k in range(1, 7):
        claims = np.where(given < left, shares / (2 * given + 1), -1.0)
        given[int(np.argmax(claims))] += 1
        listed = [CATALOGUE.position(scored.item_id) for scored in model.recommend(history, k)]
        assert np.bincount(model._cluster[listed], minlength=3).tolist() == given.tolist()


def test_the_shares_are_the_histories_weights_in_each_cluster():
    model = KNNEmbed(clusters=3, features=3, decay=0.5, seed=3).fit(interactions(), CATALOGUE)
    positions = model._known(["a1", "b1", "b2"])
    interests, shares = model._mixture(positions)
    expected = np.zeros(3)
    for position, weight in zip(positions, [0.25, 0.5, 1.0], strict=True):
        expected[model._cluster[position]] += weight / 1.75
    np.testing.assert_allclose(shares, expected, rtol=1e-6)
    np.testing.assert_allclose(interests.sum(axis=0), model._base.pull(positions).sum(axis=1), rtol=1e-4)


def test_smoothing_gives_the_neighbours_interests_a_share():
    plain, smoothed = (
        KNNEmbed(clusters=3, features=3, neighbours=60, smoothing=smoothing, seed=3).fit(
            interactions(), CATALOGUE
        )
        for smoothing in (0.0, 0.5)
    )
    assert (plain.score(["a1"]) > 0).sum() < len(CATALOGUE)
    assert (smoothed.score(["a1"]) > 0).all()


def test_an_interest_of_old_keeps_its_place():
    model = KNNEmbed(clusters=3, features=3, smoothing=0.0, decay=0.8, seed=3).fit(interactions(), CATALOGUE)
    listed = [scored.item_id for scored in model.recommend(["b1", "a1", "a2", "a3"], 4)]
    assert {item_id[0] for item_id in listed} == {"a", "b"}


def test_the_clusters_are_the_directions():
    rng = np.random.default_rng(2)
    axes = np.eye(3)[np.repeat([0, 1, 2], 20)]
    vectors = ((axes + rng.normal(scale=0.05, size=axes.shape)) * rng.uniform(0.1, 9, size=(60, 1))).astype(
        np.float32
    )
    found = spherical_clusters(vectors, 3, among=np.arange(60))
    assert len({tuple(found[start : start + 20]) for start in (0, 20, 40)}) == 3
    assert all(len(set(found[start : start + 20])) == 1 for start in (0, 20, 40))


def test_there_are_no_more_clusters_than_directions():
    vectors = np.ones((5, 2), dtype=np.float32)
    assert set(spherical_clusters(vectors, 4, among=np.arange(5))) == {0}
    assert set(spherical_clusters(np.zeros((5, 2), dtype=np.float32), 1, among=np.arange(5))) == {0}


def test_saved_without_its_embedding_it_is_refused(tmp_path):
    TestKNNEmbed().make().fit(interactions(), CATALOGUE).save(tmp_path)
    (tmp_path / "model.json").write_text((tmp_path / "model.json").read_text().replace('"embedding"', ""))
    with pytest.raises(InputError):
        load_recommender(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"clusters": 0},
        {"neighbours": -1},
        {"smoothing": 1.1},
        {"smoothing": float("nan")},
        {"decay": 0},
        {"features": 0},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        KNNEmbed(**wrong)
