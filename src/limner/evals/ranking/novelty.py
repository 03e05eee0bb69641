"""Novelty: how little known is what is recommended?"""

import numpy as np
from numpy.typing import NDArray

from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions

__all__ = ["self_information", "self_information_of_items"]


def self_information(lists: NDArray[np.intp], of_items: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean self-information of each list, in bits, shape `(users,)`; NaN for an empty one.

    Zhou, Kuscsik, Liu, Medo, Wakeling and Zhang, "Solving the apparent diversity-accuracy dilemma of recommender systems" (PNAS 2010),
    there called surprisal; Vargas and Castells (RecSys 2011, §4.1) call it popularity-based item novelty. More is less known, not better.

    Args:
        lists: Places in the catalogue, shape `(users, k)`, -1 where a list has ended.
        of_items: See `self_information_of_items`.
    """
    there = lists >= 0
    bits = np.where(there, of_items[np.where(there, lists, 0)], 0.0).sum(axis=1)
    lengths = there.sum(axis=1)
    return np.where(lengths > 0, bits / np.maximum(lengths, 1), np.nan)


def self_information_of_items(training: Interactions, catalogue: Catalogue) -> NDArray[np.float64]:
    """Return `-log2` of the share of training users who took an item, for each item of the catalogue.

    An item that nobody took counts as though one user had, so that no list is infinitely novel.
    """
    users = len(training.users)
    taken = training.frame.select("user", "item").unique()["item"].to_list()
    counts = np.bincount(catalogue.positions(taken), minlength=len(catalogue))
    return np.asarray(np.log2(max(users, 1) / np.maximum(counts, 1)), dtype=np.float64)
