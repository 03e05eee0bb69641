import json
import math
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import InputError
from limner.evals.measures import measure
from limner.evals.records import Answer, Benchmark, Passage
from limner.evals.reviews import reviews
from limner.evals.sources import DataError

TASKS = ("rating", "title", "text")


def review(number, rating, **changes):
    return {
        "rating": rating,
        "title": f"title {number}",
        "text": f"text number {number}",
        "pid": f"p{number}",
    } | changes


def write(folder, users):
    path = folder / "shop_dev.json"
    path.write_text(json.dumps(users))
    return str(path)


def user(name, *ratings):
    return {
        "id": name,
        "profile": [review(f"{name}{number}", rating) for number, rating in enumerate(ratings)],
    }


@pytest.fixture
def shop(tmp_path):
    """One user each with one, two, four and six reviews; all ratings of a user are the same."""
    return write(
        tmp_path, [user("a", 3), user("b", 5, 5), user("c", 2, 2, 2, 2), user("d", 4, 4, 4, 4, 4, 4)]
    )


def verbatim(benchmark, question):
    return [Passage(turn.text, (turn.id,), 1.0, turn.role) for turn in benchmark.histories[question.history]]


def test_one_review_of_each_user_is_hidden(shop):
    benchmark = reviews(shop)
    assert [question.id for question in benchmark.questions] == ["b", "c", "d"]
    assert [question.group for question in benchmark.questions] == ["1 other", "2-3 others", "4+ others"]
    assert [question.cluster for question in benchmark.questions] == ["b", "c", "d"]
    assert benchmark.counted == {"user with fewer than two different reviews, left out": 1}
    for question in benchmark.questions:
        others = [turn.id for turn in benchmark.histories[question.history]]
        assert question.details["hidden"] not in others
        assert len(others) == {"b": 1, "c": 3, "d": 5}[question.id]


def test_the_same_review_is_hidden_for_every_task_and_part_of_a_file(tmp_path, shop):
    hidden = {one.id: one.details["hidden"] for one in reviews(shop, seed=3).questions}
    for task in TASKS:
        assert {one.id: one.details["hidden"] for one in reviews(shop, seed=3, task=task).questions} == hidden
    part = reviews(write(tmp_path, [user("d", 4, 4, 4, 4, 4, 4)]), seed=3)
    assert part.questions[0].details["hidden"] == hidden["d"]


def test_every_review_of_a_user_may_be_hidden(shop):
    drawn = Counter(reviews(shop, seed=seed).questions[2].details["hidden"] for seed in range(60))
    assert len(drawn) == 6


@pytest.mark.parametrize("task", TASKS)
def test_prompts_show_what_is_given_and_not_what_is_asked(shop, task):
    benchmark = reviews(shop, task=task)
    for question in benchmark.questions:
        number = question.details["hidden"].removeprefix("p")
        asked = benchmark.ask(question, [Passage("They sail."), *verbatim(benchmark, question)])
        prompt = asked.messages[-1][1]
        assert [role for role, _ in asked.messages] == ["system", "user"]
        assert "What is known of the customer:\n```text\nThey sail.\n```" in prompt
        assert (f"title {number}" in prompt) == (task != "title")
        assert (f"text number {number}" in prompt) == (task != "text")
        for turn in benchmark.histories[question.history]:
            assert turn.text.splitlines()[1] in prompt
        assert prompt.count(" of 5 stars") == len(benchmark.histories[question.history]) + (task != "rating")
        assert (asked.options == ("1", "2", "3", "4", "5")) == (task == "rating")
        bare = benchmark.ask(question, []).messages[-1][1]
        assert "known" not in bare
        assert len(bare) < len(prompt)


def test_a_search_sees_what_is_given(shop):
    number = reviews(shop).questions[0].details["hidden"].removeprefix("p")
    queries = {task: reviews(shop, task=task).questions[0].text for task in TASKS}
    assert queries == {
        "rating": f"title {number}\ntext number {number}",
        "title": f"text number {number}",
        "text": f"title {number}",
    }


