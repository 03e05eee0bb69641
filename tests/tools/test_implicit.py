import sys

import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError
from limner.tools.recommenders import recommender
from limner.tools.recommenders.base import user_item_matrix

pytest.importorskip("implicit")

from limner.tools.recommenders.implicit import ImplicitALS, ImplicitBPR, _indexed, _trained


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.delitem(sys.modules, "limner.tools.recommenders.implicit")
    monkeypatch.setitem(sys.modules, "implicit", None)
    for name in ("implicit_als", "implicit_bpr"):
        with pytest.raises(ImportError, match=r"limner\[implicit\]"):
            recommender(name)


class TestImplicitALS(RecommenderContract):
    def make(self):
        return ImplicitALS(features=3, epochs=20, weight=1.0, regularization=1.0, decay=1.0, seed=3)

    def test_the_fold_in_is_implicits_own(self):
        model = self.make().fit(interactions(), CATALOGUE)
        matrix = _indexed(user_item_matrix(interactions(), CATALOGUE))
        theirs = _trained(
            "cpu.als",
            "AlternatingLeastSquares",
            matrix,
            factors=3,
            iterations=20,
            alpha=2.0,
            regularization=1.0,
            use_cg=False,
            random_state=3,
        )
        for user in (0, 1, 2):
            history = [CATALOGUE.ids[place] for place in matrix[user].indices]
            factor = theirs.recalculate_user(0, matrix[[user]])
            np.testing.assert_allclose(
                model.score(history), theirs.item_factors @ factor, rtol=1e-3, atol=1e-4
            )

    def test_contributions_add_up_to_the_score(self):
        model = self.make().fit(interactions(), CATALOGUE)
        amounts = model._contributions(model._known(HISTORY), CATALOGUE.position("a3"))
        assert amounts.sum() == pytest.approx(float(model.score(HISTORY, ["a3"])[0]), abs=1e-5)

    def test_the_newest_item_counts_most(self):
        model = ImplicitALS(features=3, epochs=20, regularization=1.0, decay=0.2).fit(
            interactions(), CATALOGUE
        )
        assert model.recommend(["a1", "b1"], 1)[0].item_id.startswith("b")
        assert model.recommend(["b1", "a1"], 1)[0].item_id.startswith("a")


class TestImplicitBPR(RecommenderContract):
    def make(self):
        return ImplicitBPR(features=6, epochs=200, decay=1.0, seed=3)

    def test_contributions_add_up_to_the_score_without_the_bias(self):
        model = self.make().fit(interactions(), CATALOGUE)
        item = CATALOGUE.position("a3")
        amounts = model._contributions(model._known(HISTORY), item)
        score = float(model.score(HISTORY, ["a3"])[0])
        assert amounts.sum() == pytest.approx(score - float(model._bias[item]), abs=1e-5)

    def test_the_fold_in_comes_near_the_factors_that_training_gave(self):
        """Those of users it was trained on rank the items much as their folded-in histories do."""
        model = self.make().fit(interactions(), CATALOGUE)
        matrix = user_item_matrix(interactions(), CATALOGUE)
        theirs = _trained(
            "cpu.bpr",
            "BayesianPersonalizedRanking",
            matrix,
            factors=6,
            iterations=200,
            learning_rate=0.05,
            regularization=0.02,
            random_state=3,
        )
        correlations = []
        for user in range(matrix.shape[0]):
            history = [CATALOGUE.ids[place] for place in matrix[[user]].nonzero()[1]]
            trained = theirs.item_factors @ theirs.user_factors[user]
            correlations.append(np.corrcoef(trained, model.score(history))[0, 1])
        assert np.mean(correlations) > 0.9


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ImplicitALS(features=0),
        lambda: ImplicitALS(epochs=0),
        lambda: ImplicitALS(regularization=-1),
        lambda: ImplicitALS(weight=float("nan")),
        lambda: ImplicitALS(decay=0),
        lambda: ImplicitBPR(features=0),
        lambda: ImplicitBPR(learning_rate=0),
        lambda: ImplicitBPR(regularization=-1),
        lambda: ImplicitBPR(decay=1.5),
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        wrong()
