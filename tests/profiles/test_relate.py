import pytest
from made import draft, held

from answering import OPENINGS, Answers, scored, scoring_model
from limner.errors import MalformedOutput
from limner.memory.sameness import near_identical
from limner.profiles.propositions.relate import Candidate, Parts, relate

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
    assert await relate([(MOVED, [Candidate(LISBON, 0.41)])], answers.model(plan=plan)) == [[]]
    earlier = draft("The user moved to Porto.", on=-5)
    assert await relate([(earlier, [Candidate(LISBON, 0.59)])], answers.model(plan=plan)) == [[]]
    assert answers.asked == []


async def test_a_change_reaches_farther():
    answers = Answers(relations={(LISBON.text, MOVED.text): "updates"})
    related = await relate([(MOVED, [Candidate(LISBON, 0.43)])], answers.model())
    assert kinds(related) == [[(LISBON, "updates", True)]]
    assert answers.calls == {"replaces": 1, "clash": 1}


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
    assert answers.calls["replaces"] == answers.calls["clash"] == 1


SINGS, CHOIR = held("The user sings."), draft("The user sings in a choir in Leeds.", on=5)
KINDS = ["same", "narrows", "contradicts", None]


@pytest.mark.parametrize("said", KINDS)
async def test_small_plan_asks_until_it_is_settled(said):
    answers = Answers(relations={(SINGS.text, CHOIR.text): said} if said else {})
    related = await relate([(CHOIR, [Candidate(SINGS, 0.8)])], answers.model())
    assert kinds(related) == [[(SINGS, said, True)] if said else []]
    more = {} if said == "same" else {"replaces": 1, "clash": 1}
    assert {name: answers.calls[name] for name in ("same", "replaces", "clash")} == {
        "same": 1,
        "replaces": more.get("replaces", 0),
        "clash": more.get("clash", 0),
    }
    assert all(r.because for relations in related for r in relations)


@pytest.mark.parametrize("plan", ["small", "batch"])
@pytest.mark.parametrize("said", ["narrows", "broadens"])
async def test_which_of_two_is_the_more_exact_does_not_hang_on_which_came_first(plan, said):
    """The draft was said before the statement that is held."""
    before, known = draft(CHOIR.text, on=-5), held(SINGS.text, on=0)
    answers = Answers(
        relations={(SINGS.text, CHOIR.text): "narrows"}, replies={"relate": labelled(p1="broadens")}
    )
    (related,) = await relate([(before, [Candidate(known, 0.8)])], answers.model(plan=plan))
    assert [r.kind for r in related] == ["narrows"]


async def test_a_change_by_which_both_differ_is_an_update_and_else_they_contradict_each_other():
    answers = Answers(relations={(LISBON.text, MOVED.text): "contradicts"})
    (related,) = await relate([(MOVED, [Candidate(LISBON, 0.8)])], answers.model())
    assert [r.kind for r in related] == ["updates"]
    there = draft("The user lives in Porto.", on=5)
    answers = Answers(relations={(LISBON.text, there.text): "updates"})
    (related,) = await relate([(there, [Candidate(LISBON, 0.8)])], answers.model())
    assert [r.kind for r in related] == ["contradicts"]


async def test_a_wish_that_came_true_is_over():
    wish, trip = held("The user wants to learn to swim."), draft("The user learned to swim in summer.", on=5)
    answers = Answers(relations={(wish.text, trip.text): "narrows"})
    (related,) = await relate([(trip, [Candidate(wish, 0.8)])], answers.model())
    assert [r.kind for r in related] == ["updates"]


async def test_what_is_not_near_is_not_asked_whether_it_is_the_same():
    answers = Answers(relations={(SINGS.text, CHOIR.text): "same"})
    assert await relate([(CHOIR, [Candidate(SINGS, 0.65)])], answers.model()) == [[]]
    assert answers.calls == {"replaces": 1, "clash": 1, "exact": 1}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The user likes science fiction novels.", "The user likes science fiction films."),
        ("The user enjoys travelling.", "The user is planning a trip to Italy in May."),
    ],
)
async def test_what_is_only_on_the_same_subject_is_not_more_exact(one, other):
    answers = Answers(relations={(one, other): "narrows"})
    assert await relate([(draft(other, on=5), [Candidate(held(one), 0.85)])], answers.model()) == [[]]


