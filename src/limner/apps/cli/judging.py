"""Commands by which a user has the last word: correct, confirm, pin, deny, forget; and what was forgotten."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.options import AsJson, Home, UserId
from limner.errors import InputError

if TYPE_CHECKING:
    from limner.memory import Receipt, UserMemory
    from limner.memory.records import Proposition

__all__ = ["register"]

PropositionId = Annotated[
    str, typer.Argument(help="Id of a proposition, as `limner portrait --json` shows it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (correct, confirm, pin, unpin, deny, forget, receipts, scrub):
        app.command()(command)


def correct(
    user: UserId,
    id: PropositionId,
    words: Annotated[str, typer.Argument(help="How it is, in the user's own words.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Put the user's own words in the place of a statement; what was derived from it is looked at anew."""
    _judge(user, home, lambda door: door.correct(id, words), as_json=as_json)


def confirm(user: UserId, id: PropositionId, home: Home = None, as_json: AsJson = False) -> None:
    """Confirm a statement: no inference overrides it any more."""
    _judge(user, home, lambda door: door.confirm(id), as_json=as_json)


def pin(user: UserId, id: PropositionId, home: Home = None, as_json: AsJson = False) -> None:
    """Confirm a statement, and keep it in mind whatever is asked."""
    _judge(user, home, lambda door: door.pin(id), as_json=as_json)


def unpin(user: UserId, id: PropositionId, home: Home = None, as_json: AsJson = False) -> None:
    """Keep a statement no longer in mind whatever is asked; it stays confirmed."""
    _judge(user, home, lambda door: door.unpin(id), as_json=as_json)


def deny(user: UserId, id: PropositionId, home: Home = None, as_json: AsJson = False) -> None:
    """Deny a statement: it is not held any more, and no inference brings it back."""
    _judge(user, home, lambda door: door.deny(id), as_json=as_json)


def _judge(
    user: str, home: Path | None, verdict: Callable[["UserMemory"], "Proposition"], *, as_json: bool
) -> None:
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import print_json

    with opened_memory(home) as memory:
        version = verdict(memory.user(known(user, memory.users())))
    if as_json:
        print_json(version)
    elif version.denied_at is not None:
        typer.echo(f"not held any more: {version.text}")
    else:
        typer.echo(f"{version.confidence:4.1f}  {version.text}  ({version.id})")


def forget(
    user: UserId,
    id: Annotated[str | None, typer.Argument(help="Id of an observation or a proposition.")] = None,
    source: Annotated[str | None, typer.Option(help="Every observation of this source instead.")] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="All there is about this user instead.")
    ] = False,
    leave_nothing: Annotated[
        bool,
        typer.Option(
            "--leave-nothing",
            help="With --everything: pauses and withdrawn consents too, which else go on refusing.",
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask; needed where nobody can answer.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Erase an observation, a proposition, a source, or everything, with all that rested on it alone. There is no way back."""
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import as_plain, print_json

    if [id is not None, source is not None, everything].count(True) != 1:
        raise InputError("Name one thing to forget: an id, --source NAME, or --everything.")
    with opened_memory(home) as memory:
        person = memory.user(known(user, memory.users()))
        if not yes:
            _ask(f"all there is about {user}" if everything else "it, and everything that rested on it alone")
        receipt: Receipt
        if id is not None:
            receipt = person.forget(id)
        elif source is not None:
            receipt = person.forget_source(source)
        else:
            receipt = person.forget_everything(leave_nothing=leave_nothing)
            if person.user_id in memory.users():
                typer.echo(
                    "What was paused stays so, and withdrawn consents stay withdrawn; --leave-nothing erases that too.",
                    err=True,
                )
    if as_json:
        print_json(receipt)
    else:
        _print_receipt(as_plain(receipt))


def _ask(what: str) -> None:
    if not sys.stdin.isatty():
        raise InputError("Erasing cannot be undone, and nobody can be asked here: add --yes.")
    typer.confirm(f"Erase {what}?", abort=True)


def receipts(
    user: UserId,
    id: Annotated[str | None, typer.Argument(help="Only the receipt of this id.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show what was erased, in counts, and what has been derived anew since."""
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import as_plain, print_json

    with opened_memory(home) as memory:
        person = memory.user(known(user, memory.users()))
        found = person.receipts() if id is None else [person.receipt(id)]
    if as_json:
        print_json(found if id is None else found[0])
        return
    for number, receipt in enumerate(found):
        if number:
            typer.echo()
        _print_receipt(as_plain(receipt))


def _print_receipt(receipt: Mapping[str, object]) -> None:
    for name, value in receipt.items():
        shown = "; ".join(map(str, value)) or "-" if isinstance(value, list) else value
        typer.echo(f"{name.replace('_', ' ')}: {shown}")


def scrub(home: Home = None, as_json: AsJson = False) -> None:
    """Overwrite what erasures could not, such as while somebody read an older state; say what is left."""
    from limner.apps.cli.opening import opened_memory
    from limner.apps.cli.printing import print_json

    with opened_memory(home) as memory:
        left = memory.scrub()
    if as_json:
        print_json({"remnants": left})
    else:
        typer.echo("\n".join(left) or "Nothing is left.")
