"""What speaks for and against telling one statement, and the decision that follows from it; no model is asked here.

Each signal alone can deny: a word, the form of the sentence, the encoder, or one of the model's three answers. What none of them denies
by itself must still stay below a threshold in their weighted sum, so that several weak doubts together deny too.
"""

import math
from dataclasses import dataclass

from limner.profiles.sharing.kinds import Kind

__all__ = ["THRESHOLD", "Signals", "denial", "denial_at_sight", "score"]

_CLIP = 3.0
"""Log-odds beyond this say no more: a model that answers without likelihoods counts so."""
_WEIGHTS = {"near": 15.2, "needed": -1.48, "private": 1.86, "kind": 0.58}
_BIAS = -1.36
"""Ridge-penalised logistic regression on the development cases, of what no rule below denies; `docs/sharing.md` says how well it does."""
THRESHOLD = -1.7
"""Only what scores lower is told. Chosen for few leaks: held out, 1 of 98 development statements leaks here, and 13 at 0, where a leak
and a needless denial weigh the same."""
_NEAR_ABOVE, _KIND_ABOVE, _PRIVATE_ABOVE, _NEEDED_BELOW = 0.12, 3.0 - 1e-9, 1.0, -1.5
"""Where one signal alone denies; on the development cases nearly all that may be told lies on the other side."""
_OPENED_PRIVATE = 0.0
"""How private something of an opened kind can count at most: that it is private is why it has a norm of its own."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known about one statement; what was not asked is none."""

    orders: bool
    """It gives orders to whoever decides."""
    others: bool
    """It is about somebody other than the user, whom the request does not name."""
    words: frozenset[Kind]
    """Kinds that its words give away."""
    opened: frozenset[Kind]
    """Kinds that recipient and purpose call for."""
    nearest: Kind
    """The nearest kind that is not opened, for the encoder."""
    near: float
    """By how much that is nearer than harmless statements, as a difference of cosines."""
    guessed: Kind | None = None
    """The likeliest kind that is not opened, for the model."""
    kind: float | None = None
    """Log-odds of any kind that is not opened, for the model."""
    private: float | None = None
    """Log-odds that the user would mind strangers to know it."""
    needed: float | None = None
    """Log-odds that the recipient needs it for the purpose."""

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds that any signal sees in it, opened ones by their words alone."""
        found = set(self.words)
        if self.near > 0:
            found.add(self.nearest)
        if self.kind is not None and self.kind > 0 and self.guessed is not None:
            found.add(self.guessed)
        if self.others:
            found.add(Kind.THIRD_PERSON)
        return frozenset(found)


def clipped(log_odds: float) -> float:
    return max(-_CLIP, min(_CLIP, log_odds))


def score(signals: Signals) -> float:
    """Return the log-odds that a statement must stay back; what was not asked yet counts as favourably as it can turn out.

    A value that is no number is never lower than the threshold, so it denies.
    """
    private = -_CLIP if signals.private is None else clipped(signals.private)
    if signals.opened:
        private = min(private, _OPENED_PRIVATE)
    return (
        _BIAS
        + _WEIGHTS["near"] * signals.near
        + _WEIGHTS["kind"] * (-_CLIP if signals.kind is None else clipped(signals.kind))
        + _WEIGHTS["private"] * private
        + _WEIGHTS["needed"] * (_CLIP if signals.needed is None else clipped(signals.needed))
    )


def denial(signals: Signals) -> str | None:
    """Return why a statement must stay back, as far as it is known by now; none if nothing speaks against it yet."""
    return denial_at_sight(signals) or _by_encoder(signals) or _by_model(signals) or _by_score(signals)


def denial_at_sight(signals: Signals) -> str | None:
    """Return why a statement must stay back by its words and form alone; none if these do not speak against it."""
    if signals.orders:
        return "it gives orders instead of stating something"
    if signals.others:
        return "it is about somebody else"
    closed = signals.words - signals.opened
    if closed:
        return f"sensitive ({_named(closed)}), which this recipient and purpose do not call for"
    return None


def _by_encoder(signals: Signals) -> str | None:
    if not signals.near <= _NEAR_ABOVE:
        return f"close to what is sensitive ({signals.nearest}), which this recipient and purpose do not call for"
    return None


def _by_model(signals: Signals) -> str | None:
    if signals.kind is not None and not signals.kind < _KIND_ABOVE:
        return f"the model takes it for sensitive ({signals.guessed})"
    if signals.private is not None and not signals.opened and not signals.private <= _PRIVATE_ABOVE:
        return "the model takes it for private"
    if signals.needed is not None and not signals.needed >= _NEEDED_BELOW:
        return "not needed for the purpose"
    return None


def _by_score(signals: Signals) -> str | None:
    total = score(signals)
    if math.isfinite(total) and total < THRESHOLD:
        return None
    doubts = f", perhaps {_named(signals.kinds)}" if signals.kinds else ""
    return f"in doubt{doubts} (score {total:+.1f}, must be below {THRESHOLD:+.1f})"


def _named(kinds: frozenset[Kind]) -> str:
    return ", ".join(sorted(kinds))
