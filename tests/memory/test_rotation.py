"""A rotation keeps cosines and hides the vectors."""

import numpy as np
import pytest

from limner.memory.rotation import new_seed, rotated, rotation_name


@pytest.mark.parametrize("dimension", [3, 64, 384])
def test_it_changes_no_cosine_and_hides_every_vector(dimension) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((50, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    turned = rotated(rows, "ab" * 32)
    assert turned.dtype == np.float32
    np.testing.assert_allclose(turned @ turned.T, rows @ rows.T, atol=2e-6)
    np.testing.assert_allclose(rotated(rows[0], "ab" * 32), turned[0], atol=1e-6)
    if dimension > 3:
        assert np.abs(np.sum(turned * rows, axis=1)).max() < 0.6


def test_a_seed_always_gives_the_same_rotation_and_another_seed_another() -> None:
    row = np.eye(4, dtype=np.float32)[0]
    expected = [0.91558194, -0.3931441, -0.0820154, 0.02051516]
    np.testing.assert_allclose(rotated(row, "seed"), expected, atol=1e-5)
    assert np.abs(rotated(row, "seed") - rotated(row, "other seed")).max() > 0.1
    assert rotated(row, None) is row
    assert new_seed() != new_seed()
    assert rotation_name("seed") not in ("seed", rotation_name("other seed"))
