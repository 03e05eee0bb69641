"""How far a population takes after the people that it was made from, on ratings that it was not made from (Agent4Rec, Zhang et al. 2024, §3).

Half of everybody's ratings, drawn at random, is held out; the population is made from the rest. What is the same for all users is learnt on half of the
users, and all figures are of the others.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.agents.simulators.calibration import calibrate
from limner.agents.simulators.habits import Habits, habits_of
from limner.agents.simulators.pages import Browsing, Manners
from limner.agents.simulators.population import Population
from limner.agents.simulators.ratings import Floats, Places, Ratings
from limner.errors import InputError
from limner.evals.resampling import bootstrap, bootstrap_mean, paired_bootstrap_mean
from limner.tools import Dataset

__all__ = ["NEGATIVES", "TRAITS", "validated"]

NEGATIVES = (1, 3, 9)
"""Items not taken for each that was."""
TRAITS = ("activity", "conformity", "diversity", "variety")
_ASKED = 20
"""Items that a user is asked about."""
_RESAMPLES = 1000
_MARKS = ("accuracy", "precision", "recall", "f1")
_NEAR = 5
"""Places in the order of popularity within which an item not taken is as popular as one that was."""


def validated(dataset: Dataset, *, manners: Manners | None = None, seed: int = 0) -> dict[str, Any]:
    """Return how a population of a data set compares with the people behind it, JSON-able.

    Args:
        dataset: With ratings.
        manners: How simulated users browse; the defaults if not given.
        seed: Of all draws.

    Returns:
        `users` (reported), `calibration`, and

        - `choice`: for items drawn at random (`random`) and for items that as many people took (`as popular`), for each ratio of `NEGATIVES`, and
          for the simulated users and for going by popularity alone: `accuracy`, `precision`, `recall` and `f1`, means over users with 95 %
          bootstrap intervals; `auc`, and with the simulated users `accuracy_diff` to popularity;
        - `ratings`: the shares of each rating, real and simulated on the same held-out pairs, their total variation `distance`, and `correlation`;
        - `traits`: Spearman's correlation over users between a trait in simulation and in the real held-out ratings, and as `ceiling` between that
          and the same trait in the person's other ratings.

    Raises:
        InputError: There are too few users or ratings.
    """
    ratings = Ratings.of(dataset.interactions, dataset.catalogue)
    drawn = np.random.default_rng([seed, 76]).permutation(len(ratings.users))
    known = np.zeros(len(ratings.users), dtype=np.bool_)
    known[drawn[: len(drawn) // 2]] = True
    held = ratings.half(seed)
    seen, hidden = ratings.where(~held), ratings.where(held)
    calibration = calibrate(dataset.catalogue, ratings, seed=seed, among=known)
    population = Population(dataset.catalogue, seen, calibration, seed=seed)
    there = np.bincount(hidden.user, minlength=len(ratings.users)) > 0
    reported = np.flatnonzero(~known & there)
    if len(reported) < 2:
        raise InputError("A validation needs at least four users with two ratings each.")
    browsing = Browsing(population, manners or Manners(), seed=seed)
    return {
        "users": len(reported),
        "calibration": {
            "weights": list(calibration.weights),
            "intercept": calibration.intercept,
            "noise": calibration.noise,
            "cuts": list(calibration.cuts),
        },
        "choice": _choices(population, ratings, hidden, np.flatnonzero(known & there), reported, seed),
        "ratings": _ratings(browsing, hidden, reported),
        "traits": _traits(browsing, ratings, hidden, reported, seed),
    }


# What they choose


def _choices(
    population: Population, ratings: Ratings, hidden: Ratings, known: Places, reported: Places, seed: int
) -> list[dict[str, Any]]:
    popularity = np.log1p(np.bincount(population.ratings.item, minlength=ratings.items))
    scores: dict[str, Callable[[int], Floats]] = {
        "simulated": lambda place: population.user(ratings.users[place]).interest,
        "popularity": lambda place: popularity,
    }
    found = []
    for kind in ("random", "as popular"):
        for ratio in NEGATIVES:
            own: dict[str, NDArray[np.float64]] = {}
            cases = _cases(ratings, hidden, reported, popularity, kind, ratio, seed)
            learnt = _cases(ratings, hidden, known, popularity, "random", 1, seed)
            for name, score in scores.items():
                cut = 0.0 if name == "simulated" else _best_cut(learnt, score)
                marks = [_marked(score(place)[items] > cut, n) for place, items, n in cases]
                own[name] = np.array(marks, dtype=np.float64).reshape(-1, len(_MARKS))
            for name, score in scores.items():
                aucs = np.array([_auc(score(place)[items], n) for place, items, n in cases])
                row: dict[str, Any] = {"negatives": kind, "ratio": f"1:{ratio}", "by": name, "n": len(cases)}
                for column, values in zip(_MARKS, own[name].T, strict=True):
                    row |= _stated(column, values, seed)
                row |= _stated("auc", aucs, seed)
                if name == "simulated" and len(cases) > 1:
                    told = paired_bootstrap_mean((own["simulated"] - own["popularity"])[:, 0], seed=seed)
                    row["accuracy_diff"] = round(told.value, 4)
                    row["accuracy_diff_ci"] = [round(told.low, 4), round(told.high, 4)]
                found.append(row)
    return found


def _cases(
    ratings: Ratings, hidden: Ratings, users: Places, popularity: Floats, kind: str, ratio: int, seed: int
) -> list[tuple[int, Places, int]]:
    """Return for each user who has enough hidden items: place, items asked about, those taken first, and how many of these."""
    rng = np.random.default_rng([seed, 77, ratio])
    wanted = _ASKED // (1 + ratio)
    found = []
    for place in users.tolist():
        own = hidden.of_user(place)[0]
        others = np.setdiff1d(np.arange(ratings.items), ratings.of_user(place)[0])
        if len(own) < wanted or len(others) < _ASKED:
            continue
        yes = rng.choice(own, wanted, replace=False)
        if kind == "random":
            no = rng.choice(others, wanted * ratio, replace=False)
        else:
            no = _as_popular(yes, others, popularity, ratio, rng)
        found.append((place, np.concatenate([yes, no]), wanted))
    return found


def _as_popular(
    yes: Places, others: Places, popularity: Floats, ratio: int, rng: np.random.Generator
) -> Places:
    """Return for each item taken as many that were not and that about as many people took, each once."""
    left = others[np.argsort(popularity[others], kind="stable")].tolist()
    found = []
    for item in np.repeat(yes, ratio):
        at = int(np.searchsorted(popularity[left], popularity[item])) + int(rng.integers(-_NEAR, _NEAR + 1))
        found.append(left.pop(min(max(at, 0), len(left) - 1)))
    return np.array(found, dtype=np.intp)


def _best_cut(cases: Sequence[tuple[int, Places, int]], score: Callable[[int], Floats]) -> float:
    """Return the score above which saying yes is right most often; infinity where nobody was asked."""
    if not cases:
        return float("inf")
    pairs = [(value, place < n) for user, items, n in cases for place, value in enumerate(score(user)[items])]
    values = np.array([value for value, _ in pairs])
    right = np.array([1.0 if yes else -1.0 for _, yes in pairs])
    order = np.argsort(-values, kind="stable")
    best = int(np.argmax(np.cumsum(right[order])))
    return float(np.nextafter(values[order][best], -np.inf))


def _marked(said: NDArray[np.bool_], n: int) -> tuple[float, float, float, float]:
    """Return accuracy, precision, recall and F1 where the first `n` should be said yes to."""
    hits, yes = int(said[:n].sum()), int(said.sum())
    right = hits + int((~said[n:]).sum())
    precision, recall = hits / yes if yes else 0.0, hits / n
    both = precision + recall
    return right / len(said), precision, recall, 2 * precision * recall / both if both else 0.0


def _auc(scores: Floats, n: int) -> float:
    ranks = _ranked(scores)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * (len(scores) - n)))


# How they rate


def _ratings(browsing: Browsing, hidden: Ratings, reported: Places) -> dict[str, Any]:
    real, simulated = [], []
    for place in reported.tolist():
        items, values = hidden.of_user(place)
        real.append(values)
        simulated.append(browsing.ratings(hidden.users[place], items))
    true, made = np.concatenate(real), np.concatenate(simulated)
    levels = np.array(browsing.population.calibration.levels)
    shares = [
        np.bincount(np.abs(one[:, None] - levels[None, :]).argmin(axis=1), minlength=len(levels)) / len(one)
        for one in (true, made)
    ]
    return {
        "n": len(true),
        "levels": levels.tolist(),
        "real": [round(float(one), 4) for one in shares[0]],
        "simulated": [round(float(one), 4) for one in shares[1]],
        "distance": round(float(np.abs(shares[0] - shares[1]).sum() / 2), 4),
        "correlation": round(float(np.corrcoef(true, made)[0, 1]), 4),
    }


# How they browse


def _traits(
    browsing: Browsing, ratings: Ratings, hidden: Ratings, reported: Places, seed: int
) -> dict[str, dict[str, Any]]:
    population, crowd = browsing.population, ratings.crowd()
    rows: list[tuple[Habits, Habits, Habits]] = []
    for place in reported.tolist():
        user = hidden.users[place]
        items, values = hidden.of_user(place)
        real = habits_of(items, values, crowd, population.attributes)
        watched = _watched(browsing, user, ratings.items, seed + place)
        rated = habits_of(items, browsing.ratings(user, items), crowd, population.attributes)
        made = habits_of(watched, np.zeros(len(watched)), crowd, population.attributes)
        simulated = Habits(made.activity, rated.conformity, made.diversity, made.variety)
        rows.append((simulated, real, population.habits[place]))
    found = {}
    for trait in TRAITS:
        of = [tuple(float(getattr(one, trait)) for one in row) for row in rows]
        found[trait] = _correlated("spearman", [(a, b) for a, b, _ in of], seed) | _correlated(
            "ceiling", [(c, b) for _, b, c in of], seed
        )
    return found


def _watched(browsing: Browsing, user: str, items: int, seed: int) -> Places:
    """Return what a user watches while the catalogue, without what they know, goes by once in random order, a visit's length at a time."""
    population = browsing.population
    known = population.ratings.of_user(population.users.index(user))[0]
    order = np.random.default_rng([seed, 78]).permutation(np.setdiff1d(np.arange(items), known))
    length = browsing.manners.page * browsing.manners.most_pages
    found: list[str] = []
    for number, start in enumerate(range(0, len(order), length)):
        listed = [population.catalogue.ids[place] for place in order[start : start + length]]
        found += [one.item_id for one in browsing.visit(user, listed, number).watched]
    return population.catalogue.positions(found)


def _correlated(name: str, pairs: list[tuple[float, float]], seed: int) -> dict[str, Any]:
    low, high = bootstrap(pairs, _spearman, resamples=_RESAMPLES, seed=seed)
    return {
        name: _rounded(_spearman(pairs)),
        f"{name}_ci": [_rounded(low), _rounded(high)],
    }


def _spearman(pairs: Sequence[tuple[float, float]]) -> float:
    first, second = (_ranked(np.array(column)) for column in zip(*pairs, strict=True))
    first, second = first - first.mean(), second - second.mean()
    spread = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / spread) if spread else float("nan")


def _ranked(values: Floats) -> Floats:
    """Return ranks from 1, equal values at the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(((last - counts + 1 + last) / 2)[place])


def _stated(name: str, values: Floats, seed: int) -> dict[str, Any]:
    low, high = bootstrap_mean(values, seed=seed)
    mean = float(values.mean()) if len(values) else float("nan")
    return {name: _rounded(mean), f"{name}_ci": [_rounded(low), _rounded(high)]}


def _rounded(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None
