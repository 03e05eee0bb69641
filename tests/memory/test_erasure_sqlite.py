"""No byte of what is forgotten is left in SQLite's files and in the folders of the index."""

import json

import pytest

from contracts.memory_reflections import proposed, quote
from contracts.remains import remains
from limner.memory import NewObservation, Portrait, PortraitLine
from limner.memory.receipts import ERASED
from limner.memory.rotation import rotated

SECRET = "Xylographica"
SENTENCE = f"My doctor in {SECRET} says I must not watch films at night"


@pytest.fixture
def crowded(open_memory):
    """A memory with a folder index and neighbours on every page, in which a secret is planted everywhere."""
    memory = open_memory(exact_limit=20)
    ada, bob = memory.user("ada"), memory.user("bob")
    for user in (bob, ada):
        user.observe_many(NewObservation(f"note {n} about film {n * 7}", source="chat") for n in range(60))
    return memory


def test_no_byte_remains(crowded, tmp_path) -> None:
    memory, ada = crowded, crowded.user("ada")
    other = ada.observe("I sleep badly")
    while batch := ada.claim(100_000, len):
        ada.apply(batch)
    secret = ada.observe(SENTENCE, source=SECRET, key=f"key-{SECRET}")
    batch = ada.claim(100_000, len)
    alone = proposed(ada, f"Sees a doctor in {SECRET}.", secret, reasoning=f"{SECRET} is named")
    both = proposed(ada, f"Sleeps badly, says {SECRET}.", secret, other)
    beside = proposed(ada, "Sleeps badly.", other, reasoning=f"maybe because of {SECRET}")
    ada.apply(batch, add=[alone, both, beside])
    ada.save_portrait(
        Portrait(
            user_id="ada",
            kind="propositions",
            lines=(PortraitLine(text=f"{SECRET}!", propositions=(alone.id,)),),
        )
    )
    ada.save_portrait(
        Portrait(
            user_id="ada",
            kind="summary",
            task="t",
            lines=(PortraitLine(text=f"{SECRET}?", evidence=(quote(secret),)),),
        )
    )
    ada.record_audit("shop", "gift", decision="withhold", proposition_id=both.id, reason=SECRET)
    memory.database.scrub()
    again = ada.observe("another note")
    ada.release(ada.claim(100, len), f"the model said {SECRET}")
    memory.drain_index()
    ada.search(SECRET)
    ada.similar([f"about {SECRET}"])
    vectors = list(memory.encoder.encode_documents([SENTENCE, alone.text, both.text]))
    home = tmp_path / "home"
    vectors += [rotated(v, memory.index._seed("ada")) for v in vectors]  # as they lie in the index
    planted = remains(home, SECRET, vectors)
    assert {"limner.db", "limner.db-wal"} <= {name.split(":")[0] for name in planted}
    assert any("vector" in name and not name.startswith("limner") for name in planted)

    receipt = ada.forget(secret.id)

    assert remains(home, SECRET, vectors) == []
    memory.drain_index()
    assert remains(home, SECRET, vectors) == []
    assert receipt.remnants == ()
    assert (receipt.observations, receipt.propositions, receipt.withheld) == (1, 2, 1)
    assert receipt.portraits == 2
    assert SECRET not in repr(receipt)
    assert SECRET.lower() not in json.dumps(list(ada.export())).lower()
    assert ada.proposition(beside.id).reasoning == ERASED
    assert ada.search(SECRET.lower(), k=200)
    assert {o.id for o in ada.observations(pending=True)} == {other.id, again.id}
    assert len(ada.observations()) == 62
    assert len(memory.user("bob").observations()) == 60


def test_many_erasures_leave_no_byte(open_memory, tmp_path) -> None:
    """Pages are split and merged as rows come and go; no copy may stay behind in their gaps."""
    memory = open_memory(exact_limit=10_000)
    ada = memory.user("ada")
    words = [f"{SECRET}{'bcdfghjklm'[n % 10] * 3}{n:03d}q" for n in range(60)]
    kept = ada.observe_many(NewObservation(f"{word} " + "filler " * (n % 40)) for n, word in enumerate(words))
    ada.observe_many(NewObservation(f"note {n} " + "word " * (n % 300)) for n in range(150))
    ada.search("note")
    vectors = list(memory.encoder.encode_documents([o.text for o in kept[:3]]))
    for observation in kept:
        ada.forget(observation.id)
    assert remains(tmp_path / "home", SECRET, vectors) == []
