import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError
from limner.tools.recommenders.als import ALS, alternating_least_squares
from limner.tools.recommenders.base import user_item_matrix


class TestALS(RecommenderContract):
    def make(self):
        return ALS(features=3, regularization=1.0, decay=1.0, seed=3)

    def test_contributions_add_up_to_the_score(self):
        model = self.make().fit(interactions(), CATALOGUE)
        amounts = model._contributions(model._known(HISTORY), CATALOGUE.position("a3"))
        assert amounts.sum() == pytest.approx(float(model.score(HISTORY, ["a3"])[0]), abs=1e-5)

    def test_another_seed_gives_another_model(self):
        one, other = (ALS(features=4, epochs=1, seed=seed).fit(interactions(), CATALOGUE) for seed in (1, 2))
        assert not np.array_equal(one.score(HISTORY), other.score(HISTORY))


def test_a_half_step_solves_the_weighted_ridge_regression_of_each_row(monkeypatch):
    """Solved here one by one, over ones and zeros, with the confidences as weights; in parts as at once."""
    matrix = user_item_matrix(interactions(), CATALOGUE)
    others = np.random.default_rng(5).normal(size=(len(CATALOGUE), 3))
    found = alternating_least_squares(matrix, others, regularization=2.0, weight=1.5)
    for row, taken in enumerate(matrix.toarray().astype(float)):
        confidence = np.diag(1.0 + 1.5 * taken)
        normal = others.T @ confidence @ others + 2.0 * np.eye(3)
        np.testing.assert_allclose(found[row], np.linalg.solve(normal, others.T @ confidence @ taken))
    monkeypatch.setattr("limner.tools.recommenders.als._CELLS", 9 * 7)
    np.testing.assert_allclose(alternating_least_squares(matrix, others, 2.0, 1.5), found)


@pytest.mark.parametrize(
    "wrong", [{"features": 0}, {"epochs": 0}, {"regularization": -1}, {"weight": float("nan")}, {"decay": 0}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        ALS(**wrong)
