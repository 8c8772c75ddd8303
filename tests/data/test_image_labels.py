from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import LayoutError, SizeMismatchError, UnreadableFileError
from delineate.data.image_labels import image_labels
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.files.mask_encoding import MaskEncoding


def write(path, values):
    """An 8-bit grey PNG of these values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path)


@pytest.fixture
def drawn(tmp_path):
    """Five images with masks: nothing, one pixel, two classes, unknown pixels alone, a corner."""
    masks = {name: np.zeros((6, 8), np.uint8) for name in ("a", "b", "c", "d", "e")}
    masks["b"][3, 4] = 1
    masks["c"][0, :2] = (1, 2)
    masks["d"][2:4] = 255
    masks["e"][5, 7] = 2
    for name, mask in masks.items():
        write(tmp_path / "data" / "images" / f"{name}.png", np.full((6, 8), 90))
        write(tmp_path / "data" / "masks" / f"{name}.png", mask)
    return open_dataset(tmp_path / "data", masks="index,ignore:255")


@pytest.fixture
def table(tmp_path):
    """A function that writes a CSV."""

    def make(text):
        path = tmp_path / "labels.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return make


def test_any_counted_pixel_of_a_class_is_something(drawn):
    """One pixel of any class is enough; pixels of which nothing is known are nothing."""
    assert image_labels(drawn, drawn.samples) == {
        "a": False,
        "b": True,
        "c": True,
        "d": False,
        "e": True,
    }


def test_a_broken_image_does_not_hide_what_its_mask_says(drawn, tmp_path):
    """Where the image has no size to compare, region and mask have to fit each other."""
    region = tmp_path / "region.png"
    write(region, np.full((6, 8), 255))
    samples = tuple(replace(s, region=region) if s.id == "b" else s for s in drawn.samples)
    dataset = replace(drawn, samples=samples)
    (drawn.root / "images" / "b.png").write_bytes(b"\x89PNG\r\n")
    (drawn.root / "images" / "a.png").write_bytes(b"")
    found = image_labels(dataset, dataset.samples)
    assert (found["a"], found["b"]) == (False, True)
    write(region, np.full((6, 7), 255))
    with pytest.raises(SizeMismatchError, match=r"region.png: expected the size of .*masks/b.png"):
        image_labels(dataset, dataset.samples)


def test_only_the_region_counts(drawn, tmp_path):
    """What is drawn outside the region of interest is not found there."""
    region = np.zeros((6, 8), np.uint8)
    region[:5] = 255
    write(tmp_path / "region.png", region)
    samples = tuple(replace(s, region=tmp_path / "region.png") for s in drawn.samples)
    found = image_labels(replace(drawn, samples=samples), samples)
    assert found == {"a": False, "b": True, "c": True, "d": False, "e": False}


def test_only_the_samples_asked_for_are_read(drawn):
    """A mask that nobody asks about may be broken."""
    drawn.samples[0].masks["reference"][0].write_bytes(b"broken")
    assert image_labels(drawn, drawn.samples[1:3]) == {"b": True, "c": True}


def test_unreadable_masks_are_named_and_counted(drawn):
    """The first broken mask is named, with how many more there are; none becomes absent."""
    for sample in drawn.samples[1:4]:
        sample.masks["reference"][0].write_bytes(b"broken")
    with pytest.raises(UnreadableFileError, match=r"masks/b\.png.*2 more images cannot be"):
        image_labels(drawn, drawn.samples)


def test_a_mask_of_another_size_is_refused(drawn):
    """A mask that does not fit its image labels nothing."""
    write(drawn.samples[0].masks["reference"][0], np.zeros((6, 9)))
    with pytest.raises(SizeMismatchError, match=r"a\.png"):
        image_labels(drawn, drawn.samples)


def test_masks_must_be_there(drawn):
    """An image without a mask is not taken for one with nothing in it."""
    samples = (replace(drawn.samples[0], masks={}), *drawn.samples[1:])
    with pytest.raises(LayoutError, match="1 of 5 images: expected a mask of observer reference"):
        image_labels(replace(drawn, samples=samples), samples)


def test_uneven_encodings_are_settled_as_elsewhere(drawn):
    """The observer's masks may hold 0 and 255; labels follow from the settled encoding."""
    for sample, value in zip(drawn.samples, (0, 255, 0, 255, 0), strict=True):
        write(sample.masks["reference"][0], np.full((6, 8), 0) + value * np.eye(6, 8))
    settled = settle_encodings(replace(drawn, encodings={}))
    assert settled.encodings == {"reference": MaskEncoding("binary")}
    assert list(image_labels(settled, settled.samples).values()) == [0, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("absent", "present"), [("0", "1"), ("no", "yes"), ("False", "TRUE"), ("absent", " Present ")]
)
def test_a_table_has_words_for_both(drawn, table, absent, present):
    """Each pair of words is understood in any case, with spaces around and a byte-order mark."""
    file = table(f"\ufeffid ; label;note\na;{absent};x\n\n b ;{present};\n")
    assert image_labels(drawn, drawn.samples[:2], labels_file=file) == {"a": False, "b": True}


def test_the_table_stands_above_the_masks(drawn, table):
    """Where a table is given masks are not read, and every sample that it names is labelled."""
    for sample in drawn.samples:
        sample.masks["reference"][0].unlink()
    file = table("id,label\na,1\nb,0\nc,0\n")
    assert image_labels(drawn, drawn.samples[:1], labels_file=file) == {"a": 1, "b": 0, "c": 0}


def test_images_alone_need_a_table(tmp_path, table):
    """A folder of images without masks works with a table, and says so without one."""
    for name in ("x", "y"):
        write(tmp_path / "data" / f"{name}.png", np.zeros((4, 4)))
    dataset = open_dataset(tmp_path / "data", layout="images")
    file = table("id,label\nx,yes\ny,no\n")
    assert image_labels(dataset, dataset.samples, labels_file=file) == {"x": True, "y": False}
    with pytest.raises(LayoutError, match=r"found images alone; give a CSV .* with --labels"):
        image_labels(dataset, dataset.samples)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,presence\na,1\n", r"expected the columns id, label, found id, presence; add label"),
        ("id,label,label\na,1,1\n", "found label twice"),
        ("id,label\n", "expected a row an image, found none"),
        ("id,label\na,1\n\nb,maybe\n", r"row 4: expected the label 0 or 1, .*, found 'maybe'"),
        ("id,label\na,\n", r"row 2: expected the label .*, found ''"),
        ("id,label\na,0.7\n", r"row 2: expected the label .*, found '0\.7'"),
        ("id,label\na,1\nb,0\na,1\n", "row 4: id a stands in row 2 already; remove one"),
        (
            "id,label\na,1\nz,0\ny,0\n",
            r"row 3: id 'z' is of no image, and so in 1 row more; .*a, b",
        ),
        (
            "id,label\na,1\nb,0\nc,0\n",
            "expected a label for each of 5 images, found none for d, e;",
        ),
        ("id,label\na,1,2\n", "row 2: expected 2 cells, found 3"),
    ],
)
def test_a_wrong_table_is_refused_by_row(drawn, table, text, message):
    """Each fault of a table is named with its row and what to do."""
    with pytest.raises(LayoutError, match=rf"labels\.csv.*{message}"):
        image_labels(drawn, drawn.samples, labels_file=table(text))


def test_a_missing_table_is_an_error(drawn, tmp_path):
    """A path that is not there is named."""
    with pytest.raises(LayoutError, match=r"nothing\.csv: no such file"):
        image_labels(drawn, drawn.samples, labels_file=tmp_path / "nothing.csv")
