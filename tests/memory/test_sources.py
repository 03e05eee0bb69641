"""Pauses, consents and retention periods."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from contracts.memory_reflections import proposed, reflect
from limner.errors import InputError, RecordingRefused
from limner.memory import NewObservation, utc_now
from limner.memory.schema import observations, store


def age(memory, id: str, days: int) -> None:
    with memory.database.write() as connection:
        moment = utc_now() - timedelta(days=days)
        connection.execute(update(observations).where(observations.c.id == id).values(recorded_at=moment))


def test_a_pause_refuses_and_stores_nothing(memory, ada) -> None:
    ada.observe("before")
    ada.pause()
    with pytest.raises(RecordingRefused, match="nothing was stored"):
        ada.observe("meanwhile")
    assert ada.status().observations == 1
    assert ada.status().paused_at is not None
    memory.user("bob").observe("others go on")
    ada.resume()
    ada.observe("after")
    assert [one.text for one in ada.observations()] == ["before", "after"]


def test_pausing_twice_keeps_the_first_moment(ada) -> None:
    ada.pause()
    first = ada.status().paused_at
    ada.pause()
    assert ada.status().paused_at == first


def test_a_paused_source_refuses_a_whole_batch(ada) -> None:
    ada.pause("chat")
    with pytest.raises(RecordingRefused, match="'chat'"):
        ada.observe_many([NewObservation("a", source="mail"), NewObservation("b", source="chat")])
    assert ada.status().observations == 0
    assert ada.status().paused_sources == ("chat",)
    ada.observe("a", source="mail")


def test_withdrawn_consent_refuses_and_granted_again_lets_in(ada) -> None:
    ada.observe("5/5", source="ratings")
    ada.consent("ratings", granted=True, basis="form 1")
    ada.consent("ratings", granted=False, basis="letter")
    with pytest.raises(RecordingRefused, match="withdrawn"):
        ada.observe("4/5", source="ratings")
    assert ada.forget_source("ratings").observations == 1
    ada.consent("ratings", granted=True, basis="form 2")
    ada.observe("3/5", source="ratings")
    assert [(one.granted, one.basis) for one in ada.consents()] == [
        (True, "form 1"),
        (False, "letter"),
        (True, "form 2"),
    ]
    with pytest.raises(InputError, match="basis"):
        ada.consent("ratings", granted=True, basis=" ")


def test_a_retention_period_takes_what_rests_on_it_and_nothing_else(memory, ada) -> None:
    old = ada.observe("I live in Porto", source="chat")
    kept = ada.observe("I like tea", source="mail")
    reflect(ada, proposed(ada, "Lives in Porto.", old), proposed(ada, "Likes tea.", kept))
    age(memory, old.id, 31)
    age(memory, kept.id, 31)
    ada.retain("chat", 30)
    receipts = memory.retention.run()
    assert receipts["ada"].observations == 1
    assert [one.text for one in ada.observations()] == ["I like tea"]
    assert [one.text for one in ada.propositions()] == ["Likes tea."]


def test_a_period_counts_from_recording_not_from_what_happened(memory, ada) -> None:
    ada.observe("long ago", source="chat", occurred_at=utc_now() - timedelta(days=4000))
    ada.retain("chat", 30)
    assert memory.retention.run() == {}


def test_the_settings_hold_where_a_source_has_no_period_of_its_own(open_memory) -> None:
    memory = open_memory(retention_days=10)
    ada = memory.user("ada")
    for source, days in (("a", None), ("b", 0), ("c", 100)):
        age(memory, ada.observe(source, source=source).id, 50)
        ada.retain(source, days)
    memory.retention.run()
    assert [one.source for one in ada.observations()] == ["b", "c"]


def test_opening_sees_to_the_periods_once_an_hour(open_memory) -> None:
    first = open_memory()
    ada = first.user("ada")
    ada.retain("chat", 1)
    age(first, ada.observe("old", source="chat").id, 2)
    assert open_memory().user("ada").status().observations == 0
    age(first, ada.observe("old again", source="chat").id, 2)
    assert open_memory().user("ada").status().observations == 1
    with first.database.write() as connection:
        connection.execute(update(store).values(retained_at=utc_now() - timedelta(hours=2)))
    assert open_memory().user("ada").status().observations == 0


def test_a_negative_period_is_refused(ada) -> None:
    with pytest.raises(InputError, match="0 or more"):
        ada.retain("chat", -1)


def test_the_overview_tells_users_apart(memory, ada) -> None:
    ada.observe("a", source="chat")
    ada.observe("b", source="mail")
    memory.user("bob").pause()
    first, second = memory.overview()
    assert (first.id, first.observations, first.pending, dict(first.sources)) == (
        "ada",
        2,
        2,
        {"chat": 1, "mail": 1},
    )
    assert first.last_recorded_at is not None
    assert (second.id, second.observations, second.paused_at is not None) == ("bob", 0, True)
