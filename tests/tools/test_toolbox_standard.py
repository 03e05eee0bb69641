"""LangChain's own standard tests for tools."""

import pytest

from contracts.recommender_data import catalogue, interactions
from limner.tools import toolbox
from limner.tools.bus import CandidateBus
from limner.tools.recommenders import Popularity

unit_tests = pytest.importorskip("langchain_tests.unit_tests")

FILMS = catalogue()
POPULARITY = Popularity().fit(interactions(), FILMS)


def _tool(name):
    return next(
        tool for tool in toolbox(FILMS, [POPULARITY], CandidateBus(FILMS, ["a1"])) if tool.name == name
    )


class TestRetrieve(unit_tests.ToolsUnitTests):
    @property
    def tool_constructor(self):
        return _tool("retrieve")

    @property
    def tool_invoke_params_example(self):
        return {"recommender": "popularity", "where": "genre in {Comedy}", "k": 3}


class TestNarrow(unit_tests.ToolsUnitTests):
    @property
    def tool_constructor(self):
        return _tool("narrow")

    @property
    def tool_invoke_params_example(self):
        return {"where": "year > 1990"}


class TestLookUp(unit_tests.ToolsUnitTests):
    @property
    def tool_constructor(self):
        return _tool("look_up")

    @property
    def tool_invoke_params_example(self):
        return {"title": "Red Dust"}


class TestRank(unit_tests.ToolsUnitTests):
    @property
    def tool_constructor(self):
        return _tool("rank")

    @property
    def tool_invoke_params_example(self):
        return {"by": "popularity"}


class TestShow(unit_tests.ToolsUnitTests):
    @property
    def tool_constructor(self):
        return _tool("show")

    @property
    def tool_invoke_params_example(self):
        return {"n": 5}
