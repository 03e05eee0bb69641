import csv
import json
import subprocess
import sys
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import InputError
from limner.evals.memories.bm25 import BM25Memory
from limner.evals.memories.full import FullMemory
from limner.evals.personamem import personamem
from limner.evals.records import Answer, Benchmark, Passage
from limner.evals.sources import DataError

CONTEXT = [
    {"role": "system", "content": "Current user persona: Name: Ines Prado, a diver."},
    {"role": "user", "content": "User: I took up diving."},
    {"role": "assistant", "content": "Assistant: How deep do you go?"},
    {"role": "user", "content": "User: Only to the reef."},
    {"role": "system", "content": "Current user persona: Name: Ines Prado, a diver."},
    {"role": "user", "content": "User: I gave diving up after my ear hurt."},
    {"role": "assistant", "content": "Assistant: Rest it well."},
]
OPTIONS = [
    "(a) Dive on.",
    "(b) As your ear hurt, walk the cliffs instead.",
    "(c) Swim then.",
    "(d) Read a book.",
]


def letters(end):
    return sum(len(message["content"]) for message in CONTEXT[:end])


def v1_row(**fields):
    end = int(fields.get("end_index_in_shared_context", 7))
    return {
        "persona_id": "3",
        "question_id": "q1",
        "question_type": "recalling_the_reasons_behind_previous_updates",
        "topic": "sports",
        "context_length_in_tokens": "60",
        "context_length_in_letters": str(letters(end) if 0 <= end <= 7 else 1),
        "distance_to_ref_in_blocks": "2",
        "distance_to_ref_in_tokens": "5120",
        "user_question_or_message": "What shall I do on Sunday?",
        "correct_answer": "(b)",
        "all_options": repr(OPTIONS),
        "shared_context_id": "c0",
        "end_index_in_shared_context": "7",
    } | fields


def write_v1(folder, *rows, contexts=None):
    path = folder / "questions_32k.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(v1_row()))
        writer.writeheader()
        writer.writerows(rows)
    lines = contexts if contexts is not None else [{"c0": CONTEXT}, {"unused": []}]
    beside = folder / "shared_contexts_32k.jsonl"
    beside.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(path)


def v2_row(**fields):
    return {
        "persona_id": "12",
        "chat_history_32k_link": "data/chat_history_32k/p12.json",
        "chat_history_128k_link": "data/chat_history_128k/p12.json",
        "user_query": repr({"role": "user", "content": "Plan my Sunday."}),
        "correct_answer": "Walk the cliffs, as your ear is still sore.",
        "incorrect_answers": json.dumps(["Dive.", "Swim.", "Read."]),
        "pref_type": "health_and_medical_conditions",
        "updated": "False",
        "who": "self",
        "conversation_scenario": "personal_email",
        "distance_from_related_snippet_to_query_32k": "18861",
        "distance_from_related_snippet_to_query_128k": "64170",
    } | fields


def write_v2(folder, *rows, history=None):
    for size in ("32k", "128k"):
        place = folder / "data" / f"chat_history_{size}"
        place.mkdir(parents=True, exist_ok=True)
        messages = [
            {"role": "system", "content": "{'name': 'Ines'}"},
            {"role": "user", "content": f"Polish this mail: my ear hurts since the dive. {size}"},
        ]
        value = {"metadata": {}, "chat_history": messages} if history is None else history
        (place / "p12.json").write_text(json.dumps(value), encoding="utf-8")
    path = folder / "benchmark" / "text" / "benchmark.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(v2_row()))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def answered(benchmark, question, text):
    return benchmark.mark(question, Answer(text)).values["correct"]


