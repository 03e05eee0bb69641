"""`limner reflect`: what was observed becomes propositions, of one user or of everybody."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limner.apps.cli.clustering import (
    Endpoints,
    RayAddress,
    Shards,
    Workers,
    check_cluster_options,
    reflect_on_cluster,
)
from limner.apps.cli.options import AsJson, Home, OptionalUser
from limner.errors import InputError, ModelError

if TYPE_CHECKING:
    from limner.api import Limner, User
    from limner.api.everyone import EveryoneReflection, EveryoneStep
    from limner.profiles.propositions import Reflection

__all__ = ["everybody_progress", "print_everybody", "raise_for_failed", "register"]

_LINE_EVERY_S = 30.0
"""Where no bar can be drawn, a line is printed as often, in seconds."""
_SHOWN = 10
"""Users of whom the summary says why they failed; `--json` tells all."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reflect)


def reflect(
    ctx: typer.Context,
    user: OptionalUser = None,
    all_users: Annotated[
        bool, typer.Option("--all-users", help="Everybody who has something waiting, many side by side.")
    ] = False,
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            min=1,
            help="With --all-users: how many side by side; 1 on the embedded engine, else 32.",
        ),
    ] = None,
    ray: RayAddress = None,
    shard: Shards = None,
    endpoint: Endpoints = None,
    workers: Workers = None,
    retry_parked: Annotated[bool, typer.Option(help="Try observations again that failed too often.")] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Of one user: what was proposed, related, revised and refused in each batch, why, and what it cost.",
        ),
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Turn the observations that wait into propositions, batch by batch.

    Interrupt it whenever you like: batches that are done are kept, the others go on waiting.
    """
    check_cluster_options(ray, shard, endpoint, workers, all_users=all_users)
    if all_users:
        if explain:
            raise InputError("--explain is for one user: name them with --user.")
        # LIMNER_USER is there for all commands; only who writes both has contradicted themselves.
        source = ctx.get_parameter_source("user")
        if user is not None and source is not None and source.name == "COMMANDLINE":
            raise InputError("--user and --all-users exclude each other: one user, or everybody.")
        if ray is None:
            _reflect_on_everybody(home, concurrency, retry_parked, as_json)
        else:
            reflect_on_cluster(home, ray, shard, endpoint, workers, concurrency, retry_parked, as_json)
        return
    if user is None:
        raise InputError("Say whose: --user ID (or LIMNER_USER), or --all-users for everybody.")
    if concurrency is not None:
        raise InputError("--concurrency is for --all-users: of one user, one batch comes after the other.")
    _reflect_on_one(home, user, retry_parked, explain, as_json)


def _reflect_on_one(home: Path | None, user: str, retry_parked: bool, explain: bool, as_json: bool) -> None:
    from limner.apps.cli.explaining import print_consolidated, print_explanation
    from limner.apps.cli.opening import opened_user
    from limner.apps.cli.printing import print_json

    with opened_user(home, user) as person:
        if retry_parked:
            person.retry_parked()
        reflection = _reflect_visibly(person, explain)
        if as_json:
            print_json(reflection)
        else:
            for explanation in reflection.explanations:
                print_explanation(explanation)
            if explain:
                print_consolidated(reflection)
            _print_reflection(reflection)
        if reflection.failed:
            raise ModelError(
                f"{len(reflection.failed)} batches could not be finished: {reflection.failed[-1]} Their observations are kept."
            )


def _reflect_visibly(user: "User", explain: bool) -> "Reflection":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from limner.apps.cli.printing import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(err=True), transient=True) as bar:
        task = bar.add_task("reflecting", total=user.status().pending)
        try:
            return user.reflect(
                explain=explain,
                progress=lambda step: bar.update(
                    task,
                    advance=step.observations if step.stage in {"stored", "failed"} else 0,
                    description=step.stage,
                ),
            )
        except KeyboardInterrupt as interrupt:
            bar.stop()
            left = user.status().pending
            raise KeyboardInterrupt(
                f"Finished batches are kept; {left} observations still wait."
            ) from interrupt


def _print_reflection(reflection: "Reflection") -> None:
    typer.echo(
        f"{reflection.observations} observations in {reflection.batches} batches: {len(reflection.added)} propositions added, "
        f"{len(reflection.revised)} revised, {len(reflection.retired)} retired, {len(reflection.refused)} drafts refused."
    )
    for proposition in (*reflection.added, *reflection.revised):
        typer.echo(f"  {proposition.confidence:4.1f}  {proposition.text}")
    if reflection.unseen:
        typer.echo(
            f"{reflection.unseen} observations have a picture, which the model does not see; they wait for one that does."
        )
    if reflection.pending or reflection.parked:
        typer.echo(
            f"{reflection.pending} observations still wait, {reflection.parked} are parked; see `limner status`."
        )


def _reflect_on_everybody(
    home: Path | None, concurrency: int | None, retry_parked: bool, as_json: bool
) -> None:
    from limner.api import Limner
    from limner.apps.cli.fetching import fetch_missing
    from limner.apps.cli.opening import settings_from
    from limner.apps.cli.printing import print_json

    settings = settings_from(home)
    with Limner.open(settings=settings) as limner:
        if retry_parked:
            limner.memory.retry_parked()
        if limner.memory.waiting.left().due:
            fetch_missing(settings, language_model=True)
        start = time.monotonic()
        done = _everybody_visibly(limner, concurrency)
        if as_json:
            print_json(done)
        else:
            print_everybody(done, time.monotonic() - start)
    raise_for_failed(done)


def _everybody_visibly(limner: "Limner", concurrency: int | None) -> "EveryoneReflection":
    with everybody_progress() as progress:
        try:
            return limner.reflect_all(concurrency=concurrency, progress=progress)
        except KeyboardInterrupt as interrupt:
            left = limner.memory.waiting.left().pending
            raise KeyboardInterrupt(
                f"Finished batches are kept; {left} observations still wait. The same command goes on from there."
            ) from interrupt


@contextmanager
def everybody_progress() -> "Iterator[Callable[[EveryoneStep], None]]":
    """Show how far a reflection on everybody has got, on standard error; yields what it is told to."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from limner.api.speed import Speed
    from limner.apps.cli.printing import console

    screen = console(err=True)
    speed = Speed()
    last_line = time.monotonic()
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def show(step: "EveryoneStep") -> None:
            nonlocal last_line
            speed.note(step.observations_done)
            said = _in_words(step, speed.rate, speed.left_s(step.observations - step.observations_done))
            bar.update(task, completed=step.observations_done, total=step.observations, description=said)
            if not screen.is_terminal and time.monotonic() - last_line >= _LINE_EVERY_S:
                last_line = time.monotonic()
                typer.echo(f"{step.observations_done}/{step.observations} {said}", err=True)

        yield show


