import pytest

from limner.agents.titles import titles_in

TITLES = [
    "Casablanca (1942)",
    "Alien (1979)",
    "Alien Resurrection (1997)",
    "It (1990)",
    "Up",
    "300 (2006)",
    "Sabrina (1995)",
    "Sabrina (1954)",
    "Heat (1995)",
    "C.R.A.Z.Y. (2005)",
    "(1999)",
]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Watch Casablanca tonight.", ["Casablanca (1942)"]),
        ("Watch Casablanca (1942).", ["Casablanca (1942)"]),
        ("Watch **Casablanca**!", ["Casablanca (1942)"]),
        ("Casablancas are cities.", []),
        ("Theatre and Heathers, NewHeat.", []),
        ("It is what you like. Italy. Up you go, for 300 minutes.", []),
        ("It's fun, but don't sit Up.", []),
        ('"It" or It (1990), “Up”, *300*', ["It (1990)", "300 (2006)", "Up"]),
        ("Alien Resurrection is good.", ["Alien Resurrection (1997)"]),
        ("Alien or Alien Resurrection.", ["Alien Resurrection (1997)", "Alien (1979)"]),
        ("Sabrina is good.", ["Sabrina (1995)"]),
        ("Sabrina (1954) is good.", ["Sabrina (1954)"]),
        ("See C.R.A.Z.Y. now", ["C.R.A.Z.Y. (2005)"]),
        ("", []),
    ],
)
def test_titles_are_named_as_whole_words(text, named):
    assert sorted(titles_in(text, TITLES)) == sorted(named)


def test_the_longest_comes_first():
    assert titles_in("Alien, Alien Resurrection", TITLES)[0] == "Alien Resurrection (1997)"
