"""Kill the process anywhere: nothing that was acknowledged is lost, nothing is applied twice."""

import os
import signal
import subprocess
import sys
import time

import pytest

from limner.memory import Memory, index, utc_now
from limner.memory.documents import visible_documents
from limner.settings import Settings
from limner.testing import HashEncoder

WORKER = """
import sys
from contracts.memory_reflections import proposed
from limner.memory import Memory, index, utc_now
from limner.memory.documents import visible_documents
from limner.settings import Settings
from limner.testing import HashEncoder

memory = Memory(Settings(home=sys.argv[1], exact_limit=5), HashEncoder(dimension=16))
ada = memory.user("ada")
for number in range(int(sys.argv[2]), 1_000_000):
    kept = ada.observe(f"observation {number}", key=str(number))
    print("observed", number, flush=True)
    if number % 3 == 0 and (batch := ada.claim(60, len)):
        ada.apply(batch, add=[proposed(ada, f"Says {o.text}.", o) for o in batch.observations])
        for observation in batch.observations:
            print("applied", observation.key, flush=True)
    if number % 7 == 0:
        memory.drain_index()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_nothing_acknowledged_is_lost_and_nothing_applied_twice(tmp_path, monkeypatch) -> None:
    home = tmp_path / "home"
    observed: set[int] = set()
    applied: list[str] = []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for round in range(6):
        start = max(observed, default=-1) + 1
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(home), str(start)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        seen = [worker.stdout.readline()]
        time.sleep(0.05 + 0.11 * round)
        worker.send_signal(signal.SIGKILL)
        seen += worker.stdout.read().splitlines()
        worker.wait()
        for line in seen:
            verb, _, name = line.strip().partition(" ")
            if verb == "observed" and name.isdecimal():
                observed.add(int(name))
            elif verb == "applied" and name.isdecimal():
                applied.append(name)

    memory = Memory(Settings(home=home, exact_limit=5), HashEncoder(dimension=16))
    ada = memory.user("ada")
    assert len(observed) > 20
    stored = {int(o.key) for o in ada.observations()}
    assert observed <= stored
    while batch := ada.claim(10_000, len):  # the claims of the dead are free at once
        ada.apply(batch)
    assert ada.status().pending == 0
    texts = [p.text for p in ada.propositions()]
    assert len(texts) == len(set(texts))
    assert {f"Says observation {key}." for key in applied} <= set(texts)

    later = utc_now() + 2 * index.LEASE  # notes that a dead process had leased
    monkeypatch.setattr(index, "utc_now", lambda: later)
    memory.drain_index()
    assert memory.status().outbox == 0
    vector = memory.encoder.encode_query(["observation"])[0]
    with memory.database.read() as connection:
        known = {d.id for d in visible_documents(connection, "ada", ["observation"])}
        indexed = memory.index.nearest(connection, "ada", "observation", vector, 10_000)
    assert indexed is not None
    assert set(indexed) == known
    memory.close()
