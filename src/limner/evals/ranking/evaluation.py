"""The table of recommenders: fit each, ask it about every user, and report with intervals."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.errors import NotFound
from limner.evals.ranking.keeping import Record, data_version, provenance
from limner.evals.ranking.lists import held_out_ranks
from limner.evals.ranking.measuring import Measured, measure
from limner.evals.ranking.metrics import hit_rate, ndcg, reciprocal_rank
from limner.evals.ranking.split import Part, Split, parted
from limner.evals.statistics import bootstrap_mean, paired_bootstrap_mean, standard_error
from limner.plugins import FAULTS
from limner.tools.datasets import Dataset
from limner.tools.names import nearest
from limner.tools.recommenders.discovery import available, recommender_class

__all__ = ["PROTOCOL", "PROTOCOLS", "evaluate", "held_out_ranks"]

_ORDER = (
    "Leave one out in time, ties in file order: test = each user's last item, validation = the one before, training = "
    "the rest. Settings chosen on validation. "
)
_RANKED = "which are masked; every other item of the catalogue is ranked; a failure scores 0."
PROTOCOLS: Mapping[Part, str] = {
    "test": f"{_ORDER}Fitted on training; asked with training + validation items, {_RANKED}",
    "validation": f"{_ORDER}Here the validation item is looked for: fitted on training; asked with training items, {_RANKED}",
}
PROTOCOL = PROTOCOLS["test"]

Values = NDArray[np.float64]
Metric = Callable[[Values, int], Values]
_METRICS: Mapping[str, Metric] = {"hr": hit_rate, "ndcg": ndcg, "mrr": reciprocal_rank}


def evaluate(
    dataset: Dataset,
    names: Sequence[str],
    *,
    settings: Mapping[str, Mapping[str, object]] | None = None,
    k: int = 10,
    seed: int = 0,
    split: Part = "test",
    against: str | None = None,
    record: Record | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Return one row of metrics for each recommender, under one of `PROTOCOLS`.

    A recommender that cannot be built, fitted or asked has a row that says why in `failed`, and the others go on.

    Args:
        dataset: What to train on and to ask about.
        names: Registered recommenders (`available()`).
        settings: Constructor arguments by name, where the defaults shall not do.
        k: Length of the lists.
        seed: Of the models and of the bootstrap.
        split: Which of a user's last items is looked for.
        against: A recommender that all others are compared with, user by user; it gets a row too.
        record: Where measurements are kept; what is in it and still holds is not measured again.
        progress: Called with a name before each model is fitted.

    Returns:
        JSON-able: `protocol`, `dataset`, `data` (hash), `version`, `users`, `left_out` (users with less), `items`, `k`, `seed`, `split`, `against` and `rows`. A
        row has `name`, `settings`, `failed` (none where all is well) and

        - `hr@10`, `ndcg@10`, `mrr@10`, `novelty@10` (bits), each also with `_se` (standard error of the mean) and `_ci` (95 % bootstrap
          interval over users) behind, and `coverage@10`;
        - `failures` (lists) and `problems` (why);
        - `fit_s`, `fit_peak_mb` (memory while fitting, beyond what was held before), `query_ms` (one list, asked for alone), `batch_ms` (one
          list among many, none where it was not asked so) and `model_mb` (arrays of the fitted model);
        - with `against`, for `hr`, `ndcg` and `mrr` the mean difference `_diff`, its interval `_diff_ci` and `_diff_p` (`paired_bootstrap_mean`).

    Raises:
        InputError: No user has three interactions, which the protocol needs.
        NotFound: A name is not registered.
    """
    from limner import __version__

    names = list(dict.fromkeys([*([against] if against else []), *names]))
    for name in names:
        _registered(name)
    data = parted(dataset)
    found = []
    for name in names:
        if progress is not None:
            progress(name)
        wanted = {"seed": seed, **(settings or {}).get(name, {})}
        found.append(_kept_or_measured(dataset, name, wanted, data, split, k, record))
    return {
        "protocol": PROTOCOLS[split],
        "dataset": dataset.name,
        "data": data_version(dataset),
        "version": __version__,
        "users": len(data.test),
        "left_out": len(data.left_out),
        "items": len(dataset.catalogue),
        "k": k,
        "seed": seed,
        "split": split,
        "against": against,
        "rows": [_row(one, found[0] if against else None, k, seed) for one in found],
    }


def _registered(name: str) -> None:
    if name not in available():
        offered = ", ".join(nearest(name, available()) or available())
        raise NotFound(f"There is no recommender called {name!r}; there are: {offered}.")


def _kept_or_measured(
    dataset: Dataset,
    name: str,
    settings: Mapping[str, object],
    data: Split,
    split: Part,
    k: int,
    record: Record | None,
) -> Measured:
    if record is None:
        return measure(name, settings, dataset.catalogue, data, split, k)
    try:
        kind = recommender_class(name)
    except FAULTS:
        return measure(name, settings, dataset.catalogue, data, split, k)
    key: dict[str, object] = {"asked": {"name": name, "split": split, **settings}}
    key |= provenance(dataset, kind, k=k)
    kept = record.find(key)
    if kept is not None:
        return Measured.from_entry(kept)
    found = measure(name, settings, dataset.catalogue, data, split, k)
    if not found.failed:
        record.add(key | found.as_entry())
    return found


def _row(one: Measured, base: Measured | None, k: int, seed: int) -> dict[str, Any]:
    row: dict[str, Any] = {"name": one.name, "failed": one.failed or None, "settings": dict(one.settings)}
    if one.failed:
        return row
    ranks = np.asarray(one.ranks)
    for metric, function in _METRICS.items():
        row |= _stated(f"{metric}@{k}", function(ranks, k), seed)
    row[f"coverage@{k}"] = round(one.coverage, 4)
    novelty = np.asarray(one.novelty)
    row |= _stated(f"novelty@{k}", novelty[np.isfinite(novelty)], seed)
    row |= {"failures": one.failures, "problems": list(one.problems)}
    for cost in ("fit_s", "fit_peak_mb", "query_ms", "batch_ms", "model_mb"):
        value = getattr(one, cost)
        row[cost] = None if value is None else round(value, 3)
    if base is not None and not base.failed and base is not one:
        for metric, function in _METRICS.items():
            row |= _compared(f"{metric}@{k}", function(ranks, k) - function(np.asarray(base.ranks), k), seed)
    return row


def _stated(name: str, values: Values, seed: int) -> dict[str, Any]:
    return {
        name: _rounded(float(values.mean())),
        f"{name}_se": _rounded(standard_error(values)),
        f"{name}_ci": [_rounded(end) for end in bootstrap_mean(values, seed=seed)],
    }


def _compared(name: str, differences: Values, seed: int) -> dict[str, Any]:
    found = paired_bootstrap_mean(differences, seed=seed)
    return {
        f"{name}_diff": _rounded(found.value),
        f"{name}_diff_ci": [_rounded(found.low), _rounded(found.high)],
        f"{name}_diff_p": _rounded(found.p),
    }


def _rounded(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
