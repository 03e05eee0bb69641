"""limner itself as a system to talk to: a store in a folder of its own, users who observed what the case says, and real conversations."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from anyio import to_thread
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from limner.agents.conversation.acts import Act
from limner.agents.conversation.options import ConversationOptions
from limner.api.conversing import Conversation
from limner.api.limner import Limner
from limner.api.world import World
from limner.evals.conversation.cases import Case
from limner.evals.conversation.systems import Replied, Talk
from limner.inference import LanguageModel
from limner.inference.encoder import encoder as encoder_of
from limner.memory import Memory, NewObservation
from limner.settings import Settings

__all__ = ["Talking"]


class Talking:
    """limner's conversations; what is stored is gone when it is closed.

    Args:
        name: As it stands in the table.
        options: Of every conversation.
        world: The data set and its recommenders, which several systems may share.
        settings: For the encoder.
        model: The language model; none holds conversations that ask none.
    """

    def __init__(
        self,
        name: str,
        options: ConversationOptions,
        world: World,
        settings: Settings,
        model: LanguageModel | None = None,
    ) -> None:
        self.name = name
        self._options = options.model_copy(update={"model": model is not None})
        self._folder = tempfile.TemporaryDirectory(prefix="limner-conversations-", ignore_cleanup_errors=True)
        own = settings.model_copy(
            update={
                "home": Path(self._folder.name),
                "database_url": None,
                "chroma_url": None,
                "reflect_every": "manual",
            }
        )
        encoder = encoder_of(own)
        self._limner = Limner(
            own, Memory(own, encoder), encoder, model=model if model is not None else _silent(), world=world
        )

    async def begin(self, case: Case) -> Talk:
        """Return a new conversation with somebody of whom exactly the case's history is known."""
        user = self._limner.user(f"case-{case.id}")
        if case.events:
            await to_thread.run_sync(user.observe_many, observed(case))
        return _Conversation(user.converse(options=self._options))

    async def close(self) -> None:
        """Close the store and remove it."""
        await to_thread.run_sync(self._limner.close)
        self._folder.cleanup()


class _Conversation:
    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    async def say(self, text: str) -> Replied:
        reply = await self._conversation.asay(text)
        understood = tuple(_read_as(act) for act in reply.understood)
        return Replied(reply.text, tuple(one.item for one in reply.items), reply.question, understood)

    async def close(self) -> None:
        """The store keeps it."""


def observed(case: Case) -> list[NewObservation]:
    """Return the history of a case as observations, in their order."""
    found = []
    for place, (when, event) in enumerate(case.events):
        # Many share a second; a microsecond each keeps the order of the file.
        moment = datetime.fromtimestamp(when + place / 1e6, UTC)
        did = "Knows" if event.value is None else "Rated"
        text = f"{did} {event.title}" + ("" if event.value is None else f" {event.value:g}/5")
        found.append(NewObservation(text, "ratings", "user", moment, event.item_id, event))
    return found


def _silent() -> LanguageModel:
    """Return a model that says nothing, in place of one that would be loaded; calls of it are counted like any other."""
    return LanguageModel.wrap(FakeListChatModel(responses=["-"]), name="none", plan="small")


def _read_as(act: Act) -> str:
    told = act.model_dump(mode="json", exclude={"kind", "quote"}, exclude_defaults=True)
    return (
        f"{act.kind} “{act.quote}” {json.dumps(told, ensure_ascii=False)}"
        if told
        else f"{act.kind} “{act.quote}”"
    )
