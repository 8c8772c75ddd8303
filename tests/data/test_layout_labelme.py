from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import LayoutError, UnreadableFileError
from delineate.core.types import IGNORE
from delineate.data.examination import examine
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels

from .annotated import labelme, write_json, write_picture

NERVE, VESSEL = (1, 1, 4, 4), (2, 3, 7, 9)


def test_shapes_beside_images(tmp_path: Path) -> None:
    """X.json beside X.jpg: classes are the labels in the order of their names, later ones above."""
    for name in ("b", "a"):
        write_picture(tmp_path / f"{name}.png")
        write_json(
            tmp_path / f"{name}.json", labelme(f"{name}.png", ("vessel", VESSEL), ("nerve", NERVE))
        )
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "labelme"
    assert dataset.has_instances
    assert [c.name for c in dataset.classes] == ["background", "nerve", "vessel"]
    assert [s.id for s in dataset.samples] == ["a", "b"]
    labels = read_labels(dataset, dataset.samples[0], "reference")
    expected = np.zeros((8, 10), np.uint8)
    expected[2:7, 3:9] = 2
    expected[1:4, 1:4] = 1
    np.testing.assert_array_equal(labels, expected)


def test_a_list_of_classes_numbers_them(tmp_path: Path) -> None:
    """labels.txt above the JSON files says the order; what is to be ignored is no class."""
    write_picture(tmp_path / "drawn" / "a.png")
    shapes = labelme("a.png", ("nerve", NERVE), ("__ignore__", (7, 0, 8, 10)))
    write_json(tmp_path / "drawn" / "a.json", shapes)
    (tmp_path / "labels.txt").write_text("__ignore__\n_background_\nvessel\nnerve\n")
    dataset = open_dataset(tmp_path)
    assert [c.name for c in dataset.classes[1:]] == ["vessel", "nerve"]
    labels = read_labels(dataset, dataset.samples[0], "reference")
    assert np.unique(labels).tolist() == [0, 2, IGNORE]
    assert (labels[7] == IGNORE).all()
    assert dataset.notes == (f"classes are those of {tmp_path / 'labels.txt'}",)


def test_a_list_above_the_data_set_counts_only_where_it_knows_all(tmp_path: Path) -> None:
    """A labels.txt in the folder above may belong to something else."""
    root = tmp_path / "drawn"
    write_picture(root / "a.png")
    write_json(root / "a.json", labelme("a.png", ("nerve", NERVE)))
    (tmp_path / "labels.txt").write_text("_background_\ncat\ndog\n")
    assert [c.name for c in open_dataset(root).classes[1:]] == ["nerve"]
    (tmp_path / "labels.txt").write_text("_background_\ncat\nnerve\n")
    assert [c.name for c in open_dataset(root).classes[1:]] == ["cat", "nerve"]


