"""Choosing a recommender's settings on the validation items, never on the test items."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from limner.evals.ranking.evaluation import held_out_ranks
from limner.evals.ranking.metrics import hit_rate, ndcg
from limner.evals.ranking.split import leave_one_out
from limner.tools.datasets import Dataset
from limner.tools.recommenders.discovery import recommender

__all__ = ["Trial", "select_settings"]


@dataclass(frozen=True)
class Trial:
    """One combination of settings and what it reached on the validation items."""

    settings: Mapping[str, object]
    ndcg: float
    hit_rate: float


def select_settings(
    dataset: Dataset, name: str, grid: Mapping[str, Sequence[object]], *, k: int = 10, seed: int = 0
) -> list[Trial]:
    """Try every combination of a grid: fit on training, ask with training items, look for the validation item.

    Returns:
        Every trial, the best by NDCG first; equal ones in the order of the grid. The test items are not looked at,
        and are masked nowhere, as a user of the day before could not have known them.
    """
    split = leave_one_out(dataset.interactions)
    trials = []
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values, strict=True))
        model = recommender(name, **{"seed": seed, **settings}).fit(split.training, dataset.catalogue)
        ranks, _ = held_out_ranks(model, split.histories, split.validation, k)
        trials.append(Trial(settings, float(ndcg(ranks, k).mean()), float(hit_rate(ranks, k).mean())))
    return sorted(trials, key=lambda trial: -trial.ndcg)
