"""How likely a model finds a text that somebody else chose as its answer."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from langchain_core.caches import BaseCache
from langchain_core.messages import BaseMessage, convert_to_openai_messages
from langchain_core.outputs import Generation

from limner.errors import (
    ConfigurationError,
    ContextOverflow,
    InputError,
    MalformedOutput,
    ModelError,
    ModelUnavailable,
)
from limner.inference.endpoint import Endpoint
from limner.inference.language_model import LanguageModel
from limner.inference.ledger import Usage
from limner.inference.prompts import cut_at_control_tokens
from limner.inference.tracing import model_span

__all__ = ["Likelihood", "likelihoods"]

_CERTAIN = 1000.0
"""A logit bias that no difference of logits outweighs."""
_WHOLE_VOCABULARY = 1_000_000


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The likelihood of one text."""

    total: float
    """Log-probability of the whole text, in nats."""
    tokens: int
    """How many tokens the text has."""

    @property
    def per_token(self) -> float:
        """Mean log-probability of a token, in nats: does not favour short texts as the total does."""
        return self.total / self.tokens


async def likelihoods(
    model: LanguageModel, prompt: Sequence[BaseMessage], continuations: Sequence[str], *, stage: str
) -> list[Likelihood]:
    """Measure how likely each text is as the beginning of the model's answer to a prompt.

    The text is taken in the tokens that the model's own tokenizer makes of it, and their log-probabilities given the
    prompt and the tokens before are added up; temperature and sampling have no part in it. That the answer ends there
    is not part of it, so of two texts of which one begins the other, the shorter is never less likely.

    llama.cpp reports no probabilities of a prompt. There the text is generated under a grammar of its very tokens, and the
    log-probabilities are those from before the grammar: a long text takes one decoding step per token, whereas the
    prompt is computed once. A grammar of the text would not do: it takes the likeliest token at each step, and may spell
    "Yes" as Y-e-s; with SmolLM2-135M it did so in 21 of 30 texts, and put them up to 268 nats too low. Texts with a character that is split over several tokens, and servers whose grammars know no tokens,
    are measured by a request per token; a token that holds the first part of a character then takes a list of the whole
    vocabulary, about a second.

    vLLM reports the log-probabilities of a prompt (`prompt_logprobs` of `/v1/completions`). It does not reuse
    prefixes for such requests, so each text costs the whole prompt. It would read the special tokens of chat templates
    in a text as what they mark; a text with such tokens is tokenized in pieces.

    Args:
        model: Whom to ask.
        prompt: The messages.
        continuations: The texts, none of them empty; a blank at either end counts.
        stage: What the calls are for, in the ledger; a text is one call.

    Returns:
        One likelihood per text, in the same order.

    Raises:
        InputError: A text is empty.
        ConfigurationError: The model is neither llama.cpp nor vLLM, or was wrapped and not opened by its settings.
        ContextOverflow: Prompt and text do not fit into the context.
        ModelUnavailable: The endpoint is down, refuses, or takes too long.
        ModelError: The endpoint reports other log-probabilities than those asked for.
    """
    if not all(continuations):
        raise InputError("An empty text has no likelihood.")
    dialect, endpoint = await model.adialect(), model.endpoint
    if endpoint is None or dialect not in ("llama.cpp", "vllm"):
        raise ConfigurationError(
            f"{model.where} ({dialect}) does not tell how likely a given text is. The embedded engine, a llama.cpp server and "
            f"vLLM do: set LIMNER_BASE_URL to one of these, or leave it unset."
        )
    route = _LlamaCpp if dialect == "llama.cpp" else _Vllm
    return await route(model, endpoint, list(prompt), stage).measure(continuations)


@dataclass(frozen=True, slots=True)
class _Measured:
    """The answer to one text: log-probabilities, and what the calls cost."""

    logprobs: list[float]
    usage: Usage


