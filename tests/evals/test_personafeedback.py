import contextlib
import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import InputError
from limner.evals.personafeedback import personafeedback
from limner.evals.records import Answer, Passage
from limner.evals.sources import DataError

PERSONAS = [
    {
        "Name": "Ines Vogel",
        "Demographics": {"Age": 39, "Job": "cartographer"},
        "Personality": {"Big_Five": {"Openness": "high"}},
        "Preference": {"Food": ["rye bread", "tea"], "Trips": [{"Place": "Oslo"}, {"Place": "Bern"}]},
        "Bias": None,
    },
    {"Name": "Tomas Riva", "Demographics": "a retired ferryman"},
    {"Name": "Never Asks"},
]
PAIRS = {
    "data/spedific/easy.jsonl": [
        {"user_id": 1, "question": "What for lunch?", "chosen": "Rye bread, I'd say.", "reject": "A burger."},
        {
            "user_id": "2",
            "question": "What for lunch?",
            "chosen": "Fish.",
            "reject": "Soup, perhaps with bread.",
        },
    ],
    "data/general/hard.jsonl": [
        {"user_id": 1, "question": "How do maps lie?", "chosen": "By scale.", "reject": "By size."},
    ],
}


def write(folder, personas=PERSONAS, pairs=PAIRS):
    for name, rows in {"persona/all_personas.jsonl": personas, **pairs}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder)


def test_a_persona_is_a_history_of_traits(tmp_path):
    benchmark = personafeedback(write(tmp_path))
    assert sorted(benchmark.histories) == ["1", "2"]
    assert [turn.text for turn in benchmark.histories["1"]] == [
        "Name: Ines Vogel",
        "Demographics, Age: 39",
        "Demographics, Job: cartographer",
        "Personality, Big Five, Openness: high",
        "Preference, Food: rye bread, tea",
        "Preference, Trips, Place: Oslo",
        "Preference, Trips, Place: Bern",
    ]
    assert [turn.id for turn in benchmark.histories["2"]] == ["0", "1"]
    assert benchmark.counted == {"tier without a file": 4}
    assert len(benchmark.files) == 3


def test_groups_are_task_and_tier_and_clusters_personas(tmp_path):
    questions = personafeedback(write(tmp_path)).questions
    assert [(q.id, q.group, q.cluster) for q in questions] == [
        ("specific-easy-0", "specific easy", "1"),
        ("specific-easy-1", "specific easy", "2"),
        ("general-hard-0", "general hard", "1"),
    ]


def chosen_first(questions):
    return [question.details["correct"] == 0 for question in questions]


def test_the_seed_shuffles_the_replies_and_the_target_follows(tmp_path):
    many = {"data/general/easy.jsonl": PAIRS["data/spedific/easy.jsonl"] * 40}
    folder = write(tmp_path, pairs=many)
    first = personafeedback(folder, seed=1).questions
    assert chosen_first(first) == chosen_first(personafeedback(folder, seed=1).questions)
    assert chosen_first(first) != chosen_first(personafeedback(folder, seed=2).questions)
    assert 25 < sum(chosen_first(first)) < 55
    for question in first:
        right = question.details["options"][question.details["correct"]]
        assert right in {"Rye bread, I'd say.", "Fish."}
        assert question.target == (f"({'ab'[question.details['correct']]})", right)


def test_both_orders_ask_each_pair_twice(tmp_path):
    benchmark = personafeedback(write(tmp_path), both_orders=True)
    assert len(benchmark.questions) == 6
    assert len({question.id for question in benchmark.questions}) == 6
    always_first = [
        benchmark.mark(question, Answer("a")).values["correct"] for question in benchmark.questions
    ]
    assert [sum(always_first[i : i + 2]) for i in (0, 2, 4)] == [1, 1, 1]


def test_the_floor_takes_the_longer_reply(tmp_path):
    floors = personafeedback(write(tmp_path)).floors
    assert floors["longer reply"] == pytest.approx(2 / 3)
    assert floors["longer reply, specific easy"] == 0.5
    assert floors["longer reply, general hard"] == 1


def test_the_prompt_shows_what_the_memory_found(tmp_path):
    benchmark = personafeedback(write(tmp_path), method="letter")
    assert benchmark.ask is not None
    question = benchmark.questions[0]
    asked = benchmark.ask(question, [Passage("Preference, Food: rye bread, tea", role="user")])
    assert (asked.options, asked.method) == (("a", "b"), "letter")
    (system, rules), (user, prompt) = asked.messages
    assert (system, user) == ("system", "user")
    assert "- Preference, Food: rye bread, tea" in prompt
    assert "What for lunch?" in prompt
    assert f"{question.target[0]} Rye bread, I'd say." in prompt
    bare = benchmark.ask(question, []).messages
    assert bare[0][1] == rules
    assert "What is known" not in bare[1][1]


