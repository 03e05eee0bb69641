"""The real embedded engine, on a real but very small model: does the wire hold, do constraints constrain?"""

import asyncio
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.encoder_contract import EncoderContract
from contracts.model_server_contract import FRANCE, STORY, ModelServerContract, Served, asked
from limner.errors import ConfigurationError, ModelUnavailable
from limner.inference import LanguageModel, chat_model
from limner.inference.embedded import EmbeddedEngine
from limner.inference.encoder import Encoder, encoder
from limner.inference.language_model import language_model
from limner.inference.likelihood import likelihoods
from limner.inference.manifest import SMOLLM2
from limner.inference.packages import fetch
from limner.inference.response_cache import ResponseCache
from limner.settings import Settings

pytestmark = pytest.mark.engine


def small(**options: object) -> Settings:
    return Settings(model=SMOLLM2.name, context_length=1024, **options)


@pytest.fixture(scope="module")
def shared() -> Iterator[LanguageModel]:
    fetch(SMOLLM2, Settings().cache)
    with language_model(small()) as model:
        yield model


@pytest.fixture(scope="module")
def minilm() -> Encoder:
    return encoder(Settings())


class TestEmbeddedModel(ModelServerContract):
    @pytest.fixture
    def served(self, shared: LanguageModel) -> Served:
        endpoint = shared.endpoint
        return Served(endpoint.base_url, endpoint.api_key, SMOLLM2.name, tolerance=0.01)


class TestSentenceTransformers(EncoderContract):
    @pytest.fixture
    def encoder(self, minilm: Encoder) -> Encoder:
        return minilm


def test_the_engine_has_the_context_and_plan_of_the_settings(shared: LanguageModel) -> None:
    assert (shared.dialect, shared.plan, shared.context_length) == ("llama.cpp", "small", 1024)


def test_a_stranger_on_the_same_machine_is_refused(shared: LanguageModel) -> None:
    import httpx2

    url = f"{shared._engine.base_url}/chat/completions"
    body = {"messages": [{"role": "user", "content": "hi"}]}
    assert httpx2.post(url, json=body).status_code == 401
    assert httpx2.post(url, json=body, headers={"Authorization": "Bearer guess"}).status_code == 401
    assert url.startswith("http://127.0.0.1:")


async def test_the_same_question_gets_the_same_answer(shared: LanguageModel) -> None:
    answers = {await shared.acomplete(asked("A", "hello"), stage="s", max_tokens=12) for _ in range(3)}
    assert len(answers) == 1


def test_closing_ends_running_requests_at_once_and_frees_the_engine() -> None:
    model = language_model(small())
    threads_before = threading.active_count()
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            asyncio.run(model.acomplete(STORY, stage="s", max_tokens=900))
        except ModelUnavailable as error:
            caught.append(error)

    def ask_sync() -> None:
        try:
            model.chat.invoke(STORY, max_tokens=900)
        except OSError as error:  # noqa: F841
            pass
        except Exception as error:  # noqa: BLE001 - whatever the client library says
            caught.append(error)

    threads = [threading.Thread(target=ask), threading.Thread(target=ask_sync)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    start = time.perf_counter()
    model.close()
    model.close()
    assert time.perf_counter() - start < 10
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()
    assert len(caught) == 2
    assert threading.active_count() <= threads_before
    with pytest.raises(ModelUnavailable, match="embedded engine"):
        asyncio.run(model.acomplete(STORY, stage="s", max_tokens=5))


def test_the_engine_goes_with_its_chat_model() -> None:
    def native_threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before = native_threads()
    chat = chat_model(small())
    assert chat.invoke("hi", max_tokens=2).text
    assert native_threads() > before
    del chat
    gc.collect()
    assert native_threads() <= before + 1


def test_the_interpreter_ends_in_the_middle_of_a_request() -> None:
    script = f"""
import asyncio, threading, time, os
from limner.settings import Settings
from limner.inference.language_model import language_model
from langchain_core.messages import HumanMessage
model = language_model(Settings(model={SMOLLM2.name!r}, context_length=1024))
def ask():
    asyncio.run(model.acomplete([HumanMessage("Write a long story.")], stage="s", max_tokens=900))
threading.Thread(target=ask, daemon=True).start()
time.sleep(1)
print("leaving", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "leaving"
    assert done.returncode == 0, done.stderr


def test_a_file_that_is_no_model_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + b"\0" * 1000)
    with pytest.raises(ConfigurationError, match=r"broken\.gguf"):
        EmbeddedEngine(path, "broken", 512)


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ImportError, match=r"limner\[embedded\]"):
        EmbeddedEngine(tmp_path / "any.gguf", "any", 512)


async def first_tokens(model: LanguageModel) -> dict[str, float]:
    reply = await model.areply(FRANCE, stage="s", max_tokens=1, temperature=0.0, top_logprobs=20_000)
    return dict(reply.first_token)


async def test_the_likelihood_of_a_word_is_that_of_its_token_without_a_constraint(
    shared: LanguageModel,
) -> None:
    """A grammar of the word's letters would generate "Y" first, for it is likelier, and then be held to "e", "s"."""
    words = ["Yes", "No", "The", "Paris", "I", "La"]
    tokens = await first_tokens(shared)
    assert tokens["Y"] > tokens["Yes"]
    for word, likelihood in zip(words, await likelihoods(shared, FRANCE, words, stage="s"), strict=True):
        assert likelihood.tokens == 1
        assert likelihood.total == pytest.approx(tokens[word], abs=0.01)


async def test_both_ways_to_ask_for_a_likelihood_agree(shared: LanguageModel) -> None:
    from limner.inference.likelihood import _LlamaCpp

    text = "Paris, I think."
    route = _LlamaCpp(shared, shared.endpoint, FRANCE, "s")
    tokens = shared.endpoint.post("/tokenize", {"content": text, "add_special": False})["tokens"]
    one_by_one = await route.measured(await route._prompt(), tokens)
    (at_once,) = await likelihoods(shared, FRANCE, [text], stage="s")
    assert one_by_one.tokens == at_once.tokens
    assert one_by_one.total == pytest.approx(at_once.total, abs=0.01)


async def test_an_engine_started_again_is_answered_from_the_cache(tmp_path: Path) -> None:
    with ResponseCache(tmp_path / "responses.sqlite") as cache:
        answers = []
        for _ in range(2):
            with language_model(small(threads=1), cache=cache) as model:
                reply = await model.areply(FRANCE, stage="s", max_tokens=4, top_logprobs=2)
                answers.append((reply, await likelihoods(model, FRANCE, ["Paris", "😀"], stage="s")))
    assert answers[0] == answers[1]
    assert (model.ledger.total().calls, model.ledger.total().reused) == (3, 3)
