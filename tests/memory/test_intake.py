"""What may be observed, and what becomes of it."""

from datetime import datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from limner.errors import InputError, InvalidObservation
from limner.memory import Event, utc_now


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not empty"),
        (" \n\t ", "not empty"),
        ("a\0b", "NUL"),
        ("half \ud83d", "surrogate"),
        (b"caf\xe9", "UTF-8"),
        ("\x01\x02", "control characters"),
        (7, "not int"),
        ("x" * 101, "at most 100"),
    ],
)
def test_what_is_no_text_is_refused(open_memory, text, complaint) -> None:
    ada = open_memory(max_observation_chars=100).user("ada")
    with pytest.raises(InvalidObservation, match=complaint):
        ada.observe(text)
    assert ada.observations() == []


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("tab\there", "tab\there"),
        ("bell\x07 and \x1b[31mred\x9b", "bell  and  [31mred "),
        ("  kept  ", "  kept  "),
        ("Größe 🎬 二時間", "Größe 🎬 二時間"),
        ("caf\u00e9".encode(), "café"),
    ],
)
def test_text_is_stored_as_documented(ada, text, stored) -> None:
    assert ada.observe(text).text == stored
    assert ada.observations()[0].text == stored


def test_a_megabyte_is_stored_whole(ada) -> None:
    text = "".join(f"word{n % 5000} " for n in range(120_000))
    assert len(text) > 1_000_000
    kept = ada.observe(text)
    assert ada.observation(kept.id).text == text
    assert ada.search("word4321")[0].record.id == kept.id


def test_a_megabyte_without_a_space_is_stored_whole(ada) -> None:
    assert len(ada.observe("x" * 1_000_000).text) == 1_000_000


@pytest.mark.parametrize(
    ("moment", "complaint"),
    [
        (datetime(2020, 1, 1), "time zone"),
        (utc_now() + timedelta(days=1), "future"),
        ("2020-01-01", "datetime"),
    ],
)
def test_a_moment_that_cannot_be_is_refused(ada, moment, complaint) -> None:
    with pytest.raises(InvalidObservation, match=complaint):
        ada.observe("hello", occurred_at=moment)


def test_a_clock_may_be_a_little_ahead(ada) -> None:
    soon = utc_now() + timedelta(minutes=4)
    assert ada.observe("hello", occurred_at=soon).occurred_at == soon


def test_moments_are_kept_to_the_microsecond_in_any_zone(ada) -> None:
    tokyo = datetime(1969, 7, 21, 11, 56, 15, 123456, tzinfo=timezone(timedelta(hours=9)))
    kept = ada.observation(ada.observe("a small step", occurred_at=tokyo).id)
    assert kept.occurred_at == tokyo
    assert kept.occurred_at.utcoffset() == timedelta(hours=9)


@pytest.mark.parametrize("user_id", ["", "  ", "x" * 257, "a\nb", "a\0b", "a\u200bb", None])
def test_what_is_no_user_id_is_refused(memory, user_id) -> None:
    with pytest.raises(InputError):
        memory.user(user_id)


@pytest.mark.parametrize(
    "user_id", ["ada", "ada lovelace", "../../etc/passwd", "O'Hara; --", "アダ", "x" * 256]
)
def test_any_printable_user_id_will_do(memory, user_id) -> None:
    user = memory.user(user_id)
    user.observe("hello")
    assert [o.text for o in user.observations()] == ["hello"]
    assert memory.users() == [user_id]


@pytest.mark.parametrize("field", [{"source": ""}, {"source": "x" * 300}, {"key": ""}, {"author": "nobody"}])
def test_a_wrong_field_is_refused(ada, field) -> None:
    with pytest.raises(InvalidObservation):
        ada.observe("hello", **field)


def test_a_moment_to_search_by_has_a_zone(ada) -> None:
    naive = datetime(2020, 1, 1)
    for ask in (
        lambda: ada.search("x", at=naive),
        lambda: ada.propositions(at=naive),
        lambda: ada.observations(since=naive),
        lambda: ada.observations(until=naive),
        lambda: ada.portrait("k", known_at=naive),
    ):
        with pytest.raises(InputError, match="time zone"):
            ask()


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        Event(kind="rating", item_id="1", title="Alien", value=float("nan"))
