"""Pauses, consents and retention periods."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import update

from contracts.memory_reflections import proposed, reflect
from limner.errors import InputError, RecordingRefused
from limner.memory import NewObservation, utc_now
from limner.memory.schema import observations, store

pytestmark = pytest.mark.every_database


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


def test_who_is_forgotten_goes_on_refusing_and_nothing_else_is_left(memory, ada) -> None:
    secret = ada.observe("zyzzyva", source="chat")
    reflect(ada, proposed(ada, "Likes beetles.", secret))
    ada.consent("chat", granted=False, basis="a letter of the zyzzyva")
    ada.consent("web", granted=True, basis="form")
    ada.pause("mail")
    ada.retain("mail", 30)
    paused = ada.sources()[1].paused_at
    ada.forget_everything()
    for source in ("chat", "mail"):
        with pytest.raises(RecordingRefused):
            ada.observe("x", source=source)
    kinds = [one["record"] for one in ada.export()]
    assert kinds == ["limner", "user", "source", "consent", "end"]
    assert [one.basis for one in ada.consents()] == ["(erased)"]
    assert [(one.source, one.paused_at, one.retain_days) for one in ada.sources()] == [
        ("chat", None, None),
        ("mail", paused, None),
    ]
    files = [path for path in memory.settings.home.rglob("*") if path.is_file()]
    assert not any(b"zyzzyva" in path.read_bytes() for path in files)
    ada.forget_everything(leave_nothing=True)
    assert memory.users() == []
    ada.observe("x", source="chat")


def test_who_refused_nothing_leaves_nothing(memory, ada) -> None:
    ada.observe("x", source="chat")
    ada.pause("chat")
    ada.resume("chat")
    ada.retain("chat", 3)
    ada.consent("chat", granted=True, basis="form")
    ada.forget_everything()
    assert memory.users() == []


def test_verdicts_outlive_the_period_of_the_settings_but_not_one_of_their_own(open_memory) -> None:
    memory = open_memory(retention_days=10)
    ada = memory.user("ada")
    held = reflect(ada, proposed(ada, "Lives in Porto.", ada.observe("I live in Porto")))[0]
    ada.correct(held.id, "I live in Lisbon.")
    for one in ada.observations():
        age(memory, one.id, 50)
    memory.retention.run()
    assert [one.text for one in ada.observations()] == ["I live in Lisbon."]
    assert [one.text for one in ada.propositions()] == ["I live in Lisbon."]
    ada.retain("verdict", 20)
    memory.retention.run()
    assert ada.observations() == []
    assert ada.propositions() == []


def test_a_process_that_only_waits_sees_to_the_periods_too(open_memory, monkeypatch) -> None:
    monkeypatch.setattr("limner.memory.retention.CHECK_EVERY", timedelta(seconds=0.05))
    memory = open_memory()
    ada = memory.user("ada")
    memory.retention.watch()
    ada.retain("chat", 1)
    age(memory, ada.observe("old", source="chat").id, 2)
    deadline = time.monotonic() + 30
    while ada.status().observations and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ada.status().observations == 0


def test_asking_for_a_door_sees_to_the_periods(open_memory) -> None:
    memory = open_memory()
    ada = memory.user("ada")
    ada.retain("chat", 1)
    age(memory, ada.observe("old", source="chat").id, 2)
    memory.retention._next_look = 0.0
    assert memory.user("ada").observations() == []