class TestVersion1:
    def test_each_question_is_asked_in_four_orders(self, tmp_path):
        benchmark = personamem(write_v1(tmp_path, v1_row()))
        assert [question.id for question in benchmark.questions] == ["q1/r0", "q1/r1", "q1/r2", "q1/r3"]
        assert [question.target[0] for question in benchmark.questions] == ["(b)", "(c)", "(d)", "(a)"]
        assert {question.target[1] for question in benchmark.questions} == {OPTIONS[1][4:]}
        for question in benchmark.questions:
            shown = benchmark.ask(question, ()).messages[-1][1]
            assert f"{question.target[0]} {OPTIONS[1][4:]}" in shown
            assert shown.count("(b) ") == 1

    def test_type_cluster_and_groups(self, tmp_path):
        question = personamem(write_v1(tmp_path, v1_row())).questions[0]
        assert question.group == "revisit_reasons_behind_preference_updates"
        assert question.cluster == "3"
        assert question.details["groups"] == {
            "type": question.group,
            "distance in blocks": "02",
            "distance in tokens": "004k-008k",
            "topic": "sports",
        }
        assert json.loads(json.dumps(question.details)) == question.details

    @pytest.mark.parametrize(
        ("blocks", "bucket"), [("0", "00"), ("5", "05"), ("6", "06-10"), ("20", "11-20"), ("57", "41+")]
    )
    def test_distances_fall_into_buckets_that_sort(self, tmp_path, blocks, bucket):
        row = v1_row(distance_to_ref_in_blocks=blocks, distance_to_ref_in_tokens="900000")
        groups = personamem(write_v1(tmp_path, row)).questions[0].details["groups"]
        assert (groups["distance in blocks"], groups["distance in tokens"]) == (bucket, "512k+")

    def test_the_context_is_cut_before_its_end_index_and_without_persona(self, tmp_path):
        rows = [v1_row(), v1_row(question_id="q2", end_index_in_shared_context="3")]
        benchmark = personamem(write_v1(tmp_path, *rows), rotations=1)
        whole, start = (benchmark.histories[question.history] for question in benchmark.questions)
        assert [turn.text for turn in start] == ["I took up diving.", "How deep do you go?"]
        assert [turn.id for turn in whole] == ["1", "2", "3", "5", "6"]
        assert whole[-1].role == "assistant"
        assert [turn.text for turn in whole[1:3]] == ["How deep do you go?", "Only to the reef."]
        with pytest.raises(IndexError):
            start[2]
        assert benchmark.counted == {"context that no question uses": 1}

    def test_persona_turns_on_demand(self, tmp_path):
        benchmark = personamem(write_v1(tmp_path, v1_row()), persona=True, rotations=1)
        roles = [turn.role for turn in benchmark.histories["c0/7"]]
        assert Counter(roles) == {"system": 2, "user": 3, "assistant": 2}

    def test_oddities_are_counted(self, tmp_path):
        rows = [
            v1_row(),
            v1_row(question_id="again"),
            v1_row(topic="other"),
            v1_row(question_id="q3", end_index_in_shared_context="-4"),
            v1_row(question_id="q4", end_index_in_shared_context="99"),
            v1_row(question_id="q5", question_type="sing"),
            v1_row(question_id="q6", distance_to_ref_in_blocks=""),
            v1_row(
                question_id="q7",
                user_question_or_message="User: Only to the reef.",
                end_index_in_shared_context="4",
            ),
            v1_row(question_id="q8", all_options=repr([option[4:] for option in OPTIONS])),
            v1_row(question_id="q9", all_options=repr(["(a) Same.", "(b) Same."])),
            v1_row(question_id="q10", end_index_in_shared_context="1"),
        ]
        benchmark = personamem(write_v1(tmp_path, *rows, contexts=[{"c0": CONTEXT}]), rotations=1)
        assert benchmark.counted == {
            "row that repeats another, left out": 1,
            "question id of another question": 1,
            "negative end of the context, question left out": 1,
            "end beyond the context, taken as its end": 1,
            "context of another length than the file says": 1,
            "question type that is not known": 1,
            "no distance_to_ref_in_blocks": 1,
            "question that the context ends with already": 1,
            "options without letters": 1,
            "options that are alike": 1,
        }
        ids = [question.id for question in benchmark.questions]
        assert ids == ["q1/r0", "q1#2/r0", "q4/r0", "q5/r0", "q6/r0", "q7/r0", "q8/r0", "q9/r0", "q10/r0"]
        assert benchmark.questions[-1].history is None
        assert all(question.target[0] == "(b)" for question in benchmark.questions)

    def test_letters_out_of_order_are_followed(self, tmp_path):
        benchmark = personamem(
            write_v1(tmp_path, v1_row(all_options=repr(["(b) Right.", "(a) Wrong."]))), rotations=1
        )
        assert benchmark.questions[0].target == ("(a)", "Right.")

    def test_floors_pick_by_length_on_the_questions_asked(self, tmp_path):
        new = v1_row(question_id="q2", question_type="suggest_new_ideas", correct_answer="(a)")
        benchmark = personamem(write_v1(tmp_path, v1_row(), new))
        assert benchmark.floors == {
            "longest option": 0.5,
            "longest option, shortest for new ideas": 1.0,
            "chance": 0.25,
        }
        for name, floor in benchmark.floors.items():
            assert sum(question.details["floors"][name] for question in benchmark.questions) / 8 == floor

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"all_options": "[1, 2]"}, "all_options"),
            ({"all_options": "['(a) x'"}, "all_options"),
            ({"all_options": "__import__('os')"}, "all_options"),
            ({"all_options": "['(a) one']"}, "all_options"),
            ({"all_options": "['(a) ', '(b) x']"}, "all_options"),
            ({"correct_answer": "(f)"}, "correct_answer"),
            ({"correct_answer": "ab"}, "correct_answer"),
            ({"shared_context_id": "c9"}, "shared_context_id"),
            ({"end_index_in_shared_context": "1.5"}, "end_index_in_shared_context"),
            ({"distance_to_ref_in_tokens": "far"}, "distance_to_ref_in_tokens"),
            ({"user_question_or_message": " "}, "user_question_or_message"),
        ],
    )
    def test_a_malformed_row_is_named(self, tmp_path, fields, field):
        row = v1_row() | fields
        with pytest.raises(DataError) as raised:
            personamem(write_v1(tmp_path, v1_row(question_id="fine"), row))
        assert raised.value.row == 1
        assert raised.value.field == field

    def test_a_malformed_message_is_named(self, tmp_path):
        contexts = [{"c0": [*CONTEXT, {"role": "tool", "content": "x"}]}]
        with pytest.raises(DataError, match=r"row 0/c0/7, field 'role'"):
            personamem(write_v1(tmp_path, v1_row(), contexts=contexts))

    def test_missing_contexts_and_odd_names_say_what_to_do(self, tmp_path):
        path = write_v1(tmp_path, v1_row())
        beside = tmp_path / "shared_contexts_32k.jsonl"
        elsewhere = beside.rename(tmp_path / "elsewhere.jsonl")
        with pytest.raises(DataError, match="huggingface"):
            personamem(path)
        assert len(personamem(path, contexts=str(elsewhere)).questions) == 4
        renamed = tmp_path / "q.csv"
        (tmp_path / "questions_32k.csv").rename(renamed)
        with pytest.raises(DataError, match="which file holds its contexts"):
            personamem(str(renamed))

    def test_a_file_without_questions(self, tmp_path):
        with pytest.raises(DataError, match="no questions"):
            personamem(write_v1(tmp_path))


