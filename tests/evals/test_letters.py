import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.evals.scoring.letters import LETTERS, length_credit, letter_of, lettered, rotated, shuffled


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("c", "c"),
        ("(C)", "c"),
        ("**(b)**", "b"),
        (" d.\n", "d"),
        ("Reply (b) remembers the harbour.", "b"),
        ("I weighed (a) and (c).\n<final_answer> (c)", "c"),
        ("<final_answer>(a)</final_answer> since (b) forgets the move", "a"),
        ("<final_answer> b\nBecause they moved.", "b"),
        ("**Final answer:** (d)", "d"),
        ("The final answer is b.", "b"),
        ("Final Answer: B) the one about boats", "b"),
        ("<final_answer>(a) no, wait\n<final_answer>(b)", "b"),
        ("<think>surely (a), or (b)</think>(c)", "c"),
    ],
)
def test_a_letter_that_is_clearly_the_answer_counts(answer, letter):
    assert letter_of(answer, 4) == LETTERS.index(letter)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "A good reply would mention the harbour.",  # the published fallback reads the word as the letter
        "<final_answer> a reply about boats fits",
        "Either (a) or (b).",
        "<final_answer>(a) or (b)",
        "I like (a). <final_answer>",
        "(e)",
        "option b",
        "friend(s) and dog(a)",
        "at 9 a.m. (sharp)",
        "<final_answer> a.m. would suit",
        "b) but then (a)",
        "b) the walk",
        "Final answer: b) but then (a)",
    ],
)
def test_anything_in_doubt_names_none(answer):
    assert letter_of(answer, 4) is None


@given(st.text(), st.integers(2, 26))
def test_any_text_names_an_option_or_none(answer, count):
    assert letter_of(answer, count) in {None, *range(count)}


@given(st.text("abcd()<>/final_answer: .\n"), st.integers(2, 4))
def test_text_made_of_marks_and_letters_never_names_beyond_the_options(answer, count):
    assert letter_of(answer, count) in {None, *range(count)}


@given(st.lists(st.integers(), unique=True, min_size=1))
def test_over_all_rotations_every_item_stands_everywhere_once(items):
    rows = [rotated(items, by) for by in range(len(items))]
    assert rows[0] == tuple(items)
    for place in range(len(items)):
        assert sorted(row[place] for row in rows) == sorted(items)
    for by, row in enumerate(rows):
        assert row.index(items[0]) == by % len(items)


def test_rotating_nothing_gives_nothing():
    assert rotated([], 3) == ()


def test_a_shuffle_depends_on_its_key_alone():
    assert shuffled(range(9), "0/a") == shuffled(range(9), "0/a") != shuffled(range(9), "1/a")
    assert shuffled(range(9), "0/a")[:3] == (6, 7, 4)  # the same in every process


def test_options_are_lettered_in_order():
    assert lettered(["Tea", "Coffee"]) == "(a) Tea\n(b) Coffee"


def test_length_credit_is_shared_among_equals():
    assert length_credit(["aaa", "bb", "c"], 0) == 1
    assert length_credit(["aaa", "bb", "c"], 1) == 0
    assert length_credit(["aaa", "bbb", "c"], 1) == 0.5
    assert length_credit(["aaa", "bb", "c"], 2, longest=False) == 1
