"""What a user has done with the items of a catalogue, and what that does to a list of recommendations.

Of each item the last word counts. What was taken (rated, bought, viewed, accepted, seen) is what the recommenders are asked with, and is not
recommended again; what was turned down is never recommended again either. The rest are votes on the base list, each with a weight and
the words that say why, so that it can be told: what is near an item that was turned down loses, what is near one that was only looked at gains,
and what was shown several times without being looked at makes room for a while. See `docs/feedback.md` for the weights.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from limner.agents.fusion import Vote
from limner.memory.records import Event
from limner.memory.user import UserMemory
from limner.profiles.propositions.findings import attribute_keys
from limner.tools import Catalogue, Filter, Recommender
from limner.tools.resolve import resolved

__all__ = [
    "Done",
    "FeedbackWeights",
    "History",
    "feedback_votes",
    "history_of",
    "passed_over",
]

_NAMED = 10
"""Items turned down, and items looked at, that are gone by: the newest."""
_LEAST_ALIKE = 0.5


@dataclass(frozen=True)
class FeedbackWeights:
    """What feedback counts for against the base list's 1."""

    rejected: float = 0.2
    """Of the list of what is near one item that was turned down; counted against it."""
    opened: float = 0.2
    """Of the list of what is near one item that was looked at."""
    near: int = 30
    """Length of these lists."""
    shown: float = 0.2
    """Of each showing after the first that nothing came of; counted against the item."""
    most_shown: float = 3.0
    """Showings after the first that count, at most."""
    half_life: timedelta = timedelta(days=7)
    """After which a showing counts half."""


@dataclass(frozen=True)
class Done:
    """What a user did with an item, and the observation that says so."""

    event: Event
    observation_id: str
    at: datetime


@dataclass
class History:
    """What a user has done with the items of a catalogue, by item id; the oldest first."""

    taken: dict[str, Done] = field(default_factory=dict)
    """What they had, with the rating where there is one. What they only say they know already comes before the rest, where a model that goes by
    what is newest hardly counts it."""
    rejected: dict[str, Done] = field(default_factory=dict)
    opened: dict[str, Done] = field(default_factory=dict)
    """What they looked at, and neither took nor turned down."""
    shown: dict[str, list[Done]] = field(default_factory=dict)
    """What was shown to them, each time, and nothing came of it."""

    @property
    def events(self) -> dict[str, Event]:
        """What they had, by item id."""
        return {item_id: done.event for item_id, done in self.taken.items()}

    def add(self, item_id: str, done: Done) -> None:
        """Take in what was done next."""
        kind = done.event.kind
        if kind == "shown":
            if item_id not in self.taken and item_id not in self.rejected:
                self.shown.setdefault(item_id, []).append(done)
            return
        self.shown.pop(item_id, None)
        if kind == "opened":
            if item_id not in self.taken and item_id not in self.rejected:
                self.opened.pop(item_id, None)
                self.opened[item_id] = done
            return
        self.opened.pop(item_id, None)
        before = self.taken.get(item_id)
        if kind == "rejected":
            self.taken.pop(item_id, None)
            self.rejected[item_id] = done
            return
        self.rejected.pop(item_id, None)
        if kind == "seen" and before is not None:
            return
        self.taken.pop(item_id, None)
        # Who takes up again what they have rated has said already what they make of it.
        again = kind == "accepted" and before is not None and before.event.value is not None
        self.taken[item_id] = before if again and before is not None else done


def history_of(user: UserMemory, catalogue: Catalogue, item_type: str = "item") -> History:
    """Return what a user has done with a catalogue's items; what an assistant said is nothing that they did.

    Args:
        user: Whose observations are read.
        catalogue: Whose items count.
        item_type: What a person calls one of them, such as `film`: a book of the same id or title is another thing. `item` takes
            whatever there is.
    """
    history = History()
    for observation in user.observations():
        event = resolved(observation, catalogue, item_type).event
        if event is None or observation.author == "assistant":
            continue
        if event.item_type == item_type or "item" in (event.item_type, item_type):
            history.add(event.item_id, Done(event, observation.id, observation.occurred_at))
    weak = {item_id: done for item_id, done in history.taken.items() if done.event.kind == "seen"}
    history.taken = {**weak, **{i: done for i, done in history.taken.items() if i not in weak}}
    return history


def feedback_votes(
    history: History,
    base: Recommender,
    among: Collection[str],
    *,
    now: datetime,
    where: Filter | None = None,
    weights: FeedbackWeights = FeedbackWeights(),
) -> list[Vote]:
    """Return what a user's feedback says for and against the items of the base recommender's list.

    Args:
        history: Of the user.
        base: Says what is near an item; where it cannot say what its scores come from, items with the same attributes are near.
        among: The items of its list; no vote names another.
        now: To count the age of a showing from.
        where: The condition that these items satisfy.
        weights: What each kind of feedback counts.
    """
    votes = []
    signed = (
        (history.rejected, -weights.rejected, "turned down"),
        (history.opened, weights.opened, "looked at"),
    )
    for told, weight, what in signed:
        for item_id, done in list(told.items())[-_NAMED:] if weight else ():
            if item_id in base.catalogue and (near := _near(item_id, base, among, where, weights.near)):
                because = f"being near {base.catalogue.get(item_id).title}, which you {what}"
                votes.append(Vote(near, weight, because, evidence=(done.observation_id,)))
    for item_id, showings in history.shown.items():
        weight = passed_over([done.at for done in showings], now, weights)
        if weight > 0 and item_id in among:
            evidence = tuple(done.observation_id for done in showings)
            because = f"having been shown to you {len(showings)} times before"
            votes.append(Vote([item_id], -weight, because, evidence=evidence))
    return votes


def passed_over(shown: Sequence[datetime], now: datetime, weights: FeedbackWeights) -> float:
    """Return what counts against an item that was shown at these times and never looked at: nothing the first time, and less each day."""
    counted = sum(float(0.5 ** (max(now - at, timedelta(0)) / weights.half_life)) for at in shown)
    return weights.shown * min(max(counted - 1.0, 0.0), weights.most_shown)


def _near(item_id: str, base: Recommender, among: Collection[str], where: Filter | None, n: int) -> list[str]:
    """Return what the base recommender gives somebody who had this item alone, as far as that comes from the item."""
    listed = [scored.item_id for scored in base.recommend([item_id], n, where) if scored.item_id in among]
    linked = [other for other in listed if base.explain([item_id], other, 1)]
    return linked or _alike(item_id, base.catalogue, among)[:n]


def _alike(item_id: str, catalogue: Catalogue, among: Collection[str]) -> list[str]:
    """Return the items that share at least half of their attribute values with this one, most alike first."""
    mine = frozenset(attribute_keys(catalogue.get(item_id).attributes))
    shares = {}
    for other in catalogue.ids:
        if other not in among or other == item_id:
            continue
        theirs = frozenset(attribute_keys(catalogue.get(other).attributes))
        shares[other] = len(mine & theirs) / max(1, len(mine | theirs))
    alike = [other for other, share in shares.items() if share >= _LEAST_ALIKE]
    return sorted(alike, key=lambda other: -shares[other])
