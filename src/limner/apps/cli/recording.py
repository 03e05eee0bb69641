"""Commands about being recorded: pauses, consents, retention periods, sources."""

from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.options import AsJson, Home, UserId
from limner.errors import InputError

if TYPE_CHECKING:
    from limner.memory.records import Consent

__all__ = ["register"]

OptionalSource = Annotated[str | None, typer.Option("--source", help="Only this source; else everything.")]
Source = Annotated[str, typer.Argument(help="Name of a source, such as chat.")]
Basis = Annotated[
    str,
    typer.Option(
        "--basis", help="What shows it, such as `form of 2026-05-01, version 3`.", show_default=False
    ),
]

consent = typer.Typer(no_args_is_help=True, help="The log of consents, by source.")
retention = typer.Typer(no_args_is_help=True, help="How long observations are kept, by source.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (pause, resume, sources):
        app.command()(command)
    app.add_typer(consent, name="consent")
    app.add_typer(retention, name="retention")


def pause(user: UserId, source: OptionalSource = None, home: Home = None) -> None:
    """Record nothing any more of a user, or of one source, until `limner resume`."""
    from limner.apps.cli.opening import opened_memory

    with opened_memory(home) as memory:
        memory.user(user).pause(source)
    typer.echo(f"Nothing {_of(source)}is recorded any more.")


def resume(user: UserId, source: OptionalSource = None, home: Home = None) -> None:
    """Record again; sources that are paused by themselves stay so."""
    from limner.apps.cli.opening import known, opened_memory

    with opened_memory(home) as memory:
        person = memory.user(known(user, memory.users()))
        person.resume(source)
        status = person.status()
    if source is not None and status.paused_at is not None:
        typer.echo(
            "Everything of this user is paused still; `limner resume` without --source ends that.", err=True
        )
    elif source is None and status.paused_sources:
        typer.echo(f"Paused still: {', '.join(status.paused_sources)}.", err=True)
    typer.echo(f"What comes {_of(source)}is recorded again.")


def sources(user: UserId, home: Home = None, as_json: AsJson = False) -> None:
    """Show where a user's observations came from, and what is settled about each source."""
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import print_json, print_table, when

    with opened_memory(home) as memory:
        person = memory.user(known(user, memory.users()))
        found, paused = person.sources(), person.status().paused_at
        default = memory.settings.retention_days
    if as_json:
        print_json(found)
        return
    print_table(
        ("source", "observations", "last", "recorded", "consent", "kept"),
        (
            (
                one.source,
                one.observations,
                when(one.last_recorded_at),
                "paused"
                if one.paused_at or paused
                else "no"
                if one.consent and not one.consent.granted
                else "yes",
                "" if one.consent is None else "given" if one.consent.granted else "withdrawn",
                _kept(one.retain_days, default),
            )
            for one in found
        ),
        right=("observations",),
    )


@consent.command("give")
def give(user: UserId, source: Source, basis: Basis, home: Home = None, as_json: AsJson = False) -> None:
    """Log that a user agrees to a source being recorded, and what shows it."""
    _log(user, source, basis, granted=True, home=home, as_json=as_json)


@consent.command("withdraw")
def withdraw(user: UserId, source: Source, basis: Basis, home: Home = None, as_json: AsJson = False) -> None:
    """Log that a user no longer agrees; further observations of the source are refused, those there stay."""
    _log(user, source, basis, granted=False, home=home, as_json=as_json)


@consent.command("show")
def show_consents(user: UserId, home: Home = None, as_json: AsJson = False) -> None:
    """Show the log, oldest first; the newest entry of a source counts."""
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import print_json, print_table, when

    with opened_memory(home) as memory:
        found = memory.user(known(user, memory.users())).consents()
    if as_json:
        print_json(found)
        return
    rows = (
        (when(one.decided_at), one.source, "given" if one.granted else "withdrawn", one.basis)
        for one in found
    )
    print_table(("at", "source", "consent", "basis"), rows)


@retention.command("set")
def set_period(
    user: UserId,
    source: Source,
    days: Annotated[
        str, typer.Argument(help="A number of days; `keep` for good, `default` for LIMNER_RETENTION_DAYS.")
    ],
    home: Home = None,
) -> None:
    """Set how long observations of a source are kept after they were recorded; then they erase themselves."""
    from limner.apps.cli.opening import opened_memory

    period = _days(days)
    with opened_memory(home) as memory:
        memory.user(user).retain(source, period)
        default = memory.settings.retention_days
    typer.echo(f"What comes from {source} is kept {_kept(period, default)}.")


@retention.command("show")
def show_periods(user: UserId, home: Home = None, as_json: AsJson = False) -> None:
    """Show how long each source is kept."""
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import print_json, print_table

    with opened_memory(home) as memory:
        found = memory.user(known(user, memory.users())).sources()
        default = memory.settings.retention_days
    if as_json:
        print_json({one.source: one.retain_days for one in found})
        return
    print_table(("source", "kept"), ((one.source, _kept(one.retain_days, default)) for one in found))


@retention.command("run")
def run(home: Home = None, as_json: AsJson = False) -> None:
    """Forget now what has outlived its period; limner does so by itself, too, once an hour."""
    from limner.apps.cli.opening import opened_memory
    from limner.apps.cli.printing import print_json

    with opened_memory(home) as memory:
        done = memory.retention.run()
    if as_json:
        print_json(done)
    else:
        gone = sum(receipt.observations for receipt in done.values())
        typer.echo(f"{gone} observations of {len(done)} users had outlived their period.")


def _log(user: str, source: str, basis: str, *, granted: bool, home: Home, as_json: bool) -> None:
    from limner.apps.cli.opening import opened_memory
    from limner.apps.cli.printing import print_json

    with opened_memory(home) as memory:
        logged: Consent = memory.user(user).consent(source, granted=granted, basis=basis)
    if as_json:
        print_json(logged)
    else:
        typer.echo(f"Consent to recording {source} is {'given' if granted else 'withdrawn'}.")


def _of(source: str | None) -> str:
    return "" if source is None else f"from {source} "


def _days(text: str) -> int | None:
    if text in ("keep", "default"):
        return 0 if text == "keep" else None
    if not text.isdecimal() or int(text) == 0:
        raise InputError(f"{text!r} is no period: write a number of days, `keep` or `default`.")
    return int(text)


def _kept(days: int | None, default: int | None) -> str:
    if days == 0 or (days is None and default is None):
        return "for good"
    return f"for {default if days is None else days} days"
