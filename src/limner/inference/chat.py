"""Chat models: `ChatOpenAI` on any OpenAI-compatible endpoint, the embedded engine's included."""

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from limner.inference.endpoint import Dialect, Endpoint
from limner.settings import Settings

__all__ = ["arguments_of", "chat_model", "openai_chat"]


def openai_chat(endpoint: Endpoint, settings: Settings, *, retries: int = 0) -> ChatOpenAI:
    """Return the one kind of chat model that limner itself makes.

    Args:
        endpoint: Where it asks.
        settings: Temperature, seed and time-out are taken from here.
        retries: How often the client itself repeats a call that failed for a passing reason; a `LanguageModel` does that by its pace.
    """
    # A kept connection belongs to the event loop that opened it, and a chat model may be awaited from several
    # (the portal's, an application's, one per `asyncio.run`); so none is kept.
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    return ChatOpenAI(
        base_url=endpoint.base_url,
        api_key=SecretStr(endpoint.api_key or "none"),
        model=endpoint.model,
        temperature=settings.temperature,
        seed=settings.seed,
        timeout=settings.timeout_s,
        max_retries=retries,
        use_responses_api=False,
        http_client=endpoint.connections.client(timeout=settings.timeout_s, limits=limits),
        http_async_client=endpoint.connections.async_client(timeout=settings.timeout_s, limits=limits),
    )


def arguments_of(
    dialect: Dialect,
    max_tokens: int,
    temperature: float | None,
    stop: Sequence[str] | None,
    fields: Mapping[str, Any],
    top_logprobs: int | None = None,
) -> dict[str, Any]:
    """Return what a chat model is called with besides the messages; of a `plain` one nothing is known but stop words.

    Args:
        dialect: What is known of the model.
        max_tokens: Longest answer, in tokens.
        temperature: Instead of the configured one.
        stop: Texts that end the answer.
        fields: More fields of the request.
        top_logprobs: How many likely first tokens to report.
    """
    arguments: dict[str, Any] = {} if stop is None else {"stop": list(stop)}
    if dialect == "plain":
        return arguments
    arguments |= {"max_tokens": max_tokens}
    arguments |= {} if temperature is None else {"temperature": temperature}
    arguments |= {"extra_body": dict(fields)} if fields else {}
    arguments |= {"logprobs": True, "top_logprobs": top_logprobs} if top_logprobs else {}
    return arguments


def chat_model(settings: Settings) -> BaseChatModel:
    """Return a langchain chat model: on the endpoint of `settings.base_url`, or on the embedded engine.

    The embedded engine stops when the chat model is garbage collected. Where the end must be certain, take
    `language_model(settings)` and close it.

    Raises:
        ConfigurationError: The model cannot be found, or the extra `embedded` is not installed.
        DownloadError: A packaged model cannot be fetched.
    """
    from limner.inference.language_model import language_model

    model = language_model(settings)
    assert model.endpoint is not None
    chat = openai_chat(model.endpoint, settings, retries=2)
    weakref.finalize(chat, model.resources.close)
    return chat
