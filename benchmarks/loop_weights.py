"""What the parts of the agent's loop are worth without a model: the figures of docs/decisions/0010.

    python benchmarks/loop_weights.py

The other recommender's list and what goes with an example are measured on the validation items of all users (fitted on training, asked with
training items); the portrait's conditions on the test items of 200 users of the half `dev`, whose portraits are drawn first.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import numpy as np

from limner.agents.fusion import Vote, fuse
from limner.agents.taste import Taste, tastes
from limner.evals.ranking.split import leave_one_out
from limner.evals.toolrec.cases import cases, drawn
from limner.evals.toolrec.portraits import Portraits
from limner.evals.toolrec.requests import requested
from limner.settings import Settings
from limner.tools import Filter, Recommender, load_dataset
from limner.tools.recommenders.discovery import recommender

_LIST = 100
_SEARCHED = 30
_VOTED = 2


def gain(order: Sequence[str], target: str) -> float:
    """NDCG@10 of one target."""
    place = list(order[:10]).index(target) if target in order[:10] else None
    return 0.0 if place is None else 1 / math.log2(2 + place)


def told(name: str, differences: list[float]) -> None:
    values = np.array(differences)
    print(
        f"{name}: {values.mean():+.4f}, standard error {values.std(ddof=1) / len(values) ** 0.5:.4f}, n {len(values)}"
    )


def listed(
    model: Recommender, history: Sequence[str], seen: Sequence[str], where: Filter | None, k: int
) -> list[str]:
    return [scored.item_id for scored in model.recommend(history, k, where, exclude=seen)]


def lists(data, split, base: Recommender, other: Recommender) -> None:
    whole = len(data.catalogue)
    found: dict[str, list[tuple]] = {"next": [], "request": [], "example": []}
    for user, history in split.histories.items():
        target = split.validation[user]
        values = data.interactions.by_user(user).frame["value"].to_list()[: len(history)]
        mean = sum(values) / len(values)
        liked = [item for item, value in zip(history, values, strict=True) if value > mean]
        request = requested(data.catalogue, user, target, liked, seed=1)
        for kind, where in (("next", None), ("request", request.where if request else None)):
            if kind == "next" or request is not None:
                lead = listed(base, history, history, where, whole)
                second = listed(other, history, history, where, _LIST)
                found[kind].append((lead, second, target))
        if request is not None and request.like is not None:
            near = listed(other, [request.like], history, request.where, _LIST)
            found["example"].append((lead, second, target, near))
    for kind in ("next", "request"):
        print(f"{kind}: base {np.mean([gain(lead, target) for lead, _, target in found[kind]]):.4f}")
        for weight in (0.2, 0.4, 0.7, 0.95, 1.5):
            gained = [
                gain(fuse(lead, [Vote(second, weight)]), target) - gain(lead, target)
                for lead, second, target in found[kind]
            ]
            told(f"  {other.name}'s list at {weight}", gained)
    for weight in (0.1, 0.3, 0.5, 0.8):
        gained = []
        for lead, second, target, near in found["example"]:
            before = [Vote(second, 0.4)]
            gained.append(
                gain(fuse(lead, [*before, Vote(near, weight)]), target) - gain(fuse(lead, before), target)
            )
        told(f"  what goes with the example, by {other.name}, at {weight}", gained)


def conditions(data, split, base: Recommender, portraits: Path) -> None:
    asked = cases(data, split, drawn(list(split.test), "dev", 200, 0), 0)
    kept = Portraits(portraits, replace(data, interactions=split.training), Settings())
    anyio.run(kept.draw, asked)
    known = {case.user: tastes(kept.of(case).propositions(), data.catalogue)[:_VOTED] for case in asked}
    kept.close()
    weights = [taste.weight for found in known.values() for taste in found]
    print("weight of a portrait line, quartiles:", np.percentile(weights, [25, 50, 75]).round(2).tolist())
    counted: dict[str, Callable[[Taste], float]] = {
        "by confidence": lambda taste: taste.weight,
        "alike": lambda _: 0.5,
    }
    for kind in ("next", "request"):
        for scale in (0.05, 0.1, 0.3):
            for name, weight in counted.items():
                gained = []
                for case in asked:
                    where = case.request.where if kind == "request" and case.request else None
                    lead = listed(base, case.history, case.history, where, len(data.catalogue))
                    votes = []
                    for taste in known[case.user]:
                        holds = data.catalogue.mask(taste.where)
                        fitting = [i for i in lead if holds[data.catalogue.position(i)]][:_SEARCHED]
                        votes.append(Vote(fitting, scale * weight(taste)))
                    gained.append(gain(fuse(lead, votes), case.target) - gain(lead, case.target))
                told(f"{kind}: the two surest lines searched at {scale}, {name}", gained)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portraits", type=Path, default=Path("toolrec-dev-portraits"))
    arguments = parser.parse_args()
    data = load_dataset("ml-100k", Settings())
    split = leave_one_out(data.interactions)
    base, other = (recommender(name).fit(split.training, data.catalogue) for name in ("markov_knn", "blend"))
    lists(data, split, base, other)
    conditions(data, split, base, arguments.portraits)


if __name__ == "__main__":
    main()
