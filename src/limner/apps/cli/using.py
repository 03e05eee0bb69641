"""Commands that use a portrait: ask and recommend."""

from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.options import AsJson, Home, UserId

if TYPE_CHECKING:
    from limner.agents.recommendations import Recommendation

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
    from limner.apps.cli.opening import opened_user
    from limner.apps.cli.printing import print_evidence, print_json

    with opened_user(home, user) as person:
        answer = person.ask(question)
    if as_json:
        print_json(answer)
        return
    typer.echo(answer.text)
    if not answer.known:
        typer.echo("Nothing that is known of the user bears on this.", err=True)
    for line in answer.portrait:
        typer.echo(f"  because: {line.text}")
        print_evidence(line.evidence)


def recommend(
    user: UserId,
    request: Annotated[str, typer.Argument(help="What is wanted, in words.")] = "",
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many.")] = 5,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Catalogue and interactions: ml-100k, or a folder of RecBole atomic files; else LIMNER_DATASET."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print every reason, and the observations that it rests on.")
    ] = False,
    shown: Annotated[
        bool, typer.Option("--shown", help="Note as feedback that the list was before the user's eyes.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Recommend items of a catalogue; nothing outside it, and nothing the user has seen or turned down."""
    from limner.apps.cli.opening import opened_user
    from limner.apps.cli.printing import print_json

    with opened_user(home, user, dataset=dataset) as person:
        recommendations = person.recommend(request, k=k)
        if shown:
            person.feedback_shown(recommendations)
    if as_json:
        print_json(recommendations)
        return
    for place, pick in enumerate(recommendations.items, start=1):
        typer.echo(f"{place:2}. {pick.item.title}\n    {pick.reason}")
        typer.echo(f"    {' > '.join(str(call) for call in pick.calls)}")
        if explain:
            _explain(pick)
    if recommendations.wish.unchecked:
        typer.echo(f"Nothing could check: {', '.join(recommendations.wish.unchecked)}.", err=True)
    if not recommendations.finished:
        said = "This is the best list so far" if recommendations.items else "Nothing to recommend"
        typer.echo(f"{said}: {recommendations.stopped}", err=True)


def _explain(pick: "Recommendation") -> None:
    from limner.agents.wording import sentences_of

    for reason, told in zip(pick.reasons, sentences_of(pick.reasons), strict=True):
        typer.echo(f"      {reason.kind}: {told}")
        for observation in reason.evidence:
            typer.echo(f"        {observation}")
