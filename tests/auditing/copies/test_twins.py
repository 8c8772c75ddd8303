"""The search for copies: planted ones are found with their maps, look-alikes are not copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from delineate.auditing.copies.alignment import composed, inverted
from delineate.auditing.copies.records import Twin
from delineate.auditing.copies.twins import TwinSearch, find_twins
from delineate.auditing.pictures.gallery import Gallery, look_at
from delineate.auditing.pictures.orientation import ORIENTATIONS, oriented
from delineate.auditing.pictures.pairs import find_pairs
from delineate.core.seeds import stream
from delineate.data.opening import open_dataset
from delineate.data.sample import Sample

SIZE_PX = (180, 240)
Grey = NDArray[np.uint8]


def texture(number: int, finest_px: float = 1.5) -> Grey:
    """(180, 240) blobs of several sizes, each number another picture."""
    rng = stream(number, "drawn texture")
    noise = [cv2.GaussianBlur(rng.normal(size=SIZE_PX), (0, 0), s) for s in (finest_px, 4.0, 12.0)]
    return np.clip(np.rint(128 + 28 * sum(n / n.std() for n in noise)), 0, 255).astype(np.uint8)


def jpeg(grey: Grey, quality: int) -> Grey:
    """Through JPEG and back."""
    content = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.uint8)


def gallery_of(folder: Path, pictures: Mapping[str, Grey]) -> Gallery:
    """The pictures as files, and what the audit sees of them."""
    samples = []
    for name, picture in pictures.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture)
        samples.append(Sample(name, folder / f"{name}.png"))
    return look_at(samples, cache=None)


def with_others(picture: Grey, copy: Grey) -> dict[str, Grey]:
    """The picture and its copy among six others."""
    return {"a": picture, **{f"o{k}": texture(50 + k) for k in range(6)}, "z": copy}


def only_twin(search: TwinSearch) -> Twin:
    """The one twin, of the first and the last picture."""
    assert [(twin.first, twin.second) for twin in search.twins] == [(0, 7)]
    return search.twins[0]


QUICK: dict[str, tuple[Callable[[Grey], Grey], set[str], str]] = {
    "compressed": (lambda g: jpeg(g, 40), {"recompression"}, "recompressed"),
    "darker": (lambda g: (0.8 * g).astype(np.uint8), {"tone"}, "tone changed"),
    "gamma": (lambda g: np.rint(255 * (g / 255) ** 0.7).astype(np.uint8), {"tone"}, "tone"),
    "half": (
        lambda g: cv2.resize(g, (120, 90), interpolation=cv2.INTER_AREA),
        {"resize"},
        "resized to 50 %",
    ),
    "bars": (
        lambda g: cv2.copyMakeBorder(g, 30, 18, 0, 0, cv2.BORDER_CONSTANT, value=0),
        {"letterbox"},
        "bars added",
    ),
}


@pytest.mark.parametrize("change", QUICK)
def test_changed_copies_are_found(change: str, tmp_path: Path) -> None:
    """Compression, tone, size and bars are found by the quick search and named."""
    make, changes, words = QUICK[change]
    gallery = gallery_of(tmp_path, with_others(texture(1), make(texture(1))))
    twin = only_twin(find_twins(gallery, crops_and_shifts=False))
    assert changes <= set(twin.transform.changes) <= changes | {"recompression"}
    assert words in twin.transform.words
    assert not twin.is_same_file
    assert twin.distance < 6


@pytest.mark.parametrize("orientation", list(ORIENTATIONS)[1:])
def test_the_map_lays_a_turned_copy_on_its_original(orientation: str, tmp_path: Path) -> None:
    """Under every flip and turn, pixel for pixel."""
    picture = texture(2)
    copy = np.ascontiguousarray(oriented(picture, orientation))
    twin = only_twin(
        find_twins(gallery_of(tmp_path, with_others(picture, copy)), crops_and_shifts=False)
    )
    back = cv2.warpAffine(
        copy, twin.transform.as_array(), SIZE_PX[::-1],
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
    )  # fmt: skip
    np.testing.assert_array_equal(back, picture)
    assert set(twin.transform.changes) <= {"flip", "turn"}
    assert twin.transform.changes
    assert twin.distance == 0


def test_crops_and_shifts_are_found_only_when_asked(tmp_path: Path) -> None:
    """A crop, a crop of a flip, and a shift, each with its map to a fifth of a pixel."""
    crop = texture(3)[10:170, 20:226].copy()
    flip = cv2.resize(texture(4)[:, ::-1][14:174, 6:220].copy(), SIZE_PX[::-1])
    shift = np.roll(texture(5), (-20, 30), (0, 1))
    pictures = {f"p{k}": texture(k) for k in range(3, 9)} | {"x": crop, "y": flip, "z": shift}
    gallery = gallery_of(tmp_path, pictures)
    assert find_twins(gallery, crops_and_shifts=False).twins == ()
    twins = {t.first: t for t in find_twins(gallery, crops_and_shifts=True).twins}
    assert {first: twin.second for first, twin in twins.items()} == {0: 6, 1: 7, 2: 8}
    assert twins[0].transform.matrix == (1, 0, -20, 0, 1, -10)
    assert "cropped to 89 % x 86 %" in twins[0].transform.words
    assert twins[2].transform.words == "shifted by 30 px right and 20 px up"
    found = twins[1].transform.as_array() @ np.array([233 - 0.0, 14, 1])
    np.testing.assert_allclose(found, [-0.5 + 0.5 * 240 / 214, 0], atol=0.3)
    assert set(twins[1].transform.changes) == {"flip", "crop", "resize"}


def test_a_look_alike_is_no_copy_and_says_why(tmp_path: Path) -> None:
    """The same scene with something moved, and one with fresh fine detail."""
    picture = texture(9)
    moved = picture.copy()
    moved[60:100, 80:120] = texture(10)[60:100, 80:120]
    gallery = gallery_of(tmp_path, with_others(picture, moved))
    search = find_twins(gallery, crops_and_shifts=False)
    assert search.twins == ()
    assert [(pair.first, pair.second) for pair in search.look_alikes] == [(0, 7)]
    assert search.look_alikes[0].why.startswith("something differs near row ")
    row, column = (int(word.strip(",")) for word in search.look_alikes[0].why.split()[4::2])
    assert 50 < row < 110
    assert 70 < column < 130


def test_a_look_alike_says_how_it_lay_on_the_other(tmp_path: Path) -> None:
    """Mirrored before something was moved: the map turns it back, near enough."""
    picture = texture(9)
    moved = picture.copy()
    moved[60:100, 80:120] = texture(10)[60:100, 80:120]
    gallery = gallery_of(tmp_path, with_others(picture, np.ascontiguousarray(moved[:, ::-1])))
    (found,) = find_twins(gallery, crops_and_shifts=False).look_alikes
    there = np.reshape(found.matrix, (2, 3)) @ [[10, 200], [20, 150], [1, 1]]
    np.testing.assert_allclose(there, [[229, 39], [20, 150]], atol=1)


def test_equal_files_need_no_look(tmp_path: Path) -> None:
    """Three equal files are twins of the first, blank ones as well, and form one group each."""
    blank = np.full(SIZE_PX, 7, np.uint8)
    pictures = {"a": texture(1), "b": blank, "c": texture(1), "d": blank, "e": texture(1)}
    search = find_twins(gallery_of(tmp_path, pictures), crops_and_shifts=True)
    assert [(t.first, t.second, t.is_same_file) for t in search.twins] == [
        (0, 2, True), (0, 4, True), (1, 3, True),
    ]  # fmt: skip
    assert [group.members for group in search.groups] == [(0, 2, 4), (1, 3)]


def test_blank_pictures_are_copies_of_nothing(tmp_path: Path) -> None:
    """Evenly grey pictures that are other files have nothing to compare."""
    pictures = {str(k): np.full(SIZE_PX, k, np.uint8) for k in range(3)}
    assert find_twins(gallery_of(tmp_path, pictures), crops_and_shifts=True).twins == ()


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare(count: int, tmp_path: Path) -> None:
    """No picture or one is no error."""
    gallery = gallery_of(tmp_path, {str(k): texture(k) for k in range(count)})
    assert find_twins(gallery, crops_and_shifts=True) == TwinSearch((), (), ())


def test_tiny_pictures_are_compared_too(tmp_path: Path) -> None:
    """Pictures of a few pixels are no error, and a turned one is found by its pair."""
    rng = stream(0, "tiny")
    pictures = {str(k): rng.integers(0, 256, (7, 5), dtype=np.uint8) for k in range(3)}
    pictures["turned"] = np.rot90(pictures["1"]).copy()
    gallery = gallery_of(tmp_path, pictures)
    search = find_twins(gallery, find_pairs(gallery, 10), crops_and_shifts=True)
    assert [(twin.first, twin.second) for twin in search.twins] == [(1, 3)]


def test_a_file_that_went_away_is_said(tmp_path: Path) -> None:
    """A candidate that cannot be read any more stops nothing."""
    gallery = gallery_of(tmp_path, with_others(texture(1), jpeg(texture(1), 70)))
    (tmp_path / "z.png").unlink()
    search = find_twins(gallery, crops_and_shifts=False)
    assert search.twins == ()
    assert any("z.png" in problem for problem in search.problems)


def test_groups_carry_composed_maps(tmp_path: Path) -> None:
    """A flip of a picture and a darker turn of it form one group, each with its map."""
    picture = texture(11)
    flip, turn = picture[:, ::-1].copy(), np.rot90((0.9 * picture).astype(np.uint8)).copy()
    gallery = gallery_of(tmp_path, {"a": flip, "b": picture, "c": texture(12), "d": turn})
    (group,) = find_twins(gallery, crops_and_shifts=False).groups
    assert group.members == (0, 1, 3)
    for member, matrix in zip(group.members, group.matrices, strict=True):
        back = cv2.warpAffine(
            gallery.grey(member), np.array(matrix).reshape(2, 3), SIZE_PX[::-1],
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        )  # fmt: skip
        assert np.corrcoef(back.ravel(), flip.ravel())[0, 1] > 0.99
    maps = [np.array(matrix).reshape(2, 3) for matrix in group.matrices]
    np.testing.assert_allclose(composed(maps[1], inverted(maps[1])), maps[0], atol=1e-9)


def test_real_copies_and_look_alikes(shared_data: Path) -> None:
    """`usgra` 0043 and 0077 are one picture, 0055 and 0058 neighbouring frames."""
    dataset = open_dataset(shared_data / "usgra")
    gallery = look_at(dataset.samples, cache=None)
    search = find_twins(gallery, crops_and_shifts=False)
    pairs = {(gallery.name(t.first), gallery.name(t.second)): t for t in search.twins}
    assert pairs[("0043", "0077")].distance == 0
    alike = {(gallery.name(p.first), gallery.name(p.second)) for p in search.look_alikes}
    assert ("0055", "0058") in alike
    assert ("0055", "0058") not in pairs


def test_fundus_photographs_are_no_copies(shared_data: Path) -> None:
    """`drive` holds no copies, though all its pictures are alike at a glance."""
    dataset = open_dataset(shared_data / "drive" / "DRIVE")
    assert find_twins(look_at(dataset.samples, cache=None), crops_and_shifts=False).twins == ()
