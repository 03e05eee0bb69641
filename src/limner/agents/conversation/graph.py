"""One turn of a conversation as a LangGraph graph: read, decide, act, settle.

Its state is plain data: what a checkpoint holds can be read without rebuilding any object, and erasure finds every word in it. After
each node the state is stored before the next begins, so that a process that is killed goes on from there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict

from anyio import to_thread
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from limner.agents.companion import Answer
from limner.agents.conversation import replying
from limner.agents.conversation.acts import (
    About,
    Accepted,
    Asked,
    Farewell,
    Forget,
    Profile,
    Rejected,
    Seen,
    Small,
    Why,
)
from limner.agents.conversation.dialogue import Dialogue, Told, Turn
from limner.agents.conversation.forgetting import forgotten
from limner.agents.conversation.language import understands_only_english
from limner.agents.conversation.options import ConversationOptions
from limner.agents.conversation.preferences import preferences
from limner.agents.conversation.reading import Scene
from limner.agents.conversation.recording import Outcome, Recorder
from limner.agents.conversation.suggesting import Suggester
from limner.agents.conversation.understanding import Understanding
from limner.agents.recommendations import AgentStep
from limner.errors import ConfigurationError, DownloadError, ModelError
from limner.memory.records import Observation
from limner.memory.user import UserMemory
from limner.profiles.propositions.portraitist import lines_of
from limner.tools import Catalogue

__all__ = ["Graph", "Parts", "State", "conversation_graph", "scene_of"]

Graph = CompiledStateGraph[Any, Any, Any, Any]

_NOTHING = Told(act="answer", text="")
"""What was said to a turn that got no reply."""
_NO_MODEL = "I can only talk about what there is to recommend: answering that takes a language model."


class State(TypedDict, total=False):
    """What a checkpoint holds."""

    dialogue: dict[str, Any]
    """A `Dialogue` as plain data; its newest turn is the one in hand."""
    forget: list[str]
    """Ids of what is to be erased when the turn is done."""


class _Answers(Protocol):
    async def ask(self, user: UserMemory, question: str) -> Answer: ...


@dataclass(frozen=True)
class Parts:
    """What a session's nodes work with."""

    user: UserMemory
    catalogue: Catalogue
    item_type: str
    recorder: Recorder
    understanding: Understanding
    suggester: Suggester
    companion: Callable[[], _Answers] | None
    """Answers questions that are not about items; none where there is no language model."""
    options: ConversationOptions


def scene_of(dialogue: Dialogue, catalogue: Catalogue) -> Scene:
    """Return what the next turn of a session is heard in, less what the catalogue has no more."""
    told = dialogue.told
    question = told.question if told is not None else None
    return Scene(
        shown=tuple(item_id for item_id in dialogue.last_shown if item_id in catalogue),
        discussed=tuple(i for i in dialogue.shown if i not in dialogue.last_shown and i in catalogue),
        question=question if question is not None and question.attribute in catalogue.schema() else None,
        listed=len(told.listed) if told is not None else 0,
    )


def conversation_graph(parts: Parts, checkpointer: BaseCheckpointSaver[Any]) -> Graph:
    """Build the graph of a session's turns.

    Args:
        parts: What it works with.
        checkpointer: Where its state is kept after every node.
    """
    nodes = _Nodes(parts)
    graph: StateGraph[State, None, State, State] = StateGraph(State)
    graph.add_node("read", nodes.read)
    acting = {
        "suggest": nodes.suggest,
        "explain": nodes.explain,
        "answer": nodes.answer,
        "control": nodes.control,
    }
    for name, node in acting.items():
        graph.add_node(name, node)
        graph.add_edge(name, "settle")
    graph.add_node("settle", nodes.settle)
    graph.add_edge(START, "read")
    graph.add_conditional_edges("read", nodes.decide, list(acting))
    graph.add_edge("settle", END)
    return graph.compile(checkpointer=checkpointer)


