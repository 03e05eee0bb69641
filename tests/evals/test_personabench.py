import contextlib
import copy
import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.evals.personabench import personabench_qa, personabench_recall
from limner.evals.personabench.qa import word_overlap
from limner.evals.personabench.recall import best_recall_and_ndcg
from limner.evals.records import Answer, Passage
from limner.evals.sources import DataError

CONVERSATIONS = [
    {
        "Name": "Ines Vogel",
        "Data": [
            {
                "Target_name": "Tomas Riva",
                "Conversations": [
                    {
                        "session": "conversation---session---1",
                        "time": "2024/Oct/16/07:44 AM",
                        "target_name": "Tomas Riva",
                        "conversation": [{"role": "Ines Vogel", "content": "Café first, then rowing."}],
                        "segment_id": "0002",
                    },
                    {
                        "session": "conversation---session---2",
                        "time": "2024/Oct/18/01:05 PM",
                        "target_name": "Tomas Riva",
                        "conversation": [
                            {"role": "Ines Vogel", "content": "I row every Sunday.", "session": "x"}
                        ],
                        "segment_id": "0004",
                    },
                ],
            }
        ],
    }
]
CHATS = [
    {
        "Name": "Ines Vogel",
        "Data": [
            {
                "session": "user_ai_interaction---session---1",
                "time": "2024/Oct/14/08:56 PM",
                "user_ai_interaction": [{"role": "user", "content": "I am a cartographer."}],
                "segment_id": "0001",
            }
        ],
    }
]
PURCHASES = [
    {
        "Name": "Ines Vogel",
        "Data": [
            {
                "session": "purchase_history---session---1",
                "time": "some day",
                "purchase_history": [{"title": "Oars", "categories": ["Sport"]}],
                "segment_id": "0003",
            }
        ],
    }
]


def asked(id_, kind, answer, difficulty="easy", outdated=None):
    return {
        "q_id": id_,
        "question": f"What about {id_}?",
        "answer": answer,
        "type": kind,
        "difficulty": difficulty,
        "outdated_value": outdated,
    }


QUESTIONS = [
    {
        "Name": "Ines Vogel",
        "Eval_Info": {
            "qa": [
                asked("00", "Basic information", 39),
                asked("01", "Basic information", [{"cat": "Moss"}, "dog"]),
                asked("02", "Preference", ["rowing", "maps"], "hard", ["skating"]),
                asked("03", "Preference", "tea"),
                asked("04", "Social", "my sister", "hard"),
                asked("05", "Subjective", "B"),
            ]
        },
    },
    {"Name": "Nobody Known", "Eval_Info": {"qa": []}},
]
GOLD = [
    {"q_id": id_, "question": "", "answer": "", "segment_id": gold}
    for id_, gold in {
        "00": {"39": ["0001"]},
        "01": {"(('cat', 'Moss'),)": ["0001", "0004"], "dog": ["0004"]},
        "02": {"rowing": ["0002", "0004"], "maps": ["0001"]},
        "03": {"tea": ["0009"]},
        "04": {"my sister": ["0003"]},
    }.items()
]


def files(noise="noise_0.5"):
    return copy.deepcopy({
        "eval_info/eval_info_all.json": QUESTIONS,
        f"eval_info/qa_gt_context_all_{noise}.json": GOLD,
        f"private_data/{noise}/conversation_data_all.json": CONVERSATIONS,
        f"private_data/{noise}/user_ai_interaction_data_all.json": CHATS,
        f"private_data/{noise}/purchase_history_data_all.json": PURCHASES,
    })


def write(folder, content):
    for name, value in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(folder)


@pytest.fixture
def community(tmp_path):
    write(tmp_path / "community_0", files())
    return str(tmp_path)


def found(*ids):
    return Answer("", tuple(Passage(one, (one,)) for one in ids))


def test_sessions_are_serialised_as_the_published_retrieval_sees_them(community):
    benchmark = personabench_recall(community)
    turns = benchmark.histories["community_0/Ines Vogel"]
    assert [turn.id for turn in turns] == [
        "0001",
        "0002",
        "0004",
        "0003",
    ]  # by time; an unreadable one is last
    assert turns[1].text == (
        '{"time":"2024/Oct/16/07:44 AM","target_name":"Tomas Riva",'
        '"conversation":[{"role":"Ines Vogel","content":"Caf\\u00e9 first, then rowing."}]}'
    )
    assert "session" not in turns[2].text
    assert turns[1].at is not None
    assert turns[1].at.isoformat() == "2024-10-16T07:44:00+00:00"
    assert benchmark.counted == {
        "session without a readable time, put last": 1,
        "person without documents, left out": 1,
        "subjective question, left out as in the published scores": 1,
        "gold session that is not among the documents": 1,
    }
    assert len(benchmark.files) == 5


