"""Commands that use a portrait: ask and recommend."""

from typing import Annotated

import typer

from limner.apps.cli.options import AsJson, Home, UserId

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (ask, recommend):
        app.command()(command)


def ask(
    user: UserId,
    question: Annotated[str, typer.Argument(help="Any question.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question from the portrait and from what was observed."""
    from limner.apps.cli.opening import known_user, opened
    from limner.apps.cli.printing import print_evidence, print_json

    with opened(home) as limner:
        answer = known_user(limner, user).ask(question)
    if as_json:
        print_json(answer)
        return
    typer.echo(answer.text)
    print_evidence(answer.evidence)


def recommend(
    user: UserId,
    request: Annotated[str, typer.Argument(help="What is wanted, in words.")] = "",
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many.")] = 5,
    dataset: Annotated[
        str, typer.Option(help="Catalogue and interactions: ml-100k, or a folder of RecBole atomic files.")
    ] = "ml-100k",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Recommend items of a catalogue; nothing outside it, and nothing the user has seen."""
    from limner.apps.cli.opening import known_user, opened
    from limner.apps.cli.printing import print_json

    with opened(home, dataset=dataset) as limner:
        recommendations = known_user(limner, user).recommend(request, k=k)
    if as_json:
        print_json(recommendations)
        return
    for place, pick in enumerate(recommendations, start=1):
        typer.echo(f"{place:2}. {pick.title}\n    {pick.reason}")
