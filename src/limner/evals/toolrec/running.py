"""Asking every row about every user, and keeping each answer as soon as it is there: a run that is killed goes on where it stopped."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from limner.evals.keeping import KeptLines
from limner.evals.toolrec.cases import Case
from limner.evals.toolrec.rows import Outcome, Reading, Rows, needs_reading
from limner.inference.together import together

__all__ = ["Kept", "run"]


class Kept:
    """The answers of a run, one in a line of `outcomes.jsonl` and `readings.jsonl`.

    Args:
        folder: Where; what is there already is read. A line that a kill cut off is dropped.

    Raises:
        InputError: The folder cannot be written to, or holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._outcomes = KeptLines(folder / "outcomes.jsonl", Outcome)
        self._readings = KeptLines(folder / "readings.jsonl", Reading)
        self.outcomes = {(one.user, one.row): one for one in self._outcomes.found}
        self.readings = {one.user: one for one in self._readings.found}

    def outcome(self, one: Outcome) -> None:
        """Keep an outcome."""
        self._outcomes.append(one)
        self.outcomes[one.user, one.row] = one

    def reading(self, one: Reading) -> None:
        """Keep a reading."""
        self._readings.append(one)
        self.readings[one.user] = one


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
