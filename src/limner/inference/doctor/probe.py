"""One thing to try on a model, and the count of calls and seconds that all of them share."""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import anyio
from anyio import to_thread
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from limner.errors import LimnerError, ModelError
from limner.inference.doctor.report import Verdict
from limner.inference.endpoint import Exchange
from limner.inference.failures import translated
from limner.inference.language_model import LanguageModel
from limner.inference.ledger import Usage, measured
from limner.inference.reply import Reply

__all__ = [
    "STAGE",
    "Examination",
    "OutOfBudget",
    "Outcome",
    "Probe",
    "Streamed",
    "Timed",
    "nonsense",
    "refusal",
    "said",
]

STAGE = "doctor"
"""Under which the calls are booked."""
T = TypeVar("T")
_ROUTE_S = 15.0
"""Longest wait for a route that no model answers, in seconds."""
_LETTERS = "bcdfgjkqvwxz"


class OutOfBudget(LimnerError):
    """No call or second is left; what was not tried stays unknown."""


class Outcome(NamedTuple):
    """What a probe found."""

    verdict: Verdict
    answered: str
    meaning: str
    figures: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer, and how long it took."""

    reply: Reply
    seconds: float


@dataclass(frozen=True, slots=True)
class Streamed:
    """A streamed answer."""

    text: str
    usage: Usage
    arrivals: tuple[float, ...]
    """Seconds from the request to each piece."""


@dataclass(slots=True)
class Examination:
    """A model under examination.

    Args:
        model: The model.
        most_calls: Requests after which no more are made.
        budget_s: Seconds after which no more are made, and a call that runs is given up.
        quick: Whether to leave out what is only about speed.
        claimed_context: Context length that the settings name; none where they name none.
    """

    model: LanguageModel
    most_calls: int
    budget_s: float
    quick: bool = False
    claimed_context: int | None = None
    calls: int = 0
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """How long the examination has taken so far."""
        return time.perf_counter() - self.started

    async def reply(self, prompt: str | Sequence[BaseMessage], *, max_tokens: int, **options: Any) -> Timed:  # noqa: ANN401 - those of `areply`
        """Ask once, as limner does; the options are those of `LanguageModel.areply`.

        Raises:
            OutOfBudget: No call or second is left.
            ModelError: As `LanguageModel.areply`.
        """
        messages = [HumanMessage(prompt)] if isinstance(prompt, str) else list(prompt)
        start = time.perf_counter()
        reply = await self._within(
            lambda: self.model.areply(messages, stage=STAGE, max_tokens=max_tokens, **options)
        )
        return Timed(reply, time.perf_counter() - start)

    async def streamed(self, prompt: str, *, max_tokens: int) -> Streamed:
        """Ask once, and note when each piece of the answer comes.

        Raises:
            OutOfBudget: No call or second is left.
            ModelError: As `LanguageModel.astream`.
        """
        start = time.perf_counter()
        pieces: list[tuple[float, str]] = []

        async def read() -> Usage:
            with measured() as meter:
                stream = self.model.astream([HumanMessage(prompt)], stage=STAGE, max_tokens=max_tokens)
                async for piece in stream:
                    pieces.append((time.perf_counter() - start, piece))
            total = meter.total()
            return Usage(total.prompt_tokens, total.cached_tokens, total.output_tokens)

        usage = await self._within(read)
        return Streamed("".join(text for _, text in pieces), usage, tuple(at for at, _ in pieces))

    async def called(self, prompt: str, tool: dict[str, Any], choice: str, *, max_tokens: int) -> AIMessage:
        """Ask once with a tool at hand, as langchain's agents do.

        Args:
            prompt: The one message.
            tool: In OpenAI's form.
            choice: `auto`, `required`, or the name of the tool that must be called.
            max_tokens: Longest answer.
        """
        plain = await self.model.adialect() == "plain"
        options: dict[str, Any] = {} if plain else {"max_tokens": max_tokens}
        with translated(self.model.where, self.model.timeout_s):
            bound = self.model.chat.bind_tools([tool], tool_choice=choice, **options)

        async def ask() -> AIMessage:
            with translated(self.model.where, self.model.timeout_s), anyio.fail_after(self.model.timeout_s):
                return await bound.ainvoke([HumanMessage(prompt)])

        return await self._within(ask)

    @property
    def has_server(self) -> bool:
        """Whether there is a server with routes of its own, and not a model object alone."""
        return self.model.endpoint is not None

    async def exchange(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Exchange:
        """Return what comes back on a route of the server that no model answers.

        Raises:
            ModelUnavailable: Nobody answers, or not in time.
        """
        endpoint = self.model.endpoint
        assert endpoint is not None
        wait = min(_ROUTE_S, endpoint.timeout_s)
        return await to_thread.run_sync(lambda: endpoint.exchange(method, path, body, timeout_s=wait))

    async def models(self) -> Exchange:
        """Return the server's answer to the question which models it has.

        Raises:
            ModelUnavailable: Nobody answers, or not in time.
        """
        assert self.model.endpoint is not None
        # In full: not every base URL ends in /v1.
        return await self.exchange("GET", f"{self.model.endpoint.base_url}/models")

    def spend(self) -> None:
        """Count a call.

        Raises:
            OutOfBudget: There was none left.
        """
        if self.calls >= self.most_calls:
            raise OutOfBudget(f"all {self.most_calls} calls of an examination were used up")
        if self.seconds >= self.budget_s:
            raise OutOfBudget(f"the {self.budget_s:g} s of the examination were used up")
        self.calls += 1

    def without_secrets(self, text: str) -> str:
        """Return a text without the key, and without what may stand in a URL before the host."""
        endpoint = self.model.endpoint
        if endpoint is None:
            return text
        address = urlsplit(endpoint.base_url)
        hidden = [endpoint.api_key, address.password, address.username]
        for secret in filter(None, hidden):
            text = text.replace(secret, "***")
        return text

    async def _within(self, ask: Callable[[], Awaitable[T]]) -> T:
        self.spend()
        left = self.budget_s - self.seconds
        with anyio.move_on_after(left) as scope:
            return await ask()
        assert scope.cancelled_caught
        raise OutOfBudget(f"no answer came in the {left:.0f} s that were left of {self.budget_s:g}")


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to try."""

    name: str
    title: str
    asked: str
    run: Callable[[Examination], Awaitable[Outcome]]
    without: str
    """What it means for limner if an error is all that comes."""
    timed: bool = False
    """Whether it is only about speed."""
    needs_server: bool = False
    """Whether it asks a server's own routes, which a model object that was wrapped has not."""


def nonsense(count: int = 1) -> list[str]:
    """Return different words that no model would say unless it were held to them: random, without vowels."""
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(secrets.choice(_LETTERS) for _ in range(7))] = None
    return list(words)


def said(text: str, length: int = 70) -> str:
    """Return the beginning of what a model said, on one line and in quotes."""
    line = " ".join(text.split())
    return f"“{line}”" if len(line) <= length else f"“{line[: length - 1]}…”"


def refusal(error: ModelError) -> bool:
    """Whether a server said no, rather than something going wrong."""
    return getattr(error.__cause__, "status_code", 0) in range(400, 500)
