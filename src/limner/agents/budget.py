"""Limits of an agent's loop, explicit and kept."""

import time
from dataclasses import dataclass, field

from limner.inference import Ledger

__all__ = ["Budget", "Spending"]


@dataclass(frozen=True)
class Budget:
    """What a loop may spend."""

    rounds: int = 5
    """Decisions."""
    tokens: int = 8000
    """Computed tokens: prompt tokens that were not cached, and output."""
    seconds: float = 120.0


@dataclass
class Spending:
    """A budget being spent by one user's request; `exhausted` says which limit is reached."""

    budget: Budget
    ledger: Ledger
    user: str
    """Whose calls count: others ask the same model at the same time."""
    rounds: int = 0
    _started: float = field(default_factory=time.monotonic)
    _tokens_before: int = field(init=False)

    def __post_init__(self) -> None:
        self._tokens_before = self._tokens

    @property
    def _tokens(self) -> int:
        return sum(row.computed_tokens for row in self.ledger.rows() if row.user == self.user)

    @property
    def exhausted(self) -> str | None:
        """The limit that is reached, in words; none while another decision may be taken."""
        if self.rounds >= self.budget.rounds:
            return f"{self.budget.rounds} rounds"
        return self.spent

    @property
    def spent(self) -> str | None:
        """The limit of tokens or time that is reached, in words; none while a decision may be carried out."""
        if self._tokens - self._tokens_before >= self.budget.tokens:
            return f"{self.budget.tokens} tokens"
        if time.monotonic() - self._started >= self.budget.seconds:
            return f"{self.budget.seconds:g} seconds"
        return None
