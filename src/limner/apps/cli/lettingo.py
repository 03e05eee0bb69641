"""`limner lettingo`: free-form profiles that are explored, evaluated, and learnt from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.apps.cli.options import AsJson

if TYPE_CHECKING:
    from limner.evals.lettingo.report import Report
    from limner.profiles.lettingo.configuration import LettinGoSettings

__all__ = ["register"]

group = typer.Typer(
    no_args_is_help=True,
    help="Profiles in free form (LettinGo): write them, score them by what a recommender makes of them, train on the better.",
)

Run = Annotated[Path, typer.Argument(metavar="RUN", file_okay=False, help="Folder of the run.")]
Config = Annotated[
    Path | None,
    typer.Option(
        "--settings", "-s", dir_okay=False, help="lettingo.toml; its fields are in docs/lettingo.md."
    ),
]
Parts = Annotated[
    list[str] | None, typer.Option("--part", help="dev, train or test; may be repeated. All by default.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="lettingo")


@group.command()
def explore(
    run: Run,
    config: Config = None,
    part: Parts = None,
    only: Annotated[
        list[str] | None, typer.Option("--generator", "-g", help="Only this one; may be repeated.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try again what failed before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let several models write profiles of each user's long-term history; goes on where it was stopped."""
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json
    from limner.errors import NotFound
    from limner.inference import Portal
    from limner.profiles.lettingo.explore import aexplore
    from limner.profiles.lettingo.runs import RunFolder

    wanted = _wanted(config)
    if only:
        chosen = tuple(one for one in wanted.generators if one.name in only)
        if len(chosen) != len(set(only)):
            names = ", ".join(one.name for one in wanted.generators)
            raise NotFound(f"--generator {' '.join(only)}: there are {names}.")
        wanted = wanted.model_copy(update={"generators": chosen})
    with _progress() as progress, _portal(Portal()) as portal:
        done = portal.run(
            partial(
                aexplore,
                RunFolder(run),
                wanted,
                settings_from(),
                parts=_parts(part),
                retry_failed=retry_failed,
                progress=progress,
            )
        )
    if as_json:
        print_json({"run": str(run), "written": done.written, "failed": done.failed})
    else:
        typer.echo(f"{done.written} profiles in {run}; {done.failed} failed.")


