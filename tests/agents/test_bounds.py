import pytest

from limner.agents.bounds import year_bounds


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("a film from before 1990", (None, 1989)),
        ("older than 1970, please", (None, 1969)),
        ("no later than 1990", (None, 1990)),
        ("1985 or earlier", (None, 1985)),
        ("after 1990", (1991, None)),
        ("newer than 1990", (1991, None)),
        ("thrillers not older than 1995", (1995, None)),
        ("nothing older than 1995", (1995, None)),
        ("from 1995 or later", (1995, None)),
        ("since 1980", (1980, None)),
        ("from 1980 on", (1980, None)),
        ("after 1970 and before 1980", (1971, 1979)),
        ("between 1990 and 1980", (1980, 1990)),
        ("from 1980 to 1985", (1980, 1985)),
        ("from the 1990s", (1990, 1999)),
        ("the 80's", (1980, 1989)),
        ("eighties or nineties", (1980, 1999)),
        ("from the 2000s", (2000, 2009)),
    ],
)
def test_bounds_that_words_state(text, bounds):
    assert year_bounds(text) == bounds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a comedy",
        "2 hours at most",
        "from 1985",
        "before the 80s",
        "not the nineties",
        "like 1984",
        "route 66s",
        "before 1980 or after 1990",
    ],
)
def test_what_is_not_plain_is_left_to_the_model(text):
    assert year_bounds(text) is None
