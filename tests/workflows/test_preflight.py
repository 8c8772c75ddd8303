"""Faults that are planted in a tiny set stop its training; the set itself does not."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import PreflightError, SettingsError
from delineate.core.progress import SILENT
from delineate.workflows.preflight import preflight_data
from delineate.workflows.starting import AskedData, begun

SUBJECTS = r"^(?:.*/)?(s\d+)_"


def files(root: Path, folder: str) -> list[Path]:
    """The files of one folder in their order."""
    return sorted((root / folder).iterdir())


def change(path: Path, function) -> None:
    """Write what a function makes of a picture in its place."""
    with Image.open(path) as picture:
        pixels = function(np.asarray(picture))
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def shift(root: Path) -> None:
    """Give each image the mask of the next."""
    masks = files(root, "masks")
    contents = [path.read_bytes() for path in masks]
    for number, path in enumerate(masks):
        path.write_bytes(contents[(number + 1) % len(masks)])


def every(folder: str, function, step: int = 1):
    """A fault in every so many files of a folder."""
    return lambda root: [change(path, function) for path in files(root, folder)[::step]]


FAULTS = {
    "masks-shifted": shift,
    "masks-turned": every("masks", lambda mask: mask[:, ::-1]),
    "masks-inverted": every("masks", lambda mask: 255 - mask),
    "masks-empty": every("masks", lambda mask: mask * 0),
    "masks-full": every("masks", lambda mask: mask * 0 + 255),
    "images-constant": every("images", lambda image: image * 0 + 77),
}


@pytest.fixture
def tiny(tmp_path, write_set, split_of) -> Path:
    """Twelve images and masks, and a split without a test part beside them."""
    split_of(tmp_path / "split.csv", s5="validation")
    return write_set(tmp_path / "data")


def looked(root: Path, *, accepted=(), task="segment", **asked):
    """The preflight of the data of a training."""
    asked = {"split_file": root.parent / "split.csv", "subjects": SUBJECTS} | asked
    with begun(
        AskedData(root, allow_leakage=True, **asked),
        task=task,
        fraction=0.2,
        seed=0,
        progress=SILENT,
    ) as data:
        return preflight_data(data, accepted=accepted, progress=SILENT)


def test_a_sound_set_is_left_alone(tiny):
    """Everything is looked at, and nothing said."""
    report = looked(tiny)
    assert report.looked_at == {"cases": 12, "images_with_masks": 12, "drawn_masks": 12}
    assert (report.accepted, report.notes) == ((), ())


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_stops_a_training_before_anything_is_written(tiny, tmp_path, train_tiny, name):
    """By its name, in one line, with what to do."""
    FAULTS[name](tiny)
    with pytest.raises(PreflightError, match=rf"^preflight: .*--accept {name}") as caught:
        train_tiny(
            tiny,
            tmp_path / "run",
            recipe="general",
            split_file=tmp_path / "split.csv",
            allow_leakage=True,
        )
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_an_accepted_fault_is_recorded(tiny, tmp_path, train_tiny):
    """In run.json, in the card, and with what was found in preflight.json."""
    FAULTS["masks-inverted"](tiny)
    result = train_tiny(tiny, tmp_path / "run", accept=["masks-inverted"])
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    report = json.loads((tmp_path / "run" / "preflight.json").read_text())
    assert run["facts"]["accepted"] == ["masks-inverted"]
    assert result.document["training"]["accepted"] == ["masks-inverted"]
    assert [each["name"] for each in report["accepted"]] == ["masks-inverted"]
    assert "exchange foreground and background" in report["accepted"][0]["text"]


def test_masks_that_are_meant_to_be_empty_hold_nothing_to_judge(tiny):
    """Where nothing is drawn anywhere and that was accepted, the checks of masks are over."""
    FAULTS["masks-empty"](tiny)
    report = looked(tiny, accepted=["masks-empty"])
    assert [each.name for each in report.accepted] == ["masks-empty"]
    assert report.looked_at == {"cases": 12, "images_with_masks": 0, "drawn_masks": 0}


def test_several_faults_are_named_together(tiny):
    """The first in full, the others by name, each once; accepting one leaves the others."""
    FAULTS["masks-empty"](tiny)
    FAULTS["images-constant"](tiny)
    with pytest.raises(PreflightError, match=r"images-constant \(and masks-empty\)$"):
        looked(tiny)
    with pytest.raises(PreflightError, match=r"--accept masks-empty$"):
        looked(tiny, accepted=["images-constant"])


def test_a_finding_that_is_none_is_refused(tiny):
    """With the nearest proposed."""
    with pytest.raises(SettingsError, match="unknown finding 'mask-shifted'; did you mean 'masks-"):
        looked(tiny, accepted=["mask-shifted"])


def test_one_blank_image_is_a_note(tiny):
    """Two of ten stop a training."""
    images = files(tiny, "images")
    change(images[0], lambda image: image * 0)
    assert looked(tiny).notes == ("1 training image of one colour: s0_0.png",)
    change(images[3], lambda image: image * 0)
    with pytest.raises(PreflightError, match=r"s0_0\.png: .* in 2 of 10 training images"):
        looked(tiny)


def test_shifted_masks_are_named_with_an_example(tiny):
    """The image whose mask it seems to be."""
    shift(tiny)
    expected = r"masks of the files before them .* the mask of s0_0 is that of s0_1"
    with pytest.raises(PreflightError, match=expected):
        looked(tiny)


def test_shuffled_masks_are_a_note(tiny):
    """No single other order is better, but images do not know their masks either."""
    masks = files(tiny, "masks")
    contents = [path.read_bytes() for path in masks]
    for path, other in zip(masks, np.random.default_rng(3).permutation(12), strict=True):
        path.write_bytes(contents[other])
    (note,) = looked(tiny).notes
    assert note.startswith("masks guessed from images correlate with their own masks by")
    assert note.endswith("look whether masks lie beside their own images")


def test_too_few_masks_are_not_judged(tmp_path, write_set):
    """Of seven nobody can say whose they are, and that is said."""
    root = write_set(tmp_path / "data", subjects=6)
    for path in (*files(root, "images")[7:], *files(root, "masks")[7:]):
        path.unlink()
    rows = [f"s{n // 2}_{n % 2},{'validation' if n > 5 else 'train'}" for n in range(7)]
    (tmp_path / "split.csv").write_text("\n".join(["id,split", *rows]) + "\n")
    shift(root)
    assert looked(root).notes == (
        "whether masks belong to their images was not judged: 7 drawn masks, fewer than 8",
    )


@pytest.fixture
def classes(tmp_path, write_set, split_of) -> Path:
    """Twelve images with two classes, ten of them to learn from."""
    split_of(tmp_path / "split.csv", s5="validation")
    return write_set(tmp_path / "data", classes=3)


def without(label: int, into: int = 0):
    """A function that takes a class out of a mask of palette indices."""

    def apply(path: Path) -> None:
        with Image.open(path) as picture:
            pixels, palette = np.asarray(picture).copy(), picture.getpalette()
        pixels[pixels == label] = into
        mask = Image.fromarray(pixels)
        mask.putpalette(palette)
        mask.save(path)

    return apply


def test_a_class_that_is_held_out_and_never_shown_is_missing(classes):
    """A network cannot learn what no training mask holds."""
    assert looked(classes).accepted == ()
    for path in files(classes, "masks")[:10]:
        without(1)(path)
    expected = r"found class 1 only in validation masks.*--accept class-missing"
    with pytest.raises(PreflightError, match=expected):
        looked(classes)


def test_a_named_class_that_nobody_drew_is_missing(classes):
    """Names that come with the data are a promise, where most of it is kept."""
    names = classes / "labels.txt"
    names.write_text("background\nnerve\nvessel\n")
    assert looked(classes).accepted == ()
    for path in files(classes, "masks"):
        without(1)(path)
    with pytest.raises(PreflightError, match=r"names 2 classes, found no pixel of nerve"):
        looked(classes)


def test_a_vocabulary_is_no_promise(classes):
    """Of a long list of classes most may be drawn nowhere; that is a note."""
    names = ["background", "nerve", "vessel", "bone", "skin", "gland"]
    (classes / "labels.txt").write_text("\n".join(names) + "\n")
    (note,) = looked(classes).notes
    assert note == "classes that no mask of training or validation holds: bone, skin, gland"


def test_images_with_a_table_of_labels_have_no_masks_to_judge(tiny, tmp_path):
    """Blank images stop a classifier too; masks are not looked at."""
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "label"])
        rows.writerows(
            [[path.stem, number % 2] for number, path in enumerate(files(tiny, "images"))]
        )
    asked = {"task": "classify", "labels": tmp_path / "labels.csv"}
    assert looked(tiny, **asked).looked_at == {
        "cases": 12,
        "images_with_masks": 0,
        "drawn_masks": 0,
    }
    FAULTS["images-constant"](tiny)
    with pytest.raises(PreflightError, match="images-constant"):
        looked(tiny, **asked)


def test_a_classifier_of_masks_is_held_against_them(tiny):
    """Labels from masks of other images are wrong labels."""
    for path in files(tiny, "masks")[2::9]:
        change(path, lambda mask: mask * 0)
    for image in files(tiny, "images")[2::9]:
        change(image, lambda pixels: np.minimum(pixels, 80))
    report = looked(tiny, task="classify")
    assert report.looked_at == {"cases": 12, "images_with_masks": 12, "drawn_masks": 10}
    shift(tiny)
    with pytest.raises(PreflightError, match="masks-shifted"):
        looked(tiny, task="classify")


def test_a_method_without_a_network_is_stopped_too(tiny, tmp_path, train_tiny):
    """And a dry run of it writes nothing."""
    from delineate.workflows.train import train

    options = {"recipe": "otsu", "split_file": tmp_path / "split.csv", "allow_leakage": True}
    result = train(tiny, tmp_path / "run", **options, dry_run=True)
    assert result.document["estimate"] is None
    assert not (tmp_path / "run").exists()
    shift(tiny)
    with pytest.raises(PreflightError, match="masks-shifted"):
        train(tiny, tmp_path / "run", **options)


def test_folds_are_looked_at_once_before_anything_is_written(tiny, tmp_path, train_tiny):
    """By the preflight of all of them together."""
    shift(tiny)
    with pytest.raises(PreflightError, match="masks-shifted"):
        train_tiny(tiny, tmp_path / "run", folds=2, steps=2)
    assert not (tmp_path / "run").exists()
    train_tiny(tiny, tmp_path / "run", folds=2, steps=2, accept=["masks-shifted"])
    found = sorted(path.parent.name for path in (tmp_path / "run").rglob("preflight.json"))
    assert found == ["run"]


REAL = {
    "drive/DRIVE": {},
    "em_membrane": {},
    "usgra": {},
    "nerve_jpeg": {"masks": ("threshold:128",)},
    "dsb2018/stage1_train": {},
    "kvasir": {"masks": ("threshold:128",)},
    "lgg/kaggle_3m": {},
    "camvid": {},
    "labelme_voc": {},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_no_real_set_is_stopped(shared_data, name):
    """Each of them can be trained on as it stands."""
    report = looked(shared_data / name, subjects=None, split_file=None, **REAL[name])
    assert report.accepted == ()
