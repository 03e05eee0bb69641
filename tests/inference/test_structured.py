"""Objects from models that obey, and from models that do not."""

from typing import Annotated, Any, Literal

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from loopback_server import Answer, loopback_server, said
from pydantic import BaseModel, Field

from limner.errors import ContextOverflow, MalformedOutput, ModelUnavailable
from limner.inference.language_model import language_model
from limner.inference.structured import response_format, structured
from limner.settings import Settings
from limner.testing import scripted_model

PROMPT = [SystemMessage("You take notes."), HumanMessage("We moved to Lisbon in May.")]


class Move(BaseModel):
    city: str
    month: str = "unknown"


GOOD = '{"city": "Lisbon", "month": "May"}'


async def ask(script: list[Any], max_tokens: int = 50) -> tuple[Move, Any]:
    model = scripted_model(script)
    return await structured(model, PROMPT, Move, stage="s", max_tokens=max_tokens), model.chat


@pytest.mark.parametrize(
    "text",
    [GOOD, f"```json\n{GOOD}\n```", f"Here it is: {GOOD} I hope that helps!", f"  {GOOD}\n"],
    ids=["bare", "fenced", "in a sentence", "blanks"],
)
async def test_an_object_is_found_in_what_a_plain_model_says(text: str) -> None:
    move, chat = await ask([text])
    assert move == Move(city="Lisbon", month="May")
    assert len(chat.asked) == 1


async def test_a_plain_model_is_told_the_schema_in_the_system_message() -> None:
    _, chat = await ask([GOOD])
    system, user = chat.asked[0]
    assert system.text.startswith("You take notes.")
    assert '"city"' in system.text
    assert user.text == "We moved to Lisbon in May."


@pytest.mark.parametrize(
    "bad",
    ["Lisbon, I think.", '{"city": "Lisbon"', '{"month": "May"}', '{"city": 5}', "", "null", "[]", "{}{}"],
    ids=["prose", "malformed", "missing", "wrong type", "empty", "null", "list", "two"],
)
async def test_a_bad_answer_goes_back_with_the_error(bad: str) -> None:
    move, chat = await ask([bad, GOOD])
    assert move.city == "Lisbon"
    again = chat.asked[1]
    assert [message.type for message in again] == ["system", "human", "ai", "human"]
    assert again[2].text == (bad or "(nothing)")
    assert "cannot be used" in again[3].text


async def test_two_retries_and_no_more() -> None:
    model = scripted_model(["one", "two", "three", GOOD])
    with pytest.raises(MalformedOutput) as caught:
        await structured(model, PROMPT, Move, stage="s", max_tokens=50)
    assert caught.value.raw == "three"
    assert model.ledger.total().calls == 3


async def test_a_cut_off_answer_is_not_parsed_even_if_it_looks_whole() -> None:
    with loopback_server([said(GOOD, finish="length"), said(GOOD)]) as server:
        model = language_model(Settings(base_url=server.url, model="m"))
        assert await structured(model, PROMPT, Move, stage="s", max_tokens=50) == Move(
            city="Lisbon", month="May"
        )
    assert "cut off after 50 tokens" in server.asked[1]["messages"][-1]["content"]


async def test_always_cut_off_is_malformed_with_the_raw_text() -> None:
    with loopback_server([said('{"city": "Lis', finish="length")]) as server:
        model = language_model(Settings(base_url=server.url, model="m"))
        with pytest.raises(MalformedOutput, match="cut off") as caught:
            await structured(model, PROMPT, Move, stage="s", max_tokens=5)
    assert caught.value.raw == '{"city": "Lis'


async def test_a_retry_without_room_is_malformed_not_overflow() -> None:
    long_prose = "word " * 580

    def script(body: dict[str, Any]) -> Answer:
        return said(long_prose)

    with loopback_server(script, dialect="vllm", context_length=600) as server:
        model = language_model(Settings(base_url=server.url, model="m"))
        with pytest.raises(MalformedOutput) as caught:
            await structured(model, PROMPT, Move, stage="s", max_tokens=50)
    assert caught.value.raw.startswith("word word")
    assert len(server.asked) == 1


async def test_a_first_prompt_without_room_is_an_overflow() -> None:
    with loopback_server([said(GOOD)], dialect="vllm", context_length=600) as server:
        model = language_model(Settings(base_url=server.url, model="m"))
        with pytest.raises(ContextOverflow):
            await structured(model, [HumanMessage("word " * 600)], Move, stage="s", max_tokens=50)


async def test_an_endpoint_that_goes_down_meanwhile_is_unavailable() -> None:
    with pytest.raises(ModelUnavailable):
        await ask(["prose", TimeoutError()])


@pytest.mark.parametrize("dialect", ["openai", "vllm", "llama.cpp"])
async def test_an_endpoint_is_constrained_by_the_schema(dialect: str) -> None:
    with loopback_server([said(GOOD)], dialect=dialect) as server:
        model = language_model(Settings(base_url=server.url, model="m"))
        await structured(model, PROMPT, Move, stage="s", max_tokens=50)
    sent = server.asked[0]["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["strict"] is True
    assert sent["json_schema"]["schema"]["additionalProperties"] is False
    assert [message["content"] for message in server.asked[0]["messages"]] == [m.text for m in PROMPT]


class Search(BaseModel):
    kind: Literal["search"]
    query: str


class Stop(BaseModel):
    kind: Literal["stop"]
    because: str | None = None


class Decision(BaseModel):
    step: Annotated[Search | Stop, Field(discriminator="kind")]


def test_openai_gets_its_strict_subset_and_others_what_pydantic_wrote() -> None:
    schema = Decision.model_json_schema()
    strict = response_format(schema, "openai", "Decision")["response_format"]["json_schema"]["schema"]
    assert strict["$defs"]["Stop"]["required"] == ["kind", "because"]
    assert "oneOf" not in str(strict)
    assert "discriminator" not in str(strict)
    loose = response_format(schema, "llama.cpp", "Decision")["response_format"]["json_schema"]["schema"]
    assert loose["$defs"]["Stop"]["required"] == ["kind"]
    assert loose["$defs"]["Stop"]["additionalProperties"] is False
    assert schema == Decision.model_json_schema(), "the caller's schema is left alone"


async def test_a_union_and_a_list_can_be_asked_for() -> None:
    decision = await structured(
        scripted_model(['{"step": {"kind": "stop"}}']), PROMPT, Decision, stage="s", max_tokens=50
    )
    assert isinstance(decision.step, Stop)
    assert await structured(scripted_model(["[1, 2]"]), PROMPT, list[int], stage="s", max_tokens=50) == [1, 2]
