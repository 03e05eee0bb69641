"""A session of conversation with one user: what is said goes in, replies come out, and it can be gone on with at any time."""

import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from anyio import to_thread
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver

from limner.agents.conversation.dialogue import Dialogue, Told, Turn
from limner.agents.conversation.graph import Parts, State, conversation_graph
from limner.agents.conversation.reply import Piece, Reply, Suggested
from limner.agents.recommendations import AgentStep
from limner.errors import InputError
from limner.memory.records import new_id
from limner.tools import Catalogue

__all__ = ["Session"]


_TO_BE_ENDED = (("settle",), ("control",))
"""Steps that a next turn does not make up for."""


class Session:
    """One session; turns are taken one after the other, whoever says them.

    Args:
        name: Of the session.
        parts: What it works with.
        checkpointer: Where its state is kept.
    """

    def __init__(self, name: str, parts: Parts, checkpointer: BaseCheckpointSaver[Any]) -> None:
        self.name = name
        self._parts = parts
        self._checkpointer = checkpointer
        self._graph = conversation_graph(parts, checkpointer)
        self._config: RunnableConfig = {"configurable": {"thread_id": name}}
        self._busy = threading.Lock()

    async def dialogue(self) -> Dialogue:
        """Return the session as it stands: its turns, each with what was said to it."""
        return await self._current()

    async def stream(self, text: str) -> AsyncIterator[AgentStep | Piece | Reply]:
        """Take a turn of the user: yield the steps as they are taken, the reply's text piece by piece, and the reply at last.

        A turn before it that got no reply, because the process was killed, counts with what it says.

        Raises:
            InputError: The turn is empty, or another turn of this session is in hand.
            InvalidObservation: It is too long; nothing was stored.
            RecordingRefused: The user has recording paused; nothing was stored.
            StaleClaim: Something was forgotten while the reply was made; what was said is stored, and `resume` replies to it.
        """
        if not text.strip():
            raise InputError("There is nothing in this turn; say something.")
        if not self._busy.acquire(blocking=False):
            raise InputError(
                "A turn of this session is in hand; wait for its reply, or open another session."
            )
        try:
            if (await self._graph.aget_state(self._config)).next in _TO_BE_ENDED:
                async for _ in self._run(
                    None
                ):  # its reply was never told, but what it took the turn for counts
                    pass
            dialogue = await self._current()
            stored = await to_thread.run_sync(self._parts.recorder.turn, new_id(), text)
            async for event in self._run(_given(_heard(dialogue, stored, text))):
                yield event
        finally:
            self._busy.release()

    async def resume(self) -> Reply | None:
        """Reply to the newest turn if a killed process left it without a reply; none where it did not."""
        if not self._busy.acquire(blocking=False):
            return None
        try:
            dialogue = await self._current()
            state = await self._graph.aget_state(self._config)
            if dialogue.last is None or (dialogue.last.told is not None and not state.next):
                return None
            # Where the checkpoint has the turn it is gone on with; where it does not, the turn is taken from the beginning.
            begun = state.next and Dialogue.model_validate(state.values["dialogue"]) == dialogue
            async for event in self._run(None if begun else _given(dialogue)):
                if isinstance(event, Reply):
                    return event
        finally:
            self._busy.release()
        return None

    async def _run(self, given: State | None) -> AsyncIterator[AgentStep | Piece | Reply]:
        steps = self._graph.astream(given, self._config, stream_mode="custom", durability="sync")
        async for step in steps:
            assert isinstance(step, AgentStep)
            yield step
        state = await self._graph.aget_state(self._config)
        reply = self._reply(Dialogue.model_validate(state.values["dialogue"]).turns[-1])
        if state.values.get("forget"):
            await self._forget(state.values)
        else:
            await to_thread.run_sync(self._prune)
        for line in reply.text.splitlines(keepends=True):
            yield Piece(line)
        yield reply

    async def _current(self) -> Dialogue:
        """Return the dialogue with what is stored: turns that the checkpoint lost are there again, and those forgotten since are not."""
        state = await self._graph.aget_state(self._config)
        if not state.next and state.values.get("forget"):
            await self._forget(state.values)
            state = await self._graph.aget_state(self._config)
        kept = state.values.get("dialogue")
        dialogue = Dialogue.model_validate(kept) if kept else Dialogue(session=self.name)
        if not self._parts.recorder.records:
            return dialogue
        stored = await to_thread.run_sync(self._parts.recorder.turns)
        there = {one.observation for one in stored}
        dialogue = dialogue.without({turn.observation for turn in dialogue.turns} - there)
        known = {turn.observation: turn for turn in dialogue.turns}
        if len(known) == len(stored):
            return dialogue
        turns = []
        for number, one in enumerate(stored, start=1):
            told = Told(act="recommend", text="", shown=one.shown) if one.shown else None
            lost = Turn(number=number, text=one.text, observation=one.observation, told=told)
            turns.append(
                known[one.observation].model_copy(update={"number": number})
                if one.observation in known
                else lost
            )
        return dialogue.model_copy(update={"turns": tuple(turns)})

    async def _forget(self, values: Mapping[str, Any]) -> None:
        """Erase what the last turn wants erased, and go on from what is left."""
        ids = list(values["forget"])
        left = Dialogue.model_validate(values["dialogue"]).without(ids)
        await to_thread.run_sync(self._parts.recorder.forget, ids)
        # What is kept of an erased conversation is not kept by the checkpointer's own books either.
        await to_thread.run_sync(self._checkpointer.delete_thread, self.name)
        await self._graph.aupdate_state(self._config, _given(left), as_node="settle")

    def _prune(self) -> None:
        """Keep the newest checkpoint alone: it holds the whole session."""
        prune = getattr(self._checkpointer, "prune", None)
        if prune is not None and self._parts.recorder.records:
            prune([self.name], strategy="keep_latest")

    def _reply(self, turn: Turn) -> Reply:
        told = turn.told
        assert told is not None
        return Reply(
            text=told.text,
            act=told.act,
            items=_suggested(told, self._parts.catalogue),
            question=told.question,
            session=self.name,
            turn=turn.number,
            understood=turn.acts,
        )


def _heard(dialogue: Dialogue, observation: str, text: str) -> Dialogue:
    """Return the dialogue with a turn more."""
    number = max((turn.number for turn in dialogue.turns), default=0) + 1
    return dialogue.plus(Turn(number=number, text=text, observation=observation))


def _given(dialogue: Dialogue) -> State:
    """Return the state that a run begins with."""
    return {"dialogue": dialogue.model_dump(mode="json"), "forget": []}


def _suggested(told: Told, catalogue: Catalogue) -> tuple[Suggested, ...]:
    why = {one.item_id: one for one in told.why}
    found: Sequence[str] = [item_id for item_id in told.shown if item_id in catalogue]
    return tuple(
        Suggested(
            catalogue.get(item_id),
            why[item_id].reason if item_id in why else "",
            why[item_id].sentences if item_id in why else (),
            why[item_id].evidence if item_id in why else (),
        )
        for item_id in found
    )
