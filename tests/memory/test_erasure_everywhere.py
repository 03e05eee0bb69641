"""A secret is planted in every place where limner keeps anything; forgotten, it is in no file any more."""

import gzip
import json
import operator
import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Annotated, TypedDict

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration
from langgraph.graph import END, START, StateGraph
from sqlalchemy import create_engine, text

from contracts.memory_reflections import proposed, quote
from contracts.remains import remains
from limner.inference.response_cache import ResponseCache
from limner.memory import Media, NewObservation, Portrait, PortraitLine
from limner.memory.rotation import rotated

SECRET = "Zygographica"  # a word of this module's own: the log of a cluster may still hold that of another
SENTENCE = f"My doctor in {SECRET} says I must not watch films at night"


class State(TypedDict):
    said: Annotated[list[str], operator.add]


def conversation(user):
    graph = StateGraph(State)
    graph.add_node("answer", lambda state: {"said": [f"You said: {state['said'][-1]}"]})
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    return graph.compile(checkpointer=user.checkpoints())


def talk(user, thread: str, words: str) -> list[str]:
    config = {"configurable": {"thread_id": thread}}
    return conversation(user).invoke({"said": [words]}, config)["said"]


def log_folder(home: Path) -> Path:
    """Leave logs of every kind under the data folder, with the secret in them, and one without."""
    logs = home / "logs" / "today"
    logs.mkdir(parents=True)
    with zipfile.ZipFile(logs / "run.eval", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples/1.json", json.dumps({"context": SENTENCE}))
    (logs / "run.result.json").write_text(json.dumps({"answer": f"in {SECRET.upper()}"}))
    (logs / "limner.log.1").write_text(f"asked about {SECRET.lower()}\n")
    (logs / "wide.json").write_bytes(SENTENCE.encode("utf-16"))
    (logs / "old.jsonl.gz").write_bytes(gzip.compress(SENTENCE.encode()))
    (logs / "kept.json").write_text(json.dumps({"answer": "My doctor says hello"}))
    with ResponseCache(home / "logs" / "responses.db") as cache:
        cache.update("prompt", "model", [ChatGeneration(message=AIMessage(SENTENCE))])
    with closing(sqlite3.connect(home / "logs" / "open.db")) as other:  # its rows are in the log beside it
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE answers (id INTEGER, body BLOB)")
        other.execute("INSERT INTO answers VALUES (1, ?)", (SENTENCE.encode(),))
        other.commit()
    return logs


def plant(memory) -> tuple[object, list]:
    """Put the secret everywhere, and return the observation and the vectors that give it away."""
    ada, bob = memory.user("ada"), memory.user("bob")
    for user in (bob, ada):
        user.observe_many(NewObservation(f"note {n} about film {n * 7}", source="chat") for n in range(60))
    other = ada.observe("I sleep badly")
    while batch := ada.claim(100_000, len):
        ada.apply(batch)
    media = Media(uri=f"file:///{SECRET}.png", mime_type="image/png", description=f"A map of {SECRET}.")
    talk(ada, "films", "Anything without nights?")
    talk(ada, f"about {SECRET}", "Hello")
    talk(ada, "doctors", SENTENCE)
    secret = ada.observe(
        SENTENCE, source=f"talk {SECRET}", key=f"key-{SECRET}", media=media, session=f"s {SECRET}"
    )
    talk(ada, "films", "What now?")
    batch = ada.claim(100_000, len)
    alone = proposed(ada, f"Sees a doctor in {SECRET}.", secret, reasoning=f"{SECRET} is named")
    both = proposed(ada, f"Sleeps badly, says {SECRET}.", secret, other)
    beside = proposed(ada, "Sleeps badly.", other, reasoning=f"maybe because of {SECRET}")
    ada.apply(batch, add=[alone, both, beside])
    ada.confirm(alone.id)
    shown = PortraitLine(text=f"{SECRET}!", propositions=(alone.id,))
    cited = PortraitLine(text="A doctor.", evidence=(quote(secret),))
    told = PortraitLine(text=f"Fond of {SECRET}.")
    for line in (shown, cited, told):
        ada.save_portrait(Portrait(user_id="ada", kind="summary", task=f"for {line.text}", lines=(line,)))
    ada.record_audit("shop", "gift", decision="withhold", proposition_id=both.id, reason=SECRET)
    ada.observe("another note")
    ada.release(ada.claim(100, len), f"the model said {SECRET}")
    ada.observe(f"I am sorry to hear that about {SECRET}.", author="assistant")
    ada.search(SECRET)
    ada.similar([f"about {SECRET}"])
    memory.drain_index()
    ada.observe("left in the outbox")
    ada.search("outbox")
    texts = [SENTENCE, alone.text, both.text]
    vectors = list(memory.encoder.encode_documents(texts))
    return secret, vectors + [rotated(v, memory.index._seed("ada")) for v in vectors]


def check_gone(memory, receipt) -> None:
    ada = memory.user("ada")
    assert receipt.portraits == 3
    assert receipt.files == 7
    assert (receipt.withheld, receipt.requeued) == (1, 1)
    assert SECRET not in repr(receipt)
    assert SECRET.lower() not in json.dumps(list(ada.export())).lower()
    assert talk(ada, "films", "And now?")[0] == "Anything without nights?"
    assert talk(ada, "doctors", "Hello again") == ["Hello again", "You said: Hello again"]
    assert len(memory.user("bob").observations()) == 60


def test_nothing_is_left_on_sqlite_with_folders(open_memory, tmp_path) -> None:
    memory = open_memory(exact_limit=20)
    home = tmp_path / "home"
    secret, vectors = plant(memory)
    logs = log_folder(home)
    planted = remains(home, SECRET, vectors)
    places = {name.split(":")[0] for name in planted}
    assert {"limner.db-wal", "logs/today/run.eval/samples/1.json", "logs/responses.db"} <= places
    assert any(name.startswith("index") and name.endswith("vector") for name in planted)

    receipt = memory.user("ada").forget(secret.id)

    assert receipt.remnants == ()
    assert remains(home, SECRET, vectors) == []
    assert (logs / "kept.json").exists()
    check_gone(memory, receipt)
    memory.drain_index()
    assert remains(home, SECRET, vectors) == []


def test_nothing_is_left_on_servers(
    open_memory, postgresql_cluster, postgresql_url, chroma_server, tmp_path
) -> None:
    operator_of = create_engine(postgresql_cluster.url, isolation_level="AUTOCOMMIT")
    with operator_of.connect() as connection:
        for statement in ("ALTER SYSTEM SET wal_recycle = off", "SELECT pg_reload_conf()"):
            connection.execute(text(statement))
    began = time.time() - 2
    memory = open_memory(database_url=postgresql_url, chroma_url=chroma_server.url, exact_limit=20)
    secret, vectors = plant(memory)
    log_folder(tmp_path / "home")
    folders = (tmp_path / "home", postgresql_cluster.data, chroma_server.folder)
    with memory.database.write() as connection:
        connection.execute(text("ANALYZE"))
    with operator_of.connect() as connection:
        connection.execute(text("CHECKPOINT"))
    planted = [name for folder in folders for name in remains(folder, SECRET, vectors, since=began)]
    for place in ("logs/", "base/", "pg_wal/"):
        assert any(name.startswith(place) for name in planted), place
    half = len(vectors) // 2
    turned, plain = (
        remains(chroma_server.folder, SECRET, some, since=began) for some in (vectors[half:], vectors[:half])
    )
    assert turned != []
    assert plain == [], "the server has seen no vector as it is"

    receipt = memory.user("ada").forget(secret.id)

    (remnant,) = receipt.remnants
    assert chroma_server.url in remnant
    for folder in folders[:2]:
        assert remains(folder, SECRET, vectors, since=began) == []
    assert remains(chroma_server.folder, SECRET, vectors[:half], since=began) == []
    check_gone(memory, receipt)
    memory.drain_index()
    assert remains(chroma_server.folder, SECRET, vectors[:half], since=began) == []
    operator_of.dispose()
