"""Every proposition has evidence, and the user outranks the machine."""

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from contracts.memory_reflections import proposed, quote, reflect, revision_of, stated
from limner.errors import InputError, StaleClaim
from limner.memory import Evidence, Standing, new_id
from limner.memory.rows import proposition_row
from limner.memory.schema import propositions

pytestmark = pytest.mark.every_database


@pytest.fixture
def said(ada):
    return ada.observe("I live in Porto")


def refuse(ada, complaint: str, *add, retire=None) -> None:
    batch = ada.claim(10_000, len)
    before = ada.propositions()
    with pytest.raises(InputError, match=complaint):
        ada.apply(batch, add=add, retire=retire or {})
    assert ada.propositions() == before
    ada.release(batch)


def test_evidence_must_support(ada, said) -> None:
    refuse(ada, "no supporting evidence", proposed(ada, "Lives in Porto."))
    against = (quote(said, polarity="contradicts"),)
    refuse(ada, "no supporting evidence", proposed(ada, "Lives in Rome.", evidence=against))


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [(0, 6, "I lived"), (1, 7, "I live"), (0, 6, "i live"), (0, 0, ""), (1, 2, " "), (90, 96, "I live")],
)
def test_a_quote_must_stand_where_it_is_said_to(ada, said, start, end, words) -> None:
    span = Evidence(observation_id=said.id, start=start, end=end, quote=words)
    wrong = proposed(ada, "Lives in Porto.", evidence=(span,))
    refuse(ada, f"{wrong.id} quotes {said.id}", wrong)


def test_a_quote_must_be_of_an_observation_of_this_user(ada, memory, said) -> None:
    foreign = memory.user("bob").observe("I live in Porto")
    refuse(ada, foreign.id, proposed(ada, "Lives in Porto.", foreign))
    span = Evidence(observation_id=new_id(), start=0, end=1, quote="I")
    refuse(ada, "not there", proposed(ada, "Lives in Porto.", evidence=(span,)))


def test_what_limner_said_is_no_evidence(ada, said) -> None:
    own = ada.observe("You live in Porto, I believe.", author="assistant")
    refuse(ada, "limner itself", proposed(ada, "Lives in Porto.", own))


def test_a_proposition_is_about_this_user_and_says_something(ada, said) -> None:
    refuse(ada, "another user", proposed(ada, "Lives in Porto.", said, user_id="bob"))
    refuse(ada, "no text", proposed(ada, "  ", said))
    refuse(ada, "NUL", proposed(ada, "Lives in Porto.", said, reasoning="so\0"))


def test_only_what_is_held_can_be_revised(ada, said) -> None:
    (old,) = reflect(ada, proposed(ada, "Lives in Porto.", said))
    moved = ada.observe("I moved to Lisbon")
    unknown = proposed(ada, "Lives in Lisbon.", moved, supersedes=(new_id(),))
    refuse(ada, "no proposition", unknown)
    refuse(ada, "no proposition", retire={new_id(): "gone"})
    refuse(ada, "group", revision_of(ada, old, "Lives in Lisbon.", moved, group=new_id()))
    reflect(ada, revision_of(ada, old, "Lives in Lisbon.", moved))
    ada.observe("I moved to Rome")
    refuse(ada, "retired already", revision_of(ada, old, "Lives in Rome."))


def test_an_inference_overrides_nothing_the_user_said(ada, said) -> None:
    (old,) = reflect(ada, stated(ada, "Lives in Porto.", said))
    hint = ada.observe("The tram to Belém was full again")
    refuse(ada, "does not override", revision_of(ada, old, "Lives in Lisbon.", hint))
    refuse(ada, "does not override", retire={old.id: "seems to have moved"})
    refuse(ada, "does not override", proposed(ada, "Takes trams.", hint), retire={old.id: "moved"})
    assert ada.propositions() == [old]


