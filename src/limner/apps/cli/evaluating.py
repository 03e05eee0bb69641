"""`limner eval`: benchmark runs, their report, and tests between two of them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from limner.apps.cli import budgeting, calibrating, closed_loop, conversation, toolrec
from limner.apps.cli.options import AsJson
from limner.apps.cli.sharing import register_benchmark
from limner.evals.registry import BENCHMARKS, Entry

if TYPE_CHECKING:
    from limner.evals.results import Result

__all__ = ["register"]


class _Benchmarks(TyperGroup):
    """limner's own benchmarks are commands from the start; those of other packages are looked for when one is named."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - which click it is depends on the version of typer
        """Return a command, or that of a plug-in."""
        from limner.evals.registry import benchmarks

        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in benchmarks():
            alone = typer.Typer()
            alone.command(cmd_name, help=benchmarks()[cmd_name].about)(_command(benchmarks()[cmd_name]))
            found = typer.main.get_command(alone)
        return found


group = typer.Typer(
    cls=_Benchmarks,
    no_args_is_help=True,
    help="Benchmarks: LaMP, PersonaMem and their kin, with limner's memory, another, or none.",
)

LogFolder = Annotated[
    Path,
    typer.Option("--log-dir", envvar="INSPECT_LOG_DIR", file_okay=False, help="Where logs and results go."),
]


def register(app: typer.Typer) -> None:
    """Add the commands, one for each benchmark among them."""
    for entry in BENCHMARKS.values():
        group.command(entry.name, help=entry.about)(_command(entry))
    budgeting.register(group)
    calibrating.register(group)
    closed_loop.register(group)
    conversation.register(group)
    toolrec.register(group)
    register_benchmark(group)
    app.add_typer(group, name="eval")


@group.command("list")
def list_benchmarks(as_json: AsJson = False) -> None:
    """List the benchmarks and the memories to run them with."""
    from limner.apps.cli.printing import print_json, print_table
    from limner.evals.memories.registry import available
    from limner.evals.registry import benchmarks

    rows = [
        {"name": one.name, "memory": one.memory, "k": one.k, "about": one.about}
        for one in benchmarks().values()
    ]
    if as_json:
        print_json({"benchmarks": rows, "memories": available()})
        return
    print_table(("name", "memory", "k", "about"), (tuple(row.values()) for row in rows), right=("k",))
    typer.echo(f"Memories: {', '.join(available())}.")


@group.command()
def report(
    folder: Annotated[
        Path, typer.Argument(exists=True, help="Folder with logs and results, or one of them.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", dir_okay=False, help="The page.")] = Path(
        "report.html"
    ),
) -> None:
    """Make one HTML page of tables and plots from several runs."""
    from limner.evals.logs import read_results
    from limner.evals.reporting import written

    written(list(read_results(folder)), output)
    typer.echo(output)


