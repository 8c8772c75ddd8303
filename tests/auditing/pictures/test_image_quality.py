"""Pictures that are blank, dark, saturated, blurred, barred, of an odd size, or unreadable."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from delineate.auditing.findings.finding import Finding
from delineate.auditing.pictures.gallery import look_at
from delineate.auditing.pictures.image_quality import findings_of_images, summary_of_images
from delineate.data.opening import open_dataset
from delineate.data.sample import Sample

Pixels = NDArray[np.uint8]
Change = Callable[[Pixels], NDArray[np.generic]]
COUNT = 25


def texture(seed: int) -> Pixels:
    """(90, 120): soft speckle that fills the picture, as tissue does."""
    rng = np.random.default_rng(seed)
    speckle = cv2.GaussianBlur(rng.normal(0, 1, (90, 120)), (0, 0), 1.2)
    return np.clip(100 + 110 * speckle, 1, 250).astype(np.uint8)


def findings(folder: Path, changes: Mapping[int, Change], count: int = COUNT) -> list[Finding]:
    """What is found among textures of which those at these places are changed."""
    samples = []
    for place in range(count):
        path = folder / f"s{place}.png"
        cv2.imwrite(str(path), changes.get(place, lambda picture: picture)(texture(place)))
        samples.append(Sample(f"s{place}", path))
    found = list(findings_of_images(look_at(samples, cache=None)))
    json.dumps([finding.to_document() for finding in found])  # plain values alone
    return found


def barred(picture: Pixels) -> Pixels:
    """Grey bars of 12 px at the top and of 9 px at the bottom."""
    picture = picture.copy()
    picture[:12] = picture[-9:] = 128
    return picture


def round_view(picture: Pixels) -> Pixels:
    """Black but for a disc, as a fundus photograph."""
    disc = np.zeros_like(picture)
    cv2.circle(disc, (60, 45), 36, 1, cv2.FILLED)
    return np.asarray(picture * disc, np.uint8)


FAULTS: dict[str, tuple[Change, str]] = {
    "blank_image": (lambda picture: np.full_like(picture, 17), "all levels are 17"),
    "dark_image": (lambda picture: picture // 4, "where other images reach"),
    "saturated_image": (lambda picture: np.where(picture > 100, 255, picture), "largest value"),
    "blurred_image": (lambda picture: cv2.GaussianBlur(picture, (0, 0), 3), "fine detail"),
    "letterbox_bars": (barred, "12 px at the top, 9 px at the bottom"),
    "unusual_size": (lambda picture: np.rot90(picture).copy(), "may have been turned"),
}


def test_even_pictures_are_passed_over(tmp_path: Path) -> None:
    """Nothing is found where all are alike."""
    assert findings(tmp_path, {}) == []


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_each_fault_is_found_once_with_its_reason(tmp_path: Path, kind: str) -> None:
    """One changed picture is found under its kind, and nothing else is."""
    change, words = FAULTS[kind]
    (finding,) = findings(tmp_path, {7: change})
    assert (finding.kind, finding.samples) == (kind, ("s7",))
    assert words in finding.text


def test_what_all_pictures_are_is_not_dark_blurred_or_saturated(tmp_path: Path) -> None:
    """Pictures are judged by the others of their set."""
    for name in ("dark_image", "saturated_image", "blurred_image"):
        folder = tmp_path / name
        folder.mkdir()
        assert findings(folder, dict.fromkeys(range(COUNT), FAULTS[name][0])) == []


def test_bars_of_all_pictures_are_one_finding(tmp_path: Path) -> None:
    """A whole set of barred pictures is told of once."""
    (finding,) = findings(tmp_path, dict.fromkeys(range(COUNT), barred))
    assert len(finding.samples) == COUNT
    assert finding.evidence["share"] == pytest.approx(21 / 90)


def test_the_black_around_a_round_view_is_no_bar(tmp_path: Path) -> None:
    """The content begins at a curve."""
    assert findings(tmp_path, dict.fromkeys(range(COUNT), round_view)) == []


def test_few_pictures_are_judged_alone(tmp_path: Path) -> None:
    """Among five pictures nothing is unusually dark, but blank is blank."""
    found = findings(tmp_path, {1: FAULTS["dark_image"][0], 2: FAULTS["blank_image"][0]}, count=5)
    assert [(f.kind, f.samples) for f in found] == [("blank_image", ("s2",))]


def test_an_unreadable_picture_is_a_finding_and_stops_nothing(tmp_path: Path) -> None:
    """The others are judged as if it were not there."""
    findings(tmp_path, {3: FAULTS["dark_image"][0]})
    (tmp_path / "s5.png").write_bytes(b"no picture")
    samples = [Sample(f"s{place}", tmp_path / f"s{place}.png") for place in range(COUNT)]
    gallery = look_at(samples, cache=None)
    found = {finding.kind: finding for finding in findings_of_images(gallery)}
    assert set(found) == {"unreadable_image", "dark_image"}
    assert "s5.png" in found["unreadable_image"].text
    assert summary_of_images(gallery.table)["read"] == COUNT - 1


def test_no_pictures_have_no_findings() -> None:
    """An empty gallery is judged without complaint."""
    gallery = look_at([], cache=None)
    assert findings_of_images(gallery) == ()
    assert summary_of_images(gallery.table) == {"images": 0, "read": 0, "sizes": []}


@pytest.mark.parametrize("name", ["drive", "camvid", "em_membrane"])
def test_real_sets_without_faults_are_quiet(shared_data: Path, name: str) -> None:
    """Neither a black surround nor a bright sky nor a cell is a fault."""
    dataset = open_dataset(shared_data / name)
    assert findings_of_images(look_at(dataset.samples, cache=None)) == ()


def test_nerve_jpeg_is_letterboxed(shared_data: Path) -> None:
    """All pictures of that set have grey bars, which is one finding."""
    dataset = open_dataset(shared_data / "nerve_jpeg")
    (finding,) = findings_of_images(look_at(dataset.samples, cache=None))
    assert finding.kind == "letterbox_bars"
    assert len(finding.samples) == len(dataset.samples)
