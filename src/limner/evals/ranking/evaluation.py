"""The table of recommenders: fit each, ask it about every user, and report with intervals."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError, LimnerError
from limner.evals.ranking.metrics import hit_rate, ndcg, reciprocal_rank
from limner.evals.ranking.split import Split, leave_one_out
from limner.evals.statistics import bootstrap_mean, standard_error
from limner.tools.catalogue import Catalogue
from limner.tools.datasets import Dataset
from limner.tools.recommenders.discovery import recommender
from limner.tools.recommenders.protocol import Recommender

__all__ = ["PROTOCOL", "evaluate", "held_out_ranks"]

PROTOCOL = (
    "Leave one out in time, ties in file order: test = each user's last item, validation = the one before, training = "
    "the rest. Settings chosen on validation. Fitted on training; asked with training + validation items, which are "
    "masked; every other item of the catalogue is ranked; a failure scores 0."
)

Metric = Callable[[NDArray[np.float64], int], NDArray[np.float64]]
_METRICS: Mapping[str, Metric] = {"hr": hit_rate, "ndcg": ndcg, "mrr": reciprocal_rank}


def evaluate(
    dataset: Dataset,
    names: Sequence[str],
    *,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    k: int = 10,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Return one row of metrics for each recommender, under `PROTOCOL`.

    Args:
        dataset: What to train on and to ask about.
        names: Registered recommenders (`available()`).
        settings: Constructor arguments by name, where the defaults shall not do.
        k: Length of the lists.
        seed: Of the models and of the bootstrap.
        progress: Called with a name before each model is fitted.

    Returns:
        JSON-able: `protocol`, `dataset`, `users`, `k` and `rows`. A row has `name`, `hr@10`, `ndcg@10`, `mrr@10`, each also
        with `_se` (standard error of the mean) and `_ci` (95 % bootstrap interval over users) behind, `failures`,
        `fit_s`, `query_ms` (for one list, the mean) and `settings`.

    Raises:
        InputError: No user has three interactions, which the protocol needs.
        NotFound: A name is not registered.
    """
    split = leave_one_out(dataset.interactions)
    if not split.test:
        raise InputError("No user has three interactions: there is nothing to hold out.")
    rows = []
    for name in names:
        if progress is not None:
            progress(name)
        model = recommender(name, **{"seed": seed, **(settings or {}).get(name, {})})
        rows.append(_row(model, dataset.catalogue, split, k, seed))
    return {"protocol": PROTOCOL, "dataset": dataset.name, "users": len(split.test), "k": k, "rows": rows}


def _row(model: Recommender, catalogue: Catalogue, split: Split, k: int, seed: int) -> dict[str, Any]:
    started = time.perf_counter()
    model.fit(split.training, catalogue)
    fitted = time.perf_counter()
    queries = {user: (*history, split.validation[user]) for user, history in split.histories.items()}
    ranks, failures = held_out_ranks(model, queries, split.test, k)
    asked = time.perf_counter()
    row: dict[str, Any] = {"name": model.name}
    for metric, function in _METRICS.items():
        values = function(ranks, k)
        row[f"{metric}@{k}"] = round(float(values.mean()), 4)
        error = standard_error(values)
        row[f"{metric}@{k}_se"] = None if math.isnan(error) else round(error, 4)
        row[f"{metric}@{k}_ci"] = [round(end, 4) for end in bootstrap_mean(values, seed=seed)]
    row["failures"] = failures
    row["fit_s"] = round(fitted - started, 2)
    row["query_ms"] = round((asked - fitted) / len(queries) * 1000, 2)
    row["settings"] = getattr(model, "settings", {})
    return row


def held_out_ranks(
    model: Recommender, queries: Mapping[str, Sequence[str]], targets: Mapping[str, str], k: int
) -> tuple[NDArray[np.float64], int]:
    """Return each user's rank of the held-out item among the first `k`, infinity where it is not there, and the number of failures.

    A failure is an error of limner's or a list with fewer than `k` items where the catalogue has as many left.
    """
    ranks = np.full(len(targets), np.inf)
    failures = 0
    for place, (user, target) in enumerate(targets.items()):
        query = queries[user]
        try:
            listed = [scored.item_id for scored in model.recommend(query, k)]
        except LimnerError:
            failures += 1
            continue
        if len(listed) < min(k, len(model.catalogue) - len(set(query))):
            failures += 1
        if target in listed:
            ranks[place] = listed.index(target) + 1
    return ranks, failures
