"""Conversations behind the user's door: a LangGraph checkpointer like any other, one user's only, and erasable."""

import operator
import threading
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from contracts.memory_reflections import proposed, reflect
from limner.errors import InputError, StaleClaim
from limner.memory import Memory, UserMemory


class State(TypedDict):
    said: Annotated[list[str], operator.add]


def echo(saver: BaseCheckpointSaver[Any]) -> Any:
    """A graph that repeats what it is told; told to ask, it waits for a person's answer first."""

    def answer(state: State) -> dict[str, list[str]]:
        last = state["said"][-1]
        if last.startswith("ask"):
            return {"said": [f"you answered {interrupt(last)}"]}
        return {"said": [f"you said {last}"]}

    graph = StateGraph(State)
    graph.add_node("listen", lambda state: {"said": []})
    graph.add_node("answer", answer)
    graph.add_edge(START, "listen")
    graph.add_edge("listen", "answer")
    graph.add_edge("answer", END)
    return graph.compile(checkpointer=saver)


def of(thread: str) -> dict[str, dict[str, str]]:
    return {"configurable": {"thread_id": thread}}


def said(graph: Any, thread: str) -> list[str]:
    return graph.get_state(of(thread)).values.get("said", [])


class CheckpointsContract:
    """Tests over one kind of database."""

    @pytest.fixture
    def memory(self) -> Memory:
        raise NotImplementedError

    @pytest.fixture
    def ada(self, memory) -> UserMemory:
        return memory.user("ada")

    async def test_the_published_conformance_suite_passes(self, memory) -> None:
        users = iter(range(100))

        @checkpointer_test(name="limner")
        async def saver():
            yield memory.user(f"user {next(users)}").checkpoints()

        report = await validate(saver)
        found = {name: result.failures for name, result in report.results.items()}
        assert found == {name: [] for name in found}
        assert all(result.tests_passed for result in report.results.values()), "nothing may be left out"

    def test_it_does_what_langgraphs_own_does(self, ada) -> None:
        ours, theirs = echo(ada.checkpoints()), echo(InMemorySaver())
        for graph in (ours, theirs):
            graph.invoke({"said": ["one"]}, of("a"))
            graph.invoke({"said": ["ask me"]}, of("a"))
            graph.invoke({"said": ["two"]}, of("b"))

        def told(graph: Any, thread: str) -> list[tuple[object, ...]]:
            history = graph.get_state_history(of(thread))
            return [(s.values, s.next, s.metadata["step"], len(s.tasks), len(s.interrupts)) for s in history]

        assert told(ours, "a") == told(theirs, "a")
        for graph in (ours, theirs):
            graph.invoke(Command(resume="yes"), of("a"))
            graph.update_state(of("b"), {"said": ["by hand"]})
            first = list(graph.get_state_history(of("b")))[-1]
            graph.invoke(None, first.config)
        assert told(ours, "a") == told(theirs, "a")
        assert told(ours, "b") == told(theirs, "b")

    def test_a_conversation_goes_on_from_another_handle(self, ada) -> None:
        echo(ada.checkpoints()).invoke({"said": ["ask me"]}, of("a"))
        again = echo(ada.checkpoints())
        assert again.get_state(of("a")).interrupts[0].value == "ask me"
        again.invoke(Command(resume="fine"), of("a"))
        assert said(again, "a") == ["ask me", "you answered fine"]

    async def test_async_graphs_use_it_too(self, ada) -> None:
        graph = echo(ada.checkpoints())
        await graph.ainvoke({"said": ["one"]}, of("a"))
        await graph.ainvoke({"said": ["two"]}, of("a"))
        state = await graph.aget_state(of("a"))
        assert state.values["said"] == ["one", "you said one", "two", "you said two"]
        assert [s.values async for s in graph.aget_state_history(of("a"), limit=1)] == [state.values]

    def test_threads_and_users_do_not_mix(self, memory, ada) -> None:
        bob = echo(memory.user("bob").checkpoints())
        graph = echo(ada.checkpoints())
        for number in range(3):
            for one, name in ((graph, "ada"), (bob, "bob")):
                one.invoke({"said": [f"{name} {number}"]}, of("same"))
                one.invoke({"said": [f"{name} other {number}"]}, of(f"other {number}"))
        assert len(said(graph, "same")) == len(said(bob, "same")) == 6
        assert all("bob" not in text for text in said(graph, "same"))
        listed = list(memory.user("bob").checkpoints().list(None))
        assert all("'ada " not in repr(one) for one in listed)
        assert len({one.config["configurable"]["thread_id"] for one in listed}) == 4
        ada.checkpoints().delete_thread("same")
        assert (said(graph, "same"), len(said(bob, "same"))) == ([], 6)
        memory.user("bob").forget_everything()
        assert said(bob, "same") == []
        assert said(graph, "other 1") != []

    def test_forgetting_cuts_every_conversation_from_where_it_came_in(self, ada) -> None:
        graph = echo(ada.checkpoints())
        graph.invoke({"said": ["hello"]}, of("long"))
        graph.invoke({"said": ["I see Dr Zylberstejn on Monday"]}, of("told"))
        graph.invoke({"said": ["good day"]}, of("apart"))
        before = list(ada.checkpoints().list(of("apart")))
        note = ada.observe("I see Dr Zylberstejn on Monday")
        graph.invoke({"said": ["what now"]}, of("long"))
        receipt = ada.forget(note.id)
        assert said(graph, "long") == ["hello", "you said hello"]
        assert said(graph, "told") == []
        assert list(ada.checkpoints().list(of("apart"))) == before
        assert receipt.checkpoints == 4 + 4
        graph.invoke({"said": ["and on"]}, of("long"))
        assert said(graph, "long")[-1] == "you said and on"

    def test_forgetting_a_proposition_cuts_them_too(self, ada) -> None:
        graph = echo(ada.checkpoints())
        graph.invoke({"said": ["hello"]}, of("a"))
        (held,) = reflect(ada, proposed(ada, "Lives in Porto.", ada.observe("I live in Porto")))
        graph.invoke({"said": ["more"]}, of("a"))
        ada.forget(held.id)
        assert said(graph, "a") == ["hello", "you said hello"]

    def test_a_run_under_way_brings_nothing_back(self, ada) -> None:
        note = ada.observe("I see Dr Zylberstejn on Monday")
        entered, go_on = threading.Event(), threading.Event()

        def slow(state: State) -> dict[str, list[str]]:
            entered.set()
            go_on.wait(10)
            return {"said": ["you see Dr Zylberstejn"]}

        graph = StateGraph(State)
        graph.add_node("slow", slow)
        graph.add_edge(START, "slow")
        graph.add_edge("slow", END)
        run = graph.compile(checkpointer=ada.checkpoints())
        failed: list[BaseException] = []

        def talk() -> None:
            try:
                run.invoke({"said": ["Dr Zylberstejn, when?"]}, of("a"))
            except StaleClaim as error:
                failed.append(error)

        thread = threading.Thread(target=talk)
        thread.start()
        entered.wait(10)
        ada.forget(note.id)
        go_on.set()
        thread.join()
        assert len(failed) == 1
        assert list(ada.checkpoints().list(None)) == []
        assert run.invoke({"said": ["hello"]}, of("b"))["said"][-1] == "you see Dr Zylberstejn"

    @pytest.mark.parametrize("name", ["", "  ", "x" * 257, "nul\0"])
    def test_a_thread_has_a_name_that_can_be_stored(self, ada, name) -> None:
        with pytest.raises(InputError):
            echo(ada.checkpoints()).invoke({"said": ["hello"]}, of(name))


class TestCheckpointsOnSQLite(CheckpointsContract):
    @pytest.fixture
    def memory(self, open_memory) -> Memory:
        return open_memory()


class TestCheckpointsOnPostgreSQL(CheckpointsContract):
    @pytest.fixture
    def memory(self, open_memory, shared_postgresql_url) -> Memory:
        return open_memory(database_url=shared_postgresql_url)