def test_what_was_said_in_passing_does_not_override_what_was_confirmed(ada, said) -> None:
    (old,) = reflect(ada, proposed(ada, "Lives in Porto.", said, standing=Standing.CONFIRMED))
    moved = ada.observe("I moved to Lisbon")
    refuse(
        ada, "does not override", revision_of(ada, old, "Lives in Lisbon.", moved, standing=Standing.STATED)
    )


def test_a_statement_of_the_users_shields_no_retirement_beside_it(ada, said) -> None:
    (old,) = reflect(ada, stated(ada, "Lives in Porto.", said))
    other = ada.observe("I like trams")
    refuse(ada, "does not override", stated(ada, "Likes trams.", other), retire={old.id: "moved, it seems"})


def test_of_a_topic_one_version_is_held(ada, memory, said) -> None:
    more = ada.observe("Porto is home")
    first, second = ada.claim(len(said.text), len), ada.claim(len(more.text), len)
    (one, two) = (proposed(ada, f"Lives in Porto, {n}.", o, topic="home") for n, o in enumerate((said, more)))
    ada.apply(first, add=[one])
    with pytest.raises(StaleClaim, match="meanwhile"):
        ada.apply(second, add=[two])
    with pytest.raises(InputError, match="same topic"):
        ada.apply(second, add=[two, proposed(ada, "Lives there.", more, topic="home")])
    with memory.database.write() as connection, pytest.raises(IntegrityError):
        connection.execute(insert(propositions).values(proposition_row(two, None)))
    new = revision_of(ada, one, two.text, more, topic="home")
    ada.apply(second, add=[new])
    assert [p.id for p in ada.propositions()] == [new.id]


def test_erasure_restores_one_version_of_a_topic(ada, said) -> None:
    (old,) = reflect(ada, proposed(ada, "Lives in Porto.", said, topic="home"))
    moved, back = ada.observe("I moved to Lisbon"), ada.observe("I am back in Porto")
    one, two = ada.claim(len(moved.text), len), ada.claim(len(back.text), len)
    new = revision_of(ada, old, "Lives in Lisbon.", moved)
    ada.apply(one, add=[new])
    current = proposed(ada, "Lives in Porto again.", back, topic="home")
    ada.apply(two, add=[current])
    assert ada.forget(moved.id).restored == 0
    assert [p.id for p in ada.propositions()] == [current.id]


@pytest.mark.parametrize("standing", [Standing.STATED, Standing.CONFIRMED])
def test_the_user_may_change_what_they_said(ada, said, standing) -> None:
    (old,) = reflect(ada, stated(ada, "Lives in Porto.", said))
    moved = ada.observe("I moved to Lisbon")
    reflect(ada, revision_of(ada, old, "Lives in Lisbon.", moved, standing=standing))
    assert [p.text for p in ada.propositions()] == ["Lives in Lisbon."]


def test_two_lines_can_merge_into_one(ada, said) -> None:
    one, two = reflect(ada, proposed(ada, "Lives in Porto.", said), proposed(ada, "Lives in Portugal.", said))
    ada.observe("Porto, Portugal, that is")
    merged = revision_of(ada, one, "Lives in Porto, Portugal.", supersedes=(one.id, two.id))
    assert [p.text for p in reflect(ada, merged)] == ["Lives in Porto, Portugal."]
    assert set(ada.propositions()[0].supersedes) == {one.id, two.id}


def test_the_same_words_are_not_encoded_twice(open_memory) -> None:
    memory = open_memory()
    ada = memory.user("ada")
    (old,) = reflect(ada, proposed(ada, "Lives in Porto.", ada.observe("I live in Porto")))
    ada.search("Porto")
    more = ada.observe("Porto is home")
    reflect(ada, revision_of(ada, old, old.text, more, confidence=9))
    memory.encoder.encoded.clear()
    assert ada.similar(["porto"])[0][0].proposition.confidence == 9
    assert memory.encoder.encoded == ["porto"]