def test_an_answer_counts_by_its_letter_or_word_for_word(tmp_path):
    benchmark = personafeedback(write(tmp_path))
    question = benchmark.questions[0]
    for said in (question.target[0], question.target[0].strip("()"), "Rye bread, I'd say."):
        assert benchmark.mark(question, Answer(said)).values == {"correct": 1}
    for said in ("A burger.", "a or b", "", "(c)"):
        assert benchmark.mark(question, Answer(said)).values == {"correct": 0}


def test_likelihood_of_the_texts_shows_no_replies(tmp_path):
    benchmark = personafeedback(write(tmp_path), method="text_less_prior", both_orders=True)
    assert len(benchmark.questions) == 3
    assert benchmark.ask is not None
    asked = benchmark.ask(benchmark.questions[0], [Passage("Name: Ines Vogel")])
    assert set(asked.options) == {"Rye bread, I'd say.", "A burger."}
    assert "burger" not in asked.messages[1][1]
    assert "Ines Vogel" in asked.messages[1][1]
    assert "lunch" not in asked.neutral[1][1]
    assert benchmark.prompts == ("evals/personafeedback/reply", "evals/personafeedback/neutral")
    with pytest.raises(InputError, match=r"guess.*constrained"):
        personafeedback(str(tmp_path), method="guess")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("user_id", 4, "row 0, field 'user_id'.*from 1 to 3"),
        ("user_id", 0, "field 'user_id'"),
        ("user_id", None, "field 'user_id'"),
        ("question", " ", "field 'question': is empty"),
        ("chosen", 5, "field 'chosen'"),
        ("reject", None, "field 'reject'"),
    ],
)
def test_malformed_rows_are_named(tmp_path, field, value, message):
    row = PAIRS["data/general/hard.jsonl"][0] | {field: value}
    with pytest.raises(DataError, match=message):
        personafeedback(write(tmp_path, pairs={"data/general/hard.jsonl": [row]}))


def test_missing_files_are_named_with_where_to_get_them(tmp_path):
    with pytest.raises(DataError, match=r"all_personas\.jsonl.*PersonalAILab/PersonaFeedback"):
        personafeedback(str(tmp_path))
    with pytest.raises(DataError, match="no pair of replies"):
        personafeedback(write(tmp_path, pairs={}))


def test_oddities_are_counted_and_the_folder_may_be_spelt_right(tmp_path):
    row = PAIRS["data/general/hard.jsonl"][0] | {"user_id": 3, "reject": "By scale. "}
    personas = [*PERSONAS[:2], {"Bias": ["", None]}]
    benchmark = personafeedback(write(tmp_path, personas, {"data/specific/medium.jsonl": [row]}))
    assert benchmark.counted == {
        "tier without a file": 5,
        "pair of equal replies": 1,
        "persona of whom nothing is told": 1,
    }
    assert benchmark.questions[0].group == "specific medium"
    assert benchmark.histories["3"] == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 4) | st.floats() | st.text(max_size=6),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=6), part, max_size=3),
    max_leaves=3,
)


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_mutation_gives_a_benchmark_or_a_data_error(tmp_path, data):
    personas, pairs = copy.deepcopy(PERSONAS), copy.deepcopy(PAIRS)
    rows = data.draw(st.sampled_from([personas, *pairs.values()]))
    place = data.draw(st.integers(0, len(rows) - 1))
    if data.draw(st.integers(0, 4)):
        rows[place][data.draw(st.sampled_from(sorted(rows[place])))] = data.draw(JSON)
    else:
        rows[place] = data.draw(JSON)
    try:
        benchmark = personafeedback(write(tmp_path, personas, pairs), both_orders=data.draw(st.booleans()))
    except DataError:
        return
    assert benchmark.ask is not None
    for question in benchmark.questions:
        json.dumps(dict(question.details))
        asked = benchmark.ask(
            question, [Passage(turn.text) for turn in benchmark.histories[question.history]]
        )
        assert benchmark.mark(question, Answer(asked.options[0])).values["correct"] in {0, 1}


@given(text=st.binary(max_size=40))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_a_data_error(tmp_path, text):
    folder = write(tmp_path)
    (tmp_path / "persona/all_personas.jsonl").write_bytes(text)
    with pytest.raises(DataError):
        personafeedback(folder)


@pytest.mark.parametrize("depth", [400, 900, 960, 5000])
def test_deeply_nested_personas_are_read_or_refused(tmp_path, depth):
    write(tmp_path)
    nested = '{"Bias":' * depth + "1" + "}" * depth
    (tmp_path / "persona/all_personas.jsonl").write_text(f"{nested}\n{nested}\n")
    with contextlib.suppress(DataError):
        assert personafeedback(str(tmp_path)).histories["1"][0].text.endswith("Bias: 1")
