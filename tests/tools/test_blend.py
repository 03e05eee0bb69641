import json

import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY, RecommenderContract
from contracts.recommender_data import interactions
from limner.errors import InputError, NotFound
from limner.tools.recommenders import EASE, ItemKNN, Popularity, load_recommender
from limner.tools.recommenders.blend import Blend

MEMBERS = [
    {"name": "ease", "weight": 1.0, "settings": {"regularization": 10.0}},
    {"name": "item_knn", "weight": 0.5, "settings": {"decay": 0.8}},
    {"name": "popularity", "weight": 0.1},
]


class TestBlend(RecommenderContract):
    def make(self):
        return Blend(members=MEMBERS)


class TestBlendOfABlendByRange(RecommenderContract):
    def make(self):
        inner = {"name": "blend", "settings": {"members": MEMBERS[:1]}}
        return Blend(members=[MEMBERS[1], inner], normalisation="minmax")


def test_a_blend_of_one_orders_as_that_one():
    alone = EASE(regularization=10.0).fit(interactions(), CATALOGUE)
    for normalisation in ("zscore", "minmax"):
        blend = Blend(members=MEMBERS[:1], normalisation=normalisation).fit(interactions(), CATALOGUE)
        for history in (HISTORY, ["c2", "b1"], []):
            ids = [scored.item_id for scored in alone.recommend(history, 12)]
            assert [scored.item_id for scored in blend.recommend(history, 12)] == ids


def test_the_scores_are_the_weighted_sum_on_one_scale():
    ease, knn = (
        EASE(regularization=10.0).fit(interactions(), CATALOGUE),
        ItemKNN().fit(interactions(), CATALOGUE),
    )
    unseen = [place for place, item in enumerate(CATALOGUE.ids) if item not in HISTORY]
    scaled = []
    for model in (ease, knn):
        scores = model.score(HISTORY).astype(float)
        scaled.append((scores - scores[unseen].mean()) / scores[unseen].std())
    blend = Blend.of([ease, knn], [2.0, 0.5])
    np.testing.assert_allclose(blend.score(HISTORY), 2.0 * scaled[0] + 0.5 * scaled[1], rtol=1e-4, atol=1e-5)


def test_the_scale_of_a_member_does_not_matter():
    class Louder(EASE):
        def _score(self, history):
            return 1000 * super()._score(history) + 7

    knn = ItemKNN().fit(interactions(), CATALOGUE)
    plain, loud = (kind(regularization=10.0).fit(interactions(), CATALOGUE) for kind in (EASE, Louder))
    for normalisation in ("zscore", "minmax"):
        one, other = (Blend.of([m, knn], [1, 1], normalisation=normalisation) for m in (plain, loud))
        np.testing.assert_allclose(one.score(HISTORY), other.score(HISTORY), atol=1e-3)


def test_fitted_members_are_shared_and_give_what_a_fit_of_their_own_gives(tmp_path):
    fitted = [EASE(regularization=10.0), ItemKNN(decay=0.8), Popularity()]
    for model in fitted:
        model.fit(interactions(), CATALOGUE)
    blend = Blend.of(fitted, [1.0, 0.5, 0.1])
    again = Blend(members=blend.members).fit(interactions(), CATALOGUE)
    assert blend._fitted[0] is fitted[0]
    for history in (HISTORY, []):
        np.testing.assert_array_equal(blend.score(history), again.score(history))
    blend.save(tmp_path)
    np.testing.assert_array_equal(load_recommender(tmp_path).score(HISTORY), blend.score(HISTORY))


def test_contributions_are_the_members_on_the_blends_scale():
    ease = EASE(regularization=10.0).fit(interactions(), CATALOGUE)
    blend = Blend.of([ease, Popularity().fit(interactions(), CATALOGUE)], [2.0, 1.0])
    alone = ease.explain(HISTORY, "a3")
    found = blend.explain(HISTORY, "a3")
    assert [c.item_id for c in found] == [c.item_id for c in alone]
    ratios = [mine.amount / theirs.amount for mine, theirs in zip(found, alone, strict=True)]
    assert ratios == pytest.approx([ratios[0]] * len(ratios))


def test_a_member_that_scores_everything_alike_adds_nothing():
    class Flat(EASE):
        def _score(self, history):
            return np.full(len(CATALOGUE), 0.1, dtype=np.float32)

    ease, flat = (kind(regularization=10.0).fit(interactions(), CATALOGUE) for kind in (EASE, Flat))
    np.testing.assert_array_equal(
        Blend.of([ease, flat], [1, 5]).score(HISTORY), Blend.of([ease], [1]).score(HISTORY)
    )


def test_the_seed_reaches_members_that_name_none():
    members = [{"name": "als", "settings": {"features": 2, "epochs": 1}}]
    one, other = (Blend(members=members, seed=seed).fit(interactions(), CATALOGUE) for seed in (1, 2))
    assert [model.seed for model in (*one._fitted, *other._fitted)] == [1, 2]
    assert not np.array_equal(one.score(HISTORY), other.score(HISTORY))


def test_the_settings_are_json():
    assert Blend(**json.loads(json.dumps(Blend().settings))).settings == Blend().settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"members": []},
        {"members": ["ease"]},
        {"members": [{"weight": 1.0}]},
        {"members": [{"name": "ease", "wieght": 1.0}]},
        {"members": [{"name": "ease", "settings": 3}]},
        {"members": [{"name": "ease", "weight": -1}]},
        {"members": [{"name": "ease", "weight": float("nan")}]},
        {"members": [{"name": "ease", "weight": "1"}]},
        {"members": [{"name": "ease", "weight": 0}]},
        {"normalisation": "softmax"},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        Blend(**wrong)


def test_members_that_do_not_go_together_are_refused():
    ease = EASE(regularization=10.0).fit(interactions(), CATALOGUE)
    other = EASE(regularization=10.0).fit(interactions(), CATALOGUE.without(["a3"]))
    with pytest.raises(InputError, match="catalogues"):
        Blend.of([ease, other], [1, 1])
    with pytest.raises(InputError, match="weight"):
        Blend.of([ease], [1, 1])
    with pytest.raises(InputError, match="fit"):
        Blend.of([EASE()], [1])
    with pytest.raises(InputError, match="at least one"):
        Blend.of([], [])


def test_an_unknown_member_is_named():
    with pytest.raises(NotFound, match="eese"):
        Blend(members=[{"name": "eese"}]).fit(interactions(), CATALOGUE)


def test_a_blend_saved_with_too_few_members_is_refused(tmp_path):
    Blend(members=MEMBERS).fit(interactions(), CATALOGUE).save(tmp_path)
    described = json.loads((tmp_path / "model.json").read_text())
    described["settings"]["members"] = MEMBERS[:2]
    (tmp_path / "model.json").write_text(json.dumps(described))
    with pytest.raises(InputError):
        load_recommender(tmp_path)
