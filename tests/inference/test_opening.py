"""Answers that begin with given words."""

import threading

import pytest
from langchain_core.messages import HumanMessage
from loopback_server import loopback_server, said

from limner.inference.language_model import LanguageModel, language_model
from limner.inference.opening import continue_from
from limner.settings import Settings
from limner.testing import scripted_model

PROMPT = [HumanMessage("What about horror?")]
OPENING = 'The user likes "Alien" and'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{OPENING} more.", f"{OPENING} more."),
        (f"  {OPENING} more.\nAnd on.", f"{OPENING} more."),
        ("They like it.", None),
        ("", None),
    ],
)
async def test_an_answer_that_begins_otherwise_counts_as_none(text: str, expected: str | None) -> None:
    assert await continue_from(scripted_model([text]), PROMPT, OPENING, stage="s", max_tokens=20) == expected


@pytest.mark.parametrize(("dialect", "field"), [("llama.cpp", "grammar"), ("vllm", "structured_outputs")])
async def test_servers_with_grammars_are_held_to_it(dialect: str, field: str) -> None:
    with loopback_server([said(f"{OPENING} more.")], dialect=dialect) as server:
        model = language_model(Settings(base_url=server.url, model="m"))
        assert await continue_from(model, PROMPT, OPENING, stage="s", max_tokens=20) == f"{OPENING} more."
    assert "Alien" in str(server.asked[0][field])


async def test_a_sentence_that_is_cut_off_counts_as_none() -> None:
    with loopback_server([said(f"{OPENING} mo", finish="length")]) as server:
        model = language_model(Settings(base_url=server.url, model="m"))
        assert await continue_from(model, PROMPT, OPENING, stage="s", max_tokens=5) is None


async def test_the_first_probe_leaves_the_event_loop_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    probed = LanguageModel.dialect.fget
    threads = []

    def noted(model: LanguageModel) -> str:
        threads.append(threading.get_ident())
        return probed(model)

    monkeypatch.setattr(LanguageModel, "dialect", property(noted))
    with loopback_server([said(f"{OPENING} more.")], dialect="vllm") as server:
        model = language_model(Settings(base_url=server.url, model="m"))
        await continue_from(model, PROMPT, OPENING, stage="s", max_tokens=20)
    assert threads
    assert threading.get_ident() not in threads
