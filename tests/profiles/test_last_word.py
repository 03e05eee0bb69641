"""A reflection leaves alone what the user confirmed, pinned, corrected or denied; and pinned statements always come along."""

import pytest
from sqlalchemy import update

from answering import Answers
from limner.memory import Event, NewObservation, Standing
from limner.memory.schema import observations
from limner.profiles.context import pack
from limner.profiles.propositions.portraitist import PropositionPortraitist, lines_of
from limner.profiles.propositions.reflect import reflect
from limner.profiles.summary import SummaryPortraitist

MOVED = "We moved to Lisbon."
LISBON = "The user moved to Lisbon."
SAID = {MOVED: LISBON, "We now call Porto home.": "The user calls Porto home."}


@pytest.fixture
def reflecting(ada, encoder, settings):
    async def run(answers):
        return await reflect(ada, answers.model(plan="small"), encoder, settings)

    return run


def texts(user):
    return [p.text for p in user.propositions()]


def rate(user, value, genre, *numbers):
    for number in numbers:
        event = Event(
            kind="rating",
            item_id=f"{genre} {number}",
            title=f"{genre} {number}",
            item_type="film",
            value=value,
            scale=(1, 5),
            attributes={"genre": (genre,)},
        )
        user.observe_many([NewObservation(f"Rated {genre} {number} {value}/5", "ratings", event=event)])


async def test_what_was_denied_is_refused_with_the_reason(ada, memory, reflecting):
    first = ada.observe(MOVED)
    await reflecting(Answers(said=SAID))
    (held,) = ada.propositions()
    ada.deny(held.id)
    with memory.database.write() as connection:  # the same words, read once more
        connection.execute(update(observations).where(observations.c.id == first.id).values(state="pending"))
    done = await reflecting(Answers(said=SAID))
    (refusal,) = done.refused
    assert (refusal.text, refusal.observation_ids) == (LISBON, (first.id,))
    assert "the user denied it" in refusal.because
    assert (done.failed, done.added, done.pending, texts(ada)) == ([], [], 0, [])


async def test_the_user_may_say_it_again(ada, reflecting):
    ada.observe(MOVED)
    await reflecting(Answers(said=SAID))
    ada.deny(ada.propositions()[0].id)
    ada.observe(MOVED)
    done = await reflecting(Answers(said=SAID))
    assert (done.refused, texts(ada)) == ([], [LISBON])


@pytest.mark.parametrize("verdict", ["confirm", "pin", "correct"])
async def test_a_later_word_in_passing_does_not_override_the_last_word(ada, reflecting, verdict):
    ada.observe(MOVED)
    await reflecting(Answers(said=SAID))
    (held,) = ada.propositions()
    words = ["The user moved to Lisbon."] if verdict == "correct" else []
    held = getattr(ada, verdict)(held.id, *words)
    ada.observe("We now call Porto home.")
    pair = {(held.text, "The user calls Porto home."): "updates"}
    done = await reflecting(Answers(said=SAID, relations=pair))
    assert done.failed == []
    assert held in ada.propositions()
    if texts(ada) == [held.text]:
        assert "does not override" in done.refused[0].because


async def test_a_finding_that_was_confirmed_is_left_as_it_is(ada, reflecting):
    words = Answers(replies={"word": "no"})
    rate(ada, 5, "Comedy", 1, 2, 3, 4, 5, 6)
    rate(ada, 1, "Horror", 1, 2, 3, 4)
    await reflecting(words)
    comedy = next(p for p in ada.propositions() if p.topic.endswith("Comedy"))
    horror = next(p for p in ada.propositions() if p.topic.endswith("Horror"))
    kept = ada.confirm(comedy.id)
    own = ada.correct(horror.id, "I like some horror films.")
    rate(ada, 1, "Comedy", *range(10, 30))
    rate(ada, 5, "Horror", *range(10, 30))
    done = await reflecting(words)
    assert (done.failed, done.pending, done.parked) == ([], 0, 0)
    held = ada.propositions()
    assert kept in held
    assert own in held


async def test_a_finding_that_was_denied_stays_away(ada, reflecting):
    words = Answers(replies={"word": "no"})
    rate(ada, 5, "Comedy", 1, 2, 3, 4, 5, 6)
    rate(ada, 1, "Horror", 1, 2, 3, 4)
    await reflecting(words)
    horror = next(p for p in ada.propositions() if p.topic.endswith("Horror"))
    ada.deny(horror.id)
    rate(ada, 1, "Horror", 5, 6)
    done = await reflecting(words)
    assert done.failed == []
    assert [r.because for r in done.refused if "denied" in r.because]
    assert not [p for p in ada.propositions() if p.topic == horror.topic]


@pytest.fixture
async def crowd(ada, reflecting):
    """Many statements, the last of which is pinned."""
    said = {f"My word {n} is blue.": f"The user's word {n} is blue." for n in range(40)}
    ada.observe_many(NewObservation(text) for text in said)
    await reflecting(Answers(said=said))
    last = next(p for p in ada.propositions() if "39" in p.text)
    return ada.pin(last.id)


async def test_pinned_statements_come_first_in_a_portrait(ada, crowd):
    ada.confirm(next(p for p in ada.propositions() if p.standing < Standing.CONFIRMED).id)
    drawn = await PropositionPortraitist().draw(ada)
    assert drawn.lines[0].propositions == (crowd.id,)


async def test_pinned_statements_are_packed_whatever_is_asked(ada, crowd):
    held = ada.propositions()
    portrait = await PropositionPortraitist().draw(ada)
    unpinned = portrait.model_copy(update={"lines": lines_of([p for p in held if p.id != crowd.id])})
    for drawn in (portrait, unpinned):
        context = pack(
            ada, "What is word 3?", portrait=drawn, budget=24, count_tokens=lambda t: len(t.split())
        )
        assert context.text.startswith(f"- {crowd.text}")
        assert context.text.count(crowd.text) == 1


async def test_pinned_statements_are_in_every_summary(ada, crowd):
    answers = Answers(replies={"merge": "no"})
    drawn = await SummaryPortraitist(answers.model(plan="small")).draw(ada, "word 3")
    assert crowd.id in drawn.based_on


async def test_a_summary_is_drawn_anew_after_a_correction(ada, reflecting):
    ada.observe(MOVED)
    await reflecting(Answers(said=SAID))
    summary = SummaryPortraitist(Answers().model(plan="small"))
    ada.save_portrait(await summary.draw(ada))
    ada.correct(ada.propositions()[0].id, "The user lives in Gaia.")
    assert (await summary.draw(ada)).text == "The user lives in Gaia."
