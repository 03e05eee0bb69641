"""`limner eval calibration`: whether confidence means what it says, and the maps that mend it."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.apps.cli.options import AsJson
from limner.errors import InputError

if TYPE_CHECKING:
    from limner.evals.calibration.claims import Sample
    from limner.evals.calibration.measuring import Calibration

__all__ = ["calibration", "register"]

_SOURCES = ("movielens", "personamem", "personabench")


def register(group: typer.Typer) -> None:
    """Add the command to `limner eval`."""
    group.command()(calibration)


def calibration(
    source: Annotated[
        str | None, typer.Option("--source", help="movielens, personamem or personabench.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", "-d", help="The published file or folder; movielens is fetched where none is given."
        ),
    ] = None,
    claims: Annotated[
        list[Path] | None,
        typer.Option("--claims", help="Measure claims that --keep wrote, instead; may be repeated."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1, help="movielens: at most so many people; else at most so many words of each person's."
        ),
    ] = None,
    least: Annotated[
        int, typer.Option(min=1, help="movielens: later ratings needed on either side of a contrast.")
    ] = 5,
    store: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Folder for what is drawn with the model, to go on from; else a temporary one.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every draw.")] = 0,
    output: Annotated[
        Path, typer.Option("--output", "-o", file_okay=False, help="Where the PNG and the page go.")
    ] = Path("calibration"),
    keep: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the judged claims, one a line.")
    ] = None,
    fit: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write the maps; those of other kinds in the file stay."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold claims about people against what was held out; Brier score and calibration error before and after a map."""
    from limner.apps.cli.printing import print_json
    from limner.evals.calibration.claims import write_claims
    from limner.evals.calibration.diagram import drawn
    from limner.evals.calibration.measuring import calibration as measured
    from limner.evals.calibration.page import written_page
    from limner.evals.calibration.shipping import add_maps, as_json_value

    sample = _sample(source, data, claims, limit, least, store, seed)
    if keep is not None:
        write_claims(sample, keep)
    found = measured(sample, seed=seed)
    picture = drawn(found, output / "reliability.png")
    page = written_page(found, output / "calibration.html")
    if fit is not None:
        add_maps(found.maps, fit)
    if as_json:
        print_json(as_json_value(found))
        return
    _print(found)
    for path in (picture, page, *((fit,) if fit is not None else ())):
        typer.echo(f"  {path}")


def _sample(
    source: str | None,
    data: str | None,
    claims: list[Path] | None,
    limit: int | None,
    least: int,
    store: Path | None,
    seed: int,
) -> "Sample":
    if claims:
        if source is not None:
            raise InputError("Name either --source or --claims: kept claims have their source in them.")
        from limner.evals.calibration.claims import read_claims

        return read_claims(claims)
    if source == "movielens":
        from limner.evals.calibration.contrasts import computed_claims

        return computed_claims(data or "ml-100k", limit=limit, seed=seed, least=least)
    if source not in _SOURCES:
        raise InputError(f"--source is one of {', '.join(_SOURCES)}; or give --claims FILE.")
    if data is None:
        raise InputError(f"--source {source} needs --data: the published file or folder.")
    from limner.evals.calibration.drawing import drawn_claims
    from limner.evals.calibration.personas import personas

    people = personas(source, data, limit=limit, seed=seed)
    return drawn_claims(people, store, tell=lambda line: typer.echo(line, err=True))


def _print(found: "Calibration") -> None:
    from limner.apps.cli.printing import print_table

    typer.echo(
        f"{found.source}: maps fitted on {found.fitted_on} claims, tested on {found.tested_on} (halves of {found.halved}; "
        f"seed {found.seed}; model {found.model})"
    )
    rows: list[tuple[Any, ...]] = []
    for group in found.groups:
        for figure in group.figures:
            rows.append((
                group.name,
                figure.name,
                _with_interval(figure.before, figure.before_interval),
                _with_interval(figure.after, figure.after_interval),
                group.n,
            ))
        rows.append((group.name, "mean probability", _shown(group.stated), _shown(group.mapped), group.n))
        rows.append((group.name, "share that held", _shown(group.held), "", group.n))
        if group.expected is not None:
            rows.append((
                group.name,
                "share to be expected of such samples",
                _shown(group.expected),
                "",
                group.n,
            ))
            rows.append((
                group.name,
                "share that held, noise taken out",
                _shown(group.noiseless),
                "",
                group.n,
            ))
        rows.append((
            group.name,
            "bits gained over anybody",
            _shown(group.gain_before),
            _shown(group.gain_after),
            group.n,
        ))
        rows.append((group.name, "discrimination", "", _shown(group.discrimination), group.n))
    print_table(("claims", "measure", "before", "after", "n"), rows, right=("n",))
    _print_coverage(found)
    for kind, choice in found.choices.items():
        typer.echo(f"  map of {kind}: {choice.form}")
    for what, count in found.counted.items():
        typer.echo(f"  counted: {what}: {count}")
    for name, digest in found.data.items():
        typer.echo(f"  data: {name} {digest[:12]}")


def _print_coverage(found: "Calibration") -> None:
    coverage = found.coverage
    share = f"{coverage.covered / coverage.coverable:.3f}" if coverage.coverable else "unknown"
    typer.echo(
        f"  coverage: {coverage.claims} claims about {coverage.users_with_claims} of {coverage.users} people, {coverage.judged} "
        f"judged; they speak about {share} of what was held out"
    )
    typer.echo(
        f"  diversity: {coverage.topics} topics, as mixed as {coverage.effective_topics:.1f} equal ones"
    )
    if found.safe is not None:
        safe = found.safe
        typer.echo(
            f"  safe formula: {safe.topic} of everybody holds of {safe.held:.3f} of {safe.users}; Brier score {safe.brier:.3f}, "
            f"calibration error {safe.calibration_error:.3f}, 0 bits gained, 1 topic"
        )


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{_shown(value)} [{_shown(low)}, {_shown(high)}]" if math.isfinite(low) else _shown(value)


def _shown(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.3f}"