def test_groups_are_the_columns_of_the_published_table(community):
    questions = personabench_recall(community).questions
    assert [question.group for question in questions] == [
        "Basic information",
        "Basic information",
        "Preference hard",
        "Preference easy",
        "Social",
    ]
    assert {question.cluster for question in questions} == {"community_0/Ines Vogel"}
    assert questions[2].target == ("0002", "0004", "0001")


def test_the_best_way_of_picking_gold_sessions_counts(community):
    benchmark = personabench_recall(community)
    by_id = {question.id: question for question in benchmark.questions}
    # One session may tell both terms: then there is one gold session, not two.
    assert benchmark.mark(by_id["01"], found("0004", "0003")).values == {"recall@5": 1, "ndcg@5": 1}
    one_of_two = benchmark.mark(by_id["02"], found("0003", "0004")).values
    assert one_of_two["recall@5"] == 0.5
    assert one_of_two["ndcg@5"] == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))
    assert benchmark.mark(by_id["03"], found("0001")).values == {"recall@5": 0, "ndcg@5": 0}
    assert benchmark.mark(by_id["04"], Answer("")).values["recall@5"] == 0


def test_only_the_first_five_distinct_sessions_count():
    assert best_recall_and_ndcg(["a", "b", "c", "d", "e", "gold"], [["gold"]]) == (0, 0)
    recall, ndcg = best_recall_and_ndcg(["a", "gold"], [["gold"]])
    assert (recall, ndcg) == (1, pytest.approx(1 / math.log2(3)))


def test_floors_know_nothing_of_the_question(community):
    floors = personabench_recall(community, seed=3).floors
    assert floors == personabench_recall(community, seed=3).floors
    assert floors["5 sessions at random, recall@5"] == pytest.approx(
        0.8
    )  # four sessions: all but the absent one
    assert floors["the 5 latest sessions, recall@5"] == pytest.approx(0.8)


def test_published_figures_belong_to_one_noise_level(tmp_path):
    write(tmp_path, files())
    write(tmp_path, files("noise_0.0"))
    assert personabench_recall(str(tmp_path)).published["dense MiniLM, Social, recall@5"] == 0.252
    assert personabench_recall(str(tmp_path), noise=0.0).published == {}
    with pytest.raises(DataError, match=r"noise 0\.7.*those at: 0, 0\.5"):
        personabench_recall(str(tmp_path), noise=0.7)


def test_communities_of_a_folder_are_used_together(tmp_path):
    write(tmp_path / "community_0", files())
    second = files()
    second["eval_info/eval_info_all.json"][0]["Eval_Info"]["qa"] = [asked("10", "Social", "Bo")]
    second["eval_info/qa_gt_context_all_noise_0.5.json"] = [{"q_id": "10", "segment_id": {"Bo": ["0001"]}}]
    write(tmp_path / "community_1", second)
    benchmark = personabench_recall(str(tmp_path))
    assert len(benchmark.questions) == 6
    assert sorted(benchmark.histories) == ["community_0/Ines Vogel", "community_1/Ines Vogel"]
    one = personabench_recall(str(tmp_path / "community_1"))
    assert [question.id for question in one.questions] == ["10"]
    second["eval_info/eval_info_all.json"][0]["Eval_Info"]["qa"][0]["q_id"] = "00"
    write(tmp_path / "community_1", second)
    with pytest.raises(DataError, match="twice"):
        personabench_recall(str(tmp_path))


def test_answers_are_compared_as_sets_of_words(community):
    benchmark = personabench_qa(community)
    by_id = {question.id: question for question in benchmark.questions}
    # A number is its digits; the published code compares it with the answer to the question before.
    assert benchmark.mark(by_id["00"], Answer("39")).values["f1"] == 1
    pets = benchmark.mark(by_id["01"], Answer("A cat, Moss!")).values
    assert (pets["answer_precision"], pets["answer_recall"]) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    tastes = benchmark.mark(by_id["02"], Answer("skating, rowing")).values
    assert (tastes["answer_recall"], tastes["outdated_recall"]) == (0.5, 1)
    assert "outdated_recall" not in pets
    assert benchmark.mark(by_id["04"], Answer("")).values["f1"] == 0
    assert word_overlap(["Covent-Garden café"], ["coventgarden caf"]) == (1, 1, 1)


def test_the_prompt_holds_passages_and_question(community):
    benchmark = personabench_qa(community)
    assert benchmark.ask is not None
    question = benchmark.questions[0]
    messages = benchmark.ask(
        question, [Passage("I am 39 {{ x }} ```"), Passage("Two", at=datetime(2024, 10, 16, tzinfo=UTC))]
    ).messages
    assert [role for role, _ in messages] == ["system", "user"]
    assert "Document 2, 2024-10-16:" in messages[1][1]
    assert "I am 39 {{ x }} ```" in messages[1][1]
    assert question.text in messages[1][1]
    assert "No documents" in benchmark.ask(question, []).messages[1][1]
    assert benchmark.ask(question, []).messages[0] == messages[0]


