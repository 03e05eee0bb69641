import json
import math
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import InputError
from limner.evals.lamp import lamp, predictions, write_predictions
from limner.evals.lamp.tasks import TASKS, named_task, task_in_path
from limner.evals.measures import measure
from limner.evals.records import Answer, Benchmark, Passage
from limner.evals.sources import DataError

TAGS = "sci-fi, based on a book, comedy"
INPUT = {
    "LaMP_1": 'For an author who has written the paper with the title "Maps of Fog", which reference is related? Just answer '
    'with [1] or [2] without explanation. [1]: "Fog and "Mist" at Sea" [2]: "Bread Ovens"',
    "LaMP_2": f"Which tag does this movie relate to among the following tags? tags: [{TAGS}] description: A baker: alone.",
    "LaMP_2N": "Which category does this article relate to? categories: [travel, sports] article: The night train is back.",
    "LaMP_3": "What is the score of the following review on a scale of 1 to 5? review: It leaks.",
    "LaMP_4": "Generate a headline for the following article: The ferry was late: again.",
    "LaMP_5": "Generate a title for the following abstract of a paper: We count gulls.",
    "LaMP_6": "Generate a subject for the following email: Dear Ana, the boxes came.",
    "LaMP_7": "Paraphrase the following tweet without any explanation before or after it: rain again",
}
QUERY = {
    "LaMP_1": 'Fog and "Mist" at Sea Bread Ovens',
    "LaMP_2": "A baker: alone.",
    "LaMP_2N": "The night train is back.",
    "LaMP_3": "It leaks.",
    "LaMP_4": "The ferry was late: again.",
    "LaMP_5": "We count gulls.",
    "LaMP_6": "Dear Ana, the boxes came.",
    "LaMP_7": "rain again",
}
GOLD = {"LaMP_1": "[1]", "LaMP_2": "dark comedy", "LaMP_2N": "travel", "LaMP_3": "1"}
ITEMS = {
    "LaMP_1": [{"title": "Fog", "abstract": "On fog."}, {"title": "Ice", "abstract": "On ice."}],
    "LaMP_2": [{"description": "A spy.", "tag": "action"}, {"description": "A ghost.", "tag": "comedy"}],
    "LaMP_2N": [
        {"title": "Up", "text": "Go up.", "category": "travel"},
        {"title": "Goal", "text": "In!", "category": "sports"},
    ],
    "LaMP_3": [{"text": "Good.", "score": "4"}, {"text": "Bad.", "score": "1"}],
    "LaMP_4": [{"title": "Up", "text": "Go up."}, {"title": "Down", "text": "Go down."}],
    "LaMP_5": [{"title": "Fog", "abstract": "On fog."}, {"title": "Ice", "abstract": "On ice."}],
    "LaMP_6": [{"title": "Boxes", "text": "They came."}, {"title": "Keys", "text": "Lost."}],
    "LaMP_7": [{"text": "sun!!"}, {"text": "so tired"}],
}
CORPUS = {
    "LaMP_1": "Fog On fog.",
    "LaMP_2": "A spy.",
    "LaMP_2N": "Up Go up.",
    "LaMP_3": "Good.",
    "LaMP_4": "Up Go up.",
} | {
    "LaMP_5": "Fog On fog.",
    "LaMP_6": "They came.",
    "LaMP_7": "sun!!",
}
# The forms of table 2 of the paper, filled in by hand; `{}` is the input.
FILLED = {
    "LaMP_1": INPUT["LaMP_1"].replace("with the title", 'with the title, and "Fog", and "Ice"'),
    "LaMP_2": 'the tag for the movie: "A spy." is "action", and the tag for the movie: "A ghost." is "comedy". {}',
    "LaMP_2N": 'the category for the article: "Go up." is "travel", and the category for the article: "In!" is "sports". {}',
    "LaMP_3": '4 is the score for "Good.", and 1 is the score for "Bad.". {}',
    "LaMP_4": '"Up" is the title for "Go up.", and "Down" is the title for "Go down.". {}',
    "LaMP_5": '"Fog" is the title for "On fog.", and "Ice" is the title for "On ice.". Following the given patterns {}',
    "LaMP_6": '"Boxes" is the title for "They came.", and "Keys" is the title for "Lost.". {}',
    "LaMP_7": '"sun!!", and "so tired" are written by a person. Following the given patterns {}',
}


