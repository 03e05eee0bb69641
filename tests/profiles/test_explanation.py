"""What `explain` tells of each batch, under either call plan, of findings, and of a batch that fails."""

import json

import pytest
from made import day
from pydantic_core import to_jsonable_python

from answering import Answers
from limner.memory import Event, NewObservation
from limner.profiles.propositions.reflect import reflect
from limner.profiles.propositions.support import NOT_SUPPORTED

PORTO, LISBON = "We live in Porto.", "We moved from Porto to Lisbon."
LIVES, MOVED = "The user lives in Porto.", "The user moved from Porto to Lisbon."


@pytest.fixture
def explaining(ada, encoder, settings):
    async def run(answers, plan="small", **changes):
        chosen = settings.model_copy(update=changes)
        done = await reflect(ada, answers.model(plan=plan), encoder, chosen, explain=True)
        (explanation,) = done.explanations
        return done, explanation

    return run


def said(user, *texts):
    return user.observe_many(NewObservation(text, "chat", occurred_at=day(n)) for n, text in enumerate(texts))


def scripted(**replies):
    """Answers under both plans: to each sentence its statement."""

    def proposed(last):
        lines = [line for line in last.splitlines() if line.startswith("[")]
        statements = [
            {"reasoning": "Said.", "text": text, "evidence": [n], "confidence": 8, "durability": 8}
            for n, line in enumerate(lines, start=1)
            for sentence, text in ((PORTO, LIVES), (LISBON, MOVED))
            if sentence in line
        ]
        return {"statements": statements}

    return Answers(said={PORTO: LIVES, LISBON: MOVED}, replies={"propose": proposed, **replies})


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_it_tells_what_was_proposed_and_what_became_of_it(ada, explaining, plan):
    (observation,) = said(ada, PORTO)
    done, explanation = await explaining(scripted(), plan)
    (proposed,), (change,) = explanation.proposed, explanation.changes
    assert (explanation.batch, explanation.observations, explanation.structured) == (1, (observation.id,), 0)
    assert (proposed.text, [e.quote for e in proposed.evidence], proposed.related) == (LIVES, [PORTO], ())
    assert proposed.became == (done.added[0].id,)
    assert (change.kind, change.text, change.before, change.supporting) == ("added", LIVES, (), 1)
    assert (change.computed, explanation.refused, explanation.failed) == (False, (), None)


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_it_tells_what_a_quote_did_not_support(ada, explaining, plan):
    said(ada, PORTO)
    no = {"verdicts": [{"draft": 1, "reason": "No.", "supported": False}]}
    done, explanation = await explaining(scripted(supports="no", support=no), plan)
    (refusal,) = explanation.refused
    assert refusal.text == LIVES
    assert refusal.because.startswith(f'{NOT_SUPPORTED} "{PORTO}"')
    assert (explanation.proposed, explanation.changes, done.added, ada.propositions()) == ((), (), [], [])


async def test_it_tells_what_a_draft_was_related_to_and_what_that_changed(ada, explaining):
    said(ada, PORTO)
    await explaining(scripted())
    (held,) = ada.propositions()
    ada.observe(LISBON, source="chat", occurred_at=day(5))
    answers = scripted()
    answers.relations = {(LIVES, MOVED): "updates"}
    _, explanation = await explaining(answers)
    (proposed,) = explanation.proposed
    (related,) = proposed.related
    assert (related.text, related.proposition_id, related.label) == (LIVES, held.id, "updates")
    assert 0 < related.cosine < 1
    assert related.asked
    assert (LIVES, MOVED) in set(_asked_about(answers))
    ended = next(c for c in explanation.changes if c.text == LIVES)
    assert (ended.kind, ended.before, ended.valid_until, ended.contradicting) == (
        "revised",
        (LIVES,),
        day(5),
        1,
    )
    assert ended.because
    assert len(proposed.became) == 1


