"""What is proposed unasked: it rests on something, is worth the interruption, comes seldom, and never twice."""

from datetime import UTC, datetime, timedelta

import pytest
from made import held

from answering import CHOICE, Answers
from limner.errors import InputError, ModelUnavailable
from limner.memory import Suggestion
from limner.profiles.suggestions import suggest
from limner.profiles.suggestions.choosing import worth_a_thought
from limner.profiles.suggestions.pace import allowance, interruption_cost
from limner.profiles.suggestions.sensitive import sensitive_kinds
from limner.settings import Settings
from limner.testing import HashEncoder

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
OFTEN = {"suggest_per_day": 9, "suggest_interval_h": 0}


def note(user, text: str, on: datetime | None = None) -> str:
    """Let a statement be held; return its id."""
    said = user.observe(f"They said: {text}", occurred_at=on)
    one = held(text, said.id).model_copy(update={"valid_from": None, "observed_at": on})
    (span,) = one.evidence
    whole = span.model_copy(update={"end": len(said.text), "quote": said.text})
    user.apply(user.claim(10_000, len), add=[one.model_copy(update={"evidence": (whole,)})])
    return one.id


def thinking(steps: dict[str, str], unwelcome: tuple[str, ...] = (), light: tuple[str, ...] = ()) -> Answers:
    """A weak model: the step for each note, which of them nobody is glad of, and which notes are light."""

    def step(last: str) -> str:
        found = next((text for name, text in steps.items() if name in last), None)
        return ((found and "You") or "-") if CHOICE in last else found or "-"

    return Answers(
        replies={
            "step": step,
            "helps": lambda last: "no" if any(one in last for one in unwelcome) else "yes",
            "weighs": lambda last: "light" if any(one in last for one in light) else "weighty",
        }
    )


@pytest.fixture
def ask(ada, settings):
    async def ask(answers: Answers, plan: str = "small", k: int = 1, **changed: object):
        used = settings.model_copy(update=changed)
        return await suggest(ada, answers.model(plan=plan), HashEncoder(), used, k=k)

    return ask


EXAM = "The user has an exam on Friday."
REVISE = "You could go through last year's questions tonight."


async def test_what_is_worth_it_is_offered_with_what_it_rests_on(ada, ask) -> None:
    id = note(ada, EXAM)
    done = await ask(thinking({"exam": REVISE}))
    (one,) = done.offered
    assert (one.text, one.propositions, one.state, done.declined) == (REVISE, (id,), "offered", None)
    assert one.benefit > one.cost
    assert ada.suggestions() == [one]
    assert [o.source for o in ada.observations()] == [
        "user"
    ]  # nothing was done, and nothing said in their name


async def test_what_is_not_worth_it_is_told_and_not_stored(ada, ask) -> None:
    note(ada, EXAM)
    done = await ask(thinking({"exam": REVISE}, unwelcome=("questions",), light=("exam",)))
    assert (done.offered, done.declined) == ((), "nothing is worth the interruption now")
    (passed,) = done.passed_over
    assert passed.text == REVISE
    assert passed.benefit < passed.cost
    assert ada.suggestions() == []


@pytest.mark.parametrize(
    ("step", "because"),
    [
        ("You could have an exam on Friday.", "again what is known"),
        ("You could ask Professor Umbridge about the questions.", "names what it does not rest on"),
        ("You could ask a doctor for medication against nerves.", "brings up health unasked"),
    ],
)
async def test_what_a_model_should_not_have_said_is_refused(ada, ask, step, because) -> None:
    note(ada, EXAM)
    done = await ask(thinking({"exam": step}))
    assert done.offered == ()
    assert because in done.passed_over[0].because
    assert done.declined == "nothing new was thought of"


async def test_the_same_is_not_suggested_twice(ada, ask) -> None:
    note(ada, EXAM)
    steps = {
        "exam": REVISE,
        "test": REVISE.replace(".", "!"),
        "quiz": "You could sleep well before.",
    }
    (one,) = (await ask(thinking(steps), **OFTEN)).offered
    ada.decide_suggestion(one.id, accepted=False)
    again = await ask(thinking(steps), **OFTEN)
    assert again.declined == "all that is held was used before, or is nothing to bring up unasked"
    note(ada, "The user has a test on Friday.")
    again = await ask(thinking(steps), **OFTEN)
    assert again.offered == ()
    assert "suggested before" in again.passed_over[0].because
    note(ada, "The user has a quiz on Monday.")
    assert [s.text for s in (await ask(thinking(steps), **OFTEN)).offered] == ["You could sleep well before."]


async def test_a_user_is_left_alone_for_a_while(ada, ask) -> None:
    note(ada, EXAM)
    note(ada, "The user moves house in June.")
    steps = {"exam": REVISE, "house": "You could label the boxes by room."}
    (one,) = (await ask(thinking(steps))).offered
    answers = thinking(steps)
    again = await ask(answers)
    assert again.offered == ()
    assert again.declined == "the last one was less than 4 hours ago"
    assert again.again_at == one.made_at + timedelta(hours=4)
    assert answers.asked == []