def profile(name):
    return [{"id": f"{name}{number}"} | item for number, item in enumerate(ITEMS[name])]


def entry(name, key="a", **changes):
    return {"id": key, "input": INPUT[name], "profile": profile(name)} | changes


def write(folder, name, rows, golds=None, split="dev"):
    path = folder / f"{name}_{split}_questions.json"
    path.write_text(json.dumps(rows))
    if golds is not None:
        value = {"task": name, "golds": [{"id": key, "output": gold} for key, gold in golds.items()]}
        path.with_name(f"{name}_{split}_outputs.json").write_text(json.dumps(value))
    return str(path)


def verbatim(benchmark, question, score=1.0):
    return [
        Passage(turn.text, (turn.id,), score, turn.role) for turn in benchmark.histories[question.history]
    ]


def marked(benchmark, *texts):
    return [
        benchmark.mark(question, Answer(text))
        for question, text in zip(benchmark.questions, texts, strict=True)
    ]


@pytest.mark.parametrize("name", TASKS)
def test_every_task_as_published(tmp_path, name):
    benchmark = lamp(write(tmp_path, name, [entry(name)], {"a": GOLD.get(name, "A title")}))
    (question,) = benchmark.questions
    assert benchmark.name == name
    assert question.text == QUERY[name]
    assert [turn.id for turn in benchmark.histories[question.history]] == [f"{name}0", f"{name}1"]
    assert benchmark.histories[question.history][0].text == CORPUS[name]
    assert benchmark.ask(question, []).messages[-1] == ("user", INPUT[name])
    filled = benchmark.ask(question, verbatim(benchmark, question))
    assert filled.messages[-1] == ("user", FILLED[name].replace("{}", INPUT[name]))
    assert filled.options == TASKS[name].labels
    assert benchmark.measures[0] in {"accuracy", "mae", "rouge_1"}
    assert not benchmark.counted
    assert len(benchmark.files) == 2
    assert all("theirs" in figure for figure in benchmark.published)


@pytest.mark.parametrize("name", ["LaMP_1", "LaMP_3"])
def test_free_text_offers_no_options_and_keeps_the_prompt(tmp_path, name):
    path = write(tmp_path, name, [entry(name)], {"a": GOLD[name]})
    free, chosen = lamp(path, method="free"), lamp(path, method="text_less_prior")
    question = free.questions[0]
    assert free.ask(question, []).options == ()
    assert free.ask(question, []).messages == chosen.ask(question, []).messages
    assert chosen.ask(question, []).method == "text_less_prior"
    assert QUERY[name] not in chosen.ask(question, []).neutral[-1][1]


def test_what_a_memory_wrote_itself_stands_in_front(tmp_path):
    benchmark = lamp(write(tmp_path, "LaMP_3", [entry("LaMP_3")], {"a": "5"}))
    question = benchmark.questions[0]
    passages = [
        Passage("The user is hard to please.", ("LaMP_30",)),  # rests on an item, but is not the item
        Passage("Good.", ("LaMP_30",), 1.0, "user"),
        Passage("The user owns boats.", ("LaMP_30", "LaMP_31")),
        Passage("   "),
    ]
    assert benchmark.ask(question, passages).messages[-1][1] == (
        "What is known of the user: The user is hard to please. The user owns boats.\n\n"
        f'4 is the score for "Good.". {INPUT["LaMP_3"]}'
    )


