"""Two ids become one: everything of both is there once, and says where it came from; on SQLite and PostgreSQL."""

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from sqlalchemy import select

from contracts.memory_reflections import proposed, reflect
from durability.workload import MARK, open_limner, said
from limner.errors import InputError, NotFound, RecordingRefused, StaleClaim
from limner.memory import Memory, Portrait, PortraitLine
from limner.memory.schema import metadata, stray_indexes, users

pytestmark = pytest.mark.every_database


@pytest.fixture
def memory(open_memory) -> Memory:
    return open_memory(exact_limit=3)


@pytest.fixture
def old(memory):
    return memory.user("old")


def rows_of(memory: Memory, user_id: str) -> dict[str, int]:
    """How many rows a user has in each table."""
    with memory.database.read() as connection:
        return {
            table.name: len(connection.execute(select(table).where(table.c.user_id == user_id)).all())
            for table in metadata.sorted_tables
            if "user_id" in table.columns
        }


def converse(user, thread: str, words: str) -> None:
    config = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
    stored = user.checkpoints().put(config, empty_checkpoint(), {"source": "input", "step": 1}, {})
    user.checkpoints().put_writes(stored, [("channel", words)], "task")


def test_everything_comes_over_and_the_old_id_is_gone(memory, ada, old) -> None:
    reflect(ada, proposed(ada, "Drinks tea.", ada.observe("I like tea", source="chat")))
    porto = old.observe("I live in Porto", source="mail")
    (lives,) = reflect(old, proposed(old, "Lives in Porto.", porto))
    pinned = old.pin(lives.id)
    line = PortraitLine(text="Porto.", propositions=(pinned.id,), evidence=pinned.evidence)
    old.save_portrait(Portrait(user_id="old", kind="k", lines=(line,)))
    old.record_audit("a friend", "small talk", decision="share", proposition_id=lives.id)
    old.forget(old.observe("a secret").id)
    old.consent("mail", granted=True, basis="form")
    converse(old, "t", "said")
    for n in range(5):
        old.observe(f"number {n}")
    old.search("Porto")
    memory.drain_index()
    before = {name: rows_of(memory, name) for name in ("old", "ada")}
    done = memory.merge("old", "ada")
    assert (done.observations, done.propositions, done.retired) == (7, 2, 0)
    assert memory.users() == ["ada"]
    after = rows_of(memory, "ada")
    settled = {"outbox", "merges"}
    assert {name: n for name, n in after.items() if name not in settled} == {
        name: before["old"][name] + before["ada"][name] for name in after if name not in settled
    }
    assert [one.merged_id for one in ada.merges()] == ["old"]
    assert {one.text: one.origin for one in ada.observations()}["I live in Porto"] == "old"
    assert {one.text: one.origin for one in ada.observations()}["I like tea"] is None
    assert {p.text for p in ada.propositions()} == {"Drinks tea.", "Lives in Porto."}
    assert ada.propositions()[-1].pinned_at == pinned.pinned_at
    assert ada.portrait("k").lines == (line,)
    assert len(ada.receipts()) == 1
    (conversation,) = ada.checkpoints().list(None)
    assert conversation.pending_writes == [("task", "channel", "said")]
    with memory.database.read() as connection:
        assert connection.execute(select(stray_indexes)).all() == []
    assert memory.drain_index() > 0
    assert "I live in Porto" in {found.record.text for found in ada.search("where in Porto", 3)}
    assert old.search("Porto") == []
    assert list(old.export()) == []
    assert json.dumps(list(ada.export())).count('"user_id": "old"') == 0


def test_the_same_key_is_one_observation_or_two_keys(ada, old, memory) -> None:
    mine = ada.observe("bought milk", key="k1")
    ada.observe("bought beer", key="k2")
    theirs = old.observe("bought milk", key="k1")
    old.observe("bought bread", key="k2")
    buys = proposed(old, "Buys milk.", theirs)
    reflect(old, buys)
    line = PortraitLine(text="Milk.", propositions=(buys.id,), evidence=buys.evidence)
    old.save_portrait(Portrait(user_id="old", kind="k", lines=(line,)))
    memory.merge("old", "ada")
    assert {one.text: one.key for one in ada.observations()} == {
        "bought milk": "k1",
        "bought beer": "k2",
        "bought bread": "old:k2",
    }
    assert [e.observation_id for p in ada.propositions() for e in p.evidence] == [mine.id]
    assert ada.portrait("k").lines[0].evidence[0].observation_id == mine.id
    assert [one.text for one in ada.observations(pending=True)] == ["bought beer"]
    assert ada.forget(mine.id).propositions == 1
    assert ada.portrait("k") is None


