"""Phantom sets on disk: the names of the real ones, the planted faults, nothing half-written."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from delineate.core.errors import CannotWriteError, OutputExistsError, SettingsError
from delineate.data.phantoms import stores
from delineate.data.phantoms.copies import COPIES
from delineate.data.phantoms.faults import FAULTS, SEQUENCE_FRAMES, Planted, fault_counts
from delineate.data.phantoms.writing import PhantomSet, write_fundus, write_ultrasound

TINY = (84, 116)
TINY_FUNDUS = (146, 141)


def _pixels(path: Path) -> np.ndarray:
    if path.suffix == ".tif":
        return np.asarray(tifffile.imread(path))
    with Image.open(path) as image:
        return np.array(image)


@pytest.fixture(scope="module", params=["ultrasound", "fundus"])
def faulty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PhantomSet:
    """A set with every fault once."""
    folder = tmp_path_factory.mktemp("phantoms") / request.param
    if request.param == "ultrasound":
        return write_ultrasound(
            folder, subjects=4, images_per_subject=16, seed=11, faults=FAULTS, size_px=TINY,
            test_subjects=2,
        )  # fmt: skip
    return write_fundus(folder, training=17, test=3, seed=11, faults=FAULTS, size_px=TINY_FUNDUS)


def _found(faulty: PhantomSet, kind: str) -> Planted:
    [record] = [record for record in faulty.planted if record.kind == kind]
    return record


def _pairs(faulty: PhantomSet, kind: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The images of a fault, and the first observer's masks."""
    files = [faulty.folder / file for file in _found(faulty, kind).files]
    images = [path for path in files if path.suffix == ".tif" and "_mask" not in path.name]
    masks = [path for path in files if path.stem.endswith("_mask") and path.suffix == ".tif"]
    masks += [path for path in files if "manual1" in path.name]
    return [_pixels(path) for path in images], [_pixels(path) for path in masks]


def test_ultrasound_lies_in_the_kaggle_layout(tmp_path: Path) -> None:
    """`S_N.tif` with `S_N_mask.tif`, LZW, 0 and 255, the last subjects in test."""
    made = write_ultrasound(
        tmp_path / "set", subjects=3, images_per_subject=4, seed=1, size_px=TINY, test_subjects=1
    )
    stems = [f"{s}_{n}" for s in (1, 2) for n in range(1, 5)]
    assert {path.name for path in (made.folder / "train").iterdir()} == {
        f"{stem}{ending}.tif" for stem in stems for ending in ("", "_mask")
    }
    assert (made.folder / "test" / "3_4_mask.tif").is_file()
    empty = 0
    for path in (made.folder / "train").iterdir():
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            assert page.compression.name == "LZW"
            assert page.shape == TINY
        if path.stem.endswith("_mask"):
            values = set(np.unique(_pixels(path)).tolist())
            assert values in ({0}, {0, 255})
            empty += values == {0}
    assert empty == 4
    assert made.images == 12


def test_an_unlabelled_test_split_hides_masks_and_subjects(tmp_path: Path) -> None:
    """`test/N.tif` alone, as in the competition; a twin may still leak into it."""
    made = write_ultrasound(
        tmp_path / "set", subjects=2, images_per_subject=3, seed=1, size_px=TINY, test_subjects=1,
        labelled_test=False, faults=["leaked_twin"],
    )  # fmt: skip
    names = {path.name for path in (made.folder / "test").iterdir()}
    assert names == {"1.tif", "2.tif", "3.tif", "4.tif"}


def test_fundus_lies_in_the_layout_of_drive(tmp_path: Path) -> None:
    """The very names, encodings and palette of DRIVE."""
    made = write_fundus(tmp_path / "set", training=1, test=1, seed=1, size_px=TINY_FUNDUS)
    files = {
        path.relative_to(made.folder).as_posix()
        for path in made.folder.rglob("*.*")
        if path.suffix in {".tif", ".gif"}
    }
    assert files == {
        "training/images/21_training.tif",
        "training/1st_manual/21_manual1.gif",
        "training/mask/21_training_mask.gif",
        "test/images/01_test.tif",
        "test/1st_manual/01_manual1.gif",
        "test/mask/01_test_mask.gif",
        "test/2nd_manual/01_manual2.gif",
    }
    for name in ("training/1st_manual/21_manual1.gif", "training/mask/21_training_mask.gif"):
        with Image.open(made.folder / name) as image:
            assert image.mode == "L"
            assert set(np.unique(np.array(image)).tolist()) == {0, 255}
    with Image.open(made.folder / "test/2nd_manual/01_manual2.gif") as image:
        assert image.mode == "P"
        assert image.getpalette()[:6] == [4, 2, 4, 252, 254, 252]
        assert set(np.unique(np.array(image)).tolist()) == {0, 1}
    assert _pixels(made.folder / "test/images/01_test.tif").shape == (*TINY_FUNDUS, 3)


