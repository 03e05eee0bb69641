import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from limner.errors import InvalidFilter
from limner.tools.filters import Condition, Filter


def _conditions(text):
    return [(c.attribute, c.op, c.values) for c in Filter.parse(text).conditions]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("genre in {Comedy, Drama}", [("genre", "in", ("Comedy", "Drama"))]),
        ("genre not in {Film-Noir}", [("genre", "not in", ("Film-Noir",))]),
        ("genre in {Children's}", [("genre", "in", ("Children's",))]),
        ("genre = Comedy", [("genre", "in", ("Comedy",))]),
        ("genre is Comedy", [("genre", "in", ("Comedy",))]),
        ("genre != Comedy", [("genre", "not in", ("Comedy",))]),
        ("year between 1980 1990", [("year", "between", (1980.0, 1990.0))]),
        ("year between 1980 and 1990", [("year", "between", (1980.0, 1990.0))]),
        ("year > 1990 and year<=2000", [("year", ">", (1990.0,)), ("year", "<=", (2000.0,))]),
        ("year ≥ 1990", [("year", ">=", (1990.0,))]),
        ("year in {1990, 1991}", [("year", "in", (1990.0, 1991.0))]),
        ("title contains alien", [("title", "contains", ("alien",))]),
        ("title contains 2001", [("title", "contains", ("2001",))]),
        ("title contains infinity", [("title", "contains", ("infinity",))]),
        (
            "title contains star wars AND year > 1",
            [("title", "contains", ("star wars",)), ("year", ">", (1.0,))],
        ),
        ('title contains "salt and pepper"', [("title", "contains", ("salt and pepper",))]),
        ('"release year" > 3', [("release year", ">", (3.0,))]),
        ("release year > 3", [("release year", ">", (3.0,))]),
        ('genre in {"A, B", "say \\"x\\""}', [("genre", "in", ("A, B", 'say "x"'))]),
    ],
)
def test_text_form(text, expected):
    assert _conditions(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("genre", "ends where an operator"),
        ("genre in", "ends where a value"),
        ("genre in {", "ends where a value"),
        ("genre in {}", "Expected a value"),
        ("genre in {Comedy", "Expected ','"),
        ("in {Comedy}", "name of an attribute"),
        ("genre like Comedy", "operator"),
        ("genre not Comedy", "Expected 'in'"),
        ("year between 1980", "ends where a number"),
        ("year between 1990 1980", "above"),
        ("year > new", "not a number"),
        ("year > nan", "finite"),
        ("year > 1e999", "finite"),
        ("year > 1990 year < 2000", "Expected 'and'"),
        ("year > 1990 and", "name of an attribute"),
        ('title contains "open', "Cannot read"),
        ("{", "name of an attribute"),
    ],
)
def test_what_cannot_be_read_is_said(text, said):
    with pytest.raises(InvalidFilter, match=said):
        Filter.parse(text)


texts = st.text(min_size=1, max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32).map(float)
conditions = st.one_of(
    st.builds(
        Condition,
        attribute=texts,
        op=st.sampled_from(["in", "not in"]),
        values=st.lists(st.one_of(texts, numbers), min_size=1, max_size=4).map(tuple),
    ),
    st.builds(
        Condition, attribute=texts, op=st.sampled_from([">", ">=", "<", "<="]), values=st.tuples(numbers)
    ),
    st.builds(
        Condition,
        attribute=texts,
        op=st.just("between"),
        values=st.tuples(numbers, numbers).map(lambda p: tuple(sorted(p))),
    ),
    st.builds(Condition, attribute=texts, op=st.just("contains"), values=st.tuples(texts)),
)


@given(st.lists(conditions, max_size=4).map(lambda found: Filter(conditions=tuple(found))))
def test_parsing_inverts_writing(where):
    assert Filter.parse(str(where)) == where


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(InvalidFilter):
        assert isinstance(Filter.parse(text), Filter)


def test_conditions_join_without_repetition():
    one, two = Filter.parse("genre in {A} and year > 1"), Filter.parse("year > 1 and year < 9")
    assert str(one & two) == "genre in {A} and year > 1 and year < 9"
    assert not Filter()
    assert one


@pytest.mark.parametrize(
    "fields",
    [
        {"attribute": "", "op": "in", "values": ("x",)},
        {"attribute": "a", "op": "like", "values": ("x",)},
        {"attribute": "a", "op": "in", "values": ()},
        {"attribute": "a", "op": "between", "values": (1.0,)},
        {"attribute": "a", "op": ">", "values": ("x",)},
        {"attribute": "a", "op": "contains", "values": ("x", "y")},
        {"attribute": "a", "op": "in", "values": ("x",), "more": 1},
    ],
)
def test_a_malformed_condition_is_refused(fields):
    with pytest.raises(ValidationError):
        Condition(**fields)


def test_a_condition_survives_json():
    condition = Condition(attribute="year", op="between", values=("1980", 1990))
    assert condition.values == (1980.0, 1990.0)
    assert Condition.model_validate_json(condition.model_dump_json()) == condition
