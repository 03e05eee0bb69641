import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from limner.evals.measures import measure
from limner.evals.results import Item
from limner.evals.statistics import (
    bootstrap,
    bootstrap_mean,
    grouped,
    independent,
    item_values,
    mcnemar,
    paired_bootstrap,
    paired_bootstrap_mean,
    paired_proportions,
    standard_error,
    statements,
    wilson,
)


def mean(values):
    return sum(values) / len(values) if values else math.nan


def item(number, value, cluster=None, group=None, name="correct", labels=None):
    return Item(id=str(number), cluster=cluster, group=group, values={name: value}, labels=labels)


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (81, 263)])
def test_wilson_is_scipys(successes, n):
    low, high = wilson(successes, n)
    reference = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((reference.low, reference.high))


def test_wilson_of_nothing_and_of_the_impossible():
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="not possible"):
        wilson(3, 2)


@given(st.integers(0, 300), st.integers(0, 300))
def test_wilson_holds_the_share_and_stays_within_its_bounds(successes, failures):
    if successes + failures:
        low, high = wilson(successes, successes + failures)
        assert 0 <= low <= successes / (successes + failures) <= high <= 1
        assert low < high


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_is_the_binomial_test(b, c):
    assert mcnemar(b, c) == mcnemar(c, b)
    assert mcnemar(b, c) == pytest.approx(stats.binomtest(b, b + c).pvalue if b + c else 1.0)


def test_the_standard_error():
    values = np.array([0.0, 1.0] * 200)
    assert standard_error(values) == pytest.approx(0.5 / np.sqrt(400), rel=1e-2)
    assert np.isnan(standard_error(np.array([1.0])))


def test_the_bootstrap_of_a_mean_is_that_of_anything():
    values = np.random.default_rng(0).normal(size=80)
    clusters = [f"u{place % 12}" for place in range(80)]
    assert bootstrap_mean(values) == pytest.approx(bootstrap(values.tolist(), mean))
    assert bootstrap_mean(values, clusters=clusters) == pytest.approx(
        bootstrap(values.tolist(), mean, clusters=clusters)
    )


def test_the_bootstrap_agrees_with_the_normal_interval_where_that_holds():
    values = np.array([0.0, 1.0] * 200)
    low, high = bootstrap_mean(values)
    assert (low, high) == pytest.approx((0.5 - 1.96 * 0.025, 0.5 + 1.96 * 0.025), abs=0.01)
    assert bootstrap_mean(values) == (low, high)
    drawn = np.random.default_rng(0).normal(size=50)
    assert bootstrap_mean(drawn, seed=1) != bootstrap_mean(drawn, seed=2)
    narrow = bootstrap_mean(values, level=0.5)
    assert low < narrow[0] < narrow[1] < high


def test_copies_of_a_users_items_do_not_make_the_interval_narrower():
    values = np.random.default_rng(1).integers(0, 2, 40).astype(float)
    users = [str(user) for user in range(40)]
    one = bootstrap_mean(values, clusters=users)
    assert bootstrap_mean(np.repeat(values, 25), clusters=np.repeat(users, 25).tolist()) == pytest.approx(one)
    low, high = bootstrap_mean(np.repeat(values, 25))
    assert high - low < (one[1] - one[0]) / 3


def test_items_without_a_cluster_stand_for_themselves():
    values = np.random.default_rng(1).normal(size=30)
    assert bootstrap_mean(values, clusters=[None] * 30) == bootstrap_mean(values)
    assert independent([None, None, "a"])
    assert not independent([None, "a", "a"])
    with pytest.raises(ValueError, match="2 clusters for 3"):
        bootstrap([1, 2, 3], mean, clusters=["a", "b"])


@pytest.mark.parametrize(
    ("values", "clusters"), [([], []), ([1.0], [None]), ([1.0, 0.0, 1.0], ["a", "a", "a"])]
)
def test_fewer_than_two_clusters_have_no_interval(values, clusters):
    assert np.isnan(bootstrap(values, mean, clusters=clusters)).all()
    assert np.isnan(bootstrap_mean(np.array(values), clusters=clusters)).all()
    assert math.isnan(paired_bootstrap([(value, 0.0) for value in values], mean, clusters=clusters).p)
    assert math.isnan(paired_bootstrap_mean(np.array(values), clusters=clusters).p)
    items = [item(number, value, clusters[number]) for number, value in enumerate(values)]
    (stated,) = statements(items, ["accuracy"])
    assert (stated.low, stated.high, stated.interval, stated.n) == (None, None, "", len(values))
    assert stated.value == (None if not values else pytest.approx(mean(values)))


def test_a_number_that_is_often_undefined_has_no_interval():
    def ratio(values):
        return 1 / sum(values) if any(values) else math.nan

    assert np.isnan(bootstrap([1.0, 0.0, 0.0], ratio)).all()
    assert np.isfinite(bootstrap([1.0] * 10 + [0.0] * 10, ratio)).all()


