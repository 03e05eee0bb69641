"""One conversation: a seeker who never names what they are looking for, and a system that has so many turns to show it.

Protocol: Wang et al. 2023, "Rethinking the Evaluation for Conversational Recommendation in the Era of Large Language Models" (iEvaLM),
§4, with their limit of five turns.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from limner.agents.simulators.seeker import Said, Seeker
from limner.errors import LimnerError, ModelUnavailable
from limner.evals.conversation.cases import Case
from limner.evals.conversation.systems import Replied, System, Talk
from limner.evals.toolrec.rows import Cost
from limner.inference.ledger import Meter, measured
from limner.memory.records import Record
from limner.tools import Catalogue

__all__ = ["Exchange", "LeakCheck", "Played", "played"]

Side = Literal["system", "seeker"]
LeakCheck = Callable[[str], str | None]
"""Returns the words of a text that give a target away; none where nothing does."""


class Exchange(Record):
    """A turn of the seeker and the reply to it."""

    said: str
    reply: str = ""
    shown: tuple[str, ...] = ()
    """Ids, best first."""
    asked: str | None = None
    """The attribute that was asked about."""
    understood: tuple[str, ...] = ()
    """What the system took the turn for."""
    seconds: float = 0.0
    """Until the reply was there."""


class Played(Record):
    """One conversation, whole."""

    case: str
    person: str
    system: str
    targets: tuple[str, ...]
    exchanges: tuple[Exchange, ...]
    last: str = ""
    """What the seeker said to the last reply; the system does not hear it."""
    turn: int | None = None
    """In which turn of the system a target was shown, from 1; none where none was."""
    rank: int | None = None
    """Its place in what that turn showed, from 1."""
    taken: str | None = None
    """Id of what the seeker accepted, whether it was a target or not."""
    gave_up: bool = False
    leak: str | None = None
    """Words of the seeker that gave a target away: the conversation is void."""
    failed: str | None = None
    """Why it ended early."""
    repeated: int = 0
    """Items shown that had been shown before."""
    outside: int = 0
    """Items shown that the catalogue does not have."""
    known: int = 0
    """Items shown that the system knew to be known."""
    cost: Cost = Cost()
    """Of the system."""
    seeker_cost: Cost = Cost()

    @property
    def counts(self) -> bool:
        """Whether it says anything about the system."""
        return self.leak is None


class _Game:
    """What has happened so far."""

    def __init__(self, case: Case, catalogue: Catalogue) -> None:
        self.case = case
        self.exchanges: list[Exchange] = []
        self.last = Said("")
        self.leak: str | None = None
        self.turn: int | None = None
        self.rank: int | None = None
        self.repeated = self.outside = self.known = 0
        self._meters: dict[Side, list[Meter]] = {"system": [], "seeker": []}
        self._seconds: dict[Side, float] = {"system": 0.0, "seeker": 0.0}
        self._catalogue = catalogue
        self._history = set(case.history)
        self._shown: set[str] = set()

    @contextmanager
    def metered(self, side: Side) -> Iterator[None]:
        """Book what is done inside on one of the two."""
        started = time.perf_counter()
        with measured() as meter:
            try:
                yield
            finally:
                self._meters[side].append(meter)
                self._seconds[side] += time.perf_counter() - started

    def cost(self, side: Side) -> Cost:
        """Return what one of the two has cost so far."""
        totals = [meter.total() for meter in self._meters[side]]
        return Cost(
            calls=sum(one.calls for one in totals),
            prompt_tokens=sum(one.prompt_tokens for one in totals),
            cached_tokens=sum(one.cached_tokens for one in totals),
            output_tokens=sum(one.output_tokens for one in totals),
            seconds=round(self._seconds[side], 4),
        )

    def replied(self, text: str, heard: Replied, seconds: float) -> None:
        """Take in a reply, and count what it shows."""
        shown = tuple(item.id for item in heard.items)
        for item_id in shown:
            self.repeated += item_id in self._shown
            self.outside += item_id not in self._catalogue
            self.known += item_id in self._history
            self._shown.add(item_id)
        asked = heard.question.attribute if heard.question is not None else None
        self.exchanges.append(
            Exchange(
                said=text,
                reply=heard.text,
                shown=shown,
                asked=asked,
                understood=heard.understood,
                seconds=round(seconds, 4),
            )
        )
        self.rank = next((rank for rank, i in enumerate(shown, 1) if i in self.case.targets), None)
        self.turn = len(self.exchanges) if self.rank is not None else None


async def played(
    system: System, case: Case, seeker: Seeker, catalogue: Catalogue, leaks: LeakCheck, turns: int = 5
) -> Played:
    """Have one conversation; it ends when a target is shown, when the seeker goes, or after so many turns of the system.

    Args:
        system: Is talked to.
        case: What it knows beforehand, and the targets, which it is not told.
        seeker: Talks; new for each conversation.
        catalogue: Of the data set.
        leaks: Looks at every turn of the seeker before the system gets it.
        turns: Of the system.

    Raises:
        ModelUnavailable: The endpoint is down, which says nothing about anybody.
    """
    game, failed = _Game(case, catalogue), None
    talk: Talk | None = None
    try:
        with game.metered("system"):
            talk = await system.begin(case)
        await _talked(talk, game, seeker, leaks, turns)
    except ModelUnavailable:
        raise
    except LimnerError as error:
        failed = f"{type(error).__name__}: {error}"
    except BaseException as error:
        error.add_note(f"In conversation {case.id} with {system.name}.")
        raise
    finally:
        if talk is not None:
            await talk.close()
    return Played(
        case=case.id,
        person=case.person,
        system=system.name,
        targets=case.targets,
        exchanges=tuple(game.exchanges),
        last=game.last.text,
        turn=game.turn,
        rank=game.rank,
        taken=game.last.accepted,
        gave_up=game.last.gave_up,
        leak=game.leak,
        failed=failed,
        repeated=game.repeated,
        outside=game.outside,
        known=game.known,
        cost=game.cost("system"),
        seeker_cost=game.cost("seeker"),
    )


async def _talked(talk: Talk, game: _Game, seeker: Seeker, leaks: LeakCheck, turns: int) -> None:
    with game.metered("seeker"):
        said = await seeker.open()
    while True:
        game.last = said
        over = game.turn is not None or len(game.exchanges) == turns
        if over or said.gave_up or said.accepted is not None:
            return
        game.leak = leaks(said.text)
        if game.leak is not None:
            return
        started = time.perf_counter()
        with game.metered("system"):
            heard = await talk.say(said.text)
        game.replied(said.text, heard, time.perf_counter() - started)
        with game.metered("seeker"):
            said = await seeker.answer(heard)