async def test_what_was_asked_about_and_unrelated_is_told_apart_from_what_was_not_asked(ada, explaining):
    said(ada, PORTO, "Chess is a bore.")
    chess = {
        "Chess is a bore.": "The user finds chess boring, with rules nobody needs, pieces nobody understands, and games without any end."
    }
    first = scripted()
    first.said = {**first.said, **chess}
    await explaining(first)
    ada.observe(LISBON, source="chat", occurred_at=day(5))
    answers = scripted()
    _, explanation = await explaining(answers)
    (proposed,) = explanation.proposed
    asked = {earlier for earlier, _ in _asked_about(answers)}
    assert {r.label for r in proposed.related} == {"unrelated"}
    assert {r.text for r in proposed.related if r.asked} == asked == {LIVES}
    assert {r.text for r in proposed.related if not r.asked} == set(chess.values())


def _asked_about(answers):
    for _, messages in answers.asked:
        lines = dict(line.split(": ", 1) for line in messages[-1].text.splitlines() if ": " in line)
        if {"Earlier", "Later"} <= lines.keys():
            yield lines["Earlier"], lines["Later"]


async def test_it_tells_the_same_words_without_a_question(ada, explaining):
    said(ada, PORTO)
    await explaining(scripted())
    (held,) = ada.propositions()
    ada.observe(PORTO, source="chat", occurred_at=day(9))
    done, explanation = await explaining(scripted())
    (related,), (change,) = explanation.proposed[0].related, explanation.changes
    assert (related.label, related.asked, related.proposition_id) == ("same", False, held.id)
    assert (change.kind, change.before, change.supporting) == ("revised", (LIVES,), 2)
    assert change.because
    assert explanation.proposed[0].became == (done.revised[0].id,)


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_what_the_user_denied_is_told_as_refused(ada, explaining, plan):
    said(ada, PORTO)
    await explaining(scripted(), plan)
    (held,) = ada.propositions()
    ada.deny(held.id)
    ada.observe(PORTO, source="chat", occurred_at=day(9))
    _, explanation = await explaining(scripted(), plan)
    (refusal,) = explanation.refused
    assert (refusal.text, explanation.changes) == (LIVES, ())
    assert "denied" in refusal.because
    assert explanation.proposed[0].became == ()


def rating(title, value, genre, number):
    event = Event(
        kind="rating",
        item_id=title,
        title=title,
        item_type="film",
        value=value,
        scale=(1, 5),
        attributes={"genre": (genre,)},
    )
    return NewObservation(f"Rated {title} {value}/5", "ratings", occurred_at=day(number), event=event)


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_a_computed_finding_is_told_with_its_counts(ada, explaining, plan):
    ada.observe_many(rating(f"Horror {n}", v, "Horror", n) for n, v in enumerate([1, 2, 1, 2]))
    ada.observe_many(rating(f"Comedy {n}", v, "Comedy", 10 + n) for n, v in enumerate([5, 4, 5, 4, 4, 5]))
    _, explanation = await explaining(Answers(replies={"word": "no"}), plan)
    assert (explanation.structured, explanation.findings, explanation.proposed) == (10, 2, ())
    comedy = next(c for c in explanation.changes if "comedy" in c.text)
    assert (comedy.kind, comedy.computed, comedy.supporting) == ("added", True, 6)
    assert "mean 4.5 of 5 over 6, others 1.5" in comedy.because
    assert "worded by template" in comedy.because


async def test_it_tells_what_each_stage_cost(ada, explaining):
    said(ada, PORTO)
    answers = scripted()
    _, explanation = await explaining(answers)
    calls = {cost.stage: cost.calls for cost in explanation.costs}
    assert calls == {"propose": len(answers.asked) - 1, "support": 1}
    assert explanation.seconds >= sum(cost.seconds for cost in explanation.costs) >= 0


async def test_a_batch_that_fails_is_told_with_its_reason(ada, explaining):
    said(ada, PORTO)
    done, explanation = await explaining(scripted(support="no JSON"), "batch")
    assert explanation.failed == done.failed[0]
    assert (explanation.changes, ada.propositions()) == ((), [])
    assert {cost.stage: cost.calls for cost in explanation.costs} == {"propose": 1, "support": 3}


async def test_it_can_be_written_as_json(ada, explaining):
    said(ada, PORTO, LISBON)
    _, explanation = await explaining(scripted())
    assert json.loads(json.dumps(to_jsonable_python(explanation)))["proposed"][0]["text"] == LIVES


async def test_without_being_asked_for_there_is_none(ada, encoder, settings):
    said(ada, PORTO)
    done = await reflect(ada, scripted().model(), encoder, settings)
    assert (done.batches, done.explanations) == (1, [])
