"""The distribution of distances: exact below a limit, estimated beyond."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.auditing.pictures.differences import differences
from delineate.auditing.pictures.pairs import find_pairs

LIMIT = 1000.0


@pytest.fixture
def pictures() -> list[np.ndarray]:
    """Twelve of noise, a copy of the first, and one that differs from it by 400 levels in all."""
    rng = np.random.default_rng(3)
    noise = [rng.integers(0, 256, (40, 50)).astype(np.uint8) for _ in range(12)]
    near = noise[0].copy()
    near[:20, :20] ^= 1
    return [*noise, noise[0].copy(), near]


def test_counts_add_up_to_all_pairs(gallery_of, pictures):
    """Where every picture is drawn, the bins and the identical pairs are exactly all pairs."""
    gallery = gallery_of(pictures)
    found = differences(
        gallery, find_pairs(gallery, LIMIT), exact_under=LIMIT, seed=0, drawn=len(pictures)
    )
    total = len(pictures) * (len(pictures) - 1) // 2
    assert found.pairs == total == 91
    assert found.identical == 1
    assert found.counts.sum() + found.identical == total


def test_near_pairs_fall_into_their_bin(gallery_of, pictures):
    """The two pairs of distance 400 are counted exactly, however few pictures are drawn."""
    gallery = gallery_of(pictures)
    found = differences(gallery, find_pairs(gallery, LIMIT), exact_under=LIMIT, seed=0, drawn=4)
    place = int(np.searchsorted(found.edges, 400.0, side="right")) - 1
    assert found.counts[place] == 2
    assert found.counts[found.edges[:-1] < LIMIT].sum() == 2


def test_a_sample_stands_for_all(gallery_of, pictures):
    """The estimated counts of a few drawn pictures come to the number of all far pairs."""
    gallery = gallery_of(pictures)
    found = differences(gallery, find_pairs(gallery, LIMIT), exact_under=LIMIT, seed=1, drawn=8)
    assert found.counts.sum() + found.identical == pytest.approx(91, rel=0.2)
    assert "drawn with seed 1" in found.words


def test_edges_rise_by_equal_factors_through_the_limit(gallery_of, pictures):
    """The limit is an edge, so that no bin is half exact, and the scale begins at 1."""
    gallery = gallery_of(pictures)
    found = differences(gallery, (), exact_under=LIMIT, seed=0)
    assert np.allclose(np.diff(np.log10(found.edges)), 0.25)
    assert np.isclose(found.edges, LIMIT).any()
    assert found.edges[0] == pytest.approx(1.0)


def test_pictures_of_different_sizes_have_no_differences(gallery_of):
    """Without two pictures of one size there is nothing to count."""
    gallery = gallery_of([np.zeros((9, 9), np.uint8), np.zeros((9, 8), np.uint8)])
    assert differences(gallery, (), exact_under=LIMIT, seed=0) is None