async def test_in_long_statements_a_small_model_is_not_believed_to_see_a_contradiction():
    long = draft(
        "The user felt that the long talk about singing had been rather too much for one evening.", on=5
    )
    answers = Answers(relations={(SINGS.text, long.text): "contradicts"})
    assert await relate([(long, [Candidate(SINGS, 0.7)])], answers.model()) == [[]]


BOTH = held("The user likes hiking and jazz.")
NO_JAZZ = draft("The user no longer listens to jazz.", on=5)
JAZZ = "The user likes jazz."


@pytest.mark.parametrize("whole", ["updates", None])
async def test_of_a_compound_statement_each_part_is_asked_about(whole):
    relations = {(JAZZ, NO_JAZZ.text): "updates"} | ({(BOTH.text, NO_JAZZ.text): whole} if whole else {})
    answers = Answers(relations=relations)
    (related,) = await relate([(NO_JAZZ, [Candidate(BOTH, 0.7)])], answers.model())
    assert [(r.kind, r.parts) for r in related] == [("updates", Parts("The user likes hiking.", JAZZ))]


async def test_a_compound_statement_of_which_all_parts_are_meant_stays_whole():
    relations = {(text, NO_JAZZ.text): "updates" for text in (BOTH.text, JAZZ, "The user likes hiking.")}
    (related,) = await relate([(NO_JAZZ, [Candidate(BOTH, 0.7)])], Answers(relations=relations).model())
    assert [(r.kind, r.parts) for r in related] == [("updates", None)]


async def test_batch_plan_takes_compounds_apart_with_one_more_call():
    answers = Answers(replies={"relate": [labelled(p1="updates"), labelled(p1="unrelated", p2="updates")]})
    model = answers.model(plan="batch")
    (related,) = await relate([(NO_JAZZ, [Candidate(BOTH, 0.7)])], model)
    assert [(r.kind, r.parts) for r in related] == [("updates", Parts("The user likes hiking.", JAZZ))]
    assert "[1] earlier: The user likes hiking. | later: The user no" in answers.asked[1][1][-1].text


async def test_what_was_said_later_stands_second():
    before = draft("The user plans to leave Lisbon.", on=-3)
    answers = Answers(relations={(before.text, LISBON.text): "updates"})
    related = await relate([(before, [Candidate(LISBON, 0.8)])], answers.model())
    assert kinds(related) == [[(LISBON, "contradicts", True)]]
    timeless = held("The user lives in Lisbon.", valid_from=None)
    answers = Answers(relations={(timeless.text, before.text): "updates"})
    assert kinds(await relate([(before, [Candidate(timeless, 0.7)])], answers.model())) == [
        [(timeless, "contradicts", True)]
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
    ("replaces", "clash", "same", "exact", "expected"),
    [
        (0.2, 0.2, 0.0, 0.0, "contradicts"),
        (0.0, 0.1, 0.0, 0.0, None),
        (0.0, 1.0, 0.8, 3.0, "same"),
        (0.0, -1.0, 0.6, 0.8, "narrows"),
        (0.4, 0.0, 0.0, 0.9, "contradicts"),
        (0.0, -1.0, 0.0, 0.6, None),
        (0.0, -1.0, -2.1, 3.0, None),
    ],
)
async def test_thresholds_are_log_odds(replaces, clash, same, exact, expected):
    odds = {"replaces": replaces, "clash": clash, "same": same, "exact": exact}

    def script(messages):
        name = next(n for n in odds if messages[0].text.startswith(OPENINGS[n]))
        return scored(yes=odds[name] - 1.0, no=-1.0)

    (related,) = await relate([(CHOIR, [Candidate(SINGS, 0.8)])], scoring_model(script))
    assert [r.kind for r in related] == ([expected] if expected else [])
