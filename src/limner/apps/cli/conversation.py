"""`limner eval conversation`: simulated seekers talk to limner and to systems that only list."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.options import AsJson

if TYPE_CHECKING:
    from limner.evals.conversation.measuring import ConversationReport, Stated, SystemFigures

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command()(conversation)


def conversation(
    data: Annotated[
        str, typer.Option("--data", "-d", help="ml-100k, a folder of RecBole files, or a folder with ReDial.")
    ] = "ml-100k",
    systems: Annotated[
        str | None,
        typer.Option("--systems", help="Such as base,limner; all that need no language model if not given."),
    ] = None,
    seeker: Annotated[
        str, typer.Option("--seeker", help="Who talks: rules, or model (a language model).")
    ] = "rules",
    conversations: Annotated[
        int | None,
        typer.Option("--conversations", "-n", min=1, help="With each system; all of the half if not given."),
    ] = None,
    half: Annotated[str, typer.Option("--half", help="dev, to change limner on, or report.")] = "report",
    turns: Annotated[int, typer.Option("--turns", min=1, help="Of the system, in one conversation.")] = 5,
    show: Annotated[
        int, typer.Option("--show", min=1, max=50, help="Items that a turn of the system may show.")
    ] = 10,
    seed: Annotated[int, typer.Option(help="Of every draw.")] = 0,
    at_once: Annotated[int, typer.Option("--at-once", min=1, help="Conversations side by side.")] = 4,
    folder: Annotated[
        Path, typer.Option("--folder", file_okay=False, help="Where the conversations are kept.")
    ] = Path("conversations"),
    ask: Annotated[
        bool, typer.Option("--ask/--no-ask", help="Whether to talk, or only to state what is kept.")
    ] = True,
    show_transcripts: Annotated[
        int,
        typer.Option("--show-transcripts", min=0, help="Print the first so many with each system, whole."),
    ] = 0,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit with 1 where a conversation failed, or showed an item twice, a known one, or one outside the catalogue.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let simulated seekers look for an item that they never name, and count who shows it to them in how many turns."""
    from functools import partial

    import anyio

    from limner.apps.cli.printing import print_json
    from limner.evals.conversation.registry import chosen_systems
    from limner.evals.conversation.reporting import reported
    from limner.evals.conversation.transcripts import in_words
    from limner.settings import Settings

    names = chosen_systems(systems.split(",") if systems else None)
    done = anyio.run(
        partial(
            reported,
            data,
            systems=names,
            seeker=seeker,  # type: ignore[arg-type]  # checked there
            half=half,  # type: ignore[arg-type]  # checked there
            conversations=conversations,
            turns=turns,
            show=show,
            seed=seed,
            folder=folder,
            settings=Settings(),
            at_once=at_once,
            ask=ask,
            tell=lambda line: typer.echo(line, err=True),
        )
    )
    if as_json:
        print_json(done.report.summary())
    else:
        _print(done.report)
    had = [case.id for case in done.cases.cases if any((case.id, name) in done.kept.played for name in names)]
    for case in had[:show_transcripts]:
        for name in names:
            if (case, name) in done.kept.played:
                one = done.kept.played[case, name]
                typer.echo(f"\n{in_words(one, done.cases.dataset.catalogue)}", err=as_json)
    if strict and any(one.failures + one.repeated + one.known + one.outside for one in done.report.systems):
        raise typer.Exit(1)


def _print(report: "ConversationReport") -> None:
    from limner.apps.cli.printing import print_table

    about = report.about
    typer.echo(
        f"{about['dataset']}: {report.drawn} conversations of the half {about['half']}, seed {about['seed']}, seeker "
        f"{about['seeker']['kind']}, at most {about['turns']} turns of {about['show']} items; kept in {report.folder}"
    )
    if not report.systems:
        typer.echo("Nothing is kept yet.")
        return
    lists = list(report.systems[0].success)
    numbers = (
        "n",
        *(f"success@{k}" for k in lists),
        "turns",
        "asks",
        "s/turn",
        "void",
        "failed",
        "repeated",
        "known",
        "outside",
    )
    print_table(("system", *numbers), (_row(one, lists) for one in report.systems), right=numbers)
    widest = lists[-1]
    by_turn = tuple(f"turn {turn}" for turn in range(1, int(about["turns"]) + 1))
    typer.echo(f"success@{widest} by turn")
    print_table(
        ("system", *by_turn),
        ((one.system, *(_told(stated) for stated in one.success[widest])) for one in report.systems),
        right=by_turn,
    )
    typer.echo(f"success@{widest} less that of another, on the same conversations")
    print_table(
        ("system", "less", "n", "success", "p", "turns"),
        (
            (
                one.system,
                c.against,
                c.conversations,
                _signed(c.success),
                "" if c.success.p is None else f"{c.success.p:.4f}",
                _signed(c.turns),
            )
            for one in report.systems
            for c in one.contrasts
        ),
        right=("n", "p"),
    )


def _row(one: "SystemFigures", lists: list[str]) -> tuple[object, ...]:
    return (
        one.system,
        one.conversations,
        *(f"{one.success[k][-1].value:.3f}" for k in lists),
        f"{one.turns.value:.2f}",
        f"{one.questions:.2f}",
        f"{one.seconds:.2f}",
        one.void,
        one.failures,
        one.repeated,
        one.known,
        one.outside,
    )


def _told(one: "Stated") -> str:
    if one.low is None or one.high is None:
        return f"{one.value:.3f}"
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def _signed(one: "Stated") -> str:
    if one.low is None or one.high is None:
        return f"{one.value:+.3f}"
    return f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
