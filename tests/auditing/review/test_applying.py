"""Decisions carried out on a data set."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.applying import Reviewed, apply_decisions
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.checks import sha256_of_file
from delineate.core.errors import CannotWriteError, UncertainMaskError
from delineate.data.layouts.found import REFERENCE
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset, with_encodings
from delineate.data.reading import read_labels
from delineate.data.sample import Dataset

from .conftest import DOUBLE, MASKS, ODD, TRIPLE, box

MakeLog = Callable[..., ReviewLog]


def labels_of(dataset: Dataset, name: str) -> np.ndarray:
    """The labels of one sample, with encodings settled as `train` settles them."""
    settled = settle_encodings(dataset)
    sample = next(each for each in settled.samples if each.id == name)
    return read_labels(settled, sample, settled.observers[0])


def ids(reviewed: Reviewed) -> list[str]:
    """The samples that are left."""
    return [each.id for each in reviewed.dataset.samples]


def test_keep_one_drops_the_other_copies(copies: Path, make_log: MakeLog, tmp_path: Path) -> None:
    """The sample that is named stays, the other copies go, and nothing is written."""
    log = make_log(TRIPLE)
    log.decide(TRIPLE.id, "keep_one", samples=["b"])
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert ids(reviewed) == ["b", "d", "e"]
    assert reviewed.dropped == ("a", "c")
    assert reviewed.applied[0].dropped == ("a", "c")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("union", lambda a, b, c: a | b | c),
        ("intersection", lambda a, b, c: a & b & c),
        ("majority", lambda a, b, c: a.astype(int) + b + c >= 2),
    ],
)
def test_merging_goes_through_the_flip(
    copies: Path, make_log: MakeLog, tmp_path: Path, action: str, expected: Callable[..., object]
) -> None:
    """Each copy gets the merged mask in its own position, and all of them say the same."""
    log = make_log(TRIPLE)
    log.decide(TRIPLE.id, action)
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    upright = expected(MASKS["a"] > 0, MASKS["b"] > 0, np.fliplr(MASKS["c"]) > 0)
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "a"), upright)
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "b"), upright)
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "c"), np.fliplr(upright))
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "e"), MASKS["e"] > 0)
    assert reviewed.relabelled == ("a", "b", "c")


def test_originals_stay_as_they_are(copies: Path, make_log: MakeLog, tmp_path: Path) -> None:
    """No file of the data changes, whatever is decided."""
    before = {file: sha256_of_file(file) for file in sorted(copies.rglob("*.png"))}
    log = make_log(TRIPLE, ODD)
    log.decide(TRIPLE.id, "union")
    log.decide(ODD.id, "drop")
    apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert {file: sha256_of_file(file) for file in sorted(copies.rglob("*.png"))} == before


def test_a_given_mask_takes_the_place_of_the_old_one(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """The content is in the log: the file that was given may be gone."""
    given = tmp_path / "better.png"
    cv2.imwrite(str(given), box(7, 7))
    log = make_log(ODD)
    log.decide(ODD.id, "replace", argument=given)
    given.unlink()
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "e"), box(7, 7, value=1))
    assert reviewed.relabelled == ("e",)


def test_a_mask_of_another_size_is_not_applied(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """Where the log knows no sizes, the reason is given when decisions are carried out."""
    given = tmp_path / "small.png"
    cv2.imwrite(str(given), np.zeros((4, 4), np.uint8))
    log = make_log(ODD)
    log.decide(ODD.id, "replace", argument=given)
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert not reviewed.applied[0].is_applied
    assert "expected a mask of 12x16 px" in reviewed.applied[0].reason
    assert reviewed.relabelled == ()


def test_decisions_build_on_each_other(copies: Path, make_log: MakeLog, tmp_path: Path) -> None:
    """A union takes the mask that an earlier decision put in place."""
    cv2.imwrite(str(tmp_path / "better.png"), box(8, 8))
    log = make_log(DOUBLE, TRIPLE)
    log.decide(DOUBLE.id, "replace", samples=["b"], argument=tmp_path / "better.png")
    log.decide(TRIPLE.id, "union")
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    expected = (MASKS["a"] > 0) | (box(8, 8) > 0) | (np.fliplr(MASKS["c"]) > 0)
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "a"), expected)


def test_copies_of_which_one_is_dropped_merge_the_others(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """What an earlier decision dropped has no vote, and no mask is written for it."""
    log = make_log(DOUBLE, TRIPLE)
    log.decide(DOUBLE.id, "keep_one", samples=["b"])
    log.decide(TRIPLE.id, "intersection")
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    expected = (MASKS["b"] > 0) & (np.fliplr(MASKS["c"]) > 0)
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "b"), expected)
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_picture_is_never_dropped_altogether(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """Two decisions that keep different copies do not throw out both."""
    log = make_log(DOUBLE, TRIPLE)
    log.decide(DOUBLE.id, "keep_one", samples=["a"])
    log.decide(TRIPLE.id, "keep_one", samples=["b"])
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert ids(reviewed) == ["a", "c", "d", "e"]
    assert reviewed.applied[1].reason == "b is dropped by decision 1"


def test_samples_that_are_gone_are_told(copies: Path, make_log: MakeLog, tmp_path: Path) -> None:
    """A decision about a file that somebody removed is listed with its reason."""
    log = make_log(TRIPLE, ODD)
    log.decide(ODD.id, "drop")
    log.decide(TRIPLE.id, "keep_one", samples=["a"])
    for name in ("images", "masks"):
        (copies / name / "e.png").unlink()
        (copies / name / "a.png").unlink()
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert [each.reason for each in reviewed.applied] == [
        "none of the samples to drop is in the data any more",
        "a is not in the data any more",
    ]
    assert ids(reviewed) == ["b", "c", "d"]


def test_masks_of_which_one_cannot_be_read_are_not_merged(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """A damaged mask is the reason why nothing changes; other decisions are carried out."""
    log = make_log(TRIPLE, ODD)
    log.decide(TRIPLE.id, "union")
    log.decide(ODD.id, "drop")
    (copies / "masks" / "b.png").write_bytes(b"no picture")
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert "b.png" in reviewed.applied[0].reason
    assert reviewed.applied[1].is_applied
    assert reviewed.relabelled == ()


def test_masks_that_are_alike_already_do_not_change(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """Only samples whose labels differ afterwards count as relabelled."""
    cv2.imwrite(str(copies / "masks" / "b.png"), MASKS["a"])
    log = make_log(DOUBLE)
    log.decide(DOUBLE.id, "union")
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert reviewed.relabelled == ()
    assert reviewed.applied[0].effect == "the masks of a, b are alike already"
    assert not (tmp_path / "out").exists()


def test_an_image_of_another_size_than_audited(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """Maps between pictures hold for the sizes that were audited only."""
    for name in ("images", "masks"):
        cv2.imwrite(str(copies / name / "a.png"), np.zeros((20, 20), np.uint8))
    log = make_log(TRIPLE)
    log.decide(TRIPLE.id, "union")
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert reviewed.applied[0].reason.startswith("a was 12x16 px (height x width)")


def test_an_unlabelled_copy_stays_unlabelled(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """Merging speaks of masks that are there; one alone is nothing to merge."""
    (copies / "masks" / "b.png").unlink()
    log = make_log(DOUBLE)
    log.decide(DOUBLE.id, "union")
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert reviewed.applied[0].reason == "fewer than two of a, b have a mask any more"
    assert next(s for s in reviewed.dataset.samples if s.id == "b").masks == {}


def test_a_missing_mask_can_be_given(copies: Path, make_log: MakeLog, tmp_path: Path) -> None:
    """A replacing mask makes a labelled sample of one without a mask."""
    (copies / "masks" / "e.png").unlink()
    missing = Finding("missing_mask", ("e",), "e has no mask")
    cv2.imwrite(str(tmp_path / "given.png"), box(1, 1))
    log = make_log(missing)
    log.decide(missing.id, "replace", argument=tmp_path / "given.png")
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "e"), box(1, 1, value=1))


def test_the_mask_to_be_mended_does_not_stand_in_the_way(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """A soft mask that is dropped or replaced leaves the encoding of the others certain."""
    cv2.imwrite(str(copies / "masks" / "e.png"), cv2.GaussianBlur(MASKS["e"], (5, 5), 1))
    log = make_log(TRIPLE, ODD)
    log.decide(TRIPLE.id, "union")
    with pytest.raises(UncertainMaskError, match="confirm with --masks"):
        apply_decisions(open_dataset(copies), log, tmp_path / "out")
    log.decide(ODD.id, "drop")
    assert apply_decisions(open_dataset(copies), log, tmp_path / "out").relabelled


def test_a_confirmed_encoding_is_used(copies: Path, make_log: MakeLog, tmp_path: Path) -> None:
    """Masks whose background is white are merged as what they mean."""
    for name, mask in MASKS.items():
        cv2.imwrite(str(copies / "masks" / f"{name}.png"), 255 - mask)
    log = make_log(DOUBLE)
    log.decide(DOUBLE.id, "union")
    dataset = with_encodings(open_dataset(copies), ["invert"])
    reviewed = apply_decisions(dataset, log, tmp_path / "out")
    expected = (MASKS["a"] > 0) | (MASKS["b"] > 0)
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "a"), expected)
    np.testing.assert_array_equal(labels_of(reviewed.dataset, "e"), MASKS["e"] > 0)


def test_the_masks_of_the_named_observer_are_merged(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """A finding about the second observer leaves the first one's masks alone."""
    opened = open_dataset(copies)
    samples = tuple(
        replace(s, masks={**s.masks, "2": (copies / "masks" / f"{other}.png",)})
        for s, other in zip(opened.samples, "cabde", strict=True)
    )
    about = replace(DOUBLE, about="2")
    log = make_log(about)
    log.decide(about.id, "union")
    reviewed = apply_decisions(replace(opened, samples=samples), log, tmp_path / "out")
    first = reviewed.dataset.samples[0]
    assert list(first.masks) == [REFERENCE, "2"]
    assert first.masks[REFERENCE] == samples[0].masks[REFERENCE]
    settled = settle_encodings(reviewed.dataset)
    expected = (MASKS["c"] > 0) | (MASKS["a"] > 0)
    np.testing.assert_array_equal(read_labels(settled, first, "2"), expected)


