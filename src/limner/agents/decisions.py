"""What the recommending agent can decide, as a union that constrained decoding can hold a small model to."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model

__all__ = ["Decision", "Finish", "Rank", "Search", "decision_schema"]

Reason = Annotated[str, Field(max_length=160)]


class Search(BaseModel):
    """Ask a recommender for items under a condition."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["search"]
    recommender: str
    where: str
    reason: Reason
    """Last, so that a model that writes the fields in this order gives the reason for what it chose."""


class Rank(BaseModel):
    """Order what was found by the portrait."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["rank"]
    reason: Reason


class Finish(BaseModel):
    """Stop: the list is good."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["finish"]
    reason: Reason


Decision = Search | Rank | Finish


def decision_schema(
    recommenders: Sequence[str], conditions: Sequence[str], *, may_rank: bool
) -> type[RootModel[Any]]:
    """Build the union of what can be decided now: only recommenders that exist and conditions that are open.

    Args:
        recommenders: Names.
        conditions: Filters in their text form; with none, there is nothing to search.
        may_rank: Whether ranking is still to be had.
    """
    kinds: list[Any] = [Finish]
    if may_rank:
        kinds.insert(0, Rank)
    if recommenders and conditions:
        recommender: Any = Literal[tuple(recommenders)]
        where: Any = Literal[tuple(conditions)]
        kinds.insert(
            0, create_model("Search", __base__=Search, recommender=(recommender, ...), where=(where, ...))
        )
    union: Any = kinds[0]
    for kind in kinds[1:]:
        union = union | kind
    return RootModel[union]
