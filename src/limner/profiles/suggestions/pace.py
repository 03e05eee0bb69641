"""How often a user may be interrupted, and what it costs to do so once more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from limner.memory.records import Suggestion
from limner.settings import Settings

__all__ = ["Allowance", "allowance", "interruption_cost"]

_DAY = timedelta(days=1)
_REMEMBERED = 10
"""Decisions, the newest, from which it is concluded how welcome suggestions are."""
_UNWELCOME = 4.0
"""Added to the cost where all of these were turned down, less where fewer were."""
_DOUBT = 2
"""Decisions in favour that nobody took, so that the first one turned down does not silence everything."""
_DEAREST = 10.0


@dataclass(frozen=True)
class Allowance:
    """How many suggestions may be offered now."""

    left: int
    again_at: datetime | None = None
    """When there may be another one, where there may be none now."""
    because: str = ""


def allowance(past: Sequence[Suggestion], settings: Settings, now: datetime) -> Allowance:
    """Return how many suggestions may be offered now, and else from when on.

    Args:
        past: What was offered before, oldest first.
        settings: `suggest_per_day` within any 24 hours, and `suggest_interval_h` between two offers.
        now: With a time zone.
    """
    today = [one.made_at for one in past if now - _DAY < one.made_at]
    left = settings.suggest_per_day - len(today)
    if left <= 0:
        if not today:
            return Allowance(0, None, "suggestions are switched off (suggest_per_day is 0)")
        # So many of the oldest ones must be a day old before there is room for one.
        again = today[len(today) - settings.suggest_per_day] + _DAY if settings.suggest_per_day else None
        return Allowance(0, again, f"there were {len(today)} within a day already")
    pause = timedelta(hours=settings.suggest_interval_h)
    if today and now < (again := today[-1] + pause):
        return Allowance(0, again, f"the last one was less than {settings.suggest_interval_h:g} hours ago")
    return Allowance(left)


def interruption_cost(past: Sequence[Suggestion], settings: Settings, now: datetime) -> float:
    """Return what one more interruption costs, 1 to 10.

    What the settings say, one more for each suggestion of the last 24 hours, and up to four more the more of the last ten that were
    decided on were turned down.
    """
    decided = [one.state for one in past if one.state in ("accepted", "dismissed")][-_REMEMBERED:]
    turned_down = decided.count("dismissed")
    unwelcome = turned_down / (len(decided) + _DOUBT)
    today = sum(1 for one in past if now - _DAY < one.made_at)
    return min(_DEAREST, max(1.0, settings.suggest_cost + today + _UNWELCOME * unwelcome))