def test_accuracy_and_macro_f1_by_hand(tmp_path):
    golds = {"a": "[1]", "b": "[1]", "c": "[2]", "d": "[2]"}
    benchmark = lamp(write(tmp_path, "LaMP_1", [entry("LaMP_1", key) for key in golds], golds))
    items = marked(benchmark, " [1]\n", "The answer is [1]", "[1]", "[2]")
    assert [item.values["correct"] for item in items] == [1, 0, 0, 1]
    assert [item.labels for item in items] == [
        ("[1]", "[1]"),
        ("invalid", "[1]"),
        ("[1]", "[2]"),
        ("[2]", "[2]"),
    ]
    # [1]: 1 hit of 2 predicted and 2 there, F1 1/2. [2]: 1 hit of 1 predicted and 2 there, F1 2/3.
    assert measure("macro_f1").compute(items) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert measure("accuracy").compute(items) == 0.5
    assert benchmark.floors == {"accuracy, always '[1]'": 0.5}


def test_mae_and_rmse_by_hand(tmp_path):
    golds = {"a": "1", "b": 4, "c": "3", "d": "5", "e": 2.0, "f": "5"}
    benchmark = lamp(write(tmp_path, "LaMP_3", [entry("LaMP_3", key) for key in golds], golds))
    items = marked(benchmark, "1", "4 stars", "", "4.5", "7", "nan")
    # No number, or none of the scale, is taken for the farther end: 1 for 4, 5 for 3, 5 for 2, 1 for 5.
    assert [item.values["error"] for item in items] == [0, -3, 2, -0.5, 3, -4]
    assert measure("mae").compute(items) == pytest.approx(12.5 / 6)
    assert measure("rmse").compute(items) == pytest.approx(math.sqrt((9 + 4 + 0.25 + 9 + 16) / 6))
    assert measure("accuracy").compute(items) == pytest.approx(1 / 6)
    assert "no rating" in items[1].why
    # The profile has scores 4 and 1: mean 2.5, rounded up to 3. Golds 1, 4, 3, 5, 2, 5.
    assert benchmark.floors == pytest.approx({
        "mae, always 5": 10 / 6,
        "rmse, always 5": math.sqrt((16 + 1 + 4 + 9) / 6),
        "mae, the user's mean score": (1.5 + 1.5 + 0.5 + 2.5 + 0.5 + 2.5) / 6,
        "rmse, the user's mean score": math.sqrt((2.25 + 2.25 + 0.25 + 6.25 + 0.25 + 6.25) / 6),
        "mae, the user's mean score, rounded": 8 / 6,
        "rmse, the user's mean score, rounded": math.sqrt((4 + 1 + 0 + 4 + 1 + 4) / 6),
    })


def test_titles_are_scored_by_rouge(tmp_path):
    benchmark = lamp(write(tmp_path, "LaMP_4", [entry("LaMP_4")], {"a": "Ferry late again"}))
    (item,) = marked(benchmark, '"Ferry late"')
    assert item.values == pytest.approx({"rouge_1": 0.8, "rouge_l": 0.8})
    # The article is `The ferry was late: again.`, 5 words of which 3 are wanted, in order: P 3/5, R 1.
    assert benchmark.floors["rouge_l, the first 10 words"] == pytest.approx(0.75)


def test_the_users_own_labels_make_a_floor(tmp_path):
    golds = {"a": "action", "b": "comedy", "c": "comedy"}
    rows = [entry("LaMP_2", key) for key in golds]
    rows[2]["profile"] = []
    benchmark = lamp(write(tmp_path, "LaMP_2", rows, golds))
    # Tags of a tie count in the order of the profile: `action`. The user without one gets the commonest, `comedy`.
    assert benchmark.floors == pytest.approx({
        "accuracy, always 'comedy'": 2 / 3,
        "accuracy, the user's most frequent tag": 2 / 3,
    })
    assert benchmark.counted == {"question with an empty profile": 1}


