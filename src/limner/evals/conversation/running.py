"""Every conversation with every system, each kept as soon as it is over: a run that is killed goes on where it stopped."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from limner.agents.simulators.seeker import Seeker
from limner.evals.conversation.cases import Case
from limner.evals.conversation.playing import LeakCheck, Played, played
from limner.evals.conversation.systems import System
from limner.evals.keeping import KeptLines
from limner.inference.together import together
from limner.tools import Catalogue

__all__ = ["Cast", "Kept", "run"]

Cast = Callable[[Case], tuple[Seeker, LeakCheck]]
"""Makes a seeker for a conversation, a new one each time, and what finds out whether they give a target away."""


class Kept:
    """The conversations of a run, one in a line of `conversations.jsonl`.

    Args:
        folder: Where; what is there already is read. A line that a kill cut off is dropped.

    Raises:
        InputError: The folder cannot be written to, or holds something else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines = KeptLines(folder / "conversations.jsonl", Played)
        self.played = {(one.case, one.system): one for one in self._lines.found}

    def add(self, one: Played) -> None:
        """Keep a conversation."""
        self._lines.append(one)
        self.played[one.case, one.system] = one


async def run(
    systems: Sequence[System],
    cases: Sequence[Case],
    cast: Cast,
    catalogue: Catalogue,
    kept: Kept,
    *,
    turns: int = 5,
    at_once: int = 4,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Have the conversations that are not kept yet.

    Args:
        systems: To talk to.
        cases: Who talks.
        cast: Their seekers.
        catalogue: Of the data set.
        kept: Takes each conversation.
        turns: Of a system, in one conversation.
        at_once: Conversations side by side; one person talks to the systems one after the other.
        tell: Told how far it is.

    Raises:
        ModelUnavailable: The endpoint is down; what was said in whole conversations is kept.
    """
    done = 0

    async def one(case: Case) -> None:
        nonlocal done
        missing = [system for system in systems if (case.id, system.name) not in kept.played]
        for system in missing:
            seeker, leaks = cast(case)
            kept.add(await played(system, case, seeker, catalogue, leaks, turns))
        done += 1
        if missing and (done % 20 == 0 or done == len(cases)):
            tell(f"{done} of {len(cases)} conversations with each system")

    await together([partial(one, case) for case in cases], at_once=at_once)
