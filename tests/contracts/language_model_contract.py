"""What every language model does, whichever engine answers; subclass it and give it a `model` fixture.

The model need not be clever: it must answer, and obey constraints.
"""

import asyncio
from typing import Literal

from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import BaseModel

from limner.inference import LanguageModel
from limner.inference.choose import choose
from limner.inference.structured import structured

__all__ = ["Colour", "LanguageModelContract"]

PROMPT = [SystemMessage("You name colours."), HumanMessage("What colour is the sky by day?")]


class Colour(BaseModel):
    name: Literal["blue", "green"]
    sure: bool


class LanguageModelContract:
    async def test_answers_in_text_and_books_the_call(self, model: LanguageModel) -> None:
        with model.ledger.stage(user="ada"):
            text = await model.acomplete(PROMPT, stage="colours", max_tokens=8)
        assert isinstance(text, str)
        rows = [row for row in model.ledger.rows() if (row.stage, row.user) == ("colours", "ada")]
        assert len(rows) == 1
        assert rows[0].calls >= 1
        assert rows[0].prompt_tokens > 0
        assert rows[0].output_tokens > 0
        assert rows[0].seconds > 0

    async def test_gives_objects_that_are_valid(self, model: LanguageModel) -> None:
        colour = await structured(model, PROMPT, Colour, stage="object", max_tokens=60)
        assert colour.name in ("blue", "green")

    async def test_chooses_one_of_the_options(self, model: LanguageModel) -> None:
        choice = await choose(model, PROMPT, ["violet", "blue"], stage="choice")
        assert choice.option == ["violet", "blue"][choice.index]

    async def test_chooses_by_likelihood_or_falls_back(self, model: LanguageModel) -> None:
        choice = await choose(model, PROMPT, ["violet", "blue"], stage="choice", method="loglik")
        assert choice.option == ["violet", "blue"][choice.index]
        assert choice.scores is None or len(choice.scores) == 2

    async def test_answers_several_tasks_at_once(self, model: LanguageModel) -> None:
        answers = await asyncio.gather(
            *(model.acomplete(PROMPT, stage="together", max_tokens=4) for _ in range(3))
        )
        assert len(answers) == 3

    def test_answers_in_one_event_loop_after_another(self, model: LanguageModel) -> None:
        for _ in range(2):
            assert isinstance(asyncio.run(model.acomplete(PROMPT, stage="loops", max_tokens=4)), str)

    def test_counts_tokens(self, model: LanguageModel) -> None:
        assert model.count_tokens("") <= model.count_tokens("word") < model.count_tokens("word " * 50)
        assert model.count_tokens("one two three four") >= 4

    def test_says_what_it_is(self, model: LanguageModel) -> None:
        assert model.name
        assert model.context_length >= 512
        assert model.plan in ("small", "batch")
        assert model.dialect in ("llama.cpp", "vllm", "openai", "plain")
