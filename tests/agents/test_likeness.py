import pytest

from limner.agents.likeness import likeness


@pytest.mark.parametrize(
    ("text", "ids", "rest"),
    [
        ("a thriller like The Long Orbit (1979)", ("a1",), "a thriller"),
        ("something similar to Red Dust, please", ("a3",), "something, please"),
        ('a comedy in the way of "Tea at Four"', ("b1",), "a comedy"),
        ("like Second Orbit (1986) but funnier", ("a2",), "but funnier"),
        ("nothing like Red Dust", (), "nothing like Red Dust"),
        ("not another one like Red Dust", (), "not another one like Red Dust"),
        ("I saw Red Dust", (), "I saw Red Dust"),
        ("I saw Red Dust, now one like Red Dustbin", (), "I saw Red Dust, now one like Red Dustbin"),
        ("I like comedies", (), "I like comedies"),
        ("like some film of the 80s", (), "like some film of the 80s"),
    ],
)
def test_examples_of_a_wish(films, text, ids, rest):
    found = likeness(text, films)
    assert (found.item_ids, found.rest) == (ids, rest)


def test_several_examples(films):
    found = likeness("something like Red Dust (1990) or like Dead Water (1975)", films)
    assert set(found.item_ids) == {"a3", "c1"}