def _in_words(step: "EveryoneStep", rate: float | None, left_s: float | None) -> str:
    parts = [f"users {step.users_done}/{step.users}"]
    if rate is not None:
        parts.append(f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min")
    if left_s is not None:
        parts.append(f"about {_duration(left_s)} left")
    if step.failed:
        parts.append(f"{step.failed} failed")
    if step.waiting_s > 0:
        parts.append(f"the endpoint is busy or down: next try in {step.waiting_s:.0f} s")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def print_everybody(done: "EveryoneReflection", seconds: float) -> None:
    """Print what a reflection on everybody did."""
    typer.echo(
        f"{done.observations} observations of {done.users} users in {done.batches} batches and {_duration(seconds)}: {done.added} "
        f"propositions added, {done.revised} revised, {done.retired} retired, {done.refused} drafts refused."
    )
    for user_id, reason in list(done.failed.items())[:_SHOWN]:
        typer.echo(f"  {user_id}: {reason}")
    if len(done.failed) > _SHOWN:
        typer.echo(f"  and {len(done.failed) - _SHOWN} more, which --json tells")
    if done.pending or done.parked:
        typer.echo(f"{done.pending} observations still wait, {done.parked} are parked; see `limner status`.")


def raise_for_failed(done: "EveryoneReflection") -> None:
    """Let a command end with what it could not do.

    Raises:
        ModelError: Batches of a user failed.
    """
    if done.failed:
        raise ModelError(
            f"Batches of {len(done.failed)} users could not be finished. Their observations are kept."
        )
