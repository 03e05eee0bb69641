"""The queue: batches, leases, failures."""

from datetime import timedelta

import pytest

from contracts.memory_reflections import proposed
from durability.elsewhere import claim_and_die
from limner.errors import StaleClaim
from limner.memory import NewObservation, claims, holders, utc_now
from limner.memory.holders import take_for_dead, this_process

pytestmark = pytest.mark.every_database


def texts(batch) -> list[str]:
    return [observation.text for observation in batch.observations]


def test_the_oldest_come_first_up_to_the_tokens(ada) -> None:
    now = utc_now()
    for days in (1, 3, 2, 4):
        ada.observe(f"{days} days", occurred_at=now - timedelta(days=days))
    assert texts(ada.claim(12, len)) == ["4 days", "3 days"]
    assert texts(ada.claim(17, len)) == ["2 days", "1 days"]
    assert ada.claim(100, len) is None


def test_a_long_observation_is_a_batch_of_its_own(ada) -> None:
    ada.observe_many(NewObservation(t) for t in ("short", "x" * 100, "short too"))
    assert [texts(ada.claim(20, len)) for _ in range(3)] == [["short"], ["x" * 100], ["short too"]]


def test_a_batch_has_at_most_fifty(ada) -> None:
    ada.observe_many(NewObservation("x") for _ in range(60))
    assert len(ada.claim(10_000, len).observations) == 50
    assert len(ada.claim(10_000, len).observations) == 10


def test_what_limner_said_is_kept_but_never_claimed(ada) -> None:
    ada.observe("You might like Alien.", author="assistant")
    assert ada.claim(100, len) is None
    assert ada.status().pending == 0
    assert ada.search("Alien")[0].record.author == "assistant"


def test_an_interrupted_batch_is_as_it_was(ada) -> None:
    ada.observe("hello")
    ada.release(ada.claim(100, len), None)
    assert texts(ada.claim(100, len)) == ["hello"]
    assert ada.status().next_attempt_at is None


def test_a_failure_pauses_then_parks_with_its_reason(open_memory, monkeypatch) -> None:
    ada = open_memory(max_attempts=2).user("ada")
    said = ada.observe("hello")
    ada.release(ada.claim(100, len), "the model returned prose")
    assert ada.claim(100, len) is None
    assert ada.status().next_attempt_at > utc_now()
    assert ada.status().pending == 1

    later = utc_now() + timedelta(hours=1)
    monkeypatch.setattr(claims, "utc_now", lambda: later)
    ada.release(ada.claim(100, len), "prose again")
    status = ada.status()
    assert status.pending == 0
    assert [(p.id, p.reason) for p in status.parked] == [(said.id, "prose again")]
    assert ada.parked() == list(status.parked)
    assert ada.claim(100, len) is None

    assert ada.retry_parked() == 1
    assert texts(ada.claim(100, len)) == ["hello"]


def test_what_failed_before_holds_nobody_else_up(ada, monkeypatch) -> None:
    ada.observe_many(NewObservation(t) for t in ("one", "two", "three"))
    ada.release(ada.claim(8, len), "no")
    later = utc_now() + timedelta(hours=1)
    monkeypatch.setattr(claims, "utc_now", lambda: later)
    assert [texts(ada.claim(100, len)) for _ in range(3)] == [["one"], ["two"], ["three"]]


def test_an_expired_lease_is_claimed_anew_and_the_old_one_is_stale(ada, monkeypatch) -> None:
    said = ada.observe("hello")
    first = ada.claim(100, len)
    assert ada.claim(100, len) is None
    later = utc_now() + claims.LEASE * 2
    monkeypatch.setattr(claims, "utc_now", lambda: later)
    second = ada.claim(100, len)
    assert texts(second) == ["hello"]
    with pytest.raises(StaleClaim):
        ada.apply(first, add=[proposed(ada, "Says hello.", said)])
    ada.release(first, "too late")
    assert ada.propositions() == []
    ada.apply(second, add=[proposed(ada, "Says hello.", said)])
    assert [p.text for p in ada.propositions()] == ["Says hello."]
    assert ada.parked() == []


def test_a_dead_process_need_not_be_waited_for(ada, places, tmp_path) -> None:
    ada.observe("hello")
    assert claim_and_die("ada", home=tmp_path / "home", **places) == 9
    assert texts(ada.claim(100, len)) == ["hello"]


def test_forgetting_in_the_middle_of_a_reflection_makes_the_claim_stale(ada) -> None:
    kept, gone = ada.observe("I live in Porto"), ada.observe("I have diabetes")
    batch = ada.claim(100, len)
    ada.forget(gone.id)
    with pytest.raises(StaleClaim):
        ada.apply(batch, add=[proposed(ada, "Lives in Porto.", kept)])
    ada.release(batch, None)
    assert texts(ada.claim(100, len)) == ["I live in Porto"]


def test_tokens_are_counted_while_no_transaction_is_open(ada, memory) -> None:
    ada.observe("hello")

    def count(text: str) -> int:
        memory.user("bob").observe("written meanwhile")
        return len(text)

    assert texts(ada.claim(100, count)) == ["hello"]


def test_what_a_process_of_another_host_held_is_free_once_it_is_reported_dead(ada, monkeypatch) -> None:
    said = ada.observe("hello")
    monkeypatch.setattr(claims, "this_process", lambda: "7.abc@elsewhere")
    first = ada.claim(100, len)
    monkeypatch.undo()
    assert ada.claim(100, len) is None
    monkeypatch.setattr(holders, "_told", set())
    take_for_dead(["7.abc@elsewhere", this_process()])
    second = ada.claim(100, len)
    assert texts(second) == ["hello"]
    # It was alive after all, behind a network that was down: nothing of what it does now counts.
    with pytest.raises(StaleClaim):
        ada.renew(first)
    with pytest.raises(StaleClaim):
        ada.apply(first, add=[proposed(ada, "Says hello.", said)])
    ada.release(first, "too late")
    assert ada.propositions() == []
    ada.apply(second, add=[proposed(ada, "Says hello.", said)])
    with pytest.raises(StaleClaim):
        ada.apply(first, add=[proposed(ada, "Says hello twice.", said)])
    assert [p.text for p in ada.propositions()] == ["Says hello."]
    assert ada.status().parked == ()


def test_nobody_takes_themselves_for_dead(ada, monkeypatch) -> None:
    monkeypatch.setattr(holders, "_told", set())
    take_for_dead([this_process()])
    ada.observe("hello")
    assert ada.claim(100, len) is not None
    assert ada.claim(100, len) is None
