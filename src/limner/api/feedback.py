"""What the user makes of recommendations; a part of `User`."""

import hashlib
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, get_args

from limner.agents.recommendations import Recommendation, Recommendations
from limner.api.rights import UserRights
from limner.errors import ConfigurationError, InputError, NotFound
from limner.memory.records import Author, Event, EventKind, NewObservation, Observation
from limner.tools import Catalogue, Dataset, Item
from limner.tools.names import same

__all__ = ["FEEDBACK_SOURCE", "FeedbackKind", "UserFeedback"]

FEEDBACK_SOURCE = "feedback"
"""Source of the observations that feedback becomes."""

FeedbackKind = Literal["shown", "opened", "accepted", "rejected", "seen", "rated"]
"""What became of an item: it was before the user's eyes, they looked closer, took it, turned it down, know it already, or say how they like it."""

_SAID: dict[FeedbackKind, str] = {
    "shown": "{title} was recommended to the user.",
    "opened": "The user looked at the recommended {title}.",
    "accepted": "I took up the recommendation of {title}.",
    "rejected": "I turned down the recommendation of {title}.",
    "seen": "I know {title} already.",
}
_WORDS: dict[FeedbackKind, str] = {
    "accepted": "I took up {title}: {reason}",
    "rejected": "I turned down {title}: {reason}",
    "seen": "About {title}: {reason}",
    "rated": "About {title}: {reason}",
}
_USUAL_SCALE = (1.0, 5.0)


class UserFeedback(UserRights):
    """The part of the door to one user by which they say what they make of recommendations."""

    def feedback(
        self,
        item: str | Item | Recommendation,
        kind: FeedbackKind,
        *,
        rating: float | None = None,
        reason: str | None = None,
        occurred_at: datetime | None = None,
        key: str | None = None,
        session: str | None = None,
    ) -> list[Observation]:
        """Store what became of a recommended item; the next list goes by it, and no model is asked.

        Saying the same again is saying it once, unless something else was said of the item between. To take it back, forget the observation.

        Args:
            item: A recommendation, an item, its id or its title.
            kind: What became of it (`FeedbackKind`).
            rating: With `rated`: on the data set's own scale, or 1 to 5 where it has none.
            reason: Why, in the user's words; an observation of its own, which reflection reads.
            occurred_at: When, with a time zone; none means now.
            key: Idempotency key in place of the one made here.
            session: The conversation that it was said in, by any name.

        Returns:
            The observations as stored: the feedback, then its reason if there is one.

        Raises:
            ConfigurationError: There is no data set.
            NotFound: It has no such item; the message offers the nearest titles.
            InputError: The title is that of several items, the kind is none, the rating is missing or off the scale, or a reason does not go
                with the kind; nothing was stored.
            RecordingRefused: Recording is paused, or consent was withdrawn; nothing was stored.
        """
        dataset = self._dataset()
        found = _named(item, dataset.catalogue)
        event = _event(found, kind, rating, dataset)
        if key is None and kind != "shown":
            key = self._key(event)
        text = _SAID.get(kind, "").format(title=found.title)
        if event.value is not None and event.scale is not None:
            text = f"Rated {found.title} {event.value:g}/{event.scale[1]:g}"
        new = [NewObservation(text, FEEDBACK_SOURCE, _author(kind), occurred_at, key, event, None, session)]
        if reason is not None:
            new.append(_words(found, kind, reason, occurred_at, key, session))
        return self.memory.observe_many(new)

    def feedback_shown(
        self,
        recommendations: Recommendations | Iterable[Recommendation | Item],
        *,
        occurred_at: datetime | None = None,
        key: str | None = None,
        session: str | None = None,
    ) -> list[Observation]:
        """Store that recommendations were before the user's eyes, in one transaction; the same list twice is once.

        Args:
            recommendations: A list as it was recommended, or those of it that were shown.
            occurred_at: When, with a time zone; none means now.
            key: Idempotency key of the list, in place of its own.
            session: The conversation that they were shown in, by any name.

        Raises:
            ConfigurationError: There is no data set.
            NotFound: It does not have one of the items.
            RecordingRefused: Recording is paused, or consent was withdrawn; nothing was stored.
        """
        dataset = self._dataset()
        if key is None and isinstance(recommendations, Recommendations):
            key = f"{FEEDBACK_SOURCE}/shown/{recommendations.id}"
        new = []
        for recommendation in recommendations:
            item = _named(recommendation, dataset.catalogue)
            event = _event(item, "shown", None, dataset)
            own = None if key is None else f"{key}/{_digest(item.id)}"
            text = _SAID["shown"].format(title=item.title)
            new.append(
                NewObservation(text, FEEDBACK_SOURCE, "application", occurred_at, own, event, None, session)
            )
        return self.memory.observe_many(new)

    def _dataset(self) -> Dataset:
        if self._limner.world is None:
            raise ConfigurationError(
                "There is nothing to give feedback on: set LIMNER_DATASET, or open with dataset=…."
            )
        return self._limner.world.dataset

    def _key(self, event: Event) -> str:
        """Return a key that is the same until something else is said of the item."""
        before = "first"
        for observation in self.memory.observations():
            other = observation.event
            if other is None or other.kind == "shown" or observation.author == "assistant":
                continue
            # What was said elsewhere may name the item by its title alone.
            if other.item_id != event.item_id and not same(other.title, [event.title]):
                continue
            if (other.kind, other.value) != (event.kind, event.value):
                before = observation.id
        value = "" if event.value is None else f"{event.value:g}"
        return f"{FEEDBACK_SOURCE}/{event.kind}{value}/{_digest(event.item_id)}/{before}"


