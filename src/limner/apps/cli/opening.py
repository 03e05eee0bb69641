"""From the options of a command to an open limner."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from limner.apps.cli.fetching import fetch_missing
from limner.errors import ConfigurationError, NotFound

if TYPE_CHECKING:
    from limner.api import User
    from limner.memory import Memory
    from limner.settings import Settings

__all__ = ["known", "opened_memory", "opened_user", "settings_from"]


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
def opened_user(
    home: Path | None, user_id: str, *, asks_model: bool = True, dataset: str | None = None
) -> "Iterator[User]":
    """Open limner for the length of a command about one user, with the models that it needs at hand.

    Raises:
        NotFound: Nothing is stored about the user; nothing was fetched.
    """
    from limner.api import Limner

    settings = settings_from(home)
    with Limner.open(settings=settings, dataset=dataset) as limner:
        user = limner.user(known(user_id, limner.users()))
        if asks_model:
            fetch_missing(settings, language_model=True)
        yield user


@contextmanager
def opened_memory(home: Path | None) -> "Iterator[Memory]":
    """Open the memory alone, for the length of a command that asks no language model: it is there much sooner."""
    from limner.inference.encoder import earlier_encoder, encoder
    from limner.memory import Memory

    settings = settings_from(home)
    with Memory(settings, encoder(settings), earlier=partial(earlier_encoder, settings)) as memory:
        yield memory


def known(user_id: str, users: Collection[str]) -> str:
    """Return the id of a user about whom something is stored.

    Raises:
        NotFound: Nothing is; the message offers the nearest ids.
    """
    if user_id in users:
        return user_id
    near = get_close_matches(user_id, users, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; `limner users` lists those there are."
    raise NotFound(f"Nothing is stored about a user {user_id!r}{hint}")