class TestVersion2:
    def test_the_right_answer_is_not_always_first(self, tmp_path):
        rows = [v2_row(correct_answer=f"Walk {i}.") for i in range(12)]
        benchmark = personamem(write_v2(tmp_path, *rows), rotations=1)
        assert benchmark.name == "personamem_v2"
        assert {question.target[0] for question in benchmark.questions} == {"(a)", "(b)", "(c)", "(d)"}
        assert [question.target[1] for question in benchmark.questions] == [f"Walk {i}." for i in range(12)]
        other = personamem(write_v2(tmp_path, *rows), rotations=1, seed=1)
        assert [q.target[0] for q in other.questions] != [q.target[0] for q in benchmark.questions]

    def test_history_by_size_without_the_persona(self, tmp_path):
        path = write_v2(tmp_path, v2_row())
        small, large = personamem(path), personamem(path, size="128k")
        question = small.questions[0]
        (turn,) = small.histories[question.history]
        assert turn.text.endswith("32k")
        assert large.histories[large.questions[0].history][0].text.endswith("128k")
        assert question.text == "Plan my Sunday."
        assert question.details["groups"] == {
            "type": "health_and_medical_conditions",
            "distance in tokens": "016k-032k",
            "updated": "False",
            "whose preference": "self",
            "scenario": "personal_email",
        }
        assert [file.name for file in small.files] == ["benchmark.csv", "p12.json"]

    def test_others_preferences_are_told_by_the_shortest(self, tmp_path):
        rows = [v2_row(), v2_row(who="others", correct_answer="No.")]
        floors = personamem(write_v2(tmp_path, *rows)).floors
        assert floors["longest option"] == 0.5
        assert floors["longest option, shortest for others' preferences"] == 1.0

    def test_layouts_that_occur(self, tmp_path):
        messages = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": " "}]
        rows = [
            v2_row(user_query="Plan my Sunday."),
            v2_row(user_query=json.dumps({"role": "user", "content": "Plan it."})),
            v2_row(incorrect_answers="['It\\'s late.', 'Dive.']"),
        ]
        benchmark = personamem(write_v2(tmp_path, *rows, history=messages))
        assert [question.text for question in benchmark.questions[:5:4]] == ["Plan my Sunday.", "Plan it."]
        assert len(benchmark.questions) == 4 + 4 + 3
        assert benchmark.counted == {"message without text, left out": 1, "query that is plain text": 1}

    @pytest.mark.parametrize(
        "link", ["/etc/passwd", "data/../../secret.json", "data/none.json", "\0", "x" * 300]
    )
    def test_links_stay_inside_and_must_be_there(self, tmp_path, link):
        with pytest.raises(DataError) as raised:
            personamem(write_v2(tmp_path, v2_row(chat_history_32k_link=link)))
        assert raised.value.field == "chat_history_32k_link"

    def test_the_folder_can_be_named(self, tmp_path):
        path = write_v2(tmp_path, v2_row())
        moved = tmp_path / "moved.csv"
        (tmp_path / "benchmark" / "text" / "benchmark.csv").rename(moved)
        inner = tmp_path / "inner"
        inner.mkdir()
        away = moved.rename(inner / "benchmark.csv")
        with pytest.raises(DataError, match="contexts"):
            personamem(str(away))
        assert personamem(str(away), contexts=str(tmp_path)).questions
        with pytest.raises(DataError, match="does not exist"):
            personamem(path)


