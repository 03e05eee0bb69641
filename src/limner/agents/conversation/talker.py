"""What holds conversations over one catalogue, whoever with."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from limner.agents.companion import Companion
from limner.agents.conversation.graph import Parts
from limner.agents.conversation.options import ConversationOptions
from limner.agents.conversation.recording import OffTheRecord, Recorder
from limner.agents.conversation.session import Session
from limner.agents.conversation.suggesting import Suggester
from limner.agents.conversation.understanding import Understanding
from limner.agents.conversation.weighing import SayingWeights
from limner.agents.recommender import RecommendingAgent
from limner.inference import LanguageModel
from limner.memory.user import UserMemory
from limner.tools import Catalogue, Recommender

__all__ = ["Talker"]


class Talker:
    """Holds conversations over one catalogue; safe to share between sessions and threads.

    Args:
        catalogue: Nothing outside of it is recommended.
        recommenders: Fitted on it, the base first.
        item_type: What a person calls one of the items.
        model: Gives the language model when one is needed; none does without.
        companion: Gives who answers questions that are not about items; none answers no such questions.
        prompts: Folder of overriding prompt files.
        weights: What is said counts against the base recommender's list; none are the defaults.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        recommenders: Sequence[Recommender],
        *,
        item_type: str = "item",
        model: Callable[[], LanguageModel] | None = None,
        companion: Callable[[], Companion] | None = None,
        prompts: Path | None = None,
        weights: SayingWeights | None = None,
    ) -> None:
        self.catalogue = catalogue
        self._item_type = item_type
        self._companion = companion
        agent = RecommendingAgent(catalogue, recommenders, None, prompts, item_type=item_type)
        self._suggester = Suggester(agent, catalogue, recommenders, item_type, weights)
        self._understanding = Understanding(catalogue, item_type, model, prompts)

    def session(
        self,
        user: UserMemory,
        name: str,
        recorder: Recorder,
        options: ConversationOptions | None = None,
    ) -> Session:
        """Open a session, new or gone on with.

        Args:
            user: With whom.
            name: Of the session.
            recorder: Stores what happens in it.
            options: How it is held.
        """
        options = options or ConversationOptions()
        checkpointer: BaseCheckpointSaver[Any] = user.checkpoints() if options.record else InMemorySaver()
        parts = Parts(
            user=user,
            catalogue=self.catalogue,
            item_type=self._item_type,
            recorder=recorder if options.record else OffTheRecord(user),
            understanding=self._understanding,
            suggester=self._suggester,
            companion=self._companion,
            options=options,
        )
        return Session(name, parts, checkpointer)
