"""What is forgotten is gone: from every answer, and from every byte under the data folder."""

import shutil

import pytest
from sqlalchemy import select

from contracts.memory_reflections import proposed, quote, reflect, revision_of
from contracts.remains import remains
from limner.errors import LimnerWarning, NotFound, StaleClaim
from limner.memory import NewObservation, Portrait, PortraitLine, database
from limner.memory.schema import users

pytestmark = pytest.mark.every_database

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


def test_an_unknown_id_is_said_to_be_so(ada) -> None:
    with pytest.raises(NotFound):
        ada.forget("no such thing")


def test_forgetting_what_revised_a_line_restores_it(ada) -> None:
    porto = ada.observe("I live in Porto")
    (old,) = reflect(ada, proposed(ada, "Lives in Porto.", porto))
    moved = ada.observe("I moved to Lisbon")
    reflect(ada, revision_of(ada, old, "Lives in Lisbon, before in Porto.", moved))
    receipt = ada.forget(moved.id)
    assert (receipt.propositions, receipt.withheld, receipt.restored, receipt.requeued) == (1, 1, 1, 0)
    assert ada.propositions() == [old]
    assert ada.similar(["Lives in Porto."])[0][0].proposition == old


def test_later_revisions_go_too_and_their_evidence_is_reflected_on_again(ada) -> None:
    first, second, third = (ada.observe(t) for t in ("I live in Porto", "near the river", "with a dog"))
    one = ada.claim(len(first.text), len)
    old = proposed(ada, "Lives in Porto.", first)
    ada.apply(one, add=[old])
    new = revision_of(ada, old, "Lives near the Douro in Porto.", second)
    ada.apply(ada.claim(len(second.text), len), add=[new])
    newest = revision_of(ada, new, "Lives near the Douro with a dog.", third, evidence=(quote(third),))
    ada.apply(ada.claim(100, len), add=[newest])
    receipt = ada.forget(second.id)
    assert (receipt.propositions, receipt.restored, receipt.withheld) == (2, 1, 1)
    assert [p.id for p in ada.propositions()] == [old.id]
    assert [o.id for o in ada.observations(pending=True)] == [third.id]


def test_what_was_given_up_with_it_is_reflected_on_again(ada) -> None:
    porto = ada.observe("I live in Porto")
    (old,) = reflect(ada, proposed(ada, "Lives in Porto.", porto))
    joke = ada.observe("That was a joke")
    reflect(ada, retire={old.id: "the user said that was a joke"})
    receipt = ada.forget(joke.id)
    assert receipt.requeued == 1
    assert [o.id for o in ada.observations(pending=True)] == [porto.id]
    assert ada.history(old.group)[0].retired_because is None


def test_forgetting_a_proposition_takes_its_line_and_leaves_the_observations(ada) -> None:
    porto, moved = ada.observe("I live in Porto"), None
    (old,) = reflect(ada, proposed(ada, "Lives in Porto.", porto))
    moved = ada.observe("I moved to Lisbon")
    (new,) = reflect(ada, revision_of(ada, old, "Lives in Lisbon.", moved))
    receipt = ada.forget(new.id)
    assert (receipt.kind, receipt.propositions, receipt.observations) == ("proposition", 2, 0)
    assert ada.propositions() == []
    with pytest.raises(NotFound):
        ada.history(old.group)
    assert [o.id for o in ada.observations()] == [porto.id, moved.id]
    assert ada.observations(pending=True) == []


def test_a_forgotten_key_can_be_used_again(ada) -> None:
    first = ada.observe("hello", key="k")
    ada.forget(first.id)
    assert ada.observe("hello", key="k").id != first.id


def test_a_reader_that_lingers_is_named_in_the_receipt(ada, memory, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(database, "SCRUB_PATIENCE_S", 0.1)
    gone = ada.observe(SENTENCE)
    with memory.database.read() as connection:
        connection.execute(select(users)).all()
        receipt = ada.forget(gone.id)
    assert any("older state" in remnant for remnant in receipt.remnants)
    assert ada.observations() == []
    ada.forget(ada.observe("anything").id)
    assert remains(tmp_path / "home", SECRET, []) == []


def test_a_portrait_drawn_from_what_was_forgotten_meanwhile_is_refused(ada) -> None:
    said = ada.observe(SENTENCE)
    (held,) = reflect(ada, proposed(ada, f"Sees a doctor in {SECRET}.", said))
    shows = (
        PortraitLine(text=held.text, propositions=(held.id,)),
        PortraitLine(text=said.text, evidence=(quote(said),)),
    )
    ada.forget(said.id)
    for line in shows:
        with pytest.raises(StaleClaim):
            ada.save_portrait(Portrait(user_id="ada", kind="summary", lines=(line,)))
    assert ada.portrait("summary") is None


def test_a_folder_that_cannot_be_removed_is_named_and_the_log_is_empty_all_the_same(
    crowded, monkeypatch, tmp_path
) -> None:
    ada = crowded.user("ada")
    secret = ada.observe(SENTENCE)
    crowded.drain_index()

    def refuse(path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.warns(LimnerWarning, match="cannot be removed"):
        receipt = ada.forget(secret.id)
    assert any("rewritten when it is next drained" in remnant for remnant in receipt.remnants)
    assert remains(tmp_path / "home", SECRET, []) == []
    monkeypatch.undo()
    crowded.drain_index()
    vectors = list(crowded.encoder.encode_documents([SENTENCE]))
    assert remains(tmp_path / "home", SECRET, vectors) == []
