"""Choosing one of N."""

import math
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from loopback_server import Answer, loopback_server, said

from limner.errors import InputError, MalformedOutput, ModelError, ModelUnavailable
from limner.inference import LanguageModel
from limner.inference.choose import choose
from limner.inference.language_model import language_model
from limner.settings import Settings
from limner.testing import scripted_model

PROMPT = [HumanMessage("Is this the same?")]
NEUTRAL = [HumanMessage("Is N/A the same?")]
OPTIONS = ["same", "updates", "unrelated"]


def opened(url: str) -> LanguageModel:
    return language_model(Settings(base_url=url, model="m"))


@pytest.mark.parametrize("text", ["updates", "Updates.", '"updates"', " updates\n", "**updates**"])
async def test_a_plain_model_names_an_option(text: str) -> None:
    choice = await choose(scripted_model([text]), PROMPT, OPTIONS, stage="s")
    assert (choice.option, choice.index, choice.scores) == ("updates", 1, None)


async def test_a_plain_model_is_told_the_options() -> None:
    model = scripted_model(["same"])
    await choose(model, PROMPT, OPTIONS, stage="s")
    (asked,) = model.chat.asked[0]
    assert asked.text.startswith("Is this the same?")
    assert all(option in asked.text for option in OPTIONS)


async def test_a_plain_model_is_asked_again_twice() -> None:
    model = scripted_model(["it depends", "hm, the same one", "same"])
    assert (await choose(model, PROMPT, OPTIONS, stage="s")).index == 0
    with pytest.raises(MalformedOutput) as caught:
        await choose(scripted_model(["a", "b", "c"]), PROMPT, OPTIONS, stage="s")
    assert caught.value.raw == "c"


async def test_options_that_differ_in_case_alone_are_told_apart() -> None:
    assert (await choose(scripted_model(["A"]), PROMPT, ["a", "A"], stage="s")).option == "A"


@pytest.mark.parametrize("options", [[], ["one"], ["a", "a"], ["a", "a "], ["a", ""]])
async def test_options_that_are_no_choice_are_refused(options: list[str]) -> None:
    with pytest.raises(InputError):
        await choose(scripted_model(["a"]), PROMPT, options, stage="s")


async def test_likelihood_refuses_options_that_begin_alike() -> None:
    with pytest.raises(InputError):
        await choose(scripted_model(["a"]), PROMPT, ["same", "same day"], stage="s", method="loglik")


@pytest.mark.parametrize(
    ("dialect", "field"),
    [("llama.cpp", "grammar"), ("vllm", "structured_outputs"), ("openai", "response_format")],
)
async def test_each_dialect_is_constrained_in_its_own_way(dialect: str, field: str) -> None:
    answer = '{"choice": "updates"}' if dialect == "openai" else "updates"
    with loopback_server([said(answer)], dialect=dialect) as server:
        choice = await choose(opened(server.url), PROMPT, OPTIONS, stage="s")
    assert choice.option == "updates"
    assert "unrelated" in str(server.asked[0][field])
    assert len(server.asked) == 1


@pytest.mark.parametrize("dialect", ["llama.cpp", "vllm"])
async def test_a_server_that_ignores_the_constraint_is_found_out(dialect: str) -> None:
    with (
        loopback_server([said("I would say updates")], dialect=dialect) as server,
        pytest.raises(MalformedOutput, match="ignored"),
    ):
        await choose(opened(server.url), PROMPT, OPTIONS, stage="s")


async def test_an_openai_server_without_schemas_is_asked_in_words() -> None:
    with loopback_server([said("Well…"), said("unrelated")]) as server:
        assert (await choose(opened(server.url), PROMPT, OPTIONS, stage="s")).option == "unrelated"


async def test_quotes_in_options_do_not_break_the_grammar() -> None:
    options = ['say "hi"', "back\\slash"]
    with loopback_server([said(options[1])], dialect="llama.cpp") as server:
        assert (await choose(opened(server.url), PROMPT, options, stage="s")).index == 1
    assert server.asked[0]["grammar"] == r'root ::= "say \"hi\"" | "back\\slash"'


