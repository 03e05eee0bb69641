"""Which propositions a suggestion may rest on: strong, recent or bound to a date, and none that are not brought up unasked."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from limner.inference import Encoder
from limner.memory.records import Proposition, Suggestion
from limner.profiles.suggestions.sensitive import sensitive_kinds

__all__ = ["worth_a_thought"]

_HALF_LIFE = timedelta(days=14)
_SOON = timedelta(days=14)


def worth_a_thought(
    held: Sequence[Proposition],
    past: Sequence[Suggestion],
    encoder: Encoder,
    now: datetime,
    limit: int,
) -> list[Proposition]:
    """Return the propositions to make suggestions from, the most promising first.

    Left out are those that touch a sensitive kind, those without evidence, and versions that a suggestion rested on before.

    Args:
        held: What is held of the user now.
        past: What was suggested before.
        encoder: Tells sensitive statements by what they mean.
        now: With a time zone.
        limit: How many at most.
    """
    used = {id for one in past for id in one.propositions}
    unused = [p for p in held if p.id not in used and p.supporting]
    kinds = sensitive_kinds([p.text for p in unused], encoder)
    open_to = [p for p, touched in zip(unused, kinds, strict=True) if not touched]
    return sorted(open_to, key=lambda p: (-_promise(p, now), p.id))[:limit]


def _promise(one: Proposition, now: datetime) -> float:
    """How promising it is: confidence, freshness and a date that is near count 1 at most each."""
    heard = one.observed_at or one.recorded_at
    fresh: float = 0.5 ** (max(timedelta(), now - heard) / _HALF_LIFE)
    dates = [moment for moment in (one.valid_from, one.valid_until) if moment is not None]
    near = any(now <= moment <= now + _SOON for moment in dates)
    return one.confidence / 10 + fresh + near
