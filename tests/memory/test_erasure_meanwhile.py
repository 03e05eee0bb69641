"""Forgetting while a reflection is under way, here and in another process: it does not bring back what is forgotten."""

import json
import subprocess
import sys
import threading

import pytest

from answering import Answers
from contracts.memory_reflections import proposed, reflect
from contracts.remains import remains
from durability.elsewhere import reflecting
from limner.errors import NotFound, StaleClaim
from limner.memory import NewObservation, Portrait, PortraitLine, utc_now
from limner.memory.receipts import ERASED
from limner.profiles.propositions.reflect import reflect as run_reflection
from limner.settings import Settings

pytestmark = pytest.mark.every_database

SECRET = "Xylographica"
SENTENCE = f"My doctor is in {SECRET}."
OTHER = "I sleep badly at night."


@pytest.mark.parametrize("malformed", [False, True])
def test_another_process_that_reflects_brings_nothing_back(memory, places, malformed, tmp_path) -> None:
    ada = memory.user("ada")
    secret, other = ada.observe(SENTENCE), ada.observe(OTHER)
    with reflecting("ada", malformed=malformed, home=tmp_path / "home", **places) as elsewhere:
        receipt = ada.forget(secret.id)
        assert receipt.observations == 1
        assert places or receipt.remnants == ()
        elsewhere.finish()
    assert [o.id for o in ada.observations()] == [other.id]
    assert SECRET not in json.dumps(list(ada.export()))
    assert all(ERASED in parked.reason or SECRET not in parked.reason for parked in ada.parked())
    memory.database.scrub()
    vectors = list(memory.encoder.encode_documents([SENTENCE, f"The user says: {SENTENCE}"]))
    assert remains(tmp_path / "home", SECRET, vectors) == []
    if not malformed:
        assert [p.text for p in ada.propositions()] == [f"The user says: {OTHER}"]


def test_another_process_that_reflects_brings_no_forgotten_user_back(memory, places, tmp_path) -> None:
    ada = memory.user("ada")
    ada.observe(SENTENCE, source=SECRET)
    with reflecting("ada", home=tmp_path / "home", **places) as elsewhere:
        ada.forget_everything()
        assert elsewhere.finish() == (1, 0)
    assert memory.users() == []
    memory.database.scrub()
    assert remains(tmp_path / "home", SECRET) == []


async def test_a_reflection_in_this_process_stores_nothing_of_it(memory, ada, tmp_path) -> None:
    secret, other = ada.observe(SENTENCE), ada.observe(OTHER)
    forgotten = []

    def propose(lines: str) -> dict[str, object]:
        if not forgotten:
            thread = threading.Thread(target=lambda: forgotten.append(ada.forget(secret.id)))
            thread.start()
            thread.join()
        numbers = [n for n, line in enumerate(lines.split("\n["), 1) if line]
        said = {"reasoning": lines, "confidence": 8, "durability": 8}
        return {"statements": [{**said, "text": f"The user: {OTHER}", "evidence": numbers}]}

    answers = Answers(replies={"propose": propose})
    done = await run_reflection(
        ada, answers.model(plan="batch"), memory.encoder, Settings(home=tmp_path / "home")
    )
    assert len(forgotten) == 1
    assert len(done.failed) == 1
    assert [p.text for p in ada.propositions()] == [f"The user: {OTHER}"]
    assert [e.observation_id for p in ada.propositions() for e in p.evidence] == [other.id]
    memory.database.scrub()
    assert remains(tmp_path / "home", SECRET) == []


def test_a_batch_that_lost_an_observation_keeps_no_words_of_its_failure(ada) -> None:
    secret = ada.observe(SENTENCE)
    ada.observe(OTHER)
    batch = ada.claim(1000, len)
    ada.forget(secret.id)
    with pytest.raises(StaleClaim):
        ada.apply(batch, add=[])
    for _ in range(3):
        ada.release(batch, f"the model said {SECRET}")
    (again,) = ada.observations(pending=True)
    assert again.text == OTHER
    assert SECRET not in json.dumps(list(ada.export()))


