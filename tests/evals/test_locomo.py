"""LoCoMo: the file's oddities, recall, the paper's F1, the judge."""

import copy
import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import ConfigurationError
from limner.evals.locomo import locomo_qa, locomo_recall
from limner.evals.measures import MEASURES
from limner.evals.records import Answer, Benchmark, Passage
from limner.evals.scoring.judge import judged, verdict
from limner.evals.scoring.ranking import ndcg, ranked_ids, recall
from limner.evals.scoring.token_f1 import normalised, partial_f1, token_f1
from limner.evals.sources import DataError

FILE = [
    {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ilse",
            "speaker_b": "Odo",
            "session_1_date_time": "12:05 am on 3 March, 2024",
            "session_1": [
                {"speaker": "Ilse", "dia_id": "D1:1", "text": "I planted leeks yesterday."},
                {
                    "speaker": "Odo",
                    "dia_id": "D1:2",
                    "text": "Lovely. Look!",
                    "blip_caption": "a photo of a kite",
                },
                {"speaker": "Odo", "dia_id": "D1:3", "text": "", "blip_caption": None},
            ],
            "session_2_date_time": "1:30 pm on 9 April, 2024",
            "session_2": [],
            "session_10_date_time": "12:15 pm on 1 May, 2024",
            "session_10": [
                {"speaker": "Odo", "dia_id": "D10:5", "text": "I moved to Ghent."},
                {"speaker": "Ilse", "dia_id": "D10:5", "text": "To be near Runa?"},
                {"speaker": "Odo", "dia_id": "D10:6", "text": "And I sold the boat."},
            ],
            "session_11_date_time": "2:00 pm on 2 May, 2024",
        },
        "qa": [
            {
                "question": "When were the leeks planted?",
                "answer": "2 March 2024",
                "evidence": ["D1:1"],
                "category": 2,
            },
            {
                "question": "In which year?",
                "answer": 2024,
                "evidence": ["D1:1", "D1:1", "D99:1"],
                "category": 2,
            },
            {
                "question": "What did Odo give up and see?",
                "answer": "the boat, a kite",
                "evidence": ["D10:6; D1:2", "D", "D:10:05"],
                "category": 1,
            },
            {"question": "Is Odo settled?", "answer": "No; he moves a lot", "evidence": [], "category": 3},
            {"question": "Where does Odo live?", "answer": "Ghent", "evidence": ["D10:05"], "category": 4},
            {"question": "Where does Odo live?", "answer": "Ghent", "evidence": ["D77:1"], "category": 4},
            {
                "question": "What did Ilse sell?",
                "evidence": ["D10:6"],
                "category": 5,
                "adversarial_answer": "the boat",
            },
            {
                "question": "Is Runa a cat?",
                "evidence": [],
                "category": 5,
                "answer": "No",
                "adversarial_answer": "Yes",
            },
        ],
    }
]


@pytest.fixture
def write(tmp_path):
    def write(value):
        path = tmp_path / "locomo.json"
        path.write_text(json.dumps(value))
        return str(path)

    return write


def test_questions_with_evidence_search_their_own_conversation(write):
    benchmark = locomo_recall(write(FILE))
    assert [(one.id, one.target, one.group) for one in benchmark.questions] == [
        ("conv-1/0", ("D1:1",), "2 temporal"),
        ("conv-1/1", ("D1:1",), "2 temporal"),
        ("conv-1/2", ("D10:6", "D1:2", "D10:5"), "1 multi-hop"),
        ("conv-1/4", ("D10:5",), "4 single-hop"),
    ]
    assert (
        {one.history for one in benchmark.questions}
        == {one.cluster for one in benchmark.questions}
        == {"conv-1"}
    )
    assert benchmark.ask is None
    assert all(name in MEASURES for name in benchmark.measures)


