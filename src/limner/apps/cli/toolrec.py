"""`limner eval toolrec`: the recommending agent against the recommender it stands on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.options import AsJson

if TYPE_CHECKING:
    from limner.evals.toolrec.stating import Contrast, ToolrecReport

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command()(toolrec)


def toolrec(
    dataset: Annotated[str, typer.Option("--dataset", help="Name or folder of the data set.")] = "ml-100k",
    users: Annotated[
        int | None, typer.Option("--users", min=1, help="Users drawn from the half; all of it if not given.")
    ] = 200,
    half: Annotated[str, typer.Option("--half", help="dev, to change the loop on, or report.")] = "report",
    rows: Annotated[
        str | None,
        typer.Option("--rows", help="Such as next/base,requests; all if not given."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask about the first so many of the users drawn.")
    ] = None,
    recommenders: Annotated[
        str | None, typer.Option("--recommenders", help="Instead of the settings': the base first.")
    ] = None,
    at_once: Annotated[int, typer.Option("--at-once", min=1, help="Users side by side.")] = 12,
    seed: Annotated[int, typer.Option(help="Of the draw and of the requests.")] = 0,
    folder: Annotated[
        Path, typer.Option("--folder", file_okay=False, help="Where answers and portraits are kept.")
    ] = Path("toolrec"),
    ask: Annotated[
        bool, typer.Option("--ask/--no-ask", help="Whether to ask, or only to state what is kept.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Compare the base recommender, reranking by the model, and the agent's loop: next items, and requests with conditions."""
    from functools import partial

    import anyio

    from limner.apps.cli.printing import print_json
    from limner.evals.toolrec.reporting import reported
    from limner.evals.toolrec.rows import chosen_rows
    from limner.settings import Settings
    from limner.tools import load_dataset

    settings = Settings()
    report = anyio.run(
        partial(
            reported,
            load_dataset(dataset, settings),
            rows=chosen_rows(rows.split(",") if rows else None),
            half=half,  # type: ignore[arg-type]  # checked there
            users=users,
            limit=limit,
            seed=seed,
            folder=folder,
            settings=settings,
            names=recommenders.split(",") if recommenders else None,
            at_once=at_once,
            ask=ask,
            tell=lambda line: typer.echo(line, err=True),
        )
    )
    if as_json:
        print_json(report.summary())
    else:
        _print(report)


def _print(report: "ToolrecReport") -> None:
    from limner.apps.cli.printing import print_table

    about = report.about
    typer.echo(
        f"{report.drawn} users of the half {about['half']}, seed {about['seed']}, model {about['model']}, "
        f"base {about['recommenders'][0]}; kept in {report.folder}"
    )
    numbers = ("n", "Recall@10", "NDCG@10", "calls", "tokens", "s", "invalid", "failed")
    print_table(
        ("row", *numbers, "NDCG@10 less another row's", "visible from"),
        (
            (
                one.row,
                one.users,
                f"{one.hit_rate:.3f}",
                f"{one.ndcg:.3f}",
                f"{one.calls:.1f}",
                f"{one.computed_tokens:.0f}",
                f"{one.seconds:.1f}",
                one.invalid,
                one.failures,
                "; ".join(_told(c) for c in one.contrasts),
                "; ".join("" if c.smallest is None else f"{c.smallest:.3f}" for c in one.contrasts),
            )
            for one in report.rows
        ),
        right=numbers,
    )
    reading = report.reading
    if reading is not None:
        typer.echo(
            f"reading: {reading.requests} requests, exact {reading.exact:.3f}, target kept {reading.kept:.3f}, conditions: precision "
            f"{reading.precision:.3f}, recall {reading.recall:.3f}; failed {reading.failures}, fewer than ten items left {reading.empty}"
        )


def _told(contrast: "Contrast") -> str:
    if contrast.low is None or contrast.high is None:
        return f"{contrast.against} {contrast.ndcg:+.3f}"
    return f"{contrast.against} {contrast.ndcg:+.3f} [{contrast.low:+.3f}, {contrast.high:+.3f}]"
