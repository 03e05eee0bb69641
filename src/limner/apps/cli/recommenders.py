"""`limner recommenders`: which there are, and how well they guess."""

from typing import Annotated

import typer

from limner.apps.cli.options import AsJson

__all__ = ["register"]

group = typer.Typer(no_args_is_help=True, help="Conventional recommenders, which a model uses as tools.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="recommenders")


def _complete(incomplete: str) -> list[str]:
    from limner.tools.recommenders import available

    return [name for name in available() if name.startswith(incomplete)]


@group.command("list")
def list_recommenders(as_json: AsJson = False) -> None:
    """List the recommenders that are installed, and those that want an extra."""
    from limner.apps.cli.printing import print_json, print_table
    from limner.tools.recommenders import available, recommender_class

    rows = []
    for name in available():
        try:
            rows.append({"name": name, "usable": True, "about": _first_line(recommender_class(name))})
        except ImportError as error:
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
    dataset: Annotated[str, typer.Argument(help="ml-100k, or a folder of RecBole atomic files.")] = "ml-100k",
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name", "-n", autocompletion=_complete, help="Only this one; may be given several times."
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the lists.")] = 10,
    seed: Annotated[int, typer.Option(help="Of the models and of the bootstrap.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Rank every item for every user with the last one held out, and print hit rate, NDCG and MRR with 95 % intervals."""
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json, print_table
    from limner.evals.ranking import evaluate as evaluated
    from limner.tools.datasets import load_dataset

    settings = settings_from()
    report = evaluated(
        load_dataset(dataset, settings),
        name or _usable(),
        k=k,
        seed=seed,
        progress=lambda one: typer.echo(f"fitting {one} ...", err=True),
    )
    if as_json:
        print_json(report)
        return
    typer.echo(f"{report['dataset']}, {report['users']} users. {report['protocol']}")
    metrics = [f"{metric}@{k}" for metric in ("hr", "ndcg", "mrr")]
    rows = (
        (
            row["name"],
            *(f"{row[m]:.3f} [{row[m + '_ci'][0]:.3f}, {row[m + '_ci'][1]:.3f}]" for m in metrics),
            row["fit_s"],
        )
        for row in report["rows"]
    )
    print_table(("name", *metrics, "fit s"), rows, right=("fit s",))


def _usable() -> list[str]:
    """Return the recommenders whose extras are installed; say which are left out."""
    from limner.tools.recommenders import available, recommender_class

    usable = []
    for name in available():
        try:
            recommender_class(name)
        except ImportError as error:
            typer.echo(f"limner: {name} is left out: {error}", err=True)
        else:
            usable.append(name)
    return usable
