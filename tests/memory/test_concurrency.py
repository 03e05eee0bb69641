"""Many processes and threads at once on one store: everything is kept, and no lock error reaches a caller."""

import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from contracts.vector_index_contract import DENSE
from durability.crowd import SHARED, crowd, open_crowded
from limner.memory import Memory, NewObservation


def check(home: Path, processes: int, writes: int, **places: object) -> None:
    """Let a crowd write, and compare what is there with what was acknowledged."""
    acknowledged, errors = crowd(home, processes, writes, **places)
    assert errors == []
    shared = len(range(1, writes, SHARED))
    assert len(acknowledged) == processes * (writes - shared) + shared
    with open_crowded(home, **places) as memory:
        held = [o for name in memory.users() for o in memory.user(name).observations()]
        assert {o.key: o.id for o in held} == acknowledged
        assert len(held) == len(acknowledged)
        check_applied_once(memory)
        memory.drain_index()
        assert memory.status().outbox == 0
        ada = memory.user("ada")
        found = {
            r.record.id
            for r in ada.search("what did anybody say", k=len(held), weights=DENSE, kinds=["observation"])
        }
        assert found
        assert found <= {o.id for o in ada.observations()}


def check_applied_once(memory: Memory) -> None:
    with memory.database.read() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        applied = Counter(connection.execute(text("SELECT observation_id FROM batch_members")).scalars())
        done = connection.execute(text("SELECT id FROM observations WHERE state = 'done'")).scalars().all()
        cited = Counter(connection.execute(text("SELECT observation_id FROM evidence")).scalars())
    assert applied == cited == Counter(done)


def test_many_processes_write_at_once(tmp_path) -> None:
    check(tmp_path / "home", processes=4, writes=30)


def test_many_processes_write_at_once_to_postgresql(tmp_path, postgresql_url) -> None:
    check(tmp_path / "home", processes=4, writes=20, database_url=postgresql_url)


@pytest.mark.crash
@pytest.mark.timeout(3600)
def test_eight_processes_write_five_hundred_times(tmp_path) -> None:
    check(tmp_path / "home", processes=8, writes=500)


@pytest.mark.crash
@pytest.mark.timeout(3600)
def test_eight_processes_write_to_postgresql_and_a_chroma_server(
    tmp_path, postgresql_url, chroma_url
) -> None:
    check(tmp_path / "home", processes=8, writes=150, database_url=postgresql_url, chroma_url=chroma_url)


@pytest.mark.parametrize("place", ["sqlite", "postgresql"])
def test_many_threads_write_at_once(tmp_path, place, request) -> None:
    places = {"database_url": request.getfixturevalue("postgresql_url")} if place == "postgresql" else {}
    with open_crowded(tmp_path / "home", **places) as memory, ThreadPoolExecutor(24) as pool:

        def write(number: int) -> str:
            user = memory.user("ada" if number % 2 else f"user{number % 3}")
            kept = user.observe(f"the {number} said hello", key=str(number))
            if number % 10 == 0:
                memory.drain_index()
            if number % 7 == 0:
                user.search("hello", k=3)
            return kept.id

        ids = list(pool.map(write, range(240)))
        held = [o.id for name in memory.users() for o in memory.user(name).observations()]
        assert sorted(ids) == sorted(held)


SECOND = """
import os, sys
from durability.crowd import open_crowded
from pathlib import Path

home = Path(sys.argv[1])
memory = open_crowded(home)
ada = memory.user("ada")
ada.observe("from the second process")
ada.search("what was said", k=5)
moved = memory.drain_index()
memory.rebuild_index()
ada.forget(ada.observations()[0].id)
memory.drain_index()
opened = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")}
mapped = Path("/proc/self/maps").read_text()
index = str(home / "index")
print("chromadb" in sys.modules, moved, sorted(path for path in opened if path.startswith(index)), index in mapped)
memory.close()
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_a_second_process_never_opens_the_folder_of_the_index(tmp_path, monkeypatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    with open_crowded(home) as memory:
        memory.user("ada").observe_many(NewObservation(f"number {n} was said") for n in range(40))
        assert memory.drain_index() == 40
        inside = {p: p.stat().st_mtime_ns for p in (home / "index").rglob("*") if p.is_file()}
        done = subprocess.run(
            [sys.executable, "-c", SECOND, str(home)], capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == ["False", "0", "[]", "False"]
        assert {p: p.stat().st_mtime_ns for p in (home / "index").rglob("*") if p.is_file()} == inside
        assert memory.drain_index() == 40  # the first process follows what the second has written


def test_threads_share_one_client_of_the_folder(tmp_path) -> None:
    with open_crowded(tmp_path / "home") as memory:
        memory.user("ada").observe_many(NewObservation(f"number {n} was said") for n in range(60))
        failed: list[BaseException] = []

        def use() -> None:
            try:
                for number in range(8):
                    memory.user("ada").search(f"number {number}", k=3)
                    memory.drain_index()
            except BaseException as error:  # noqa: BLE001 - it is reported to the test
                failed.append(error)

        threads = [threading.Thread(target=use) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert memory.status().outbox == 0
        assert len(memory.index._collections._clients) == 1
