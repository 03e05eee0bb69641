"""Commands about what is proposed to a user: suggest, suggestions, accept, dismiss, suggest-queries."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.options import AsJson, Home, UserId

if TYPE_CHECKING:
    from limner.memory.records import Evidence, Suggestion

__all__ = ["register"]

SuggestionId = Annotated[str, typer.Argument(help="Id of a suggestion, as `limner suggestions` shows it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (suggest, suggestions, accept, dismiss):
        app.command()(command)
    app.command("suggest-queries")(suggest_queries)


def suggest(
    user: UserId,
    k: Annotated[int, typer.Option("-k", min=1, max=20, help="How many at most.")] = 1,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Propose next steps that are worth interrupting the user for, with what they rest on; nothing is done."""
    from limner.apps.cli.opening import opened_user
    from limner.apps.cli.printing import print_json, when

    with opened_user(home, user) as person:
        done = person.suggest(k)
        based_on = {id: person.memory.proposition(id) for one in done.offered for id in one.propositions}
    if as_json:
        print_json(done)
        return
    for one in done.offered:
        _print(one)
        for id in one.propositions:
            typer.echo(f"      because: {based_on[id].text}  ({id})")
    if done.declined is not None:
        again = "" if done.again_at is None else f"; again from {when(done.again_at)} on"
        typer.echo(f"Nothing is suggested: {done.declined}{again}.", err=True)
    for passed in done.passed_over:
        typer.echo(f"  not: {passed.text}  ({passed.because})", err=True)


def suggestions(user: UserId, home: Home = None, as_json: AsJson = False) -> None:
    """List what was suggested to a user, and what they made of it."""
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import print_json, when

    with opened_memory(home) as memory:
        made = memory.user(known(user, memory.users())).suggestions()
    if as_json:
        print_json(made)
        return
    for one in made:  # one under the other: in a table an id that is broken cannot be copied
        typer.echo(f"{when(one.made_at)}  {one.state:9}  {one.id}\n    {one.text}")


def accept(user: UserId, id: SuggestionId, home: Home = None, as_json: AsJson = False) -> None:
    """Note that the user takes a suggestion up; limner does nothing of it."""
    _decide(user, id, home, accepted=True, as_json=as_json)


def dismiss(user: UserId, id: SuggestionId, home: Home = None, as_json: AsJson = False) -> None:
    """Note that the user turns a suggestion down; it is not made again, and others have to be worth more."""
    _decide(user, id, home, accepted=False, as_json=as_json)


def suggest_queries(
    user: UserId,
    query: Annotated[str, typer.Argument(help="The query, as far as it is typed.")],
    page: Annotated[str, typer.Option(help="Text of the page that the user is on.")] = "",
    k: Annotated[int, typer.Option("-k", min=1, max=20, help="How many at most.")] = 4,
    worded: Annotated[
        bool, typer.Option("--worded", help="Let the language model word them; else it is not asked.")
    ] = False,
    dataset: Annotated[
        str | None, typer.Option(help="Whose names are entities; else LIMNER_DATASET.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Suggest queries from what a user searched for, read and used before; `LIMNER_VOCABULARY` names what counts."""
    from limner.apps.cli.opening import opened_user
    from limner.apps.cli.printing import print_evidence, print_json

    with opened_user(home, user, asks_model=worded, dataset=dataset) as person:
        found = person.suggest_queries(query, page, k=k, worded=worded)
    if as_json:
        print_json(found)
        return
    for one in found.suggestions:
        typer.echo(f"{one.text}  ({one.entity.name}, {one.entity.kind})")
        newest: Sequence[Evidence] = one.evidence[-1:]
        print_evidence(newest)
    if found.reason is not None:
        typer.echo(f"{found.reason[0].upper()}{found.reason[1:]}.", err=True)


def _decide(user: str, id: str, home: Path | None, *, accepted: bool, as_json: bool) -> None:
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import print_json

    with opened_memory(home) as memory:
        one = memory.user(known(user, memory.users())).decide_suggestion(id, accepted=accepted)
    if as_json:
        print_json(one)
    else:
        typer.echo(f"{one.state}: {one.text}")


def _print(one: "Suggestion") -> None:
    odds = f"expected benefit {one.benefit:.1f}, cost {one.cost:.1f}"
    typer.echo(f"{one.text}  ({odds}; {one.id})")
