"""How well conventional recommenders guess the next item: one protocol, one table."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.evals.ranking.evaluation import PROTOCOL, evaluate
    from limner.evals.ranking.metrics import hit_rate, ndcg, reciprocal_rank
    from limner.evals.ranking.selection import Trial, select_settings
    from limner.evals.ranking.split import Split, leave_one_out

__all__ = [
    "PROTOCOL",
    "Split",
    "Trial",
    "evaluate",
    "hit_rate",
    "leave_one_out",
    "ndcg",
    "reciprocal_rank",
    "select_settings",
]

_HOMES = {
    "PROTOCOL": "evaluation",
    "Split": "split",
    "Trial": "selection",
    "evaluate": "evaluation",
    "hit_rate": "metrics",
    "leave_one_out": "split",
    "ndcg": "metrics",
    "reciprocal_rank": "metrics",
    "select_settings": "selection",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