def test_a_portrait_begun_before_is_not_kept(ada) -> None:
    began = utc_now()
    other = ada.observe(OTHER)
    (held,) = reflect(ada, proposed(ada, "Sleeps badly.", other))
    ada.forget(ada.observe(SENTENCE).id)
    line = PortraitLine(text=f"Sleeps badly in {SECRET}.", propositions=(held.id,))
    drawn = Portrait(user_id="ada", kind="summary", lines=(line,), drawn_at=began, model="m")
    with pytest.raises(StaleClaim, match="draw it again"):
        ada.save_portrait(drawn)
    ada.save_portrait(drawn.model_copy(update={"drawn_at": utc_now()}))


def test_forgetting_a_source_takes_all_of_it_at_once(ada) -> None:
    letters = ada.observe_many(NewObservation(f"letter {n} from {SECRET}", "post") for n in range(700))
    chat = ada.observe("I live in Porto", source="chat")
    batch = ada.claim(1_000_000, len)
    mixed = proposed(ada, "Gets letters in Porto.", chat, letters[0])
    alone = proposed(ada, "Gets letters.", *letters[1:20])
    ada.apply(batch, add=[proposed(ada, "Reads.", letters[1])])
    while batch := ada.claim(1_000_000, len):
        ada.apply(batch, add=[mixed, alone] if chat in batch.observations else [])
    receipt = ada.forget_source("post")
    assert (receipt.kind, receipt.observations, receipt.propositions) == ("source", 700, 3)
    assert (receipt.withheld, receipt.requeued, receipt.waiting, receipt.rederived) == (1, 1, 1, 0)
    assert ada.observations() == [chat]
    assert ada.propositions() == []
    reflect(ada, proposed(ada, "Lives in Porto.", chat))
    later = ada.receipt(receipt.id)
    assert (later.withheld, later.waiting, later.rederived) == (1, 0, 1)
    assert ada.receipts() == [later]
    with pytest.raises(NotFound):
        ada.forget_source("post")
    with pytest.raises(NotFound):
        ada.receipt("no such thing")


def test_forgetting_everything_leaves_nobody(memory, ada, places, tmp_path) -> None:
    bob = memory.user("bob")
    kept = bob.observe("I live in Porto")
    other = memory.user(f"{SECRET}-user")
    said = other.observe(SENTENCE)
    reflect(other, proposed(other, f"Sees a doctor in {SECRET}.", said))
    other.search("doctor")
    other.forget(other.observe("first").id)
    receipt = other.forget_everything()
    assert (receipt.kind, receipt.observations, receipt.propositions) == ("everything", 1, 1)
    assert memory.users() == ["bob"]
    assert bob.observations() == [kept]
    assert other.receipts() == []
    assert remains(tmp_path / "home", SECRET, list(memory.encoder.encode_documents([SENTENCE]))) == []
    again = other.forget_everything()
    assert again.observations == 0
    assert places or again.remnants == ()
    assert memory.users() == ["bob"]


def test_an_index_in_use_elsewhere_is_removed_by_who_has_it(open_memory, tmp_path) -> None:
    first = open_memory(exact_limit=3)
    ada = first.user("ada")
    ada.observe_many(NewObservation(f"{SECRET} number {n}") for n in range(10))
    first.drain_index()
    assert list((tmp_path / "home" / "index").glob("*/*"))
    second = open_memory(exact_limit=3)
    receipt = second.user("ada").forget_everything()
    assert any("in use elsewhere" in remnant for remnant in receipt.remnants)
    first.drain_index()
    assert not list((tmp_path / "home" / "index").glob("*/*"))


def test_no_model_is_needed(tmp_path) -> None:
    """Nothing that is imported for an erasure can ask one."""
    code = (
        "import sys; from limner.memory import Memory; from limner.settings import Settings\n"
        "class Encoder: name, version = 'none', '0'\n"
        f"memory = Memory(Settings(home={str(tmp_path)!r}), Encoder())\n"
        "ada = memory.user('ada')\n"
        "ada.forget(ada.observe('hello').id)\n"
        "ada.observe('hello', source='s'); ada.forget_source('s'); ada.forget_everything()\n"
        "print([m for m in ('openai', 'xllamacpp', 'langchain_openai', 'torch', 'langgraph') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
