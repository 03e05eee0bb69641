"""PrefEval: its files, its options, and what is put before a model."""

import copy
import json
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import InputError
from limner.evals.memories.full import FullMemory
from limner.evals.prefeval import prefeval
from limner.evals.prefeval.exchanges import EXCHANGES
from limner.evals.records import Answer, Benchmark, Method, Passage
from limner.evals.running import Feeder
from limner.evals.sources import DataError

QUIET = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
OPTIONS = [
    "A quiet hut by the lake.",
    "The big fair.",
    "A night at the arena, with 20,000 others.",
    "A parade.",
]


def entry(number: int, topic: str) -> dict:
    return {
        "preference": f"I cannot stand crowds, {topic} {number}.",
        "question": f"Where should Ilse go in week {number}, {topic}?",
        "explanation": "Crowds are to be avoided.",
    }


def choice(number: int, topic: str) -> dict:
    talk = {
        "query": "What do you offer?",
        "assistant_options": "1. A hut. 2. A fair.",
        "user_selection": f"The hut: no crowds, {topic} {number}.",
        "assistant_acknowledgment": "A hut it is.",
    }
    return {**entry(number, topic), "conversation": talk}


def options(number: int, topic: str) -> dict:
    texts = [f"{text} ({number})" for text in OPTIONS]
    return {**entry(number, topic), "classification_task_options": texts}