class _Nodes:
    """The steps of one turn; each takes the state and returns what of it changes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def read(self, state: State) -> State:
        """Find out what the turn means, and that of any before it that nobody read yet."""
        dialogue = _dialogue(state)
        turns: list[Turn] = []
        for turn in dialogue.turns:
            before = dialogue.model_copy(update={"turns": tuple(turns)})
            turns.append(turn if turn.read else await self._understood(turn, before))
        return _state(dialogue.model_copy(update={"turns": tuple(turns)}))

    async def _understood(self, turn: Turn, before: Dialogue) -> Turn:
        read = await self._parts.understanding.understood(
            turn.text, scene_of(before, self._parts.catalogue), model=self._parts.options.model
        )
        if read.failure:
            _tell(AgentStep("understand", f"the model failed: {read.failure}"))
        _tell(AgentStep("understand", ", ".join(act.kind for act in read.acts) or "nothing"))
        return turn.model_copy(
            update={"read": True, "acts": read.acts, "unread": read.unread, "language": read.language}
        )

    def decide(self, state: State) -> str:
        """Return the node that acts on the turn: what it asks for comes before what it wishes."""
        dialogue = _dialogue(state)
        turn = dialogue.turns[-1]
        if any(_asks_to_forget(one) for one in dialogue.turns):
            return "control"
        if turn.language is not None:
            return "answer"
        kinds = {type(act) for act in turn.acts}
        thanks = any(isinstance(act, Small) and act.sort == "thanks" for act in turn.acts)
        routes: Sequence[tuple[set[type], str]] = (
            ({Profile}, "control"),
            ({Why}, "explain"),
            ({About}, "answer"),
        )
        for wanted, node in routes:
            if kinds & wanted:
                return node
        if Asked in kinds and kinds <= {Asked, Small}:
            return "answer"
        ending = {Accepted: "answer", Farewell: "control"}
        for kind, node in ending.items():
            if kind in kinds and kinds <= {Accepted, Farewell, Small, Seen}:
                return node
        # Who only says thanks before anything was shown has not said yet what they want.
        return "answer" if thanks and kinds <= {Small} and dialogue.shown else "suggest"

    async def suggest(self, state: State) -> State:
        """Ask one more thing, or recommend."""
        dialogue, parts = _dialogue(state), self._parts
        found = preferences(dialogue, parts.catalogue)
        suggestion = await parts.suggester.suggest(parts.user, dialogue, found, parts.options, _tell)
        turn, made = dialogue.turns[-1], suggestion.recommendations
        if suggestion.question is not None:
            return _replied(dialogue, replying.asked(suggestion.question, suggestion, turn, found))
        if made is None or not made.items:
            return _replied(dialogue, replying.nothing_left(turn, suggestion, found, parts.item_type))
        return _replied(dialogue, replying.recommended(made, suggestion, turn, found))

    async def explain(self, state: State) -> State:
        """Say why items were recommended."""
        dialogue = _dialogue(state)
        asked = [i for act in dialogue.turns[-1].acts if isinstance(act, Why) for i in act.item_ids]
        told = replying.explained(asked or dialogue.last_shown, dialogue, self._parts.catalogue)
        return _replied(dialogue, told)

    async def answer(self, state: State) -> State:
        """Answer what is no wish."""
        dialogue = _dialogue(state)
        turn = dialogue.turns[-1]
        if turn.language is not None:
            return _replied(dialogue, Told(act="answer", text=understands_only_english(turn.language)))
        for act in turn.acts:
            if isinstance(act, About):
                return _replied(dialogue, replying.about_items(act, self._parts.catalogue))
            if isinstance(act, Asked):
                told = await self._companion(turn)
                return await self.suggest(state) if told is None else _replied(dialogue, told)
        accepted = [i for act in turn.acts if isinstance(act, Accepted) for i in act.item_ids]
        if accepted:
            return _replied(dialogue, replying.taken(accepted, self._parts.catalogue))
        small = next((act for act in turn.acts if isinstance(act, Small)), None)
        return _replied(dialogue, replying.small_talk(small) if small else Told(act="answer", text="Good."))

    async def _companion(self, turn: Turn) -> Told | None:
        """Return an answer; none where what is asked for is an item, which is for the session to recommend."""
        if self._parts.companion is None or not self._parts.options.model:
            return Told(act="answer", text=_NO_MODEL)
        try:
            companion = await to_thread.run_sync(self._parts.companion)
            answer = await companion.ask(self._parts.user, turn.text)
        except (ModelError, ConfigurationError, DownloadError) as error:
            return Told(act="answer", text=f"I cannot answer that now, the language model failed: {error}")
        if answer.recommendations is not None:
            return None
        evidence = [turn.observation, *(e.observation_id for e in answer.evidence)]
        for recall in answer.recalled:
            record = recall.record
            evidence += (
                [record.id]
                if isinstance(record, Observation)
                else [e.observation_id for e in record.evidence]
            )
        return Told(
            act="answer",
            text=answer.text,
            evidence=tuple(dict.fromkeys(evidence)),
        )

    async def control(self, state: State) -> State:
        """Do what the user wants done with the conversation or what is known about them."""
        dialogue, parts = _dialogue(state), self._parts
        for place, turn in enumerate(dialogue.turns, start=1):
            if _asks_to_forget(turn):
                so_far = dialogue.model_copy(update={"turns": dialogue.turns[:place]})
                wish = next(act for act in turn.acts if isinstance(act, Forget))
                told, ids = await to_thread.run_sync(forgotten, wish, so_far, parts.user)
                return {**_replied(dialogue, told), "forget": list(ids)}
        for act in dialogue.turns[-1].acts:
            if isinstance(act, Profile):
                propositions = await to_thread.run_sync(parts.user.propositions)
                found = preferences(dialogue, parts.catalogue)
                return _replied(dialogue, replying.about_user(lines_of(propositions), found, dialogue))
        return _replied(dialogue, Told(act="control", text="Until next time."))

    async def settle(self, state: State) -> State:
        """Store what became of the items that the turn is about, and which were shown in reply."""
        dialogue, recorder = _dialogue(state), self._parts.recorder
        turn = dialogue.turns[-1]
        for one in dialogue.turns:
            if one is turn or one.told is None:  # the latter are of a run that did not get so far
                for item_id, outcome in _outcomes(one):
                    await to_thread.run_sync(recorder.outcome, item_id, outcome, one.observation)
        if turn.told is not None and turn.told.shown:
            await to_thread.run_sync(recorder.shown, turn.told.shown, turn.observation)
        # What was stored once is not stored again, whatever is forgotten of it.
        done = tuple(
            one if one.told is not None else one.model_copy(update={"told": _NOTHING})
            for one in dialogue.turns
        )
        return _state(dialogue.model_copy(update={"turns": done}))


def _asks_to_forget(turn: Turn) -> bool:
    """Whether a turn wants something forgotten that nobody has seen to yet."""
    return turn.told is None and any(isinstance(act, Forget) for act in turn.acts)


def _outcomes(turn: Turn) -> list[tuple[str, Outcome]]:
    found: list[tuple[str, Outcome]] = []
    for act in turn.acts:
        match act:
            case Accepted():
                found += [(item_id, "accepted") for item_id in act.item_ids]
            case Rejected():
                found += [(item_id, "rejected") for item_id in act.item_ids]
            case Seen():
                found += [(item_id, "seen") for item_id in act.item_ids]
            case _:
                pass
    return found


def _dialogue(state: State) -> Dialogue:
    return Dialogue.model_validate(state["dialogue"])


def _state(dialogue: Dialogue) -> State:
    return {"dialogue": dialogue.model_dump(mode="json")}


def _replied(dialogue: Dialogue, told: Told) -> State:
    return _state(dialogue.with_last(dialogue.turns[-1].model_copy(update={"told": told})))


def _tell(step: AgentStep) -> None:
    get_stream_writer()(step)