def test_every_oddity_is_counted(write):
    assert locomo_recall(write(FILE)).counted == {
        "turn without words or image, left out": 1,
        "empty session": 1,
        "session date without a session": 1,
        "turn id used twice (the second turn goes without)": 1,
        "answer that is a number": 1,
        "evidence id given twice": 1,
        "evidence id that does not exist": 2,
        "evidence entry that holds several ids": 1,
        "evidence entry that is no id": 1,
        "evidence id in another spelling": 2,
        "question asked twice of one conversation": 1,
        "category 5 without an answer": 1,
        "category 5 with an answer": 1,
        "question of category 5, left out": 2,
        "question without evidence that exists, left out": 2,
    }


def test_turns_carry_date_speaker_words_and_caption(write):
    turns = locomo_recall(write(FILE)).histories["conv-1"]
    assert [turn.id for turn in turns] == ["D1:1", "D1:2", "D10:5", None, "D10:6"]
    assert all(
        part in turns[1].text for part in ("3 March, 2024", "Odo", "Lovely. Look!", "a photo of a kite")
    )
    assert turns[0].at == datetime(2024, 3, 3, 0, 5, tzinfo=UTC)
    assert turns[2].at == datetime(2024, 5, 1, 12, 15, tzinfo=UTC)


def test_windows_stay_in_their_session(write):
    turns = locomo_recall(write(FILE), windows=3).histories["conv-1"]
    assert "leeks" in turns[1].text
    assert "Ghent" not in turns[1].text
    assert turns[2].id == "D10:5"
    with pytest.raises(ConfigurationError, match="odd"):
        locomo_recall(write(FILE), windows=2)


def test_recall_counts_distinct_turns(write):
    benchmark = locomo_recall(write(FILE))
    found = (Passage("", ("D1:2",)), Passage("", ("D1:2",)), Passage("none"), Passage("", ("D10:6", "D1:1")))
    marked = benchmark.mark(benchmark.questions[2], Answer("", found))
    assert marked.values["recall@1"] == pytest.approx(1 / 3)
    assert marked.values["recall@3"] == pytest.approx(2 / 3)
    assert ranked_ids(found) == ("D1:2", "D10:6", "D1:1")
    assert recall(["a"], [], 5) != recall(["a"], [], 5)


def test_ndcg_with_both_discounts():
    assert ndcg(["x", "a"], ["a"], 5, "rank") == 1.0
    assert ndcg(["x", "a"], ["a"], 5) == pytest.approx(0.6309, abs=1e-4)
    assert ndcg(["a", "b", "c"], ["a", "b"], 3) == 1.0
    assert ndcg(["x"], ["a"], 5) == ndcg(["x"], [], 5) == 0.0


@pytest.mark.parametrize(
    ("answer", "gold", "score"),
    [
        ("The Cats, and dogs!", "dog cat", 1.0),
        ("7 May 2023", "on 7 May, 2023", 6 / 7),
        ("a boat", "the kite", 0.0),
        ("", "kite", 0.0),
        ("the", "kite", 0.0),
        ("kite kite", "kite", 2 / 3),
    ],
)
def test_token_f1(answer, gold, score):
    assert token_f1(answer, gold) == pytest.approx(score)


def test_parts_are_marked_by_their_best_match():
    assert normalised("An apple, and  a PEAR.") == "apple pear"
    assert partial_f1("kite, boat, spade", "the boat, a kite") == 1.0
    assert partial_f1("boat", "the boat, a kite") == 0.5


def test_each_category_has_the_papers_rule(write):
    benchmark = locomo_qa(write(FILE))
    by_id = {one.id: one for one in benchmark.questions}

    def f1(number, text):
        return benchmark.mark(by_id[f"conv-1/{number}"], Answer(text)).values["f1"]

    assert len(by_id) == 8
    assert f1(1, "2024") == 1.0
    assert f1(2, "boat") == 0.5
    assert f1(3, "no") == 1.0
    assert f1(6, "It is not mentioned.") == f1(7, "No information available") == 1.0
    assert f1(6, "the boat") == f1(7, "No") == 0.0
    assert benchmark.floors["always no information available"] == pytest.approx(
        2 / 8 + 2 / 3 / 8 * 0, abs=0.1
    )
    assert benchmark.measures == ("f1",)


