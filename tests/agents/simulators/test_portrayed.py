import random

import pytest

from answering import Answers
from limner.agents.conversation.question import Question
from limner.agents.simulators.clues import clues_of, decade, gist_of
from limner.agents.simulators.faults import contradictions, out_of_part, repeats, takes, turns_away
from limner.agents.simulators.manner import Manner
from limner.agents.simulators.portrayed import PortrayedSeeker
from limner.agents.simulators.seeker import Heard
from limner.agents.simulators.traits import SeekerPortrait, Trait
from limner.errors import InputError, NotFound
from limner.inference import load_prompt
from limner.tools import Catalogue, Item

NEUTRAL = Manner(lower_case=0, unended=0, exclamations=1, greets=True)


def film(id, title, *genres, year=1990.0, star=(), plot=""):
    attributes = {"genre": genres, "year": year, "star": star or (f"Ann No{id}",)}
    return Item(id=id, title=title, attributes=attributes, description=plot)


FILMS = Catalogue(
    [
        film(
            "1",
            "Tin Roof (1994)",
            "Comedy",
            "Western",
            year=1994.0,
            star=("Lena Marsh",),
            plot="Ned Fox saves a farm.",
        ),
        film("2", "Cold Water (1961)", "Horror", year=1961.0, star=("Max Vole",)),
        film("3", "Slow Train (1993)", "Drama", "Romance", year=1993.0),
        *(film(str(n), f"Filler Number {n} (1990)", "Drama") for n in range(4, 90)),
    ],
    kinds={"star": "categories"},
)
TARGET = FILMS.get("1")


def said_by(last):
    """A model that says every note word for word."""
    notes = last.rsplit("Say: ", 1)[1].split("; ")
    return "Well, " + ", and ".join(notes) + "."


def seeker(seek=said_by, portrait=None, targets=("1",), plot="somebody who saves a farm", **options):
    answers = Answers(replies={"seek": seek, "plot": plot})
    portrait = portrait or SeekerPortrait(manner=NEUTRAL)
    return PortrayedSeeker(answers.model(), portrait, targets, FILMS, **options), answers


async def test_a_seeker_never_names_its_target_and_takes_it_when_it_is_shown():
    one, answers = seeker(patience=9)
    said = [await one.open()]
    said += [await one.answer(Heard("How about this?", (FILMS.get(id),))) for id in ("2", "3")]
    said.append(await one.answer(Heard("Tin Roof?", (FILMS.get("2"), TARGET))))
    assert [s.accepted for s in said] == [None, None, None, "1"]
    assert not any("Tin Roof" in m.text for _, messages in answers.asked[:-1] for m in messages[-1:])
    assert [w.move for w in one.written][-1] == "accept"
    assert not any(s.gave_up for s in said)


async def test_it_gives_up_when_its_patience_ends():
    one, _ = seeker(patience=2)
    await one.open()
    assert not (await one.answer(Heard("Hm.", (FILMS.get("2"),)))).gave_up
    assert (await one.answer(Heard("Hm.", (FILMS.get("3"),)))).gave_up


async def test_a_question_is_answered_by_what_the_target_is():
    one, _ = seeker()
    await one.open()
    question = Question(
        attribute="star", options=("Lena Marsh",), conditions=('star in {"Lena Marsh"}',), text="Who?"
    )
    assert "Lena Marsh" in (await one.answer(Heard("Who?", question=question))).text
    assert "no horror" in (await one.answer(Heard("Do you like horror?"))).text
    question = Question(
        attribute="colour", options=("red",), conditions=("colour in {red}",), text="Which colour?"
    )
    assert "do not mind" in (await one.answer(Heard("Which colour?", question=question))).text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("I want Tin Roof, the comedy western.", "leak"),
        ("A comedy western with Max Vole.", "contradiction"),
        ("A horror comedy or western from the nineties.", "contradiction"),
        ("I'm not really into comedy or western films.", "contradiction"),
        ("Great, I'll check out that comedy western.", "acceptance"),
        ("I would recommend a comedy or western.", "out of part"),
        ("A comedy western like Cold Water.", "out of part"),
        ("Hello, I'm fine.", "omission"),
        ("", "omission"),
    ],
)
async def test_a_turn_at_fault_is_asked_for_again_and_then_replaced(text, fault):
    one, answers = seeker(lambda last: text)
    said = await one.open()
    written = one.written[0]
    # The third attempt is held to an opening, which this model does not heed: it says nothing.
    assert [fault in attempt.faults for attempt in written.attempts[:2]] == [True, True]
    assert written.attempts[2].faults
    assert written.replaced
    assert said.text.startswith("Hi! I'm looking for a ") or said.text.startswith(
        "Hi! I'm looking for something"
    )
    assert answers.calls["seek"] == 3


