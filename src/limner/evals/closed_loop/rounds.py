"""One closed loop: recommend, let everybody browse, fit again on what they watched too, and so on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from limner.agents.fusion import fuse
from limner.agents.history import Done, FeedbackWeights, History, feedback_votes
from limner.agents.simulators.pages import Browsing, Manners, Visit
from limner.agents.simulators.population import Population
from limner.errors import LimnerError
from limner.evals.closed_loop.arms import Arm
from limner.evals.closed_loop.measures import Yardstick, measured
from limner.evals.ranking.lists import lists_of
from limner.evals.ranking.novelty import self_information_of_items
from limner.memory.records import Event
from limner.tools import Dataset, Interactions
from limner.tools.recommenders.protocol import Recommender

__all__ = ["Loop", "Start", "looped"]

_POOL = 6
"""Items that may take the place of what was passed over, as a multiple of those that a visit shows."""
_DAY = 86_400.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Start:
    """What the recommenders are given before the first round: the earlier half of everybody's ratings."""

    interactions: Interactions
    yardstick: Yardstick

    @classmethod
    def of(cls, dataset: Dataset, population: Population) -> "Start":
        """Part a data set in time; what is in the later half is what users are known by, and no recommender is."""
        earlier: list[tuple[str, str, float, float]] = []
        later: dict[str, frozenset[str]] = {}
        known = dataset.interactions.only_items(dataset.catalogue.ids)
        for user in population.users:
            own = known.by_user(user).frame.unique("item", keep="last", maintain_order=True)
            rows = list(own.select("user", "item", "value", "time").iter_rows())
            cut = (len(rows) + 1) // 2
            earlier += rows[:cut]
            later[user] = frozenset(row[1] for row in rows[cut:])
        start = Interactions.from_rows(earlier)
        yardstick = Yardstick(
            items=len(dataset.catalogue),
            bits=self_information_of_items(start, dataset.catalogue),
            attributes=population.attributes,
            usual={user: population.user(user).usual for user in population.users},
            later=later,
        )
        return cls(start, yardstick)


@dataclass(frozen=True)
class Loop:
    """What one run of an arm is."""

    arm: Arm
    users: tuple[str, ...]
    """Who browses; the others stay as they are."""
    rounds: int
    seed: int
    manners: Manners = field(default_factory=Manners)
    weights: FeedbackWeights = field(default_factory=FeedbackWeights)


def looped(
    loop: Loop, dataset: Dataset, population: Population, start: Start
) -> list[dict[str, float | None]]:
    """Run the rounds of one arm; return the figures of each (`measures.ABOUT`).

    A round is a day: the recommender is fitted on everything so far, each user gets a list of as many items as a visit can show, and what they watch is
    an interaction from then on, with its rating. With `room`, what was shown and not watched is counted as an agent counts it.

    Raises:
        LimnerError: Every list of a round failed.
    """
    browsing = Browsing(population, loop.manners, seed=loop.seed)
    catalogue = dataset.catalogue
    places = {item_id: place for place, item_id in enumerate(catalogue.ids)}
    interactions = start.interactions
    taken = interactions.histories()
    histories = {user: list(taken[user]) for user in loop.users}
    passed = {user: History() for user in loop.users}
    begin = float(interactions.time.max())
    length = loop.manners.page * loop.manners.most_pages
    model = loop.arm.built(loop.seed).fit(interactions, catalogue)
    found = []
    for number in range(loop.rounds):
        now = begin + _DAY * (number + 1)
        if number and not loop.arm.frozen:
            model = loop.arm.built(loop.seed).fit(interactions, catalogue)
        lists = _lists(loop, model, histories, passed, length, now)
        visits = [
            browsing.visit(user, [catalogue.ids[place] for place in own if place >= 0], number)
            for user, own in zip(loop.users, lists, strict=True)
        ]
        found.append(measured(lists[:, : loop.manners.page], visits, places, start.yardstick))
        rows: list[tuple[str, str, float, float]] = []
        for visit in visits:
            if loop.arm.room:
                _remember(visit, passed[visit.user], now)
            histories[visit.user] += [one.item_id for one in visit.watched]
            rows += [
                (visit.user, one.item_id, one.rating, now + place) for place, one in enumerate(visit.watched)
            ]
        if rows:
            new = Interactions.from_rows(rows).frame
            interactions = Interactions(pl.concat([interactions.frame, new]))
    return found


def _lists(
    loop: Loop,
    model: Recommender,
    histories: dict[str, list[str]],
    passed: dict[str, History],
    length: int,
    now: float,
) -> NDArray[np.intp]:
    """Return what each user is recommended, as places, shape `(users, length)`, -1 where a list has ended."""
    catalogue = model.catalogue
    wanted = min(length * (_POOL if loop.arm.room else 1), len(catalogue))
    listed = lists_of(model, [histories[user] for user in loop.users], wanted)
    if listed.failures == len(loop.users):
        raise LimnerError(f"{loop.arm.name}: every list failed: {listed.reasons[0]}")
    if not loop.arm.room:
        return listed.items
    found = np.full((len(loop.users), length), -1, dtype=np.intp)
    for row, (user, own) in enumerate(zip(loop.users, listed.items, strict=True)):
        base = [catalogue.ids[place] for place in own if place >= 0]
        votes = feedback_votes(passed[user], model, set(base), now=_moment(now), weights=loop.weights)
        ordered = catalogue.positions(fuse(base, votes)[:length])
        found[row, : len(ordered)] = ordered
    return found


def _remember(visit: Visit, history: History, now: float) -> None:
    watched: Sequence[str] = [one.item_id for one in visit.watched]
    at = _moment(now)
    for item_id in watched:
        history.add(item_id, Done(Event(kind="accepted", item_id=item_id, title=item_id), "", at))
    for item_id in visit.shown:
        history.add(item_id, Done(Event(kind="shown", item_id=item_id, title=item_id), "", at))


def _moment(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)
