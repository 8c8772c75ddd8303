"""What an audit says of masks: one pass over small drawn sets, and over real ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from delineate.auditing.findings.finding import Finding
from delineate.auditing.masks.balance import class_shares, empty_shares
from delineate.auditing.masks.mask_facts import mask_facts
from delineate.auditing.masks.mask_looking import decoded
from delineate.auditing.masks.mask_quality import findings_of_masks
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.data.sample import Dataset, Sample
from delineate.files.mask_encoding import MaskEncoding, describe, read_raw_mask

Pixels = NDArray[np.uint8]
SIZE_PX = (80, 100)
NOTHING = np.zeros(SIZE_PX, np.uint8)


def ellipse(row: float = 40, column: float = 50, half: tuple[float, float] = (10, 16)) -> Pixels:
    """(80, 100): 255 in an ellipse of these half axes, height first."""
    mask = NOTHING.copy()
    axes = (round(half[1]), round(half[0]))
    cv2.ellipse(mask, (round(column), round(row)), axes, 0, 0, 360, 255, cv2.FILLED)
    return mask


def ordinary(count: int, seed: int = 5) -> list[Pixels]:
    """Ellipses whose places and axes scatter as those of one organ do."""
    rng = np.random.default_rng(seed)
    return [
        ellipse(rng.normal(40, 3), rng.normal(50, 4), (rng.normal(10, 1), rng.normal(16, 1.5)))
        for _ in range(count)
    ]


def data_set(folder: Path, masks: Sequence[Pixels | None]) -> Dataset:
    """Samples s0, s1, ... with black images and these masks; for None no mask is written."""
    samples = []
    for number, mask in enumerate(masks):
        image, file = folder / f"s{number}.png", folder / f"s{number}_mask.png"
        cv2.imwrite(str(image), NOTHING)
        if mask is not None:
            cv2.imwrite(str(file), mask)
        samples.append(
            Sample(f"s{number}", image, masks={"1": (file,)} if mask is not None else {})
        )
    return Dataset(folder, "folders", "drawn for a test", tuple(samples))


def judged(dataset: Dataset) -> list[Finding]:
    """Every finding but the notes on balance."""
    findings, _ = findings_of_masks(mask_facts(dataset))
    json.dumps([finding.to_document() for finding in findings])  # plain values alone
    assert len({finding.id for finding in findings}) == len(findings)
    return [finding for finding in findings if finding.kind != "class_balance"]


def told(findings: Sequence[Finding]) -> set[tuple[str, tuple[str, ...]]]:
    """Kinds and samples."""
    return {(finding.kind, finding.samples) for finding in findings}


def test_ordinary_masks_are_passed_over(tmp_path: Path) -> None:
    """Nothing is found among masks that scatter evenly, some of them empty."""
    assert judged(data_set(tmp_path, [*ordinary(60), *[NOTHING] * 20])) == []


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (ellipse(half=(2, 4)), "area"),
        (ellipse(half=(30, 34)), "area"),
        (ellipse(16, 20), "centre"),
        (ellipse(half=(5, 30)), "long as broad"),
    ],
)
def test_a_mask_unlike_the_others_is_found_with_its_reason(
    tmp_path: Path, mask: Pixels, words: str
) -> None:
    """One mask of another size or place among sixty is found, and no other."""
    (finding,) = judged(data_set(tmp_path, [*ordinary(60), mask]))
    assert (finding.kind, finding.samples) == ("unusual_mask", ("s60",))
    assert words in finding.text
    assert "usually" in finding.text


def test_a_mask_in_two_parts_or_with_a_hole_is_found(tmp_path: Path) -> None:
    """A speck beside the object and a hole in it stand out where others have none."""
    speck, pierced = ellipse(), ellipse()
    speck[5:7, 5:7] = 255
    pierced[40, 50] = 0
    findings = judged(data_set(tmp_path, [*ordinary(60), speck, pierced]))
    assert told(findings) == {("unusual_mask", ("s60",)), ("unusual_mask", ("s61",))}
    assert {"2 parts", "1 hole"} <= {f.text.split(": ")[1].split(",")[0] for f in findings}


def test_few_masks_are_not_compared(tmp_path: Path) -> None:
    """With fewer than twenty nobody can say what is usual, which is said."""
    findings, notes = findings_of_masks(
        mask_facts(data_set(tmp_path, [*ordinary(8), ellipse(16, 20)]))
    )
    assert [f.kind for f in findings] == ["class_balance"]
    assert notes == (
        "not searched for unusual masks: foreground (fewer than 20 masks do not say what is usual)",
    )


def test_soft_and_inverted_masks_among_clean_ones_are_named(tmp_path: Path) -> None:
    """The few are found, and the clean ones are still read as what they are."""
    soft = np.asarray(cv2.GaussianBlur(ellipse(), (5, 5), 0), np.uint8)
    dataset = data_set(tmp_path, [*ordinary(30), soft, 255 - ellipse()])
    facts = mask_facts(dataset)
    assert facts.encodings == {"1": MaskEncoding("binary")}
    findings = judged(dataset)
    assert told(findings) == {("mask_encoding", ("s30",)), ("mask_encoding", ("s31",))}
    by_sample = {f.samples[0]: f.text for f in findings}
    assert "soft edges" in by_sample["s30"]
    assert "may be inverted" in by_sample["s31"]


def test_a_mask_without_true_black_is_soft_and_not_inverted(tmp_path: Path) -> None:
    """A codec that leaves nearly black for black does not fill the border with foreground."""
    faint = np.random.default_rng(3).integers(1, 90, SIZE_PX).astype(np.uint8)
    (finding,) = judged(data_set(tmp_path, [*ordinary(30), np.maximum(ellipse(), faint)]))
    assert (finding.kind, finding.samples) == ("mask_encoding", ("s30",))
    assert finding.evidence["aspect"] == "odd"


def test_masks_of_which_many_are_large_are_not_all_unusual(tmp_path: Path) -> None:
    """Where sizes have long tails, what lies in the tail is no outlier."""
    rng = np.random.default_rng(2)
    scales = np.exp(np.clip(0.12 * rng.standard_t(2, 120), -1, 0.8))
    masks = [
        ellipse(rng.normal(40, 3), rng.normal(50, 3), (10 * scale, 16 * scale)) for scale in scales
    ]
    assert len([f for f in judged(data_set(tmp_path, masks)) if f.kind == "unusual_mask"]) <= 1


def test_jpeg_masks_are_one_finding_until_confirmed(tmp_path: Path) -> None:
    """Where no mask is certain, one finding proposes what to confirm; confirmed, it is gone."""
    masks = [np.asarray(cv2.GaussianBlur(m, (5, 5), 0), np.uint8) for m in ordinary(25)]
    dataset = data_set(tmp_path, masks)
    (finding,) = judged(dataset)
    assert finding.kind == "mask_encoding"
    assert len(finding.samples) == 25
    assert finding.suggestion.endswith("--masks threshold:128")
    assert judged(replace(dataset, encodings={"1": MaskEncoding("threshold", 128)})) == []


def test_masks_that_are_all_full_are_asked_about_once(tmp_path: Path) -> None:
    """A set whose foreground is everywhere may be inverted: one question, not one a mask."""
    dataset = data_set(tmp_path, [255 - mask for mask in ordinary(25)])
    (finding,) = judged(dataset)
    assert "perhaps the dark part" in finding.text
    assert "--masks invert" in finding.suggestion
    assert judged(replace(dataset, encodings={"1": MaskEncoding.parse("invert")})) == []


def test_a_white_mask_among_classes_is_found(tmp_path: Path) -> None:
    """0 and 255 among masks of classes 1 and 2 would be read as unknown."""
    classes = [np.where(m > 0, 1 + np.arange(100, dtype=np.uint8) // 50, 0) for m in ordinary(25)]
    masks = [np.asarray(mask, np.uint8) for mask in classes]
    found = [
        f
        for f in judged(data_set(tmp_path, [*masks, ellipse(half=(28, 30))]))
        if f.kind == "mask_encoding"
    ]
    assert [f.samples for f in found] == [("s25",)]


def test_unusable_masks_are_found_and_stop_nothing(tmp_path: Path) -> None:
    """A truncated mask, one of another size and a missing one are told; the rest is measured."""
    dataset = data_set(tmp_path, [*ordinary(5), ellipse()[:-7], ellipse(), None])
    (tmp_path / "s6_mask.png").write_bytes(b"\x89PNG\r\n")
    findings = judged(dataset)
    assert told(findings) == {
        ("unreadable_mask", ("s5",)), ("unreadable_mask", ("s6",)), ("missing_mask", ("s7",)),
    }  # fmt: skip
    assert any("expected the size of" in finding.text for finding in findings)
    assert len(mask_facts(dataset).masks) == 5


def test_a_mask_that_does_not_fit_a_confirmed_encoding_is_unusable(tmp_path: Path) -> None:
    """What a person confirmed is not guessed anew."""
    dataset = data_set(tmp_path, [*ordinary(5), ellipse() // 2])
    confirmed = replace(dataset, encodings={"1": MaskEncoding("binary")})
    (finding,) = judged(confirmed)
    assert (finding.kind, finding.samples) == ("unreadable_mask", ("s5",))
    assert "expected 0 and 1, or 0 and 255" in finding.text


def test_a_rare_touch_of_the_border_is_told_and_a_common_one_once(tmp_path: Path) -> None:
    """One in thirty is a finding of its own; half of them are one finding together."""
    (single,) = (
        f for f in judged(data_set(tmp_path, [*ordinary(29), ellipse(2, 50)])) if "border" in f.kind
    )
    assert single.samples == ("s29",)
    assert "along the top" in single.text
    half = [ellipse(2, 30 + n) for n in range(15)]
    (many,) = (f for f in judged(data_set(tmp_path, [*ordinary(15), *half])) if "border" in f.kind)
    assert len(many.samples) == 15
    assert "15 of 30 masks" in many.text


def test_foreground_outside_of_the_region_is_told(tmp_path: Path) -> None:
    """The pixels beyond are counted."""
    dataset = data_set(tmp_path, [ellipse()])
    region = NOTHING.copy()
    region[:, :50] = 255
    cv2.imwrite(str(tmp_path / "region.png"), region)
    sample = replace(dataset.samples[0], region=tmp_path / "region.png")
    (finding,) = judged(replace(dataset, samples=(sample,)))
    outside = int((ellipse()[:, 50:] > 0).sum())
    assert finding.kind == "mask_outside_region"
    assert finding.evidence["outside_px"] == outside


def test_a_region_that_cannot_be_read_leaves_the_mask_measured(tmp_path: Path) -> None:
    """The region's fault is told, and the mask's area is known all the same."""
    dataset = data_set(tmp_path, [ellipse()])
    (tmp_path / "region.png").write_bytes(b"no image")
    sample = replace(dataset.samples[0], region=tmp_path / "region.png")
    facts = mask_facts(replace(dataset, samples=(sample,)))
    assert "region.png" in facts.problems[0].text
    assert facts.masks["foreground_px"].tolist() == [int((ellipse() > 0).sum())]


def test_empty_shares_by_subject_and_split(tmp_path: Path) -> None:
    """Two of three of one subject, none of the other."""
    dataset = data_set(tmp_path, [NOTHING, NOTHING, ellipse(), ellipse()])
    who = zip(dataset.samples, "aaab", ("train", "train", "test", "test"), strict=True)
    samples = tuple(replace(s, subject=subject, split=split) for s, subject, split in who)
    facts = mask_facts(replace(dataset, samples=samples))
    assert [(e.name, e.masks, e.empty) for e in empty_shares(facts)] == [("a", 3, 2), ("b", 1, 0)]
    assert [e.share for e in empty_shares(facts, by="split")] == [1, 0]
    (balance,) = (f for f in findings_of_masks(facts)[0] if f.kind == "class_balance")
    assert "2 of 4 masks are empty (50.0%); by subject from 0% (b) to 67% (a)" in balance.text
    assert balance.evidence["by_subject"]["a"] == {"masks": 3, "empty": 2, "share": 2 / 3}


def test_heat_is_the_share_of_masks_that_show_a_place(tmp_path: Path) -> None:
    """Of two masks with a foreground, one reaches the top left corner; empty ones do not count."""
    left, top = NOTHING.copy(), NOTHING.copy()
    left[:, :50] = top[:40] = 255
    heat = mask_facts(data_set(tmp_path, [left, top, NOTHING])).heat[1]
    assert heat.shape == (64, 64)
    assert [heat[0, 0], heat[0, 63], heat[63, 0], heat[63, 63]] == [1, 0.5, 0.5, 0]


def test_classes_are_counted_each(tmp_path: Path) -> None:
    """Masks with a class, and its share of the pixels that are known."""
    one = np.zeros((10, 10), np.uint8)
    one[0], one[1], one[2] = 1, 2, 255
    images = [np.zeros((10, 10), np.uint8)] * 2
    dataset = data_set(tmp_path, [one, np.where(one == 2, 2, 0).astype(np.uint8)])
    for sample, image in zip(dataset.samples, images, strict=True):
        cv2.imwrite(str(sample.image), image)
    shares = class_shares(mask_facts(dataset))
    assert [(s.name, s.masks, s.pixel_share) for s in shares] == [
        ("class 1", 1, 10 / 190), ("class 2", 2, 20 / 190),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["binary", "invert", "index,ignore:255", "threshold:128", "threshold:1,invert"]
)
def test_quick_decoding_gives_what_reading_gives(tmp_path: Path, text: str) -> None:
    """Labels by table are those of `decode`, for every encoding of single values."""
    dataset = replace(
        data_set(tmp_path, [ellipse(), NOTHING, 255 - NOTHING]),
        encodings={"1": MaskEncoding.parse(text)},
    )
    for sample in dataset.samples:
        file = sample.masks["1"][0]
        raw = read_raw_mask(file)
        labels, present = decoded(raw, describe(raw), dataset.encodings["1"], file)
        expected = read_labels(dataset, sample, "1") if cv2.imread(str(file)) is not None else None
        np.testing.assert_array_equal(labels, expected)
        assert present == np.unique(labels).tolist()


def test_drive_is_quiet_but_for_one_vessel_at_the_border(shared_data: Path) -> None:
    """Vessels of both observers lie in the field of view; one ends at the picture's border."""
    findings = judged(open_dataset(shared_data / "drive"))
    assert ("mask_at_border", ("19_test",)) in told(findings)
    assert len(findings) <= 3