def change(content, path, value):
    name, *keys = path
    target = content[name]
    for key in keys[:-1]:
        target = target[key]
    target[keys[-1]] = value
    return content


QA = ("eval_info/eval_info_all.json", 0, "Eval_Info", "qa")
SEGMENT = ("eval_info/qa_gt_context_all_noise_0.5.json", 1, "segment_id")
CONVERSATION = ("private_data/noise_0.5/conversation_data_all.json", 0)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((*QA, 0, "type"), "Astral", "row 0/Eval_Info/qa/0, field 'type'"),
        ((*QA, 2, "difficulty"), "middling", "field 'difficulty'"),
        ((*QA, 1, "q_id"), "00", "'00' is there twice"),
        ((*QA, 1, "q_id"), "99", "no gold sessions"),
        ((*QA, 1, "answer"), {"cat": "Moss"}, "field 'answer'"),
        ((*SEGMENT,), {}, "row 1, field 'segment_id'"),
        ((*SEGMENT, "dog"), [], "list of session ids for 'dog'"),
        ((*SEGMENT, "dog"), [4], "list of session ids"),
        ((*SEGMENT, "dog"), ["x"] * 100_000, "combinations"),
        ((*CONVERSATION, "Name"), "Ines Vogl", "must name each person"),
        ((*CONVERSATION, "Data", 0, "Conversations", 0, "segment_id"), "0001", "'0001' is there twice"),
        ((*CONVERSATION, "Data"), None, "field 'Data'"),
    ],
)
def test_malformed_files_are_named_with_row_and_field(tmp_path, path, value, message):
    with pytest.raises(DataError, match=message):
        personabench_recall(write(tmp_path, change(files(), path, value)))


def test_missing_files_are_named_with_where_to_get_them(tmp_path):
    with pytest.raises(DataError, match="SalesforceAIResearch/personabench"):
        personabench_recall(str(tmp_path))
    with pytest.raises(DataError, match="does not exist"):
        personabench_qa(str(tmp_path / "absent"))
    content = files()
    del content["private_data/noise_0.5/purchase_history_data_all.json"]
    with pytest.raises(DataError, match="purchase_history"):
        personabench_recall(write(tmp_path, content))
    subjective = change(files(), QA, [asked("05", "Subjective", "B")])
    with pytest.raises(DataError, match="no question that counts"):
        personabench_recall(write(tmp_path, subjective))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=6) | st.just("0001"),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=6), part, max_size=3),
    max_leaves=4,
)


def mutated(draw, value):
    """Replace, drop or double one part of a JSON value, wherever in it."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        what = draw(st.sampled_from(["deeper"] * 4 + ["drop", "double"]))
        if what == "drop":
            del value[key]
        elif what == "double" and isinstance(value, list):
            value.append(copy.deepcopy(value[key]))
        else:
            value[key] = mutated(draw, value[key])
        return value
    return draw(JSON)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_mutation_gives_a_benchmark_or_a_data_error(tmp_path, data):
    content = files()
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(content)))
        content[name] = mutated(data.draw, content[name])
    write(tmp_path, content)
    for benchmark_of in (personabench_recall, personabench_qa):
        try:
            benchmark = benchmark_of(str(tmp_path))
        except DataError:
            continue
        for question in benchmark.questions:
            json.dumps(dict(question.details))
            values = benchmark.mark(question, found("0001", "0004")).values
            assert all(0 <= value <= 1 for value in values.values())
            if benchmark.ask is not None:
                assert benchmark.ask(
                    question, [Passage(t.text) for t in benchmark.histories[question.history]]
                )


@given(
    text=st.binary(max_size=40) | st.sampled_from([b"[" * 5000, b'[{"a":' * 5000, b"[" * 900 + b"]" * 900])
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_a_data_error(tmp_path, text):
    write(tmp_path, files())
    (tmp_path / "private_data/noise_0.5/conversation_data_all.json").write_bytes(text)
    with pytest.raises(DataError):
        personabench_recall(str(tmp_path))


@pytest.mark.parametrize("depth", [400, 900, 960, 5000])
def test_deeply_nested_documents_are_read_or_refused(tmp_path, depth):
    content = files()
    nested = json.dumps(CHATS).replace('"I am a cartographer."', "[" * depth + "]" * depth)
    content["private_data/noise_0.5/user_ai_interaction_data_all.json"] = nested
    with contextlib.suppress(DataError):
        personabench_recall(write(tmp_path, content))
