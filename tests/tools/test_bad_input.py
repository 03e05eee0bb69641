"""What recommenders make of input that is not as it should be: each has one outcome, and a message that says what to do."""

import math

import numpy as np
import polars as pl
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY
from contracts.recommender_data import interactions
from limner.errors import InputError, InvalidFilter, NotFound
from limner.tools.bus import CandidateBus
from limner.tools.catalogue import Catalogue, Item
from limner.tools.interactions import Interactions
from limner.tools.recommenders import EASE, BaseRecommender, Popularity
from limner.tools.toolset import toolbox

MODEL = EASE(regularization=10.0).fit(interactions(), CATALOGUE)
ROW = ("u", "a1", 5.0, 1.0)


# The history and the candidates


@pytest.mark.parametrize("history", [[], ["nowhere"], ["", "nowhere"]])
def test_without_a_known_history_the_popular_comes_first(history):
    assert MODEL.recommend(history, 3) == Popularity().fit(interactions(), CATALOGUE).recommend([], 3)
    assert MODEL.explain(history, "a1") == []


def test_unknown_items_of_a_history_are_ignored_and_named():
    assert MODEL.recommend([*HISTORY, "nowhere"], 3) == MODEL.recommend(HISTORY, 3)
    assert MODEL.unknown([*HISTORY, "nowhere"]) == ["nowhere"]
    assert CandidateBus(CATALOGUE, [*HISTORY, "nowhere"]).unknown == ("nowhere",)


def test_an_unknown_candidate_is_refused_by_name():
    with pytest.raises(NotFound, match="nowhere"):
        MODEL.score(HISTORY, ["a3", "nowhere"])
    with pytest.raises(NotFound, match="nowhere"):
        MODEL.explain(HISTORY, "nowhere")


def test_an_item_named_twice_counts_once():
    assert MODEL.recommend(["a1", "a2", "a1", "a2"], 3) == MODEL.recommend(["a1", "a2"], 3)
    assert MODEL.score(HISTORY, ["a3", "a3"]).tolist() == [MODEL.score(HISTORY, ["a3"])[0]] * 2


@pytest.mark.parametrize(
    "ask",
    [
        lambda: MODEL.recommend("a1", 3),
        lambda: MODEL.recommend(HISTORY, 3, exclude="a3"),
        lambda: MODEL.score("a1"),
        lambda: MODEL.score_many(["a1"]),
        lambda: MODEL.explain("a1", "a3"),
        lambda: MODEL.unknown("a1"),
    ],
)
def test_one_text_is_no_sequence_of_ids(ask):
    with pytest.raises(InputError, match=r"takes a sequence of item ids: \['a[13]'\]"):
        ask()


# The catalogue


def test_a_catalogue_of_ids_alone_is_enough():
    bare = Catalogue(Item(id=item_id) for item_id in CATALOGUE.ids)
    model = EASE(regularization=10.0).fit(interactions(), bare)
    assert [one.item_id for one in model.recommend(HISTORY, 3)] == [
        one.item_id for one in MODEL.recommend(HISTORY, 3)
    ]
    assert bare.get("a1").title == "a1"
    assert [one.item_id for one in model.recommend(HISTORY, 3, "title contains b2")] == ["b2"]
    with pytest.raises(InvalidFilter, match="'genre'; there are: title"):
        model.recommend(HISTORY, 3, "genre in {Comedy}")


def test_the_tools_work_over_a_catalogue_of_ids_alone():
    bare = Catalogue(Item(id=item_id) for item_id in CATALOGUE.ids)
    bus = CandidateBus(bare, HISTORY)
    tools = {tool.name: tool for tool in toolbox(bare, [Popularity().fit(interactions(), bare)], bus)}
    assert "Added 3" in tools["retrieve"].invoke({"k": 3})
    assert "there are: title" in tools["narrow"].invoke({"where": "year > 1990"})
    assert "No candidate satisfies" in tools["narrow"].invoke({"where": "title contains zzz"})
    assert "the user has had it" in tools["look_up"].invoke({"title": "a1"})
    assert "Ordered by popularity" in tools["rank"].invoke({"by": "popularity"})
    assert "1. " in tools["show"].invoke({})


