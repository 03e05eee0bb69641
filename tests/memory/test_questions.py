"""What a question asks for."""

import time

import pytest

from limner.memory.questions import named_in, read_question
from limner.memory.sayings import Trait


@pytest.mark.parametrize(
    ("text", "months", "days", "years"),
    [
        ("What happened in June?", {6}, set(), set()),
        ("what happened in june", {6}, set(), set()),
        ("What happened in December 2022?", {12}, set(), {2022}),
        ("What happened in May?", {5}, set(), set()),
        ("What happened last march?", {3}, set(), set()),
        ("What was done by May?", {5}, set(), set()),
        ("Who came on 5 May?", {5}, {(5, 5)}, set()),
        ("Who came on May 5th, 2023?", {5}, {(5, 5)}, {2023}),
        ("Who came on the 5th of May?", {5}, {(5, 5)}, set()),
        ("Who came on March the 3rd?", {3}, {(3, 3)}, set()),
        ("Who came on 2023-05-08?", {5}, {(5, 8)}, {2023}),
        ("Who came in 2023-05?", {5}, set(), {2023}),
        ("Who came on May 5 or June 6?", {5, 6}, {(5, 5), (6, 6)}, set()),
        ("Who came in May 2023?", {5}, set(), {2023}),
        ("Who came between March and May?", {3, 4, 5}, set(), set()),
        ("Who came from November to January?", {11, 12, 1}, set(), set()),
        ("Who came in June or July?", {6, 7}, set(), set()),
        ("Who came in January and May?", {1, 5}, set(), set()),
        ("How many came in 2021?", set(), set(), {2021}),
        # Words that only look like months and years.
        ("May I come in?", set(), set(), set()),
        ("What may happen?", set(), set(), set()),
        ("Who may I ask on Monday?", set(), set(), set()),
        ("Did they march on Rome?", set(), set(), set()),
        ("Where did they march to?", set(), set(), set()),
        ("the marching band and the mayor", set(), set(), set()),
        ("Room 2023b, 12023 and 3000", set(), set(), set()),
        ("Version 2023-45-01?", set(), set(), {2023}),
    ],
)
def test_which_months_days_and_years_it_names(text, months, days, years) -> None:
    question = read_question(text)
    assert (question.months, question.days, question.years) == (months, days, years)


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        ("When did they move?", Trait.DATES),
        ("¿When did they move?", Trait.DATES),
        ("What year did they move?", Trait.DATES),
        ("What did they say when they moved?", Trait(0)),
        ("How many dogs?", Trait.COUNTS),
        ("How long ago?", Trait.COUNTS),
        ("Who moved?", Trait.NAMES | Trait.QUOTES),
        ("Which book was it?", Trait.NAMES | Trait.QUOTES),
        ("What favourite city was it?", Trait.NAMES | Trait.QUOTES),
        ("the name of the dog", Trait.NAMES | Trait.QUOTES),
        ("What is tea?", Trait(0)),
        ("Wann sind sie umgezogen?", Trait(0)),
        ("tea", Trait(0)),
        ("?", Trait(0)),
    ],
)
def test_what_an_answer_will_have_in_it(text, wants) -> None:
    assert read_question(text).wants == wants


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("What did the dog eat?", {"dog": 1, "eat": 1}),
        ("dog, dogs and DOG", {"dog": 3}),
        ("What is it?", {"what": 1, "is": 1, "it": 1}),
        ("?", {}),
        ("🙂", {}),
        ("Где собака?", {"где": 1, "собака": 1}),
        ("二時間", {"二時": 1, "時間": 1}),
    ],
)
def test_its_terms(text, terms) -> None:
    assert read_question(text).terms == terms


def test_the_names_of_those_asked_about_tell_nothing_unless_there_is_nothing_else() -> None:
    assert read_question("What did Ada eat?").without(["ada lovelace"]) == {"eat": 1}
    assert read_question("Ada?").without(["ada"]) == {"ada": 1}
    assert read_question("What did Ada eat?").without([]) == {"ada": 1, "eat": 1}


@pytest.mark.parametrize(
    ("text", "mine"),
    [
        ("What did I eat?", True),
        ("my dog", True),
        ("what i’ve eaten", True),
        ("What did Ada eat?", False),
        ("the mineral", False),
    ],
)
def test_whether_one_asks_about_oneself(text, mine) -> None:
    assert read_question(text).about_me is mine


@pytest.mark.parametrize(
    ("text", "speakers", "named"),
    [
        ("What did Ada tell Bob?", ["bob", "ada"], ["ada", "bob"]),
        ("What did Bob tell Ada?", ["bob", "ada"], ["bob", "ada"]),
        ("what did BOB's dog eat", ["ada", "bob"], ["bob"]),
        ("What did Adam eat?", ["ada"], []),
        ("What did Ada eat?", ["ada lovelace"], ["ada lovelace"]),
        ("What did Ada eat?", ["dr. ada lovelace"], ["dr. ada lovelace"]),
        ("What did Dr. Grey eat?", ["dr. ada lovelace"], []),
        ("What did the doctor eat?", ["doctor"], ["doctor"]),
        ("What did Lovelace eat?", ["ada lovelace"], []),
        ("What did Ada Byron eat?", ["ada lovelace", "ada byron", "ada"], ["ada byron"]),
        ("What did Ada eat?", ["ada lovelace", "ada byron"], ["ada byron", "ada lovelace"]),
        ("What did O'Neil eat?", ["o'neil"], ["o'neil"]),
        ("What did Anna-Lena eat?", ["anna-lena o'neil"], ["anna-lena o'neil"]),
        # Names that are also words.
        ("When will Ada come?", ["will", "ada"], ["ada"]),
        ("Will Ada come?", ["will", "ada"], ["ada"]),
        ("What did Will eat?", ["will", "ada"], ["will"]),
        ("WHEN WILL ADA COME?", ["will", "ada"], ["ada"]),
        ("What may I tell May?", ["may"], ["may"]),
        # Other scripts, with and without spaces.
        ("Что ела Аня?", ["аня"], ["аня"]),
        ("小明喜歡什麼？", ["小明"], ["小明"]),
        ("What did Ada eat?", [], []),
        ("?", ["ada"], []),
    ],
)
def test_who_is_named_and_in_which_order(text, speakers, named) -> None:
    assert named_in(text, speakers) == named
    assert named_in(text, speakers[::-1]) == named


@pytest.mark.parametrize(
    "piece", ["may ", "what ", "5 ", "?", "a", "Ada ", "in ", "from may to ", "2023-05-"]
)
def test_no_question_takes_longer_than_its_length(piece) -> None:
    text = piece * (20_000 // len(piece))
    start = time.process_time()
    read_question(text)
    named_in(text, ["ada", "bob"])
    assert time.process_time() - start < 1
