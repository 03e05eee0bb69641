"""Backups while others write, and restoring them: all or nothing, and nothing that was forgotten since."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from contracts.memory_reflections import proposed, reflect
from limner.errors import ConfigurationError, InputError, RecordingRefused, StoreError, StoreFull
from limner.memory import Memory, NewObservation, Portrait, PortraitLine, utc_now
from limner.memory.restoring import restore
from limner.memory.schema import observations, store, stray_indexes, users
from limner.settings import Settings
from limner.testing import HashEncoder

OLD_STORE = Path(__file__).parent / "stores" / "0001.sql"


def texts(memory: Memory, name: str = "ada") -> list[str]:
    return [one.text for one in memory.user(name).observations()]


def lines_of(memory: Memory) -> list[dict]:
    return [line for line in memory.export(vectors=True) if line["record"] != "limner"]


@pytest.fixture
def saved(memory, ada, tmp_path) -> Path:
    """A backup of a store with two users."""
    home = ada.observe("I live in Porto", source="chat")
    reflect(ada, proposed(ada, "Lives in Porto.", home))
    ada.observe("I like tea")
    ada.search("tea")
    memory.user("bob").observe("I like coffee")
    return memory.backup(tmp_path / "saved.db").path


def put_back(memory: Memory, path: Path):
    return restore(memory.settings.database_place, path)


def test_a_backup_is_one_whole_file_for_the_owner_alone(memory, saved) -> None:
    assert saved.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in saved.parent.glob("saved*")] == ["saved.db"]
    copy = sqlite3.connect(saved)
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert copy.execute("SELECT count(*) FROM observations").fetchone() == (3,)
    assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_backup_is_restored_into_an_empty_folder(memory, saved, tmp_path) -> None:
    before = lines_of(memory)
    done = restore(tmp_path / "new" / "limner.db", saved)
    assert (done.users, done.observations, done.forgotten, done.took_over) == (2, 3, 0, False)
    with Memory(Settings(home=tmp_path / "new"), HashEncoder(dimension=64)) as other:
        assert lines_of(other) == before
        assert next(r.record.text for r in other.user("ada").search("tea")) == "I like tea"


def test_what_came_since_goes_and_open_handles_see_it(memory, ada, saved) -> None:
    before = lines_of(memory)
    ada.observe("I like water")
    ada.search("water")
    memory.user("eve").observe("new here")
    waiting = ada.claim(1000, len)
    done = put_back(memory, saved)
    assert (done.users, done.took_over) == (2, True)
    assert lines_of(memory) == before
    assert "I like water" not in [r.record.text for r in ada.search("water")]
    with pytest.raises(StoreError):
        ada.apply(waiting, add=[proposed(ada, "Likes water.", waiting.observations[0])])
    assert b"I like water" not in (memory.settings.home / "limner.db").read_bytes()


def test_what_was_forgotten_since_is_forgotten_again(memory, ada, saved) -> None:
    line = PortraitLine(text="Lives in Porto.", propositions=(ada.propositions()[0].id,))
    ada.save_portrait(Portrait(user_id="ada", kind="k", lines=(line,)))
    receipt = ada.forget_source("chat")
    memory.user("bob").forget_everything()
    done = put_back(memory, saved)
    assert (done.forgotten_users, done.forgotten) == (1, 2)
    assert memory.users() == ["ada"]
    assert texts(memory) == ["I like tea"]
    assert ada.propositions() == []
    assert receipt.id in [one.id for one in ada.receipts()]
    for path in memory.settings.home.rglob("*"):
        for secret in (b"Porto", b"coffee"):
            assert not path.is_file() or secret not in path.read_bytes()


def test_a_forgotten_proposition_stays_forgotten_and_its_observations_stay(memory, ada, saved) -> None:
    ada.forget(ada.propositions()[0].id)
    put_back(memory, saved)
    assert ada.propositions() == []
    assert texts(memory) == ["I live in Porto", "I like tea"]


def test_an_older_backup_and_then_a_newer_one_lose_nothing(memory, ada, saved, tmp_path) -> None:
    gone = ada.observe("a secret")
    ada.observe("I like water")
    newer = memory.backup(tmp_path / "newer.db").path
    ada.forget(gone.id)
    put_back(memory, saved)
    assert texts(memory) == ["I live in Porto", "I like tea"]
    put_back(memory, newer)
    assert texts(memory) == ["I live in Porto", "I like tea", "I like water"]


def test_who_is_forgotten_and_comes_back_keeps_what_is_new(memory, saved) -> None:
    bob = memory.user("bob")
    bob.forget_everything()
    bob.observe("I like juice")
    later = memory.backup(saved.with_name("later.db")).path
    put_back(memory, saved)
    assert "bob" not in memory.users()
    put_back(memory, later)
    assert texts(memory, "bob") == ["I like juice"]


def test_what_is_imported_again_by_its_user_is_not_forgotten_again(memory, ada, saved, tmp_path) -> None:
    import json

    file = tmp_path / "ada.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in ada.export()), encoding="utf-8")
    ada.forget_everything()
    memory.import_file(file)
    put_back(memory, saved)
    assert texts(memory) == ["I live in Porto", "I like tea"]


def test_pauses_and_consents_stay_as_users_settled_them_since(memory, ada, saved) -> None:
    ada.pause("mail")
    ada.consent("chat", granted=False, basis="letter")
    memory.user("eve").pause()
    put_back(memory, saved)
    for name, source in (("ada", "mail"), ("ada", "chat"), ("eve", "user")):
        with pytest.raises(RecordingRefused):
            memory.user(name).observe("x", source=source)
    saved_again = memory.backup(saved.with_name("again.db")).path
    ada.resume("mail")
    ada.consent("chat", granted=True, basis="form")
    put_back(memory, saved_again)
    ada.observe("x", source="mail")
    ada.observe("x", source="chat")


def test_a_merge_is_undone_and_nothing_else_that_users_wanted(memory, ada, saved) -> None:
    memory.merge("bob", "ada")
    (coffee,) = (one for one in ada.observations() if one.origin == "bob")
    ada.forget(coffee.id)
    ada.pause("mail")
    ada.consent("chat", granted=False, basis="letter")
    put_back(memory, saved)
    assert memory.users() == ["ada", "bob"]
    assert texts(memory, "bob") == []
    assert texts(memory) == ["I live in Porto", "I like tea"]
    for name, source in (("ada", "mail"), ("ada", "chat"), ("bob", "mail"), ("bob", "chat")):
        with pytest.raises(RecordingRefused):
            memory.user(name).observe("x", source=source)
    ada.pause()
    put_back(memory, saved)
    assert memory.user("bob").status().paused_at is None


def test_periods_that_have_ended_since_are_seen_to_when_it_is_opened(
    open_memory, memory, ada, tmp_path
) -> None:
    old = ada.observe("old", source="chat")
    with memory.database.write() as connection:
        moment = utc_now() - timedelta(days=40)
        connection.execute(update(observations).where(observations.c.id == old.id).values(recorded_at=moment))
    path = memory.backup(tmp_path / "x.db").path
    ada.retain("chat", 30)
    put_back(memory, path)
    assert texts(open_memory()) == []


def test_the_index_is_made_anew_and_that_of_others_removed(open_memory, tmp_path) -> None:
    memory = open_memory(exact_limit=3)
    ada = memory.user("ada")
    for n in range(6):
        ada.observe(f"number {n}")
    memory.drain_index()
    path = memory.backup(tmp_path / "x.db").path
    for n in range(6):
        memory.user("eve").observe(f"number {n}")
    memory.drain_index()
    put_back(memory, path)
    with memory.database.read() as connection:
        assert connection.execute(select(stray_indexes)).first() is not None
        assert connection.execute(select(users.c.index_key)).scalars().all() == [None]
    assert memory.drain_index() == 6
    assert len(ada.search("number 3", 6)) == 6
    with memory.database.read() as connection:
        assert connection.execute(select(stray_indexes)).first() is None


def test_a_store_of_an_earlier_version_is_upgraded_on_the_way(tmp_path) -> None:
    old = tmp_path / "old.db"
    with sqlite3.connect(old) as database:
        database.executescript(OLD_STORE.read_text(encoding="utf-8"))
    database.close()
    before = old.read_bytes()
    done = restore(tmp_path / "new" / "limner.db", old)
    assert done.observations > 0
    assert old.read_bytes() == before
    with Memory(Settings(home=tmp_path / "new"), HashEncoder(dimension=64)) as memory:
        assert sum(len(memory.user(name).observations()) for name in memory.users()) == done.observations


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8192])


def _overwrite(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192:40960] = os.urandom(32768)
    path.write_bytes(content)


def _replace_with_text(path: Path) -> None:
    path.write_text("hello")


def _other_tables(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (x)")
    database.close()


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (_cut_off, StoreError, "damaged"),
        (_overwrite, StoreError, "damaged"),
        (_replace_with_text, InputError, "no SQLite file"),
        (_other_tables, InputError, "tables are others"),
        (_newer, ConfigurationError, "Upgrade limner"),
        (Path.unlink, InputError, "no file"),
    ],
)
def test_what_is_no_whole_backup_is_refused_and_nothing_touched(
    memory, ada, saved, change, error, says
) -> None:
    ada.observe("I like water")
    before = lines_of(memory)
    change(saved)
    with pytest.raises(error, match=says):
        put_back(memory, saved)
    assert lines_of(memory) == before


def test_another_store_is_not_replaced(saved, tmp_path) -> None:
    with Memory(Settings(home=tmp_path / "other"), HashEncoder(dimension=64)) as other:
        other.user("eve").observe("mine")
        with pytest.raises(InputError, match="another store"):
            put_back(other, saved)
        assert texts(other, "eve") == ["mine"]


def test_a_damaged_store_is_said_to_be_moved_away(saved, tmp_path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "limner.db").write_bytes(b"nonsense" * 4096)
    with pytest.raises(StoreError) as caught:
        restore(tmp_path / "broken" / "limner.db", saved)
    assert any("away and restore again" in note for note in caught.value.__notes__)


@pytest.mark.parametrize(
    ("place", "says"),
    [("saved.db", "there already"), ("none/x.db", "no folder"), ("home/x.db", "data folder")],
)
def test_a_backup_goes_nowhere_else_than_to_a_new_file(memory, saved, tmp_path, place, says) -> None:
    with pytest.raises(InputError, match=says):
        memory.backup(tmp_path / place)


def test_a_folder_gets_a_file_named_by_the_moment(memory, ada, tmp_path) -> None:
    ada.observe("x")
    (tmp_path / "backups").mkdir()
    made = memory.backup(tmp_path / "backups")
    assert made.path.name.startswith("limner-2")
    assert (made.users, made.observations, made.size) == (1, 1, made.path.stat().st_size)


def test_a_backup_made_while_others_write_has_a_whole_state(memory, ada, tmp_path) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            ada.observe_many([])
            ada.observe("again and again")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(ada.observations()) < 5:
            time.sleep(0.01)
        at_least = len(ada.observations())
        made = memory.backup(tmp_path / "x.db")
    finally:
        stop.set()
        writer.join()
    assert at_least <= made.observations <= len(ada.observations())
    copy = sqlite3.connect(made.path)
    assert copy.execute("SELECT count(*) FROM documents").fetchone() == (made.observations,)


def test_what_was_erased_before_is_in_no_backup(memory, ada, tmp_path) -> None:
    for n in range(50):
        ada.observe(f"filler number {n}")
    ada.forget(ada.observe("zyzzyva").id)
    made = memory.backup(tmp_path / "x.db")
    assert b"zyzzyva" not in made.path.read_bytes()


@pytest.fixture
def small_disk(tmp_path):
    """A folder with room for 2 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small file system here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_leaves_no_half_backup(memory, ada, small_disk) -> None:
    ada.observe_many(NewObservation("word " * 20_000) for _ in range(40))
    with pytest.raises(StoreFull):
        memory.backup(small_disk / "x.db")
    assert list(small_disk.iterdir()) == []
    assert len(ada.observations()) == 40


