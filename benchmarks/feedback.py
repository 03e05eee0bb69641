"""Find out whether feedback makes the next lists better, and what each kind of it should count.

    python benchmarks/feedback.py [--half odd] [--users 400] [--json]

On MovieLens-100K, with the second half of each person's ratings hidden: four lists of ten are recommended, one a day, from EASE and item-kNN
as the agent has them before a model is asked. After each list the person answers by their hidden ratings: what they gave 4 or 5 they
accept, what they gave 3 or less they reject, and the rest of the list they were shown and passed over. Counted are the
different films that they gave 4 or 5, and those that they gave 3 or less, in the lists after the first. A last part lets them look at what they would accept, and do
no more, after one list of ten, and counts the other such films in the next.

The weights are chosen on people with even numbers (`--half even` prints the trials); `--half odd` reports the shipped ones on the rest.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from limner.agents.fusion import Vote, Weights, fuse
from limner.agents.history import Done, FeedbackWeights, History, feedback_votes
from limner.evals.resampling import paired_bootstrap_mean
from limner.memory.records import Event, EventKind
from limner.settings import Settings
from limner.tools import Catalogue, Recommender
from limner.tools.datasets import load_dataset
from limner.tools.recommenders import EASE, ItemKNN

LISTS = 4
K = 10
LEAST = 25
"""Hidden ratings that a person must have."""
LIKED = 4.0
START = datetime(2026, 1, 1, tzinfo=UTC)
NONE = FeedbackWeights(rejected=0.0, opened=0.0, shown=0.0)
Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Person:
    """Whose first half of ratings is known; the other by item id."""

    known: Sequence[str]
    hidden: Mapping[str, float]


@dataclass(frozen=True)
class World:
    """What is recommended from."""

    catalogue: Catalogue
    base: Recommender
    other: Recommender

    def listed(
        self, history: History, masked: set[str], weights: FeedbackWeights, now: datetime
    ) -> list[str]:
        """Return the list of a day."""
        taken = list(history.taken)
        barred = {*taken, *history.rejected, *masked}
        base = [s.item_id for s in self.base.recommend(taken, len(self.catalogue), exclude=barred)]
        other = [s.item_id for s in self.other.recommend(taken, 100, exclude=barred)]
        votes = [Vote(other, Weights().opinion)]
        if weights != NONE:
            votes += feedback_votes(history, self.base, set(base), now=now, weights=weights)
        return fuse(base, votes)[:K]

    def done(self, item_id: str, kind: EventKind, now: datetime) -> Done:
        """Return what was done on a day."""
        title = self.catalogue.get(item_id).title
        return Done(Event(kind=kind, item_id=item_id, title=title), f"{kind}/{item_id}/{now}", now)


def begun(world: World, person: Person) -> History:
    history = History()
    for item_id in person.known:
        history.add(item_id, world.done(item_id, "view", START))
    return history


def found(world: World, person: Person, weights: FeedbackWeights, *, learn: bool) -> tuple[int, int]:
    """Return how many films the person gave 4 or 5, and how many they gave 3 or less, are in the lists after the first.

    Without `learn` what was answered is masked only.
    """
    history, masked, rated = begun(world, person), set[str](), set[str]()
    for day in range(LISTS):
        now = START + timedelta(days=day)
        listed = world.listed(history, masked, weights, now)
        if day:
            rated |= {i for i in listed if i in person.hidden}
        for item_id in listed:
            rating = person.hidden.get(item_id)
            kind: EventKind = "shown" if rating is None else "accepted" if rating >= LIKED else "rejected"
            if rating is not None and not learn:
                masked.add(item_id)
            else:
                history.add(item_id, world.done(item_id, kind, now))
    liked = sum(person.hidden[i] >= LIKED for i in rated)
    return liked, len(rated) - liked


def after_a_look(world: World, person: Person, weights: FeedbackWeights) -> int:
    """Return how many other films the person likes are in the next list, once they looked at those of the first and no more."""
    history = begun(world, person)
    looked = {i for i in world.listed(history, set(), NONE, START) if person.hidden.get(i, 0.0) >= LIKED}
    for item_id in sorted(looked):
        history.add(item_id, world.done(item_id, "opened", START))
    # Left out of the list, so that what is counted is what they bring along.
    listed = world.listed(history, looked, weights, START)
    return sum(person.hidden.get(i, 0.0) >= LIKED for i in listed)


def people(seed_half: str, most: int) -> tuple[World, list[Person]]:
    data = load_dataset("ml-100k", Settings())
    table = data.interactions
    rows: dict[str, list[tuple[float, int, str, float]]] = {}
    columns = zip(table.user, table.item, table.value.tolist(), table.time.tolist(), table.rows, strict=True)
    for user, item, value, time, row in columns:
        rows.setdefault(user, []).append((time, row, item, value))
    chosen, hidden_rows = [], []
    for user, mine in sorted(rows.items(), key=lambda pair: int(pair[0])):
        mine.sort()
        n = len(mine) // 2
        hidden_rows += [row for _, row, _, _ in mine[-n:]]
        if n >= LEAST and (int(user) % 2 == 0) == (seed_half == "even"):
            chosen.append(Person([i for _, _, i, _ in mine[:-n]], {i: v for _, _, i, v in mine[-n:]}))
    training = table.without(hidden_rows)
    catalogue = data.catalogue
    return World(catalogue, EASE().fit(training, catalogue), ItemKNN().fit(training, catalogue)), chosen[
        :most
    ]


def row(
    name: str, counted: Sequence[Sequence[int]], against: Counts | None
) -> tuple[dict[str, object], Counts]:
    """Return the means of what was counted for each person, films liked and films disliked, and how they differ from another row's."""
    counts = np.asarray(counted, dtype=np.float64)
    told: dict[str, object] = {"row": name, "n": len(counts)}
    for place, what in enumerate(("liked", "disliked")[: counts.shape[1]]):
        told[what] = round(float(counts[:, place].mean()), 3)
        if against is not None:
            difference = paired_bootstrap_mean(counts[:, place] - against[:, place], seed=0)
            interval = [round(end, 3) for end in (difference.low, difference.high)]
            told[f"{what}, difference"] = [round(difference.value, 3), interval]
    return told, counts