PLACES = {
    "explicit_preference": entry,
    "implicit_preference/choice-based": choice,
    "mcq_options": options,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two topics of four entries in the published layout."""
    for place, make in PLACES.items():
        (tmp_path / place).mkdir(parents=True)
        for topic in ("travel", "food"):
            entries = [make(number, topic) for number in range(4)]
            (tmp_path / place / f"{topic}.json").write_text(json.dumps(entries), encoding="utf-8")
    return tmp_path


def changed(folder: Path, place: str, value: object, topic: str = "food") -> None:
    (folder / place / f"{topic}.json").write_text(json.dumps(value), encoding="utf-8")


def texts(benchmark: Benchmark, question: int = 0) -> list[str]:
    return [turn.text for turn in benchmark.histories[benchmark.questions[question].history]]


def test_every_entry_is_a_question_with_its_history(folder) -> None:
    made = prefeval(str(folder))
    assert [one.id for one in made.questions] == [f"{t}/{n}" for t in ("food", "travel") for n in range(4)]
    assert Counter(one.group for one in made.questions) == {"food": 4, "travel": 4}
    assert len(made.files) == 4
    assert made.counted == {}
    told, reply, *between = made.histories["food/2"]
    assert (told.text, told.role, told.id) == ("I cannot stand crowds, food 2.", "user", "preference")
    assert reply.role == "assistant"
    assert [turn.text for turn in between] == [text for pair in EXCHANGES[:10] for text in pair]
    assert [turn.role for turn in between] == ["user", "assistant"] * 10
    assert len({turn.id for turn in made.histories["food/2"]}) == 22


def test_a_choice_among_options_tells_it_implicitly(folder) -> None:
    made = prefeval(str(folder), form="implicit", turns=1)
    assert [turn.role for turn in made.histories["travel/3"]] == ["user", "assistant"] * 3
    assert [turn.id for turn in made.histories["travel/3"]][2] == "preference"
    assert texts(made)[:4] == [
        "What do you offer?",
        "1. A hut. 2. A fair.",
        "The hut: no crowds, food 0.",
        "A hut it is.",
    ]
    assert not any("I cannot stand" in text for text in texts(made))


@pytest.mark.parametrize("turns", [0, 1, len(EXCHANGES)])
def test_histories_end_with_the_turns_in_between(folder, turns) -> None:
    said = texts(prefeval(str(folder), turns=turns))
    assert len(said) == 2 + 2 * turns
    assert said[2:] == [text for pair in EXCHANGES[:turns] for text in pair]


def test_the_turns_may_come_from_the_published_file(folder, tmp_path) -> None:
    talk = [("user", "a"), ("assistant", "b"), ("assistant", "c"), ("user", "d"), ("assistant", "e")]
    rows = [{"conversation": [{"role": role, "content": text} for role, text in talk]}] * 2
    file = tmp_path / "between.json"
    file.write_text(json.dumps(rows))
    made = prefeval(str(folder), turns=3, turns_file=str(file))
    assert texts(made)[2:] == ["a", "b", "d", "e", "a", "b"]
    assert file in made.files
    with pytest.raises(DataError, match="4 exchanges"):
        prefeval(str(folder), turns=5, turns_file=str(file))


def test_halves_share_no_question_and_make_the_whole(folder) -> None:
    odd, even = ({one.id for one in prefeval(str(folder), half=half).questions} for half in ("odd", "even"))
    assert odd == {f"{t}/{n}" for t in ("food", "travel") for n in (1, 3)}
    assert odd | even == {one.id for one in prefeval(str(folder)).questions}
    assert not odd & even


def test_the_seed_alone_shuffles_the_options(folder) -> None:
    def orders(seed: int) -> list[tuple]:
        return [tuple(one.details["options"]) for one in prefeval(str(folder), seed=seed).questions]

    assert orders(0) == orders(0) != orders(1)
    for one in prefeval(str(folder), seed=5).questions:
        shown = one.details["options"]
        assert shown["ABCD".index(one.target[0])] == one.target[1] == shown[one.details["right"]]
        assert one.target[1].startswith(OPTIONS[0])


@pytest.mark.parametrize("method", get_args(Method))
def test_each_method_asks_in_its_own_way(folder, method) -> None:
    made = prefeval(str(folder), method=method)
    question = made.questions[0]
    asked = made.ask(question, (Passage("The user avoids crowds."),))
    last = asked.messages[-1][1]
    assert [role for role, _ in asked.messages] == ["system", "user"]
    assert question.text in last
    assert "The user avoids crowds." in last
    assert asked.method == method
    shown = question.details["options"]
    if method in ("constrained", "letter"):
        assert asked.options == ("A", "B", "C", "D")
        assert all(f"{letter}. {text}" in last for letter, text in zip("ABCD", shown, strict=True))
        assert made.prompts == ("evals/prefeval/choose",)
    else:
        assert asked.options == tuple(shown)
        assert not any(text in last for text in shown)
        assert made.prompts == ("evals/prefeval/reply",)
    assert bool(asked.neutral) == (method == "text_less_prior")
    assert not any("crowds" in text or question.text in text for _, text in asked.neutral)


def test_a_whole_conversation_is_replayed_before_the_question(folder) -> None:
    made = prefeval(str(folder), turns=2)
    question = made.questions[0]
    asked = made.ask(question, Feeder(made, FullMemory(), 1).search(question))
    assert [role for role, _ in asked.messages] == ["system", *["user", "assistant"] * 3, "user"]
    assert [text for _, text in asked.messages[1:-1]] == texts(made)
    assert "What you know about me" not in asked.messages[-1][1]


def test_without_a_memory_nothing_is_known(folder) -> None:
    made = prefeval(str(folder))
    asked = made.ask(made.questions[0], ())
    assert len(asked.messages) == 2
    assert "What you know about me" not in asked.messages[-1][1]


def test_letter_and_text_of_the_right_option_count(folder) -> None:
    made = prefeval(str(folder))
    question = made.questions[0]
    letter, text = question.target
    for said in (letter, f" {letter}\n", text):
        marked = made.mark(question, Answer(said))
        assert (marked.values, marked.answer, marked.why) == ({"correct": 1.0}, letter, "")
    wrong = next(one for one in "ABCD" if one != letter)
    for said in (wrong, "", "E", "AB", letter.lower(), f"{letter}.", f"I suggest {letter}", "ABCD"):
        marked = made.mark(question, Answer(said))
        assert marked.values == {"correct": 0.0}
        assert letter in marked.why


def test_floors_are_chance_and_the_longest_option(folder) -> None:
    made = prefeval(str(folder))
    assert made.floors == {"chance": 0.25, "longest option": 0.0}
    rows = [options(number, "food") for number in range(4)]
    for number, row in enumerate(rows):
        row["classification_task_options"][0] = "x" * 60 if number else "yyyyy"
    rows[1]["classification_task_options"][1] = "z" * 60
    changed(folder, "mcq_options", rows)
    made = prefeval(str(folder))
    assert [one.details["floors"]["longest option"] for one in made.questions[:4]] == [0, 0.5, 1, 1]
    assert made.floors["longest option"] == pytest.approx(2.5 / 8)


def test_a_preference_worded_otherwise_is_counted(folder) -> None:
    rows = [options(number, "food") for number in range(4)]
    rows[2]["preference"] = "I hate crowds."
    changed(folder, "mcq_options", rows)
    made = prefeval(str(folder))
    assert list(made.counted.values()) == [1]
    assert "I hate crowds." not in texts(made, 2)


@pytest.mark.parametrize(
    "wrong",
    [{"turns": -1}, {"turns": len(EXCHANGES) + 1}, {"form": "persona-driven"}, {"method": "guess"}],
)
def test_parameters_out_of_range_are_refused(folder, wrong) -> None:
    with pytest.raises(InputError):
        prefeval(str(folder), **wrong)


def test_a_folder_that_is_not_there_is_told_of_with_the_layout(tmp_path) -> None:
    with pytest.raises(DataError, match=r"amazon-science/PrefEval.*mcq_options/TOPIC\.json"):
        prefeval(str(tmp_path / "nowhere"))
    (tmp_path / "mcq_options").mkdir()
    with pytest.raises(DataError, match="holds no JSON file"):
        prefeval(str(tmp_path))


@pytest.mark.parametrize(
    ("place", "spoil", "row", "field"),
    [
        (
            "mcq_options",
            lambda rows: rows[1].pop("classification_task_options"),
            1,
            "classification_task_options",
        ),
        (
            "mcq_options",
            lambda rows: rows[3]["classification_task_options"].pop(),
            3,
            "classification_task_options",
        ),
        (
            "mcq_options",
            lambda rows: rows[0].update(classification_task_options=["a", "a", "b", "c"]),
            0,
            "classification_task_options",
        ),
        ("explicit_preference", lambda rows: rows[2].update(question="Other?"), 2, "question"),
        ("explicit_preference", lambda rows: rows[2].update(preference=" "), 2, "preference"),
        ("explicit_preference", lambda rows: rows.pop(), None, None),
    ],
)
def test_a_malformed_entry_is_named(folder, place, spoil, row, field) -> None:
    rows = [PLACES[place](number, "food") for number in range(4)]
    spoil(rows)
    changed(folder, place, rows)
    with pytest.raises(DataError) as caught:
        prefeval(str(folder))
    assert (caught.value.path.name, caught.value.row, caught.value.field) == ("food.json", row, field)


def test_a_topic_without_its_other_file_is_named(folder) -> None:
    (folder / "explicit_preference" / "food.json").unlink()
    with pytest.raises(DataError, match=r"explicit_preference/food\.json"):
        prefeval(str(folder))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["question", "preference", "conversation", "role", "content"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


def paths(value: object, at: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, one in inner for path in paths(one, (*at, key)))]


@QUIET
@given(st.data())
def test_any_change_of_a_file_is_an_error_of_the_data_or_a_benchmark(folder, data) -> None:
    place = data.draw(st.sampled_from(list(PLACES)))
    rows = [PLACES[place](number, "food") for number in range(4)]
    spoiled = copy.deepcopy({"": rows})
    path = data.draw(st.sampled_from(paths(rows)))
    value = spoiled
    for key in ("", *path)[:-1]:
        value = value[key]
    value[("", *path)[-1]] = data.draw(JSON)
    changed(folder, place, spoiled[""])
    form = "implicit" if "implicit" in place else "explicit"
    try:
        made = prefeval(str(folder), form=form)
    except DataError as error:
        wrong = error.path.name
    else:
        wrong = "food.json"
        for question in made.questions:
            made.ask(question, ())
    finally:
        changed(folder, place, rows)
    assert wrong == "food.json"


@QUIET
@given(JSON, st.integers(0, 3))
def test_any_file_of_turns_is_an_error_of_the_data_or_turns(folder, value, turns) -> None:
    file = folder / "between.json"
    file.write_text(json.dumps(value))
    try:
        said = texts(prefeval(str(folder), turns=turns, turns_file=str(file)))
    except DataError as error:
        said, wrong = [], error.path
    assert len(said) == 2 + 2 * turns if said else wrong == file


@QUIET
@given(st.binary(max_size=40))
def test_any_bytes_are_an_error_of_the_data_or_a_benchmark(folder, content) -> None:
    file = folder / "mcq_options" / "extra.json"
    file.write_bytes(content)
    try:
        prefeval(str(folder))
    except DataError:
        pass
    finally:
        file.unlink()
