"""Scaling and diversification."""

import numpy as np
import pytest

from limner.memory.ranking import diversify, fuse, min_max, order


@pytest.mark.parametrize(
    ("scores", "scaled"),
    [([], []), ([2.0], [1.0]), ([0.0, 0.0], [0.0, 0.0]), ([3, 3], [1, 1]), ([-1, 0, 3], [0, 0.25, 1])],
)
def test_min_max(scores, scaled) -> None:
    assert min_max(np.array(scores, dtype=float)).tolist() == scaled


def test_a_part_of_weight_zero_is_left_out() -> None:
    parts = fuse({"a": (2.0, np.array([1.0])), "b": (0.0, np.array([1.0]))})
    assert {name: part.tolist() for name, part in parts.items()} == {"a": [2.0]}


def test_equal_scores_keep_their_order() -> None:
    assert order(np.array([1.0, 2.0, 1.0, 2.0])) == [1, 3, 0, 2]


def test_a_twin_is_passed_over_for_something_else() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    scores = np.array([1.0, 0.99, 0.6])
    chosen = diversify(scores, vectors, k=3, diversity=0.5)
    assert [i for i, _ in chosen] == [0, 2, 1]
    assert [cost for _, cost in chosen] == pytest.approx([0, 0, -0.5])
    marginal = [0.5 * scores[i] + cost for i, cost in chosen]
    assert marginal == sorted(marginal, reverse=True)
