"""What comes back from one call of a model."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage

from limner.inference.ledger import Usage

__all__ = ["Call", "Reply", "estimate_tokens", "reply_of", "usage_of"]

_PIECE = re.compile(r"[A-Za-z]+|[^\x00-\x7F]|[^\sA-Za-z]|\n")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the model."""

    text: str
    finish_reason: str | None
    usage: Usage
    first_token: Mapping[str, float] = field(default_factory=dict)
    """Log-probability of each likely first token, where it was asked for and the endpoint tells."""
    token_logprobs: tuple[tuple[int | None, float], ...] = ()
    """Id and log-probability of each token of the answer, likewise; only llama.cpp tells the ids."""

    @property
    def truncated(self) -> bool:
        """Whether the answer was cut off at `max_tokens`."""
        return self.finish_reason in ("length", "max_tokens")


@dataclass(slots=True)
class Call:
    """What is known of a call once it has ended."""

    usage: Usage = field(default_factory=Usage)
    finish: str | None = None
    reused: bool = False
    """Whether a cache of responses answered."""


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text, meant to err on the high side.

    A run of ASCII letters counts a token per three letters, begun ones included; every other character that is not a
    blank counts as one, outside ASCII as half of its UTF-8 bytes. English prose comes out about a third too high.
    """
    total = 0.0
    for piece in _PIECE.findall(text):
        if piece.isascii():
            total += math.ceil(len(piece) / 3) if piece.isalpha() else 1
        else:
            total += max(1.0, len(piece.encode("utf-8", "replace")) / 2)
    return math.ceil(total)


def reply_of(message: AIMessage) -> Reply:
    """Return what a chat model's answer tells."""
    finish = message.response_metadata.get("finish_reason")
    return Reply(message.text, finish, usage_of(message), _first_token(message), _token_logprobs(message))


def usage_of(message: AIMessage) -> Usage:
    """Return the tokens that an answer, or the last piece of one, says it took."""
    reported = message.usage_metadata
    if reported is None:
        return Usage()
    cached = reported.get("input_token_details", {}).get("cache_read") or 0
    # Langchain gives a reused answer a usage, with nothing but a cost in it where the model told none.
    return Usage(reported.get("input_tokens", 0), cached, reported.get("output_tokens", 0))


def _logprobs(message: AIMessage) -> list[dict[str, Any]]:
    return (message.response_metadata.get("logprobs") or {}).get("content") or []


def _token_logprobs(message: AIMessage) -> tuple[tuple[int | None, float], ...]:
    return tuple((entry.get("id"), entry["logprob"]) for entry in _logprobs(message))


def _first_token(message: AIMessage) -> dict[str, float]:
    content = _logprobs(message)
    return {entry["token"]: entry["logprob"] for entry in content[0]["top_logprobs"]} if content else {}