def test_ways_to_answer(shop):
    free = reviews(shop, method="free")
    assert free.ask(free.questions[0], []).options == ()
    less = reviews(shop, method="text_less_prior")
    asked = less.ask(less.questions[0], verbatim(less, less.questions[0]))
    assert asked.method == "text_less_prior"
    assert "text number" not in asked.neutral[-1][1]


def test_ratings_by_hand(shop):
    benchmark = reviews(shop)  # golds 5, 2, 4
    items = [
        benchmark.mark(question, Answer(text))
        for question, text in zip(benchmark.questions, ("4", "two", "4"), strict=True)
    ]
    assert [item.values["error"] for item in items] == [-1, 3, 0]
    assert [item.labels for item in items] == [("4", "5"), ("5", "2"), ("4", "4")]
    assert measure("mae").compute(items) == pytest.approx(4 / 3)
    assert measure("rmse").compute(items) == pytest.approx(math.sqrt(10 / 3))
    assert measure("accuracy").compute(items) == pytest.approx(1 / 3)
    # 4 has one hit of two predicted and one there, F1 2/3; 2 and 5 have none.
    assert measure("macro_f1").compute(items) == pytest.approx(2 / 9)


def test_floors_by_hand(shop):
    floors = reviews(shop).floors  # golds 5, 2, 4; visible: a 3; b 5; c 2 2 2; d 4 4 4 4 4
    assert floors["mae, always 5"] == pytest.approx((0 + 3 + 1) / 3)
    assert floors["rmse, always 5"] == pytest.approx(math.sqrt(10 / 3))
    assert floors["accuracy, always 5"] == pytest.approx(1 / 3)
    assert floors["mae, the user's mean"] == floors["mae, the user's mean, rounded"] == 0
    # Without their own, others have 29/9 for b, 28/7 for c, 14/5 for d.
    assert floors["mae, the mean of all others"] == pytest.approx((5 - 29 / 9 + 28 / 7 - 2 + 4 - 14 / 5) / 3)
    assert floors["mae, the mean of all others, rounded"] == pytest.approx((2 + 2 + 1) / 3)


def test_a_mean_and_its_rounding_differ(tmp_path):
    users = [{"id": "u", "profile": [review(0, 4), review(1, 5, title=""), review(2, 5, title="")]}]
    floors = reviews(write(tmp_path, users)).floors  # only the first can be hidden: gold 4, others 5 and 5
    assert floors["mae, the user's mean"] == 1
    users[0]["profile"][1]["rating"] = 4
    floors = reviews(write(tmp_path, users)).floors
    assert floors["mae, the user's mean"] == 0.5
    assert floors["mae, the user's mean, rounded"] == 1  # 4.5 is rounded up
    assert floors["mae, the mean of all others"] == 0.5  # with nobody else it is the user's own


def test_titles_and_texts_are_scored_by_rouge_in_any_language(tmp_path):
    two = [review(0, 5, title="Não gostei", text="Chegou quebrado"), review(1, 4, title="", text="Bom")]
    path = write(tmp_path, [{"id": "u", "profile": two}])
    title, text = reviews(path, task="title"), reviews(path, task="text")
    assert title.mark(title.questions[0], Answer(" não GOSTEI! ")).values == {"rouge_1": 1, "rouge_l": 1}
    assert text.mark(text.questions[0], Answer("chegou bem")).values["rouge_1"] == 0.5
    assert title.floors == {
        "rouge_1, the first 3 words of the text": 0,
        "rouge_l, the first 3 words of the text": 0,
        "rouge_1, the user's first other title": 0,
        "rouge_l, the user's first other title": 0,
    }
    assert set(text.floors.values()) == {0}


