"""Commands about what is known of a user: reflect, portrait, search, history."""

from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.fetching import fetch_missing
from limner.apps.cli.options import AsJson, AtMoment, Home, KnownAtMoment, UserId, moment
from limner.errors import ModelError

if TYPE_CHECKING:
    from limner.api import User
    from limner.memory.records import Proposition
    from limner.profiles.propositions import Reflection

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (reflect, portrait, search, history):
        app.command()(command)


def reflect(
    user: UserId,
    retry_parked: Annotated[bool, typer.Option(help="Try observations again that failed too often.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Turn the observations that wait into propositions, batch by batch.

    Interrupt it whenever you like: batches that are done are kept, the others go on waiting.
    """
    from limner.apps.cli.opening import opened_user
    from limner.apps.cli.printing import print_json

    with opened_user(home, user) as person:
        if retry_parked:
            person.retry_parked()
        reflection = _reflect_visibly(person)
        if as_json:
            print_json(reflection)
        else:
            _print_reflection(reflection)
        if reflection.failed:
            raise ModelError(
                f"{len(reflection.failed)} batches could not be finished: {reflection.failed[-1]} Their observations are kept."
            )


def _reflect_visibly(user: "User") -> "Reflection":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from limner.apps.cli.printing import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(err=True), transient=True) as bar:
        task = bar.add_task("reflecting", total=user.status().pending)
        try:
            return user.reflect(
                progress=lambda step: bar.update(
                    task,
                    advance=step.observations if step.stage in {"stored", "failed"} else 0,
                    description=step.stage,
                )
            )
        except KeyboardInterrupt as interrupt:
            bar.stop()
            left = user.status().pending
            raise KeyboardInterrupt(
                f"Finished batches are kept; {left} observations still wait."
            ) from interrupt


def _print_reflection(reflection: "Reflection") -> None:
    typer.echo(
        f"{reflection.observations} observations in {reflection.batches} batches: {len(reflection.added)} propositions added, "
        f"{len(reflection.revised)} revised, {len(reflection.retired)} retired, {len(reflection.refused)} drafts refused."
    )
    for proposition in (*reflection.added, *reflection.revised):
        typer.echo(f"  {_line(proposition)}")
    if reflection.pending or reflection.parked:
        typer.echo(
            f"{reflection.pending} observations still wait, {reflection.parked} are parked; see `limner status`."
        )


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
        str, typer.Option(help="Which way of drawing it: propositions or summary.")
    ] = "propositions",
    at: AtMoment = None,
    known_at: KnownAtMoment = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Print what is known about a user: each sentence with its confidence (1 to 10) and what it rests on."""
    from limner.apps.cli.opening import opened_user
    from limner.apps.cli.printing import as_plain, print_evidence, print_json

    with opened_user(home, user, asks_model=kind != "propositions") as person:
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
