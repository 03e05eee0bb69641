"""One of N, chosen by a language model under constraint or by likelihood."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_openai_messages

from limner.errors import ContextOverflow, InputError, MalformedOutput, ModelError, ModelUnavailable
from limner.inference.endpoint import Dialect
from limner.inference.language_model import LanguageModel
from limner.inference.structured import response_format

__all__ = ["TOP_LOGPROBS", "Choice", "choice_body", "choose"]

Method = Literal["constrained", "loglik"]
_RETRIES = 2
TOP_LOGPROBS: Mapping[Dialect, int] = {"llama.cpp": 500, "vllm": 20, "openai": 20, "plain": 0}
"""Likely first tokens that a choice by likelihood asks for: the most that each kind of server gives."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The option chosen."""

    option: str
    index: int
    """Position of the option among those offered."""
    scores: tuple[float, ...] | None = None
    """Log-probability of each option, less its prior where that was measured; none if it was not asked for, or the
    endpoint gives none."""

    @property
    def log_odds(self) -> float:
        """Of the first option against the second; without scores, infinite in favour of the one chosen."""
        if self.scores is None:
            return math.inf if self.index == 0 else -math.inf
        return self.scores[0] - self.scores[1]


async def choose(
    model: LanguageModel,
    prompt: Sequence[BaseMessage],
    options: Sequence[str],
    *,
    stage: str,
    method: Method = "constrained",
    neutral: Sequence[BaseMessage] | None = None,
) -> Choice:
    """Let a model choose one of several texts.

    `constrained` lets the endpoint generate nothing but one of the options. `loglik` generates one token and compares
    the probabilities of the options' first tokens, which must differ; the options are then best short words or
    letters. With `neutral`, the same prompt about a content-free input such as "N/A", what the model would say anyway
    is subtracted: contextual calibration (Zhao et al. 2021, "Calibrate Before Use", §4). That prior is measured once
    per neutral prompt and model.

    Args:
        model: Whom to ask.
        prompt: The messages; the answer expected is an option and nothing else.
        options: At least two different texts.
        stage: What the call is for, in the ledger.
        method: How to choose. Where the endpoint gives or accepts no log-probabilities, or no option is among the likely
            first tokens, `loglik` falls back to `constrained`, and the scores are none. An endpoint that refuses the
            request for them and answers without is not asked for them again.
        neutral: Prompt without content, for `loglik`.

    Raises:
        InputError: Fewer than two options, or two that cannot be told apart.
        MalformedOutput: A model that cannot be constrained named no option three times.
        ContextOverflow: The prompt does not fit into the context.
        ModelUnavailable: The endpoint is down, refuses the key, or takes too long.
        ModelError: The endpoint refuses the request for another reason.
    """
    options = [option.strip() for option in options]
    if len(set(options)) != len(options) or len(options) < 2 or not all(options):
        raise InputError(
            f"At least two different, non-empty options are needed to choose from: {list(options)}."
        )
    if method == "loglik" and any(a != b and a.startswith(b) for a in options for b in options):
        raise InputError(
            f"One option begins another, so first tokens cannot tell them apart: {list(options)}."
        )
    refused = False
    if method == "loglik" and model.gives_logprobs:
        try:
            choice = await _likeliest(model, prompt, options, stage, neutral)
        except (ModelUnavailable, ContextOverflow, MalformedOutput):
            raise
        except ModelError:
            refused = True
        else:
            if choice is not None:
                return choice
    answer = await _constrained(model, prompt, options, stage) or await _matched(
        model, prompt, options, stage
    )
    if refused:
        # The same prompt without log-probabilities went through, so it was those that the endpoint minded.
        model.gives_logprobs = False
    return Choice(answer, options.index(answer))


async def _likeliest(
    model: LanguageModel,
    prompt: Sequence[BaseMessage],
    options: Sequence[str],
    stage: str,
    neutral: Sequence[BaseMessage] | None,
) -> Choice | None:
    scores = await _scores(model, prompt, options, stage)
    if scores is None:
        return None
    if neutral is not None:
        prior = await _prior(model, neutral, options, stage)
        scores = tuple(score - base for score, base in zip(scores, prior, strict=True))
    best = max(range(len(options)), key=scores.__getitem__)
    return Choice(options[best], best, scores)


