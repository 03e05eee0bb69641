"""Numbers with a unit: conditions where the catalogue has such a number, and else words that are told to be unchecked."""

import pytest

from limner.agents.conversation.reading import Reader, Scene
from limner.tools import Catalogue, Item

FILMS = Catalogue(
    Item(
        id=str(n), title=f"Film {n} ({1980 + n})", attributes={"runtime": 80.0 + 20 * n, "genre": ("Drama",)}
    )
    for n in range(5)
)
BARE = Catalogue([Item(id="1", title="Alien (1979)", attributes={"genre": ("Horror",)})])


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("under two hours", "runtime < 120"),
        ("a drama, less than 100 minutes please", "runtime < 100"),
        ("not longer than 1 hour and a half", "runtime <= 90"),
        ("at least 90 minutes", "runtime >= 90"),
        ("90 minutes or less", "runtime <= 90"),
    ],
)
def test_lengths(text, where):
    found = {act.where for act in Reader(FILMS, "film").read(text).acts if act.kind == "wanted"}
    assert where in found


def test_a_number_that_the_catalogue_lacks_stays_words():
    acts = Reader(BARE, "film").read("something under two hours").acts
    assert [(act.kind, act.quote) for act in acts] == [("words", "something under two hours")]


@pytest.mark.parametrize(
    "text", ["I watched two films", "it took 3 hours", "more than that", "over and over"]
)
def test_other_numbers_are_no_conditions(text):
    assert not any(act.kind == "wanted" for act in Reader(FILMS, "film").read(text, Scene(shown=("1",))).acts)