def _author(kind: FeedbackKind) -> Author:
    return "application" if kind in ("shown", "opened") else "user"


def _event(item: Item, kind: FeedbackKind, rating: float | None, dataset: Dataset) -> Event:
    if kind not in get_args(FeedbackKind):
        raise InputError(f"Feedback is one of {', '.join(get_args(FeedbackKind))}; not {kind!r}.")
    if (rating is None) == (kind == "rated"):
        raise InputError("A rating goes with `rated`, and `rated` with a rating.")
    scale = _scale(dataset) if rating is not None else None
    if rating is not None and scale is not None and not scale[0] <= rating <= scale[1]:
        raise InputError(f"A rating is between {scale[0]:g} and {scale[1]:g}; not {rating:g}.")
    done: EventKind = "rating" if kind == "rated" else kind
    return Event(
        kind=done,
        item_id=item.id,
        title=item.title,
        item_type=dataset.item_type,
        value=rating,
        scale=scale,
        attributes=item.attributes,
    )


def _scale(dataset: Dataset) -> tuple[float, float]:
    values = dataset.interactions.value
    low, high = (float(values.min()), float(values.max())) if len(values) else (math.nan, math.nan)
    return (low, high) if low < high else _USUAL_SCALE


def _words(
    item: Item,
    kind: FeedbackKind,
    reason: str,
    occurred_at: datetime | None,
    key: str | None,
    session: str | None,
) -> NewObservation:
    if kind not in _WORDS:
        raise InputError(f"What was only {kind} has no reason in the user's words.")
    if not reason.strip():
        raise InputError("The reason is empty; leave it out where there is none.")
    text = _WORDS[kind].format(title=item.title, reason=reason.strip())
    own = None if key is None else f"{key}/{_digest(reason)}"
    return NewObservation(text, FEEDBACK_SOURCE, "user", occurred_at, own, None, None, session)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _named(item: str | Item | Recommendation, catalogue: Catalogue) -> Item:
    """Return the item of the catalogue that is meant.

    Raises:
        NotFound: There is none; the message offers the nearest titles.
        InputError: There are several.
    """
    if isinstance(item, Recommendation):
        return catalogue.get(item.item.id)
    if isinstance(item, Item):
        return catalogue.get(item.id)
    found = catalogue.find(item)
    titled = [one for one in found if same(item, [one.title])]
    titled = [one for one in titled if one.title == item] or titled
    if item in catalogue:
        by_id = catalogue.get(item)
        if any(one.title != by_id.title for one in titled):
            raise InputError(
                f"{item!r} is the id of {by_id.title} and the title of another item; give the Item."
            )
        return by_id
    if not titled:
        near = f" The nearest: {'; '.join(one.title for one in found[:3])}." if found else ""
        raise NotFound(f"The catalogue has no item {item!r}, neither as an id nor as a title.{near}")
    if len({one.title for one in titled}) > 1:
        raise InputError(
            f"{item!r} may be any of {'; '.join(one.title for one in titled)}; give the whole title."
        )
    return titled[0]
