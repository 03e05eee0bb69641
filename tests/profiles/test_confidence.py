import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.memory import Standing
from limner.profiles.propositions.confidence import as_confidence, posterior

counts = st.integers(0, 500)
standings = st.sampled_from(list(Standing))
reports = st.none() | st.floats(-5, 15)


@given(counts, counts, standings, reports)
def test_support_raises_it_and_contradiction_lowers_it(supporting, contradicting, standing, report):
    now = posterior(supporting, contradicting, standing, report)
    assert 0 < now < 1
    assert posterior(supporting + 1, contradicting, standing, report) > now
    assert posterior(supporting, contradicting + 1, standing, report) < now
    assert 1 <= as_confidence(now) <= 10


@given(counts, counts)
def test_who_stands_behind_it_counts(supporting, contradicting):
    inferred, stated, confirmed = (posterior(supporting, contradicting, s) for s in sorted(Standing))
    assert inferred < stated < confirmed


def test_a_hand_worked_example():
    assert posterior(2, 1) == pytest.approx(3.5 / 5.5)
    assert posterior(2, 1, self_report=10) == pytest.approx(4.0 / 6.0)
    assert posterior(2, 1, self_report=1) == pytest.approx(3.5 / 6.0)


def test_what_a_model_says_of_itself_counts_less_than_one_observation():
    boast = posterior(1, 0, self_report=10) - posterior(1, 0, self_report=1)
    assert 0 < boast < posterior(2, 0) - posterior(1, 1)


@pytest.mark.parametrize(("probability", "expected"), [(0.0, 1.0), (0.04, 1.0), (0.637, 6.4), (1.0, 10.0)])
def test_the_scale_of_the_records(probability, expected):
    assert as_confidence(probability) == expected
