"""What a reflection touched is compared with what is held; and what several rested on can be forgotten again."""

import pytest
from made import day

from answering import Answers
from limner.errors import InputError, ModelError
from limner.memory import Evidence, NewObservation, Standing
from limner.profiles.propositions.drafts import Draft
from limner.profiles.propositions.reflect import reflect
from limner.profiles.propositions.relate import Parts, Relation
from limner.profiles.propositions.revise import revise

SINGS = "The user sings in the old town choir."
ALSO = "The user sings with the choir of the old town."
TENOR = "The user sings tenor in the old town choir."


def stored(ada, text, number, standing=Standing.STATED, related=None):
    """Store what one observation says, as a batch of its own; return the observation and the versions stored."""
    said = text.replace("The user", "I")
    ada.observe_many([NewObservation(said, "chat", occurred_at=day(number))])
    batch = ada.claim(1000, len)
    (told,) = batch.observations
    span = Evidence(observation_id=told.id, start=0, end=len(said), quote=said)
    draft = Draft(text=text, evidence=(span,), occurred_at=day(number), standing=standing)
    revision = revise("ada", [draft], [related or []])
    ada.apply(batch, add=revision.add)
    return told, revision.add


@pytest.fixture
def reflecting(ada, encoder, settings):
    async def run(answers, said, plan="small"):
        ada.observe_many([
            NewObservation(text, "chat", occurred_at=day(20 + n)) for n, text in enumerate(said)
        ])
        return await reflect(ada, answers.model(plan=plan), encoder, settings)

    return run


def held(ada):
    return sorted(p.text for p in ada.propositions())


def answers(**relations):
    said = {"I sing there.": SINGS, "I like tea.": "The user likes tea."}
    return Answers(said=said, relations={(SINGS, ALSO): "same", (ALSO, SINGS): "same"} | relations)


async def test_duplicates_of_different_batches_become_one_with_all_evidence(ada, reflecting):
    first, _ = stored(ada, SINGS, 0)
    second, _ = stored(ada, ALSO, 1)
    done = await reflecting(answers(), ["I sing there."])
    assert held(ada) == [SINGS]
    (one,) = ada.propositions()
    assert {first.id, second.id} < {e.observation_id for e in one.evidence}
    assert "says the same" in done.consolidated[one.id]
    assert [v.text for v in ada.history(one.group)].count(SINGS) == 3


async def test_only_what_the_reflection_touched_is_asked_about(ada, reflecting):
    stored(ada, SINGS, 0)
    stored(ada, ALSO, 1)
    script = answers()
    await reflecting(script, ["I like tea."])
    assert held(ada) == sorted(["The user likes tea.", ALSO, SINGS])
    assert "same" not in script.calls


async def test_what_was_asked_about_once_is_not_asked_again(ada, reflecting):
    stored(ada, TENOR, 0)
    script = answers()
    await reflecting(script, ["I sing there."])
    assert held(ada) == sorted([SINGS, TENOR])
    assert script.calls["same"] == 1


async def test_the_more_exact_of_two_that_are_held_stays(ada, reflecting):
    stored(ada, TENOR, 0)
    stored(ada, SINGS, 1)
    await reflecting(
        Answers(said={"I sing there.": SINGS}, relations={(TENOR, SINGS): "broadens"}), ["I sing there."]
    )
    assert held(ada) == [TENOR]


async def test_what_the_user_confirmed_takes_in_and_is_not_taken_in(ada, reflecting):
    stored(ada, ALSO, 0)
    _, (mine,) = stored(ada, SINGS, 1)
    ada.pin(mine.id)
    await reflecting(answers(), ["I sing there."])
    (one,) = ada.propositions()
    assert (one.text, one.standing, one.pinned_at is not None) == (SINGS, Standing.CONFIRMED, True)


async def test_two_that_the_user_confirmed_stay_two(ada, reflecting):
    for number, text in enumerate((ALSO, SINGS)):
        _, (one,) = stored(ada, text, number)
        ada.confirm(one.id)
    await reflecting(answers(), ["I sing there."])
    assert held(ada) == sorted([ALSO, SINGS])


