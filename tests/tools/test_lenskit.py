import sys

import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError
from limner.tools.recommenders import recommender

pytest.importorskip("lenskit")

from limner.tools.recommenders.lenskit import (
    LensKitALS,
    LensKitItemKNN,
    LensKitSLIM,
    _lenskit,
    _lenskit_dataset,
)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "limner.tools.recommenders.lenskit")
    monkeypatch.setitem(sys.modules, "lenskit", None)
    for name in ("lenskit_als", "lenskit_item_knn", "lenskit_slim"):
        with pytest.raises(ImportError, match=r"limner\[lenskit\]"):
            recommender(name)


class TestLensKitALS(RecommenderContract):
    def make(self):
        return LensKitALS(features=3, epochs=20, weight=1.0, regularization=1.0, decay=1.0, seed=3)

    def test_the_fold_in_is_lenskits_own(self):
        model = self.make().fit(interactions(), CATALOGUE)
        scorer = _lenskit("als").ImplicitMFScorer(
            embedding_size=3, epochs=20, regularization=1.0, weight=1.0, user_embeddings=False
        )
        options = _lenskit("training").TrainingOptions(rng=3)
        scorer.train(_lenskit_dataset(interactions(), CATALOGUE), options)
        items = _lenskit("data").ItemList
        history = items(item_ids=CATALOGUE.positions(HISTORY))
        theirs = scorer(history, items(item_ids=np.arange(len(CATALOGUE)))).scores("numpy")
        np.testing.assert_allclose(model.score(HISTORY), theirs, rtol=1e-3, atol=1e-4)

    def test_contributions_add_up_to_the_score(self):
        model = self.make().fit(interactions(), CATALOGUE)
        places = model._known(HISTORY)
        amounts = model._contributions(places, CATALOGUE.position("a3"))
        assert amounts.sum() == pytest.approx(float(model.score(HISTORY, ["a3"])[0]), abs=1e-5)

    def test_another_seed_gives_another_model(self):
        one, other = (
            LensKitALS(features=8, epochs=2, seed=seed).fit(interactions(), CATALOGUE) for seed in (1, 2)
        )
        assert not np.array_equal(one.score(HISTORY), other.score(HISTORY))


class TestLensKitItemKNN(RecommenderContract):
    def make(self):
        return LensKitItemKNN(neighbours=3)

    def test_contributions_add_up_to_the_score(self):
        model = self.make().fit(interactions(), CATALOGUE)
        history = ["a1", "b1", "a2", "c1", "a4"]
        amounts = model._contributions(model._known(history), CATALOGUE.position("a3"))
        assert (amounts > 0).sum() <= 3
        assert amounts.sum() == pytest.approx(float(model.score(history, ["a3"])[0]), abs=1e-6)


class TestLensKitSLIM(RecommenderContract):
    def make(self):
        return LensKitSLIM(l1=0.1, l2=0.1, decay=1.0)

    def test_the_scores_are_lenskits_own(self):
        model = self.make().fit(interactions(), CATALOGUE)
        scorer = _lenskit("knn.slim").SLIMScorer(l1_reg=0.1, l2_reg=0.1)
        scorer.train(_lenskit_dataset(interactions(), CATALOGUE), _lenskit("training").TrainingOptions(rng=0))
        items = _lenskit("data").ItemList
        query = _lenskit("data").RecQuery(user_items=items(item_ids=CATALOGUE.positions(HISTORY)))
        theirs = scorer(query, items(item_ids=np.arange(len(CATALOGUE)))).scores("numpy")
        np.testing.assert_allclose(model.score(HISTORY), theirs, rtol=1e-5, atol=1e-6)

    def test_no_item_speaks_for_itself_and_none_against_another(self):
        model = self.make().fit(interactions(), CATALOGUE)
        weights = np.stack([model.score([item_id]) for item_id in CATALOGUE.ids if item_id != "c4"])
        assert (weights >= 0).all()
        assert not weights.diagonal().any()

    @pytest.mark.parametrize("wrong", [{"l1": 0}, {"l2": -1}, {"decay": 2}])
    def test_settings_out_of_range_are_refused(self, wrong):
        with pytest.raises(InputError):
            LensKitSLIM(**wrong)


def test_no_neighbours_are_refused():
    with pytest.raises(InputError, match="neighbours"):
        LensKitItemKNN(neighbours=0)
