"""limner's language model as a model of inspect_ai: `--model limner/default`, or `limner/NAME`.

It answers from the response cache, and chooses between options in every way that limner knows.
"""

from typing import Any, cast

from anyio import to_thread
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo
from pydantic import SecretStr

from limner.evals.choosing import STAGE, chosen, langchain_messages
from limner.evals.engine import shared_model
from limner.evals.records import Asked, Method, Role
from limner.inference import LanguageModel
from limner.inference.ledger import measured
from limner.settings import Settings

__all__ = ["OPTIONS", "PROVIDER", "limner_model", "limner_settings", "max_samples"]

OPTIONS = "limner_options"
"""Key of `extra_body` under which a choice is asked for: `{"options": [...], "method": ..., "neutral": [...]}`."""
PROVIDER = "limner/"
"""How the names of this provider's models begin."""
_ANSWER_TOKENS = 256
_AT_ONCE = 16
"""Calls at once to an endpoint, which batches them."""


def limner_settings(
    name: str = "default", base_url: str | None = None, api_key: str | None = None
) -> Settings:
    """Return the settings in force, with another model or endpoint where one is named.

    Args:
        name: `default` keeps the settings' model.
        base_url: Of an OpenAI-compatible endpoint.
        api_key: Its key.
    """
    settings = Settings()
    changed: dict[str, object] = {} if name == "default" else {"model": name}
    changed |= {} if base_url is None else {"base_url": base_url}
    changed |= {} if api_key is None else {"api_key": SecretStr(api_key)}
    return settings.model_copy(update=changed) if changed else settings


def max_samples(model: str) -> int | None:
    """Return how many questions may be under way at once; none leaves it to inspect_ai.

    Taking in a history calls limner's own model outside of inspect_ai's count of connections.
    """
    if not model.startswith(PROVIDER):
        return None
    return 1 if limner_settings(model.removeprefix(PROVIDER)).base_url is None else _AT_ONCE


class _LimnerAPI(ModelAPI):
    """limner's own language model: the embedded engine, or the endpoint of the settings."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        **model_args: object,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        self.settings = limner_settings(model_name, base_url, api_key)

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Answer, or choose where options are given; tools are not offered to the model."""
        model = await to_thread.run_sync(shared_model, self.settings)
        messages = tuple((cast(Role, message.role), message.text) for message in input)
        wanted = (config.extra_body or {}).get(OPTIONS)
        with measured() as meter:
            if wanted:
                output = await _choice(model, messages, wanted)
            else:
                output = await _words(model, messages, config)
        total = meter.total()
        output.usage = ModelUsage(
            input_tokens=total.prompt_tokens - total.cached_tokens,
            input_tokens_cache_read=total.cached_tokens,
            output_tokens=total.output_tokens,
            total_tokens=total.prompt_tokens + total.output_tokens,
        )
        return output

    def should_retry(self, ex: BaseException) -> bool:
        """Say no: limner has retried what can be retried."""
        return False

    def max_connections(self) -> int:
        """One call at a time for the embedded engine, which computes one; an endpoint batches."""
        return 1 if self.settings.base_url is None else _AT_ONCE

    def connection_key(self) -> str:
        """Calls to one endpoint share their limit."""
        return self.settings.base_url or "embedded"


async def _choice(
    model: LanguageModel, messages: tuple[tuple[Role, str], ...], wanted: dict[str, Any]
) -> ModelOutput:
    asked = Asked(
        messages,
        tuple(wanted["options"]),
        cast(Method, wanted["method"]),
        tuple((cast(Role, role), text) for role, text in wanted["neutral"]),
    )
    option, scores = await chosen(model, asked)
    output = ModelOutput.from_content(model.name, option)
    output.metadata = {"scores": list(scores)}
    return output


async def _words(
    model: LanguageModel, messages: tuple[tuple[Role, str], ...], config: GenerateConfig
) -> ModelOutput:
    reply = await model.areply(
        langchain_messages(messages),
        stage=STAGE,
        max_tokens=config.max_tokens or _ANSWER_TOKENS,
        temperature=config.temperature,
        stop=config.stop_seqs,
    )
    stop: StopReason = "max_tokens" if reply.truncated else "stop"
    return ModelOutput.from_content(model.name, reply.text, stop)


@modelapi("limner")
def limner_model() -> type[ModelAPI]:
    """Return the provider; inspect_ai calls this when a model `limner/...` is named."""
    return _LimnerAPI