class _Route(ABC):
    """How one kind of server is asked about texts after one prompt."""

    def __init__(
        self, model: LanguageModel, endpoint: Endpoint, prompt: list[BaseMessage], stage: str
    ) -> None:
        self.model = model
        self.endpoint = endpoint
        self.prompt = prompt
        self.stage = stage

    @property
    def plain(self) -> Any:  # noqa: ANN401 - JSON
        """The prompt as the server takes it."""
        return convert_to_openai_messages(self.prompt)

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask a route of the server, without blocking the event loop."""
        return await self.model.in_a_thread(
            lambda: self.endpoint.post(path, body, timeout_s=self.model.timeout_s)
        )

    def check_length(self, prompt: Sequence[int], text: Sequence[int]) -> None:
        """Refuse what does not fit, with room for the one token that a server insists to generate."""
        if len(prompt) + len(text) + 1 > self.model.context_length:
            raise ContextOverflow(len(prompt) + len(text), self.model.context_length, 1)

    async def measured(self, prompt: Sequence[int], text: Sequence[int]) -> Likelihood:
        """Return the likelihood of one text, from the model's cache of responses if it has one and knows it."""
        self.check_length(prompt, text)
        cache = self.model.chat.cache if isinstance(self.model.chat.cache, BaseCache) else None
        question = json.dumps([prompt, text])
        found = await cache.alookup(question, "likelihood") if cache else None
        async with self._booked(reused=found is not None) as book:
            if found is not None:
                kept = json.loads(found[0].text)
                answer = _Measured(kept["logprobs"], Usage(*kept["usage"]))
            else:
                answer = await self.ask(prompt, text)
            book.append(answer.usage)
        if cache and found is None:
            usage = answer.usage
            kept = {
                "logprobs": answer.logprobs,
                "usage": [usage.prompt_tokens, usage.cached_tokens, usage.output_tokens],
            }
            await cache.aupdate(question, "likelihood", [Generation(text=json.dumps(kept))])
        return Likelihood(sum(answer.logprobs), len(text))

    @abstractmethod
    async def measure(self, continuations: Sequence[str]) -> list[Likelihood]:
        """Return the likelihood of each text, one after the other."""

    @abstractmethod
    async def ask(self, prompt: Sequence[int], text: Sequence[int]) -> _Measured:
        """Ask the server for the log-probability of each token of a text."""

    @asynccontextmanager
    async def _booked(self, *, reused: bool) -> AsyncIterator[list[Usage]]:
        usages: list[Usage] = []
        start = time.perf_counter()
        with model_span(self.model.name, self.stage, max_tokens=1) as note:
            try:
                yield usages
                note(usages[0], None)
            finally:
                self.model.ledger.record(
                    usages[0] if usages else Usage(),
                    time.perf_counter() - start,
                    stage=self.stage,
                    reused=reused,
                )


