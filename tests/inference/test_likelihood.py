"""Likelihoods of given texts: against toy servers that answer in the formats of llama.cpp and vLLM.

The toys' model is a formula, so that every sum can be worked out by hand; the real engine is in `test_engine.py`.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from loopback_server import Answer, LoopbackServer, loopback_server, said

from limner.errors import ConfigurationError, ContextOverflow, InputError, ModelError, ModelUnavailable
from limner.inference import LanguageModel
from limner.inference.language_model import language_model
from limner.inference.likelihood import Likelihood, likelihoods
from limner.inference.response_cache import ResponseCache
from limner.settings import Settings

PROMPT = [SystemMessage("You are brief."), HumanMessage("Tea or coffee?")]
TEXTS = ["tea", "coffee please", "tea or coffee or both"]
VOCABULARY = 2000
Routes = Callable[[str, dict[str, Any]], Answer]
Served = Callable[..., tuple[LoopbackServer, LanguageModel]]


def ids(text: str) -> list[int]:
    """A token per word; words that begin with ^ are parts of a character."""
    return [sum(word.encode()) % 1000 + (1000 if word.startswith("^") else 0) for word in text.split()]


def logprob(before: list[int], token: int) -> float:
    return -(1 + (sum(before) * 7 + token * 13) % 101) / 16


def rendered(messages: list[dict[str, str]]) -> str:
    return " ".join(f"<{message['role']}> {message['content']}" for message in messages) + " <assistant>"


START = ids(
    rendered([{"role": "system", "content": "You are brief."}, {"role": "user", "content": "Tea or coffee?"}])
)


def expected(text: str) -> Likelihood:
    tokens = ids(text)
    return Likelihood(
        sum(logprob([*START, *tokens[:position]], token) for position, token in enumerate(tokens)),
        len(tokens),
    )


def llama_cpp_routes(path: str, body: dict[str, Any]) -> Answer:
    if path == "/apply-template":
        return Answer({"prompt": rendered(body["messages"])})
    if path == "/tokenize":
        words = body["content"].split()
        tokens: list[Any] = ids(body["content"])
        if body.get("with_pieces"):
            pieces = [list(word.encode()) if word.startswith("^") else word for word in words]
            tokens = [{"id": token, "piece": piece} for token, piece in zip(tokens, pieces, strict=True)]
        return Answer({"tokens": tokens})
    assert path == "/completion"
    ((forced, _),) = body["logit_bias"]
    assert (body["n_predict"], body["temperature"]) == (1, 0.0)
    answer: dict[str, Any] = {"content": "", "timings": {"cache_n": 5}}
    if forced < 1000:
        alternatives = range(VOCABULARY) if body["n_probs"] > 1 else [0]
        answer["completion_probabilities"] = [
            {
                "id": forced,
                "logprob": logprob(body["prompt"], forced),
                "top_logprobs": [{"id": i, "logprob": logprob(body["prompt"], i)} for i in alternatives],
            }
        ]
    return Answer(answer)


def under_a_grammar(body: dict[str, Any]) -> Answer:
    """Chat completions of a llama.cpp whose grammars know tokens."""
    tokens = [int(token) for token in re.findall(r"<\[(\d+)\]>", body["grammar"])]
    before = ids(rendered(body["messages"]))
    answer = said("text", finish="length")
    content = []
    for token in tokens[: body["max_completion_tokens"]]:
        content.append({"token": "t", "id": token, "logprob": logprob(before, token), "top_logprobs": []})
        before.append(token)
    assert isinstance(answer.body, dict)
    answer.body["choices"][0]["logprobs"] = {"content": content}
    return answer


def vllm_routes(path: str, body: dict[str, Any]) -> Answer:
    if path == "/tokenize":
        text = rendered(body["messages"]) if "messages" in body else body["prompt"]
        assert body["model"] == "m"
        assert "messages" in body or body["add_special_tokens"] is False
        return Answer({"tokens": ids(text), "count": len(ids(text)), "max_model_len": 2048})
    assert path == "/v1/completions"
    assert (body["max_tokens"], body["prompt_logprobs"]) == (1, 0)
    prompt = body["prompt"]
    steps: list[Any] = [None]
    for position in range(1, len(prompt)):
        token = prompt[position]
        entry = {"logprob": logprob(prompt[:position], token), "rank": 3, "decoded_token": "t"}
        steps.append({str(token): entry})
    usage = {"prompt_tokens": len(prompt), "completion_tokens": 1, "total_tokens": len(prompt) + 1}
    return Answer({"choices": [{"index": 0, "text": "x", "prompt_logprobs": steps}], "usage": usage})


@pytest.fixture(scope="module")
def toys() -> Iterator[dict[str, tuple[LoopbackServer, LanguageModel]]]:
    """One server and one model of each kind: to open one takes longer than to ask it."""
    with ExitStack() as stack:
        opened = {}
        for dialect in ("llama.cpp", "vllm", "openai"):
            server = stack.enter_context(loopback_server(under_a_grammar, dialect=dialect))
            model = stack.enter_context(
                language_model(Settings(base_url=server.url, model="m", timeout_s=20))
            )
            opened[dialect] = (server, model)
        yield opened


@pytest.fixture
def served(toys: dict[str, tuple[LoopbackServer, LanguageModel]]) -> Served:
    """Gives a server that answers as told, and its model."""

    def served(
        dialect: str, chat: Callable[[dict[str, Any]], Answer] = under_a_grammar, routes: Routes | None = None
    ) -> tuple[LoopbackServer, LanguageModel]:
        server, model = toys[dialect]
        server.script = chat
        server.count = routes or (vllm_routes if dialect == "vllm" else llama_cpp_routes)  # type: ignore[method-assign]
        assert model.dialect == dialect
        server.asked.clear()
        server.paths.clear()
        model.ledger.reset()
        return server, model

    return served


def no_tokens_in_grammars(_: dict[str, Any]) -> Answer:
    return Answer({"error": {"message": "failed to parse grammar"}}, status=400)


KINDS = [("llama.cpp", under_a_grammar), ("llama.cpp", no_tokens_in_grammars), ("vllm", under_a_grammar)]


@pytest.mark.parametrize(("dialect", "chat"), KINDS)
async def test_totals_are_the_sum_over_the_texts_own_tokens(
    served: Served, dialect: str, chat: Callable[[dict[str, Any]], Answer]
) -> None:
    _, model = served(dialect, chat)
    found = await likelihoods(model, PROMPT, TEXTS, stage="s")
    for likelihood, text in zip(found, TEXTS, strict=True):
        assert likelihood.total == pytest.approx(expected(text).total)
        assert likelihood.tokens == len(text.split())
        assert likelihood.per_token == pytest.approx(likelihood.total / likelihood.tokens)


async def test_characters_in_parts_are_asked_for_token_by_token(served: Served) -> None:
    server, model = served("llama.cpp")
    texts = ["tea", "^x", "tea ^x ^y", "^x milk", "milk"]
    found = await likelihoods(model, PROMPT, texts, stage="s")
    totals = [expected(text).total for text in texts]
    assert [likelihood.total for likelihood in found] == pytest.approx(totals)
    assert len(server.asked) == 2


async def test_a_server_that_knows_no_tokens_in_grammars_is_tried_once(served: Served) -> None:
    server, model = served("llama.cpp", no_tokens_in_grammars)
    await likelihoods(model, PROMPT, TEXTS, stage="s")
    assert len(server.asked) == 1


@pytest.mark.parametrize(("kind", "output"), [(0, 15), (1, 8), (2, 3)])
async def test_the_ledger_books_a_call_a_text(served: Served, kind: int, output: int) -> None:
    dialect, chat = KINDS[kind]
    _, model = served(dialect, chat)
    await likelihoods(model, PROMPT, TEXTS, stage="s")
    (row,) = model.ledger.rows()
    refused = chat is no_tokens_in_grammars
    assert (row.stage, row.calls, row.reused) == ("s", 3 + refused, 0)
    assert row.output_tokens == output
    assert row.prompt_tokens > 0
    assert row.seconds > 0


@pytest.mark.parametrize(
    ("dialect", "text"), [("llama.cpp", "tea or milk"), ("llama.cpp", "tea ^x ^y"), ("vllm", "tea or milk")]
)
async def test_a_response_cache_answers_the_second_time(
    tmp_path: Path, served: Served, dialect: str, text: str
) -> None:
    def computed(server: LoopbackServer) -> int:
        return sum(path not in ("/tokenize", "/apply-template") for path in server.paths)

    server, _ = served(dialect)
    options = Settings(base_url=server.url, model="m", timeout_s=20)
    with ResponseCache(tmp_path / "r") as cache, language_model(options, cache=cache) as model:
        first = await likelihoods(model, PROMPT, [text], stage="s")
        asked = computed(server)
        assert await likelihoods(model, PROMPT, [text], stage="s") == first
        assert computed(server) == asked
        (row,) = model.ledger.rows()
        assert (row.calls, row.reused) == (2, 1)
        assert await likelihoods(model, PROMPT[1:], [text], stage="s") != first


async def test_the_prompt_may_be_a_whole_conversation(served: Served) -> None:
    _, model = served("vllm")
    prompt = [*PROMPT, AIMessage("Tea."), HumanMessage("Sure?")]
    (found,) = await likelihoods(model, prompt, ["tea"], stage="s")
    assert found.tokens == 1


async def test_other_endpoints_are_told_which_can(served: Served) -> None:
    _, model = served("openai")
    for asked in (model, LanguageModel.wrap(model.chat, dialect="llama.cpp"), LanguageModel.wrap(model.chat)):
        with pytest.raises(ConfigurationError, match=r"vLLM.*LIMNER_BASE_URL"):
            await likelihoods(asked, PROMPT, ["tea"], stage="s")


async def test_an_empty_text_is_refused(served: Served) -> None:
    server, model = served("vllm")
    with pytest.raises(InputError):
        await likelihoods(model, PROMPT, ["tea", ""], stage="s")
    assert server.paths == []


@pytest.mark.parametrize(("dialect", "text"), [("vllm", "tea"), ("llama.cpp", "^x")])
async def test_what_does_not_fit_is_not_sent(served: Served, dialect: str, text: str) -> None:
    server, model = served(dialect)
    with pytest.raises(ContextOverflow):
        await likelihoods(model, [HumanMessage("word " * 9000)], [text], stage="s")
    assert not {"/completion", "/v1/completions"} & set(server.paths)


@pytest.mark.parametrize("steps", [None, [], [None] * 7, "nothing", [{"1": {"logprob": -1}}] * 8], ids=str)
async def test_a_vllm_that_reports_something_else_is_an_error(served: Served, steps: Any) -> None:
    def routes(path: str, body: dict[str, Any]) -> Answer:
        odd = Answer({"choices": [{"index": 0, "text": "x", "prompt_logprobs": steps}]})
        return odd if path == "/v1/completions" else vllm_routes(path, body)

    _, model = served("vllm", routes=routes)
    with pytest.raises(ModelError):
        await likelihoods(model, PROMPT, ["tea"], stage="s")
    assert model.ledger.total().calls == 1


async def test_a_llama_cpp_that_reports_something_else_is_an_error(served: Served) -> None:
    _, model = served("llama.cpp", lambda _: said("text", top={"t": -1.0}))
    with pytest.raises(ModelError, match="ignored"):
        await likelihoods(model, PROMPT, ["tea"], stage="s")

    def silent(path: str, body: dict[str, Any]) -> Answer:
        return Answer({"content": ""}) if path == "/completion" else llama_cpp_routes(path, body)

    _, model = served("llama.cpp", routes=silent)
    with pytest.raises(ModelError, match="no log-probability"):
        await likelihoods(model, PROMPT, ["^x"], stage="s")


async def test_a_server_that_refuses_is_unavailable(served: Served) -> None:
    def refuses(path: str, body: dict[str, Any]) -> Answer:
        return Answer({"error": "no"}, status=500) if path != "/tokenize" else vllm_routes(path, body)

    _, model = served("vllm", routes=refuses)
    with pytest.raises(ModelUnavailable, match="HTTP 500"):
        await likelihoods(model, PROMPT, ["tea"], stage="s")
