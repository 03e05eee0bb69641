from datetime import UTC, datetime

import numpy as np
import pytest

from limner.errors import InputError
from limner.evals.comparing import Comparison, compare, in_words
from limner.evals.results import Item, Result
from limner.evals.statistics import mcnemar, statements


def run(items, memory="none", measures=("accuracy",), **given):
    return Result(
        **{
            "task": "quiz",
            "limner": "0.1.0",
            "started": datetime(2026, 1, 2, tzinfo=UTC),
            "status": "success",
            "memory": memory,
            "model": "toy",
            "data": {"quiz.json": "ab" * 32},
            "n": len(items),
            "statements": statements(items, measures),
            "items": items,
        }
        | given
    )


def answers(right, wrong=(), cluster=None, **given):
    rows = [(one, 1.0) for one in right] + [(one, 0.0) for one in wrong]
    return [
        Item(id=str(one), values={"correct": value}, cluster=cluster(one) if cluster else None, **given)
        for one, value in rows
    ]


def test_mcnemar_on_the_questions_both_answered():
    a = run(answers(range(70), range(70, 105)), memory="bm25")
    b = run(answers(range(20, 80), [*range(20), *range(80, 100)]))
    found = compare(a, b)
    assert (found.n, found.a.left_out, found.b.left_out) == (100, 5, 0)
    assert (found.a.value, found.b.value) == (0.7, 0.6)
    assert (found.only_a, found.only_b, found.test) == (20, 10, "mcnemar")
    assert found.difference == pytest.approx(0.1)
    assert found.p == mcnemar(20, 10)
    assert found.low < 0.1 < found.high
    assert found.winner is None
    assert 0.1 < found.detectable < 0.2
    turned = compare(b, a)
    assert (turned.difference, turned.low) == pytest.approx((-0.1, -found.high))


def test_one_users_questions_are_kept_together():
    def user(one):
        return f"u{one // 10}"

    a = run(answers(range(200), cluster=user), memory="full")
    b = run(answers(range(100), range(100, 200), cluster=user))
    found = compare(a, b)
    assert (found.test, found.clusters) == ("paired cluster bootstrap", 20)
    assert (found.only_a, found.only_b) == (100, 0)
    assert found.winner == "a"
    assert found.p > mcnemar(100, 0)
    assert "of 20 users" in in_words(found)


def test_the_better_is_the_lower_where_errors_are_measured():
    rng = np.random.default_rng(0)
    small, large = rng.normal(size=60), rng.normal(size=60) * 3
    a, b = (
        run(
            [Item(id=str(n), values={"error": float(error)}) for n, error in enumerate(errors)],
            name,
            ("rmse", "mae"),
        )
        for name, errors in (("good", small), ("bad", large))
    )
    for name in ("rmse", "mae"):
        found = compare(a, b, name)
        assert (found.difference < 0, found.winner, found.only_a) == (True, "a", None)
        assert found.low < found.difference < found.high < 0
    assert compare(a, b).measure == "rmse"
    assert compare(a, a).p == 1.0


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"task": "exam"}, "quiz and exam"),
        ({"data": {"quiz.json": "cd" * 32}}, "quiz.json: abababababab and cdcdcdcdcdcd"),
        ({"data": {}}, "quiz.json: abababababab and not read"),
    ],
)
def test_runs_of_something_else_are_refused_unless_forced(other, said):
    a, b = run(answers(range(5))), run(answers(range(5)), **other)
    with pytest.raises(InputError, match=said):
        compare(a, b)
    assert said in compare(a, b, force=True).notes[0]


def test_the_same_file_under_another_name_is_the_same_data():
    a, b = run(answers(range(5))), run(answers(range(5)), data={"copy.json": "ab" * 32})
    assert not any("data" in note for note in compare(a, b).notes)


def test_what_cannot_be_compared_is_said():
    a = run(answers(range(5)))
    with pytest.raises(InputError, match="no question"):
        compare(a, run(answers(range(5, 9))))
    with pytest.raises(InputError, match="no question"):
        compare(a, a, "rmse")
    with pytest.raises(InputError, match=r"no measure 'acuracy'\. The run states accuracy"):
        compare(a, a, "acuracy")
    with pytest.raises(InputError, match="states no measure"):
        compare(run([], measures=()), a)
    with pytest.raises(InputError, match="'3' occurs twice"):
        compare(a, run(answers([3, 3])))


def test_what_else_differs_is_noted():
    a = run(answers(range(40)), parameters={"k": 5, "limit": 10}, prompts={"evals/quiz/ask": "1"})
    b = run(answers(range(40)), parameters={"k": 9, "limit": 10}, seed=4, status="error")
    notes = " | ".join(compare(a, b).notes)
    for said in (
        "different k, 5 and 9",
        "seeds, 0 and 4",
        "prompts, evals/quiz/ask",
        "b did not end well: error",
    ):
        assert said in notes
    assert "limit" not in notes


def test_few_users_and_a_single_one():
    few = compare(*[run(answers(range(20), cluster=lambda one: str(one // 4)))] * 2)
    assert "only 5 independent" in few.notes[0]
    one = compare(*[run(answers(range(20), cluster=lambda _: "ada"))] * 2)
    assert (one.p, one.low, one.detectable, one.winner) == (None, None, None, None)
    assert "one user's" in one.notes[0]
    assert "No test is possible." in in_words(one)


def test_words_and_json():
    a = run(answers(range(90), range(90, 105)), memory="bm25")
    b = run(answers(range(30), range(30, 100)))
    found = compare(a, b)
    assert Comparison.model_validate_json(found.model_dump_json()) == found
    told = in_words(found)
    assert "100 questions answered by both" in told
    assert "a  bm25, toy  0.9000  (5 more not in the other run)" in told
    assert "a - b = +0.6000" in told
    assert "p < 0.001" in told
    assert "only a right: 60, only b right: 0" in told
    assert "a is better at the 5 % level." in told
    assert "bm25, k = 5, toy" in in_words(compare(a.model_copy(update={"k": 5}), b))
    assert "No difference is shown" in in_words(compare(a, a))
