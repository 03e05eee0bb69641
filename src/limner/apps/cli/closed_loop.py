"""`limner eval closed-loop`: what becomes of recommendations that are learnt from what simulated users watched of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from limner.apps.cli.options import AsJson

__all__ = ["register"]

_SHOWN = (
    "rating",
    "liked",
    "watched",
    "pages",
    "coverage",
    "gini",
    "unknownness",
    "list_diversity",
    "list_overlap",
)


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("closed-loop")(closed_loop)


def closed_loop(
    dataset: Annotated[str, typer.Option("--dataset", help="Name or folder of the data set.")] = "ml-100k",
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            "-n",
            help="A recommender, or random; with +room behind, what was passed over makes room; with +frozen, it is fitted once. May be given several times.",
        ),
    ] = None,
    users: Annotated[
        int | None, typer.Option(min=2, help="Users who browse, drawn anew for each run; all if not given.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Of recommending, browsing and fitting again.")] = 10,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each, with the seeds from --seed on.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the population and of the first run.")] = 0,
    page: Annotated[int, typer.Option(min=1, help="Items on a page.")] = 10,
    pages: Annotated[int, typer.Option(min=1, help="Most pages of a visit.")] = 5,
    constancy: Annotated[
        float,
        typer.Option(min=0, max=1, help="How far a no stays a no when the same item is shown again."),
    ] = 0.5,
    record: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Keep each run in this file, and go on from it the next time."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let recommenders learn, round by round, from a population that browses what they recommend: satisfaction, coverage, concentration, sameness."""
    from limner.agents.simulators.pages import Manners
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json
    from limner.evals.closed_loop.arms import arms_of, default_arms
    from limner.evals.closed_loop.running import compared
    from limner.evals.ranking import Record
    from limner.tools import load_dataset

    settings = settings_from()
    arms = arms_of(name) if name else default_arms(settings.recommenders[0])
    data = load_dataset(dataset, settings)
    report = compared(
        data,
        arms,
        users=users,
        rounds=rounds,
        repeats=repeats,
        seed=seed,
        manners=Manners(page=page, most_pages=pages, constancy=constancy),
        record=None if record is None else Record(record, {"closed_loop": data.name}),
        progress=lambda line: typer.echo(line, err=True),
    )
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    failed = [row for row in report["arms"] if row["failed"]]
    for row in failed:
        typer.echo(f"limner: {row['name']} failed: {row['failed']}", err=True)
    if failed:
        raise typer.Exit(1)


def _print_report(report: Mapping[str, Any]) -> None:
    from limner.apps.cli.printing import print_table

    typer.echo(
        f"{report['dataset']}, {report['users']} users browse, {report['rounds']} rounds, seeds {report['seed']} to "
        f"{report['seed'] + report['repeats'] - 1}. Mean over seeds, ± half of Student's 95 % interval."
    )
    print_table(("recommender", "round", *_SHOWN), _rounds(report), right=("round", *_SHOWN), wide=True)
    if report["differences"]:
        typer.echo("Mean over all rounds, less that of another one, seed by seed:")
        rows = (
            (one["arm"], one["less"], *(_with_half(one["all"][figure], sign=True) for figure in _SHOWN))
            for one in report["differences"]
        )
        print_table(("recommender", "less", *_SHOWN), rows, right=_SHOWN, wide=True)
    _print_validation(report["validation"])


def _rounds(report: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    for row in report["arms"]:
        if row["failed"]:
            continue
        numbers = sorted({0, len(row["rounds"]) - 1})
        for number in numbers:
            figures = row["rounds"][number]
            yield (row["name"], number + 1, *(_with_half(figures[figure]) for figure in _SHOWN))


def _print_validation(checked: Mapping[str, Any]) -> None:
    from limner.apps.cli.printing import print_table

    typer.echo(f"The population against {checked['users']} of the people behind it, on held-out ratings:")
    rows = (
        (
            one["negatives"],
            one["ratio"],
            one["by"],
            one["n"],
            *(_with_ends(one, figure) for figure in ("accuracy", "recall", "f1", "auc")),
        )
        for one in checked["choice"]
    )
    print_table(("items not taken", "ratio", "by", "n", "accuracy", "recall", "F1", "AUC"), rows, wide=True)
    ratings = checked["ratings"]
    shares = zip(ratings["levels"], ratings["real"], ratings["simulated"], strict=True)
    print_table(
        ("rating", "real", "simulated"),
        ((f"{level:g}", _number(real), _number(made)) for level, real, made in shares),
        right=("rating", "real", "simulated"),
    )
    traits = (
        (trait, _with_ends(one, "spearman"), _with_ends(one, "ceiling"))
        for trait, one in checked["traits"].items()
    )
    print_table(("trait", "simulated and real", "real and real"), traits, wide=True)


def _with_half(figure: Mapping[str, float | None], *, sign: bool = False) -> str:
    mean, high = figure["mean"], figure["high"]
    if mean is None:
        return "–"
    text = f"{mean:+.3f}" if sign else f"{mean:.3f}"
    return text if high is None else f"{text} ±{high - mean:.3f}"


def _with_ends(one: Mapping[str, Any], name: str) -> str:
    low, high = one[f"{name}_ci"]
    return f"{_number(one[name])} [{_number(low)}, {_number(high)}]"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
