"""The command by which a user says what they make of a recommendation."""

from typing import Annotated, Literal

import typer

from limner.apps.cli.options import AsJson, Home, UserId

__all__ = ["register"]


Kind = Literal["shown", "opened", "accepted", "rejected", "seen", "rated"]
"""As `limner.api.feedback.FeedbackKind`, which costs too much to import here."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(feedback)


def feedback(
    user: UserId,
    item: Annotated[str, typer.Argument(help="Id or title of an item of the catalogue.")],
    kind: Annotated[Kind, typer.Argument(help="What became of it.")],
    rating: Annotated[
        float | None, typer.Option(help="With `rated`: on the data set's own scale, else 1 to 5.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, in the user's words.")] = None,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key, in place of the one that is made.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Whose items; else LIMNER_DATASET.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Note what a user made of a recommended item; the next list goes by it, and `limner forget` takes it back."""
    from limner.apps.cli.opening import opened_user
    from limner.apps.cli.printing import print_json

    with opened_user(home, user, asks_model=False, dataset=dataset) as person:
        stored = person.feedback(item, kind, rating=rating, reason=reason, key=key)
    if as_json:
        print_json(stored)
        return
    for observation in stored:
        typer.echo(f"{observation.text}  ({observation.id})")
