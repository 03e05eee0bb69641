"""One order out of the base recommender's list, conditioned searches and the model's own ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Vote", "Weights", "fuse"]

_SMOOTHING = 20
"""The constant of reciprocal rank fusion (Cormack et al. 2009 use 60 for lists of a thousand; these are of tens)."""


@dataclass(frozen=True)
class Weights:
    """What the parts of the loop count against the base list's 1; see docs/decisions/0010-what-the-loop-decides-and-counts.md."""

    opinion: float = 0.4
    """The other recommenders' own lists, all of them together."""
    like: float = 0.5
    """What goes with an item that the wish names as an example."""
    search: float = 0.1
    """A conditioned search, at full confidence in what speaks for the condition."""
    rank: float = 0.0
    """The model's own ranking of the best; at 0 it is not asked for one."""


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
    evidence: tuple[str, ...] = ()
    """Ids of the observations that it comes from, where it comes from what the user did."""

    def gain(self, item_id: str) -> float:
        """Return what it adds to an item's score in `fuse`."""
        if item_id not in self.item_ids:
            return 0.0
        return self.weight / (_SMOOTHING + self.item_ids.index(item_id))


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
