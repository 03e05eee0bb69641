"""Commands about what is known of a user: portrait, search, history."""

from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.fetching import fetch_missing
from limner.apps.cli.options import AsJson, AtMoment, Home, KnownAtMoment, UserId, moment

if TYPE_CHECKING:
    from limner.memory.records import Proposition

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (portrait, search, history):
        app.command()(command)


def _line(proposition: "Proposition") -> str:
    return f"{proposition.confidence:4.1f}  {proposition.text}"


def _period(version: "Proposition") -> str:
    """Say when it is so in the user's world."""
    from limner.apps.cli.printing import when

    since = f"since {when(version.valid_from)}" if version.valid_from else "since nobody knows when"
    return f"so {since} until {when(version.valid_until)}" if version.valid_until else f"so {since}"


def portrait(
    user: UserId,
    kind: Annotated[
        str,
        typer.Option(
            help="Which way of drawing it: propositions, summary, recurrent, entities or another that is installed."
        ),
    ] = "propositions",
    at: AtMoment = None,
    known_at: KnownAtMoment = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Print what is known about a user: each sentence with its confidence (1 to 10) and what it rests on."""
    from limner.apps.cli.opening import opened_user
    from limner.apps.cli.printing import as_plain, print_evidence, print_json, when

    with opened_user(home, user, asks_model=kind not in ("propositions", "entities")) as person:
        drawn = person.portrait(kind, at=moment(at), known_at=moment(known_at))
    if as_json:
        print_json({**as_plain(drawn), "text": drawn.text, "based_on": drawn.based_on})
        return
    if not drawn.lines:
        typer.echo(
            "Nothing is concluded yet; `limner reflect` draws conclusions from what was observed.", err=True
        )
    for line in drawn.lines:
        confidence = "    " if line.confidence is None else f"{line.confidence:4.1f}"
        typer.echo(f"{confidence}  {line.text}")
        print_evidence(line.evidence)
    if kind != "propositions" and drawn.lines:
        typer.echo(f"drawn {when(drawn.drawn_at)}")
        for text in drawn.changes.new:
            typer.echo(f"  new since: {text}")
        for text in drawn.changes.gone:
            typer.echo(f"  held no longer: {text}")


def search(
    user: UserId,
    query: Annotated[str, typer.Argument(help="Any words.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many at most.")] = 10,
    at: AtMoment = None,
    known_at: KnownAtMoment = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Find what was observed and concluded about a user, best first, with what each score is made of."""
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import print_json, print_table

    with opened_memory(home) as memory:
        person = memory.user(known(user, memory.users()))
        fetch_missing(memory.settings, language_model=False)
        found = person.search(query, k, at=moment(at), known_at=moment(known_at))
    if as_json:
        print_json(found)
        return
    rows = (
        (
            f"{recall.score:.3f}",
            " ".join(f"{part} {value:.2f}" for part, value in recall.why.items()),
            recall.record.text,
        )
        for recall in found
    )
    print_table(("score", "why", "text"), rows, right=("score",))


def history(
    user: UserId,
    group: Annotated[str, typer.Argument(help="Id of a line of thought: `group` of a proposition.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Print every version of one statement about a user, oldest first: when limner held it, and when it was so."""
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import print_evidence, print_json, when

    with opened_memory(home) as memory:
        versions = memory.user(known(user, memory.users())).history(group)
    if as_json:
        print_json(versions)
        return
    for version in versions:
        until = (
            f"until {when(version.retired_at)}: {version.retired_because}"
            if version.retired_at
            else "held now"
        )
        typer.echo(f"{when(version.recorded_at)}  {_line(version)}  ({until}; {_period(version)})")
        print_evidence(version.evidence)
