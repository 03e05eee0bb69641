"""Who talks in the benchmark of conversations, and the systems that only list."""

from dataclasses import replace

import pytest

from contracts.recommender_data import catalogue, interactions
from limner.errors import InputError
from limner.evals.conversation.cases import movielens, redial
from limner.evals.conversation.redial import RedialData, RedialTurn
from limner.evals.conversation.systems import BaseList, Popular, WordSearch
from limner.tools import Catalogue, Dataset, Item
from limner.tools.recommenders import EASE

DATA = Dataset("made", catalogue(), interactions(), item_type="film")
CASES = movielens(DATA, "dev", None, 0)


def turn(dialogue, number, targets, mentioned=(), words="something scary"):
    context = (("seeker", "Hi there."), ("recommender", "What do you like?"), ("seeker", words))
    return RedialTurn(str(dialogue), number, context, tuple(targets), tuple(mentioned))


def redial_of(*turns):
    return RedialData(DATA.catalogue, turns, {})


def test_the_last_item_is_looked_for_and_nothing_of_it_is_known():
    for case in CASES.cases:
        items = DATA.interactions.by_user(case.person).frame["item"].to_list()
        assert (case.history, case.targets[0]) == (tuple(items[:-1]), items[-1])
        assert [event.item_id for _, event in case.events] == items[:-1]
        assert case.opening is None
        trained = CASES.dataset.interactions.by_user(case.person).frame["item"].to_list()
        assert trained == items[:-2]
    others = movielens(DATA, "report", None, 0)
    assert not {c.person for c in CASES.cases} & {c.person for c in others.cases}


def test_more_conversations_than_people_let_people_come_back_with_another_wish():
    people = len(CASES.cases)
    again = movielens(DATA, "dev", 2 * people + 1, 0).cases
    assert again[:people] == CASES.cases
    assert [c.id for c in again[people : people + 2]] == [f"{c.person}/2" for c in CASES.cases[:2]]
    assert [c.seed for c in again[::people]] == [0, 1, 2]
    assert again[people] == replace(CASES.cases[0], id=again[people].id, seed=1)
    assert movielens(DATA, "dev", 3, 0).cases == CASES.cases[:3]


def test_a_twin_of_the_target_is_found_too_unless_it_is_known():
    films = [*DATA.catalogue, Item(id="twin", title=DATA.catalogue.get(CASES.cases[0].targets[0]).title)]
    twice = replace(DATA, catalogue=Catalogue(films))
    assert movielens(twice, "dev", 1, 0).cases[0].targets == (*CASES.cases[0].targets, "twin")


def test_a_real_conversation_goes_on_where_something_was_recommended():
    ids = DATA.catalogue.ids
    turns = [turn(d, n, ids[n : n + 2], ids[:n]) for d in range(12) for n in (1, 3)]
    found = redial(redial_of(*turns), "report", None, 0)
    case = found.cases[0]
    assert case.opening == "Hi there. something scary"
    assert (case.history, case.targets) == (ids[:1], ids[1:3])
    assert [event.kind for _, event in case.events] == ["seen"]
    # The first turns of all dialogues come before the second of any.
    assert [c.id.partition("/")[2] for c in found.cases] == ["1"] * 6 + ["3"] * 6
    fitted = set(found.dataset.interactions.users)
    assert len(fitted) == 6
    assert not fitted & {c.person for c in found.cases}


def test_within_the_development_half_nobody_is_asked_about_who_was_fitted_on():
    turns = [turn(d, 1, DATA.catalogue.ids[3:4], DATA.catalogue.ids[:1]) for d in range(20)]
    found = redial(redial_of(*turns), "dev", None, 0)
    fitted, asked = set(found.dataset.interactions.users), {c.person for c in found.cases}
    assert len(fitted) == len(asked) == 5
    report = {c.person for c in redial(redial_of(*turns), "report", None, 0).cases}
    assert not fitted & asked
    assert not report & (fitted | asked)


def test_a_target_that_was_mentioned_before_is_none():
    ids = DATA.catalogue.ids
    turns = [turn(d, 1, ids[:2], ids[:1]) for d in range(4)] + [
        turn(d, 3, ids[:1], ids[:2]) for d in range(4)
    ]
    found = redial(redial_of(*turns), "report", None, 0)
    assert {c.targets for c in found.cases} == {ids[1:2]}
    assert (len(found.cases), found.left_out) == (2, 2)
    with pytest.raises(InputError, match="has 2 turns; 3 cannot"):
        redial(redial_of(*turns), "report", 3, 0)


async def shown(system, case, *said):
    talk = await system.begin(case)
    return [[item.id for item in (await talk.say(text)).items] for text in said]


@pytest.mark.parametrize(
    "system",
    [
        Popular(CASES.dataset, 3),
        WordSearch(CASES.dataset, 3),
        BaseList(EASE().fit(CASES.dataset.interactions, DATA.catalogue), 3),
    ],
    ids=lambda system: system.name,
)
async def test_a_list_goes_on_where_it_stopped_without_what_is_known(system):
    case = CASES.cases[0]
    turns = await shown(system, case, *["anything"] * 6)
    listed = [item_id for turn in turns for item_id in turn]
    assert sorted([*listed, *case.history]) == sorted(DATA.catalogue.ids)
    assert [len(turn) for turn in turns[:2]] == [3, 3]
    assert turns[-1] == []
    # Another conversation begins anew.
    assert await shown(system, case, "anything") == turns[:1]


async def test_the_search_takes_all_that_was_said():
    stranger = replace(CASES.cases[0], history=())
    genres = {item.id: item.attributes["genre"] for item in DATA.catalogue}
    first, second = await shown(WordSearch(CASES.dataset, 2), stranger, "horror", "with romance")
    assert "Horror" in genres[first[0]]
    assert "Romance" in genres[second[0]]
    popular = await shown(Popular(CASES.dataset, 2), stranger, "horror")
    assert await shown(WordSearch(CASES.dataset, 2), stranger, "zzz") == popular
