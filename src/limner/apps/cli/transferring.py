"""Commands that take what is stored to another place, and back: export, import."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from limner.apps.cli.options import AsJson, Home, OptionalUser
from limner.errors import InputError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(export)
    app.command("import")(import_)


def export(
    user: OptionalUser = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody, instead of one user.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", dir_okay=False, help="File to write; else standard output."),
    ] = None,
    vectors: Annotated[
        bool, typer.Option("--vectors", help="With the encoder's vectors, which can be made anew.")
    ] = False,
    home: Home = None,
) -> None:
    """Write everything that is stored about a user, as JSON Lines that `limner import` reads back."""
    import json

    from limner.apps.cli.opening import known, opened_memory

    if user is None and not everybody:
        raise InputError("Say whose data: --user NAME, or --all.")
    with opened_memory(home) as memory, _target(output) as target:
        lines = (
            memory.export(vectors=vectors)
            if everybody or user is None
            else memory.user(known(user, memory.users())).export(vectors=vectors)
        )
        for line in lines:
            target.write(json.dumps(line, ensure_ascii=False) + "\n")


def import_(
    path: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON Lines, as `limner export` writes them.")
    ],
    merge: Annotated[
        bool, typer.Option("--merge", help="Add to users who are there already; nothing is overwritten.")
    ] = False,
    trust_checkpoints: Annotated[
        bool,
        typer.Option(
            "--trust-checkpoints",
            help="Take conversations too: reading one later can run code that the file names, so only from a file that "
            "nobody else could have changed.",
        ),
    ] = False,
    skip_checkpoints: Annotated[
        bool, typer.Option("--skip-checkpoints", help="Leave conversations out.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Read an export back: every user in it as they were, or not at all.

    A file is read through before anything is stored; a line that cannot be used is named. Ids are kept.
    """
    from limner.apps.cli.opening import opened_memory
    from limner.apps.cli.printing import print_json, print_table

    if trust_checkpoints and skip_checkpoints:
        raise InputError("Conversations are taken or left out: --trust-checkpoints or --skip-checkpoints.")
    with opened_memory(home) as memory:
        done = memory.import_file(
            path,
            merge=merge,
            conversations="take" if trust_checkpoints else "leave" if skip_checkpoints else "refuse",
        )
    if as_json:
        print_json(done)
    else:
        rows = ((one.user_id, one.added, one.known) for one in done)
        print_table(("user", "added", "known"), rows, right=("added", "known"))


@contextmanager
def _target(output: Path | None) -> Iterator[TextIO]:
    """Open what to write to; a file takes its name only once it is whole."""
    if output is None:
        yield sys.stdout
        return
    part = output.with_name(output.name + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            yield file
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
