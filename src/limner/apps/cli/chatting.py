"""The command that talks: `limner chat`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.options import AsJson, Home, UserId

if TYPE_CHECKING:
    from limner.agents.conversation.reply import Reply
    from limner.api.conversing import Conversation

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(chat)


def chat(
    user: UserId,
    session: Annotated[
        str | None,
        typer.Option("--session", "-s", help="Name of the conversation, new or to be gone on with."),
    ] = None,
    last: Annotated[
        bool, typer.Option("--continue", "-c", help="Go on with the conversation last gone on with.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the conversations that are stored.")] = False,
    show: Annotated[int, typer.Option("--show", min=1, max=50, help="Items recommended at a time.")] = 3,
    ask: Annotated[
        bool, typer.Option("--ask/--no-ask", help="Whether limner may ask before it recommends.")
    ] = True,
    record: Annotated[
        bool, typer.Option("--record/--no-record", help="Whether anything of it is stored.")
    ] = True,
    model: Annotated[
        bool,
        typer.Option("--model/--no-model", help="Whether a language model may read what code cannot."),
    ] = True,
    steps: Annotated[bool, typer.Option("--steps", help="Print what is done about each turn.")] = False,
    dataset: Annotated[
        str | None, typer.Option(help="What is recommended from; else LIMNER_DATASET.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Talk about what to recommend, turn by turn; a line is a turn, and an empty line or Ctrl-D ends it.

    Ask "why the first?" or "what do you know about me?", say "forget that", "start over", "less violent", "older".
    """
    from limner.agents.conversation.options import ConversationOptions
    from limner.api import Limner
    from limner.apps.cli.fetching import fetch_missing
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json, print_table

    settings = settings_from(home)
    with Limner.open(settings=settings, dataset=dataset) as limner:
        person = limner.user(user)
        stored = person.conversations() if listing or last else []
        if listing:
            if as_json:
                print_json(stored)
            else:
                rows = ((one.session, one.turns, f"{one.last_at:%Y-%m-%d %H:%M}") for one in stored)
                print_table(("session", "turns", "last"), rows, right=("turns",))
            return
        if last and session is None and stored:
            session = stored[0].session
        if model:
            fetch_missing(settings, language_model=True)
        options = ConversationOptions(show=show, ask="best" if ask else "never", record=record, model=model)
        _talk(person.converse(session, options=options), steps=steps, as_json=as_json)


def _talk(talk: "Conversation", *, steps: bool, as_json: bool) -> None:
    from limner.apps.cli.printing import print_json
    from limner.errors import InputError, InvalidObservation

    pending = talk.resume()
    if pending is not None:
        if as_json:
            print_json(pending)
        else:
            typer.echo(pending.text)
    typer.echo(f"session {talk.session}", err=True)
    for line in _lines():
        try:
            reply = _told(talk, line, steps=steps, as_json=as_json)
        except (InputError, InvalidObservation) as error:
            typer.echo(f"limner: {error}", err=True)
        else:
            if any(act.kind == "farewell" for act in reply.understood):
                return


def _told(talk: "Conversation", line: str, *, steps: bool, as_json: bool) -> "Reply":
    """Say a line, print what comes of it, and return the reply."""
    from limner.agents.conversation.reply import Piece, Reply
    from limner.agents.recommendations import AgentStep
    from limner.apps.cli.printing import print_json

    for event in talk.stream(line):
        if isinstance(event, Piece) and not as_json:
            typer.echo(event.text, nl=False)
        elif isinstance(event, AgentStep) and steps:
            typer.echo(f"  [{event.action}: {event.detail}]", err=True)
        elif isinstance(event, Reply):
            if as_json:
                print_json(event)
            else:
                typer.echo("")
            return event
    raise AssertionError("a stream ends with its reply")


def _lines() -> Iterator[str]:
    """Yield what is typed, line by line; piped input has no prompt, and no empty line ends it."""
    typed = sys.stdin.isatty()
    while True:
        try:
            line = input("> ") if typed else input()
        except EOFError:
            return
        if line.strip():
            yield line
        elif typed:
            return
