"""Commands about all users: who there is, and two ids that are one person's."""

import sys
from typing import Annotated

import typer

from limner.apps.cli.options import AsJson, Home
from limner.errors import InputError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (users, merge):
        app.command()(command)


def users(
    size: Annotated[
        bool, typer.Option("--size", help="Tell how large it is, too; every row is looked at for it.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List the users about whom something is stored: how much, since when, and whether they are recorded."""
    from limner.apps.cli.opening import opened_memory
    from limner.apps.cli.printing import print_json, print_table, when

    with opened_memory(home) as memory:
        found = memory.overview(sizes=size)
    if as_json:
        print_json(found)
        return
    columns = ["user", "observations", "waiting", "propositions", "last", "paused since"]
    rows: list[list[object]] = [
        [
            one.id,
            one.observations,
            one.pending,
            one.propositions,
            when(one.last_recorded_at),
            when(one.paused_at),
        ]
        for one in found
    ]
    if size:
        columns.append("size")
        for row, one in zip(rows, found, strict=True):
            row.append(f"{one.size:,}")
    print_table(columns, rows, right=("observations", "waiting", "propositions", "size"))


def merge(
    old: Annotated[str, typer.Argument(help="The id that goes.")],
    into: Annotated[str, typer.Argument(help="The id that stays.")],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask; needed where nobody can answer.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Let everything of one id be another's, where both are one person's; there is no way back.

    What comes over says where it came from. Use the id that stays everywhere before: who goes on using the old one begins a
    new user.
    """
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import print_json

    with opened_memory(home) as memory:
        known(old, memory.users())
        if not yes:
            if not sys.stdin.isatty():
                raise InputError("Merging cannot be undone, and nobody can be asked here: add --yes.")
            typer.confirm(f"Let everything of {old!r} be {into!r}'s?", abort=True)
        done = memory.merge(old, into)
    if as_json:
        print_json(done)
    else:
        typer.echo(
            f"{done.observations} observations and {done.propositions} versions of propositions came over; {done.retired} "
            f"are not held any more because both had found out about the same, or one side had denied it."
        )
