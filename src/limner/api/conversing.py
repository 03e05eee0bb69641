"""Conversations with a user; a part of `User`."""

import queue
import threading
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread

from limner.agents.conversation.dialogue import Dialogue
from limner.agents.conversation.options import ConversationOptions
from limner.agents.conversation.recording import Kept, Outcome
from limner.agents.conversation.reply import Piece, Reply
from limner.agents.recommendations import AgentStep
from limner.api.feedback import FEEDBACK_SOURCE, UserFeedback
from limner.errors import ConfigurationError, InputError, NotFound, RecordingRefused
from limner.memory.records import Observation, new_id
from limner.tools import Catalogue

if TYPE_CHECKING:
    from limner.agents.conversation.session import Session
    from limner.agents.conversation.talker import Talker
    from limner.api.limner import Limner

__all__ = ["CONVERSATION_SOURCE", "Conversation", "ConversationSummary", "UserConversing"]

CONVERSATION_SOURCE = "conversation"
"""Source of the observations that the turns of conversations become."""
_MAX_NAME = 200
_NOT_TO_BE_STORED = (RecordingRefused, NotFound)
"""Feedback that the user withdrew consent to, and on items that were taken out meanwhile: the conversation goes on without it."""


@dataclass(frozen=True)
class ConversationSummary:
    """A conversation that is stored."""

    session: str
    turns: int
    begun_at: datetime
    last_at: datetime


class UserConversing(UserFeedback):
    """The part of the door to one user by which they talk with limner."""

    def converse(
        self, session: str | None = None, *, options: ConversationOptions | None = None
    ) -> "Conversation":
        """Open a conversation about what to recommend: several turns, at any pace, gone on with by its name after a break or a crash.

        Each turn is an observation as soon as it is said; what it means for the portrait is drawn from it by `reflect`, like from anything
        else. `forget` takes it out of the conversation too.

        ```python
        chat = ada.converse()
        print(chat.say("Something tense from before 1990, no horror").text)
        print(chat.say("Why the first one?").text)
        ```

        Args:
            session: Its name; none begins a new one.
            options: How it is held.

        Raises:
            ConfigurationError: There is nothing to recommend from.
            InputError: The name is empty or longer than 200 characters.
        """
        if self._limner.world is None:
            raise ConfigurationError(
                "There is nothing to talk about: set LIMNER_DATASET, or open with dataset=…."
            )
        name = new_id() if session is None else session.strip()
        if not 0 < len(name) <= _MAX_NAME:
            raise InputError(f"The name of a conversation has 1 to {_MAX_NAME} characters.")
        return Conversation(self._limner, self, name, options or ConversationOptions())

    def conversations(self) -> list[ConversationSummary]:
        """Return the conversations that are stored, the one last gone on with first."""
        by_session: dict[str, list[Observation]] = {}
        for observation in self.memory.observations(source=CONVERSATION_SOURCE):
            if observation.session is not None:
                by_session.setdefault(observation.session, []).append(observation)
        found = [
            ConversationSummary(name, len(turns), turns[0].occurred_at, turns[-1].occurred_at)
            for name, turns in by_session.items()
        ]
        return sorted(found, key=lambda one: one.last_at, reverse=True)