@group.command()
def compare(
    first: Annotated[Path, typer.Argument(help="A log or result.")],
    second: Annotated[Path, typer.Argument(help="Another, of the same task and data.")],
    measure: Annotated[str | None, typer.Option(help="Which measure; the task's first if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Test whether two runs differ, on the questions that both answered."""
    from limner.apps.cli.printing import print_json
    from limner.evals.comparing import compare as compared
    from limner.evals.comparing import in_words
    from limner.evals.logs import read_result

    comparison = compared(read_result(first), read_result(second), measure)
    if as_json:
        print_json(comparison)
    else:
        typer.echo(in_words(comparison))


@group.command()
def recall(
    data: Annotated[
        Path, typer.Option("--data", "-d", exists=True, help="The published file, or a folder of them.")
    ],
    form: Annotated[str, typer.Option("--format", help="locomo, longmemeval or personabench.")],
    k: Annotated[str, typer.Option("-k", "--k", help="Lengths of the list, such as 5,10,25.")] = "5,10,25",
    method: Annotated[str, typer.Option(help="limner, bm25, dense, rrf or half-half.")] = "limner",
    as_json: AsJson = False,
) -> None:
    """Measure which share of the evidence a search finds; no language model is asked."""
    from limner.apps.cli.printing import print_json, print_table
    from limner.errors import InputError
    from limner.evals.recall import recalled

    try:
        cutoffs = sorted({int(one) for one in k.split(",")})
    except ValueError as error:
        raise InputError(
            f"--k takes numbers with commas between them, such as 5,10,25; not {k!r}."
        ) from error
    found = recalled(data, form, method, cutoffs, tell=lambda line: typer.echo(line, err=True))
    if as_json:
        print_json(found.as_json())
        return
    names = tuple(f"recall@{one}" for one in cutoffs)
    groups = (None, *sorted({group for group, _ in found.questions}))
    rows = ((group or "all", *(f"{one:.3f}" for one in found.mean(group).values())) for group in groups)
    print_table(("category", *names), rows, right=names)


@group.command()
def retry(
    log: Annotated[Path, typer.Argument(exists=True, help="Log of a run that did not end well.")],
) -> None:
    """Go on with a run that was interrupted or failed; what was answered is kept."""
    from limner.evals.launching import retried

    _show(retried(log), as_json=False)


def _command(entry: Entry) -> Callable[..., None]:
    def run(
        data: Annotated[
            str | None,
            typer.Option("--data", "-d", help="The published file or folder; an error says which."),
        ] = None,
        memory: Annotated[str, typer.Option("--memory", "-m", help="See `limner eval list`.")] = entry.memory,
        k: Annotated[int, typer.Option("-k", min=1, help="Passages to search for.")] = entry.k,
        limit: Annotated[
            int | None, typer.Option(min=1, help="Ask at most so many, every group in its proportion.")
        ] = None,
        seed: Annotated[int, typer.Option(help="Of every draw.")] = 0,
        model: Annotated[
            str,
            typer.Option(help="limner/default, limner/NAME, or any model of inspect_ai such as openai/NAME."),
        ] = "limner/default",
        parameter: Annotated[
            list[str] | None,
            typer.Option(
                "--set", "-T", metavar="NAME=VALUE", help="A parameter of this benchmark; may be repeated."
            ),
        ] = None,
        predictions: Annotated[
            Path | None, typer.Option(dir_okay=False, help="lamp: write the answers in LaMP's own format.")
        ] = None,
        log_dir: LogFolder = Path("logs"),
        as_json: AsJson = False,
    ) -> None:
        from limner.evals.launching import Run, launched, written_predictions

        wanted = Run(entry, data, tuple(parameter or ()), memory, k, limit, seed, model)
        result = launched(wanted, log_dir, tell=lambda line: typer.echo(line, err=True), quiet=as_json)
        if predictions is not None:
            written_predictions(wanted, result, predictions)
        _show(result, as_json=as_json)

    return run


def _show(result: "Result", *, as_json: bool) -> None:
    from limner.apps.cli.printing import print_json

    if as_json:
        print_json(result.model_dump(mode="json", exclude={"items"}))
    else:
        _print_result(result)
    if result.status != "success":
        typer.echo(
            f"limner: the run ended as {result.status}; go on with `limner eval retry {result.origin}`.",
            err=True,
        )
        raise typer.Exit(6)


def _print_result(result: "Result") -> None:
    from limner.apps.cli.printing import print_table

    typer.echo(
        f"{result.task}, memory {result.memory}, k {result.k}, model {result.model}, n {result.n}, seed {result.seed}"
    )
    named: list[tuple[str, Any]] = [("all", one) for one in result.statements]
    named += [(group, found[0]) for group, found in sorted(result.groups.items()) if found]
    rows = [
        (
            group,
            one.measure,
            _shown(one.value),
            f"[{_shown(one.low)}, {_shown(one.high)}]" if one.low is not None else "",
            one.n,
        )
        for group, one in named
    ]
    rows += [("floor: " + name, "", _shown(value), "", "") for name, value in result.floors.items()]
    print_table(("group", "measure", "value", "95 %", "n"), rows, right=("value", "n"))
    for what, count in result.counted.items():
        typer.echo(f"  counted: {what}: {count}")
    cost = result.cost
    typer.echo(
        f"  cost: {cost.calls} calls ({cost.reused} from the response cache), {cost.input_tokens} tokens in "
        f"({cost.cached_tokens} from the prefix cache), {cost.output_tokens} out, {cost.seconds:.0f} s of waiting"
    )
    for name, digest in result.data.items():
        typer.echo(f"  data: {name} {digest[:12]}")
    typer.echo(f"  kept in {result.origin}")


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