def test_without_golds_there_are_predictions_and_no_scores(tmp_path):
    benchmark = lamp(write(tmp_path, "LaMP_1", [entry("LaMP_1"), entry("LaMP_1", 7)], split="test"))
    assert (benchmark.measures, benchmark.floors, len(benchmark.files)) == ((), {}, 1)
    assert benchmark.counted == {"question without a gold": 2}
    items = marked(benchmark, "[1]", "[2]")
    assert [(item.values, item.answer) for item in items] == [({}, "[1]"), ({}, "[2]")]
    answers = {question.id: item.answer for question, item in zip(benchmark.questions, items, strict=True)}
    expected = {"task": "LaMP_1", "golds": [{"id": "a", "output": "[1]"}, {"id": 7, "output": "[2]"}]}
    assert predictions(benchmark.name, answers, benchmark.questions) == expected
    write_predictions(tmp_path / "predictions.json", benchmark.name, answers, benchmark.questions)
    assert json.loads((tmp_path / "predictions.json").read_text()) == expected


def test_predictions_are_read_back_as_golds(tmp_path):
    path = write(tmp_path, "LaMP_7", [entry("LaMP_7")])
    write_predictions(tmp_path / "answers.json", "LaMP_7", {"a": "chuva \ud83c outra vez"})
    benchmark = lamp(path, outputs=str(tmp_path / "answers.json"))
    assert benchmark.questions[0].target == ("chuva \ud83c outra vez",)


def test_the_task_is_told_by_name_folder_golds_or_shape(tmp_path):
    folder = tmp_path / "LaMP_3" / "dev"
    folder.mkdir(parents=True)
    (folder / "dev_questions.json").write_text(json.dumps([entry("LaMP_3")]))
    assert lamp(str(folder / "dev_questions.json")).name == "LaMP_3"
    path = tmp_path / "questions.json"
    path.write_text(json.dumps([entry("LaMP_7")]))
    with pytest.raises(DataError, match="which task"):
        lamp(str(path))
    assert lamp(str(path), task="7").name == "LaMP_7"
    (tmp_path / "outputs.json").write_text(
        json.dumps({"task": "LaMP_7", "golds": [{"id": "a", "output": "x"}]})
    )
    assert lamp(str(path)).name == "LaMP_7"
    old = lamp(
        write(tmp_path, "LaMP_2", [entry("LaMP_2N")], {"a": "travel"})
    )  # news came out as LaMP_2 at first
    assert (old.name, old.prompts) == ("LaMP_2", ("evals/lamp/news_category",))
    assert not old.published
    with pytest.raises(DataError, match="golds are of"):
        lamp(write(tmp_path, "LaMP_2", [entry("LaMP_2")], {"a": "comedy"}), task="LaMP_3")


@pytest.mark.parametrize("name", ["LaMP_8", "", "3N", "LaMP", "LaMP_2X"])
def test_a_task_that_does_not_exist(name):
    with pytest.raises(InputError, match="LaMP_2N"):
        named_task(name)


def test_names_of_tasks(tmp_path):
    assert [named_task(name).name for name in ("lamp-3", "2m", "LaMP_2N", " 2 ")] == [
        "LaMP_3",
        "LaMP_2",
        "LaMP_2N",
        "LaMP_2",
    ]
    assert task_in_path(tmp_path / "LaMP_2N_dev_questions.json") is TASKS["LaMP_2N"]
    assert task_in_path(tmp_path / "lamp_12_questions.json") is None
    assert task_in_path(tmp_path / "clamp_1.json") is None


def test_items_are_in_order_of_time(tmp_path):
    items = profile("LaMP_7")
    later = [items[0] | {"date": "2009-06-08"}, items[1] | {"date": 2009}]
    odd = [items[0] | {"date": "2009-13-40"}, items[1] | {"date": "2009-05"}]
    benchmark = lamp(
        write(tmp_path, "LaMP_7", [entry("LaMP_7", profile=later), entry("LaMP_7", "b", profile=odd)])
    )
    dated, undated = (benchmark.histories[question.history] for question in benchmark.questions)
    assert [turn.id for turn in dated] == ["LaMP_71", "LaMP_70"]
    assert dated[0].at.isoformat() == "2009-01-01T00:00:00+00:00"
    assert [turn.id for turn in undated] == ["LaMP_70", "LaMP_71"]
    assert benchmark.counted["profile item whose date cannot be read"] == 1
    assert benchmark.counted["profile with some dates missing, kept in the order of the file"] == 1