def test_several_processes_write_the_same_bytes(tmp_path: Path) -> None:
    """The set does not tell how many drew it, plain names of test frames included."""

    def write(processes: int) -> dict[str, bytes]:
        target = tmp_path / str(processes)
        write_ultrasound(
            target, subjects=3, images_per_subject=2, seed=2, faults=["leaked_twin"], size_px=TINY,
            test_subjects=1, labelled_test=False, processes=processes,
        )  # fmt: skip
        return {
            path.relative_to(target).as_posix(): path.read_bytes()
            for path in sorted(target.rglob("*")) if path.is_file()
        }  # fmt: skip

    assert write(1) == write(2)


@pytest.mark.parametrize("kind", ["ultrasound", "fundus"])
def test_same_seed_writes_the_same_bytes(tmp_path: Path, kind: str) -> None:
    """Every file of two runs is equal, and another seed differs."""

    def write(folder: str, seed: int) -> dict[str, bytes]:
        target = tmp_path / folder
        if kind == "ultrasound":
            write_ultrasound(
                target, subjects=2, images_per_subject=4, seed=seed, faults=["twin", "jpeg_mask"],
                size_px=TINY,
            )  # fmt: skip
        else:
            write_fundus(
                target, training=2, test=1, seed=seed, faults=["leaked_subject"],
                size_px=TINY_FUNDUS,
            )  # fmt: skip
        return {
            path.relative_to(target).as_posix(): path.read_bytes()
            for path in sorted(target.rglob("*")) if path.is_file()
        }  # fmt: skip

    first = write("a", 3)
    assert first == write("b", 3)
    assert first != write("c", 4)


def test_every_fault_is_written_down(faulty: PhantomSet) -> None:
    """planted.json holds each kind, with samples, files that exist, transform and evidence."""
    document = json.loads((faulty.folder / "planted.json").read_text())
    assert document["schema"] == "delineate/planted/1"
    assert document["seed"] == 11
    assert [record["kind"] for record in document["planted"]] == list(FAULTS)
    for record in document["planted"]:
        assert record["samples"]
        assert record["transform"]
        assert record["evidence"]
        assert all((faulty.folder / file).is_file() for file in record["files"])


def test_a_twin_has_the_same_pixels(faulty: PhantomSet) -> None:
    """Under another name, with the same mask."""
    images, masks = _pairs(faulty, "twin")
    assert np.array_equal(*images)
    assert np.array_equal(*masks)
    assert len(set(_found(faulty, "twin").samples)) == 2


def test_a_flipped_twin_is_its_image_flipped(faulty: PhantomSet) -> None:
    """Image and mask are flipped together, about the axis that is told."""
    images, masks = _pairs(faulty, "flipped_twin")
    axis = int(_found(faulty, "flipped_twin").evidence["axis"])
    assert not np.array_equal(*images)
    assert np.array_equal(np.flip(images[0], axis), images[1])
    assert np.array_equal(np.flip(masks[0], axis), masks[1])


def test_contradictory_masks_belong_to_one_picture(faulty: PhantomSet) -> None:
    """Equal images, masks that differ by as much as is told."""
    images, masks = _pairs(faulty, "contradictory_mask")
    assert np.array_equal(*images)
    both = np.count_nonzero((masks[0] > 0) & (masks[1] > 0))
    dice = 2 * both / (np.count_nonzero(masks[0]) + np.count_nonzero(masks[1]))
    assert dice < 0.9
    assert _found(faulty, "contradictory_mask").evidence["dice"] == pytest.approx(dice)
    assert masks[1].any()


def test_an_empty_mask_can_contradict_a_full_one(faulty: PhantomSet) -> None:
    """Equal images, one with an object and one without."""
    images, masks = _pairs(faulty, "contradictory_empty_mask")
    assert np.array_equal(*images)
    assert masks[0].any()
    assert not masks[1].any()


def test_a_leaked_subject_stands_on_both_sides(faulty: PhantomSet) -> None:
    """The subject's number is found in train and in test, with two different pictures."""
    record = _found(faulty, "leaked_subject")
    images, _ = _pairs(faulty, "leaked_subject")
    assert not np.array_equal(*images)
    folders = {file.split("/")[0] for file in record.files}
    assert folders in ({"train", "test"}, {"training", "test"})
    assert {int(name.split("_")[0]) for name in record.samples} == {record.evidence["subject"]}


def test_a_leaked_twin_has_another_subject(faulty: PhantomSet) -> None:
    """The same picture in both splits, under two subjects."""
    record = _found(faulty, "leaked_twin")
    images, masks = _pairs(faulty, "leaked_twin")
    assert np.array_equal(*images)
    assert np.array_equal(*masks)
    assert len({file.split("/")[0] for file in record.files}) == 2
    assert len({name.split("_")[0] for name in record.samples}) == 2


@pytest.mark.parametrize("kind", ["jpeg_mask", "antialiased_mask"])
def test_fuzzy_masks_hold_more_than_two_values(faulty: PhantomSet, kind: str) -> None:
    """Soft edges, with the object still where it was."""
    _, [mask] = _pairs(faulty, kind)
    evidence = _found(faulty, kind).evidence
    assert np.unique(mask).size == evidence["distinct_values"] > 5
    assert (mask >= 128).mean() == pytest.approx(evidence["foreground_share_before"], rel=0.35)


