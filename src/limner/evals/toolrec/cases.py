"""Who is asked about, what is known of them by then, and what they took next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from limner.errors import InputError
from limner.evals.ranking.split import Split
from limner.evals.toolrec.requests import Request, requested
from limner.memory.records import Event
from limner.tools import Dataset

__all__ = ["Case", "Half", "cases", "drawn"]

Half = Literal["dev", "report"]
"""Two disjoint parts of the users: one to change the loop on, one to report on."""


@dataclass(frozen=True)
class Case:
    """One user, up to their last item."""

    user: str
    history: tuple[str, ...]
    """Training and validation items, oldest first."""
    events: tuple[tuple[float, Event], ...]
    """The same as rated items, each with its time in seconds since 1970."""
    target: str
    request: Request | None
    """In words, with conditions that hold for the target; none where its attributes give none."""


def drawn(users: Sequence[str], half: Half, n: int | None, seed: int) -> list[str]:
    """Return `n` users of one half, or all of it; a larger `n` adds users to those of a smaller one.

    Raises:
        InputError: There is no such half, or it has fewer users.
    """
    if half not in get_args(Half):
        raise InputError(f"The halves are {' and '.join(get_args(Half))}; not {half!r}.")
    order = np.random.default_rng(seed).permutation(len(users))
    own = [users[place] for place in order[get_args(Half).index(half) :: 2]]
    if n is not None and n > len(own):
        raise InputError(f"The half {half} has {len(own)} users; {n} cannot be drawn from it.")
    return own[:n]


def cases(dataset: Dataset, split: Split, users: Sequence[str], seed: int) -> list[Case]:
    """Return what each user is asked about, in the order given.

    Args:
        dataset: For what the items are like, and for ratings.
        split: Leave-one-out in time.
        users: Of the split.
        seed: Of the requests; each user's depends on the seed and on their id alone.
    """
    return [_case(dataset, split, user, seed) for user in users]


def _case(dataset: Dataset, split: Split, user: str, seed: int) -> Case:
    frame = dataset.interactions.by_user(user).frame
    items, values, times = (frame[name].to_list() for name in ("item", "value", "time"))
    history = (*split.histories[user], split.validation[user])
    events = tuple(
        (float(when), _event(dataset, item, float(value)))
        for item, value, when in zip(items[:-1], values[:-1], times[:-1], strict=True)
    )
    liked = _liked(events)
    target = split.test[user]
    return Case(user, history, events, target, requested(dataset.catalogue, user, target, liked, seed))


def _event(dataset: Dataset, item_id: str, value: float) -> Event:
    item = dataset.catalogue.get(item_id)
    return Event(
        kind="rating",
        item_id=item_id,
        title=item.title,
        item_type=dataset.item_type,
        value=value,
        scale=(1.0, 5.0),
        attributes=item.attributes,
    )


def _liked(events: Sequence[tuple[float, Event]]) -> list[str]:
    """Return the items that the user rated above their own mean."""
    ratings = [event.value or 0.0 for _, event in events]
    mean = sum(ratings) / len(ratings)
    return [event.item_id for _, event in events if (event.value or 0.0) > mean]
