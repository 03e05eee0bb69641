"""Chat models: `ChatOpenAI` on any OpenAI-compatible endpoint, the embedded engine's included."""

import weakref

import httpx2
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from limner.settings import Settings

__all__ = ["chat_model", "openai_chat"]


def openai_chat(
    base_url: str, api_key: str | None, model: str, settings: Settings, *, retries: int
) -> ChatOpenAI:
    """Return the one kind of chat model that limner itself makes.

    Args:
        base_url: URL that ends in `/v1`.
        api_key: Key, or none where the server asks for none.
        model: Served model name.
        settings: Temperature, seed and time-out are taken from here.
        retries: How often the client repeats a call that failed for a passing reason, with back-off.
    """
    # A kept connection belongs to the event loop that opened it, and a chat model may be awaited from several
    # (the portal's, an application's, one per `asyncio.run`); so none is kept.
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    return ChatOpenAI(
        base_url=base_url,
        api_key=SecretStr(api_key or "none"),
        model=model,
        temperature=settings.temperature,
        seed=settings.seed,
        timeout=settings.timeout_s,
        max_retries=retries,
        use_responses_api=False,
        stream_usage=True,
        http_client=httpx2.Client(timeout=settings.timeout_s, limits=limits),
        http_async_client=httpx2.AsyncClient(timeout=settings.timeout_s, limits=limits),
    )


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
    weakref.finalize(model.chat, model.release)
    return model.chat
