import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.profiles.propositions.sentences import sentences


@given(st.text(alphabet=st.sampled_from("ab .!?…。\n\"')]\t\u00a0é"), max_size=300) | st.text(max_size=1500))
def test_every_sentence_stands_where_it_says_and_nothing_but_blanks_and_closers_is_left_out(text):
    found = sentences(text)
    assert [text[s.start : s.end] for s in found] == [s.text for s in found]
    assert all(s.text.strip() == s.text != "" and len(s.text) <= 400 for s in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    ends = [0, *(s.end for s in found)]
    starts = [*(s.start for s in found), len(text)]
    for end, start in zip(ends, starts, strict=True):
        assert text[end:start].strip().strip("\"')]") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("One\nTwo\n\n\nThree", ["One", "Two", "Three"]),
        ("It took 3.5 hours.", ["It took 3.5 hours."]),
        ("我搬家了。我喜欢猫！", ["我搬家了。", "我喜欢猫！"]),
        ("  \n ", []),
        ("", []),
    ],
)
def test_where_sentences_end(text, expected):
    assert [s.text for s in sentences(text)] == expected


def test_a_long_one_is_cut_at_a_blank_or_anywhere_where_there_is_none():
    words = "word " * 200
    assert all(set(s.text.split()) == {"word"} for s in sentences(words))
    assert [len(s.text) for s in sentences("x" * 1000)] == [400, 400, 200]
