import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.recommender_data import catalogue, interactions
from limner.errors import InputError, InvalidFilter, NotFound
from limner.tools.bus import CandidateBus
from limner.tools.catalogue import Catalogue, Item
from limner.tools.recommenders import EASE, Popularity

FILMS = catalogue()
EASE_MODEL = EASE(regularization=10.0).fit(interactions(), FILMS)
POPULARITY = Popularity().fit(interactions(), FILMS)


@pytest.fixture
def bus():
    return CandidateBus(FILMS, ["a1", "nowhere", "a2"], exclude=["b1"])


def test_retrieved_candidates_are_new_to_the_user_and_carry_their_scores(bus):
    call = bus.retrieve(EASE_MODEL, k=3)
    expected = EASE_MODEL.recommend(["a1", "a2"], 3, exclude=["b1"])
    assert bus.ids == tuple(scored.item_id for scored in expected) == call.added
    assert [candidate.scores for candidate in bus.top(3)] == [{"ease": scored.score} for scored in expected]
    assert bus.unknown == ("nowhere",)
    assert (call.number, call.tool, call.size) == (1, "retrieve", 3)


def test_a_second_retrieval_goes_behind_and_is_remembered_on_both(bus):
    bus.retrieve(EASE_MODEL, k=3)
    before = bus.ids
    call = bus.retrieve(POPULARITY, k=20)
    assert bus.ids[:3] == before
    assert set(bus.ids) == set(FILMS.ids) - {"a1", "a2", "b1"}
    assert set(call.added) == set(bus.ids) - set(before)
    first = bus.top(1)[0]
    assert set(first.scores) == {"ease", "popularity"}
    assert [call.number for call in first.calls] == [1, 2]


def test_narrowing_keeps_and_tells_why_the_others_went(bus):
    bus.retrieve(POPULARITY, k=20)
    call = bus.narrow("genre in {Comedy} and year > 1992")
    assert set(bus.ids) == {"b3", "b4"}
    assert set(call.removed) == {candidate.item.id for candidate in bus.removed}
    assert str(bus.removed[0].calls[-1]) == "narrow(where=genre in {Comedy} and year > 1992)"
    with pytest.raises(NotFound):
        bus.candidate("c1")


def test_what_was_removed_can_come_back_with_its_number(bus):
    bus.retrieve(POPULARITY, k=20)
    number = bus.candidate("c1").number
    bus.drop(["c1", "nowhere"], because="too bleak")
    assert "c1" not in bus
    with pytest.raises(NotFound):
        bus.numbered(number)
    bus.retrieve(POPULARITY, "title contains dead water")
    assert bus.numbered(number).item.id == "c1"
    assert [call.tool for call in bus.candidate("c1").calls] == ["retrieve", "drop", "retrieve"]
    assert bus.removed == ()


def test_a_wrong_filter_changes_nothing(bus):
    bus.retrieve(POPULARITY, k=20)
    before = bus.ids
    for act in (lambda: bus.narrow("genre in {Comdy}"), lambda: bus.retrieve(POPULARITY, "yaer > 3")):
        with pytest.raises(InvalidFilter):
            act()
    assert bus.ids == before
    assert len(bus.calls) == 1


def test_ranking_by_a_recommender_orders_by_its_scores(bus):
    bus.retrieve(POPULARITY, k=20)
    bus.rank(EASE_MODEL)
    scores = [candidate.scores["ease"] for candidate in bus.top(20)]
    assert scores == sorted(scores, reverse=True)


def test_ranking_by_a_number_puts_items_without_one_last(bus):
    bus.retrieve(POPULARITY, k=20)
    bus.sort("YEAR")
    assert bus.ids[0] == "a4"
    assert bus.ids[-1] == "c4"
    bus.sort("year", descending=False)
    assert bus.ids[0] == "c1"
    assert bus.ids[-1] == "c4"
    with pytest.raises(InvalidFilter):
        bus.sort("genre")


def test_reordering_is_refused_as_a_whole_when_one_is_no_candidate(bus):
    bus.retrieve(POPULARITY, k=20)
    before = bus.ids
    for wrong, error in ((["c1", "nowhere"], NotFound), (["c1", "a1"], NotFound), (["c1", "c1"], InputError)):
        with pytest.raises(error):
            bus.reorder(wrong, because="the model said so")
        assert bus.ids == before
    bus.reorder(["c3", "c1"], because="bleak first")
    assert bus.ids[:2] == ("c3", "c1")
    assert sorted(bus.ids) == sorted(before)
    assert bus.ids[2:] == tuple(item_id for item_id in before if item_id not in {"c1", "c3"})


def test_items_are_only_added_by_id_if_they_may(bus):
    bus.add(["a1", "nowhere", "b1", "c3"], because="named by the user")
    assert bus.ids == ("c3",)
    assert bus.top(1)[0].scores == {}


def test_the_same_film_under_a_second_id_is_barred_too():
    films = Catalogue([
        Item(id="1", title="Deceiver (1997)"),
        Item(id="2", title="Deceiver (1997)"),
        Item(id="3", title="Other"),
    ])
    bus = CandidateBus(films, ["1"])
    bus.add(["2", "3"], because="test")
    assert bus.ids == ("3",)


def test_top_asks_for_more_than_there_is(bus):
    assert bus.top(5) == []
    bus.retrieve(EASE_MODEL, k=2)
    assert len(bus.top(5)) == 2
    assert bus.top(-1) == []


ids = st.lists(st.sampled_from([*FILMS.ids, "nowhere"]), max_size=6)
wheres = st.sampled_from(["", "genre in {Comedy}", "year > 1990", "genre not in {Drama}", "year > 2050"])
actions = st.one_of(
    st.tuples(st.just("retrieve"), wheres, st.integers(0, 15)),
    st.tuples(st.just("narrow"), wheres, st.none()),
    st.tuples(st.just("add"), ids, st.none()),
    st.tuples(st.just("drop"), ids, st.none()),
    st.tuples(st.just("rank"), st.none(), st.none()),
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(history=ids, exclude=ids, doings=st.lists(actions, max_size=8))
def test_whatever_is_done_nothing_seen_and_nothing_foreign_gets_on(history, exclude, doings):
    bus = CandidateBus(FILMS, history, exclude)
    for what, argument, k in doings:
        match what:
            case "retrieve":
                bus.retrieve(EASE_MODEL, argument, k)
            case "narrow":
                bus.narrow(argument)
            case "add":
                bus.add(argument, because="test")
            case "drop":
                bus.drop(argument, because="test")
            case "rank":
                bus.rank(POPULARITY)
        assert not set(bus.ids) & (set(history) | set(exclude))
        assert set(bus.ids) <= set(FILMS.ids)
        assert bus.calls[-1].size == len(bus) == len(set(bus.ids))
        numbers = [candidate.number for candidate in (*bus.top(99), *bus.removed)]
        assert len(numbers) == len(set(numbers))
    for candidate in bus.top(99):
        assert candidate.calls[0].tool in {"retrieve", "add"}


def test_calls_from_several_threads_are_each_whole():
    bus = CandidateBus(FILMS)

    def work(where):
        for _ in range(20):
            bus.retrieve(POPULARITY, where)
            bus.rank(EASE_MODEL)
            bus.drop(bus.ids[:1], because="test")

    threads = [threading.Thread(target=work, args=(where,)) for where in ("year > 1990", "year < 1990", "")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [call.number for call in bus.calls] == list(range(1, 181))
    size = 0
    for call in bus.calls:
        size += len(call.added) - len(call.removed)
        assert call.size == size
