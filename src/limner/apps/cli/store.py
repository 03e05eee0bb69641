"""Commands about the store as a whole: status, settings, index."""

import typer

from limner.apps.cli.fetching import fetch_missing
from limner.apps.cli.options import AsJson, Home, OptionalUser

__all__ = ["register"]

index = typer.Typer(no_args_is_help=True, help="The vector index, which is derived from the database.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (status, settings):
        app.command()(command)
    app.add_typer(index, name="index")


def status(user: OptionalUser = None, home: Home = None, as_json: AsJson = False) -> None:
    """Show how much is stored about each user, what waits for a reflection, and what failed, with the reason."""
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import print_json, print_table, when

    with opened_memory(home) as memory:
        there = memory.users()
        chosen = there if user is None else [known(user, there)]
        found = {one: memory.user(one).status() for one in chosen}
    if as_json:
        print_json(found)
        return
    print_table(
        ("user", "observations", "waiting", "parked", "propositions", "next attempt"),
        (
            (one, s.observations, s.pending, len(s.parked), s.propositions, when(s.next_attempt_at))
            for one, s in found.items()
        ),
        right=("observations", "waiting", "parked", "propositions"),
    )
    for one, s in found.items():
        for parked in s.parked:
            typer.echo(f"parked: {one} {parked.id}: {parked.reason}")
        if s.unseen:
            typer.echo(
                f"pictures: {one}: {s.unseen} of those waiting have a picture and wait for a model that sees."
            )
        if s.encoding is not None:
            typer.echo(
                f"encoding: {one}: {s.encoding.encoded:,} of {s.encoding.documents:,} texts have a vector of the encoder in "
                f"force, {s.encoding.outdated:,} vectors are of another; `limner index encode` makes the rest now."
            )


def settings(home: Home = None, as_json: AsJson = False) -> None:
    """Print the settings in force; secrets are hidden."""
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json, print_table

    plain = settings_from(home).model_dump(mode="json")
    if as_json:
        print_json(plain)
        return
    nested = {name: value for name, value in plain.items() if isinstance(value, dict)}
    rows = [(f"LIMNER_{name.upper()}", value) for name, value in plain.items() if name not in nested]
    for name, values in nested.items():
        rows += [(f"LIMNER_{name.upper()}__{part.upper()}", value) for part, value in values.items()]
    print_table(("setting", "value"), rows)


@index.command()
def rebuild(home: Home = None, as_json: AsJson = False) -> None:
    """Make the vector index anew from the database; nothing is encoded again."""
    from limner.apps.cli.opening import opened_memory
    from limner.apps.cli.printing import print_json

    with opened_memory(home) as memory:
        vectors = memory.rebuild_index()
    if as_json:
        print_json({"vectors": vectors})
    else:
        typer.echo(f"{vectors} vectors indexed.")


@index.command()
def drain(home: Home = None, as_json: AsJson = False) -> None:
    """Encode what has no vector yet and bring the vector index up to date."""
    from limner.apps.cli.opening import opened_memory
    from limner.apps.cli.printing import print_json

    with opened_memory(home) as memory:
        fetch_missing(memory.settings, language_model=False)
        entries = memory.drain_index()
    if as_json:
        print_json({"entries": entries})
    else:
        typer.echo(f"{entries} entries brought into the index.")


@index.command()
def encode(home: Home = None, as_json: AsJson = False) -> None:
    """Encode what has no vector of the encoder in force, and remove the vectors of others; goes on where it was interrupted."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from limner.apps.cli.opening import opened_memory
    from limner.apps.cli.printing import console, print_json

    columns = (TextColumn("encoding"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with opened_memory(home) as memory:
        fetch_missing(memory.settings, language_model=False)
        with Progress(*columns, console=console(err=True), transient=True) as bar:
            task = bar.add_task("", total=None)
            encoded = memory.encode(lambda done, total: bar.update(task, completed=done, total=total))
    if as_json:
        print_json({"encoded": encoded})
    else:
        typer.echo(f"{encoded} texts encoded.")
