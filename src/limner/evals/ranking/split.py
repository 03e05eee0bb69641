"""Leave-one-out in time: a user's last item is the test, the one before it the validation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from limner.errors import InputError
from limner.tools.datasets import Dataset
from limner.tools.interactions import Interactions

__all__ = ["Part", "Split", "leave_one_out", "parted"]

Part = Literal["test", "validation"]


@dataclass(frozen=True)
class Split:
    """A data set parted for next-item prediction."""

    training: Interactions
    histories: Mapping[str, tuple[str, ...]]
    """Training items of each user that is asked about, oldest first."""
    validation: Mapping[str, str]
    test: Mapping[str, str]
    left_out: tuple[str, ...] = ()
    """Users with fewer than three interactions: they are trained on and not asked about."""

    def questions(self, part: Part) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, str]]:
        """Return what a recommender is asked with and what it should find, by user.

        The test items are asked for with everything before them, the validation items with the training items alone.
        """
        if part == "validation":
            return self.histories, self.validation
        queries = {user: (*history, self.validation[user]) for user, history in self.histories.items()}
        return queries, self.test


def parted(dataset: Dataset) -> Split:
    """Part a data set; interactions with items that its catalogue does not have are left out first, as nobody could recommend those.

    Raises:
        InputError: No user has three interactions, which it takes.
    """
    split = leave_one_out(dataset.interactions.only_items(dataset.catalogue.ids))
    if not split.test:
        raise InputError(
            "No user has three interactions with items of the catalogue: there is nothing to hold out."
        )
    return split


def leave_one_out(interactions: Interactions) -> Split:
    """Part the interactions: each user's in order of time, ties in the order of the source."""
    histories: dict[str, tuple[str, ...]] = {}
    validation: dict[str, str] = {}
    test: dict[str, str] = {}
    held_out: list[int] = []
    left_out: list[str] = []
    for user in interactions.users:
        own = interactions.by_user(user)
        items = own.frame["item"].to_list()
        if len(items) < 3:
            left_out.append(user)
            continue
        histories[user] = tuple(items[:-2])
        validation[user], test[user] = items[-2], items[-1]
        held_out.extend(own.rows[-2:])
    return Split(interactions.without(held_out), histories, validation, test, tuple(left_out))