def test_of_one_topic_one_finding_is_held_and_computed_again(ada, old, memory) -> None:
    reflect(old, proposed(old, "Rates high.", old.observe("5/5"), topic="rating"))
    reflect(ada, proposed(ada, "Rates low.", ada.observe("1/5"), topic="rating"))
    assert memory.merge("old", "ada").retired == 1
    assert [one.text for one in ada.propositions()] == ["Rates low."]
    assert [one.text for one in ada.observations(pending=True)] == ["5/5"]
    assert len(ada.history(ada.propositions()[0].group)) == 1


def test_what_the_user_said_outranks_what_is_newer(ada, old, memory) -> None:
    (high,) = reflect(old, proposed(old, "Rates high.", old.observe("5/5"), topic="rating"))
    old.confirm(high.id)
    reflect(ada, proposed(ada, "Rates low.", ada.observe("1/5"), topic="rating"))
    memory.merge("old", "ada")
    assert [one.text for one in ada.propositions()] == ["Rates high."]


def test_what_one_side_denied_is_held_by_neither(ada, old, memory) -> None:
    (held,) = reflect(old, proposed(old, "Likes opera.", old.observe("went to the opera")))
    old.deny(held.id)
    reflect(ada, proposed(ada, "Likes opera.", ada.observe("saw an opera")))
    assert memory.merge("old", "ada").retired == 1
    assert ada.propositions() == []


def test_the_stricter_settings_hold(ada, old, memory) -> None:
    old.retain("chat", 30)
    ada.retain("chat", 90)
    old.retain("web", 0)
    old.consent("mail", granted=False, basis="letter")
    ada.consent("mail", granted=True, basis="form")
    old.pause("news")
    memory.merge("old", "ada")
    assert {one.source: one.retain_days for one in ada.sources()} == {
        "chat": 30,
        "web": 0,
        "mail": None,
        "news": None,
    }
    for source in ("mail", "news"):
        with pytest.raises(RecordingRefused):
            ada.observe("x", source=source)
    assert [one.granted for one in ada.consents()] == [False, True, False]
    ada.observe("x", source="chat")
    memory.user("third").pause()
    memory.merge("third", "ada")
    with pytest.raises(RecordingRefused):
        ada.observe("x", source="chat")


def test_threads_of_one_name_stay_two(ada, old, memory) -> None:
    converse(ada, "main", "ada said")
    converse(old, "main", "old said")
    memory.merge("old", "ada")
    found = {
        one.config["configurable"]["thread_id"]: one.pending_writes[0][2]
        for one in ada.checkpoints().list(None)
    }
    assert found == {"main": "ada said", "main (old)": "old said"}


def test_who_has_nothing_yet_can_be_merged_into(old, memory) -> None:
    old.observe("I like tea")
    memory.merge("old", "new")
    assert [one.text for one in memory.user("new").observations()] == ["I like tea"]


def test_what_cannot_be_merged_is_refused(ada, memory) -> None:
    ada.observe("x")
    with pytest.raises(InputError, match="one id"):
        memory.merge("ada", "ada")
    with pytest.raises(NotFound):
        memory.merge("nobody", "ada")
    assert memory.users() == ["ada"]


def test_reflections_under_way_apply_nothing_and_lose_nothing(ada, old, memory) -> None:
    mine, theirs = ada.observe("I like tea"), old.observe("I live in Porto")
    batches = [(ada, ada.claim(1000, len)), (old, old.claim(1000, len))]
    memory.merge("old", "ada")
    for user, batch in batches:
        with pytest.raises(StaleClaim):
            user.apply(batch, add=[proposed(user, "x", batch.observations[0])])
        user.release(batch, "failed")
    assert {one.id for one in ada.observations(pending=True)} == {mine.id, theirs.id}
    again = ada.claim(1000, len)
    ada.apply(again, add=[proposed(ada, one.text, one) for one in again.observations])
    assert len(ada.propositions()) == 2
    assert memory.users() == ["ada"]


