"""Conventional recommenders behind one protocol, one file per model."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.tools.recommenders.ada_retrieval import AdaRetrieval
    from limner.tools.recommenders.als import ALS
    from limner.tools.recommenders.base import BaseRecommender
    from limner.tools.recommenders.blend import Blend
    from limner.tools.recommenders.discovery import (
        available,
        load_recommender,
        recommender,
        recommender_class,
    )
    from limner.tools.recommenders.ease import EASE
    from limner.tools.recommenders.item_knn import ItemKNN
    from limner.tools.recommenders.knn_embed import KNNEmbed
    from limner.tools.recommenders.markov_knn import MarkovKNN
    from limner.tools.recommenders.popularity import Popularity
    from limner.tools.recommenders.protocol import Contribution, Recommender, Scored
    from limner.tools.recommenders.sasrec import SASRec
    from limner.tools.recommenders.sasrec_attribute import SASRecAttribute

__all__ = [
    "ALS",
    "EASE",
    "AdaRetrieval",
    "BaseRecommender",
    "Blend",
    "Contribution",
    "ItemKNN",
    "KNNEmbed",
    "MarkovKNN",
    "Popularity",
    "Recommender",
    "SASRec",
    "SASRecAttribute",
    "Scored",
    "available",
    "load_recommender",
    "recommender",
    "recommender_class",
]

_HOMES = {
    "ALS": "als",
    "AdaRetrieval": "ada_retrieval",
    "BaseRecommender": "base",
    "Blend": "blend",
    "Contribution": "protocol",
    "EASE": "ease",
    "ItemKNN": "item_knn",
    "KNNEmbed": "knn_embed",
    "MarkovKNN": "markov_knn",
    "Popularity": "popularity",
    "Recommender": "protocol",
    "SASRec": "sasrec",
    "SASRecAttribute": "sasrec_attribute",
    "Scored": "protocol",
    "available": "discovery",
    "load_recommender": "discovery",
    "recommender": "discovery",
    "recommender_class": "discovery",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
