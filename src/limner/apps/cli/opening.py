"""From the options of a command to an open limner."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ConfigurationError, NotFound

if TYPE_CHECKING:
    from limner.api import Limner, User
    from limner.settings import Settings

__all__ = ["known_user", "opened", "settings_from"]


def settings_from(home: Path | None = None) -> "Settings":
    """Return the settings in force.

    Raises:
        ConfigurationError: The environment or `limner.toml` holds something that is no setting, or no value for one.
    """
    from tomllib import TOMLDecodeError

    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from limner.settings import Settings

    try:
        return Settings() if home is None else Settings(home=home)
    except ValidationError as error:
        wrong = "; ".join(_in_words(problem["loc"], problem["msg"]) for problem in error.errors())
        raise ConfigurationError(f"The settings cannot be used: {wrong}.") from error
    except TOMLDecodeError as error:
        raise ConfigurationError(f"limner.toml cannot be read: {error}.") from error
    except SettingsError as error:
        raise ConfigurationError(f"The settings cannot be used: {error}.") from error


def _in_words(location: tuple[int | str, ...], message: str) -> str:
    variable = "LIMNER_" + "__".join(str(part).upper() for part in location)
    where = variable if variable in os.environ else f"limner.toml: {'.'.join(map(str, location))}"
    return f"{where}: {message}"


@contextmanager
def opened(home: Path | None, *, dataset: str | None = None) -> "Iterator[Limner]":
    """Open limner for the length of a command."""
    from limner.api import Limner

    with Limner.open(settings=settings_from(home), dataset=dataset) as limner:
        yield limner


def known_user(limner: "Limner", user_id: str) -> "User":
    """Return the door to the data of a user about whom something is stored.

    Raises:
        NotFound: Nothing is; the message offers the nearest ids.
    """
    users = limner.users()
    if user_id in users:
        return limner.user(user_id)
    from difflib import get_close_matches

    near = get_close_matches(user_id, users, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; `limner users` lists those there are."
    raise NotFound(f"Nothing is stored about a user {user_id!r}{hint}")