def test_reflecting_and_merging_at_once_loses_and_doubles_nothing(memory) -> None:
    names = [f"user {n}" for n in range(4)]
    for name in names:
        for n in range(8):
            memory.user(name).observe(f"{name} says {n}")

    def work(name: str) -> None:
        user = memory.user(name)
        while (batch := user.claim(60, len)) is not None:
            with suppress(StaleClaim):
                user.apply(
                    batch, add=[proposed(user, f"Said: {one.text}", one) for one in batch.observations]
                )

    workers = [threading.Thread(target=work, args=(name,)) for name in names]
    merging = [
        threading.Thread(target=memory.merge, args=("user 1", "user 0")),
        threading.Thread(target=memory.merge, args=("user 2", "user 3")),
    ]
    for thread in (*workers, *merging):
        thread.start()
    for thread in (*workers, *merging):
        thread.join()
    memory.merge("user 3", "user 0")
    work("user 0")
    left = memory.user("user 0")
    assert memory.users() == ["user 0"]
    said = sorted(f"{name} says {n}" for name in names for n in range(8))
    assert sorted(one.text for one in left.observations()) == said
    assert sorted(one.text for one in left.propositions()) == [f"Said: {text}" for text in said]
    assert left.status().pending == 0
    with memory.database.read() as connection:
        assert connection.execute(select(users.c.id)).scalars().all() == ["user 0"]


def test_two_merges_the_other_way_round_do_not_wait_for_each_other(memory) -> None:
    for _ in range(3):
        for name in ("a", "b"):
            memory.user(name).observe("x")

        def merge(one: str, other: str) -> None:
            with suppress(NotFound):
                memory.merge(one, other)

        threads = [threading.Thread(target=merge, args=pair) for pair in (("a", "b"), ("b", "a"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        assert sum(len(memory.user(name).observations()) for name in ("a", "b")) == 2
        for name in memory.users():
            memory.user(name).forget_everything()


_REFLECTS = """
    import sys, time
    from pathlib import Path
    from durability.workload import open_limner
    with open_limner(Path(sys.argv[1]), before_answer=lambda: time.sleep(0.01)) as limner:
        print("begins", flush=True)
        while sys.argv[2] in limner.users():
            limner.user(sys.argv[2]).reflect()
            time.sleep(0.05)
"""


@pytest.mark.crash
@pytest.mark.parametrize("pause", [2, 6, 10])
def test_other_processes_may_reflect_meanwhile(tmp_path, pause) -> None:
    with open_limner(tmp_path) as limner:
        old, ada = limner.user("old"), limner.user("ada")
        for n in range(60):
            old.observe(said(f"q{n}zx", moving=False))
            ada.observe(said(f"q{100 + n}zx", moving=False))
        paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(_REFLECTS), str(tmp_path), name],
                env={**os.environ, **paths},
                stdout=subprocess.PIPE,
            )
            for name in ("old", "ada")
        ]
        for process in processes:
            process.stdout.readline()
        time.sleep(pause)
        limner.merge("old", "ada")
        assert processes[0].wait(60) == 0
        deadline = time.monotonic() + 90
        while ada.status().pending and time.monotonic() < deadline:
            time.sleep(0.1)
        processes[1].kill()
        processes[1].wait()
        assert limner.users() == ["ada"]
        assert len(ada.observations()) == 120
        concluded = [MARK.search(one.text)[0] for one in ada.propositions()]
        assert sorted(concluded) == sorted({MARK.search(one.text)[0] for one in ada.observations()})


def test_an_index_that_was_being_filled_gets_nothing_of_the_old_id(open_memory, monkeypatch) -> None:
    memory = open_memory(exact_limit=3)
    for n in range(6):
        memory.user("old").observe(f"number {n}")
    seed = memory.index._seed
    filled = []

    def merged_meanwhile(user_id: str) -> str | None:
        if user_id == "old":
            memory.merge("old", "ada")
        return seed(user_id)

    upsert = memory.index._collections.upsert
    monkeypatch.setattr(memory.index, "_seed", merged_meanwhile)
    monkeypatch.setattr(
        memory.index._collections,
        "upsert",
        lambda user_id, *rest: (filled.append(user_id), upsert(user_id, *rest)),
    )
    memory.drain_index()
    assert set(filled) <= {"ada"}
    assert memory.users() == ["ada"]