async def test_a_model_that_fails_at_the_end_loses_nothing(ada, reflecting):
    stored(ada, SINGS, 0)
    stored(ada, ALSO, 1)
    script = answers()
    script.replies["same"] = ModelError("out of order")
    done = await reflecting(script, ["I sing there."])
    assert held(ada) == sorted([ALSO, SINGS])
    assert (done.pending, done.observations) == (0, 1)
    assert any("out of order" in reason for reason in done.failed)


async def test_with_the_other_call_plan(ada, reflecting):
    stored(ada, SINGS, 0)
    stored(ada, ALSO, 1)
    statement = {"reasoning": "Said.", "text": SINGS, "evidence": [1], "confidence": 8, "durability": 5}
    script = Answers(
        replies={
            "propose": {"statements": [statement]},
            "relate": {"labels": [{"pair": 1, "relation": "same"}]},
        }
    )
    await reflecting(script, ["I sing there in the old town choir."], plan="batch")
    assert held(ada) == [SINGS]


def test_nothing_new_comes_without_an_observation(ada):
    _, (one,) = stored(ada, SINGS, 0)
    with pytest.raises(InputError, match="is new"):
        ada.consolidate([one.model_copy(update={"id": "other", "group": "other"})])


# Forgetting one of several


def test_forgetting_one_of_what_was_merged_brings_the_other_back(ada):
    _first, (one,) = stored(ada, SINGS, 0)
    _second, (other,) = stored(ada, ALSO, 1)
    same = [Relation(one, "same", asked=True), Relation(other, "same", asked=True)]
    third, (merged,) = stored(ada, "The user sings.", 2, related=same)
    assert held(ada) == [SINGS]
    ada.forget(third.id)
    assert held(ada) == sorted([ALSO, SINGS])
    assert merged.id not in {p.id for p in ada.propositions()}


def test_forgetting_what_a_merged_statement_rests_on_withholds_it_until_it_is_derived_again(ada):
    first, (one,) = stored(ada, SINGS, 0)
    _second, (other,) = stored(ada, ALSO, 1)
    same = [Relation(one, "same", asked=True), Relation(other, "same", asked=True)]
    third, _ = stored(ada, "The user sings.", 2, related=same)
    ada.forget(first.id)
    assert held(ada) == [ALSO]
    assert {o.id for o in ada.observations(pending=True)} == {third.id}


def test_forgetting_the_narrower_word_brings_the_broad_statement_back(ada):
    _, (broad,) = stored(ada, SINGS, 0)
    word, _ = stored(ada, TENOR, 1, related=[Relation(broad, "narrows", asked=True)])
    assert held(ada) == [TENOR]
    ada.forget(word.id)
    assert held(ada) == [SINGS]


def test_forgetting_what_ended_a_part_loses_no_part(ada):
    likes, (both,) = stored(ada, "The user likes hiking and jazz.", 0)
    parts = Parts("The user likes hiking.", "The user likes jazz.")
    gone, _ = stored(
        ada, "The user no longer hears jazz.", 1, related=[Relation(both, "updates", asked=True, parts=parts)]
    )
    assert held(ada) == ["The user likes hiking.", "The user no longer hears jazz."]
    ada.forget(gone.id)
    assert held(ada) == ["The user likes hiking."]
    assert {o.id for o in ada.observations(pending=True)} == {likes.id}


def test_forgetting_what_contradicts_makes_a_statement_as_sure_as_before(ada):
    _, (loves,) = stored(ada, "The user loves horror.", 0)
    hates, _ = stored(ada, "The user hates horror.", 1, related=[Relation(loves, "contradicts", asked=True)])
    assert max(p.confidence for p in ada.propositions()) < loves.confidence
    ada.forget(hates.id)
    assert [(p.text, p.confidence) for p in ada.propositions()] == [(loves.text, loves.confidence)]
