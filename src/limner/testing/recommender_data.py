"""A small made catalogue and interactions with a structure that a recommender can find."""

import random

from limner.tools.catalogue import Catalogue, Item
from limner.tools.interactions import Interactions

__all__ = ["FILMS", "catalogue", "interactions"]

FILMS = [
    ("a1", "The Long Orbit (1979)", ("Sci-Fi", "Horror"), 1979.0),
    ("a2", "Second Orbit (1986)", ("Sci-Fi", "Action"), 1986.0),
    ("a3", "Red Dust (1990)", ("Sci-Fi",), 1990.0),
    ("a4", "Machines of Glass (1998)", ("Sci-Fi", "Thriller"), 1998.0),
    ("b1", "Tea at Four (1985)", ("Comedy",), 1985.0),
    ("b2", "Two Left Feet (1991)", ("Comedy", "Romance"), 1991.0),
    ("b3", "A Very Long Lunch (1994)", ("Comedy",), 1994.0),
    ("b4", "The Wrong Wedding (1997)", ("Comedy", "Romance"), 1997.0),
    ("c1", "Dead Water (1975)", ("Thriller",), 1975.0),
    ("c2", "The Ninth Witness (1995)", ("Thriller", "Drama"), 1995.0),
    ("c3", "Nobody's Daughter (1996)", ("Drama",), 1996.0),
    ("c4", "Unseen", ("Drama",), None),
]


def catalogue() -> Catalogue:
    """Twelve films; the last has no year, and nobody has taken it."""
    return Catalogue(
        Item(id=id, title=title, attributes={"genre": genres} | ({"year": year} if year else {}))
        for id, title, genres, year in FILMS
    )


def interactions(users: int = 60, seed: int = 7) -> Interactions:
    """Every user has one of three tastes, takes most of its films and one film besides."""
    rng = random.Random(seed)
    groups = [["a1", "a2", "a3", "a4"], ["b1", "b2", "b3", "b4"], ["c1", "c2", "c3"]]
    rows = []
    for user in range(users):
        own = groups[user % 3]
        taken = rng.sample(own, 3) + rng.sample(
            [item for group in groups if group is not own for item in group], 1
        )
        rng.shuffle(taken)
        rows += [
            (f"u{user}", item, float(rng.randint(1, 5)), float(place)) for place, item in enumerate(taken)
        ]
    return Interactions.from_rows(rows)
