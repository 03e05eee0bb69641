"""Catalogue, interactions and conventional recommenders, and all of them as tools for a language model."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.tools.attributes import Attribute
    from limner.tools.bus import Call, Candidate, CandidateBus
    from limner.tools.catalogue import Catalogue, Item
    from limner.tools.datasets import Dataset, load_dataset
    from limner.tools.filters import Condition, Filter
    from limner.tools.interactions import Columns, Interactions
    from limner.tools.recommenders import Recommender, Scored, available, recommender
    from limner.tools.toolset import toolbox

__all__ = [
    "Attribute",
    "Call",
    "Candidate",
    "CandidateBus",
    "Catalogue",
    "Columns",
    "Condition",
    "Dataset",
    "Filter",
    "Interactions",
    "Item",
    "Recommender",
    "Scored",
    "available",
    "load_dataset",
    "recommender",
    "toolbox",
]

_HOMES = {
    "Attribute": "attributes",
    "Call": "bus",
    "Candidate": "bus",
    "CandidateBus": "bus",
    "Catalogue": "catalogue",
    "Columns": "interactions",
    "Condition": "filters",
    "Dataset": "datasets",
    "Filter": "filters",
    "Interactions": "interactions",
    "Item": "catalogue",
    "Recommender": "recommenders",
    "Scored": "recommenders",
    "available": "recommenders",
    "load_dataset": "datasets",
    "recommender": "recommenders",
    "toolbox": "toolset",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
