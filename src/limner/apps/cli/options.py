"""The options that several commands share, and how their values complete and are read."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from limner.errors import InputError, LimnerError

__all__ = ["AsJson", "AtMoment", "Home", "KnownAtMoment", "OptionalUser", "UserId", "moment"]


def _users(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a user id from the database, which is not created for it."""
    from limner.apps.cli.opening import opened_memory, settings_from

    home = ctx.params.get("home")
    try:
        settings = settings_from(home)
        if settings.database_url is None and not (settings.home / "limner.db").exists():
            return []
        with opened_memory(home) as memory:
            return [user for user in memory.users() if user.startswith(incomplete)]
    except LimnerError:
        return []  # a shell that waits for a completion has no place for an error


UserId = Annotated[
    str,
    typer.Option(
        "--user", "-u", envvar="LIMNER_USER", autocompletion=_users, help="Whose data.", show_default=False
    ),
]
OptionalUser = Annotated[
    str | None,
    typer.Option("--user", "-u", envvar="LIMNER_USER", autocompletion=_users, help="Only this user."),
]
Home = Annotated[
    Path | None,
    typer.Option(
        "--home", file_okay=False, help="Folder with the data; LIMNER_HOME or ~/.limner if not given."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AtMoment = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="MOMENT",
        help="What was so at this moment in the user's life, such as 2026-05-01 or 2026-05-01T18:00+02:00.",
    ),
]
KnownAtMoment = Annotated[
    str | None,
    typer.Option("--known-at", metavar="MOMENT", help="As limner knew it at this moment."),
]


def moment(text: str | None) -> datetime | None:
    """Read a moment in ISO 8601; one without a time zone is in that of this machine.

    Raises:
        InputError: It is no moment.
    """
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is no moment; write 2026-05-01 or 2026-05-01T18:00+02:00.") from error
    return read if read.tzinfo else read.astimezone()
