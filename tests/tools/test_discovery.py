import sys
from importlib.metadata import entry_points

import pytest

from limner.errors import InputError, NotFound
from limner.tools.recommenders import available, recommender

PLUG_IN = '''
from limner.tools.recommenders import Popularity


class Reversed(Popularity):
    """The least popular first."""

    name = "toy_reversed"

    def _score(self, history):
        return -self._popularity
'''


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """Lay a package with an entry point on the import path, as `pip install` would."""
    (tmp_path / "toy_plug_in.py").write_text(PLUG_IN)
    metadata = tmp_path / "toy_plug_in-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-plug-in\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[limner.recommenders]\ntoy_reversed = toy_plug_in:Reversed\ntoy_broken = toy_plug_in:PLUG_IN\n"
        "ease = toy_plug_in:Reversed\n".replace("PLUG_IN", "__name__")
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("toy_plug_in", None)


def test_ours_are_registered():
    assert {"popularity", "item_knn", "ease", "lenskit_als", "lenskit_item_knn"} <= set(available())
    assert list(available()) == sorted(available())


def test_a_plug_in_package_is_found_fitted_and_loaded(plug_in, tmp_path):
    from contracts.recommender_data import catalogue, interactions
    from limner.tools.recommenders import load_recommender

    assert "toy_reversed" in available()
    model = recommender("toy_reversed").fit(interactions(), catalogue())
    scores = [scored.score for scored in model.recommend(["a1"], 12)]
    assert scores == sorted(scores, reverse=True)
    assert max(scores) <= 0
    model.save(tmp_path / "saved")
    assert load_recommender(tmp_path / "saved").recommend(["a1"], 3) == model.recommend(["a1"], 3)


def test_a_plug_in_cannot_take_a_name_of_ours(plug_in):
    from limner.tools.recommenders import EASE

    assert len(entry_points(group="limner.recommenders", name="ease")) == 2
    assert isinstance(recommender("ease"), EASE)


def test_a_plug_in_that_is_no_recommender_is_refused(plug_in):
    with pytest.raises(InputError, match="lacks fit"):
        recommender("toy_broken")


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(NotFound, match="item_knn"):
        recommender("item-knn")
    with pytest.raises(NotFound, match="popularity"):
        recommender("zzz")


def test_an_unknown_setting_is_named():
    with pytest.raises(InputError, match="lamda"):
        recommender("ease", lamda=3)
