"""What to do about what the user wants: ask one more thing, or recommend."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anyio import to_thread

from limner.agents.budget import Budget
from limner.agents.conversation.asking import best_question, chances, may_ask, wants_question
from limner.agents.conversation.dialogue import Dialogue
from limner.agents.conversation.options import ConversationOptions
from limner.agents.conversation.preferences import Held, Preferences
from limner.agents.conversation.question import Question
from limner.agents.conversation.weighing import ItemTexts, SayingWeights, sayings_of, votes_of
from limner.agents.recommendations import AgentStep, Recommendations
from limner.agents.recommender import RecommendingAgent, Talk
from limner.agents.wish import Wish
from limner.memory.user import UserMemory
from limner.tools import Catalogue, Filter, Recommender

__all__ = ["Suggester", "Suggestion"]

_NEAR = 30
_NO_ROUNDS = Budget(rounds=0)


@dataclass(frozen=True)
class Suggestion:
    """A question, or recommendations."""

    question: Question | None
    recommendations: Recommendations | None
    left_out: tuple[Held, ...] = ()
    """What was left out of what the user wants, because with it nothing would be left."""


class Suggester:
    """Finds what to ask or to recommend in a session.

    Args:
        agent: Ranks the catalogue for what is wanted, without a language model.
        catalogue: The items.
        recommenders: The agent's; the last says what goes with an item.
        item_type: What a person calls one of the items.
        weights: What is said counts; none are the defaults.
    """

    def __init__(
        self,
        agent: RecommendingAgent,
        catalogue: Catalogue,
        recommenders: Sequence[Recommender],
        item_type: str,
        weights: SayingWeights | None = None,
    ) -> None:
        self._agent = agent
        self._catalogue = catalogue
        self._knower = recommenders[-1]
        self._item_type = item_type
        self._weights = weights or SayingWeights()
        self._texts: ItemTexts | None = None

    async def suggest(
        self,
        user: UserMemory,
        dialogue: Dialogue,
        found: Preferences,
        options: ConversationOptions,
        progress: Callable[[AgentStep], None],
    ) -> Suggestion:
        """Return what to ask, or what to recommend.

        Args:
            user: Whose session it is.
            dialogue: The session; its newest turn is to be replied to.
            found: What they want by now.
            options: Of the conversation.
            progress: Called at each step.
        """
        barred = {*dialogue.shown, *found.barred}
        held, left_out = self._satisfiable(found.held, barred)
        wish = Wish(
            dialogue.turns[-1].text,
            Filter(conditions=tuple(dict.fromkeys(one.condition for one in held))),
            like=tuple(found.liked),
        )
        texts = await to_thread.run_sync(self._item_texts)
        talk = Talk(
            votes_of(found, self._catalogue, texts, self._near, self._weights), sayings_of(found, dialogue)
        )
        made = await self._agent.recommend(
            user,
            wish,
            options.show,
            budget=_NO_ROUNDS,
            exclude=barred,
            worded=False,
            talk=talk,
            progress=progress,
        )
        sure = float(chances(len(made.ranking))[: options.show].sum())
        best = None
        if may_ask(found, sure, options):
            best = best_question(made.ranking, self._catalogue, found, options, self._item_type)
        if best is not None and wants_question(found, sure, best, options):
            return Suggestion(best.question, None, left_out)
        return Suggestion(None, made, left_out)

    def _satisfiable(self, held: Sequence[Held], barred: set[str]) -> tuple[list[Held], tuple[Held, ...]]:
        """Return the conditions that something new satisfies together, the oldest wishes left out where it takes that."""
        kept: list[Held] = list(held)
        left_out: list[Held] = []
        while kept and not self._anything(kept, barred):
            # What somebody does not want is left out last.
            first = next((one for one in kept if not one.excludes), kept[0])
            kept.remove(first)
            left_out.append(first)
        return kept, tuple(left_out)

    def _anything(self, held: Sequence[Held], barred: set[str]) -> bool:
        where = Filter(conditions=tuple(dict.fromkeys(one.condition for one in held)))
        return any(item_id not in barred for item_id in self._catalogue.select(where))

    def _item_texts(self) -> ItemTexts:
        if self._texts is None:
            self._texts = ItemTexts(self._catalogue)
        return self._texts

    def _near(self, item_id: str) -> list[str]:
        return [scored.item_id for scored in self._knower.recommend([item_id], _NEAR)]
