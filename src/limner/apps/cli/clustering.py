"""`limner reflect --all-users --ray ADDRESS`: the same on the workers of a Ray cluster."""

import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.errors import InputError, LimnerError

if TYPE_CHECKING:
    from limner.api.cluster import ClusterJob, ClusterReflection

__all__ = ["Endpoints", "RayAddress", "Shards", "Workers", "check_cluster_options", "reflect_on_cluster"]

_SHOWN = 10
"""Units of which the summary says why they could not be finished; `--json` tells all."""

RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="With --all-users: on a Ray cluster; local, auto, host:port or ray://host:port.",
    ),
]
Shards = Annotated[
    list[Path] | None,
    typer.Option(
        "--shard", metavar="HOME", help="With --ray: a data folder, one writer each; may be repeated."
    ),
]
Endpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--endpoint",
        metavar="URL",
        help="With --ray: a base URL to share the work with; repeated, or with commas. Else LIMNER_BASE_URL.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="With --ray: processes; else one a node and two an endpoint."),
]


def check_cluster_options(
    ray: str | None,
    shards: list[Path] | None,
    endpoints: list[str] | None,
    workers: int | None,
    *,
    all_users: bool,
) -> None:
    """Make sure that the options go together.

    Raises:
        InputError: They do not.
    """
    if ray is not None and not all_users:
        raise InputError("--ray is for --all-users: one user's batches come one after the other.")
    given = {"--shard": shards, "--endpoint": endpoints, "--workers": workers}
    lonely = [name for name, value in given.items() if value]
    if ray is None and lonely:
        raise InputError(f"{lonely[0]} is for --all-users --ray ADDRESS.")


def reflect_on_cluster(
    home: Path | None,
    address: str,
    shards: list[Path] | None,
    endpoints: list[str] | None,
    workers: int | None,
    concurrency: int | None,
    retry_parked: bool,
    as_json: bool,
) -> None:
    """Reflect on everybody on a Ray cluster, show how far it has got, and print what was done.

    Raises:
        LimnerError: Part of it could not be done.
    """
    from limner.api.cluster import ClusterJob
    from limner.apps.cli.opening import opened_memory, settings_from
    from limner.apps.cli.printing import print_json

    settings = settings_from(home)
    if retry_parked:
        if settings.database_url is None:
            raise InputError(
                "With --ray, --retry-parked is for PostgreSQL; for a shard run `limner reflect --all-users --retry-parked "
                "--home SHARD` where it lies."
            )
        with opened_memory(home) as memory:
            memory.retry_parked()
    urls = [url.strip() for several in endpoints or () for url in several.split(",") if url.strip()]
    start = time.monotonic()
    job = ClusterJob(settings, tuple(shards or ()), tuple(urls), workers, concurrency)
    done = _visibly(job, address)
    if as_json:
        print_json(done)
    else:
        _print(done, time.monotonic() - start)
    _raise_for(done)


def _visibly(job: "ClusterJob", address: str) -> "ClusterReflection":
    from limner.api.cluster import reflect_over_ray
    from limner.apps.cli.reflecting import everybody_progress

    # Ray prints the logs of processes that die; what became of them is told by the summary.
    with everybody_progress() as progress, redirect_stdout(StringIO()):
        return reflect_over_ray(job, address, progress=progress)


def _print(done: "ClusterReflection", seconds: float) -> None:
    from limner.apps.cli.reflecting import print_everybody

    print_everybody(done, seconds)
    if done.workers_lost:
        typer.echo(
            f"{done.workers_lost} workers died; what they had in hand was done by others. What they had stored is stored, but not "
            f"all of it is in these counts."
        )
    for name, reason in done.left_out.items():
        typer.echo(f"  left out: {name}: {reason}")
    for name, reason in list(done.unfinished.items())[:_SHOWN]:
        typer.echo(f"  not finished: {name}: {reason}")


def _raise_for(done: "ClusterReflection") -> None:
    from limner.apps.cli.reflecting import raise_for_failed

    if done.unfinished:
        first, reason = next(iter(done.unfinished.items()))
        error = LimnerError(
            f"{len(done.unfinished)} of {done.units} units of work could not be finished; {first}: {reason} What they have waits; "
            f"the same command goes on from there."
        )
        error.exit_code = done.exit_code
        raise error
    raise_for_failed(done)