def test_equal_profiles_are_one_user(tmp_path):
    rows = [
        entry("LaMP_7"),
        entry("LaMP_7", "b", profile=profile("LaMP_7")[::-1]),
        entry("LaMP_7", "c", profile=[]),
    ]
    one, other, empty = lamp(write(tmp_path, "LaMP_7", rows)).questions
    assert one.history == other.history == one.cluster
    assert (empty.history, empty.cluster, empty.group) == (None, "c", "no profile")


def test_odd_profiles_are_counted(tmp_path):
    items = [
        {"id": 1, "title": None, "text": "One."},
        {"id": 1, "title": "Two", "text": INPUT["LaMP_4"].partition("article:")[2].strip()},
        {"id": "1#2", "title": "", "text": " "},
    ]
    benchmark = lamp(write(tmp_path, "LaMP_4", [entry("LaMP_4", profile=items)]))
    history = benchmark.histories[benchmark.questions[0].history]
    assert [turn.id for turn in history] == ["1", "1#2"]
    assert benchmark.counted == {
        "profile item whose title is null": 1,
        "profile item id given twice": 1,
        "profile item without text, left out": 1,
        "question whose text is in the profile too": 1,
        "question without a gold": 1,
    }


def test_labels_are_fed_to_memories_on_request(tmp_path):
    path = write(tmp_path, "LaMP_2", [entry("LaMP_2")])
    benchmark = lamp(path, labelled=True)
    assert next(iter(benchmark.histories.values()))[0].text == "A spy. (tag: action)"
    question = benchmark.questions[0]
    assert benchmark.ask(question, verbatim(benchmark, question)).messages[-1][1].count("action") == 1


def long_items(count, words=200):
    return [
        {"id": str(number), "score": "3", "text": f"n{number} " + "word " * words} for number in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "score", "kept"), [(4, 1.0, "n0"), (4, None, "n3"), (90, 1.0, "n0"), (90, None, "n89")]
)
def test_a_prompt_keeps_its_budget(tmp_path, count, score, kept):
    benchmark = lamp(write(tmp_path, "LaMP_3", [entry("LaMP_3", profile=long_items(count))]))
    question = benchmark.questions[0]
    text = benchmark.ask(question, verbatim(benchmark, question, score)).messages[-1][1]
    assert 0.8 * 512 * 4 < len(text) <= 512 * 4
    assert f'"{kept} word' in text
    assert text.endswith(INPUT["LaMP_3"])
    assert text.count("is the score for") == (4 if count == 4 else text.count('"n'))


def test_no_budget_and_a_long_input(tmp_path):
    long = INPUT["LaMP_3"] + " wet" * 2000
    path = write(tmp_path, "LaMP_3", [entry("LaMP_3", profile=long_items(5), input=long)])
    whole, short = lamp(path, budget=0), lamp(path, budget=100)
    question = whole.questions[0]
    assert whole.ask(question, verbatim(whole, question)).messages[-1][1].count("word") == 1000
    text = short.ask(question, verbatim(short, question)).messages[-1][1]
    assert text.endswith(long)
    assert len(text) - len(long) <= 160


@pytest.mark.parametrize(
    ("rows", "golds", "where"),
    [
        ({}, None, "list"),
        ([], None, "no questions"),
        ([3], None, "row 0"),
        ([{"id": "a", "profile": []}], None, "'input'"),
        ([{"input": "x", "profile": []}], None, "'id'"),
        ([{"id": "a", "input": "x"}], None, "'profile'"),
        ([entry("LaMP_3", profile=[{"id": "1", "text": "x"}])], None, "0/profile/0, field 'score'"),
        ([entry("LaMP_3", profile=[{"text": "x", "score": 1}])], None, "'id'"),
        ([entry("LaMP_3", profile=[{"id": "1", "text": ["x"], "score": 1}])], None, "'text'"),
        ([entry("LaMP_3"), entry("LaMP_3")], None, "row 1, field 'id'"),
        ([entry("LaMP_3")], {"b": "1"}, "no gold"),
        ([entry("LaMP_3")], {"a": "6"}, "none of 1, 2"),
        ([entry("LaMP_3")], {"a": ["1"]}, "'output'"),
    ],
)
def test_malformed_files_are_named(tmp_path, rows, golds, where):
    with pytest.raises(DataError) as caught:
        lamp(write(tmp_path, "LaMP_3", rows, golds))
    assert where in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("parameters", [{"method": "guess"}, {"budget": -1}, {"task": "9"}])