class TestAskingAndMarking:
    def found(self, memory, benchmark, question):
        memory.add("u", benchmark.histories[question.history], None)
        return memory.search("u", question.text, 3)

    def test_a_whole_history_becomes_turns(self, tmp_path):
        benchmark = personamem(write_v1(tmp_path, v1_row()))
        question = benchmark.questions[0]
        asked = benchmark.ask(question, self.found(FullMemory(), benchmark, question))
        roles = [role for role, _ in asked.messages]
        assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
        assert asked.messages[3][1] == "Only to the reef.\n\nI gave diving up after my ear hurt."
        assert "Notes" not in asked.messages[-1][1]
        assert (asked.options, asked.method) == (("a", "b", "c", "d"), "constrained")

    def test_found_turns_become_notes_in_the_order_they_were_said(self, tmp_path):
        benchmark = personamem(
            write_v1(tmp_path, v1_row(user_question_or_message="My ear hurt, is diving over?"))
        )
        question = benchmark.questions[0]
        passages = self.found(BM25Memory(), benchmark, question)
        assert [passage.ids for passage in passages] == [("5",), ("1",)]
        (_, text) = benchmark.ask(question, passages).messages[-1]
        first, second = text.index("I took up diving."), text.index("I gave diving up")
        assert text.index("Notes") < first < second < text.index("is diving over?") < text.index("(a) ")

    def test_lines_a_memory_wrote_keep_their_order(self, tmp_path):
        benchmark = personamem(write_v1(tmp_path, v1_row()))
        passages = [Passage("Has a sore ear."), Passage("Dived once.", ids=("1",))]
        text = benchmark.ask(benchmark.questions[0], passages).messages[-1][1]
        assert "- Has a sore ear.\n- Dived once." in text

    def test_methods_over_texts_show_no_options_and_ask_once(self, tmp_path):
        path = write_v1(tmp_path, v1_row())
        benchmark = personamem(path, method="text_less_prior")
        (question,) = benchmark.questions
        asked = benchmark.ask(question, ())
        assert asked.options == tuple(option[4:] for option in OPTIONS)
        assert not any(option in message for _, message in asked.messages for option in asked.options)
        assert [role for role, _ in asked.neutral] == ["system", "user"]
        assert question.text not in asked.neutral[1][1]
        assert benchmark.prompts == ("evals/personamem/reply", "evals/personamem/neutral")
        assert answered(benchmark, question, OPTIONS[1][4:]) == 1
        assert answered(benchmark, question, OPTIONS[0][4:]) == 0
        assert personamem(path, method="text").ask(question, ()).neutral == ()

    def test_free_answers_are_read_strictly(self, tmp_path):
        benchmark = personamem(write_v1(tmp_path, v1_row(correct_answer="(a)")), method="free")
        question = benchmark.questions[0]
        assert benchmark.ask(question, ()).options == ()
        assert answered(benchmark, question, "It knows the ear. <final_answer>(a)") == 1
        assert answered(benchmark, question, "A walk is a good idea.") == 0
        assert answered(benchmark, question, "(a) or (b)") == 0
        assert benchmark.mark(question, Answer("hm")).why == "no letter, or more than one"

    def test_letters_are_marked_after_rotation(self, tmp_path):
        benchmark = personamem(write_v1(tmp_path, v1_row()), method="letter")
        for question, right in zip(benchmark.questions, "bcda", strict=True):
            assert [answered(benchmark, question, letter) for letter in "abcd"] == [
                float(letter == right) for letter in "abcd"
            ]

    def test_an_option_of_the_same_text_is_as_right(self, tmp_path):
        row = v1_row(all_options=repr(["(a) Same.", "(b) Same.", "(c) Other."]))
        benchmark = personamem(write_v1(tmp_path, row))
        assert [answered(benchmark, benchmark.questions[0], letter) for letter in "abc"] == [1, 1, 0]
        assert len(benchmark.questions) == 3

    @pytest.mark.parametrize(
        "parameters",
        [{"rotations": 0}, {"rotations": 5}, {"method": "guess"}, {"version": "v9"}, {"size": "1M"}],
    )
    def test_unknown_parameters(self, tmp_path, parameters):
        with pytest.raises(InputError, match="must be one of"):
            personamem(write_v1(tmp_path, v1_row()), **parameters)


values = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.sampled_from([
        "(a)",
        "[]",
        "{}",
        "{'role': 'user'}",
        "['(a) x', '(b) y']",
        "-1",
        "1e400",
        "[" * 300,
        "c0",
    ]),
)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["c0", "role", "content", "chat_history"]), inner, max_size=3)
    ),
    max_leaves=8,
)
FUZZ = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def benchmark_or_data_error(path, **parameters):
    with suppress(DataError):
        assert isinstance(personamem(path, **parameters), Benchmark)


@FUZZ
@given(st.sampled_from(sorted(v1_row())), values, jsons)
def test_any_mutation_of_v1_gives_a_benchmark_or_a_data_error(tmp_path, field, value, context):
    fields = {field: None if value is None else str(value).encode("utf-8", "replace").decode()}
    benchmark_or_data_error(write_v1(tmp_path, v1_row(), v1_row() | fields))
    benchmark_or_data_error(write_v1(tmp_path, v1_row(), contexts=[{"c0": context}, context]))


@FUZZ
@given(st.sampled_from(sorted(v2_row())), values, jsons)
def test_any_mutation_of_v2_gives_a_benchmark_or_a_data_error(tmp_path, field, value, history):
    fields = {field: None if value is None else str(value).encode("utf-8", "replace").decode()}
    benchmark_or_data_error(write_v2(tmp_path, v2_row(), v2_row() | fields))
    benchmark_or_data_error(write_v2(tmp_path, v2_row(), history=history))


@FUZZ
@given(st.binary(max_size=200), st.sampled_from(["auto", "v1", "v2"]))
def test_any_bytes_give_a_data_error(tmp_path, content, version):
    path = tmp_path / "questions_32k.csv"
    path.write_bytes(content)
    with pytest.raises(DataError):
        personamem(str(path), version=version)


def test_importing_it_loads_nothing_heavy():
    heavy = "inspect_ai torch pandas chromadb"
    code = f"import sys, limner.evals.personamem; print([m for m in '{heavy}'.split() if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
