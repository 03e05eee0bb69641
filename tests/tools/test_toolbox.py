import re

import pytest
from langchain_core.messages import ToolMessage

from contracts.recommender_data import FILMS as ROWS
from contracts.recommender_data import catalogue, interactions
from limner.errors import InputError
from limner.tools import toolbox
from limner.tools.bus import CandidateBus
from limner.tools.recommenders import EASE, Popularity

FILMS = catalogue()
MODELS = [EASE(regularization=10.0).fit(interactions(), FILMS), Popularity().fit(interactions(), FILMS)]


@pytest.fixture
def bus():
    return CandidateBus(FILMS, ["a1", "a2"])


@pytest.fixture
def tools(bus):
    return {tool.name: tool for tool in toolbox(FILMS, MODELS, bus)}


def test_the_tools_of_a_box(tools):
    assert list(tools) == ["retrieve", "narrow", "look_up", "rank", "show"]


def test_retrieve_puts_candidates_on_the_bus_and_shows_them(tools, bus):
    said = tools["retrieve"].invoke({"where": "genre in {sci-fi}", "k": 5})
    assert set(bus.ids) == {"a3", "a4"}
    assert "Added 2" in said
    assert "Red Dust (1990), Sci-Fi, year 1990" in said
    assert bus.calls[-1].arguments["recommender"] == "ease"
    tools["retrieve"].invoke({"recommender": "popularity", "k": 50})
    assert len(bus) == 10


def test_what_cannot_be_found_is_explained(tools):
    tools["retrieve"].invoke({"k": 50})
    assert "nothing that satisfies" in tools["retrieve"].invoke({"where": "year > 2050"})
    assert "user has had all 1" in tools["retrieve"].invoke({"where": "genre in {Horror}"})
    assert "candidates already" in tools["retrieve"].invoke({"where": "genre in {Comedy}"})


def test_narrow_never_leaves_nothing(tools, bus):
    tools["retrieve"].invoke({"k": 50})
    assert "nothing was removed" in tools["narrow"].invoke({"where": "year > 2050"})
    assert len(bus) == 10
    assert "Removed 7, 3 candidates" in tools["narrow"].invoke({"where": "genre in {Comedy} and year > 1990"})
    assert "at least one condition" in tools["narrow"].invoke({"where": " "})


def test_look_up_says_where_an_item_stands(tools):
    tools["retrieve"].invoke({"where": "genre in {Comedy}"})
    assert "the user has had it" in tools["look_up"].invoke({"title": "the long orbit"})
    assert re.search(r"candidate number \d", tools["look_up"].invoke({"title": "Tea at Four"}))
    assert "not a candidate yet" in tools["look_up"].invoke({"title": "dead watr"})
    assert "nothing that is called" in tools["look_up"].invoke({"title": "Qwrtzp"})


def test_rank_by_a_recommender_or_a_number(tools, bus):
    assert "no candidates yet" in tools["rank"].invoke({"by": "year"})
    tools["retrieve"].invoke({"k": 50})
    tools["rank"].invoke({"by": "year", "descending": False})
    assert bus.ids[0] == "c1"
    tools["rank"].invoke({"by": "popularity"})
    assert bus.calls[-1].arguments == {"by": "popularity"}


def test_show_lists_numbers_that_stay(tools, bus):
    assert "no candidates yet" in tools["show"].invoke({})
    tools["retrieve"].invoke({"k": 50})
    number = bus.candidate("c1").number
    tools["rank"].invoke({"by": "year", "descending": False})
    shown = tools["show"].invoke({"n": 3})
    assert f"{number}. Dead Water (1975)" in shown
    assert len(shown.splitlines()) == 4


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("retrieve", {"where": "genre in {Comdy}"}, "nearest: Comedy"),
        ("retrieve", {"where": "gender in {Comedy}"}, "genre"),
        ("retrieve", {"where": "all the funny ones"}, "operator"),
        ("retrieve", {"recommender": "oracle"}, "'ease' or 'popularity'"),
        ("retrieve", {"k": 0}, "k: "),
        ("retrieve", {"k": 10_000}, "k: "),
        ("retrieve", {"where": "x" * 1000}, "where: "),
        ("narrow", {}, "where: "),
        ("narrow", {"where": "year > soon"}, "not a number"),
        ("look_up", {"title": ""}, "title: "),
        ("rank", {"by": "genre"}, "by: "),
        ("show", {"n": "many"}, "n: "),
    ],
)
def test_mistakes_go_back_to_the_model_and_change_nothing(tools, bus, tool, arguments, said):
    answer = tools[tool].invoke({"name": tool, "args": arguments, "id": "1", "type": "tool_call"})
    assert isinstance(answer, ToolMessage)
    assert said in answer.content
    assert bus.calls == ()
    assert len(bus) == 0


async def test_tools_can_be_awaited(tools, bus):
    await tools["retrieve"].ainvoke({"k": 3})
    assert len(bus) == 3


def test_no_id_is_ever_shown(bus):
    tools = {tool.name: tool for tool in toolbox(FILMS, MODELS, bus)}
    said = [tool.description + str(tool.args) for tool in tools.values()]
    said.append(tools["retrieve"].invoke({"k": 50}))
    said += [tools["look_up"].invoke({"title": row[1]}) for row in ROWS]
    said += [
        tools["rank"].invoke({"by": "year"}),
        tools["show"].invoke({"n": 50}),
        tools["narrow"].invoke({"where": "year > 1990"}),
    ]
    for item_id in FILMS.ids:
        assert not re.search(rf"\b{item_id}\b", "\n".join(said))


def test_descriptions_name_what_can_be_asked(tools):
    for name in ("retrieve", "narrow"):
        assert "Sci-Fi" in tools[name].description
        assert "1975 to 1998" in tools[name].description


def test_what_does_not_belong_together_is_refused(bus):
    with pytest.raises(InputError, match="name of its own"):
        toolbox(FILMS, [MODELS[0], MODELS[0]], bus)
    with pytest.raises(InputError, match="one recommender"):
        toolbox(FILMS, [], bus)
    with pytest.raises(InputError, match="catalogue"):
        toolbox(FILMS.without(["a1"]), MODELS, bus)
