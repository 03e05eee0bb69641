"""The fakes that limner ships."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from contracts.encoder_contract import EncoderContract
from contracts.language_model_contract import LanguageModelContract
from limner.errors import ModelUnavailable
from limner.inference import LanguageModel
from limner.testing import HashEncoder, ScriptedChatModel, scripted_model


class TestHashEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self) -> HashEncoder:
        return HashEncoder()


class TestScriptedModel(LanguageModelContract):
    @pytest.fixture
    def model(self) -> Iterator[LanguageModel]:
        def answer(messages: list) -> str:
            text = " ".join(message.text for message in messages)
            return '{"name": "blue", "sure": true}' if "JSON schema" in text else "blue"

        with scripted_model(answer) as model:
            yield model


def test_vectors_are_the_same_in_every_process() -> None:
    script = "from limner.testing import HashEncoder; print(HashEncoder(8).encode_query(['tea'])[0].tolist())"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == str(HashEncoder(8).encode_query(["tea"])[0].tolist())


def test_the_encoder_notes_what_it_encoded_and_knows_its_dimension() -> None:
    encoder = HashEncoder(16)
    encoder.encode_documents(["a"])
    encoder.encode_query(["b"])
    assert encoder.encoded == ["a", "b"]
    assert encoder.version != HashEncoder(32).version


def test_replies_come_in_order_and_errors_are_raised() -> None:
    chat = ScriptedChatModel(script=["one", KeyError("two"), AIMessage("three")])
    assert chat.invoke("a").text == "one"
    with pytest.raises(KeyError):
        chat.invoke("b")
    assert chat.invoke("c").text == "three"
    assert [messages[-1].text for messages in chat.asked] == ["a", "b", "c"]
    with pytest.raises(AssertionError, match="call 4"):
        chat.invoke("d")


def test_a_function_sees_the_messages() -> None:
    chat = ScriptedChatModel(script=lambda messages: messages[-1].text.upper())
    assert chat.invoke("hi").text == "HI"


def test_usage_is_reported() -> None:
    usage = ScriptedChatModel(script=["two words"]).invoke("three words here").usage_metadata
    assert usage is not None
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (3, 2, 5)


def test_tools_can_be_bound_and_called() -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    call = {"name": "add", "args": {"a": 1, "b": 2}, "id": "1", "type": "tool_call"}
    chat = ScriptedChatModel(script=[AIMessage("", tool_calls=[call]), "3"])
    bound = chat.bind_tools([add])
    assert bound.invoke("1 + 2?").tool_calls[0]["name"] == "add"
    assert chat.tools == [add]
    assert chat.asked[0][0].text == "1 + 2?"


async def test_a_scripted_model_is_a_language_model() -> None:
    model = scripted_model(["hello", TimeoutError()], plan="batch", context_length=600)
    assert (model.plan, model.dialect, model.context_length, model.name) == (
        "batch",
        "plain",
        600,
        "scripted",
    )
    assert await model.acomplete([HumanMessage("Hi")], stage="s", max_tokens=5) == "hello"
    with pytest.raises(ModelUnavailable):
        await model.acomplete([HumanMessage("Hi")], stage="s", max_tokens=5)
