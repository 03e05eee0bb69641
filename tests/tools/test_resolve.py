import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.recommender_data import catalogue
from limner.memory import Event, Observation, utc_now
from limner.tools import Catalogue, Item
from limner.tools.resolve import rating_in, resolved

FILMS = catalogue()


def seen(title, item_id=None, **fields):
    event = Event(kind="rating", item_id=item_id or title, title=title, value=4.0, scale=(1, 5), **fields)
    return Observation(user_id="ada", text=title, event=event, occurred_at=utc_now(), recorded_at=utc_now())


@pytest.mark.parametrize(
    ("text", "title", "value", "scale"),
    [
        ("Rated Alien (1979) 5/5", "Alien (1979)", 5, (1, 5)),
        ("rated Alien: 3.5 / 5 stars.", "Alien", 3.5, (1, 5)),
        ("  Rated Alien, 7 out of 10 ", "Alien", 7, (1, 10)),
        ("Rated 8 1/2 (1963) 4 of 5", "8 1/2 (1963)", 4, (1, 5)),
        ("Rated Alien 0/10", "Alien", 0, (0, 10)),
        ("Rated 300 4/5", "300", 4, (1, 5)),
    ],
)
def test_a_rating_that_is_written_out(text, title, value, scale):
    event = rating_in(text)
    assert (event.kind, event.title, event.item_id, event.value, event.scale) == (
        "rating",
        title,
        title,
        value,
        scale,
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I rated Alien 5/5",
        "Rated Alien 6/5",
        "Rated Alien",
        "Rated 5/5",
        "Rated Alien 5/5 and loved it",
        "Rated Alien\nThing 5/5 x",
        "Rated Alien 5/0",
        "Rated Alien 0/0",
        "Rated X " + "9" * 400 + "/" + "9" * 400,
    ],
)
def test_anything_else_is_none(text):
    assert rating_in(text) is None


def test_a_long_text_is_not_searched_for_a_rating():
    start = time.process_time()
    for text in ("rated x" + " " * 20_000 + "y", "rated " + "1 / " * 5_000, "rated " + "a, " * 7_000):
        assert rating_in(text) is None
    assert time.process_time() - start < 0.5


@given(
    st.text(max_size=200) | st.from_regex(r"rated .{1,30} \d{1,6}(\.\d{1,4})?\s*/\s*\d{1,6}", fullmatch=True)
)
def test_any_text_is_a_rating_on_its_own_scale_or_none(text):
    event = rating_in(text)
    assert event is None or event.scale[0] <= event.value <= event.scale[1]


@pytest.mark.parametrize("title", ["The Long Orbit (1979)", "Long Orbit, The (1979)", "Long Orbit, The"])
def test_an_article_may_stand_behind(title):
    event = resolved(seen(title), FILMS, "film").event
    assert event is not None
    assert event.item_id == "a1"


@pytest.mark.parametrize(
    "title", ["Red Dust (1990)", "red dust (1990)", "Red Dust", "RED  DUST!", "red dust, (1990)"]
)
def test_an_item_is_found_by_its_title(title):
    event = resolved(seen(title), FILMS, "film").event
    assert (event.item_id, event.item_type) == ("a3", "film")
    assert event.attributes == FILMS.get("a3").attributes
    assert event.title == title


@pytest.mark.parametrize("title", ["Red Dust (1991)", "Red Dus", "Dust", "Nothing Like It"])
def test_what_only_resembles_a_title_is_left_as_it_is(title):
    observation = seen(title)
    assert resolved(observation, FILMS) is observation


def test_by_id_and_what_the_event_says_itself_stays():
    event = resolved(
        seen("my words", "a3", item_type="book", attributes={"genre": ("Mine",)}), FILMS, "film"
    ).event
    assert (event.item_id, event.title, event.item_type) == ("a3", "my words", "book")
    assert event.attributes == {"genre": ("Mine",)}


def test_a_title_that_looks_like_an_id_is_a_title():
    """`Rated 300 4/5` is about the film of that name, not about the item with that number."""
    films = Catalogue([Item(id="300", title="Air Force One (1997)"), Item(id="7", title="300 (2006)")])
    assert resolved(seen("300"), films).event.item_id == "7"
    assert resolved(seen("Air Force One", "300"), films).event.item_id == "300"
    alone = Catalogue([Item(id="300", title="Air Force One (1997)")])
    assert resolved(seen("300"), alone).event.item_id == "300"


def test_a_title_of_two_items_is_none_of_them():
    films = Catalogue([Item(id="1", title="Sabrina (1954)"), Item(id="2", title="Sabrina (1995)")])
    observation = seen("Sabrina")
    assert resolved(observation, films) is observation
    assert resolved(seen("Sabrina (1995)"), films).event.item_id == "2"


def test_without_an_event_there_is_nothing_to_tie():
    observation = Observation(user_id="ada", text="Hi", occurred_at=utc_now(), recorded_at=utc_now())
    assert resolved(observation, FILMS) is observation
