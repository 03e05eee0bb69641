import pytest
from made import draft, held

from answering import Answers, scored, scoring_model
from limner.errors import MalformedOutput
from limner.memory.sameness import near_identical
from limner.profiles.propositions.relate import Candidate, relate

LISBON = held("The user lives in Lisbon.", on=0)
MOVED = draft("The user moved to Porto.", on=5)


def kinds(related):
    return [[(r.target, r.kind, r.asked) for r in relations] for relations in related]


async def test_nothing_to_compare_asks_nothing():
    answers = Answers()
    assert await relate([(MOVED, []), (MOVED, [])], answers.model()) == [[], []]
    assert await relate([], answers.model()) == []
    assert answers.asked == []


@pytest.mark.parametrize("plan", ["small", "batch"])
@pytest.mark.parametrize(
    ("text", "cosine"),
    [
        ("the user  lives in LISBON", 0.2),
        ("The user lives in Lisbon!", 1.0),
        ("The user is living in Lisbon.", 0.97),
    ],
)
async def test_the_same_wording_is_the_same_without_a_model(plan, text, cosine):
    answers = Answers()
    related = await relate([(draft(text), [Candidate(LISBON, cosine)])], answers.model(plan=plan))
    assert kinds(related) == [[(LISBON, "same", False)]]
    assert answers.asked == []


@pytest.mark.parametrize("plan", ["small", "batch"])
async def test_what_is_far_apart_is_unrelated_without_a_model(plan):
    answers = Answers()
    commutes = draft("The user takes the metro to work.", on=5)
    assert await relate([(commutes, [Candidate(LISBON, 0.59)])], answers.model(plan=plan)) == [[]]
    assert await relate([(MOVED, [Candidate(LISBON, 0.34)])], answers.model(plan=plan)) == [[]]
    earlier = draft("The user moved to Porto.", on=-5)
    assert await relate([(earlier, [Candidate(LISBON, 0.59)])], answers.model(plan=plan)) == [[]]
    assert answers.asked == []


async def test_a_change_reaches_farther():
    answers = Answers(relations={(LISBON.text, MOVED.text): "updates"})
    related = await relate([(MOVED, [Candidate(LISBON, 0.36)])], answers.model())
    assert kinds(related) == [[(LISBON, "updates", True)]]
    assert answers.calls == {"replaces": 1}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The user has 2 cats.", "The user has 3 cats."),
        ("The user likes jazz.", "The user no longer likes jazz."),
        ("The user likes jazz.", "The user doesn't like jazz."),
        ("The user likes jazz.", "The user dislikes jazz."),
        ("The user eats meat.", "The user never eats meat."),
        ("The user smokes.", "The user stopped smoking."),
        ("The user likes jazz.", "The user doesn’t like jazz."),
        ("The user can eat nuts.", "The user cannot eat nuts."),
    ],
)
async def test_a_number_or_a_negation_apart_is_asked(first, second):
    assert not near_identical(first, second, 0.999)
    answers = Answers()
    await relate([(draft(second), [Candidate(held(first), 0.999)])], answers.model())
    assert answers.calls == {"replaces": 1, "same": 1}


@pytest.mark.parametrize(("said", "expected"), [("updates", "updates"), ("same", "same"), (None, None)])
async def test_small_plan_asks_two_questions(said, expected):
    answers = Answers(relations={(LISBON.text, MOVED.text): said} if said else {})
    related = await relate([(MOVED, [Candidate(LISBON, 0.8)])], answers.model())
    assert kinds(related) == [[(LISBON, expected, True)] if expected else []]
    assert answers.calls == ({"replaces": 1} if said == "updates" else {"replaces": 1, "same": 1})


async def test_what_is_not_near_is_asked_only_whether_it_is_out_of_date():
    answers = Answers(relations={(LISBON.text, MOVED.text): "same"})
    assert await relate([(MOVED, [Candidate(LISBON, 0.65)])], answers.model()) == [[]]
    assert answers.calls == {"replaces": 1}


async def test_what_was_said_later_stands_second():
    before = draft("The user plans to leave Lisbon.", on=-3)
    answers = Answers(relations={(before.text, LISBON.text): "updates"})
    related = await relate([(before, [Candidate(LISBON, 0.8)])], answers.model())
    assert kinds(related) == [[(LISBON, "updates", True)]]
    timeless = held("The user lives in Lisbon.", valid_from=None)
    answers = Answers(relations={(timeless.text, before.text): "updates"})
    assert kinds(await relate([(before, [Candidate(timeless, 0.7)])], answers.model())) == [
        [(timeless, "updates", True)]
    ]