async def test_of_several_the_best_come_first_and_no_more_than_the_day_allows(ada, ask) -> None:
    for text in ("The user moves house in June.", EXAM, "The user paints a door."):
        note(ada, text)
    steps = {
        "house": "You could label the boxes by room.",
        "exam": REVISE,
        "door": "You could let the first coat dry overnight.",
    }
    done = await ask(thinking(steps, light=("house", "door")), k=5, suggest_per_day=2, suggest_cost=1)
    assert len(done.offered) == 2
    assert done.offered[0].text == REVISE
    assert [one.because for one in done.passed_over] == ["others are worth more"]


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_a_user_without_a_profile_or_paused_is_told_why(ada, ask, plan) -> None:
    answers = Answers()
    assert "nothing is concluded yet" in (await ask(answers, plan)).declined
    note(ada, "The user takes antidepressants.")
    assert "nothing to bring up unasked" in (await ask(answers, plan)).declined
    ada.pause()
    assert "recording is paused" in (await ask(answers, plan)).declined
    assert answers.asked == []


async def test_no_more_than_none_is_no_number(ask) -> None:
    with pytest.raises(InputError, match="at least 1"):
        await ask(Answers(), k=0)


async def test_a_model_that_is_down_leaves_nothing(ada, ask) -> None:
    note(ada, EXAM)
    with pytest.raises(ModelUnavailable):
        await ask(Answers(replies={"step": ModelUnavailable("down")}))
    assert ada.suggestions() == []


async def test_a_strong_model_is_asked_once_and_must_cite(ada, ask) -> None:
    id = note(ada, EXAM)
    proposed = {"probability": 9, "value": 8, "cost": 3}
    steps = [
        {"text": REVISE, "rests_on": [1], **proposed},
        {"text": "You could learn to juggle.", "rests_on": [], **proposed},
        {"text": "You could knit something warm.", "rests_on": [7], **proposed},
        {"text": "You could arrive early and bring two pens.", "rests_on": [1], **proposed, "cost": 10},
    ]
    answers = Answers(replies={"steps": {"steps": steps}})
    done = await ask(answers, "batch", k=4)
    assert answers.calls == {"steps": 1}
    assert [(one.text, one.propositions, one.cost) for one in done.offered] == [(REVISE, (id,), 3)]
    assert {one.text: one.because for one in done.passed_over} == {
        "You could learn to juggle.": "it cites nothing that is held",
        "You could knit something warm.": "it cites nothing that is held",
        "You could arrive early and bring two pens.": "it is not worth the interruption",
    }


def past(*states: str, hours_ago: float = 100) -> list[Suggestion]:
    return [
        Suggestion(
            user_id="ada",
            text=f"You could {number}.",
            probability=0.5,
            value=5,
            cost=2,
            state=state,
            made_at=NOW - timedelta(hours=hours_ago + len(states) - number),
        )
        for number, state in enumerate(states)
    ]


def test_an_interruption_costs_more_the_more_were_turned_down_and_the_more_there_were_today() -> None:
    settings = Settings(suggest_cost=2)
    calm = interruption_cost(past("accepted", "accepted"), settings, NOW)
    assert calm == interruption_cost([], settings, NOW) == 2
    tired = [interruption_cost(past(*["dismissed"] * n), settings, NOW) for n in (1, 3, 10)]
    assert 2 < tired[0] < tired[1] < tired[2] < 6
    assert interruption_cost(past("offered", "offered", hours_ago=1), settings, NOW) == 4
    assert interruption_cost(past(*["dismissed"] * 30, hours_ago=0.1), Settings(suggest_cost=9), NOW) == 10


def test_there_are_so_many_a_day_and_a_pause_between_them() -> None:
    settings = Settings(suggest_per_day=2, suggest_interval_h=3)
    assert allowance([], settings, NOW).left == 2
    assert allowance(past("offered", hours_ago=4), settings, NOW).left == 1
    soon = allowance(past("offered", hours_ago=1), settings, NOW)
    assert (soon.left, soon.again_at) == (0, NOW + timedelta(hours=1))
    full = past("offered", "offered", hours_ago=4)
    assert allowance(full, settings, NOW).again_at == full[0].made_at + timedelta(days=1)
    off = allowance([], Settings(suggest_per_day=0), NOW)
    assert (off.left, off.again_at) == (0, None)


def test_strong_recent_and_near_notes_come_first() -> None:
    recent, old = NOW - timedelta(days=1), NOW - timedelta(days=300)
    plain = {"observed_at": old, "valid_from": None, "recorded_at": old}
    notes = {
        "near": held("The user travels to Oslo.", **plain | {"valid_from": NOW + timedelta(days=3)}),
        "recent": held("The user paints a door.", **plain | {"observed_at": recent}),
        "sure": held("The user bakes bread.", confidence=9, **plain),
        "weak": held("The user knits.", confidence=2, **plain),
        "sensitive": held("The user was diagnosed with diabetes.", confidence=9, **plain),
        "guess": held("The user sings.", **plain).model_copy(update={"evidence": ()}),
    }
    chosen = worth_a_thought(list(notes.values()), [], HashEncoder(), NOW, 5)
    assert [one.text for one in chosen] == [notes[n].text for n in ("near", "recent", "sure", "weak")]


def test_a_date_is_no_account_number() -> None:
    dated, numbered = sensitive_kinds(["The user travels on 2026-05-04.", "Number 12345678."], HashEncoder())
    assert (dated, numbered) == ((), ("identifiers",))
