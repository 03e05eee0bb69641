"""When reflection runs by itself: never, after every n observations, or on a timer."""

import re
from dataclasses import dataclass

from limner.errors import ConfigurationError

__all__ = ["Schedule"]

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class Schedule:
    """A parsed `settings.reflect_every`; both fields none means by hand."""

    observations: int | None = None
    """Pending observations of one user from which a reflection of them is started."""
    seconds: float | None = None
    """Interval at which every user with something pending is reflected on."""

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read `manual`, a number of observations (`20`) or an interval (`90s`, `15m`, `6h`, `1d`).

        Raises:
            ConfigurationError: It is none of these.
        """
        text = text.strip().lower()
        if text == "manual":
            return cls()
        match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([smhd]?)", text)
        if match is None or float(match[1]) <= 0 or (not match[2] and "." in match[1]):
            raise ConfigurationError(
                f"LIMNER_REFLECT_EVERY={text!r} is neither `manual`, nor a number of observations such as `20`, "
                f"nor an interval such as `15m`."
            )
        if match[2]:
            return cls(seconds=float(match[1]) * _UNITS[match[2]])
        return cls(observations=int(match[1]))