def trials(world: World, chosen: Sequence[Person]) -> list[dict[str, object]]:
    """Return what each weight alone does to the same people."""
    rows = []
    reference, counts = row("accepted only", [found(world, p, NONE, learn=True) for p in chosen], None)
    rows.append(reference)
    tried = [replace(NONE, rejected=weight) for weight in (0.05, 0.1, 0.2, 0.3)]
    tried += [replace(NONE, shown=weight) for weight in (0.1, 0.2, 0.4)]
    for weights in tried:
        name = f"rejected {weights.rejected}" if weights.rejected else f"shown {weights.shown}"
        rows.append(row(name, [found(world, p, weights, learn=True) for p in chosen], counts)[0])
    looked, unused = row("looked at, unused", [[after_a_look(world, p, NONE)] for p in chosen], None)
    rows.append(looked)
    for weight in (0.05, 0.1, 0.2, 0.4):
        weights = replace(NONE, opened=weight)
        name = f"looked at {weight}"
        rows.append(row(name, [[after_a_look(world, p, weights)] for p in chosen], unused)[0])
    return rows


def report(world: World, chosen: Sequence[Person]) -> list[dict[str, object]]:
    """Return what each kind of feedback adds to those before it, with the weights that are shipped."""
    shipped = FeedbackWeights()
    steps = (
        ("what was answered is masked", NONE, False),
        ("and what was accepted is history", NONE, True),
        ("and what was rejected votes", replace(shipped, shown=0.0), True),
        ("and what was passed over makes room", shipped, True),
    )
    rows: list[dict[str, object]] = []
    counts: Counts | None = None
    for name, weights, learn in steps:
        told, counts = row(name, [found(world, p, weights, learn=learn) for p in chosen], counts)
        rows.append(told)
    told, unused = row("looked at, unused", [[after_a_look(world, p, NONE)] for p in chosen], None)
    rows += [told, row("looked at", [[after_a_look(world, p, shipped)] for p in chosen], unused)[0]]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=["even", "odd"], default="odd")
    parser.add_argument("--users", type=int, default=400, help="people, at most")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    world, chosen = people(options.half, options.users)
    rows = (trials if options.half == "even" else report)(world, chosen)
    for told in rows:
        print(json.dumps(told) if options.json else "  ".join(f"{k} {v}" for k, v in told.items()))


if __name__ == "__main__":
    main()
