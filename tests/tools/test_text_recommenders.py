import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError
from limner.testing import HashEncoder
from limner.tools.catalogue import Catalogue, Item
from limner.tools.recommenders import recommender
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