def test_an_inverted_mask_is_mostly_foreground(faulty: PhantomSet) -> None:
    """The background is 255 and the object 0."""
    _, [mask] = _pairs(faulty, "inverted_mask")
    assert set(np.unique(mask).tolist()) == {0, 255}
    assert (mask == 0).mean() == pytest.approx(
        _found(faulty, "inverted_mask").evidence["foreground_share_before"]
    )


@pytest.mark.parametrize("kind", COPIES)
def test_a_changed_twin_stands_under_its_own_name(faulty: PhantomSet, kind: str) -> None:
    """Two samples of one subject or split, with masks of the size of their images."""
    record = _found(faulty, kind)
    assert len(set(record.samples)) == 2
    images, masks = _pairs(faulty, kind)
    assert not np.array_equal(*images)
    for image, mask in zip(images, masks, strict=True):
        assert image.shape[:2] == mask.shape
        assert set(np.unique(mask).tolist()) <= {0, 255}
    assert len(record.evidence["matrix"]) == 6


def test_a_sequence_is_told_as_no_copy(faulty: PhantomSet) -> None:
    """Consecutive numbers of one series, all of them different pictures."""
    record = _found(faulty, "sequence")
    assert record.evidence["is_copy"] is False
    assert len(record.samples) == SEQUENCE_FRAMES
    images, _ = _pairs(faulty, "sequence")
    assert len({image.tobytes() for image in images}) == SEQUENCE_FRAMES
    numbers = [int(name.split("_")[0 if "training" in name else 1]) for name in record.samples]
    assert np.diff(numbers).tolist() == [1] * (SEQUENCE_FRAMES - 1)


def test_no_sample_takes_part_in_two_faults(faulty: PhantomSet) -> None:
    """Each fault can be judged by itself."""
    names = [name for record in faulty.planted for name in record.samples]
    assert len(names) == len(set(names))


def test_a_set_without_faults_says_so(tmp_path: Path) -> None:
    """planted.json is there, with an empty list."""
    made = write_ultrasound(tmp_path / "s", subjects=1, images_per_subject=1, seed=1, size_px=TINY)
    assert json.loads((made.folder / "planted.json").read_text())["planted"] == []


def test_faults_are_counted_by_name_or_number() -> None:
    """A list of kinds and a table of numbers mean the same."""
    assert fault_counts({"jpeg_mask": 1, "twin": 2, "leaked_twin": 0}) == fault_counts(
        ["twin", "jpeg_mask", "twin"]
    )


def test_an_unknown_fault_proposes_the_nearest(tmp_path: Path) -> None:
    """Nothing is written before the names are right."""
    with pytest.raises(SettingsError, match="unknown fault 'twins'; did you mean 'twin'"):
        write_fundus(tmp_path / "s", training=1, test=0, seed=1, faults=["twins"])
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"subjects": 0}, "subjects: expected 1 or more, found 0"),
        ({"images_per_subject": 0}, "images_per_subject: expected 1 or more"),
        ({"processes": 0}, "processes: expected 1 or more"),
        ({"test_subjects": 2}, "test_subjects: expected 0 to 1"),
        ({"size_px": (40, 300)}, "size_px: expected at least 64 pixels a side, found 40x300"),
        ({"faults": ["leaked_twin"]}, "leaked_twin needs a test split"),
        ({"faults": {"twin": -1}}, "expected twin 0 times or more"),
        ({"faults": {"twin": 9}}, "expected a free sample for twin, found none in train"),
        (
            {"test_subjects": 1, "labelled_test": False, "faults": ["leaked_subject"]},
            "leaked_subject needs subjects in test",
        ),
    ],
)
def test_impossible_wishes_are_refused(
    tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    """One line that says what was expected, and no folder left behind."""
    wishes = {"subjects": 2, "images_per_subject": 2, "seed": 1, "size_px": TINY, **settings}
    with pytest.raises(SettingsError, match=message):
        write_ultrasound(tmp_path / "s", **wishes)
    assert not (tmp_path / "s").exists()


def test_a_folder_that_is_there_is_kept(tmp_path: Path) -> None:
    """Unless it is ours and may be overwritten."""
    target = tmp_path / "s"
    write_ultrasound(target, subjects=1, images_per_subject=1, seed=1, size_px=TINY)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write_ultrasound(target, subjects=1, images_per_subject=1, seed=1, size_px=TINY)
    write_ultrasound(target, subjects=1, images_per_subject=2, seed=1, size_px=TINY, overwrite=True)
    assert (target / "train" / "1_2.tif").is_file()


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear line, and no half of a data set."""
    written: list[Path] = []

    def fill(path: Path, content: bytes) -> None:
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written.append(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    monkeypatch.setattr(stores, "put", fill)
    with pytest.raises(CannotWriteError, match="disk is full"):
        write_ultrasound(tmp_path / "s", subjects=1, images_per_subject=4, seed=1, size_px=TINY)
    assert not (tmp_path / "s").exists()