def test_which_interval_a_statement_has():
    rng = np.random.default_rng(0)
    alone = [item(number, float(rng.random() < 0.7)) for number in range(50)]
    users = [one.model_copy(update={"cluster": str(number // 5)}) for number, one in enumerate(alone)]
    (stated,) = statements(alone, ["accuracy"])
    assert (stated.interval, stated.better, stated.n) == ("wilson", "higher", 50)
    assert (stated.low, stated.high) == wilson(round(stated.value * 50), 50)
    assert statements(users, ["accuracy"])[0].interval == "cluster bootstrap"
    errors = [item(number, float(rng.normal()), name="error") for number in range(50)]
    (stated,) = statements(errors, ["rmse"])
    assert (stated.interval, stated.better) == ("bootstrap", "lower")
    assert stated.low < stated.value < stated.high


def test_users_who_all_succeed_still_leave_doubt():
    items = [item(number, 1.0, cluster=str(number // 10)) for number in range(100)]
    (stated,) = statements(items, ["accuracy"])
    assert stated.interval == "wilson over clusters"
    assert (stated.low, stated.high) == wilson(10, 10)


def test_a_judge_that_gives_halves_has_no_binomial_interval():
    items = [item(number, number % 3 / 2, name="judged") for number in range(30)]
    assert statements(items, ["judged"])[0].interval == "bootstrap"


def test_only_the_items_a_measure_applies_to_count():
    items = [
        Item(id="a", values={"correct": 1.0, "f1": 0.5}),
        Item(id="b", values={"correct": 0.0}),
        Item(id="c", values={"correct": 1.0, "f1": 1.0}, labels=("x", "x")),
    ]
    accuracy, f1, classes, error = statements(items, ["accuracy", "f1", "macro_f1", "rmse"])
    assert (accuracy.n, f1.n, classes.n, error.n) == (3, 2, 1, 0)
    assert (f1.value, classes.value, error.value) == (0.75, 1.0, None)
    with pytest.raises(KeyError):
        statements(items, ["acuracy"])


def test_groups_are_stated_apart_and_in_order():
    items = [item(number, number % 2, group=["b", "a", None][number % 3]) for number in range(30)]
    groups = grouped(items, ["accuracy"])
    assert list(groups) == ["a", "b"]
    assert [groups[name][0].n for name in groups] == [10, 10]


def test_means_are_told_from_what_is_none():
    rng = np.random.default_rng(0)
    items = [
        Item(
            id=str(number),
            values={"error": float(rng.normal()), "preference": float(rng.random()), "liked": number % 2},
            labels=("ab"[number % 2], "ab"[number // 2 % 2]),
        )
        for number in range(40)
    ]
    assert item_values(items, measure("mae")).mean() == measure("mae").compute(items)
    # Its classes are confused evenly, so that macro-F1 is the share that is right.
    assert measure("macro_f1").compute(items) == 0.5
    assert all(item_values(items, measure(name)) is None for name in ("rmse", "auc", "macro_f1"))


def test_thousands_of_items_take_no_time():
    items = [
        item(number, float(value), str(number // 7), name="f1")
        for number, value in enumerate(np.random.default_rng(0).random(5000))
    ]
    started = time.process_time()
    statements(items, ["f1"])
    assert time.process_time() - started < 2


def test_the_paired_difference_of_means_is_that_of_anything():
    rng = np.random.default_rng(0)
    pairs = [(float(rng.random() + 0.1), float(rng.random())) for _ in range(60)]
    clusters = [f"u{place % 15}" for place in range(60)]
    one = paired_bootstrap(pairs, mean, clusters=clusters)
    other = paired_bootstrap_mean(np.array([a - b for a, b in pairs]), clusters=clusters)
    assert (one.value, one.low, one.high, one.error, one.p) == pytest.approx((
        other.value,
        other.low,
        other.high,
        other.error,
        other.p,
    ))
    turned = paired_bootstrap([(b, a) for a, b in pairs], mean, clusters=clusters)
    assert (turned.value, turned.p) == pytest.approx((-one.value, one.p))


def test_no_difference_is_no_finding():
    same = paired_bootstrap([(0.3, 0.3), (0.7, 0.7), (0.1, 0.1)], mean)
    assert (same.value, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)
    assert paired_bootstrap_mean(np.zeros(5)).p == 1.0


def test_the_p_of_the_randomisation_is_the_share_of_all_arrangements():
    """Five users who all gained the same: 2 of the 32 arrangements are as extreme."""
    difference = paired_bootstrap_mean(np.ones(20), clusters=[str(n // 4) for n in range(20)], resamples=8000)
    assert difference.p == pytest.approx(2 / 32, abs=0.01)


@pytest.mark.parametrize("users", [6, 30])
def test_the_test_keeps_its_level_with_few_users(users):
    """Two systems that differ by nothing but chance, users being unlike: found different in at most 5 % of trials."""
    rng = np.random.default_rng(3)
    clusters = [str(user) for user in range(users) for _ in range(8)]
    found = 0
    for trial in range(400):
        differences = np.repeat(rng.normal(size=users), 8) + rng.normal(size=users * 8)
        found += paired_bootstrap_mean(differences, clusters=clusters, resamples=300, seed=trial).p <= 0.05
    assert found / 400 < 0.08


def test_the_adjusted_interval_of_two_proportions():
    difference = paired_proportions(30, 12, 200)
    assert difference.value == pytest.approx(0.09)
    assert difference.p == mcnemar(30, 12)
    assert difference.low < 0.09 < difference.high
    # By hand: 31/202, 13/202, their difference 0.0891 and its standard error 0.0322.
    assert (difference.low, difference.high) == pytest.approx((0.0260, 0.1522), abs=2e-4)
    nothing = paired_proportions(0, 0, 50)
    assert nothing.low < 0 < nothing.high


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from([None, "a", "b", "c"])), max_size=20),
    st.sampled_from(["accuracy", "rmse", "mae", "f1"]),
)
def test_any_items_can_be_stated(rows, name):
    items = [
        item(number, value, cluster, name=measure(name).needs) for number, (value, cluster) in enumerate(rows)
    ]
    (stated,) = statements(items, [name])
    assert stated.n == len(rows)
    assert (stated.value is None) == (not rows)
    if stated.low is not None:
        assert stated.low <= stated.high