def test_copies_are_left_out_and_counted(tmp_path):
    first = review(0, 5)
    copies = [
        first,
        first | {"pid": "q", "text": " TEXT  number 0"},
        review(1, 2),
        review(2, 3, pid="p1"),
        review(3, 1, text=" "),
    ]
    only = {"id": "v", "profile": [first, first]}
    blank = {
        "id": "w",
        "profile": [review(0, 1, title=" ", text=""), review(1, 1, title=""), review(2, 2, text="")],
    }
    path = write(tmp_path, [{"id": "u", "profile": copies}, only, blank])
    benchmark = reviews(path)
    assert [question.id for question in benchmark.questions] == ["u"]
    turns = {turn.id for turn in benchmark.histories["u"]} | {benchmark.questions[0].details["hidden"]}
    assert turns == {"p0", "p1", "p1#2", "p3"}
    assert benchmark.counted == {
        "review that repeats another of the same user, left out": 2,
        "review without a text": 3,
        "review without title and text, left out": 1,
        "product with two reviews of the same user": 1,
        "user with fewer than two different reviews, left out": 1,
        "user without a review that has title and text, left out": 1,
    }
    assert [question.id for question in reviews(path, repeats=True).questions] == ["u", "v"]


@pytest.mark.parametrize(
    ("users", "where"),
    [
        ({}, "list"),
        ([], "no user"),
        ([user("a", 1)], "no user"),
        ([user("a", 1, 6)], "row 0/profile/1, field 'rating'"),
        ([user("a", 1, 0)], "'rating'"),
        ([user("a", 1, 2.5)], "'rating'"),
        ([user("a", 1, None)], "'rating'"),
        ([user("a", 1, True)], "'rating'"),
        ([user("a", 1, "five")], "'rating'"),
        ([user("a", 1, 2), user("a", 1, 2)], "row 1, field 'id'"),
        ([{"id": "a"}], "'profile'"),
        ([{"profile": []}], "'id'"),
        ([{"id": "a", "profile": [{"rating": 1, "title": "t", "text": "x"}]}], "'pid'"),
        ([{"id": "a", "profile": [{"rating": 1, "title": 3, "text": "x", "pid": 1}]}], "'title'"),
    ],
)
def test_malformed_files_are_named(tmp_path, users, where):
    with pytest.raises(DataError) as caught:
        reviews(write(tmp_path, users))
    assert where in str(caught.value)
    assert "shop_dev.json" in str(caught.value)


def test_ratings_as_text_and_products_as_numbers(tmp_path):
    path = write(tmp_path, [{"id": 3, "profile": [review(0, "4", pid=7), review(1, 4.0, pid=7)]}])
    assert reviews(path).questions[0].target == ("4",)


@pytest.mark.parametrize("parameters", [{"task": "stars"}, {"method": "guess"}])
def test_parameters_that_cannot_be(shop, parameters):
    with pytest.raises(InputError):
        reviews(shop, **parameters)


scalars = st.none() | st.booleans() | st.integers(-1, 7) | st.floats() | st.text(max_size=6)
fields = st.sampled_from(["id", "profile", "rating", "title", "text", "pid"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=4),
    max_leaves=10,
)


def loads_or_says_why(path, task):
    try:
        benchmark = reviews(path, task=task)
    except DataError:
        return
    assert isinstance(benchmark, Benchmark)
    for question in benchmark.questions:
        assert benchmark.ask(question, [*verbatim(benchmark, question), Passage("A line.")]).messages
        assert all(math.isfinite(value) for value in benchmark.mark(question, Answer("x")).values.values())
    assert all(math.isfinite(value) for value in benchmark.floors.values())


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), task=st.sampled_from(TASKS))
def test_changed_files_load_or_are_named(tmp_path, data, task):
    users = [user("a", 3), user("b", 5, 5), user("c", 2, 2, 2)]
    for _ in range(data.draw(st.integers(0, 2))):
        one = data.draw(st.sampled_from(users))
        entries = (
            [entry for entry in one["profile"] if isinstance(entry, dict)]
            if isinstance(one["profile"], list)
            else []
        )
        data.draw(st.sampled_from([one, *entries]))[data.draw(fields)] = data.draw(values)
    loads_or_says_why(write(tmp_path, users), task)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=values)
def test_any_json_loads_or_is_named(tmp_path, value):
    loads_or_says_why(write(tmp_path, value), "rating")
