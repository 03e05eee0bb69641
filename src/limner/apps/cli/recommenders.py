"""`limner recommenders`: which there are, how well they guess, and with which settings they guess best."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from limner.apps.cli.options import AsJson

if TYPE_CHECKING:
    from limner.evals.ranking import Trial
    from limner.tools.recommenders.protocol import Grid

__all__ = ["register"]

group = typer.Typer(no_args_is_help=True, help="Conventional recommenders, which a model uses as tools.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="recommenders")


def _complete(incomplete: str) -> list[str]:
    from limner.tools.recommenders import available

    return [name for name in available() if name.startswith(incomplete)]


Data = Annotated[str, typer.Argument(help="ml-100k, or a folder of RecBole atomic files.")]
Length = Annotated[int, typer.Option("-k", min=1, help="Length of the lists.")]


@group.command("list")
def list_recommenders(as_json: AsJson = False) -> None:
    """List the recommenders that are installed, and those that want an extra."""
    from limner.apps.cli.printing import print_json, print_table
    from limner.errors import InputError
    from limner.tools.recommenders import available, recommender_class

    rows = []
    for name in available():
        try:
            rows.append({"name": name, "usable": True, "about": _first_line(recommender_class(name))})
        except (ImportError, InputError) as error:
            rows.append({"name": name, "usable": False, "about": str(error)})
    if as_json:
        print_json(rows)
    else:
        print_table(
            ("name", "usable", "about"),
            ((r["name"], "yes" if r["usable"] else "no", r["about"]) for r in rows),
        )


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]


@group.command()
def evaluate(
    dataset: Data = "ml-100k",
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name", "-n", autocompletion=_complete, help="Only this one; may be given several times."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every one that is installed; the same as no --name.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(autocompletion=_complete, help="Compare every other one with this one, user by user."),
    ] = None,
    split: Annotated[
        Literal["test", "validation"], typer.Option(help="Which of a user's last items is looked for.")
    ] = "test",
    k: Length = 10,
    seed: Annotated[int, typer.Option(help="Of the models and of the bootstrap.")] = 0,
    record: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="Keep what was measured in this file, and go on from it the next time."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rank every item for every user with the last one held out: hit rate, NDCG, MRR, coverage, novelty, time and memory."""
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json
    from limner.errors import InputError
    from limner.evals.ranking import Record
    from limner.evals.ranking import evaluate as evaluated
    from limner.tools.datasets import load_dataset

    if everything and name:
        raise InputError("--all evaluates every recommender; leave it away, or the --name.")
    data = load_dataset(dataset, settings_from())
    report = evaluated(
        data,
        name or _usable(),
        k=k,
        seed=seed,
        split=split,
        against=against,
        record=None if record is None else Record(record, {"evaluated": data.name}),
        progress=lambda one: typer.echo(f"fitting {one} ...", err=True),
    )
    if as_json:
        print_json(report)
    else:
        _print_report(report)
    if any(row["failed"] for row in report["rows"]):
        raise typer.Exit(1)


