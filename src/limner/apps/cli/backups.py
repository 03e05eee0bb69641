"""Commands about backups: backup, restore."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.options import AsJson, Home
from limner.errors import InputError, StoreError

if TYPE_CHECKING:
    from limner.memory import StoreStatus

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (backup, restore):
        app.command()(command)


def backup(
    destination: Annotated[
        Path, typer.Argument(help="A file that is not there yet, or a folder; outside of the data folder.")
    ],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Write everything that is stored into one file, while others go on writing.

    It goes on holding what is forgotten later: keep it no longer than that may be kept.
    """
    from limner.apps.cli.opening import opened_memory
    from limner.apps.cli.printing import print_json

    with opened_memory(home) as memory:
        made = memory.backup(destination)
    if as_json:
        print_json(made)
    else:
        typer.echo(f"{made.path}: {made.users} users, {made.observations} observations, {made.size:,} bytes")


def restore(
    source: Annotated[Path, typer.Argument(help="A backup, as `limner backup` makes it.")],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask; needed where nobody can answer.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Put the data folder back to what a backup holds; what came since is lost.

    What was forgotten since is forgotten again, and pauses and consents stay as they have been settled since. Nothing is
    touched before the backup is found to be whole.
    """
    from limner.api import Limner
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json

    settings = settings_from(home)
    if not yes and (stored := _stored(home)) is not None and stored.users:
        _ask(f"{stored.observations} observations of {stored.users} users in {settings.home}")
    done = Limner.restore(source, settings=settings)
    if as_json:
        print_json(done)
        return
    typer.echo(f"{done.users} users and {done.observations} observations are there again.")
    if done.forgotten_users or done.forgotten:
        typer.echo(
            f"Forgotten again: {done.forgotten_users} users, and {done.forgotten} observations and propositions of others."
        )
    if not done.took_over:
        typer.echo(
            "Nothing here tells what was forgotten since the backup was made; forget it again.", err=True
        )


def _stored(home: Path | None) -> "StoreStatus | None":
    """Return what restoring would replace; none where nothing can be read, of which restoring says what to do."""
    from limner.apps.cli.opening import opened_memory, settings_from

    settings = settings_from(home)
    if settings.database_url is None and not (settings.home / "limner.db").exists():
        return None
    try:
        with opened_memory(home) as memory:
            return memory.status()
    except StoreError:
        return None


def _ask(what: str) -> None:
    if not sys.stdin.isatty():
        raise InputError("Restoring replaces what is there, and nobody can be asked here: add --yes.")
    typer.confirm(f"Replace {what}?", abort=True)
