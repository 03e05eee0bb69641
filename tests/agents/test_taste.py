import pytest

from limner.agents.taste import fits, mean_rating, tastes
from limner.memory import Event, Proposition
from limner.profiles.propositions.findings import Topic
from limner.tools import Item


def held(topic, confidence=9.0):
    return Proposition(user_id="ada", text="t", confidence=confidence, durability=5, topic=topic, group="g")


@pytest.mark.parametrize(
    ("topic", "where"),
    [
        ("rating/+/genre/Comedy", "genre in {Comedy}"),
        ("rating/-/genre/Comedy", "genre not in {Comedy}"),
        ("share/+/genre/Sci-Fi", "genre in {Sci-Fi}"),
        ("rating/+/decade/1980s", "year between 1980 1989"),
        ("rating/-/decade/1990s", "year < 1990"),
    ],
)
def test_a_finding_becomes_a_condition(films, topic, where):
    (taste,) = tastes([held(topic)], films)
    assert str(taste.where) == where
    assert taste.liked == ("+" in topic)


def test_a_disliked_decade_leaves_the_later_ones_in(films):
    (taste,) = tastes([held("rating/-/decade/1980s")], films)
    kept = set(films.select(taste.where))
    assert {"b2", "c2", "a1"} <= kept
    assert not {"a2", "b1"} & kept


@pytest.mark.parametrize("topic", [None, "rating/+/actor/Someone", "rating/+/genre/Western"])
def test_what_the_catalogue_cannot_check_offers_none(films, topic):
    assert tastes([held(topic)], films) == []


def test_the_surest_comes_first_and_even_odds_weigh_nothing(films):
    found = tastes([held("rating/+/genre/Comedy", 5.0), held("rating/-/genre/Horror", 10.0)], films)
    assert [t.weight for t in found] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("genre/Horror", True),
        ("genre/Comedy", False),
        ("decade/1970s", True),
        ("decade/1980s", False),
        ("x/y", False),
    ],
)
def test_whether_an_item_fits(films, topic, expected):
    assert fits(films.get("a1"), Topic.parse(f"rating/+/{topic}")) is expected
    assert not fits(Item(id="bare"), Topic.parse(f"rating/+/{topic}"))


def test_the_mean_is_of_ratings_alone_each_on_its_own_scale():
    view = Event(kind="view", item_id="1", title="1")
    assert mean_rating([view]) is None
    best_of_five = view.model_copy(update={"value": 5.0, "scale": (1.0, 5.0)})
    middling_of_ten = view.model_copy(update={"value": 5.5, "scale": (1.0, 10.0)})
    assert mean_rating([view, best_of_five, middling_of_ten]) == 0.75
