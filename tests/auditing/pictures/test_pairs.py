"""The pairs under a threshold are those of a loop over all pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from delineate.auditing.pictures import candidates
from delineate.auditing.pictures.gallery import Gallery, look_at
from delineate.auditing.pictures.orientation import ORIENTATIONS, inverse, oriented
from delineate.auditing.pictures.pairs import find_pairs, pair_distance
from delineate.auditing.pictures.signature import grey_levels
from delineate.core.errors import SettingsError, SizeMismatchError, UnreadableFileError

Pictures = Sequence[NDArray[Any]]
Made = Callable[[Pictures], Gallery]
Listed = list[tuple[float, int, int, str]]

NAMES = list(ORIENTATIONS)
SIZES = [(1, 1), (1, 5), (5, 1), (3, 7), (7, 3), (11, 11), (12, 12), (23, 17), (17, 23), (40, 40)]
THRESHOLDS = {np.uint8: 100.0, np.uint16: 1000.0, np.float32: 3.0}


def brute_force_pairs(pictures: Pictures, threshold: float) -> Listed:
    """Every pair in every orientation, subtracted pixel by pixel in wide types."""
    greys = [grey_levels(p[..., np.newaxis] if p.ndim == 2 else p) for p in pictures]
    listed = []
    for (i, first), (j, second) in combinations(enumerate(greys), 2):
        for name in NAMES:
            there = oriented(second, name)
            if first.shape != there.shape or first.dtype != there.dtype:
                continue
            wide = np.float64 if first.dtype == np.float32 else np.int64
            distance = float(np.abs(first.astype(wide) - there.astype(wide)).sum())
            if distance < threshold:
                listed.append((distance, i, j, name))
    return sorted(listed, key=lambda one: (*one[:3], NAMES.index(one[3])))


def listed_by(gallery: Gallery, threshold: float, **wanted: Any) -> Listed:
    """What the search lists, in the same form."""
    pairs = find_pairs(gallery, threshold, **wanted)
    return [(pair.distance, pair.first, pair.second, pair.orientation) for pair in pairs]


def drawn(rng: np.random.Generator, size: tuple[int, int], dtype: type) -> NDArray[Any]:
    """A picture: noise, smooth, flat, or with a symmetry of its own."""
    top = 1.0 if dtype is np.float32 else float(np.iinfo(dtype).max)
    kind = rng.integers(5)
    noise = rng.random(size)
    if kind == 0:
        noise = np.full(size, rng.choice([0.0, 0.5, 1.0]))
    elif kind == 1:
        noise = np.outer(np.linspace(0, 1, size[0]), np.linspace(1, 0.2, size[1]))
    elif kind == 2:
        noise = (noise + noise[:, ::-1]) / 2
    elif kind == 3:
        noise = (noise + noise[::-1, ::-1]) / 2
    values = noise * top if rng.random() < 0.8 else noise * 4
    return values.astype(dtype) * (-1 if dtype is np.float32 and rng.random() < 0.3 else 1)


def moved(rng: np.random.Generator, picture: NDArray[Any], by: float) -> NDArray[Any]:
    """The picture at exactly this distance from itself, where its range allows."""
    flat = picture.astype(np.float64).ravel()
    if picture.dtype == np.float32:
        flat[rng.integers(flat.size)] += by
        return flat.astype(np.float32).reshape(picture.shape)
    top, left = float(np.iinfo(picture.dtype).max), by
    for place in rng.permutation(flat.size):
        up = flat[place] <= top / 2
        step = min(left, top - flat[place] if up else flat[place], rng.integers(1, int(by) + 2))
        flat[place] += step if up else -step
        left -= step
    return flat.astype(picture.dtype).reshape(picture.shape)


def planted(seed: int) -> tuple[list[NDArray[Any]], float]:
    """A few pictures, and others just under, at and just over a threshold from them."""
    rng = np.random.default_rng(seed)
    dtype = [np.uint8, np.uint16, np.float32][rng.integers(3)]
    threshold = THRESHOLDS[dtype]
    pictures = []
    for _ in range(rng.integers(1, 4)):
        base = drawn(rng, SIZES[rng.integers(len(SIZES))], dtype)
        pictures.append(base)
        for _ in range(rng.integers(1, 4)):
            step = 1e-3 if dtype is np.float32 else 1
            away = rng.choice([0, threshold - step, threshold, threshold + step])
            turned = oriented(moved(rng, base, away) if away else base, NAMES[rng.integers(8)])
            pictures.append(np.ascontiguousarray(turned))
    if rng.random() < 0.3:
        pictures = [np.stack([p, p, p], axis=-1) if rng.random() < 0.5 else p for p in pictures]
    if rng.random() < 0.3:
        pictures.append(drawn(rng, pictures[0].shape[:2], np.uint8))
    order = rng.permutation(len(pictures))
    return [pictures[place] for place in order], threshold


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**31))
def test_pairs_are_those_of_brute_force(gallery_of: Made, seed: int) -> None:
    """Pairs, orientations, distances and order are those of a loop over all pairs."""
    pictures, threshold = planted(seed)
    gallery = gallery_of(pictures)
    for one in (threshold, 0.5, 10 * threshold):
        assert listed_by(gallery, one) == brute_force_pairs(pictures, one)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.sets(st.sampled_from(NAMES)))
@example(0, {"turned left"})
def test_orientations_can_be_chosen(gallery_of: Made, seed: int, wanted: set[str]) -> None:
    """Only the orientations asked for are listed, and all of those."""
    pictures, threshold = planted(seed)
    expected = [one for one in brute_force_pairs(pictures, threshold) if one[3] in wanted]
    assert listed_by(gallery_of(pictures), threshold, orientations=sorted(wanted)) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(23, 17), (40, 40), (5, 30)])
def test_each_orientation_is_found(gallery_of: Made, name: str, size: tuple[int, int]) -> None:
    """A flipped or turned copy is named by how it lies, and only just under the threshold."""
    rng = np.random.default_rng(1)
    first = rng.integers(0, 200, size).astype(np.uint8)
    second = np.array(oriented(first, name))
    second[0, 0] += 40
    # The second was made by `name`, so it lies on the first by what undoes that.
    assert listed_by(gallery_of([first, second]), 41) == [(40.0, 0, 1, inverse(name))]
    assert listed_by(gallery_of([first, second]), 40) == []


@pytest.mark.parametrize("threshold", [1e300, np.inf])
def test_a_huge_threshold_lists_everything(gallery_of: Made, threshold: float) -> None:
    """A threshold that rules nothing out gives what the loop gives."""
    pictures = [planted(seed)[0][0] for seed in range(12)]
    assert listed_by(gallery_of(pictures), threshold) == brute_force_pairs(pictures, threshold)


@pytest.mark.parametrize("threshold", [0, -5])
def test_nothing_is_below_nothing(gallery_of: Made, threshold: float) -> None:
    """Even equal pictures are not strictly below a threshold of zero."""
    picture = np.full((12, 12), 9, np.uint8)
    assert find_pairs(gallery_of([picture, picture]), threshold) == ()


def test_blocks_are_seamless(gallery_of: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """With blocks of three pictures, no pair at their seams is lost or doubled."""
    monkeypatch.setattr(candidates, "_ROWS", 3)
    monkeypatch.setattr(candidates, "_COLUMNS", 2)
    monkeypatch.setattr(candidates, "_AT_ONCE", 5)
    rng = np.random.default_rng(4)
    base = [rng.integers(0, 255, (14, 14)).astype(np.uint8) for _ in range(3)]
    pictures = [oriented(base[n % 3], NAMES[n % 8]).copy() for n in range(20)]
    for threshold in (50.0, 1e6):
        found = listed_by(gallery_of(pictures), threshold)
        assert found == brute_force_pairs(pictures, threshold)


@pytest.mark.parametrize("level", [1e30, 3e38])
def test_the_largest_floats(gallery_of: Made, level: float) -> None:
    """Pictures whose sums leave float32 are still compared rightly."""
    rng = np.random.default_rng(5)
    pictures = [(rng.random((30, 30)) * level).astype(np.float32) for _ in range(3)]
    pictures.append(pictures[0][:, ::-1].copy())
    pictures.append(np.float32(0.5) * pictures[1])
    found = listed_by(gallery_of(pictures), level)
    assert found == brute_force_pairs(pictures, level)
    assert (0.0, 0, 3, "flipped left to right") in found


def test_small_differences_on_large_levels(gallery_of: Made) -> None:
    """Rounding of the signatures hides no pair: levels far above the threshold."""
    rng = np.random.default_rng(6)
    base = rng.integers(65000, 65535, (300, 200)).astype(np.uint16)
    pictures = [base.copy() for _ in range(6)]
    for number, picture in enumerate(pictures):
        picture[number, :] -= number % 3
    found = listed_by(gallery_of(pictures), 201)
    assert found == brute_force_pairs(pictures, 201)
    assert len(found) > 4


def test_unreadable_pictures_are_passed_over(gallery_of: Made) -> None:
    """A damaged file is a problem, and the others are compared."""
    picture = np.arange(144, dtype=np.uint8).reshape(12, 12)
    gallery = gallery_of([picture, picture, picture])
    gallery.samples[1].image.write_bytes(b"II*\x00 nothing")
    again = look_at(gallery.samples, cache=None)
    assert list(again.problems) == [1]
    assert listed_by(again, 10) == [(0.0, 0, 2, "as it is")]


def test_a_file_that_changes_is_an_error(gallery_of: Made) -> None:
    """A picture of another size than a moment ago is named."""
    rng = np.random.default_rng(7)
    first = rng.integers(0, 255, (12, 12)).astype(np.uint8)
    second = first.copy()
    second[0, 0] ^= 1
    gallery = gallery_of([first, second])
    gallery.samples[1].image.write_bytes(gallery_of([first[:5]]).samples[0].image.read_bytes())
    with pytest.raises(UnreadableFileError, match=r"expected 12 x 12 px .* found 5 x 12"):
        find_pairs(gallery, 100)


def test_no_number_is_no_threshold(gallery_of: Made) -> None:
    """A threshold that is not a number is refused."""
    with pytest.raises(SettingsError, match="threshold: expected a number, found NaN"):
        find_pairs(gallery_of([]), float("nan"))


def test_unknown_orientations_are_refused(gallery_of: Made) -> None:
    """The nearest name is proposed."""
    with pytest.raises(SettingsError, match="did you mean 'turned left'"):
        find_pairs(gallery_of([]), 1, orientations=["turned lefd"])


def test_no_pictures_no_pairs(gallery_of: Made) -> None:
    """An empty gallery, or one picture, has no pairs."""
    assert find_pairs(gallery_of([]), 100) == ()
    assert find_pairs(gallery_of([np.zeros((3, 3), np.uint8)]), 100) == ()


def test_a_pair_counts_its_pixels(gallery_of: Made) -> None:
    """The mean distance is the distance a pixel."""
    first = np.zeros((4, 5), np.uint8)
    (pair,) = find_pairs(gallery_of([first, first + np.uint8(3)]), 100, orientations=["as it is"])
    assert (pair.pixels, pair.distance, pair.mean_distance) == (20, 60.0, 3.0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_distances_of_whole_numbers_are_exact(dtype: type) -> None:
    """The largest difference everywhere on a large picture adds up without overflow."""
    top = int(np.iinfo(dtype).max)
    first, second = np.zeros((3000, 2001), dtype), np.full((2001, 3000), top, dtype)
    assert pair_distance(first, second, "turned left") == 3000 * 2001 * top


def test_distances_need_equal_sizes_and_types() -> None:
    """Pictures that do not lie on each other are refused."""
    picture = np.zeros((3, 4), np.uint8)
    with pytest.raises(SizeMismatchError, match=r"\(3, 4\) uint8 and \(4, 3\) uint8"):
        pair_distance(picture, picture, "turned left")
    with pytest.raises(SizeMismatchError, match=r"uint8 and .* uint16"):
        pair_distance(picture, picture.astype(np.uint16), "as it is")
