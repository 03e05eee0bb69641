"""What went wrong in a model call, in limner's own errors."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import openai
from langchain_core import exceptions as langchain_errors

from limner.errors import (
    ContextOverflow,
    LimnerError,
    ModelBusy,
    ModelDown,
    ModelError,
    ModelTooSlow,
    ModelUnavailable,
)

__all__ = ["BUSY", "retry_after", "translated"]

BUSY = (429, 503)
"""HTTP statuses of a server that has too much to do for the moment."""

_NUMBERS = (
    # llama.cpp: "request (9030 tokens) exceeds the available context size (8192 tokens)"
    re.compile(
        r"request \((?P<prompt>\d+) tokens\) exceeds the available context size \((?P<context>\d+) tokens\)"
    ),
    # OpenAI and older vLLM: "maximum context length is 2048 tokens ... you requested N tokens" / "resulted in N tokens".
    # Newer vLLM stops counting at the limit ("contains at least 2049"), which says nothing.
    re.compile(
        r"maximum context length is (?P<context>\d+) tokens.*?"
        r"(?:resulted in|requested|contains|has) (?P<prompt>\d+)",
        re.DOTALL,
    ),
    re.compile(
        r"(?P<prompt>\d+) tokens.*?maximum (?:context|model) length (?:of|is) (?P<context>\d+)", re.DOTALL
    ),
)
_OVERFLOW = re.compile(
    r"exceed_context_size|context_length_exceeded|maximum context length|context window|exceeds the available context"
)


@contextmanager
def translated(
    where: str, timeout_s: float, overflow: Callable[[], ContextOverflow] | None = None
) -> Iterator[None]:
    """Turn the errors of the chat libraries into limner's.

    Args:
        where: Whom the call went to, for the message: a URL, or the name of a model object.
        timeout_s: The time-out in force, for the message.
        overflow: Gives the error for a prompt that is refused as too long without a word of how long it is.

    Raises:
        ContextOverflow: The endpoint refused the prompt as too long.
        ModelBusy: The server has too much to do.
        ModelDown: Nobody answers.
        ModelTooSlow: Nobody answers in time.
        ModelUnavailable: The answer was another error of the server's.
        ModelError: The endpoint refused the request for another reason, or its answer is no chat completion.
    """
    try:
        yield
    except LimnerError:
        raise
    except (
        TimeoutError,
        openai.APITimeoutError,
        langchain_errors.ModelTimeoutError,
        httpx2.TimeoutException,
    ) as error:
        raise ModelTooSlow(
            f"{where} did not answer within {timeout_s:g} s. Is it busy or still loading? "
            f"Raise LIMNER_TIMEOUT_S to wait longer."
        ) from error
    except (openai.APIConnectionError, langchain_errors.ModelConnectionError, httpx2.TransportError) as error:
        raise ModelDown(
            f"Nothing answers at {where} ({_cause(error)}). Is it running, and is LIMNER_BASE_URL right?"
        ) from error
    except openai.APIStatusError as error:
        raise _refusal(error, where, overflow) from error
    except langchain_errors.ModelRateLimitError as error:
        raise ModelBusy(f"{where} is busy: {_short(str(error))}. Try again later.") from error
    except (openai.OpenAIError, langchain_errors.ModelError) as error:
        failed = ModelUnavailable(f"{where} failed: {_short(str(error))}")
        too_long = isinstance(error, langchain_errors.ContextOverflowError)
        raise (_overflow(str(error), None, overflow) if too_long else None) or failed from error
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"{where} answered with something else than a chat completion ({_short(str(error))}). Is it an "
            f"OpenAI-compatible server?"
        ) from error


def _refusal(
    error: openai.APIStatusError, where: str, overflow: Callable[[], ContextOverflow] | None
) -> ModelError:
    status = error.status_code
    message = _short(error.message)
    if too_long := _overflow(error.message, error.body, overflow):
        return too_long
    if status in (401, 403):
        return ModelUnavailable(f"{where} refuses the key (HTTP {status}: {message}). Set LIMNER_API_KEY.")
    if status == 404:
        return ModelUnavailable(
            f"{where} knows no such model or path (HTTP 404: {message}). LIMNER_BASE_URL usually ends in /v1, and "
            f"LIMNER_MODEL is a name that GET /v1/models lists."
        )
    if status == 429 and "insufficient_quota" in f"{error.code} {error.type} {error.body}":
        return ModelUnavailable(
            f"{where}: the quota is used up (HTTP 429: {message}). Waiting does not help; see to the account."
        )
    if status in BUSY:
        wait = retry_after(error.response.headers)
        return ModelBusy(f"{where} is busy (HTTP {status}: {message}). Try again later.", wait)
    if status >= 500:
        return ModelUnavailable(f"{where} failed with HTTP {status}: {message}. Try again later.", again=True)
    return ModelError(f"{where} refused the request (HTTP {status}): {message}")


def _overflow(
    message: str, body: object, unsaid: Callable[[], ContextOverflow] | None
) -> ContextOverflow | None:
    if isinstance(body, dict) and {"n_prompt_tokens", "n_ctx"} <= body.keys():
        return ContextOverflow(int(body["n_prompt_tokens"]), int(body["n_ctx"]))
    if not _OVERFLOW.search(f"{message} {body}"):
        return None
    for pattern in _NUMBERS:
        if match := pattern.search(message):
            return ContextOverflow(int(match["prompt"]), int(match["context"]))
    return unsaid() if unsaid else None


def _cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return _short(str(error) or type(error).__name__)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:299] + "…"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a server asks to be left alone; none where it does not say, or nothing that makes sense.

    Args:
        headers: Of its answer: `Retry-After` in seconds or as a date, by the server's clock where it tells it, or the `retry-after-ms` of
            some services.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    until = _date(headers.get("retry-after", ""))
    if until is None:
        return None
    return max(0.0, (until - (_date(headers.get("date", "")) or datetime.now(UTC))).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
