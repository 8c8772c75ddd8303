from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from delineate.core.errors import LayoutError, SettingsError, UncertainMaskError
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels

from .annotated import box_mask, write_mask, write_picture

NERVE, VESSEL, APART = (1, 1, 4, 4), (2, 3, 7, 9), (5, 5, 7, 9)


def by_folder(root: Path, *, vessel: tuple[int, int, int, int] = APART) -> Path:
    """`images/X.png` beside `masks/nerve/X.png` and `masks/vessel/X.png`."""
    for name in ("a", "b"):
        write_picture(root / "images" / f"{name}.png")
        write_mask(root / "masks" / "nerve" / f"{name}.png", NERVE)
        write_mask(root / "masks" / "vessel" / f"{name}.png", vessel)
    return root


def test_a_folder_a_class(tmp_path: Path) -> None:
    """Each folder of masks is a class; the labels hold them all."""
    dataset = settle_encodings(open_dataset(by_folder(tmp_path)))
    assert dataset.layout == "class-masks"
    assert [c.name for c in dataset.classes] == ["background", "nerve", "vessel"]
    assert [len(s.masks["reference"]) for s in dataset.samples] == [2, 2]
    expected = np.where(box_mask(NERVE), 1, np.where(box_mask(APART), 2, 0))
    np.testing.assert_array_equal(read_labels(dataset, dataset.samples[0], "reference"), expected)


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/{}.jpg", "masks/{}_{}.png"),
        ("images/{}.jpg", "masks/{}_mask_{}.png"),
        ("images/{}.jpg", "masks/{}_{}_mask.png"),
        ("{}.jpg", "{}_{}.png"),
        ("{}.png", "{}_mask_{}.png"),
        ("train/{}.png", "train/{}_{}_mask.png"),
        ("train/images/{}.png", "train/masks/{}_{}.png"),
        ("images/train/{}.png", "masks/train/{1}/{0}.png"),
        ("img/{}.png", "labels/{1}/{0}_mask.png"),
    ],
)
def test_other_namings(tmp_path: Path, image: str, mask: str) -> None:
    """The class may stand in the name, with or without a word for masks, beside or apart."""
    for name in ("case_1", "case_2"):
        write_picture(tmp_path / image.format(name))
        for each, box in (("nerve", NERVE), ("large vessel", APART)):
            write_mask(tmp_path / mask.format(name, each), box)
    dataset = settle_encodings(open_dataset(tmp_path))
    assert dataset.layout == "class-masks"
    assert [c.name for c in dataset.classes[1:]] == ["large vessel", "nerve"]
    assert [s.id for s in dataset.samples] == ["case_1", "case_2"]
    labels = read_labels(dataset, dataset.samples[1], "reference")
    np.testing.assert_array_equal(labels == 2, box_mask(NERVE))


def test_overlap_without_its_declaration(tmp_path: Path) -> None:
    """A pixel of two classes is an error that names the option."""
    dataset = settle_encodings(open_dataset(by_folder(tmp_path, vessel=VESSEL)))
    with pytest.raises(LayoutError, match=r"gives 2 pixels another class .* say --overlapping"):
        read_labels(dataset, dataset.samples[0], "reference")


def test_overlap_that_is_declared(tmp_path: Path) -> None:
    """With the declaration each class has a bit of its own."""
    root = by_folder(tmp_path, vessel=VESSEL)
    dataset = settle_encodings(open_dataset(root, overlapping=True))
    labels = read_labels(dataset, dataset.samples[0], "reference")
    expected = box_mask(NERVE) * 1 + box_mask(VESSEL) * 2
    np.testing.assert_array_equal(labels, expected)
    assert (expected == 3).any()


def test_more_classes_than_may_overlap(tmp_path: Path) -> None:
    """Eight classes that overlap are refused in one line, and are fine side by side."""
    for name in ("a", "b"):
        write_picture(tmp_path / "images" / f"{name}.png")
        for number in range(8):
            write_mask(
                tmp_path / "masks" / f"c{number}" / f"{name}.png", (number, 0, number + 1, 5)
            )
    assert len(open_dataset(tmp_path).classes) == 9
    with pytest.raises(SettingsError, match="at most 7 classes that overlap, found 8; leave"):
        open_dataset(tmp_path, overlapping=True)


def test_soft_masks_are_confirmed_once_for_all(tmp_path: Path) -> None:
    """A threshold holds for the masks of every class, which keep their classes."""
    root = by_folder(tmp_path)
    for file in (root / "masks").rglob("*.png"):
        write_mask(file, NERVE if file.parent.name == "nerve" else APART, white=200)
    with pytest.raises(UncertainMaskError, match="confirm with --masks threshold"):
        settle_encodings(open_dataset(root))
    dataset = settle_encodings(open_dataset(root, masks="threshold:128"))
    labels = read_labels(dataset, dataset.samples[0], "reference")
    assert np.unique(labels).tolist() == [0, 1, 2]


def test_classes_within_a_mask_of_one_class(tmp_path: Path) -> None:
    """A file that stands for one class cannot hold several."""
    root = by_folder(tmp_path)
    with pytest.raises(UncertainMaskError, match="it draws one class alone, found the encoding"):
        open_dataset(root, masks="index")


def test_a_missing_class_is_told(tmp_path: Path) -> None:
    """An image without a file of one class counts as without that class."""
    root = by_folder(tmp_path)
    (root / "masks" / "vessel" / "b.png").unlink()
    write_mask(root / "masks" / "nerve" / "lost.png", NERVE)
    dataset = settle_encodings(open_dataset(root))
    assert dataset.notes == (
        "no image for 1 mask: lost.png",
        "1 of 2 images have no file for some of the classes, which count as not there",
    )
    assert read_labels(dataset, dataset.samples[1], "reference").max() == 1


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (["images/a.png", "images/b.png", "masks/a.png", "masks/b.png"], "folders"),
        (["images/train/a.png", "images/val/b.png", "masks/train/a.png", "masks/val/b.png"], None),
        (["Kvasir-SEG/images/a.jpg", "Kvasir-SEG/masks/a.jpg"], "folders"),
        (["images/a.png", "masks_anna/a.png", "masks_ben/a.png"], "folders"),
        (["a.png", "a_mask.png", "b.png", "b_mask.png"], "folders"),
        (["a.png", "a_mask.png", "a_mask_1.png", "b.png", "b_mask.png"], None),
        (["1_1.tif", "1_1_mask.tif", "1_2.tif", "1_2_mask.tif"], "nerve"),
        (["a.jpg", "a.png", "b.jpg", "b.png"], "folders"),
        (["images/a.png", "masks/a_left.png", "masks/b_right.png"], None),
    ],
)
def test_other_layouts_are_not_shadowed(tmp_path: Path, names: list[str], layout: str) -> None:
    """Names that other layouts know go to them."""
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    try:
        found = open_dataset(tmp_path).layout
    except LayoutError:
        found = None
    assert found != "class-masks"
    if layout is not None:
        assert found == layout


def test_folders_of_montgomery(tmp_path: Path) -> None:
    """`ManualMask/leftMask/X.png` beside `CXR_png/X.png`: a folder a lung."""
    write_picture(tmp_path / "CXR_png" / "MCUCXR_0001_0.png")
    write_mask(tmp_path / "ManualMask" / "leftMask" / "MCUCXR_0001_0.png", NERVE)
    write_mask(tmp_path / "ManualMask" / "rightMask" / "MCUCXR_0001_0.png", APART)
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "class-masks"
    assert [c.name for c in dataset.classes[1:]] == ["leftMask", "rightMask"]
