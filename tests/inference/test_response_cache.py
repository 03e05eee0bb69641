"""Answers kept by the content of the request: what makes two requests the same, and what is never kept."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.language_models.chat_models import SimpleChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, Generation
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests.cache import AsyncCacheTestSuite, SyncCacheTestSuite
from loopback_server import Answer, loopback_server, said

from limner.errors import ModelError, ModelUnavailable, StoreError
from limner.inference import LanguageModel
from limner.inference.language_model import language_model
from limner.inference.response_cache import ResponseCache, with_cache
from limner.settings import Settings

PROMPT = [SystemMessage("Be brief."), HumanMessage("Hello?")]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ResponseCache]:
    with ResponseCache(tmp_path / "responses.sqlite") as cache:
        yield cache


def opened(url: str, cache: ResponseCache | None, **options: Any) -> LanguageModel:
    return language_model(Settings(base_url=url, **({"model": "m", "timeout_s": 20} | options)), cache=cache)


class TestCacheContract(SyncCacheTestSuite):
    @pytest.fixture
    def cache(self, tmp_path: Path) -> Iterator[ResponseCache]:
        with ResponseCache(tmp_path / "responses.sqlite") as cache:
            yield cache


class TestAsyncCacheContract(AsyncCacheTestSuite):
    @pytest.fixture
    async def cache(self, tmp_path: Path) -> Any:
        with ResponseCache(tmp_path / "responses.sqlite") as cache:
            yield cache


@pytest.mark.parametrize("dialect", ["openai", "vllm", "llama.cpp"])
async def test_a_repeated_request_is_answered_without_any_http_request(
    cache: ResponseCache, dialect: str
) -> None:
    answer = said("blue", top={"blue": -0.25, "red": -1.5}, cached=8)
    with loopback_server([answer], dialect=dialect) as server, opened(server.url, cache) as model:
        first = await model.areply(PROMPT, stage="s", max_tokens=4, top_logprobs=2, stop=["\n"])
        paths = len(server.paths)
        again = await model.areply(PROMPT, stage="s", max_tokens=4, top_logprobs=2, stop=["\n"])
        assert len(server.paths) == paths
        assert len(server.asked) == 1
        assert again == first
        assert again.first_token == {"blue": -0.25, "red": -1.5}


async def test_the_answer_outlives_the_model_the_cache_and_the_server(tmp_path: Path) -> None:
    for _ in range(2):
        with (
            ResponseCache(tmp_path / "r") as cache,
            loopback_server([said("blue")]) as server,
        ):
            # The server's address is another one each time; a client of its own tells who it is.
            chat = ChatOpenAI(base_url=server.url, api_key="none", model="m", use_responses_api=False)
            model = LanguageModel.wrap(with_cache(chat, cache, "weights 1"), dialect="openai")
            assert await model.acomplete(PROMPT, stage="s", max_tokens=4) == "blue"
            asked = len(server.asked)
    assert asked == 0


ASKED: dict[str, Any] = {"stage": "s", "max_tokens": 4, "body": {"grammar": "a"}}
DIFFERENT: dict[str, dict[str, Any]] = {
    "max_tokens": {"max_tokens": 5},
    "temperature": {"temperature": 0.5},
    "no_temperature_is_not_zero": {"temperature": 0.1},
    "stop": {"stop": ["x"]},
    "other_stop": {"stop": ["y"]},
    "body": {"body": {"grammar": "b"}},
    "more_body": {"body": {"grammar": "a", "seed": 4}},
    "no_body": {"body": None},
    "logprobs": {"top_logprobs": 1},
    "more_logprobs": {"top_logprobs": 2},
}


async def test_requests_that_differ_share_no_answer(cache: ResponseCache) -> None:
    with loopback_server([said("x")], dialect="llama.cpp") as server, opened(server.url, cache) as model:
        for count, change in enumerate([{}, *DIFFERENT.values()], start=1):
            await model.areply(PROMPT, **(ASKED | change))
            assert len(server.asked) == count, change
        for change in ({}, *DIFFERENT.values()):
            await model.areply(PROMPT, **(ASKED | change))
        assert len(server.asked) == len(cache) == len(DIFFERENT) + 1


@pytest.mark.parametrize(
    "prompt",
    [
        [SystemMessage("Be brief!"), HumanMessage("Hello?")],
        [HumanMessage("Be brief."), HumanMessage("Hello?")],
        [HumanMessage("Hello?"), SystemMessage("Be brief.")],
        [SystemMessage("Be brief."), AIMessage("Hello?")],
        [SystemMessage("Be brief.")],
        [*PROMPT, AIMessage("Hi")],
    ],
)
async def test_prompts_that_differ_share_no_answer(cache: ResponseCache, prompt: list[BaseMessage]) -> None:
    with loopback_server([said("x")]) as server, opened(server.url, cache) as model:
        await model.areply(PROMPT, **(ASKED | {"body": None}))
        await model.areply(prompt, **(ASKED | {"body": None}))
        assert len(server.asked) == 2


@pytest.mark.parametrize("change", [{"model": "n"}, {"seed": 99}, {"temperature": 0.25}], ids=str)
async def test_settings_that_differ_share_no_answer(cache: ResponseCache, change: dict[str, Any]) -> None:
    with loopback_server([said("x")]) as server:
        for options in ({}, change):
            with opened(server.url, cache, **options) as model:
                await model.acomplete(PROMPT, stage="s", max_tokens=4)
        assert len(server.asked) == 2


async def test_two_endpoints_share_no_answer(cache: ResponseCache) -> None:
    with loopback_server([said("x")]) as one, loopback_server([said("y")]) as other:
        for server, answer in ((one, "x"), (other, "y")):
            with opened(server.url, cache) as model:
                assert await model.acomplete(PROMPT, stage="s", max_tokens=4) == answer


async def test_a_patient_client_and_another_key_find_the_same_answer(cache: ResponseCache) -> None:
    with loopback_server([said("x")]) as server:
        for options in ({}, {"timeout_s": 7}, {"api_key": "secret"}):
            with opened(server.url, cache, **options) as model:
                await model.acomplete(PROMPT, stage="s", max_tokens=4)
        assert len(server.asked) == 1


async def test_the_ledger_tells_reused_calls_apart(cache: ResponseCache) -> None:
    with loopback_server([said("x", cached=8, delay_s=0.05)]) as server, opened(server.url, cache) as model:
        await model.acomplete(PROMPT, stage="s", max_tokens=4)
        (fresh,) = model.ledger.rows()
        await asyncio.gather(
            *(model.acomplete(PROMPT, stage="s", max_tokens=4) for _ in range(4)),
            model.acomplete([HumanMessage("Another")], stage="t", max_tokens=4),
        )
        row, other = model.ledger.rows()
        assert (fresh.calls, fresh.reused, other.calls, other.reused) == (1, 0, 1, 0)
        assert (row.calls, row.reused, row.seconds) == (5, 4, fresh.seconds)
        assert (row.prompt_tokens, row.cached_tokens, row.output_tokens) == (200, 40, 25)
        assert (model.ledger.total().calls, model.ledger.total().reused) == (6, 4)


@pytest.mark.parametrize("dialect", ["openai", "llama.cpp"])
async def test_a_call_that_failed_leaves_nothing(cache: ResponseCache, dialect: str) -> None:
    script = [Answer({"error": {"message": "no"}}, status=400), Answer("<html>", status=200), said("x")]
    with loopback_server(script, dialect=dialect) as server, opened(server.url, cache) as model:
        for _ in range(2):
            with pytest.raises(ModelError):
                await model.acomplete(PROMPT, stage="s", max_tokens=4)
        assert len(cache) == 0
        assert model.ledger.total().reused == 0
        assert await model.acomplete(PROMPT, stage="s", max_tokens=4) == "x"
        assert len(cache) == 1


async def test_a_call_that_took_too_long_leaves_nothing(cache: ResponseCache) -> None:
    with loopback_server([said("x", delay_s=0.6), said("y")]) as server:
        with opened(server.url, cache, timeout_s=0.2) as model, pytest.raises(ModelUnavailable):
            await model.acomplete(PROMPT, stage="s", max_tokens=4)
        assert len(cache) == 0


@pytest.mark.parametrize(
    ("finish", "kept"),
    [("stop", 1), ("length", 1), ("error", 0), ("abort", 0), ("content_filter", 0), (None, 0)],
)
async def test_only_whole_answers_are_kept(cache: ResponseCache, finish: Any, kept: int) -> None:
    with loopback_server([said("x", finish=finish)]) as server, opened(server.url, cache) as model:
        await model.acomplete(PROMPT, stage="s", max_tokens=4)
    assert len(cache) == kept


async def test_nothing_is_kept_unless_asked_for(tmp_path: Path) -> None:
    with loopback_server([said("x")]) as server, opened(server.url, None) as model:
        for _ in range(2):
            await model.acomplete(PROMPT, stage="s", max_tokens=4)
        assert len(server.asked) == 2
        assert model.chat.cache is None


class Parrot(SimpleChatModel):
    """A chat model that tells nothing of itself."""

    word: str
    asked: list[int] = []  # noqa: RUF012 - pydantic copies it

    def _call(self, *_: Any, **__: Any) -> str:
        self.asked.append(1)
        return self.word

    @property
    def _llm_type(self) -> str:
        return "parrot"


async def test_any_chat_model_can_be_wrapped_and_is_not_changed(cache: ResponseCache) -> None:
    chats = [Parrot(word="a"), Parrot(word="b")]
    for _ in range(2):
        for chat in chats:
            model = LanguageModel.wrap(chat, name=f"parrot {chat.word}", cache=cache)
            assert await model.acomplete(PROMPT, stage="s", max_tokens=4) == chat.word
            assert chat.cache is None
    assert [len(chat.asked) for chat in chats] == [1, 1]
    assert model.ledger.total().reused == 1


async def test_a_copy_with_another_temperature_is_another_model(cache: ResponseCache) -> None:
    with loopback_server([said("x")]) as server:
        chat = ChatOpenAI(base_url=server.url, api_key="none", model="m", use_responses_api=False)
        for one in (chat, chat.model_copy(update={"temperature": 0.5})):
            # Serialised once before, as any use with a tracer does.
            assert one._serialized
            await LanguageModel.wrap(one, cache=cache).acomplete(PROMPT, stage="s", max_tokens=4)
        assert len(server.asked) == 2


@given(
    text=st.text(),
    info=st.dictionaries(st.text(), st.none() | st.booleans() | st.floats(allow_nan=False) | st.text()),
    tokens=st.integers(0, 2**40),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_answer_comes_back_as_it_was(
    cache: ResponseCache, text: str, info: dict[str, Any], tokens: int
) -> None:
    cache.clear()
    info = {key: value for key, value in info.items() if key != "finish_reason"}
    message = AIMessage(
        text,
        id="run-1",
        response_metadata=info,
        usage_metadata={"input_tokens": tokens, "output_tokens": 1, "total_tokens": tokens + 1},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.update("p", "l", [ChatGeneration(message=message, generation_info=info), Generation(text=text)])
        found = cache.lookup("p", "l")
        assert found is not None
        answer = found[0]
        assert isinstance(answer, ChatGeneration)
        assert answer.message.response_metadata.pop("limner_reused") is True
        assert answer.message == message
        assert (answer.generation_info, found[1].text) == (info, text)


def test_keys_keep_prompt_and_model_apart(cache: ResponseCache) -> None:
    for prompt, llm in (("a", "bc"), ("ab", "c"), ("a\nb", "c"), ("a", "b\nc"), ("\ud800", "c")):
        assert cache.lookup(prompt, llm) is None
        cache.update(prompt, llm, [Generation(text="x")])
    assert len(cache) == 5


def test_the_first_answer_stays(cache: ResponseCache) -> None:
    for text in "xy":
        cache.update("p", "l", [Generation(text=text)])
    found = cache.lookup("p", "l")
    assert found is not None
    assert found[0].text == "x"


def write(path: Path, number: int) -> None:
    with ResponseCache(path) as cache:
        for entry in range(20):
            cache.update(f"{number} {entry}", "l", [Generation(text="x")])
            cache.update("shared", "l", [Generation(text="x")])


def test_another_process_that_writes_is_waited_for(tmp_path: Path) -> None:
    script = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("INSERT INTO responses VALUES (x'00', '[]')")
print("locked", flush=True)
time.sleep(0.3)
connection.execute("COMMIT")
"""
    path = tmp_path / "r"
    with ResponseCache(path) as cache:
        command = [sys.executable, "-c", script, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "locked\n"
            assert cache.lookup("p", "l") is None
            cache.update("p", "l", [Generation(text="x")])
        assert other.returncode == 0
        assert len(cache) == 2


def test_many_open_the_same_new_file_at_once(tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            write(tmp_path / "r", number)
        except StoreError as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_threads_share_one_cache(cache: ResponseCache) -> None:
    def work(number: int) -> None:
        for entry in range(50):
            cache.update(f"{number} {entry}", "l", [Generation(text="x")])
            assert cache.lookup(f"{number} {entry}", "l") == [Generation(text="x")]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache) == 200


def test_closing_leaves_one_file_and_a_closed_cache_says_so(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "r")
    cache.update("p", "l", [Generation(text="x")])
    cache.close()
    cache.close()
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    with pytest.raises(StoreError, match="closed"):
        cache.lookup("p", "l")


def test_the_file_holds_no_request(tmp_path: Path) -> None:
    with ResponseCache(tmp_path / "r") as cache:
        cache.update("what was asked", "of whom", [Generation(text="x")])
    content = (tmp_path / "r").read_bytes()
    assert b"what was asked" not in content
    assert b"of whom" not in content


def test_a_file_that_is_no_cache_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("This is no database. " * 100)
    with pytest.raises(StoreError, match="text"):
        ResponseCache(tmp_path / "text")
    with pytest.raises(StoreError, match="missing"):
        ResponseCache(tmp_path / "missing" / "r")


def test_a_newer_cache_and_an_unreadable_answer_are_errors(tmp_path: Path) -> None:
    with ResponseCache(tmp_path / "r") as cache:
        cache.update("p", "l", [Generation(text="x")])
    connection = sqlite3.connect(tmp_path / "r")
    connection.execute("UPDATE responses SET answer = '[{}]'")
    connection.commit()
    with ResponseCache(tmp_path / "r") as cache, pytest.raises(StoreError, match="delete the file"):
        cache.lookup("p", "l")
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(StoreError, match="newer"):
        ResponseCache(tmp_path / "r")


def test_an_answer_that_is_no_json_is_an_error(cache: ResponseCache) -> None:
    with pytest.raises(StoreError, match="cannot be kept"):
        cache.update("p", "l", [Generation(text="x", generation_info={"what": object()})])
