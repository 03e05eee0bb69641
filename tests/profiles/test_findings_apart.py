"""What must not be compared, and what must not be given up."""

from datetime import UTC, datetime

import pytest

from limner.memory import Event, Observation
from limner.profiles.propositions.findings import find, is_year
from limner.profiles.propositions.review import review
from limner.testing import scripted_model

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def rated(title, value, genre, *, scale=(1.0, 5.0), item_type="film"):
    event = Event(
        kind="rating",
        item_id=title,
        title=title,
        item_type=item_type,
        value=value,
        scale=scale,
        attributes={"genre": (genre,)} if genre else {},
    )
    return Observation(
        user_id="ada", text=f"{title} {value:g}", event=event, occurred_at=NOW, recorded_at=NOW
    )


def test_ratings_on_another_scale_are_put_on_the_common_one():
    westerns = [rated(f"w{n}", 4.6, "Western") for n in range(5)]
    others = [rated(f"o{n}", 6.0, "Drama", scale=(1.0, 10.0)) for n in range(4)]
    found = {str(f.topic): f for f in find([*westerns, *others])}
    assert set(found) == {"rating/+/genre/Western", "rating/-/genre/Drama"}
    assert found["rating/-/genre/Drama"].level == pytest.approx(1 + 5 / 9 * 4)


def test_films_are_not_compared_with_books():
    films = [rated(f"f{n}", 5, "Western") for n in range(5)]
    books = [rated(f"b{n}", 1, "Essay", item_type="book") for n in range(5)]
    assert find([*films, *books]) == []


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("year", 1979, True),
        ("release_date", 2001, True),
        ("pages", 1200, False),
        ("year", 79, False),
        ("price", 1999, False),
    ],
)
def test_what_counts_as_a_year(attribute, value, expected):
    assert is_year(attribute, value) is expected


async def test_a_finding_is_not_given_up_when_what_it_was_about_is_not_known_any_more():
    with_catalogue = [rated(f"w{n}", 5, "Western") for n in range(4)] + [
        rated(f"o{n}", 2, "Drama") for n in range(4)
    ]
    model = scripted_model(lambda messages: "no", plan="small")
    revision, _ = await review("ada", with_catalogue, [], model)
    held = revision.add
    assert held
    without = [rated(o.event.title, o.event.value, None) for o in with_catalogue]
    later, _ = await review("ada", without, held, model)
    assert (later.add, later.retire) == ([], {})
