import subprocess
import sys

import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError
from limner.tools.interactions import Interactions
from limner.tools.recommenders import EASE, ItemKNN, Popularity, load_recommender, recommender
from limner.tools.recommenders.base import recency_weights, user_item_matrix


class TestPopularity(RecommenderContract):
    explains = False
    personal = False

    def make(self):
        return Popularity()


class TestItemKNN(RecommenderContract):
    def make(self):
        return ItemKNN(neighbours=5, decay=1.0)


class TestItemKNNWithRecency(RecommenderContract):
    def make(self):
        return ItemKNN(decay=0.8, shrinkage=0.0)


class TestEASE(RecommenderContract):
    def make(self):
        return EASE(regularization=10.0)


def test_ease_solves_the_ridge_regression_with_a_zero_diagonal():
    """Each column of B is the ridge regression of one item on all others (Steck 2019, eq. 2), solved here one by one."""
    model = EASE(regularization=7.0, decay=1.0).fit(interactions(), CATALOGUE)
    matrix = user_item_matrix(interactions(), CATALOGUE).toarray().astype(np.float64)
    items = matrix.shape[1]
    for item in range(items):
        others = [place for place in range(items) if place != item]
        features = matrix[:, others]
        solved = np.linalg.solve(
            features.T @ features + 7.0 * np.eye(items - 1), features.T @ matrix[:, item]
        )
        weights = np.array([model.score([CATALOGUE.ids[place]])[item] for place in others])
        np.testing.assert_allclose(weights, solved, atol=1e-5)
        assert model.score([CATALOGUE.ids[item]])[item] == 0


def test_item_knn_is_the_shrunk_cosine():
    rows = [
        ("u1", "a1", 5.0, 0.0),
        ("u1", "a2", 5.0, 1.0),
        ("u2", "a1", 1.0, 0.0),
        ("u2", "a2", 3.0, 1.0),
        ("u3", "a1", 2.0, 0.0),
    ]
    model = ItemKNN(shrinkage=2.0).fit(Interactions.from_rows(rows), CATALOGUE)
    assert model.score(["a1"], ["a2"])[0] == pytest.approx(2 / (np.sqrt(3 * 2) + 2))


def test_item_knn_keeps_the_most_similar_only():
    full = ItemKNN(neighbours=11).fit(interactions(), CATALOGUE)
    pruned = ItemKNN(neighbours=2).fit(interactions(), CATALOGUE)
    kept = [item for item in CATALOGUE.ids if pruned.score([item], ["a1"])[0] > 0]
    best = sorted((i for i in CATALOGUE.ids if i != "a1"), key=lambda i: -full.score([i], ["a1"])[0])[:2]
    assert set(kept) == set(best)


@pytest.mark.parametrize("model", [EASE(regularization=10.0), ItemKNN(decay=0.7)])
def test_contributions_add_up_to_the_score(model):
    model.fit(interactions(), CATALOGUE)
    history = ["b1", "c1", "a1", "a2"]
    places = model._known(history)
    for item in CATALOGUE.ids:
        amounts = model._contributions(places, CATALOGUE.position(item))
        assert amounts.sum() == pytest.approx(float(model.score(history, [item])[0]), abs=1e-6)


def test_the_newest_item_counts_most():
    assert recency_weights(3, 0.5).tolist() == [0.25, 0.5, 1.0]
    model = EASE(regularization=10.0, decay=0.3).fit(interactions(), CATALOGUE)
    assert model.recommend(["a1", "b1"], 1)[0].item_id.startswith("b")
    assert model.recommend(["b1", "a1"], 1)[0].item_id.startswith("a")


def test_a_pair_taken_twice_counts_once():
    once = Interactions.from_rows([("u", "a1", 5.0, 0.0), ("u", "a2", 5.0, 1.0)])
    twice = Interactions.from_rows([("u", "a1", 5.0, 0.0), ("u", "a1", 3.0, 1.0), ("u", "a2", 5.0, 2.0)])
    assert (user_item_matrix(once, CATALOGUE) != user_item_matrix(twice, CATALOGUE)).nnz == 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: EASE(regularization=0),
        lambda: EASE(regularization=float("nan")),
        lambda: EASE(decay=0),
        lambda: EASE(decay=1.1),
        lambda: ItemKNN(neighbours=0),
        lambda: ItemKNN(shrinkage=-1),
        lambda: ItemKNN(decay=float("nan")),
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        wrong()


def test_a_catalogue_too_large_for_ease_is_refused_before_memory_is_taken():
    with pytest.raises(InputError, match="max_items=5"):
        EASE(max_items=5).fit(interactions(), CATALOGUE)


def test_a_model_of_any_kind_is_loaded_by_its_folder(tmp_path):
    model = EASE(regularization=12.0, decay=0.8).fit(interactions(), CATALOGUE)
    model.save(tmp_path)
    loaded = load_recommender(tmp_path)
    assert isinstance(loaded, EASE)
    assert loaded.settings == model.settings


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.json").write_text("{}"),
        lambda folder: (folder / "model.json").write_text("not json"),
        lambda folder: (folder / "model.json").unlink(),
        lambda folder: (folder / "arrays.npz").write_bytes(b"PK\x03\x04 cut off"),
        lambda folder: (folder / "catalogue.json").write_text('{"kinds": {}, "items": []}'),
        lambda folder: _edit(folder, '"format": 1', '"format": 99'),
        lambda folder: _edit(folder, '"decay"', '"dekay"'),
    ],
)
def test_a_damaged_or_foreign_model_is_refused(tmp_path, damage):
    EASE(regularization=10.0).fit(interactions(), CATALOGUE).save(tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError):
        EASE.load(tmp_path)


def test_a_model_of_another_kind_is_refused(tmp_path):
    Popularity().fit(interactions(), CATALOGUE).save(tmp_path)
    with pytest.raises(InputError, match="popularity"):
        EASE.load(tmp_path)


def _edit(folder, old, new):
    path = folder / "model.json"
    path.write_text(path.read_text().replace(old, new))


def test_scores_are_the_same_in_another_process(tmp_path):
    EASE(regularization=10.0).fit(interactions(), CATALOGUE).save(tmp_path)
    code = (
        "import sys; from pathlib import Path; from limner.tools.recommenders import load_recommender;"
        "print(load_recommender(Path(sys.argv[1])).score(['a1', 'a2']).tobytes().hex())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == recommender("ease").load(tmp_path).score(HISTORY).tobytes().hex()