def test_a_filter_that_nothing_satisfies_gives_nothing():
    assert MODEL.recommend(HISTORY, 5, "year > 2050") == []
    assert MODEL.recommend([], 5, "year > 1990 and year < 1980") == []
    tools = toolbox(CATALOGUE, [MODEL], CandidateBus(CATALOGUE, HISTORY))
    assert "nothing that satisfies" in tools[0].invoke({"where": "year > 2050"})


def test_an_id_twice_in_the_catalogue_is_refused():
    with pytest.raises(InputError, match="'a' occurs twice"):
        Catalogue([Item(id="a"), Item(id="a")])


def test_an_empty_catalogue_and_foreign_interactions_are_refused():
    with pytest.raises(InputError, match="catalogue is empty"):
        EASE().fit(interactions(), Catalogue([]))
    with pytest.raises(InputError, match="None of the interactions"):
        EASE().fit(interactions(), Catalogue([Item(id="zzz")]))


# The interactions


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, 1e39, -1e300])
def test_a_value_that_is_no_finite_number_is_refused_or_reported(wrong):
    with pytest.raises(InputError, match="row 2 is broken: the value"):
        Interactions.from_rows([ROW, ("u", "a2", wrong, 2.0)])
    frame = pl.DataFrame({
        "user_id": ["u", "u"],
        "item_id": ["a1", "a2"],
        "rating": [5.0, wrong],
        "timestamp": [1, 2],
    })
    read = Interactions.from_frame(frame)
    assert (len(read), [row.row for row in read.broken]) == (1, [2])
    assert np.isfinite(read.value).all()


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_time_that_is_no_finite_number_is_refused_or_reported(wrong, tmp_path):
    with pytest.raises(InputError, match="row 2 is broken: the time"):
        Interactions.from_rows([ROW, ("u", "a2", 5.0, wrong)])
    file = tmp_path / "x.csv"
    file.write_text(f"user_id,item_id,rating,timestamp\nu,a1,5,1\nu,a2,5,{wrong}\n")
    read = Interactions.from_csv(file)
    assert (len(read), [row.row for row in read.broken]) == (1, [3])


@pytest.mark.parametrize("column", ["value", "time"])
def test_a_frame_that_was_not_checked_is_refused_by_the_fit(column):
    frame = interactions().frame
    unchecked = Interactions(frame.with_columns(pl.lit(math.nan).cast(frame[column].dtype).alias(column)))
    with pytest.raises(InputError, match=r"Interactions\.from_frame"):
        EASE().fit(unchecked, CATALOGUE)


def test_the_same_pair_twice_counts_once():
    twice = Interactions.from_rows([ROW, ROW, ("u", "a2", 5.0, 2.0), ("v", "a2", 5.0, 2.0)])
    assert Popularity().fit(twice, CATALOGUE).score([], ["a1", "a2"]).tolist() == [1, 2]


# The model


class Diverged(BaseRecommender):
    """Gives what a recommender must not give."""

    name = "diverged"

    def __init__(self, *, gives="nan", seed=0):
        super().__init__(seed=seed)
        self.gives = gives

    def _fit(self, interactions, catalogue):
        if self.gives == "error":
            raise InputError("it does not converge")

    def _score(self, history):
        scores = self._popularity.copy()
        if self.gives == "short":
            return scores[:-1]
        scores[3] = float(self.gives)
        return scores

    def _arrays(self):
        return {}

    def _restore(self, arrays):
        pass


@pytest.mark.parametrize("gives", ["nan", "inf", "-inf", "short"])
def test_scores_that_cannot_be_ranked_are_refused(gives):
    model = Diverged(gives=gives).fit(interactions(), CATALOGUE)
    for ask in (
        lambda: model.score(HISTORY),
        lambda: model.score_many([HISTORY]),
        lambda: model.recommend(HISTORY, 3),
    ):
        with pytest.raises(InputError, match=f"Diverged.*gives='{gives}'.*one finite number for each item"):
            ask()


def test_a_fit_that_fails_leaves_no_model():
    model = Diverged(gives="5").fit(interactions(), CATALOGUE)
    model.gives = "error"
    with pytest.raises(InputError, match="converge"):
        model.fit(interactions(seed=99), CATALOGUE)
    with pytest.raises(InputError, match="call fit"):
        model.recommend(HISTORY, 3)