def test_prompt_holds_notes_with_dates_and_the_question_last(write):
    benchmark = locomo_qa(write(FILE))
    question = benchmark.questions[0]
    at = datetime(2024, 3, 3, tzinfo=UTC)
    asked = benchmark.ask(
        question, [Passage("Ilse grows leeks.", at=at), Passage("3 May Odo: hi ```", role="user", at=at)]
    )
    assert [role for role, _ in asked.messages] == ["system", "user"]
    assert "03 March 2024: Ilse grows leeks." in asked.messages[1][1]
    assert "\n3 May Odo: hi ```" in asked.messages[1][1]
    assert question.text in asked.messages[1][1].splitlines()[-2]
    assert "(none)" in benchmark.ask(question, []).messages[1][1]


@pytest.mark.parametrize(
    ("reply", "right", "readable"),
    [
        ("yes", True, True),
        (" **Yes**.", True, True),
        ("Yes, the date is the same", True, True),
        ("No.", False, True),
        ("No, a yes would be wrong", False, False),
        ("Not quite", False, False),
        ("The reply is right: yes", False, False),
        ("yes or no", False, False),
        ("", False, False),
    ],
)
def test_only_a_plain_verdict_counts(reply, right, readable):
    read = verdict(reply)
    assert (read.right, read.readable) == (right, readable)


async def test_a_judge_is_a_model_of_inspect(write):
    model = pytest.importorskip("inspect_ai.model")
    heard = []

    @model.modelapi(name="bench_judge")
    class _Judge(model.ModelAPI):
        async def generate(self, input, tools, tool_choice, config):
            heard.append((input, config))
            return model.ModelOutput.from_content(
                "bench_judge", {"fair": "Yes.", "vague": "Perhaps"}[self.model_name]
            )

    fair = locomo_qa(write(FILE), judge="bench_judge/fair")
    assert (fair.measures, fair.floors) == (("judged",), {})
    marked = await fair.mark(fair.questions[0], Answer("the 2nd of March"))
    assert marked.values == {"judged": 1.0}
    messages, config = heard[-1]
    assert [one.role for one in messages] == ["system", "user"]
    assert all(text in messages[1].text for text in ("leeks", "2 March 2024", "the 2nd of March"))
    assert config.temperature == 0.0
    await fair.mark(fair.questions[6], Answer("nothing is said of it"))
    assert "cannot be answered" in heard[-1][0][0].text
    vague = await judged("bench_judge/vague", "evals/locomo/judge", question="?", gold="a", answer="a")
    assert vague.values == {"judged": 0.0}
    assert "neither yes nor no" in vague.why


def test_errors_name_file_row_and_field(write):
    def broken(change):
        value = copy.deepcopy(FILE)
        change(value[0])
        with pytest.raises(DataError) as caught:
            locomo_qa(write(value))
        return caught.value

    error = broken(lambda one: one["conversation"].update(session_1_date_time="noon on 3 March"))
    assert (error.row, error.field) == ("0/conversation", "session_1_date_time")
    error = broken(lambda one: one["conversation"].update(session_1_date_time="13:00 pm on 3 March, 2024"))
    assert error.field == "session_1_date_time"
    error = broken(lambda one: one["qa"][0].update(category=6))
    assert (error.row, error.field) == ("0/qa/0", "category")
    assert broken(lambda one: one["qa"][4].pop("answer")).row == "0/qa/4"
    assert broken(lambda one: one["qa"][0].update(evidence=[3])).field == "evidence"
    with pytest.raises(DataError, match=r"github\.com/snap-research/locomo"):
        locomo_recall("nowhere.json")
    with pytest.raises(DataError, match="second time"):
        locomo_recall(write(FILE * 2))


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
    for make in (locomo_recall, locomo_qa):
        try:
            benchmark = make(data)
        except DataError:
            continue
        assert isinstance(benchmark, Benchmark)
        for question in benchmark.questions:
            benchmark.mark(question, Answer("7 May, a boat"))
