"""The commands, put together."""

from typing import Annotated

import typer

from limner.apps.cli import (
    adapters,
    backups,
    chatting,
    demo,
    doctoring,
    evaluating,
    feedback,
    fetching,
    judging,
    knowing,
    lettingo,
    observing,
    recommenders,
    recording,
    reflecting,
    serving,
    sharing,
    store,
    suggesting,
    transferring,
    users,
    using,
)
from limner.apps.cli.failures import EXIT_CODES, Commands

__all__ = ["app", "main"]

_EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + "."

app = typer.Typer(
    name="limner",
    cls=Commands,
    no_args_is_help=True,
    epilog=_EPILOG,
    # A traceback with local variables would print what users said.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from limner import __version__

        typer.echo(f"limner {__version__}")
        raise typer.Exit


@app.callback()
def limner(
    debug: Annotated[
        bool, typer.Option("--debug", envvar="LIMNER_DEBUG", help="Show the traceback of an error.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep a portrait of a user in plain language, with evidence, and use it to answer and to recommend."""


for module in (
    observing,
    reflecting,
    knowing,
    judging,
    recording,
    using,
    chatting,
    feedback,
    suggesting,
    sharing,
    users,
    store,
    transferring,
    backups,
    fetching,
    recommenders,
    evaluating,
    lettingo,
    serving,
    adapters,
    doctoring,
    demo,
):
    module.register(app)


def main() -> None:
    """Run the command line; ends the process with one of the exit codes of `limner --help`."""
    app(prog_name="limner")
