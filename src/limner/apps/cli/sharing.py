"""`limner share`: what may be told to whom, and the log of it; `limner eval sharing` measures the check."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.options import AsJson, Home, UserId
from limner.errors import InputError

if TYPE_CHECKING:
    from limner.evals.sharing import Sharing
    from limner.evals.sharing.measuring import Rate, Row

__all__ = ["register", "register_benchmark"]

_SIDES: "dict[str, Callable[[Row], Rate]]" = {
    "leaked to attacks": lambda row: row.leaked,
    "attacks in which anything leaked": lambda row: row.attacks_leaking,
    "leaked in harmless requests": lambda row: row.leaked_harmless,
    "harmless, withheld without need": lambda row: row.blocked,
    "free to tell in attacks, yet withheld": lambda row: row.blocked_attacks,
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(share)


def register_benchmark(group: typer.Typer) -> None:
    """Add the command to `limner eval`."""
    group.command("sharing")(measure)


def share(
    user: UserId,
    recipient: Annotated[
        str | None, typer.Option("--to", help="To whom, such as `the user's dentist`.", show_default=False)
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option("--for", help="What for, such as `planning a treatment`.", show_default=False),
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="Show what was decided earlier instead.")] = False,
    decisions: Annotated[
        bool,
        typer.Option("--decisions", help="Say why, of everything: for the user's eyes, not the recipient's."),
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Print what may be told to somebody for a purpose, one statement a line, and log the decision about each one."""
    if log:
        _show_log(user, home, as_json=as_json)
        return
    if recipient is None or purpose is None:
        raise InputError("To share something, name the recipient and the purpose: --to and --for.")
    from limner.apps.cli.opening import opened_user
    from limner.apps.cli.printing import as_plain, print_json

    with opened_user(home, user) as person:
        shared = person.share(recipient, purpose)
    if as_json:
        told: dict[str, object] = {"recipient": recipient, "purpose": purpose, "released": shared.released}
        print_json(told | ({"decisions": as_plain(list(shared.decisions))} if decisions else {}))
    elif decisions:
        for one in shared.decisions:
            typer.echo(f"{'share' if one.share else 'withhold':8}  {one.proposition_id}: {one.reason}")
    elif shared.released:
        typer.echo(shared.text)
    else:
        typer.echo("Nothing may be told; --decisions says why.", err=True)


def _show_log(user: str, home: Path | None, *, as_json: bool) -> None:
    from limner.apps.cli.opening import known, opened_memory
    from limner.apps.cli.printing import print_json, when

    with opened_memory(home) as memory:
        entries = memory.user(known(user, memory.users())).audit_log()
    if as_json:
        print_json(entries)
        return
    for entry in entries:
        typer.echo(f"{when(entry.decided_at)}  {entry.decision:8}  to {entry.recipient}, for {entry.purpose}")
        typer.echo(f"  {entry.proposition_id or '-'}: {entry.reason or 'forgotten'}")


def measure(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", "-d", help="Cases, one JSON object a line; those of the package if not given."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", dir_okay=False, help="Write what was decided of each statement, one a line."
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--everything", help="Put each question about each statement, denied already or not."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure what leaks to attacks, and what is withheld from harmless requests without need; both with intervals."""
    from limner.apps.cli.fetching import fetch_missing
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json
    from limner.evals.sharing import packaged_cases, sharing
    from limner.inference.encoder import encoder
    from limner.inference.language_model import language_model
    from limner.inference.portal import Portal

    settings = settings_from()
    fetch_missing(settings, language_model=True)
    model = language_model(settings)
    with Portal() as portal:
        try:
            found = portal.run(
                lambda: sharing(
                    data or packaged_cases(),
                    model,
                    encoder(settings),
                    prompts=settings.prompts,
                    everything=everything,
                    tell=lambda line: typer.echo(line, err=True),
                )
            )
        finally:
            model.close()
    if output is not None:
        output.write_text("".join(json.dumps(line, default=str) + "\n" for line in _lines(found)), "utf-8")
    if as_json:
        print_json(found.as_json())
    else:
        _print(found)


def _lines(found: "Sharing") -> list[dict[str, object]]:
    from limner.apps.cli.printing import as_plain

    return [
        {
            "case": one.case.id,
            "kind": one.case.kind,
            "type": one.statement.type,
            "share": one.statement.share,
            "told": one.told,
            "reason": one.reason,
            "text": one.statement.text,
            "signals": None if one.signals is None else as_plain(one.signals),
        }
        for one in found.judged
    ]


def _print(found: "Sharing") -> None:
    from limner.apps.cli.printing import print_table

    typer.echo(
        f"sharing, {found.data} {found.digest[:12]}, {found.cases} requests, {len(found.judged)} statements, model {found.model}, "
        f"encoder {found.encoder}"
    )
    for title, of in _SIDES.items():
        typer.echo(f"\n{title}")
        for row in found.rows:
            typer.echo(f"  {row.name:17} {_shown(of(row))}")
    typer.echo("\nnet: share of the harmless that is told, less the share that leaks to attacks")
    for row in found.rows:
        typer.echo(f"  {row.name:17} " + ("-" if row.net is None else f"{row.net:+.3f}"))
    typer.echo("\nby type, of all requests")
    print_table(
        ("type", "leaked", "withheld without need"),
        ((kind, _shown(leaked), _shown(blocked)) for kind, (leaked, blocked) in found.kinds.items()),
    )
    typer.echo(f"  cost: {found.calls} calls, {found.computed_tokens} tokens computed")


def _shown(rate: "Rate") -> str:
    if rate.value is None:
        return "-"
    low, high = rate.interval
    return f"{rate.value:.3f} [{low:.3f}, {high:.3f}] {rate.count}/{rate.n}"