class Conversation:
    """One conversation of a user; made by `User.converse`. One turn at a time: a second is refused until the first is replied to.

    Methods have an async twin with an `a` in front.
    """

    def __init__(
        self, limner: "Limner", user: UserConversing, session: str, options: ConversationOptions
    ) -> None:
        self._limner = limner
        self._user = user
        self.session = session
        """Its name, under which `converse` goes on with it."""
        self._options = options
        self._opened: Session | None = None
        self._talker: Talker | None = None
        self._lock = threading.Lock()

    def say(self, text: str) -> Reply:
        """Say something, and return the reply.

        Args:
            text: A turn, in words. Besides wishes, likings, refusals and critiques it may ask ("why the second?", "what is Alien about?",
                "what do you know about me?") and command ("forget that", "start over").

        Raises:
            InputError: It is empty, or another turn is in hand.
            InvalidObservation: It is too long; nothing was stored.
            RecordingRefused: Recording is paused, or consent was withdrawn; nothing was stored. `ConversationOptions(record=False)` talks off
                the record.
            StaleClaim: Something was forgotten while the reply was made; what was said is stored.
        """
        return self._limner.portal.run(partial(self.asay, text))

    async def asay(self, text: str) -> Reply:
        """Async twin of `say`."""
        reply = None
        async for event in self.astream(text):
            if isinstance(event, Reply):
                reply = event
        assert reply is not None
        return reply

    def stream(self, text: str) -> Iterator[AgentStep | Piece | Reply]:
        """Say something; yield what is done about it (`AgentStep`), the reply's text in pieces (`Piece`), and the `Reply` at last.

        Raises:
            LimnerError: As `say` does.
        """
        events: queue.SimpleQueue[AgentStep | Piece | Reply | None] = queue.SimpleQueue()

        async def pump() -> None:
            async for event in self.astream(text):
                events.put(event)

        with ThreadPoolExecutor(1, "limner-conversation") as thread:
            taken = thread.submit(self._limner.portal.run, pump)
            taken.add_done_callback(lambda _: events.put(None))
            while (event := events.get()) is not None:
                yield event
            taken.result()

    async def astream(self, text: str) -> AsyncIterator[AgentStep | Piece | Reply]:
        """Async twin of `stream`."""
        session = await self._session()
        async for event in session.stream(text):
            yield event

    def resume(self) -> Reply | None:
        """Reply to a turn that a killed process left without one; none where there is no such turn."""
        return self._limner.portal.run(self.aresume)

    async def aresume(self) -> Reply | None:
        """Async twin of `resume`."""
        return await (await self._session()).resume()

    def dialogue(self) -> Dialogue:
        """Return the conversation so far: the turns, what they were taken for, and what was said to them."""
        return self._limner.portal.run(self.adialogue)

    async def adialogue(self) -> Dialogue:
        """Async twin of `dialogue`."""
        return await (await self._session()).dialogue()

    async def _session(self) -> "Session":
        return await to_thread.run_sync(self._open)

    def _open(self) -> "Session":
        with self._lock:
            talker = self._limner.talker()
            if self._opened is None or self._talker is not talker:  # the catalogue has changed
                self._talker = talker
                recorder = _UserRecorder(self._user, self.session, talker.catalogue)
                self._opened = talker.session(self._user.memory, self.session, recorder, self._options)
            return self._opened


class _UserRecorder:
    """Stores a session as observations of the user."""

    records = True

    def __init__(self, user: UserConversing, session: str, catalogue: Catalogue) -> None:
        self._user = user
        self._session = session
        self._catalogue = catalogue

    def turn(self, key: str, text: str) -> str:
        stored = self._user.memory.observe(
            text, source=CONVERSATION_SOURCE, key=f"{CONVERSATION_SOURCE}/{key}", session=self._session
        )
        return stored.id

    def outcome(self, item_id: str, outcome: Outcome, turn: str) -> None:
        key = f"{_of(turn)}{outcome}/{item_id}"
        with suppress(*_NOT_TO_BE_STORED):
            self._user.feedback(self._catalogue.get(item_id), outcome, key=key, session=self._session)

    def shown(self, item_ids: Sequence[str], turn: str) -> None:
        items = [self._catalogue.get(item_id) for item_id in item_ids]
        with suppress(*_NOT_TO_BE_STORED):
            self._user.feedback_shown(items, key=f"{_of(turn)}shown", session=self._session)

    def turns(self) -> Sequence[Kept]:
        own = [
            o
            for o in self._user.memory.observations(source=CONVERSATION_SOURCE)
            if o.session == self._session
        ]
        shown: dict[str, list[str]] = {}
        for outcome in self._outcomes():
            if outcome.event is not None and outcome.event.kind == "shown" and outcome.key is not None:
                shown.setdefault(outcome.key.split("/")[1], []).append(outcome.event.item_id)
        return [
            Kept(o.id, o.text, tuple(shown.get(o.id, ()))) for o in sorted(own, key=lambda o: o.recorded_at)
        ]

    def forget(self, ids: Collection[str]) -> None:
        prefixes = tuple(_of(id) for id in ids)
        feedback = self._user.memory.observations(source=FEEDBACK_SOURCE)
        outcomes = [o.id for o in feedback if o.key is not None and o.key.startswith(prefixes)]
        self._user.memory.forget_observations([*ids, *outcomes])
        for id in ids:
            with suppress(NotFound):  # an observation, which is gone
                self._user.memory.forget(id)

    def _outcomes(self) -> list[Observation]:
        return [
            o for o in self._user.memory.observations(source=FEEDBACK_SOURCE) if o.session == self._session
        ]


def _of(turn: str) -> str:
    """Return what the keys of a turn's outcomes begin with."""
    return f"{CONVERSATION_SOURCE}/{turn}/"