class _LlamaCpp(_Route):
    """llama.cpp: the text is generated, under a constraint that leaves the log-probabilities as they are."""

    async def measure(self, continuations: Sequence[str]) -> list[Likelihood]:
        """Return the likelihood of each text, one after the other: the server keeps the prompt between them."""
        found = []
        grammars_know_tokens = True
        prompt: list[int] | None = None
        for continuation in continuations:
            tokens = (
                await self.post(
                    "/tokenize",
                    {
                        "content": continuation,
                        "add_special": False,
                        "parse_special": False,
                        "with_pieces": True,
                    },
                )
            )["tokens"]
            text = [token["id"] for token in tokens]
            # A piece that is no text by itself is given as bytes.
            if grammars_know_tokens and all(isinstance(token["piece"], str) for token in tokens):
                try:
                    found.append(await self._under_a_grammar(text))
                    continue
                except (ModelUnavailable, ContextOverflow, MalformedOutput):
                    raise
                except ModelError:
                    grammars_know_tokens = False
            if prompt is None:
                prompt = await self._prompt()
            found.append(await self.measured(prompt, text))
        return found

    async def _under_a_grammar(self, text: list[int]) -> Likelihood:
        reply = await self.model.areply(
            self.prompt,
            stage=self.stage,
            max_tokens=len(text),
            temperature=0.0,
            body={"grammar": "root ::= " + " ".join(f"<[{token}]>" for token in text)},
            top_logprobs=1,
        )
        if [token for token, _ in reply.token_logprobs] != text:
            raise MalformedOutput(f"{self.model.where} ignored a grammar of tokens.", reply.text)
        return Likelihood(sum(logprob for _, logprob in reply.token_logprobs), len(text))

    async def _prompt(self) -> list[int]:
        rendered = (await self.post("/apply-template", {"messages": self.plain}))["prompt"]
        tokens = await self.post("/tokenize", {"content": rendered, "add_special": True})
        return [int(token) for token in tokens["tokens"]]

    async def ask(self, prompt: Sequence[int], text: Sequence[int]) -> _Measured:
        """Ask for one token after the other."""
        logprobs: list[float] = []
        cached = 0
        for position, token in enumerate(text):
            body = {"prompt": [*prompt, *text[:position]], "n_predict": 1, "temperature": 0.0}
            answer = await self.post("/completion", body | _forced(token, 1))
            if position == 0:
                cached = int(answer.get("timings", {}).get("cache_n", 0))
            logprob = _reported(answer, token)
            if logprob is None:
                # Nothing is reported of a token that begins a character. Of all others that could stand in its place
                # one is generated, and this one looked up among its alternatives.
                answer = await self.post(
                    "/completion", body | _forced(await self._letter(), _WHOLE_VOCABULARY)
                )
                logprob = _reported(answer, token)
            if logprob is None:
                raise ModelError(f"{self.model.where} reports no log-probability of token {token}.")
            logprobs.append(logprob)
        return _Measured(logprobs, Usage(len(prompt), cached, len(text)))

    async def _letter(self) -> int:
        answer = await self.post("/tokenize", {"content": "a", "add_special": False})
        return int(answer["tokens"][-1])


def _forced(token: int, alternatives: int) -> dict[str, Any]:
    return {"logit_bias": [[token, _CERTAIN]], "n_probs": alternatives, "cache_prompt": True}


def _reported(answer: Mapping[str, Any], token: int) -> float | None:
    for step in answer.get("completion_probabilities") or []:
        for entry in (step, *step["top_logprobs"]):
            if entry["id"] == token:
                return float(entry["logprob"])
    return None


class _Vllm(_Route):
    """vLLM: the text is handed in behind the prompt, and the log-probabilities of both come back."""

    async def measure(self, continuations: Sequence[str]) -> list[Likelihood]:
        """Return the likelihood of each text, one after the other."""
        name = {"model": self.endpoint.model}
        prompt = (await self.post("/tokenize", name | {"messages": self.plain}))["tokens"]
        found = []
        for continuation in continuations:
            text: list[int] = []
            for piece in cut_at_control_tokens(continuation):
                body = name | {"prompt": piece, "add_special_tokens": False}
                text += (await self.post("/tokenize", body))["tokens"]
            found.append(await self.measured(prompt, text))
        return found

    async def ask(self, prompt: Sequence[int], text: Sequence[int]) -> _Measured:
        """Ask for the log-probabilities of the prompt and the text behind it, and take the latter."""
        body = {
            "model": self.endpoint.model,
            "prompt": [*prompt, *text],
            "max_tokens": 1,
            "temperature": 0.0,
            "prompt_logprobs": 0,
            **self.model.salt,
        }
        answer = await self.post("/v1/completions", body)
        try:
            steps = answer["choices"][0]["prompt_logprobs"]
            if len(steps) != len(prompt) + len(text):
                raise ModelError(f"{self.model.where} cut the prompt, or reports part of it only.")
            behind = steps[len(prompt) :]
            logprobs = [float(step[str(token)]["logprob"]) for token, step in zip(text, behind, strict=True)]
        except (KeyError, IndexError, TypeError) as error:
            raise ModelError(f"{self.model.where} reports no log-probabilities of a prompt.") from error
        details = (answer.get("usage") or {}).get("prompt_tokens_details") or {}
        return _Measured(logprobs, Usage(len(prompt) + len(text), details.get("cached_tokens") or 0, 1))
