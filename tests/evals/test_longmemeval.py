"""LongMemEval: haystacks with oddities, units of retrieval, the published measures, the judge's prompts."""

import copy
import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import ConfigurationError
from limner.evals.longmemeval import longmemeval_qa, longmemeval_recall
from limner.evals.measures import MEASURES
from limner.evals.records import Answer, Benchmark, Passage
from limner.evals.sources import DataError
from limner.inference.prompts import load_prompt


def said(role, content, **label):
    return {"role": role, "content": content, **label}


def question(name, kind="single-session-user", **changes):
    return {
        "question_id": name,
        "question_type": kind,
        "question": "How many hens does Mirte keep?",
        "answer": 4,
        "question_date": "2024/02/10 (Sat) 09:00",
        "haystack_session_ids": ["late", "early", "twin", "early", "bare"],
        "haystack_dates": [
            "2024/02/01 (Thu) 10:00",
            "2024/01/01 (Mon) 08:05",
            "2024/01/01 (Mon) 08:05",
            "2024/01/03 (Wed) 11:00",
            "2024/01/04 (Thu) 11:00",
        ],
        "haystack_sessions": [
            [
                said("assistant", "Welcome back."),
                said("user", "I keep hens.", has_answer=False),
                said("assistant", "How many?", has_answer=False),
                said("user", "Four.", has_answer=True),
                said("assistant", "Four it is.", has_answer=False),
            ],
            [said("user", "Does rye need lime?"), said("assistant", "Rarely.")],
            [said("user", "Tell me of Ghent."), said("user", " "), said("assistant", "A town.")],
            [said("user", "Does rye need lime?"), said("assistant", "Rarely.")],
            [],
        ],
        "answer_session_ids": ["late", "late", "lost"],
        **changes,
    }


def unlabelled(one):
    one = copy.deepcopy(one)
    for turns in one["haystack_sessions"]:
        for turn in turns:
            turn.pop("has_answer", None)
    return one


FILE = [
    question("q1"),
    question("q2_abs"),
    unlabelled(question("q3", "single-session-preference", answer="fit it to hens")),
]


@pytest.fixture
def write(tmp_path):
    def write(value):
        path = tmp_path / "longmemeval.json"
        path.write_text(json.dumps(value))
        return str(path)

    return write


def test_sessions_are_found_by_the_users_words(write):
    benchmark = longmemeval_recall(write(FILE))
    assert [(one.id, one.target, one.group) for one in benchmark.questions] == [
        ("q1", ("late",), "single-session-user"),
        ("q3", ("late",), "single-session-preference"),
    ]
    turns = benchmark.histories["q1"]
    assert [turn.id for turn in turns] == ["early", "twin", "early#2", "late"]
    assert turns[-1].text == "I keep hens. Four."
    assert turns[0].at == datetime(2024, 1, 1, 8, 5, tzinfo=UTC)
    assert turns[0].at < turns[1].at < turns[2].at
    assert all(name in MEASURES for name in benchmark.measures)
    both = longmemeval_recall(write(FILE), key="both").histories["q1"]
    assert both[-1].text == "Welcome back. I keep hens. How many? Four. Four it is."


def test_every_oddity_is_counted(write):
    assert longmemeval_recall(write(FILE[:1])).counted == {
        "answer that is a number": 1,
        "turn without words, left out": 1,
        "empty session, left out": 1,
        "session id used twice (the second one gets a number)": 1,
        "session date used twice (set a millisecond apart)": 1,
        "evidence session that is not in the haystack": 1,
    }
    counted = longmemeval_recall(write(FILE)).counted
    assert counted["abstention question, left out"] == 1
    assert counted["question without has_answer labels, evidence taken from answer_session_ids"] == 1


def test_rounds_have_the_published_ids(write):
    benchmark = longmemeval_recall(write(FILE), granularity="round")
    assert [(one.id, one.target) for one in benchmark.questions] == [("q1", ("late_4",))]
    assert [turn.id for turn in benchmark.histories["q1"]] == [
        "early_1",
        "twin_1",
        "early#2_1",
        "late_2",
        "late_4",
    ]
    assert benchmark.histories["q1"][-1].text == "Four."
    assert benchmark.counted["question without has_answer labels, left out"] == 1
    both = longmemeval_recall(write(FILE), granularity="round", key="both").histories["q1"]
    assert [(turn.id, turn.text) for turn in both[-3:]] == [
        ("late_1", "Welcome back."),
        ("late_2", "I keep hens. How many?"),
        ("late_4", "Four. Four it is."),
    ]


def test_what_only_the_assistant_said_is_evidence_only_where_it_is_indexed(write):
    one = question("q4", "single-session-assistant")
    one["haystack_sessions"][0][3]["has_answer"] = False
    one["haystack_sessions"][0][4]["has_answer"] = True
    for granularity, gold in (("session", "late"), ("round", "late_4")):
        alone = longmemeval_recall(write([one]), granularity=granularity)
        assert not alone.questions
        assert alone.counted["question without evidence in the index, left out"] == 1
        both = longmemeval_recall(write([one]), granularity=granularity, key="both")
        assert both.questions[0].target == (gold,)