@group.command()
def evaluate(
    run: Run,
    judge: Annotated[str, typer.Option(help="model, text or both.")] = "both",
    part: Parts = None,
    view: Annotated[
        list[str] | None,
        typer.Option(
            help="What the language model sees: profile, recent, history, nothing; may be repeated."
        ),
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Users at a time.")] = 4,
    compare: Annotated[
        list[str] | None,
        typer.Option(metavar="FIRST,SECOND", help="Two generators to compare besides; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score every profile by the log-loss of two recommenders on held-out items, and compare; goes on where it was stopped."""
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json
    from limner.evals.lettingo.evaluation import aevaluate, report_of
    from limner.inference import Portal
    from limner.inference.language_model import language_model
    from limner.profiles.lettingo.runs import RunFolder

    settings, folder = settings_from(), RunFolder(run)
    judges = _one_of("--judge", judge, ("both", "model", "text"))
    views = [_one_of("--view", one, ("profile", "recent", "history", "nothing")) for one in view or ()]
    pairs = [_pair(one) for one in compare or ()]
    _ = folder.manifest
    if judges == "text":
        report = report_of(folder, settings, judges="text", pairs=pairs)
    else:
        with language_model(settings) as model:
            with _progress() as progress, _portal(Portal()) as portal:
                failed = portal.run(
                    partial(
                        aevaluate,
                        folder,
                        model,
                        settings,
                        parts=_parts(part),
                        views=views or ("recent", "history", "profile"),
                        concurrency=concurrency,
                        progress=progress,
                    )
                )
            if failed:
                typer.echo(f"{failed} judgements failed; the same command tries them again.", err=True)
            report = report_of(folder, settings, judges=judges, model=model, pairs=pairs)
    if as_json:
        print_json(report)
    else:
        _print(report)


@group.command()
def align(
    run: Run,
    config: Config = None,
    name: Annotated[str, typer.Option(help="What to call the adapter.")] = "aligned",
    as_json: AsJson = False,
) -> None:
    """Train a LoRA adapter on pairs of better and worse profiles (DPO); goes on from its last checkpoint."""
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json
    from limner.evals.lettingo.evaluation import pairs_of
    from limner.inference.language_model import language_model
    from limner.profiles.lettingo.align import align as aligned
    from limner.profiles.lettingo.card import write_card
    from limner.profiles.lettingo.generators import need_training
    from limner.profiles.lettingo.runs import RunFolder

    need_training()
    settings, folder, wanted = settings_from(), RunFolder(run), _wanted(config).align
    if wanted.judge == "model":
        with language_model(settings) as model:
            pairs = pairs_of(folder, settings, wanted, model)
    else:
        pairs = pairs_of(folder, settings, wanted, None)
    typer.echo(f"{len(pairs)} pairs of {len({pair.user for pair in pairs})} users.", err=True)
    with _progress() as progress:
        done = aligned(folder, name, pairs, wanted, settings, progress=progress)
    if not (done.adapter / "README.md").is_file():
        write_card(done.adapter, done.recipe, done.training, "")
    if as_json:
        print_json({"adapter": str(done.adapter), "training": done.training})
    else:
        typer.echo(done.adapter)


@group.command()
def merge(
    adapter: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of the adapter.")],
    target: Annotated[Path, typer.Argument(help="Where to write the whole model; must not be there yet.")],
) -> None:
    """Write the base model with an adapter's changes in it, for servers that take no adapters."""
    from limner.profiles.lettingo.merge import merge as merged

    typer.echo(merged(adapter, target))


def _wanted(config: Path | None) -> "LettinGoSettings":
    from limner.profiles.lettingo.configuration import LettinGoSettings, read_settings

    return LettinGoSettings() if config is None else read_settings(config)


def _parts(chosen: list[str] | None) -> list[str]:
    known = ("train", "test", "dev")
    return [_one_of("--part", one, known) for one in chosen] if chosen else ["train", "test"]


def _one_of(option: str, value: str, known: tuple[str, ...]) -> Any:  # noqa: ANN401 - a literal
    from limner.errors import InputError

    if value not in known:
        raise InputError(f"{option} is one of {', '.join(known)}; not {value!r}.")
    return value


def _pair(text: str) -> tuple[str, str]:
    from limner.errors import InputError

    first, comma, second = text.partition(",")
    if not comma or not first or not second:
        raise InputError(f"--compare takes two generators with a comma between them; not {text!r}.")
    return first, second


@contextmanager
def _portal(portal: Any) -> Iterator[Any]:  # noqa: ANN401 - imported late
    try:
        yield portal
    finally:
        portal.close()


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show how far each stage has got, on standard error."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from limner.apps.cli.printing import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(err=True)) as bar:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield report


def _print(report: "Report") -> None:
    from limner.apps.cli.printing import print_table

    print_table(
        ("judge", "knows", "log-loss", "95 %", "AUC", "users", "profiles", "failed"),
        (
            (
                m.judge,
                m.name,
                f"{m.loss:.4f}",
                _span(m.low, m.high),
                f"{m.auc:.3f}",
                m.users,
                m.profiles,
                m.failed,
            )
            for m in report.measured
        ),
        right=("log-loss", "AUC", "users", "profiles", "failed"),
    )
    print_table(
        ("judge", "first", "second", "difference", "95 %", "p", "users"),
        (
            (
                c.judge,
                c.first,
                c.second,
                f"{c.difference:+.4f}",
                _span(c.low, c.high),
                "" if c.p is None else f"{c.p:.3f}",
                c.users,
            )
            for c in report.compared
        ),
        right=("difference", "p", "users"),
    )


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{low:.4f}, {high:.4f}]"
