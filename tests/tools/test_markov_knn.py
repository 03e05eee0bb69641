import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, RecommenderContract
from limner.errors import InputError
from limner.tools.interactions import Interactions
from limner.tools.recommenders import MarkovKNN

ROWS = [
    ("u", "a1", 5.0, 0.0),
    ("u", "a2", 5.0, 1.0),
    ("u", "a3", 5.0, 2.0),
    ("v", "a1", 5.0, 0.0),
    ("v", "a2", 5.0, 1.0),
]


class TestMarkovKNN(RecommenderContract):
    def make(self):
        return MarkovKNN(window=4, shrinkage=1.0)


def strict(**changed):
    settings = {"window": 2, "gap": 0.5, "backward": 0.0, "shrinkage": 0.0, "damping": 0.0, "decay": 1.0}
    return MarkovKNN(**{**settings, **changed}).fit(Interactions.from_rows(ROWS), CATALOGUE)


def test_transitions_by_hand():
    model = strict()
    # After a1: a2 twice at once, a3 once two places later, which counts half.
    np.testing.assert_allclose(model.score(["a1"], ["a2", "a3", "a1"]), [2 / 2.5, 0.5 / 2.5, 0])
    np.testing.assert_allclose(model.score(["a2"], ["a3", "a1"]), [1, 0])
    np.testing.assert_allclose(model.score(["a3"], ["a1", "a2"]), [0, 0])


def test_looking_back_shrinkage_and_damping_by_hand():
    model = strict(window=1, backward=0.5, shrinkage=3.0, damping=1.0)
    # Counts: a1-a2 2 and back 1, a2-a3 1 and back .5. Sums after: a1 2, a2 2, a3 .5; before: a1 1, a2 2.5, a3 1.
    np.testing.assert_allclose(model.score(["a1"], ["a2"]), [2 / (5 * 5.5)], rtol=1e-6)
    np.testing.assert_allclose(model.score(["a2"], ["a1", "a3"]), [1 / (5 * 4), 1 / (5 * 4)], rtol=1e-6)
    np.testing.assert_allclose(model.score(["a3"], ["a2"]), [0.5 / (3.5 * 5.5)], rtol=1e-6)


def test_the_newest_counts_most():
    model = strict(backward=1.0, decay=0.5)
    parts = {item: model.score([item], ["a2"])[0] for item in ("a1", "a3")}
    assert model.score(["a1", "a3"], ["a2"])[0] == pytest.approx(parts["a3"] + 0.5 * parts["a1"])


def test_only_the_nearest_are_kept():
    model = strict(neighbours=1)
    np.testing.assert_allclose(model.score(["a1"], ["a2", "a3"]), [2 / 2.5, 0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 0},
        {"neighbours": 0},
        {"gap": 0.0},
        {"backward": -1.0},
        {"shrinkage": float("nan")},
        {"damping": 1.5},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        MarkovKNN(**wrong)