def test_a_list_that_lacks_a_class_is_refused(tmp_path: Path) -> None:
    """A label that labels.txt does not list cannot be numbered."""
    write_picture(tmp_path / "a.png")
    write_json(tmp_path / "a.json", labelme("a.png", ("nerve", NERVE)))
    (tmp_path / "labels.txt").write_text("_background_\nvessel\n")
    with pytest.raises(LayoutError, match=r"labels\.txt: expected every class .* none named nerve"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("image_path", ["..\\pictures\\a.jpg", "../pictures/a.jpg", "a.jpg", ""])
def test_json_in_a_folder_of_its_own(tmp_path: Path, image_path: str) -> None:
    """The image is found by the path that the JSON names, however it is written, or by its name."""
    picture = write_picture(tmp_path / "pictures" / "a.jpg")
    write_json(tmp_path / "drawn" / "a.json", labelme(image_path, ("nerve", NERVE)))
    (sample,) = open_dataset(tmp_path).samples
    assert sample.image == picture
    assert sample.masks["reference"] == (tmp_path / "drawn" / "a.json",)


def test_splits_with_equal_names(tmp_path: Path) -> None:
    """train/a and test/a are two samples, each with its own JSON."""
    for split in ("train", "test"):
        write_picture(tmp_path / "images" / split / "a.jpg")
        write_json(tmp_path / "json" / split / "a.json", labelme("a.jpg", ("nerve", NERVE)))
    samples = open_dataset(tmp_path).samples
    assert [(s.id, s.split) for s in samples] == [
        ("images_train_a", "train"),
        ("images_test_a", "test"),
    ]
    assert [s.masks["reference"][0].parent.name for s in samples] == ["train", "test"]


def test_images_without_json_have_no_mask(tmp_path: Path) -> None:
    """An image that nobody drew is there without a mask; a JSON without its image is told."""
    for name in ("a", "b"):
        write_picture(tmp_path / f"{name}.png")
    write_json(tmp_path / "a.json", labelme("a.png", ("nerve", NERVE)))
    write_json(tmp_path / "lost.json", labelme("lost.png", ("nerve", NERVE)))
    write_json(tmp_path / "settings.json", {"colour": "red"})
    dataset = open_dataset(tmp_path)
    assert [bool(s.masks) for s in dataset.samples] == [True, False]
    assert dataset.notes == (
        "no image for 1 JSON file: lost.json",
        "left out, for it holds no shapes: settings.json",
    )


def test_a_damaged_json_stops_nothing(tmp_path: Path) -> None:
    """The others are read; the damaged one is a problem of its own image."""
    for name in ("a", "b"):
        write_picture(tmp_path / f"{name}.png")
        write_json(tmp_path / f"{name}.json", labelme(f"{name}.png", ("nerve", NERVE)))
    (tmp_path / "b.json").write_text('{"shapes": [')
    cases = list(examine(open_dataset(tmp_path)))
    assert cases[0].problems == ()
    assert "b.json: expected a JSON document" in cases[1].problems[0]


def test_two_json_files_for_one_image_are_refused(tmp_path: Path) -> None:
    """Which of them counts cannot be known."""
    write_picture(tmp_path / "a.png")
    for folder in ("first", "second"):
        write_json(tmp_path / folder / "a.json", labelme("../a.png", ("nerve", NERVE)))
    with pytest.raises(LayoutError, match=r"a\.png: expected one JSON, found"):
        open_dataset(tmp_path)


def test_other_json_is_not_labelme(tmp_path: Path) -> None:
    """A JSON beside its image that holds no shapes makes no layout of it."""
    write_picture(tmp_path / "a.png")
    write_json(tmp_path / "a.json", {"patient": "x"})
    with pytest.raises(LayoutError, match=r"nothing here is drawn in a\.json"):
        open_dataset(tmp_path)


def test_a_json_of_another_size_is_an_error(tmp_path: Path) -> None:
    """Shapes drawn on the image before it was reduced do not fit it."""
    write_picture(tmp_path / "a.png", (4, 5))
    write_json(tmp_path / "a.json", labelme("a.png", ("nerve", NERVE)))
    (case,) = examine(open_dataset(tmp_path))
    assert "was drawn on an image of 8 x 10 px" in case.problems[0]


def test_three_encodings_of_one_set_agree(shared_data: Path) -> None:
    """The real sample holds the same labels as JSON, as palette PNG and as arrays.

    They are equal but for one pixel: at a corner of a sofa, row 290 and column 104 of
    2011_000006, Pillow from version 11 on fills a polygon otherwise than the one that drew the
    PNG and the array.
    """
    dataset = open_dataset(shared_data / "labelme_voc" / "data_annotated")
    drawn = shared_data / "labelme_voc" / "data_dataset_voc"
    differing = []
    for sample in dataset.samples:
        labels = read_labels(dataset, sample, "reference")
        with Image.open(drawn / "SegmentationClass" / f"{sample.id}.png") as picture:
            indices = np.array(picture)
        array = np.load(drawn / "SegmentationClassNpy" / f"{sample.id}.npy")
        np.testing.assert_array_equal(np.where(array == -1, 255, array), indices)
        places = np.argwhere(labels != indices)
        differing += [(sample.id, row, column) for row, column in places.tolist()]
    assert differing == [("2011_000006", 290, 104)]
    names = (drawn / "class_names.txt").read_text().split("\n")
    assert [c.name for c in dataset.classes] == names


def test_a_wrong_label_names_the_shape(tmp_path: Path) -> None:
    """With a list of classes, a label that comes later and is not in it is an error of its file."""
    write_picture(tmp_path / "a.png")
    write_json(tmp_path / "a.json", labelme("a.png", ("nerve", NERVE)))
    dataset = open_dataset(tmp_path)
    write_json(tmp_path / "a.json", labelme("a.png", ("nerv", NERVE)))
    with pytest.raises(UnreadableFileError, match=r"shape 1.*did you mean 'nerve'"):
        read_labels(dataset, dataset.samples[0], "reference")
