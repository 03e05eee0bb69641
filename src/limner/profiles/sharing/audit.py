"""Audit: may this be told to this recipient for this purpose (contextual integrity; GUM, Shaikh et al. 2025, §3)?

Runs when something is to be shared, never at ingest. Every decision is logged behind the user's own door. In doubt the answer is no, and
where the model or the store fails, nothing is told at all.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from anyio import to_thread

from limner.errors import LimnerError
from limner.memory.records import Proposition
from limner.memory.user import UserMemory
from limner.profiles.sharing.judgement import Judge
from limner.profiles.sharing.kinds import Kind
from limner.profiles.sharing.requests import Request, read_request
from limner.profiles.sharing.signals import Signals, denial

__all__ = ["Decision", "Shared", "audit", "decision_of"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one proposition: the flow of contextual integrity, and the verdict on it."""

    proposition_id: str
    share: bool
    reason: str
    kinds: tuple[Kind, ...]
    """Kinds of sensitive information that were seen in it, certain or not."""
    about: Literal["user", "somebody else"]
    needed: bool | None
    """Whether the model finds it needed for the purpose; none if it was not asked, as it is denied for another reason."""
    statement: str | None = None
    """What is told; none where it is withheld."""


@dataclass(frozen=True, repr=False)
class Shared:
    """What may be told, and what was decided about everything else; printed, it shows what may be told and nothing more."""

    recipient: str
    purpose: str
    decisions: tuple[Decision, ...]

    @property
    def released(self) -> tuple[str, ...]:
        """The statements that may be told."""
        return tuple(d.statement for d in self.decisions if d.share and d.statement is not None)

    @property
    def withheld(self) -> tuple[Decision, ...]:
        """Decisions about what must not be told; without its words, but with kinds that are themselves private."""
        return tuple(d for d in self.decisions if not d.share)

    @property
    def text(self) -> str:
        """The statements that may be told, one a line."""
        return "\n".join(self.released)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Shared(released={self.released!r})"


async def audit(
    user: UserMemory,
    propositions: Sequence[Proposition],
    recipient: str,
    purpose: str,
    judge: Judge,
) -> Shared:
    """Decide for each proposition whether it may be told, log the decisions, and return what may be told.

    Args:
        user: Whose; the log is kept there.
        propositions: What would be told.
        recipient: To whom, in words.
        purpose: What for, in words.
        judge: What finds the signals.

    Raises:
        InputError: Recipient or purpose is empty, or nothing but orders; nothing was told.
        ModelError: The model failed; nothing was told, and the failure is logged.
        StoreError: The decisions could not be logged; nothing was told.
    """
    request = await _read(user, recipient, purpose)
    try:
        found = await judge.signals(request, [p.text for p in propositions])
    except LimnerError as error:
        await _record(user, recipient, purpose, f"nothing was told: {type(error).__name__}")
        raise
    decisions = [decision_of(p.id, p.text, one) for p, one in zip(propositions, found, strict=True)]
    return await to_thread.run_sync(_logged, user, Shared(recipient, purpose, tuple(decisions)))


def decision_of(id: str, statement: str, signals: Signals) -> Decision:
    """Return the decision that follows from the signals of a statement."""
    reason = denial(signals)
    share = reason is None
    opened = ", ".join(sorted(signals.words & signals.opened))
    return Decision(
        id,
        share,
        reason or (f"{opened}, which the purpose calls for" if opened else "nothing speaks against it"),
        tuple(sorted(signals.kinds)),
        "somebody else" if signals.others else "user",
        None if signals.needed is None else signals.needed > 0,
        statement if share else None,
    )


async def _read(user: UserMemory, recipient: str, purpose: str) -> Request:
    try:
        return read_request(recipient, purpose)
    except LimnerError:
        if recipient.strip() and purpose.strip():
            await _record(user, recipient, purpose, "nothing was told: the request gives orders")
        raise


async def _record(user: UserMemory, recipient: str, purpose: str, reason: str) -> None:
    await to_thread.run_sync(lambda: user.record_audit(recipient, purpose, decision="error", reason=reason))


def _logged(user: UserMemory, shared: Shared) -> Shared:
    """Log every decision, then return what may be told of what is still held by now."""
    held = {p.id for p in user.propositions()}
    decisions = tuple(_if_held(decision, held) for decision in shared.decisions)
    for decision in decisions:
        user.record_audit(
            shared.recipient,
            shared.purpose,
            decision="share" if decision.share else "withhold",
            proposition_id=decision.proposition_id,
            reason=decision.reason,
        )
    return Shared(shared.recipient, shared.purpose, decisions)


def _if_held(decision: Decision, held: Collection[str]) -> Decision:
    """Withhold what was denied, revised or forgotten while the model was asked; of that no kind is kept either."""
    if decision.proposition_id in held:
        return decision
    return Decision(decision.proposition_id, False, "not held any more", (), decision.about, None)