async def test_batch_plan_is_one_call_for_all_pairs():
    other = draft("The user plays chess.", on=6)
    answers = Answers(
        replies={
            "relate": {
                "labels": [
                    {"pair": 1, "relation": "updates"},
                    {"pair": 2, "relation": "unrelated"},
                    {"pair": 3, "relation": "same"},
                ]
            }
        }
    )
    related = await relate(
        [
            (MOVED, [Candidate(LISBON, 0.8), Candidate(other, 0.75)]),
            (draft("The user lives in Lisbon.", on=7), [Candidate(LISBON, 1.0)]),
            (other, [Candidate(MOVED, 0.75)]),
        ],
        answers.model(plan="batch"),
    )
    assert kinds(related) == [[(LISBON, "updates", True)], [(LISBON, "same", False)], [(MOVED, "same", True)]]
    assert answers.calls == {"relate": 1}
    shown = answers.asked[0][1][-1].text
    assert "[1] earlier: The user lives in Lisbon. | later: The user moved to Porto." in shown
    assert "[2] earlier: The user moved to Porto. | later: The user plays chess." in shown
    assert "[4]" not in shown


def labelled(**kinds):
    return {
        "labels": [{"pair": int(name.removeprefix("p")), "relation": kind} for name, kind in kinds.items()]
    }


async def test_batch_plan_ignores_labels_of_pairs_that_are_not_there():
    answers = Answers(replies={"relate": labelled(p7="updates", p1="unrelated", p0="same")})
    assert await relate([(MOVED, [Candidate(LISBON, 0.8)])], answers.model(plan="batch")) == [[]]
    assert answers.calls == {"relate": 1}


async def test_batch_plan_asks_again_about_pairs_that_were_left_out():
    others = [held(f"The user lives in {city}.", on=0) for city in ("Rome", "Paris")]
    answers = Answers(replies={"relate": [labelled(p2="same"), labelled(p1="updates", p2="unrelated")]})
    candidates = [Candidate(target, 0.8) for target in (LISBON, *others)]
    related = await relate([(MOVED, candidates)], answers.model(plan="batch"))
    assert kinds(related) == [[(LISBON, "updates", True), (others[0], "same", True)]]
    shown = answers.asked[1][1][-1].text
    assert "[2] earlier: The user lives in Paris." in shown
    assert "Rome" not in shown


async def test_batch_plan_without_a_label_for_a_pair_is_an_error_not_unrelated():
    answers = Answers(replies={"relate": labelled(p7="updates")})
    with pytest.raises(MalformedOutput, match="without a label") as caught:
        await relate([(MOVED, [Candidate(LISBON, 0.8)])], answers.model(plan="batch"))
    assert answers.calls == {"relate": 2}
    assert '"pair":7' in caught.value.raw


async def test_batch_plan_takes_as_many_calls_as_the_answers_need():
    notes = [held(f"The user lives in {n} {'far ' * n}away.", on=0) for n in range(100)]

    def label(asked):
        return labelled(**{f"p{n}": "updates" for n in range(1, asked.count("earlier:") + 1)})

    answers = Answers(replies={"relate": label})
    model = answers.model(plan="batch", context_length=100_000)
    (related,) = await relate([(MOVED, [Candidate(note, 0.8) for note in notes])], model)
    assert [r.target for r in related] == notes
    assert answers.calls == {"relate": 2}


async def test_batch_plan_with_another_label_is_an_error():
    answers = Answers(replies={"relate": {"labels": [{"pair": 1, "relation": "similar"}]}})
    with pytest.raises(MalformedOutput):
        await relate([(MOVED, [Candidate(LISBON, 0.8)])], answers.model(plan="batch"))
    assert answers.calls == {"relate": 3}


@pytest.mark.parametrize(
    ("replaces", "same", "expected"),
    [(-0.1, 0.0, ["updates"]), (-0.3, 0.4, ["same"]), (-0.3, 0.2, [])],
)
async def test_thresholds_are_log_odds(replaces, same, expected):
    def script(messages):
        odds = same if "say the same thing" in messages[0].text else replaces
        return scored(yes=odds - 1.0, no=-1.0)

    (related,) = await relate([(MOVED, [Candidate(LISBON, 0.8)])], scoring_model(script))
    assert [r.kind for r in related] == expected
