"""A Chroma server that dies, or hangs, in the middle of something: nothing is lost, answers come from SQL, receipts say what waits."""

import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator

import pytest
from chromadb.api.models.Collection import Collection

from contracts.memory_reflections import proposed
from contracts.vector_index_contract import DENSE
from durability.indexes import check_index
from limner.errors import LimnerWarning
from limner.memory import Memory, NewObservation, chroma
from limner.memory.documents import KINDS
from limner.testing import HashEncoder
from servers import ChromaProcess


@pytest.fixture(scope="module")
def _started(tmp_path_factory) -> Iterator[ChromaProcess]:
    server = ChromaProcess(tmp_path_factory.mktemp("mortal"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(_started) -> Iterator[ChromaProcess]:
    """Return a server that a test may kill; it runs again for the next one."""
    yield _started
    if not _started.running:
        _started.start()


@pytest.fixture
def memory(open_memory, server, monkeypatch) -> Memory:
    monkeypatch.setattr(chroma, "UPSERT", 10)
    return open_memory(exact_limit=3, chroma_url=server.url)


@pytest.fixture
def ada(memory):
    ada = memory.user("ada")
    said = ada.observe_many(NewObservation(f"film number {n} is a word{n}") for n in range(30))
    batch = ada.claim(10_000, len)
    ada.apply(batch, add=[proposed(ada, f"Likes number{n}.", said[n]) for n in range(8)])
    return ada


def dies(server: ChromaProcess, monkeypatch, owner: type, name: str, call: int) -> None:
    """Kill the server before a method of Chroma's client is called for the nth time."""
    original: Callable[..., object] = getattr(owner, name)
    calls: list[None] = []

    def called(*args: object, **kwargs: object) -> object:
        calls.append(None)
        if len(calls) == call:
            server.kill()
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, called)


def comes_back(server: ChromaProcess, monkeypatch) -> None:
    monkeypatch.undo()
    server.start()


def check_whole(memory: Memory) -> None:
    """Make sure that the server has exactly the vectors that SQL has, and that they are asked for."""
    for kind in KINDS:
        with memory.database.read() as connection:
            mine = memory.index._count(connection, "ada", kind)
            vector = HashEncoder(dimension=64).encode_query(["word7"])[0]
            assert len(memory.index.nearest(connection, "ada", kind, vector, mine)) == mine
    assert check_index(memory, "ada") > 0


def best(ada, query: str) -> str:
    return ada.search(query, weights=DENSE, kinds=["observation"])[0].record.text


@pytest.mark.parametrize("call", [1, pytest.param(3, marks=pytest.mark.crash)])
def test_while_vectors_are_handed_over(memory, ada, server, monkeypatch, call) -> None:
    dies(server, monkeypatch, Collection, "upsert", call)
    with pytest.warns(LimnerWarning, match="compared from SQL"):
        memory.drain_index()
    assert memory.status().outbox > 0
    new = ada.observe("a zebra")
    with pytest.warns(LimnerWarning, match="compared from SQL"):
        assert best(ada, "zebra") == new.text
    assert len(ada.observations()) == 31
    comes_back(server, monkeypatch)
    memory.drain_index()
    assert memory.status().outbox == 0
    check_whole(memory)
    assert best(ada, "word7").endswith("word7")


@pytest.mark.parametrize("step", [pytest.param("count", marks=pytest.mark.crash), "query"])
def test_while_it_is_asked(memory, ada, server, monkeypatch, step) -> None:
    memory.drain_index()
    expected = [(r.record.id, r.score) for r in ada.search("word7 film", k=5)]
    monkeypatch.setattr(memory.snapshots, "limit", 1)
    dies(server, monkeypatch, Collection, step, 1)
    with pytest.warns(LimnerWarning, match="compared from SQL"):
        assert [(r.record.id, pytest.approx(r.score)) for r in ada.search("word7 film", k=5)] == expected
    comes_back(server, monkeypatch)
    assert [(r.record.id, pytest.approx(r.score)) for r in ada.search("word7 film", k=5)] == expected
    check_whole(memory)


@pytest.mark.parametrize("call", [1, pytest.param(2, marks=pytest.mark.crash)])
def test_while_something_is_erased(memory, ada, server, monkeypatch, call) -> None:
    from chromadb.api.client import Client

    memory.drain_index()
    gone = next(o for o in ada.observations() if o.text.endswith("word7"))
    dies(server, monkeypatch, Client, "delete_collection", call)
    with pytest.warns(LimnerWarning, match="compared from SQL"):
        receipt = ada.forget(gone.id)
    assert receipt.propositions == 1
    assert any("when it is next drained" in remnant for remnant in receipt.remnants)
    assert ada.receipt(receipt.id).remnants == receipt.remnants
    assert not best(ada, "word7").endswith("word7")
    with pytest.warns(LimnerWarning, match="No Chroma server|failed"):
        memory.drain_index()
    assert ada.receipt(receipt.id).remnants == receipt.remnants
    comes_back(server, monkeypatch)
    memory.drain_index()
    check_whole(memory)
    assert not best(ada, "word7").endswith("word7")
    (remnant,) = ada.receipt(receipt.id).remnants
    assert "next drained" not in remnant
    assert server.url in remnant


def test_while_somebody_is_forgotten_altogether(memory, ada, server, monkeypatch) -> None:
    memory.drain_index()
    server.kill()
    with pytest.warns(LimnerWarning, match="compared from SQL"):
        receipt = ada.forget_everything()
    assert any("when it is next drained" in remnant for remnant in receipt.remnants)
    assert memory.users() == []
    comes_back(server, monkeypatch)
    memory.drain_index()
    assert [
        c.name for c in memory.index._collections._client().list_collections() if memory_owns(memory, c)
    ] == []


def memory_owns(memory: Memory, collection: Collection) -> bool:
    return collection.name.startswith(memory.index._collections._prefix)


def test_one_that_hangs_is_given_up(memory, ada, server, monkeypatch) -> None:
    monkeypatch.setattr(chroma, "PATIENCE_S", 0.5)
    memory.drain_index()
    os.kill(server._process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        new = ada.observe("a zebra")
        with pytest.warns(LimnerWarning, match="compared from SQL"):
            assert best(ada, "zebra") == new.text
        assert time.monotonic() - began < 20
    finally:
        os.kill(server._process.pid, signal.SIGCONT)
    memory.drain_index()
    check_whole(memory)


def test_a_store_opens_without_it(open_memory, memory, ada, server, monkeypatch) -> None:
    memory.drain_index()
    gone = ada.observations()[0]
    server.kill()
    with pytest.warns(LimnerWarning, match="compared from SQL"):
        ada.forget(gone.id)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        again = open_memory(exact_limit=3, chroma_url=server.url)
        assert len(again.user("ada").observations()) == 29
    assert all(issubclass(w.category, LimnerWarning) for w in warned)
    comes_back(server, monkeypatch)
    again.drain_index()
    check_whole(again)
