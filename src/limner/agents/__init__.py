"""The loops that decide: the recommending agent and the companion."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.agents.budget import Budget
    from limner.agents.companion import Answer, Companion
    from limner.agents.recommendations import AgentStep, Recommendation, Recommendations
    from limner.agents.recommender import RecommendingAgent

__all__ = [
    "AgentStep",
    "Answer",
    "Budget",
    "Companion",
    "Recommendation",
    "Recommendations",
    "RecommendingAgent",
]

_HOMES = {
    "AgentStep": "recommendations",
    "Answer": "companion",
    "Budget": "budget",
    "Companion": "companion",
    "Recommendation": "recommendations",
    "Recommendations": "recommendations",
    "RecommendingAgent": "recommender",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
