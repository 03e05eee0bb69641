"""What every recommender must do, whoever wrote it; wants the extra `testing`.

```python
from limner.testing import RecommenderContract

class TestMyModel(RecommenderContract):
    def make(self):
        return MyModel(neighbours=5)
```
"""

import contextlib
from pathlib import Path

import numpy as np

from limner.errors import InputError, InvalidFilter, NotFound
from limner.testing.recommender_data import catalogue, interactions
from limner.tools.catalogue import Catalogue
from limner.tools.filters import Filter
from limner.tools.interactions import Interactions
from limner.tools.recommenders.protocol import Recommender

try:
    import pytest
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError(
        "The contract tests need pytest and hypothesis: install limner with `pip install 'limner[testing]'`."
    ) from error

__all__ = ["CATALOGUE", "HISTORY", "IDS", "RecommenderContract"]

CATALOGUE = catalogue()
HISTORY = ["a1", "a2"]
IDS = st.sampled_from([*CATALOGUE.ids, "nowhere", ""])


class RecommenderContract:
    """Tests over one kind of recommender."""

    explains = True
    """Whether `explain` names history items."""
    personal = True
    """Whether the history changes the order."""

    def make(self) -> Recommender:
        """Return a fresh recommender that has not been fitted."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Recommender:
        """Return one that is fitted on the made data, the same for all tests of the class."""
        return cls().make().fit(interactions(), CATALOGUE)

    def test_is_a_recommender(self, model: Recommender) -> None:
        assert isinstance(model, Recommender)
        assert model.name
        assert model.catalogue is CATALOGUE

    def test_two_fits_give_the_same_scores(self, model: Recommender) -> None:
        again = self.make().fit(interactions(), CATALOGUE)
        np.testing.assert_array_equal(again.score(HISTORY), model.score(HISTORY))

    def test_a_second_fit_forgets_the_first(self, model: Recommender) -> None:
        other = self.make().fit(interactions(seed=99), CATALOGUE).fit(interactions(), CATALOGUE)
        np.testing.assert_array_equal(other.score(HISTORY), model.score(HISTORY))

    def test_scores_are_finite_float32_one_for_each_item(self, model: Recommender) -> None:
        for history in ([], HISTORY, ["c4"], list(CATALOGUE.ids)):
            scores = model.score(history)
            assert scores.dtype == np.float32
            assert scores.shape == (len(CATALOGUE),)
            assert np.isfinite(scores).all()

    def test_candidates_are_scored_in_their_order(self, model: Recommender) -> None:
        everything = model.score(HISTORY)
        asked = ["c2", "a3", "a1"]
        expected = everything[[CATALOGUE.position(item_id) for item_id in asked]]
        np.testing.assert_array_equal(model.score(HISTORY, asked), expected)
        assert model.score(HISTORY, []).shape == (0,)

    def test_several_histories_are_scored_as_each_alone(self, model: Recommender) -> None:
        histories = [HISTORY, [], ["c2", "nowhere", "b1"], ["nowhere"], list(CATALOGUE.ids)]
        together = model.score_many(histories)
        assert together.dtype == np.float32
        assert together.shape == (len(histories), len(CATALOGUE))
        for scores, history in zip(together, histories, strict=True):
            np.testing.assert_allclose(scores, model.score(history), rtol=1e-4, atol=1e-5)
        assert model.score_many([]).shape == (0, len(CATALOGUE))

    def test_a_candidate_outside_the_catalogue_is_refused(self, model: Recommender) -> None:
        with pytest.raises(NotFound, match="nowhere"):
            model.score(HISTORY, ["a1", "nowhere"])

    def test_asking_changes_nothing(self, model: Recommender) -> None:
        before = model.score(HISTORY).copy()
        model.score(HISTORY)[:] = 0
        model.score([])[:] = 0
        model.recommend(["b1"], 3)
        np.testing.assert_array_equal(model.score(HISTORY), before)
        assert model.score([]).any()

    def test_a_stranger_gets_what_fits_the_history(self, model: Recommender) -> None:
        if not self.personal:
            pytest.skip("the same for everybody")
        assert {scored.item_id for scored in model.recommend(["a1", "a2"], 2)} == {"a3", "a4"}
        assert {scored.item_id for scored in model.recommend(["b1", "b2"], 2)} == {"b3", "b4"}

    def test_what_was_seen_or_excluded_never_comes_back(self, model: Recommender) -> None:
        listed = [scored.item_id for scored in model.recommend(HISTORY, 100, exclude=["b1"])]
        assert set(listed) == set(CATALOGUE.ids) - {"a1", "a2", "b1"}
        assert len(listed) == len(set(listed))

    def test_lists_are_sorted_and_ties_are_in_catalogue_order(self, model: Recommender) -> None:
        for history in ([], HISTORY):
            listed = model.recommend(history, 100)
            keys = [(-scored.score, CATALOGUE.position(scored.item_id)) for scored in listed]
            assert keys == sorted(keys)

    def test_a_short_list_is_the_beginning_of_a_long_one(self, model: Recommender) -> None:
        assert model.recommend(HISTORY, 3) == model.recommend(HISTORY, 100)[:3]
        assert model.recommend(HISTORY, 0) == []

    def test_a_negative_length_is_refused(self, model: Recommender) -> None:
        with pytest.raises(InputError):
            model.recommend(HISTORY, -1)

    def test_a_filter_holds_for_everything_listed(self, model: Recommender) -> None:
        where = Filter.parse("genre in {comedy, Drama} and year > 1990")
        listed = [scored.item_id for scored in model.recommend(HISTORY, 100, where)]
        assert set(listed) == set(CATALOGUE.select(where))
        assert [
            s.item_id for s in model.recommend(HISTORY, 100, "genre in {Comedy, Drama} and year > 1990")
        ] == listed

    def test_a_filter_does_not_change_the_order(self, model: Recommender) -> None:
        allowed = set(CATALOGUE.select("year > 1990"))
        free = [scored for scored in model.recommend(HISTORY, 100) if scored.item_id in allowed]
        assert model.recommend(HISTORY, 100, "year > 1990") == free

    def test_a_filter_that_nothing_satisfies_gives_an_empty_list(self, model: Recommender) -> None:
        assert model.recommend(HISTORY, 5, "year > 2050") == []

    def test_a_wrong_filter_is_refused(self, model: Recommender) -> None:
        with pytest.raises(InvalidFilter) as raised:
            model.recommend(HISTORY, 5, "genre in {Comdy}")
        assert "Comedy" in raised.value.nearest

    def test_unknown_items_are_ignored_and_named(self, model: Recommender) -> None:
        assert model.unknown(["x", "a1", "y"]) == ["x", "y"]
        np.testing.assert_array_equal(model.score(["x", "a1", "y", "a2"]), model.score(HISTORY))

    def test_an_empty_history_is_answered_by_popularity(self, model: Recommender) -> None:
        counts = {item_id: interactions().frame["item"].to_list().count(item_id) for item_id in CATALOGUE.ids}
        assert model.score([]).tolist() == [counts[item_id] for item_id in CATALOGUE.ids]
        assert model.recommend(["nowhere"], 5) == model.recommend([], 5)

    def test_of_an_item_taken_twice_the_later_time_counts(self, model: Recommender) -> None:
        np.testing.assert_array_equal(model.score(["a1", "b1", "a1"]), model.score(["b1", "a1"]))

    def test_contributions_are_positive_sorted_and_from_the_history(self, model: Recommender) -> None:
        found = model.explain(HISTORY, "a3")
        assert {contribution.item_id for contribution in found} <= set(HISTORY)
        amounts = [contribution.amount for contribution in found]
        assert amounts == sorted(amounts, reverse=True)
        assert all(amount > 0 for amount in amounts)
        assert bool(found) == self.explains
        assert len(model.explain(HISTORY, "a3", n=1)) <= 1
        assert model.explain([], "a3") == []

    def test_explaining_an_unknown_item_is_refused(self, model: Recommender) -> None:
        with pytest.raises(NotFound):
            model.explain(HISTORY, "nowhere")

    def test_a_saved_model_answers_alike(self, model: Recommender, tmp_path: Path) -> None:
        model.save(tmp_path / "model")
        loaded = type(model).load(tmp_path / "model")
        for history in ([], HISTORY, ["c2", "b1", "a4"]):
            np.testing.assert_array_equal(loaded.score(history), model.score(history))
            assert loaded.recommend(history, 5, "year < 1996") == model.recommend(history, 5, "year < 1996")
            assert loaded.explain(history, "a3") == model.explain(history, "a3")
        assert loaded.catalogue.version == CATALOGUE.version

    def test_nothing_saved_can_run(self, model: Recommender, tmp_path: Path) -> None:
        model.save(tmp_path / "model")
        files = [path for path in (tmp_path / "model").rglob("*") if path.is_file()]
        assert {path.suffix for path in files} <= {".npz", ".json", ".safetensors"}
        for path in files:
            if path.suffix == ".npz":
                with np.load(path, allow_pickle=False) as arrays:
                    assert all(array.dtype != object for array in arrays.values())

    def test_a_folder_without_a_model_is_refused(self, model: Recommender, tmp_path: Path) -> None:
        with pytest.raises(InputError):
            type(model).load(tmp_path)

    def test_a_model_is_saved_over_an_earlier_one(self, model: Recommender, tmp_path: Path) -> None:
        self.make().fit(interactions(seed=99), CATALOGUE).save(tmp_path / "model")
        model.save(tmp_path / "model")
        np.testing.assert_array_equal(
            type(model).load(tmp_path / "model").score(HISTORY), model.score(HISTORY)
        )

    def test_not_fitted_is_said(self) -> None:
        with pytest.raises(InputError, match="fit"):
            self.make().recommend(HISTORY, 5)

    def test_nothing_to_learn_from_is_refused(self) -> None:
        with pytest.raises(InputError):
            self.make().fit(Interactions.from_rows([]), CATALOGUE)
        with pytest.raises(InputError):
            self.make().fit(interactions(), Catalogue([]))
        with pytest.raises(InputError):
            self.make().fit(Interactions.from_rows([("u", "nowhere", 5.0, 1.0)]), CATALOGUE)

    def test_interactions_outside_the_catalogue_are_left_out(self) -> None:
        smaller = CATALOGUE.without(["a3"])
        listed = self.make().fit(interactions(), smaller).recommend(HISTORY, 100)
        assert {scored.item_id for scored in listed} == set(smaller.ids) - set(HISTORY)

    @settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
    @given(history=st.lists(IDS, max_size=20), k=st.integers(0, 20), exclude=st.lists(IDS, max_size=3))
    def test_whatever_the_history(
        self, model: Recommender, history: list[str], k: int, exclude: list[str]
    ) -> None:
        listed = model.recommend(history, k, exclude=exclude)
        ids = [scored.item_id for scored in listed]
        assert len(ids) == len(set(ids))
        assert not set(ids) & (set(history) | set(exclude))
        assert set(ids) <= set(CATALOGUE.ids)
        left = len(set(CATALOGUE.ids) - set(history) - set(exclude))
        assert len(ids) == min(k, left)
        assert np.isfinite([scored.score for scored in listed]).all()
        with contextlib.suppress(NotFound):
            for contribution in model.explain(history, "a3"):
                assert contribution.item_id in history
