"""Who has something waiting, found in one query; and a user whom nobody else works on."""

from datetime import timedelta

import pytest

from durability.elsewhere import claim_and_die
from limner.memory import claims, utc_now

pytestmark = pytest.mark.every_database


def observe(memory, **counts: int) -> None:
    for user, count in counts.items():
        for number in range(count):
            memory.user(user).observe(f"thing {number}")


def test_only_those_with_something_due(memory) -> None:
    observe(memory, ada=3, bob=1, cleo=2, dan=2)
    waiting = memory.waiting
    memory.user("bob").apply(memory.user("bob").claim(1000, len))
    batch = memory.user("cleo").claim(7, len)
    assert [tuple(one) for one in waiting.after("", 10)] == [("ada", 3, 0), ("cleo", 1, 0), ("dan", 2, 0)]
    assert [one.user_id for one in waiting.after("ada", 1)] == ["cleo"]
    assert waiting.after("dan", 10) == []
    assert [one.user_id for one in waiting.longest(2)] == ["ada", "dan"]
    assert [one.user_id for one in waiting.among(["dan", "ada", "bob", "nobody"])] == ["ada", "dan"]
    assert tuple(waiting.left()) == (3, 6, 7, 0)
    memory.user("cleo").release(batch)
    assert tuple(waiting.left()) == (3, 7, 7, 0)
    assert tuple(waiting.left(["cleo", "bob"])) == (1, 2, 2, 0)
    assert tuple(waiting.left([])) == (0, 0, 0, 0)


def test_what_pauses_or_is_parked_waits_and_is_not_due(open_memory, monkeypatch) -> None:
    memory = open_memory(max_attempts=2)
    observe(memory, ada=1)
    ada = memory.user("ada")
    ada.release(ada.claim(100, len), "prose")
    assert tuple(memory.waiting.left()) == (0, 0, 1, 0)
    later = utc_now() + timedelta(minutes=1)
    monkeypatch.setattr(claims, "utc_now", lambda: later)
    assert tuple(memory.waiting.left()) == (1, 1, 1, 0)
    ada.release(ada.claim(100, len), "prose")
    assert tuple(memory.waiting.left()) == (0, 0, 0, 1)
    assert memory.waiting.longest(5) == []
    assert memory.retry_parked() == 1
    assert tuple(memory.waiting.left()) == (1, 1, 1, 0)


def test_alone_is_only_who_finds_nobody_else_at_work(memory, monkeypatch) -> None:
    observe(memory, ada=3, bob=1)
    ada = memory.user("ada")
    first = ada.claim(7, len, alone=True)
    assert len(first.observations) == 1
    assert ada.claim(7, len, alone=True) is None
    assert memory.user("bob").claim(7, len, alone=True) is not None, "another user is another matter"
    ada.apply(first)
    second = ada.claim(7, len, alone=True)
    assert [o.text for o in second.observations] == ["thing 1"]
    later = utc_now() + claims.LEASE + timedelta(seconds=1)
    monkeypatch.setattr(claims, "utc_now", lambda: later)
    assert [o.text for o in ada.claim(7, len, alone=True).observations] == ["thing 1"], (
        "its lease has run out"
    )


def test_whom_a_dead_process_held_is_due_at_once(memory, places, tmp_path) -> None:
    observe(memory, ada=2)
    assert claim_and_die("ada", home=tmp_path / "home", **places) == 9
    assert [tuple(one) for one in memory.waiting.after("", 5)] == [("ada", 2, 0)]
    assert len(memory.user("ada").claim(100, len, alone=True).observations) == 2


def test_pages_and_many_ids(memory) -> None:
    observe(memory, **{f"u{number:03d}": 1 for number in range(30)})
    found, last = [], ""
    while page := memory.waiting.after(last, 7):
        found += [one.user_id for one in page]
        last = found[-1]
    assert found == [f"u{number:03d}" for number in range(30)]
    assert len(memory.waiting.among([f"u{number:03d}" for number in range(2000)])) == 30