async def _constrained(
    model: LanguageModel, prompt: Sequence[BaseMessage], options: Sequence[str], stage: str
) -> str | None:
    """Return the option that was generated, or none where the endpoint knows no constraint."""
    dialect = await model.adialect()
    if dialect == "plain":
        return None
    body = choice_body(options, dialect)
    reply = await model.areply(prompt, stage=stage, max_tokens=_longest(options), body=body)
    answer = reply.text.strip()
    if dialect == "openai":
        # Not every server of this API heeds `response_format`; those that do not are asked in words.
        with suppress(ValueError, KeyError, TypeError):
            answer = json.loads(answer)["choice"]
        return answer if answer in options else None
    if answer not in options:
        raise MalformedOutput(f"{model.where} ignored a constraint to {list(options)}.", reply.text)
    return answer


def choice_body(options: Sequence[str], dialect: Dialect) -> dict[str, Any]:
    """Return the request fields that constrain an answer to one of several texts; none for a `plain` model.

    A server of dialect `openai` knows schemas alone: it answers `{"choice": "the text"}`.
    """
    if dialect == "llama.cpp":
        texts = (json.dumps(option, ensure_ascii=False) for option in options)
        return {"grammar": "root ::= " + " | ".join(texts)}
    if dialect == "vllm":
        return {"structured_outputs": {"choice": list(options)}}
    if dialect == "openai":
        schema = {"type": "object", "properties": {"choice": {"type": "string", "enum": list(options)}}}
        return response_format(schema, dialect, "choice")
    return {}


def _longest(options: Sequence[str]) -> int:
    # As many tokens as bytes always suffice; the JSON around an option takes a few more.
    return max(len(option.encode("utf-8", "replace")) for option in options) + 24


async def _matched(
    model: LanguageModel, prompt: Sequence[BaseMessage], options: Sequence[str], stage: str
) -> str:
    messages = _with_rule(
        prompt, "Answer with one of these, word for word, and nothing else:\n" + "\n".join(options)
    )
    folded = {_folded(option): option for option in options}
    asked, text = messages, ""
    for _ in range(1 + _RETRIES):
        text = (await model.areply(asked, stage=stage, max_tokens=_longest(options))).text
        if text.strip() in options:
            return text.strip()
        if _folded(text) in folded:
            return folded[_folded(text)]
        complaint = "That is none of them. Answer with one of them alone."
        asked = [*messages, AIMessage(text or "(nothing)"), HumanMessage(complaint)]
    raise MalformedOutput(f"The model named none of {list(options)}.", text)


def _with_rule(prompt: Sequence[BaseMessage], rule: str) -> list[BaseMessage]:
    # Some models refuse two user messages in a row, so the rule joins the last one.
    if prompt and isinstance(prompt[-1], HumanMessage) and isinstance(prompt[-1].content, str):
        return [*prompt[:-1], HumanMessage(f"{prompt[-1].content}\n\n{rule}")]
    return [*prompt, HumanMessage(rule)]


def _folded(text: str) -> str:
    return text.strip().strip("\"'`*.").casefold()


async def _scores(
    model: LanguageModel, prompt: Sequence[BaseMessage], options: Sequence[str], stage: str
) -> tuple[float, ...] | None:
    dialect = await model.adialect()
    if dialect == "plain":
        return None
    reply = await model.areply(prompt, stage=stage, max_tokens=1, top_logprobs=TOP_LOGPROBS[dialect])
    return _option_scores(reply.first_token, options)


def _option_scores(first_token: Mapping[str, float], options: Sequence[str]) -> tuple[float, ...] | None:
    likelihood = [
        sum(math.exp(logprob) for token, logprob in first_token.items() if _opens(token, option, options))
        for option in options
    ]
    if not any(likelihood):
        return None
    # An option that is not among the likely tokens is at most as likely as the least likely of those.
    floor = min(first_token.values())
    return tuple(math.log(p) if p else floor for p in likelihood)


def _opens(token: str, option: str, options: Sequence[str]) -> bool:
    """Whether a token begins this option and no other."""
    start = token.strip()
    return bool(start) and [other for other in options if other.startswith(start)] == [option]


async def _prior(
    model: LanguageModel, neutral: Sequence[BaseMessage], options: Sequence[str], stage: str
) -> tuple[float, ...]:
    content = json.dumps([convert_to_openai_messages(list(neutral)), list(options)], ensure_ascii=False)
    key = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
    if key not in model.neutral_scores:
        scores = await _scores(model, neutral, options, stage)
        model.neutral_scores[key] = scores or (0.0,) * len(options)
    return model.neutral_scores[key]
