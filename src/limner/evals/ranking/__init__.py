"""How well conventional recommenders guess the next item: one protocol, one table, and the search for their settings."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.evals.ranking.coverage import catalogue_coverage
    from limner.evals.ranking.evaluation import PROTOCOL, PROTOCOLS, evaluate
    from limner.evals.ranking.keeping import Record
    from limner.evals.ranking.lists import held_out_ranks, lists_of
    from limner.evals.ranking.metrics import hit_rate, ndcg, reciprocal_rank
    from limner.evals.ranking.novelty import self_information, self_information_of_items
    from limner.evals.ranking.selection import Trial, grid_of, select_settings
    from limner.evals.ranking.split import Split, leave_one_out

_HOMES = {
    "PROTOCOL": "evaluation",
    "PROTOCOLS": "evaluation",
    "Record": "keeping",
    "Split": "split",
    "Trial": "selection",
    "catalogue_coverage": "coverage",
    "evaluate": "evaluation",
    "grid_of": "selection",
    "held_out_ranks": "lists",
    "hit_rate": "metrics",
    "leave_one_out": "split",
    "lists_of": "lists",
    "ndcg": "metrics",
    "reciprocal_rank": "metrics",
    "select_settings": "selection",
    "self_information": "novelty",
    "self_information_of_items": "novelty",
}
__all__ = [
    "PROTOCOL",
    "PROTOCOLS",
    "Record",
    "Split",
    "Trial",
    "catalogue_coverage",
    "evaluate",
    "grid_of",
    "held_out_ranks",
    "hit_rate",
    "leave_one_out",
    "lists_of",
    "ndcg",
    "reciprocal_rank",
    "select_settings",
    "self_information",
    "self_information_of_items",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