async def test_likelihood_compares_first_tokens() -> None:
    top = {"un": -0.2, " same": -2.0, "same": -3.0, "upd": -4.0, "s": -9.0, "x": -9.5}
    with loopback_server([said("un", top=top)], dialect="vllm") as server:
        choice = await choose(opened(server.url), PROMPT, OPTIONS, stage="s", method="loglik")
    assert choice.option == "unrelated"
    assert choice.scores is not None
    assert choice.scores[2] == pytest.approx(-0.2)
    assert choice.scores[0] == pytest.approx(math.log(math.exp(-2) + math.exp(-3) + math.exp(-9)))
    assert server.asked[0]["max_completion_tokens"] == 1
    assert server.asked[0]["top_logprobs"] == 20


async def test_a_token_that_begins_two_options_counts_for_neither() -> None:
    top = {"u": -0.1, "same": -1.0, "updates": -5.0, "zzz": -6.0}
    with loopback_server([said("u", top=top)], dialect="vllm") as server:
        choice = await choose(opened(server.url), PROMPT, OPTIONS, stage="s", method="loglik")
    assert choice.scores == pytest.approx((-1.0, -5.0, -6.0))


async def test_the_neutral_prompt_corrects_a_bias_and_is_asked_once() -> None:
    def script(body: dict[str, Any]) -> Answer:
        biased = {"updates": -0.1, "same": -3.0, "unrelated": -5.0}
        seen = {"updates": -0.4, "same": -1.5, "unrelated": -5.0}
        return said("updates", top=biased if "N/A" in body["messages"][0]["content"] else seen)

    with loopback_server(script, dialect="vllm") as server:
        model = opened(server.url)
        plain = await choose(model, PROMPT, OPTIONS, stage="s", method="loglik")
        for _ in range(2):
            corrected = await choose(model, PROMPT, OPTIONS, stage="s", method="loglik", neutral=NEUTRAL)
    assert plain.option == "updates"
    assert corrected.option == "same"
    assert corrected.scores == pytest.approx((1.5, -0.3, 0.0))
    assert sum("N/A" in str(body["messages"]) for body in server.asked) == 1


@pytest.mark.parametrize(
    "top", [None, {"Well": -0.1, "Hm": -2.0}], ids=["no logprobs", "no option among them"]
)
async def test_likelihood_falls_back_to_a_constraint(top: dict[str, float] | None) -> None:
    with loopback_server([said("Well", top=top), said("same")], dialect="vllm") as server:
        choice = await choose(opened(server.url), PROMPT, OPTIONS, stage="s", method="loglik")
    assert (choice.option, choice.scores) == ("same", None)
    assert "structured_outputs" in server.asked[1]


def refusing(body: dict[str, Any]) -> Answer:
    if "logprobs" in body:
        return Answer({"error": {"message": "logprobs are not supported"}}, status=400)
    return said("same")


async def test_an_endpoint_that_refuses_logprobs_is_asked_for_them_once() -> None:
    with loopback_server(refusing, dialect="vllm") as server:
        model = opened(server.url)
        for _ in range(3):
            choice = await choose(model, PROMPT, OPTIONS, stage="s", method="loglik", neutral=NEUTRAL)
            assert (choice.option, choice.scores) == ("same", None)
    assert ["logprobs" in body for body in server.asked] == [True, False, False, False]


async def test_a_refusal_of_the_prompt_itself_is_an_error_and_proves_nothing() -> None:
    def script(body: dict[str, Any]) -> Answer:
        if "bad" in body["messages"][0]["content"]:
            return Answer({"error": {"message": "content filter"}}, status=400)
        return said("same", top={"same": -0.1, "updates": -3.0})

    with loopback_server(script, dialect="vllm") as server:
        model = opened(server.url)
        with pytest.raises(ModelError, match="content filter"):
            await choose(model, [HumanMessage("bad")], OPTIONS, stage="s", method="loglik")
        assert (await choose(model, PROMPT, OPTIONS, stage="s", method="loglik")).scores is not None


async def test_a_server_that_is_down_is_not_asked_another_way() -> None:
    down = Answer({"error": {"message": "no key"}}, status=401)
    with loopback_server([down], dialect="vllm") as server, pytest.raises(ModelUnavailable):
        await choose(opened(server.url), PROMPT, OPTIONS, stage="s", method="loglik")
    assert len(server.asked) == 1
