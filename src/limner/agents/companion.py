"""The companion: answers questions from what is known of the user (summary plus retrieval, Richardson et al. 2023)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from limner.agents.budget import Budget
from limner.agents.ordinary import ORDINARY
from limner.agents.recommender import Recommendations, RecommendingAgent
from limner.agents.titles import titles_in
from limner.errors import ContextOverflow, InputError
from limner.inference import LanguageModel, load_prompt
from limner.inference.choose import choose
from limner.memory.records import Evidence, PortraitLine
from limner.memory.search import Recall
from limner.memory.user import UserMemory
from limner.profiles.context import Context, pack
from limner.profiles.portraitist import Portraitist
from limner.profiles.propositions.sentences import sentences
from limner.settings import RecallWeights
from limner.tools import Catalogue
from limner.tools.lines import described

__all__ = ["Answer", "Companion"]

_ANSWER_TOKENS = 160
_SHORTLIST = 5
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Answer:
    """An answer, with what it was given to rest on."""

    text: str
    portrait: tuple[PortraitLine, ...]
    """Portrait lines that the model saw."""
    recalled: tuple[Recall, ...]
    """Records that the search found for the question."""
    recommendations: Recommendations | None = None
    """The shortlist, where the question asked for something from the catalogue."""
    unchecked: tuple[str, ...] = ()
    """Words of the question that nothing could check; the text says so too."""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Spans of observations behind the portrait lines that the model saw."""
        return tuple(dict.fromkeys(e for line in self.portrait for e in line.evidence))

    @property
    def known(self) -> bool:
        """Whether anything was known that could bear on the question."""
        return bool(self.portrait or self.recalled or (self.recommendations and self.recommendations.items))


class Companion:
    """Answers one user's questions.

    Args:
        model: Writes the answers.
        portraitist: Draws the profile that goes in front.
        recommender: For questions that ask for something from the catalogue; none where there is no catalogue.
        catalogue: The recommender's.
        weights: Of the search.
        prompts: Folder of overriding prompt files.
    """

    def __init__(
        self,
        model: LanguageModel,
        portraitist: Portraitist,
        *,
        recommender: RecommendingAgent | None = None,
        catalogue: Catalogue | None = None,
        weights: RecallWeights | None = None,
        prompts: Path | None = None,
    ) -> None:
        self._model = model
        self._portraitist = portraitist
        self._recommender = recommender
        self._catalogue = catalogue
        self._weights = weights
        self._prompts = prompts

    async def ask(self, user: UserMemory, question: str, *, budget: int = 900) -> Answer:
        """Answer a question.

        Args:
            user: Whose.
            question: In words.
            budget: Most tokens of what is known that are put in front of the model.

        Raises:
            InputError: The question is empty.
            ContextOverflow: The question itself does not fit into the model's context.
            ModelError: The model failed.
        """
        if not question.strip():
            raise InputError("The question is empty.")
        prompt = load_prompt("agents/ask", self._prompts)
        with self._model.ledger.stage(user=user.user_id):
            context_length = await to_thread.run_sync(lambda: self._model.context_length)
            room = context_length - _ANSWER_TOKENS - 400
            asked = await to_thread.run_sync(self._model.count_tokens, question)
            if asked > room:
                raise ContextOverflow(asked + 400, context_length, _ANSWER_TOKENS)
            portrait = await self._portraitist.draw(user)
            context = await to_thread.run_sync(
                lambda: pack(
                    user,
                    question,
                    portrait=portrait,
                    budget=min(budget, room - asked),
                    count_tokens=self._model.count_tokens,
                    weights=self._weights,
                )
            )
            found = await self._shortlist(user, question)
            shortlist = "\n".join(f"- {described(r.item)}" for r in found.items) if found else ""
            messages = prompt.messages(notes=context.text, shortlist=shortlist, question=question)
            text = await self._model.acomplete(messages, stage="answer", max_tokens=_ANSWER_TOKENS)
        return self._checked(text.strip(), context, found)

    async def _shortlist(self, user: UserMemory, question: str) -> Recommendations | None:
        if self._recommender is None:
            return None
        prompt = load_prompt("agents/intent", self._prompts)
        intent = prompt.messages(item_type=self._recommender.item_type, question=question)
        choice = await choose(self._model, intent, ["recommend", "answer"], stage="understand")
        if choice.option != "recommend":
            return None
        # Rounds 0: the wish is understood and the base recommender filtered by it; no loop for a question in passing.
        return await self._recommender.recommend(
            user, question, _SHORTLIST, budget=Budget(rounds=0), worded=False
        )

    def _checked(self, text: str, context: Context, found: Recommendations | None) -> Answer:
        """Keep the answer to the shortlist, and say what could not be checked."""
        unchecked = found.wish.unchecked if found is not None else ()
        if unchecked:
            text = _without_claims_about(unchecked, text)
        if found is not None and not found.items:
            text = f"The catalogue has nothing new for you with {found.wish.where or 'these conditions'}."
        elif found is not None and not self._keeps_to(text, found):
            first = found.items[0]
            text = f"I would suggest {first.item.title}. {first.reason}"
        if unchecked:
            words = " or ".join(f'"{words}"' for words in unchecked)
            text += f"\nThe catalogue says nothing about {words}, so that is not checked."
        return Answer(text, context.portrait, context.recalled, found, unchecked)

    def _keeps_to(self, text: str, found: Recommendations) -> bool:
        """Whether an answer names an item of the shortlist, and no other item of the catalogue as if it were on it."""
        shortlist = [r.item.title for r in found.items]
        named = titles_in(text, [*shortlist, *(item.title for item in self._catalogue or ())])
        return bool(named) and set(named) <= set(shortlist)


def _without_claims_about(unchecked: Sequence[str], text: str) -> str:
    """Drop the sentences of an answer that take up words of the question which nothing could check."""
    words = {w for phrase in unchecked for w in _WORD.findall(phrase.casefold()) if w not in ORDINARY}
    for sentence in reversed(sentences(text)):
        if words & set(_WORD.findall(sentence.text.casefold())):
            text = text[: sentence.start] + text[sentence.end :]
    return text.strip()
