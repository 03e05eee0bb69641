import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError, InvalidFilter, NotFound
from limner.testing import HashEncoder
from limner.tools.catalogue import Catalogue, Item
from limner.tools.recommenders import EASE, Popularity, load_recommender
from limner.tools.recommenders.changed import ChangedCatalogue

NEW = [
    Item(id="n1", title="Third Orbit (1999)", attributes={"genre": ("Sci-Fi", "Horror"), "year": 1999.0}),
    Item(id="n2", title="A Very Short Lunch (1999)", attributes={"genre": ("Comedy",), "year": 1999.0}),
]
CHANGED = CATALOGUE.with_items(NEW).without(["a4", "b3"])


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIMNER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def base():
    return EASE(regularization=10.0).fit(interactions(), CATALOGUE)


@pytest.fixture(scope="module")
def model(base):
    return ChangedCatalogue.over(base, CHANGED, encoder=HashEncoder(), neighbours=3)


class TestNothingChanged(RecommenderContract):
    def make(self):
        return ChangedCatalogue(base="ease", base_settings={"regularization": 10.0}, encoder=HashEncoder())


class _Refitted(ChangedCatalogue):
    """Fitted before four of the items came."""

    def _fit(self, interactions, catalogue):
        some = catalogue.without(["a2", "b4", "c4"]) if len(catalogue) > 4 else catalogue
        made = EASE(regularization=10.0).fit(interactions, some)
        self._take(made, catalogue)


class TestNewItems(RecommenderContract):
    def make(self):
        return _Refitted(encoder=HashEncoder(), neighbours=2)

    def test_an_empty_history_is_answered_by_popularity(self, model):
        new = model.score([], ["a2", "b4", "c4"])
        assert not new.any()

    test_a_second_fit_forgets_the_first = None


def test_what_has_gone_never_appears(model, base):
    assert "a4" in {found.item_id for found in base.recommend(HISTORY, 100)}
    assert {found.item_id for found in model.recommend(HISTORY, 100)} == set(CHANGED.ids) - set(HISTORY)
    assert model.unknown(["a1", "a4"]) == ["a4"]
    np.testing.assert_array_equal(model.score(["a1", "a4", "a2"]), model.score(HISTORY))
    assert {found.item_id for found in model.explain(["a4", "a1"], "a3")} == {"a1"}
    assert model.recommend(["a4"], 3) == model.recommend([], 3)
    for asked in (lambda: model.score(HISTORY, ["a4"]), lambda: model.explain(HISTORY, "a4")):
        with pytest.raises(NotFound):
            asked()


def test_old_items_keep_the_scores_of_the_base(model, base):
    old = [item_id for item_id in CHANGED.ids if item_id in CATALOGUE]
    np.testing.assert_array_equal(model.score(HISTORY, old), base.score(HISTORY, old))
    assert model.explain(HISTORY, "a3") == base.explain(HISTORY, "a3")


def test_what_is_new_is_recommended_to_whom_it_fits(model):
    for_orbits = model.score(HISTORY, ["n1", "n2"])
    for_lunches = model.score(["b1", "b2"], ["n1", "n2"])
    assert for_orbits[0] > for_orbits[1]
    assert for_lunches[1] > for_lunches[0]
    assert "n1" in {found.item_id for found in model.recommend(HISTORY, 4)}
    assert {found.item_id for found in model.explain(HISTORY, "n1")} <= set(HISTORY)
    assert model.explain(HISTORY, "n1")


def test_new_scores_are_within_the_bases_own(model, base):
    for history in (HISTORY, ["b1"], ["c1", "a1"]):
        scores = base.score(history)
        new = model.score(history, ["n1", "n2"])
        assert scores.min() <= new.min() <= new.max() <= scores.max()


def test_a_smaller_share_lists_what_is_new_later(base):
    def score(share):
        made = ChangedCatalogue.over(base, CHANGED, encoder=HashEncoder(), neighbours=3, share=share)
        return made.score(HISTORY, ["n1"])[0]

    assert score(1.0) > score(0.5) > score(0.2)


