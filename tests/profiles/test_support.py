"""Drafts whose quotes do not bear them out are refused, by either call plan."""

from dataclasses import replace

import pytest
from made import day

from answering import Answers, scored, scoring_model
from limner.errors import MalformedOutput
from limner.memory import Evidence
from limner.profiles.propositions.drafts import Draft
from limner.profiles.propositions.support import _ABOVE, NOT_SUPPORTED, supported


def quoting(text, *quotes, polarity="supports"):
    spans = tuple(
        Evidence(observation_id=f"o{n}", start=0, end=len(q), quote=q, polarity=polarity)
        for n, q in enumerate(quotes)
    )
    return Draft(text=text, evidence=spans, occurred_at=day(1))


RIGHT = quoting("The user's wife is a vegetarian.", "My wife is a vegetarian.")
WRONG = quoting("The user is a vegetarian.", "My wife is a vegetarian.")


def verdicts(*judged):
    return {"verdicts": [{"draft": n, "reason": why, "supported": ok} for n, ok, why in judged]}


async def test_small_plan_refuses_a_quote_that_says_something_else():
    answers = Answers(replies={"supports": lambda last: "no" if "Note: The user is" in last else "yes"})
    kept, (refusal,) = await supported([RIGHT, WRONG], answers.model())
    assert kept == [RIGHT]
    assert refusal.text == WRONG.text
    assert refusal.because == f'{NOT_SUPPORTED} "My wife is a vegetarian."'
    assert refusal.observation_ids == ("o0",)


@pytest.mark.parametrize(("margin", "stays"), [(_ABOVE + 0.1, True), (_ABOVE - 0.1, False)])
async def test_small_plan_goes_by_log_odds(margin, stays):
    model = scoring_model(Answers(replies={"supports": scored(yes=margin - 4.0, no=-4.0)}))
    kept, refused = await supported([RIGHT], model)
    assert (len(kept), len(refused)) == ((1, 0) if stays else (0, 1))


async def test_small_plan_shows_each_quote_and_the_statement_last():
    answers = Answers()
    await supported(
        [quoting("The user's mother\nis a teacher.", "My mother lives with us.", "She teaches.")],
        answers.model(),
    )
    ((_, messages),) = answers.asked
    said, note = messages[-1].text.splitlines()[:2]
    assert said == 'Said: "My mother lives with us. She teaches."'
    assert note == "Note: The user's mother is a teacher."


async def test_batch_plan_judges_all_drafts_in_one_call():
    answers = Answers(
        replies={"support": verdicts((2, False, "It is his wife who is."), (1, True, "So it says."))}
    )
    kept, (refusal,) = await supported([RIGHT, WRONG], answers.model(plan="batch"))
    assert kept == [RIGHT]
    assert refusal.because == f'{NOT_SUPPORTED} "My wife is a vegetarian.": It is his wife who is.'
    assert answers.calls == {"support": 1}
    assert f"[2] said: My wife is a vegetarian. | statement: {WRONG.text}" in answers.asked[0][1][-1].text


async def test_batch_plan_asks_again_for_verdicts_that_are_missing():
    first, second = verdicts((1, True, ""), (7, False, "")), verdicts((1, False, "No."))
    answers = Answers(replies={"support": [lambda _: first, lambda _: second]})
    kept, refused = await supported([RIGHT, WRONG], answers.model(plan="batch"))
    assert (kept, [r.text for r in refused]) == ([RIGHT], [WRONG.text])


async def test_batch_plan_never_takes_silence_for_support():
    answers = Answers(replies={"support": verdicts((1, True, ""))})
    with pytest.raises(MalformedOutput, match="without a verdict"):
        await supported([RIGHT, WRONG, WRONG], answers.model(plan="batch"))


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_nothing_to_judge_asks_nothing(plan):
    answers = Answers()
    assert await supported([], answers.model(plan=plan)) == ([], [])
    assert answers.asked == []


async def test_a_long_quote_is_named_by_its_beginning():
    (refusal,) = (
        await supported(
            [quoting("The user rows.", "word " * 200)], Answers(replies={"supports": "no"}).model()
        )
    )[1]
    assert len(refusal.because) < 240
    assert refusal.because.endswith('…"')


@pytest.mark.parametrize(
    ("text", "quotes", "asked"),
    [
        ("The user loves sailing.", ("He loves sailing.",), 0),
        ("The user loves sailing.", ("And she loves sailing.",), 0),
        ("The user's brother loves sailing.", ("My brother came.", "He loves sailing."), 1),
        ("The user's brother loves sailing.", ("He loves sailing.",), 1),
        ("The user always asks for the fish.", ("I made the fish.", "They always ask me for it."), 0),
        ("The user was late.", ("They were late.", "I was late, too."), 1),
        ("The user is thirty.", ("She is my sister.", "I’m thirty."), 1),
        ("The user plans a trip.", ("They said so.", "We planned a trip."), 1),
        ("The user's friends ask for the fish.", ("They always ask for it.",), 1),
        ("The user loves her.", ("She and I married.",), 1),
        ("The user heard music.", ("Heard music.",), 1),
    ],
)
async def test_small_plan_gives_nobody_elses_life_to_the_user(text, quotes, asked):
    answers = Answers()
    kept, refused = await supported([quoting(text, *quotes)], answers.model())
    assert (answers.calls["supports"], len(kept), len(refused)) == (asked, asked, 1 - asked)


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_a_date_that_was_worked_out_is_not_held_against_a_draft(plan):
    draft = replace(
        quoting("The user baked on 2025-03-02.", "I baked today."), worded="The user baked today."
    )
    answers = Answers()
    await supported([draft], answers.model(plan=plan))
    asked = answers.asked[0][1][-1].text
    assert "The user baked today." in asked
    assert "2025-03-02" not in asked


async def test_what_ends_a_statement_is_no_support():
    draft = quoting("The user rows.", "I row.")
    ended = quoting("", "I gave up rowing.", polarity="contradicts").evidence
    answers = Answers()
    await supported([Draft(draft.text, (*draft.evidence, *ended), day(1))], answers.model())
    assert "gave up" not in answers.asked[0][1][-1].text
