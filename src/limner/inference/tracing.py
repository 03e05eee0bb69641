"""OpenTelemetry spans of model calls, where the OpenTelemetry API is installed; content never goes in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from limner.inference.ledger import Usage

trace: Any
try:
    from opentelemetry import trace
except ImportError:  # an optional library: without it there are no spans
    trace = None

__all__ = ["model_span"]


@contextmanager
def model_span(model: str, stage: str, max_tokens: int) -> Iterator[Callable[[Usage, str | None], None]]:
    """Open a span `chat <model>` and give a function that notes usage and finish reason on it.

    Names follow the OpenTelemetry semantic conventions for generative AI (`gen_ai.*`). What goes to the tracer is
    names and numbers, never a prompt or an answer.
    """
    if trace is None:
        yield lambda usage, finish: None
        return
    attributes: dict[str, str | int] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.request.max_tokens": max_tokens,
        "limner.stage": stage,
    }
    tracer = trace.get_tracer("limner")
    # An exception's text may quote the prompt, so only its type is noted.
    with tracer.start_as_current_span(
        f"chat {model}",
        kind=trace.SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:

        def note(usage: Usage, finish: str | None) -> None:
            span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)
            span.set_attribute("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", usage.output_tokens)
            if finish:
                span.set_attribute("gen_ai.response.finish_reasons", (finish,))

        try:
            yield note
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(trace.StatusCode.ERROR)
            raise
