"""What the model calls cost: calls, tokens and seconds per stage and user."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Ledger", "LedgerRow", "Meter", "Usage", "current_user", "measured"]

_scope: ContextVar[tuple[str | None, str | None]] = ContextVar("limner_ledger_scope", default=(None, None))


def current_user() -> str | None:
    """Return the user of the innermost surrounding `Ledger.stage` block; none outside of one."""
    return _scope.get()[1]


_meters: ContextVar[tuple["Meter", ...]] = ContextVar("limner_meters", default=())


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call, as the endpoint reports them."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    """The part of the prompt that came from the prefix cache and was not computed."""
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The sum over the calls of one stage for one user."""

    stage: str
    user: str | None
    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    """Time spent waiting for the calls; calls that ran side by side count each, and reused ones do not."""
    reused: int = 0
    """The part of the calls that a `ResponseCache` answered: their tokens are counted as when the model gave them."""

    @property
    def computed_tokens(self) -> int:
        """Tokens that were really computed, now or when a reused call was made: prompt less cache, plus output."""
        return self.prompt_tokens - self.cached_tokens + self.output_tokens

    def plus(self, usage: Usage, seconds: float, calls: int = 1, reused: int = 0) -> "LedgerRow":
        """Return this row with more calls added."""
        return LedgerRow(
            self.stage,
            self.user,
            self.calls + calls,
            self.prompt_tokens + usage.prompt_tokens,
            self.cached_tokens + usage.cached_tokens,
            self.output_tokens + usage.output_tokens,
            self.seconds + seconds,
            self.reused + reused,
        )


class Ledger:
    """Counts model calls; safe to share between threads and tasks.

    A call is booked under the stage that made it and the user of the innermost surrounding `stage` block:

    ```python
    with ledger.stage("reflect", user="ada"):
        await model.acomplete(messages, stage="propose", max_tokens=64)   # booked under ("propose", "ada")
    print(ledger.total().computed_tokens)
    ```

    The block is a context variable, so it follows a task, a task group and `Portal.run`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str | None], LedgerRow] = {}

    @contextmanager
    def stage(self, name: str | None = None, *, user: str | None = None) -> Iterator[None]:
        """Book the calls inside this block under a stage and a user; what is not given is inherited."""
        outer_stage, outer_user = _scope.get()
        token = _scope.set((name or outer_stage, user if user is not None else outer_user))
        try:
            yield
        finally:
            _scope.reset(token)

    def record(self, usage: Usage, seconds: float, *, stage: str | None = None, reused: bool = False) -> None:
        """Book one call.

        Args:
            usage: What the endpoint reported.
            seconds: Wall-clock time of the call.
            stage: Stage of the call; none takes that of the surrounding block, or `other`.
            reused: Whether a cache of responses answered; the seconds are then not counted.
        """
        scope_stage, user = _scope.get()
        key = (stage or scope_stage or "other", user)
        with self._lock:
            row = self._rows.get(key) or LedgerRow(*key)
            self._rows[key] = row.plus(usage, 0.0 if reused else seconds, reused=int(reused))
        for meter in _meters.get():
            meter.add(usage, 0.0 if reused else seconds, int(reused), stage=key[0])

    def rows(self) -> list[LedgerRow]:
        """Return one row per stage and user, in order of first use."""
        with self._lock:
            return list(self._rows.values())

    def total(self) -> LedgerRow:
        """Return the sum over every stage and user."""
        total = LedgerRow("total", None)
        for row in self.rows():
            usage = Usage(row.prompt_tokens, row.cached_tokens, row.output_tokens)
            total = total.plus(usage, row.seconds, row.calls, row.reused)
        return total

    def reset(self) -> None:
        """Forget every row."""
        with self._lock:
            self._rows.clear()


class Meter:
    """The sum of what was booked inside one `measured` block, in whatever ledger."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = LedgerRow("measured", None)
        self._rows: dict[str, LedgerRow] = {}

    def add(self, usage: Usage, seconds: float, reused: int, *, stage: str = "other") -> None:
        """Add one call."""
        with self._lock:
            self._total = self._total.plus(usage, seconds, reused=reused)
            row = self._rows.get(stage) or LedgerRow(stage, None)
            self._rows[stage] = row.plus(usage, seconds, reused=reused)

    def total(self) -> LedgerRow:
        """Return the sum so far."""
        with self._lock:
            return self._total

    def rows(self) -> list[LedgerRow]:
        """Return one row per stage, of whatever user, in order of first use."""
        with self._lock:
            return list(self._rows.values())


@contextmanager
def measured() -> Iterator[Meter]:
    """Meter the calls made inside this block, by this task and by what it starts: tasks, threads, `Portal.run`.

    Where many work side by side, each with a block of its own, every call is metered in the block it belongs to.
    """
    meter = Meter()
    token = _meters.set((*_meters.get(), meter))
    try:
        yield meter
    finally:
        _meters.reset(token)