def test_copies_without_a_subject_get_one_in_common(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """Copies stay together in a split, unless a person says that they are none."""
    log = make_log(TRIPLE)
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert [s.subject for s in reviewed.dataset.samples] == ["twins of a"] * 3 + [None] * 2
    assert "3 images" in reviewed.dataset.notes[-1]
    log.decide(TRIPLE.id, "not_a_twin")
    reviewed = apply_decisions(open_dataset(copies), log, tmp_path / "out")
    assert {s.subject for s in reviewed.dataset.samples} == {None}
    assert reviewed.not_twins == (frozenset("abc"),)


def test_without_decisions_nothing_changes(copies: Path, make_log: MakeLog, tmp_path: Path) -> None:
    """An undone decision has no effect either."""
    log = make_log(ODD)
    log.undo(log.decide(ODD.id, "drop").number)
    opened = open_dataset(copies)
    reviewed = apply_decisions(opened, log, tmp_path / "out")
    assert reviewed.dataset == opened
    assert reviewed.applied == ()


def test_names_of_folders_and_letters_stay_apart(
    copies: Path, make_log: MakeLog, tmp_path: Path
) -> None:
    """Samples whose names differ only in what a file name cannot hold get files of their own."""
    opened = open_dataset(copies)
    names = {"a": "x/y", "b": "x_y"}
    samples = tuple(replace(s, id=names.get(s.id, s.id)) for s in opened.samples)
    pair = replace(DOUBLE, samples=("x/y", "x_y"))
    log = make_log(pair)
    log.decide(pair.id, "union")
    apply_decisions(replace(opened, samples=samples), log, tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_folder_that_cannot_be_made(copies: Path, make_log: MakeLog, tmp_path: Path) -> None:
    """A file in the way of the masks is told."""
    (tmp_path / "out").write_text("in the way")
    log = make_log(TRIPLE)
    log.decide(TRIPLE.id, "union")
    with pytest.raises(CannotWriteError, match="out"):
        apply_decisions(open_dataset(copies), log, tmp_path / "out")


def test_what_happened_is_plain_json(copies: Path, make_log: MakeLog, tmp_path: Path) -> None:
    """A run can record which decisions it used."""
    log = make_log(ODD)
    log.decide(ODD.id, "drop", who="ada", why="not a mask")
    applied = apply_decisions(open_dataset(copies), log, tmp_path / "out").applied[0]
    document = json.loads(json.dumps(applied.to_document()))
    assert document["dropped"] == ["e"]
    assert document["effect"] == "dropped e"
    assert document["who"] == "ada"
    assert document["is_applied"]