def test_measures_are_the_published_ones(write):
    one = question("q5", answer_session_ids=["late", "twin"])
    one["haystack_sessions"][2][0]["has_answer"] = True
    benchmark = longmemeval_recall(write([one]))
    found = tuple(Passage("", (name,)) for name in ("early", "late", "late", "twin"))
    values = benchmark.mark(benchmark.questions[0], Answer("", found)).values
    assert [values[f"recall_any@{k}"] for k in (1, 3, 5)] == [0, 1, 1]
    assert [values[f"recall_all@{k}"] for k in (1, 3, 5)] == [0, 1, 1]
    # Ranks 1 and 2 count in full, rank 3 by the logarithm of 3.
    assert values["ndcg@5"] == pytest.approx((1 + 1 / math.log2(3)) / 2)
    assert values["ndcg@1"] == 0
    first = benchmark.mark(benchmark.questions[0], Answer("", found[1:])).values
    assert (first["recall_any@1"], first["recall_all@1"], first["ndcg@1"]) == (1, 0, 1)


def test_parameters_are_checked(write):
    for wrong in ({"granularity": "turn"}, {"key": "assistant"}):
        with pytest.raises(ConfigurationError):
            longmemeval_recall(write(FILE), **wrong)


def test_without_a_judge_words_count(write):
    benchmark = longmemeval_qa(write(FILE))
    assert [one.id for one in benchmark.questions] == ["q1", "q2_abs"]
    assert benchmark.measures == ("f1",)
    assert benchmark.counted["preference question, left out as its gold is a rubric"] == 1
    asked, absent = benchmark.questions
    assert benchmark.mark(asked, Answer("4")).values == {"f1": 1.0}
    assert benchmark.mark(absent, Answer("4")).values == {"f1": 0.0}
    assert benchmark.mark(absent, Answer("That was not mentioned.")).values == {"f1": 1.0}


def test_each_kind_has_its_judge(write):
    kinds = ["single-session-user", "single-session-assistant", "multi-session", "temporal-reasoning"]
    kinds += ["knowledge-update", "single-session-preference"]
    benchmark = longmemeval_qa(
        write([question(kind, kind) for kind in kinds] + FILE[1:2]), judge="mockllm/model"
    )
    assert benchmark.measures == ("judged",)
    prompts = [str(one.details["judge"]) for one in benchmark.questions]
    assert [name.rpartition("/")[2] for name in prompts] == [
        "judge", "judge", "judge", "judge_temporal", "judge_update", "judge_preference", "judge_absent",
    ]  # fmt: skip
    assert set(prompts) < set(benchmark.prompts)
    for name in benchmark.prompts:
        load_prompt(name)


def test_prompt_puts_entries_in_order_of_time(write):
    benchmark = longmemeval_qa(write(FILE))
    turns = benchmark.histories["q1"]
    assert [turn.id for turn in turns[:4]] == ["early_1", "early_2", "twin_1", "twin_3"]
    passages = [Passage(one.text, role=one.role, at=one.at) for one in (turns[-1], turns[0])] + [
        Passage("Keeps hens.")
    ]
    system, user = benchmark.ask(benchmark.questions[0], passages).messages
    assert (system[0], user[0]) == ("system", "user")
    lines = [line for line in user[1].splitlines() if line]
    assert lines[2:5] == [
        "Keeps hens.",
        "[2024-01-01 Monday 08:05] user: Does rye need lime?",
        "[2024-02-01 Thursday 10:00] assistant: Four it is.",
    ]
    assert "Today: 2024-02-10 Saturday 09:00" in lines


def test_errors_name_file_row_and_field(write):
    def broken(**changes):
        with pytest.raises(DataError) as caught:
            longmemeval_recall(write([question("q1"), question("q2", **changes)]))
        return caught.value.row, caught.value.field

    assert broken(haystack_dates=["2024/02/01"]) == (1, "haystack_sessions")
    assert broken(question_date="yesterday") == (1, "question_date")
    assert broken(question_type="riddle") == (1, "question_type")
    assert broken(answer=None) == (1, "answer")
    sessions = question("q")["haystack_sessions"]
    sessions[1][0]["role"] = "narrator"
    assert broken(haystack_sessions=sessions) == ("1/haystack_sessions/1/0", "role")
    with pytest.raises(DataError, match="second time"):
        longmemeval_recall(write([question("q1"), question("q1")]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def places(value, path=()):
    yield path
    for key, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from places(inner, (*path, key))


def changed(value, path, new):
    if not path:
        return new
    copied = copy.copy(value)
    copied[path[0]] = changed(value[path[0]], path[1:], new)
    return copied


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(list(places(FILE))), new=JSON)
def test_any_file_gives_a_benchmark_or_a_data_error(write, path, new):
    data = write(changed(FILE, path, new))
    for make in (longmemeval_recall, longmemeval_qa):
        try:
            benchmark = make(data)
        except DataError:
            continue
        assert isinstance(benchmark, Benchmark)
        for one in benchmark.questions:
            benchmark.mark(one, Answer("four", (Passage("", ("late",)),)))
