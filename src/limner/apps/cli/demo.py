"""`limner demo`: the main job from end to end on a MovieLens user."""

from typing import Annotated

import typer

from limner.apps.cli.options import Home

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    user: Annotated[str, typer.Option("--user", "-u", help="A user of MovieLens-100K, 1 to 943.")] = "196",
    home: Home = None,
) -> None:
    """Draw a portrait of a MovieLens user from their ratings, recommend films, answer a question, and say what it cost.

    The first run fetches a language model (1.1 GB) and MovieLens-100K; a second one uses what the first one stored.
    """
    from limner.apps.cli.opening import settings_from
    from limner.apps.demo import run

    run(settings_from(home), user)
