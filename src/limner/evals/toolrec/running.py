"""Asking every row about every user, and keeping each answer as soon as it is there: a run that is killed goes on where it stopped."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from limner.errors import InputError
from limner.evals.toolrec.cases import Case
from limner.evals.toolrec.rows import Outcome, Reading, Rows, needs_reading
from limner.inference.together import together
from limner.memory.records import Record

__all__ = ["Kept", "run"]

R = TypeVar("R", bound=Record)


class Kept:
    """The answers of a run, one in a line of `outcomes.jsonl` and `readings.jsonl`.

    Args:
        folder: Where; what is there already is read. A line that a kill cut off is dropped.

    Raises:
        InputError: The folder cannot be written to, or holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            outcomes = _read(folder / "outcomes.jsonl", Outcome)
            readings = _read(folder / "readings.jsonl", Reading)
        except OSError as error:
            raise InputError(f"{folder} cannot be used: {error.strerror or error}.") from error
        self.outcomes = {(one.user, one.row): one for one in outcomes}
        self.readings = {one.user: one for one in readings}

    def outcome(self, one: Outcome) -> None:
        """Keep an outcome."""
        _append(self.folder / "outcomes.jsonl", one)
        self.outcomes[one.user, one.row] = one

    def reading(self, one: Reading) -> None:
        """Keep a reading."""
        _append(self.folder / "readings.jsonl", one)
        self.readings[one.user] = one


def _read(path: Path, kind: type[R]) -> list[R]:
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    try:
        return [kind.model_validate_json(line) for line in whole.splitlines()]
    except ValueError as error:
        raise InputError(f"{path} holds a line that is no outcome of this run: {error}") from error


def _append(path: Path, one: Record) -> None:
    with path.open("ab") as file:
        file.write(one.model_dump_json().encode() + b"\n")


async def run(
    rows: Rows,
    names: Sequence[str],
    cases: Sequence[Case],
    kept: Kept,
    *,
    at_once: int = 12,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Ask what is not kept yet.

    Args:
        rows: Whom to ask.
        names: Of the rows.
        cases: The users.
        kept: Takes each answer.
        at_once: How many users wait for the model side by side; of one user the rows are asked one after the other, so that
            they share the beginnings of their prompts.
        tell: Told of each user done.

    Raises:
        ModelUnavailable: The endpoint is down; what was answered is kept.
    """
    done = 0

    async def one(case: Case) -> None:
        nonlocal done
        missing = [name for name in names if (case.user, name) not in kept.outcomes]
        if case.request is None:
            missing = [name for name in missing if name.startswith("next/")]
        if any(needs_reading(name) for name in missing) and case.user not in kept.readings:
            kept.reading(await rows.read(case))
        for name in missing:
            reading = kept.readings.get(case.user) if name.startswith("requests/") else None
            kept.outcome(await rows.ask(name, case, reading))
        done += 1
        if missing:
            tell(f"{done} of {len(cases)} users")

    await together([partial(one, case) for case in cases], at_once=at_once)
