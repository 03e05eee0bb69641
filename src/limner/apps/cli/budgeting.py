"""`limner eval budget`: answer quality against prompt tokens."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.options import AsJson
from limner.errors import InputError

if TYPE_CHECKING:
    from limner.evals.budget.stating import BudgetReport

__all__ = ["register"]

_PREFEVAL = typer.Option("--prefeval", help="PrefEval's folder benchmark_dataset.")
_PERSONAMEM = typer.Option("--personamem", help="PersonaMem's questions_32k.csv, its contexts beside it.")
_REVIEWS = typer.Option("--reviews", help="A file of PGraphRAG's, such as amazon_dev.json.")
_HALF = typer.Option("--half", help="dev, to work on prompts and shares, or report.")


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command()(budget)


def budget(
    prefeval: Annotated[str | None, _PREFEVAL] = None,
    personamem: Annotated[str | None, _PERSONAMEM] = None,
    reviews: Annotated[str | None, _REVIEWS] = None,
    half: Annotated[str, _HALF] = "report",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask at most so many questions of each benchmark.")
    ] = None,
    budgets: Annotated[str, typer.Option(help="Tokens of what is known, such as 60,120,240.")] = "60,120,240",
    shares: Annotated[
        str | None, typer.Option(help="Shares of the budget for the summary to try besides the default.")
    ] = None,
    exchanges: Annotated[
        int, typer.Option(min=0, help="PrefEval: exchanges between preference and question.")
    ] = 8,
    margin: Annotated[
        float, typer.Option(help="By how much both may be worse than retrieval and count as good.")
    ] = 0.05,
    seed: Annotated[int, typer.Option(help="Of every draw.")] = 0,
    output: Annotated[
        Path, typer.Option("--output", "-o", file_okay=False, help="Folder for budget.json and budget.png.")
    ] = Path("budget"),
    as_json: AsJson = False,
) -> None:
    """Plot answer quality against prompt tokens: no memory, last turns, retrieval, a summary, both, everything."""
    import anyio

    from limner.apps.cli.printing import print_json
    from limner.evals.budget.reporting import kept_in, reported, written
    from limner.evals.budget.tasks import budget_tasks
    from limner.settings import Settings

    wanted = [int(one) for one in _numbers(budgets, "--budgets")]
    tried = _numbers(shares, "--shares") if shares else []
    tasks = budget_tasks(
        prefeval_folder=prefeval,
        personamem_file=personamem,
        reviews_file=reviews,
        half=half,  # type: ignore[arg-type]  # checked there
        limit=limit,
        exchanges=exchanges,
        seed=seed,
    )

    async def run() -> "BudgetReport":
        return await reported(
            tasks,
            budgets=wanted,
            shares=tried,
            half=half,  # type: ignore[arg-type]
            limit=limit,
            exchanges=exchanges,
            margin=margin,
            seed=seed,
            settings=Settings(),
            tell=lambda line: typer.echo(line, err=True),
            keep=kept_in(output),
        )

    report = anyio.run(run)
    files = written(report, output)
    if as_json:
        print_json(report.summary())
        return
    _print(report)
    for file in files:
        typer.echo(f"  kept in {file}")


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(one) for one in text.split(",")]
    except ValueError as error:
        raise InputError(f"{option} takes numbers with commas between them; not {text!r}.") from error


def _print(report: "BudgetReport") -> None:
    from limner.apps.cli.printing import print_table

    typer.echo(f"model {report.model}, half {report.half}, seed {report.seed}, margin {report.margin:g}")
    print_table(
        ("task", "arm", "n", "quality", "95 %", "accuracy", "MAE", "tokens", "of these known"),
        (
            (
                one.task,
                one.arm,
                one.n,
                f"{one.quality:.3f}",
                f"[{one.low:.3f}, {one.high:.3f}]",
                f"{one.accuracy:.3f}",
                "" if one.mae is None else f"{one.mae:.3f}",
                f"{one.tokens:.0f}",
                f"{one.known_tokens:.0f}" + ("" if one.whole == 1 or one.way != "full" else ", cut"),
            )
            for one in report.points
        ),
        right=("n", "quality", "accuracy", "MAE", "tokens", "of these known"),
    )
    for one in report.claims:
        typer.echo(
            f"{one.task}: both at {one.both} tokens less retrieval alone at {one.retrieval} ({one.tokens:.0%} of its tokens in "
            f"fact): {one.difference:+.3f} [{one.low:+.3f}, {one.high:+.3f}], n {one.n}, p {one.p:.2f}; at least as good within "
            f"{one.margin:g}: {'yes' if one.holds else 'not shown'}"
        )
    for name, cost in report.cost.items():
        typer.echo(
            f"  cost, {name}: {cost.calls} calls ({cost.reused} from the response cache), {cost.prompt_tokens} tokens in "
            f"({cost.cached_tokens} from the prefix cache), {cost.output_tokens} out"
        )