@group.command()
def tune(
    name: Annotated[str, typer.Argument(autocompletion=_complete, help="A recommender.")],
    dataset: Data = "ml-100k",
    grid: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help='What to try, in JSON: {"setting": [values]}, or a list of {"setting": value}. By default what the model itself states.',
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="File for the trials; tuning-NAME.json if not given."),
    ] = None,
    k: Length = 10,
    seed: Annotated[int, typer.Option(help="Of the model.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Try settings of a recommender on the validation items, and keep every trial; goes on where it was stopped."""
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json
    from limner.evals.ranking import PROTOCOLS, Record, grid_of, select_settings
    from limner.tools.datasets import load_dataset

    data = load_dataset(dataset, settings_from())
    kept = Record(
        record or Path(f"tuning-{name}.json"),
        {"recommender": name, "dataset": data.name, "protocol": PROTOCOLS["validation"]},
    )
    trials = select_settings(
        data,
        name,
        grid_of(name) if grid is None else _read_grid(grid),
        k=k,
        seed=seed,
        record=kept,
        progress=lambda one, number, of: typer.echo(
            f"{number} of {of}: {one.failed or _shown(one.ndcg, 4)}  {_in_words(one.settings)}", err=True
        ),
    )
    if as_json:
        print_json({**kept.about, "k": k, "seed": seed, "record": str(kept.path), "trials": trials})
    else:
        _print_trials(trials, k)
        typer.echo(f"Kept in {kept.path}.")


def _read_grid(path: Path) -> "Grid":
    import json

    from limner.errors import InputError

    try:
        grid: Grid = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no grid: {error}.") from error
    return grid


def _print_report(report: dict[str, Any]) -> None:
    from limner.apps.cli.printing import print_table

    k, base = report["k"], report["against"]
    typer.echo(
        f"{report['dataset']}, {report['users']} users, {report['items']} items, seed {report['seed']}. {report['protocol']}"
    )
    measured = [row for row in report["rows"] if not row["failed"]]
    stated = [f"{metric}@{k}" for metric in ("hr", "ndcg", "mrr")]
    costs = {
        "fit_s": "fit s",
        "fit_peak_mb": "peak MB",
        "query_ms": "list ms",
        "batch_ms": "in batch",
        "model_mb": "MB",
    }
    columns = ("name", *stated, f"coverage@{k}", f"novelty@{k}", "failures", *costs.values())
    rows = (
        (
            row["name"],
            *(_with_interval(row, metric) for metric in stated),
            _shown(row[f"coverage@{k}"]),
            _with_interval(row, f"novelty@{k}", digits=2),
            row["failures"],
            *(
                "" if row[cost] is None else f"{row[cost]:.{1 if cost in ('fit_s', 'fit_peak_mb') else 2}f}"
                for cost in costs
            ),
        )
        for row in measured
    )
    print_table(columns, rows, right=columns[4:], wide=True)
    if base:
        typer.echo(f"Less {base}, user by user:")
        compared = [row for row in measured if f"ndcg@{k}_diff" in row]
        shown = ([row["name"], *(_difference(row, metric) for metric in stated)] for row in compared)
        print_table(("name", *stated), shown, wide=True)
    for row in report["rows"]:
        for problem in [row["failed"]] if row["failed"] else row["problems"]:
            typer.echo(f"limner: {row['name']}{' failed' if row['failed'] else ''}: {problem}", err=True)


def _with_interval(row: dict[str, Any], name: str, digits: int = 3) -> str:
    low, high = row[f"{name}_ci"]
    return f"{_shown(row[name], digits)} [{_shown(low, digits)}, {_shown(high, digits)}]"


def _difference(row: dict[str, Any], name: str) -> str:
    low, high = row[f"{name}_diff_ci"]
    return (
        f"{row[f'{name}_diff']:+.4f} [{_shown(low, 4)}, {_shown(high, 4)}], p {_shown(row[f'{name}_diff_p'])}"
    )


def _shown(value: float | None, digits: int = 3) -> str:
    if value is None:
        return "–"
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text


def _print_trials(trials: "list[Trial]", k: int) -> None:
    from limner.apps.cli.printing import print_table

    names = list(dict.fromkeys(name for trial in trials for name in trial.settings))
    figures = (f"ndcg@{k}", "se", f"hr@{k}", "failures", "s")
    rows = (
        (
            *(trial.settings.get(name, "") for name in names),
            *([_shown(trial.ndcg, 4), _shown(trial.standard_error, 4), _shown(trial.hit_rate, 4)]),
            trial.failures,
            f"{trial.seconds:.1f}",
            trial.failed,
        )
        for trial in trials
    )
    print_table((*names, *figures, ""), rows, right=(*names, *figures), wide=True)


def _in_words(settings: Any) -> str:  # noqa: ANN401 - any mapping
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _usable() -> list[str]:
    """Return the recommenders whose extras are installed; say which are left out."""
    from limner.errors import InputError
    from limner.tools.recommenders import available, recommender_class

    usable = []
    for name in available():
        try:
            recommender_class(name)
        except ImportError as error:
            typer.echo(f"limner: {name} is left out: {error}", err=True)
        except InputError:
            usable.append(name)  # broken: its row says so
        else:
            usable.append(name)
    return usable