async def test_a_good_second_attempt_is_said():
    texts = ["As an AI I cannot.", "A comedy western, please."]
    one, _ = seeker(lambda last: texts.pop(0))
    assert (await one.open()).text.rstrip(".!") == "A comedy western, please"
    assert [len(w.attempts) for w in one.written] == [2]
    assert not one.written[0].replaced


async def test_facts_of_the_portrait_are_told_where_the_target_bears_them():
    facts = (
        Trait(kind="likes", text="The person likes horror.", quote="horror"),
        Trait(kind="likes", text="The person loved Tin Roof.", quote="Tin Roof"),
        Trait(kind="likes", text="The person loved Slow Train (1993).", quote="Slow Train"),
    )
    one, _ = seeker(portrait=SeekerPortrait(facts=facts, manner=NEUTRAL))
    await one.open()
    assert one.written[0].say[:2] == ("greet", "loved Slow Train")
    await one.answer(Heard("Hm.", (FILMS.get("3"),)))
    assert one.written[1].say[0] == "have seen Slow Train"


async def test_the_same_seed_says_the_same():
    async def talk(seed):
        one, _ = seeker(seed=seed)
        return [
            (await one.open()).text,
            *[(await one.answer(Heard("No?", (FILMS.get("3"),)))).text for _ in "ab"],
        ]

    assert await talk(1) == await talk(1)
    assert len({tuple(await talk(seed)) for seed in range(6)}) > 1


async def test_a_given_opening_is_said_as_it_is():
    one, answers = seeker(opening="hello you")
    assert (await one.open()).text == "hello you"
    assert "seek" not in answers.calls


def test_nothing_to_look_for_is_refused():
    with pytest.raises(InputError, match="at least one item"):
        seeker(targets=())
    with pytest.raises(InputError, match="patience"):
        seeker(patience=0)
    with pytest.raises(NotFound):
        seeker(targets=("nope",))


@pytest.mark.parametrize(
    ("gist", "kept"),
    [
        ("Somebody who saves a farm.", "somebody who saves a farm"),
        ("the day that Ned Fox saves a farm", ""),
        ("a house with a tin roof", ""),
        ("farm", ""),
    ],
)
async def test_a_gist_holds_no_name_and_nothing_of_the_title(gist, kept):
    model = Answers(replies={"plot": gist}).model()
    assert await gist_of(TARGET, model, load_prompt("agents/plot")) == kept


def test_clues_are_true_and_none_gives_the_target_away():
    clues = clues_of(TARGET, FILMS, "a farm", lambda text: "Lena" in text, random.Random(0))
    assert {clue.attribute for clue in clues} == {"genre", "year", "description"}
    assert clues[0].attribute == "genre"
    assert all(clue.told_in(clue.wish) for clue in clues)
    assert [decade(y) for y in (1915, 1961, 2004, 2018)] == [
        "the 1910s",
        "the sixties",
        "the 2000s",
        "the last few years",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A funny western from the 90s", []),
        ("I want a horror movie", ["Horror"]),
        ("No horror please", []),
        ("It's a horror film, I want a comedy", []),
        ("anything with Max Vole", ["Max Vole"]),
        ("something from the sixties", ["1960–1969"]),
        ("nothing from the sixties", []),
        ("one from 1993", ["1993"]),
    ],
)
def test_contradictions_are_found_and_negations_are_none(text, found):
    assert contradictions(text, TARGET, FILMS) == found


def test_faults_are_told_apart():
    assert out_of_part("What kind of movies do you like?", FILMS, ())
    assert out_of_part("Slow Train is good", FILMS, ())
    assert not out_of_part("I've seen Slow Train", FILMS, ["Slow Train (1993)"])
    assert not out_of_part("What do you recommend?", FILMS, ())
    assert repeats("any good westerns here", ["Any good westerns here?"])
    assert not repeats("any good westerns", ["any good comedies here"])
    assert takes("ok I'll check it out")
    assert not takes("I haven't seen it")
    assert turns_away("I'm not into Lena Marsh", ("marsh",))
    assert not turns_away("I'm not into horror, Lena Marsh please", ("marsh",))
