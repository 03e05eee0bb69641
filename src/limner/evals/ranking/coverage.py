"""Catalogue coverage: is everybody recommended the same few items?"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["catalogue_coverage"]


def catalogue_coverage(lists: NDArray[np.intp], items: int) -> float:
    """Return the share of the catalogue that is in anybody's list (Ge, Delgado-Battenfeld and Jannach, RecSys 2010, §2.2).

    It belongs to these users together, more users cover more, so it has no interval: a bootstrap sample holds two thirds of the
    users and would cover less than all do.

    Args:
        lists: Places in the catalogue, shape `(users, k)`, -1 where a list has ended.
        items: Size of the catalogue.
    """
    listed = np.unique(lists)
    return float((listed >= 0).sum() / items) if items else 0.0
