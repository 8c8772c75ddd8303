"""Groups of copies, told in words and numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from delineate.auditing.copies.records import Matrix, Transform, Twin, TwinGroup
from delineate.auditing.findings.finding import Finding
from delineate.auditing.findings.twin_findings import CHOOSE_ONE, contradiction_findings
from delineate.auditing.masks.contradictions import GroupMasks, group_masks, masks_of_groups
from delineate.core.types import Labels
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.data.sample import Sample
from delineate.files.image_files import image_size, read_image

SAME: Matrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
MIRRORED: Matrix = (-1.0, 0.0, 9.0, 0.0, 1.0, 0.0)


def twin(first: int, second: int, *, is_same_file: bool = True) -> Twin:
    """A copy, byte for byte or flipped left to right."""
    if is_same_file:
        return Twin(first, second, Transform("as it is", SAME, 1, 0, (), ""), 0, 1, True)
    words = "flipped left to right"
    return Twin(first, second, Transform(words, MIRRORED, 1, 0, ("flip",), words), 0.5, 0.99, False)


def found(masks: Sequence[Labels | None], *, is_same_file: bool = True) -> Finding:
    """The finding of a group with these masks of 10x10."""
    samples = [Sample(f"case {k}", Path(f"{k}.png"), split="train") for k in range(len(masks))]
    twins = tuple(twin(0, k, is_same_file=is_same_file) for k in range(1, len(masks)))
    matrix = SAME if is_same_file else MIRRORED
    own = TwinGroup(tuple(range(len(masks))), twins, (SAME, *[matrix] * len(twins)))
    laid = group_masks(own, masks.__getitem__, size_px=(10, 10))
    (finding,) = contradiction_findings([laid], samples)
    assert json.loads(json.dumps(finding.to_document())) == finding.to_document()
    return finding


def square(columns: slice, rows: slice = slice(2, 6)) -> Labels:
    """A rectangle of four rows on 10x10."""
    labels = np.zeros((10, 10), np.uint8)
    labels[rows, columns] = 1
    return labels


def test_a_contradiction_is_told_with_its_numbers() -> None:
    """Dice, differing pixels, the transform and what can be reached stand in the sentence."""
    finding = found([square(slice(0, 4)), square(slice(4, 8))], is_same_file=False)
    assert finding.kind == "contradictory_twins"
    assert finding.text == (
        "case 0 and case 1 are one picture (flipped left to right); their masks contradict each "
        "other: Dice 0.500, 16 px differ. No one mask scores more than a mean Dice of 0.800 on "
        "them"
    )
    assert finding.badness == pytest.approx(0.5)
    assert finding.evidence["size_px"] == [10, 10]
    assert finding.evidence["matrices"] == [list(SAME), list(MIRRORED)]
    assert finding.evidence["comparisons"][0]["nerve_tool_difference"] == 3 * 8 * 256
    assert finding.evidence["reachable"]["dice"]["is_exact"]
    assert finding.evidence["reachable"]["iou"]["upper"] == pytest.approx(2 / 3)
    assert finding.evidence["twins"][0]["changes"] == ["flip"]


def test_agreeing_copies() -> None:
    """Equal masks make the other kind of finding, which claims nothing."""
    finding = found([square(slice(0, 4)), square(slice(0, 4))])
    assert finding.kind == "twins"
    assert finding.text.endswith("(the same file twice); their masks agree")
    assert "reachable" not in finding.evidence
    assert found([np.zeros((10, 10), np.uint8)] * 2).text.endswith("their masks agree, all empty")


def test_empty_against_drawn_is_the_worst() -> None:
    """An empty mask is named as such, ranks above every other and has its own suggestion."""
    finding = found([square(slice(0, 4)), np.zeros((10, 10), np.uint8)])
    assert "one is empty, the other holds 16 px. No one mask" in finding.text
    assert "0.500" in finding.text
    assert finding.suggestion == CHOOSE_ONE
    assert finding.badness == 2.0


def test_minor_contradictions_rank_low_and_say_so() -> None:
    """One pixel of eighty makes a minor contradiction."""
    first = square(slice(0, 10), slice(0, 8))
    second = first.copy()
    second[0, 0] = 0
    finding = found([first, second])
    assert "contradict each other (minor): Dice 0.994, 1 px differ" in finding.text
    assert finding.badness < 0.05
    assert finding.evidence["is_minor"]


def test_missing_masks_are_told() -> None:
    """Copies of which one has no mask are twins, and it is said whose mask is missing."""
    finding = found([square(slice(0, 4)), None])
    assert finding.kind == "twins"
    assert finding.text.endswith("no masks to compare: none for case 1")
    assert finding.evidence["labelled"] == ["case 0"]


def test_larger_groups_name_the_worst_two() -> None:
    """Of three copies, the two whose masks agree least are named."""
    finding = found([square(slice(0, 4)), square(slice(0, 5)), square(slice(3, 8))])
    assert finding.text.startswith(
        "3 copies of one picture (case 0, case 1, case 2, 2 pairs byte for byte); their masks "
        "contradict each other, at worst those of case 0 and case 2: Dice 0.222"
    )
    assert len(finding.evidence["comparisons"]) == 3
    assert finding.evidence["comparisons"][0]["first"] == "case 0"


def test_observers_keep_their_findings_apart() -> None:
    """The same copies under two observers are two findings."""
    samples = [Sample(name, Path(name)) for name in "ab"]
    own = TwinGroup((0, 1), (twin(0, 1),), (SAME, SAME))
    laid = group_masks(own, lambda _: square(slice(0, 4)), size_px=(10, 10))
    (first,) = contradiction_findings([laid], samples, about="observer 1")
    (second,) = contradiction_findings([laid], samples, about="observer 2")
    assert first.id != second.id


def real(folder: Path, masks: str | None = None) -> tuple[list[GroupMasks], tuple[Finding, ...]]:
    """The groups of byte-identical images of a real set, and their findings."""
    dataset = settle_encodings(open_dataset(folder, masks=masks))
    samples = dataset.samples
    places: dict[bytes, list[int]] = {}
    for position, sample in enumerate(samples):
        digest = hashlib.sha256(read_image(sample.image).tobytes()).digest()
        places.setdefault(digest, []).append(position)
    groups = [
        TwinGroup(tuple(own), tuple(twin(own[0], k) for k in own[1:]), (SAME,) * len(own))
        for own in places.values()
        if len(own) > 1
    ]

    def read(position: int) -> Labels | None:
        sample = samples[position]
        return read_labels(dataset, sample, "reference") if sample.masks else None

    def size(position: int) -> tuple[int, int]:
        return image_size(samples[position].image)

    laid = list(masks_of_groups(groups, read, size_of=size))
    return laid, contradiction_findings(laid, samples)


def test_the_known_pair_of_the_ultrasound_set(shared_data: Path) -> None:
    """Images 0043 and 0077 are one picture whose masks agree with a Dice of 0.71."""
    _, (finding,) = real(shared_data / "usgra")
    assert finding.kind == "contradictory_twins"
    assert finding.samples == ("0043", "0077")
    assert finding.evidence["dice"] == pytest.approx(0.7122, abs=1e-4)


def test_identical_images_of_the_nerve_set(shared_data: Path) -> None:
    """Its identical images are all labelled in contradictory ways."""
    laid, findings = real(shared_data / "nerve_jpeg", "threshold:128")
    assert {each.samples for each in findings} == {("11_13", "11_42"), ("20_58", "20_99")}
    assert {each.kind for each in findings} == {"contradictory_twins"}
    assert all(c.is_nerve_contradiction for each in laid for c in each.comparisons.values())