def test_a_full_disk_leaves_the_store_as_it_was(memory, ada, small_disk, tmp_path) -> None:
    ada.observe_many(NewObservation(os.urandom(40_000).hex()) for _ in range(40))
    big = memory.backup(tmp_path / "big.db").path
    with sqlite3.connect(big) as database:
        (id,) = database.execute("SELECT id FROM store").fetchone()
    database.close()
    with Memory(Settings(home=small_disk), HashEncoder(dimension=64)) as other:
        other.user("ada").observe("I like tea")
        with other.database.write() as connection:
            connection.execute(update(store).values(id=id))
        with pytest.raises(StoreFull):
            put_back(other, big)
        assert texts(other) == ["I like tea"]
        other.user("ada").observe("I like water")


_DIES = """
    import os, signal, sys
    from pathlib import Path
    from limner.memory import restoring
    if sys.argv[3] == "renewing":
        renew = restoring._Restoring._renew
        def die(self, indexed):
            renew(self, indexed)
            os.kill(os.getpid(), signal.SIGKILL)
        restoring._Restoring._renew = die
    print("begins", flush=True)
    restoring.restore(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def _restoring(home: Path, saved: Path, point: str) -> subprocess.Popen:
    code = textwrap.dedent(_DIES)
    arguments = [sys.executable, "-c", code, str(home / "limner.db"), str(saved), point]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_a_restoring_that_dies_before_its_end_leaves_the_store_as_it_was(memory, ada, saved) -> None:
    ada.observe("I like water")
    ada.forget_source("chat")
    before = lines_of(memory)
    assert _restoring(memory.settings.home, saved, "renewing").wait(60) == -9
    assert lines_of(memory) == before
    put_back(memory, saved)
    assert texts(memory) == ["I like tea"]


@pytest.mark.crash
@pytest.mark.timeout(3600)
def test_a_restoring_that_dies_at_any_moment_leaves_one_whole_store(open_memory, tmp_path) -> None:
    def add(memory: Memory, words: str) -> None:
        memory.user("ada").observe_many(NewObservation(f"{words} {n}") for n in range(3000))

    memory = open_memory()
    add(memory, "before")
    saved = memory.backup(tmp_path / "x.db").path
    add(memory, "after")
    memory.close()
    draw = random.Random(1)
    outcomes = []
    for _ in range(30):
        process = _restoring(tmp_path / "home", saved, "anywhere")
        time.sleep(draw.uniform(0, 4))
        process.kill()
        process.wait()
        with sqlite3.connect(tmp_path / "home" / "limner.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        database.close()
        again = open_memory()
        outcomes.append(len(again.user("ada").observations()))
        assert outcomes[-1] in {3000, 6000}
        if outcomes[-1] == 3000:
            add(again, "after")
        again.close()
    assert set(outcomes) == {3000, 6000}