def test_nerve_jpeg_asks_for_one_confirmation(shared_data: Path) -> None:
    """JPEG masks of four subjects: one proposal, and hardly a mask unlike the others."""
    findings = judged(open_dataset(shared_data / "nerve_jpeg"))
    (encoding,) = (f for f in findings if f.kind == "mask_encoding")
    assert "threshold:128" in encoding.suggestion
    assert len(findings) <= 3


def test_em_membrane_may_be_inverted_and_its_test_part_has_no_masks(shared_data: Path) -> None:
    """255 is the inside of cells there; thirty images are unlabelled."""
    findings = judged(open_dataset(shared_data / "em_membrane"))
    assert {f.kind for f in findings} == {"mask_encoding", "missing_mask"}
    (missing,) = (f for f in findings if f.kind == "missing_mask")
    assert len(missing.samples) == 30


def test_nuclei_in_many_files_are_united(shared_data: Path) -> None:
    """The union of the single nuclei is what reading gives."""
    dataset = open_dataset(shared_data / "dsb2018" / "stage1_train")
    dataset = replace(dataset, samples=dataset.samples[:4])
    facts = mask_facts(dataset)
    settled = replace(dataset, encodings=facts.encodings)
    areas = [int((read_labels(settled, s, "reference") > 0).sum()) for s in dataset.samples]
    assert facts.masks["foreground_px"].tolist() == areas
