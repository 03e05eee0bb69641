"""What is suggested rests on what is held: it is kept, decided on once, exported, merged and erased with it."""

import json

import pytest

from contracts.memory_reflections import proposed, reflect
from limner.errors import InputError, NotFound, StaleClaim
from limner.memory import Memory, Suggestion
from limner.memory.export import export
from limner.memory.importing import import_file

pytestmark = pytest.mark.every_database


@pytest.fixture
def memory(open_memory) -> Memory:
    return open_memory(exact_limit=3)


def suggested(
    user, text: str = "Book the ferry to the island early.", said: str = "I sail to Madeira in June"
):
    """Let a suggestion rest on one statement."""
    held = reflect(user, proposed(user, f"The user says: {said}.", user.observe(said)))[-1]
    one = Suggestion(
        user_id=user.user_id, text=text, probability=0.5, value=8, cost=3, propositions=(held.id,)
    )
    user.save_suggestions([one])
    return one, held


def test_it_is_kept_and_decided_on_once(ada) -> None:
    one, _ = suggested(ada)
    assert ada.suggestions() == [one]
    assert one.benefit == 4
    assert ada.show_suggestion(one.id).state == "shown"
    taken = ada.decide_suggestion(one.id, accepted=True)
    assert ada.suggestions() == [taken]
    assert ada.decide_suggestion(one.id, accepted=True) == taken
    assert ada.show_suggestion(one.id).state == "accepted"
    with pytest.raises(InputError, match="accepted already"):
        ada.decide_suggestion(one.id, accepted=False)
    with pytest.raises(NotFound):
        ada.decide_suggestion("another", accepted=False)
    said = ada.observation(taken.observation_id)
    assert (said.source, said.text) == ("suggestions", f"Took up the suggestion: {one.text}")
    assert ada.observations(pending=True) == []


def test_a_decision_is_kept_and_not_recorded_where_nothing_may_be(ada) -> None:
    one, _ = suggested(ada)
    ada.consent("suggestions", granted=False, basis="a form")
    turned_down = ada.decide_suggestion(one.id, accepted=False)
    assert (turned_down.state, turned_down.observation_id) == ("dismissed", None)
    assert [one.source for one in ada.observations()] == ["user"]


def test_it_is_not_stored_without_something_held(ada) -> None:
    one, held = suggested(ada)
    again = one.model_copy(update={"id": "again"})
    with pytest.raises(InputError, match="no proposition"):
        ada.save_suggestions([again.model_copy(update={"propositions": ()})])
    ada.deny(held.id)
    with pytest.raises(StaleClaim):
        ada.save_suggestions([again])
    with pytest.raises(StaleClaim, match="meanwhile"):
        ada.save_suggestions([again], after=0)
    assert ada.suggestions() == [one]


@pytest.mark.parametrize("what", ["observation", "proposition", "decision"])
def test_erasure_takes_it_with_what_it_rests_on(ada, what) -> None:
    one, held = suggested(ada)
    other, _ = suggested(ada, "Buy new gloves.", "My gloves are torn")
    taken = ada.decide_suggestion(one.id, accepted=False)
    id = {
        "observation": held.evidence[0].observation_id,
        "proposition": held.id,
        "decision": taken.observation_id,
    }[what]
    receipt = ada.forget(id)
    assert receipt.suggestions == 1
    assert ada.suggestions() == [other]
    left = json.dumps([one for one in ada.export() if one["record"] != "erasure"])
    assert "ferry" not in left
    assert ada.forget_everything().suggestions == 1


def test_it_is_exported_and_merged(memory, ada, open_memory, tmp_path) -> None:
    one, _ = suggested(memory.user("old"))
    other, _ = suggested(ada, "Buy new gloves.", "My gloves are torn")
    taken = ada.decide_suggestion(other.id, accepted=True)
    memory.merge("old", "ada")
    both = [one.model_copy(update={"user_id": "ada"}), taken]
    assert ada.suggestions() == both
    file = tmp_path / "export.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in export(memory.database, ["ada"])), "utf-8")
    ada.forget_everything()
    assert ada.suggestions() == []
    import_file(memory.database, file)
    assert ada.suggestions() == both
    import_file(memory.database, file, merge=True)
    assert ada.suggestions() == both


def test_evidence_may_stand_in_the_description_of_an_image(ada) -> None:
    from limner.memory import Evidence, Media

    seen = Media(uri="file:a.png", mime_type="image/png", description="A dog on a beach")
    said = ada.observe("Look!", media=seen)
    span = Evidence(observation_id=said.id, start=2, end=5, quote="dog", part="image")
    with pytest.raises(InputError, match="does not stand there"):
        reflect(ada, proposed(ada, "Has a dog.", said, evidence=(span.model_copy(update={"part": "text"}),)))
    said = ada.observe("Look again!", media=seen)
    span = span.model_copy(update={"observation_id": said.id})
    (held,) = reflect(ada, proposed(ada, "Has a dog.", said, evidence=(span,)))
    assert ada.proposition(held.id).evidence == (span,)