def test_parameters_that_cannot_be(tmp_path, parameters):
    with pytest.raises(InputError):
        lamp(write(tmp_path, "LaMP_3", [entry("LaMP_3")]), **parameters)


def test_a_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(DataError, match=r"lamp-benchmark\.github\.io"):
        lamp(str(tmp_path / "LaMP_1_dev_questions.json"))


def test_golds_in_the_questions_file_and_golds_to_spare(tmp_path):
    assert lamp(write(tmp_path, "LaMP_3", [entry("LaMP_3", output=4)])).questions[0].target == ("4",)
    benchmark = lamp(write(tmp_path, "LaMP_3", [entry("LaMP_3")], {"a": "2", "z": "3"}))
    assert benchmark.counted == {"gold without a question": 1}


def test_the_filled_in_test_questions_of_lamp_6(tmp_path):
    assert (
        lamp(write(tmp_path, "LaMP_6", {"task": "LaMP_6", "golds": [entry("LaMP_6")]})).questions[0].id == "a"
    )


def test_loading_is_light():
    heavy = {"inspect_ai", "torch", "pandas", "chromadb", "nltk"}
    code = f"import sys, limner.evals.lamp.benchmark, limner.evals.reviews.benchmark; print({heavy} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
fields = st.sampled_from([
    "id",
    "input",
    "profile",
    "output",
    "date",
    "task",
    "golds",
    *TASKS["LaMP_2N"].fields,
    "score",
    "tag",
])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=5),
    max_leaves=12,
)


@st.composite
def files(draw):
    """A published file with some values replaced."""
    name = draw(st.sampled_from(list(TASKS)))
    rows = [entry(name, key, profile=profile(name)) for key in ("a", "b")]
    golds = {"task": name, "golds": [{"id": key, "output": GOLD.get(name, "x")} for key in ("a", "b")]}
    for _ in range(draw(st.integers(0, 3))):
        row = draw(st.sampled_from(rows))
        target = draw(st.sampled_from([row, *row["profile"], golds, *golds["golds"]]))
        if isinstance(target, dict):
            target[draw(fields)] = draw(values)
        if not isinstance(row["profile"], list) or not isinstance(golds["golds"], list):
            break
    return name, rows, golds


def loads_or_says_why(path, task=""):
    try:
        benchmark = lamp(str(path), task=task)
    except DataError:
        return
    assert isinstance(benchmark, Benchmark)
    for question in benchmark.questions:
        passages = verbatim(benchmark, question) if question.history else []
        assert benchmark.ask(question, [*passages, Passage("A line.")]).messages
        benchmark.mark(question, Answer("x"))
        json.dumps(dict(question.details))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=files())
def test_changed_files_load_or_are_named(tmp_path, file):
    name, rows, golds = file
    path = tmp_path / f"{name}_dev_questions.json"
    path.write_text(json.dumps(rows))
    path.with_name(f"{name}_dev_outputs.json").write_text(json.dumps(golds))
    loads_or_says_why(path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=values, name=st.sampled_from(list(TASKS)))
def test_any_json_loads_or_is_named(tmp_path, value, name):
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(value))
    loads_or_says_why(path, name)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=40))
def test_any_bytes_load_or_are_named(tmp_path, content):
    path = tmp_path / "questions.json"
    path.write_bytes(content)
    loads_or_says_why(path, "LaMP_3")
