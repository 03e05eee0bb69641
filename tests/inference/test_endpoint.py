"""Endpoints as they are met in the wild: other dialects, down, slow, refusing."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from loopback_server import Answer, loopback_server, said

from contracts.language_model_contract import LanguageModelContract
from limner.errors import ContextOverflow, ModelError, ModelUnavailable
from limner.inference import LanguageModel, chat_model
from limner.inference.language_model import language_model
from limner.settings import Settings

PROMPT = [SystemMessage("Be brief."), HumanMessage("Hello?")]


def opened(url: str, **options: Any) -> LanguageModel:
    return language_model(Settings(base_url=url, model="m", **({"timeout_s": 20} | options)))


def obedient(body: dict[str, Any]) -> Answer:
    """Answer as a server that heeds every kind of constraint."""
    if "structured_outputs" in body:
        return said(body["structured_outputs"]["choice"][1])
    if "grammar" in body:
        return said("blue")
    if body.get("response_format", {}).get("json_schema", {}).get("name") == "choice":
        return said('{"choice": "blue"}')
    if "response_format" in body:
        return said('{"name": "blue", "sure": true}')
    return said("blue", top={"blue": -0.1, "violet": -3.0} if body.get("logprobs") else None, delay_s=0.01)


@pytest.mark.parametrize("dialect", ["openai", "vllm", "llama.cpp"])
class TestLanguageModelOnAnEndpoint(LanguageModelContract):
    @pytest.fixture
    def model(self, dialect: str) -> Iterator[LanguageModel]:
        with loopback_server(obedient, dialect=dialect) as server, opened(server.url) as model:
            yield model


@pytest.mark.parametrize("dialect", ["openai", "vllm", "llama.cpp"])
def test_the_dialect_is_found_by_asking_once(dialect: str) -> None:
    with loopback_server([said("x")], dialect=dialect) as server, opened(server.url) as model:
        assert server.paths == []
        assert [model.dialect, model.dialect] == [dialect, dialect]
        assert server.paths.count("/props") == 1


def test_the_context_is_what_the_endpoint_reports_unless_a_shorter_one_is_set() -> None:
    with loopback_server([said("x")], dialect="vllm", context_length=4000) as server:
        assert opened(server.url).context_length == 4000
        assert opened(server.url, context_length=1000).context_length == 1000
        assert opened(server.url, context_length=9000).context_length == 4000


def test_the_call_plan_of_an_endpoint_is_batch_unless_set() -> None:
    assert opened("http://127.0.0.1:1/v1").plan == "batch"
    assert opened("http://127.0.0.1:1/v1", call_plan="small").plan == "small"


async def test_seed_temperature_length_and_key_are_sent() -> None:
    with loopback_server([said("x")]) as server:
        model = opened(server.url, seed=7, temperature=0.3, api_key="secret")
        await model.acomplete(PROMPT, stage="s", max_tokens=11, stop=["\n"])
        await model.acomplete(PROMPT, stage="s", max_tokens=11, temperature=0.9)
    first, second = server.asked
    assert (first["seed"], first["temperature"], first["stop"]) == (7, 0.3, ["\n"])
    assert first["max_completion_tokens"] == 11
    assert second["temperature"] == 0.9
    assert server.keys == {"Bearer secret"}


async def test_cached_tokens_are_booked() -> None:
    with loopback_server([said("x", cached=30)]) as server:
        model = opened(server.url)
        await model.acomplete(PROMPT, stage="s", max_tokens=5)
    total = model.ledger.total()
    assert (total.prompt_tokens, total.cached_tokens, total.output_tokens) == (40, 30, 5)
    assert total.computed_tokens == 15


async def test_an_endpoint_that_is_down_is_unavailable_and_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    with pytest.raises(ModelUnavailable, match=url):
        await opened(url).acomplete(PROMPT, stage="s", max_tokens=5)


async def test_an_endpoint_that_comes_up_later_is_found_then() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        model = opened(f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
    with pytest.raises(ModelUnavailable):
        _ = model.dialect
    with loopback_server([said("x")], dialect="vllm") as server:
        later = opened(server.url)
        assert later.dialect == "vllm"


async def test_a_slow_endpoint_is_unavailable_after_the_time_out_and_booked() -> None:
    with loopback_server([said("late", delay_s=3)]) as server:
        model = opened(server.url, timeout_s=0.4)
        assert await model.adialect() == "openai"
        start = time.perf_counter()
        with pytest.raises(ModelUnavailable, match=r"within 0\.4 s"):
            await model.acomplete(PROMPT, stage="s", max_tokens=5)
        assert time.perf_counter() - start < 3
    assert model.ledger.total().calls == 1


async def test_a_failing_server_is_retried_and_then_unavailable() -> None:
    with (
        loopback_server([Answer({"error": {"message": "out of memory"}}, status=500)]) as server,
        pytest.raises(ModelUnavailable, match=r"HTTP 500.*out of memory"),
    ):
        await opened(server.url).acomplete(PROMPT, stage="s", max_tokens=5)
    assert len(server.asked) == 3


async def test_a_passing_failure_costs_nothing_but_time() -> None:
    with loopback_server([Answer({"error": {"message": "busy"}}, status=503), said("here")]) as server:
        assert await opened(server.url).acomplete(PROMPT, stage="s", max_tokens=5) == "here"


@pytest.mark.parametrize(("status", "says"), [(401, "LIMNER_API_KEY"), (404, "LIMNER_MODEL"), (429, "later")])
async def test_refusals_say_what_to_do(status: int, says: str) -> None:
    with (
        loopback_server([Answer({"error": {"message": "no"}}, status=status)]) as server,
        pytest.raises(ModelUnavailable, match=says),
    ):
        await opened(server.url, patience_s=0.6).acomplete(PROMPT, stage="s", max_tokens=5)


async def test_a_bad_request_is_an_error_of_its_own() -> None:
    with (
        loopback_server([Answer({"error": {"message": "unknown field"}}, status=400)]) as server,
        pytest.raises(ModelError, match="unknown field") as caught,
    ):
        await opened(server.url).acomplete(PROMPT, stage="s", max_tokens=5)
    assert not isinstance(caught.value, ModelUnavailable)


async def test_an_answer_that_is_no_chat_completion_is_a_model_error() -> None:
    with loopback_server([Answer("<html>welcome</html>")]) as server, pytest.raises(ModelError, match="127"):
        await opened(server.url).acomplete(PROMPT, stage="s", max_tokens=5)


LLAMA = {
    "error": {
        "code": 400,
        "message": "request (9030 tokens) exceeds the available context size (8192 tokens), try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 9030,
        "n_ctx": 8192,
    }
}
VLLM = {
    "error": {
        "code": 400,
        "type": "BadRequestError",
        "message": "This model's maximum context length is 2048 tokens. However, you requested 2500 tokens (2400 in the "
        "messages, 100 in the completion). Please reduce the length of the messages or completion.",
    }
}
OPENAI = {
    "error": {
        "code": "context_length_exceeded",
        "message": "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 "
        "tokens. Please reduce the length of the messages.",
    }
}
WORDLESS = {"error": {"code": "context_length_exceeded", "message": "Too long."}}
AT_LEAST = {
    "error": {
        "code": 400,
        "message": "This model's maximum context length is 2048 tokens. However, your prompt contains at least 2049 "
        "input tokens, which exceeds this limit even without any output tokens.",
    }
}


@pytest.mark.parametrize(
    ("body", "excess"), [(LLAMA, 838), (VLLM, 452), (OPENAI, 2000)], ids=["llama.cpp", "vllm", "openai"]
)
async def test_a_context_error_of_the_server_says_by_how_much(body: dict[str, Any], excess: int) -> None:
    with loopback_server([Answer(body, status=400)]) as server, pytest.raises(ContextOverflow) as caught:
        await opened(server.url).acomplete(PROMPT, stage="s", max_tokens=5)
    assert caught.value.excess == excess


@pytest.mark.parametrize("body", [WORDLESS, AT_LEAST])
async def test_a_context_error_without_numbers_is_estimated(body: dict[str, Any]) -> None:
    with loopback_server([Answer(body, status=400)]) as server:
        model = opened(server.url, context_length=2048)
        with pytest.raises(ContextOverflow) as short:
            await model.acomplete(PROMPT, stage="s", max_tokens=5)
        with pytest.raises(ContextOverflow) as long:
            await model.acomplete([HumanMessage("word " * 3000)], stage="s", max_tokens=5)
    assert short.value.excess > 0
    assert long.value.excess > 1000


@pytest.mark.parametrize("dialect", ["vllm", "llama.cpp"])
async def test_a_prompt_that_is_too_long_is_not_even_sent(dialect: str) -> None:
    with (
        loopback_server([said("x")], dialect=dialect, context_length=600) as server,
        pytest.raises(ContextOverflow) as caught,
    ):
        await opened(server.url).acomplete([HumanMessage("word " * 700)], stage="s", max_tokens=50)
    assert (caught.value.prompt_tokens, caught.value.reserved, caught.value.excess) == (700, 50, 150)
    assert server.asked == []


async def test_a_prompt_that_just_fits_is_sent() -> None:
    with loopback_server([said("x")], dialect="vllm", context_length=600) as server:
        await opened(server.url).acomplete([HumanMessage("word " * 550)], stage="s", max_tokens=50)
    assert len(server.asked) == 1


def test_tokens_are_counted_by_the_server_or_estimated() -> None:
    with loopback_server([said("x")], dialect="vllm") as server:
        assert opened(server.url).count_tokens("four words are here") == 4
    with loopback_server([said("x")]) as server:
        assert opened(server.url).count_tokens("four words are here") == 7


def test_closing_ends_a_request_that_waits() -> None:
    with loopback_server([said("late", delay_s=5)]) as server:
        model = opened(server.url)
        assert model.dialect == "openai"
        model.resources.callback(model._endpoint.connections.cut)  # what the embedded engine does
        caught: list[BaseException] = []

        def ask() -> None:
            try:
                asyncio.run(model.acomplete(PROMPT, stage="s", max_tokens=5))
            except ModelUnavailable as error:
                caught.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        while not server.asked:
            time.sleep(0.01)
        model.close()
        thread.join(timeout=4)
    assert len(caught) == 1


def test_a_chat_model_is_a_plain_langchain_one() -> None:
    with loopback_server([said("hello")]) as server:
        assert chat_model(Settings(base_url=server.url, model="m")).invoke("Hi").text == "hello"


async def test_no_content_is_logged_or_kept(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with loopback_server([said("answer-7c1")]) as server:
        model = opened(server.url)
        await model.acomplete([HumanMessage("question-9f2")], stage="s", max_tokens=5)
    kept = caplog.text + json.dumps([str(row) for row in model.ledger.rows()])
    assert "question-9f2" not in kept
    assert "answer-7c1" not in kept


async def test_a_password_in_the_url_is_used_and_never_shown() -> None:
    with loopback_server([Answer({"error": {"message": "no"}}, 400)]) as server:
        model = opened(server.url.replace("http://", "http://ada:hidden@"), patience_s=0.1)
        with pytest.raises(ModelError) as caught:
            await model.acomplete(PROMPT, stage="s", max_tokens=3)
        assert any(key and key.startswith("Basic") for key in server.keys)
        server.get = lambda path: Answer("", 503)
        with pytest.raises(ModelUnavailable) as busy:
            model.endpoint.models()
    for error in (caught.value, busy.value):
        assert server.url.removesuffix("/v1") in str(error)
        assert "hidden" not in str(error)