def test_conditions_are_those_of_the_new_catalogue(model):
    listed = {found.item_id for found in model.recommend(HISTORY, 100, "year > 1998")}
    assert listed == {"n1", "n2"}
    with pytest.raises(InvalidFilter):
        ChangedCatalogue.over(model.fitted, Catalogue([Item(id="a1")]), encoder=HashEncoder()).recommend(
            [], 1, "year > 1998"
        )


def test_an_item_may_be_described_anew(base):
    renamed = CATALOGUE.with_items([Item(id="a3", title="Red Dust", attributes={"genre": ("Western",)})])
    made = ChangedCatalogue.over(base, renamed)
    assert [found.item_id for found in made.recommend(HISTORY, 5, "genre in {Western}")] == ["a3"]
    np.testing.assert_array_equal(made.score(HISTORY), base.score(HISTORY))


def test_new_items_count_where_they_are_most_of_a_history(model):
    assert model.recommend(["n2"], 1)[0].item_id.startswith("b")
    assert model.recommend(["n1"], 1)[0].item_id.startswith("a")
    assert [found.item_id for found in model.explain(["n1"], "a1")] in ([], ["n1"])
    np.testing.assert_array_equal(model.score([*HISTORY, "n2"]), model.score(HISTORY))


def test_nothing_is_encoded_before_something_is_new(base):
    encoder = HashEncoder()
    smaller = ChangedCatalogue.over(base, CATALOGUE.without(["a4"]), encoder=encoder)
    assert smaller.recommend(HISTORY, 1)
    assert encoder.encoded == []


def test_it_goes_by_the_bases_name_and_is_saved_with_it(model, tmp_path):
    assert model.name == "ease"
    model.save(tmp_path / "model")
    loaded = load_recommender(tmp_path / "model")
    assert isinstance(loaded, ChangedCatalogue)
    assert loaded.name == "ease"
    for history in ([], HISTORY, ["n1"], ["n2", "c1"]):
        np.testing.assert_array_equal(loaded.score(history), model.score(history))
        assert loaded.explain(history, "n1") == model.explain(history, "n1")
    again = ChangedCatalogue.over(loaded, CATALOGUE)
    assert again.fitted.name == "ease"
    np.testing.assert_array_equal(again.score(HISTORY), model.fitted.score(HISTORY))


class _Strange:
    """A recommender of somebody else's, which has nothing but what the protocol asks for."""

    name = "strange"
    seed = 0

    def __init__(self, base):
        self._base = base

    @property
    def catalogue(self):
        return self._base.catalogue

    def score(self, history, candidates=None):
        return self._base.score(history, candidates)

    def explain(self, history, item_id, n=3):
        return self._base.explain(history, item_id, n)


def test_any_recommender_will_do(base, model):
    made = ChangedCatalogue.over(_Strange(base), CHANGED, encoder=HashEncoder(), neighbours=3)
    np.testing.assert_array_equal(made.score(HISTORY), model.score(HISTORY))
    assert made.explain(HISTORY, "n1") == model.explain(HISTORY, "n1")
    popular = ChangedCatalogue.over(
        Popularity().fit(interactions(), CATALOGUE), CHANGED, encoder=HashEncoder()
    )
    assert popular.explain(HISTORY, "n1") == []


def test_a_new_item_that_says_nothing_is_taken_for_an_average_one(base):
    made = ChangedCatalogue.over(base, CATALOGUE.with_items([Item(id="mute")]), encoder=HashEncoder())
    assert np.isfinite(made.score(HISTORY)).all()
    assert made.recommend(["mute"], 2)


def test_a_catalogue_of_which_the_base_knows_nothing_is_refused(base):
    with pytest.raises(InputError, match="knows no item"):
        ChangedCatalogue.over(base, Catalogue(NEW), encoder=HashEncoder())
    with pytest.raises(InputError, match="empty"):
        ChangedCatalogue.over(base, Catalogue([]))
    for wrong in ({"neighbours": 0}, {"share": 0}, {"share": 1.5}, {"share": float("nan")}):
        with pytest.raises(InputError):
            ChangedCatalogue(**wrong)
    with pytest.raises(InputError, match="fit"):
        ChangedCatalogue().fitted  # noqa: B018
