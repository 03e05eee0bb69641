"""One order out of the base recommender's list, conditioned searches and the model's own ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Vote", "fuse"]

_SMOOTHING = 20
"""The constant of reciprocal rank fusion (Cormack et al. 2009 use 60 for lists of a thousand; these are of tens)."""


@dataclass(frozen=True)
class Vote:
    """A ranked list with a weight; the base list has weight 1."""

    item_ids: Sequence[str]
    weight: float
    """Below 0 it moves its items down."""
    because: str = ""
    """Whose list it is, in words that can be told."""
    call: int | None = None
    """Number of the call that put its items on the candidate bus, if one did."""


def fuse(base: Sequence[str], votes: Sequence[Vote]) -> list[str]:
    """Return the ids of `base` and of all votes, best first, by weighted reciprocal rank.

    The base list is the floor: with no votes its order comes out as it went in. Ties keep the base order.

    Args:
        base: All candidates of the base recommender, best first.
        votes: Other lists over the same items or new ones.
    """
    scores: dict[str, float] = {}
    for vote in (Vote(base, 1.0), *votes):
        for rank, item_id in enumerate(vote.item_ids):
            scores[item_id] = scores.get(item_id, 0.0) + vote.weight / (_SMOOTHING + rank)
    return _ranked(scores)


def _ranked(scores: Mapping[str, float]) -> list[str]:
    """Return the keys by falling score; equal ones keep their order."""
    return sorted(scores, key=lambda item_id: -scores[item_id])
