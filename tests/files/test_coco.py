"""COCO JSON: instances, panoptic segments, and what is written."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as coco
from pycocotools.coco import COCO

from delineate.core.errors import DelineateError, SizeMismatchError, UnreadableFileError
from delineate.core.overlapping import coded, painted
from delineate.core.types import IGNORE, LabelClass
from delineate.files.coco_writing import CocoWriter, PlacedObject
from delineate.files.drawn_objects import drawn_objects
from delineate.files.mask_encoding import MaskEncoding

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
SIZE = (12, 15)
CLASSES = tuple(LabelClass(i, n, (i, 0, 0)) for i, n in enumerate(["background", "cup", "disc"]))
SQUARE = [2, 3, 6, 3, 6, 9, 2, 9]  # 4 wide, 6 high


def annotation(**more: Any) -> dict[str, Any]:
    """A square of category 7, called disc."""
    return {"id": 1, "image_id": 5, "category_id": 7, "segmentation": [SQUARE], "iscrowd": 0} | more


def write(folder: Path, *annotations: dict[str, Any], **more: Any) -> Path:
    """A COCO file of one image, number 5, and these annotations."""
    document = {
        "images": [{"id": 5, "file_name": "eye.png", "height": SIZE[0], "width": SIZE[1]}],
        "categories": [{"id": 7, "name": "disc"}, {"id": 3, "name": "cup"}],
        "annotations": list(annotations),
    }
    (folder / "instances_val.json").write_text(json.dumps(document | more))
    return folder / "instances_val.json"


def read(path: Path, entry: str | None = "5", kind: Any = "coco") -> list[Any]:
    """Its objects, by the way that all masks take."""
    return list(drawn_objects(path, MaskEncoding(kind), CLASSES, entry=entry, size=SIZE))


def test_polygons_and_run_lengths_of_one_object_agree(tmp_path: Path) -> None:
    """Rings, lists and compressed text are the same mask, of the class of the category's name."""
    truth = np.zeros(SIZE, np.uint8)
    truth[3:9, 2:6] = 1
    text = coco.encode(np.asfortranarray(truth))["counts"].decode()
    for segmentation in (
        [SQUARE],
        {"size": list(SIZE), "counts": [27, 6, 6, 6, 6, 6, 6, 6, 111]},
        {"size": list(SIZE), "counts": text},
    ):
        (one,) = read(write(tmp_path, annotation(segmentation=segmentation)))
        assert (one.mask == truth).all()
        assert (one.label, one.is_crowd) == (2, False)


def test_images_are_found_by_number_and_by_name(tmp_path: Path) -> None:
    """An image without annotations has no objects; one that is not listed is an error."""
    file = write(tmp_path, annotation(iscrowd=1))
    assert len(read(file, "5")) == len(read(file, "eye.png")) == 1
    assert read(file)[0].is_crowd
    assert read(write(tmp_path)) == []
    for entry in ("6", "nose.png", None, "", "٥", "9" * 99):
        with pytest.raises(UnreadableFileError, match="expected an image called"):
            read(file, entry)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"segmentation": []}, "annotation 1 of image 5: expected a segmentation.*boxes alone"),
        ({"segmentation": None}, "boxes alone draw no mask"),
        ({"segmentation": [[1, 2, 3]]}, "rings of finite numbers"),
        ({"segmentation": [[1, 2, 3, 4]]}, "three points or more, found one of 2"),
        ({"segmentation": [[1, 2, 3, float("inf"), 1, 1]]}, "rings of finite numbers"),
        ({"segmentation": [3]}, "expected a list, found 3"),
        ({"segmentation": [[0, 0, 1e12, 0, 1e12, 1e12]]}, "in or near the image"),
        ({"segmentation": {"counts": [180]}}, "expected 'size', found none"),
        ({"segmentation": {"size": [12, 15], "counts": [179]}}, "run lengths of 180 pixels"),
        ({"segmentation": {"size": [12, 15]}}, "expected run lengths as text or as a list"),
        ({"category_id": 4}, "a category_id that 'categories' lists, found 4"),
        ({"category_id": True}, "expected a whole number, found True"),
        ({"image_id": 6}, "expected the image_id of one of the 1 images, found 6"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, broken: dict[str, Any], message: str) -> None:
    """File, annotation and what was expected, in one line."""
    with pytest.raises(UnreadableFileError, match=message) as caught:
        read(write(tmp_path, annotation(**broken)))
    assert str(caught.value).startswith(f"{tmp_path / 'instances_val.json'}: ")


def test_another_size_is_refused(tmp_path: Path) -> None:
    """The image's own, or that of single run lengths."""
    other = write(tmp_path, images=[{"id": 5, "height": 24, "width": 30}])
    with pytest.raises(SizeMismatchError, match="image 5: was drawn on an image of 24 x 30 px"):
        read(other)
    turned = annotation(segmentation={"size": [15, 12], "counts": [180]})
    with pytest.raises(
        SizeMismatchError, match=r"annotation 1 of image 5: was drawn on .* 15 x 12"
    ):
        read(write(tmp_path, turned))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Parts missing, ids twice and a class that the data set does not have."""
    file = tmp_path / "a.json"
    for text, message in [
        ("{}", "expected 'images', found none"),
        ('{"images": 3}', "'images': expected a list, found 3"),
        ('{"images": [{"id": 1}, {"id": 1}], "categories": []}', "found 1 twice"),
        ('{"images": [{"id": "a"}]}', "'images' 0: 'id': expected a whole number, found 'a'"),
    ]:
        file.write_text(text)
        with pytest.raises(UnreadableFileError, match=message):
            read(file)
    strange = write(tmp_path, annotation(), categories=[{"id": 7, "name": "disk"}])
    with pytest.raises(UnreadableFileError, match="found 'disk'; did you mean 'disc'"):
        read(strange)


KEYS = ["segmentation", "category_id", "image_id", "iscrowd", "id"]
loose = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(
        st.sampled_from(["size", "counts", "id", "name"]), inner, max_size=3),
)  # fmt: skip


@settings(QUICK, max_examples=60)
@given(row=st.dictionaries(st.sampled_from(KEYS), loose))
def test_any_annotation_is_a_mask_or_one_line(tmp_path: Path, row: dict[str, Any]) -> None:
    """Whatever it holds."""
    with suppress(DelineateError):
        assert all(each.mask.shape == SIZE for each in read(write(tmp_path, annotation() | row)))


def write_panoptic(folder: Path, numbers: np.ndarray, **more: Any) -> Path:
    """A panoptic file of segments 1 (cup) and 70000 (disc, a crowd), and its PNG."""
    segments = [
        {"id": 1, "category_id": 3, "iscrowd": 0},
        {"id": 70000, "category_id": 7, "iscrowd": 1},
    ]
    row = {"image_id": 5, "file_name": "eye.png", "segments_info": segments}
    (folder / "instances_val").mkdir(exist_ok=True)
    rgb = np.stack([numbers % 256, numbers // 256 % 256, numbers // 65536], axis=2)
    Image.fromarray(rgb.astype(np.uint8)).save(folder / "instances_val" / "eye.png")
    return write(folder, row | more)


def segment_numbers() -> np.ndarray:
    """Void, a cup of 6 pixels and a disc of 20."""
    numbers = np.zeros(SIZE, int)
    numbers[0:2, 0:3] = 1
    numbers[4:8, 5:10] = 70000
    return numbers


def test_panoptic_segments_are_colours(tmp_path: Path) -> None:
    """R + 256 G + 65536 B is the segment; what has none is to be ignored."""
    objects = read(write_panoptic(tmp_path, segment_numbers()), kind="coco-panoptic")
    found = [(each.label, int(each.mask.sum()), each.is_crowd) for each in objects]
    assert found == [(IGNORE, 154, False), (1, 6, False), (2, 20, True)]
    assert sum(each.mask.astype(int) for each in objects).max() == 1


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"file_name": "../eye.png"}, "the name of a PNG under 'file_name'"),
        ({"file_name": "nose.png"}, r"expected the PNG of the segments .* unpack them into"),
        ({"segments_info": []}, "found 2 in one of them only, such as 1 in the PNG"),
        ({"segments_info": [{"id": 9, "category_id": 3}]}, "found 3 in one of them only"),
        ({"segments_info": [{"category_id": 3}]}, "segment: expected 'id', found none"),
    ],
)
def test_a_panoptic_file_and_its_png_belong_together(
    tmp_path: Path, broken: dict[str, Any], message: str
) -> None:
    """A PNG elsewhere or missing, and segments that only one of them has, are named."""
    with pytest.raises(UnreadableFileError, match=message):
        read(write_panoptic(tmp_path, segment_numbers(), **broken), kind="coco-panoptic")


def test_a_panoptic_png_of_another_form_is_refused(tmp_path: Path) -> None:
    """Greys, another size, and no annotation at all."""
    file = write_panoptic(tmp_path, segment_numbers())
    png = tmp_path / "instances_val" / "eye.png"
    Image.fromarray(np.zeros(SIZE, np.uint8)).save(png)
    with pytest.raises(UnreadableFileError, match="three 8-bit channels"):
        read(file, kind="coco-panoptic")
    Image.fromarray(np.zeros((3, 3, 3), np.uint8)).save(png)
    with pytest.raises(SizeMismatchError, match="found 3 x 3"):
        read(file, kind="coco-panoptic")
    with pytest.raises(UnreadableFileError, match="expected one panoptic annotation, found 0"):
        read(write(tmp_path), kind="coco-panoptic")


@pytest.mark.parametrize("form", ["coco", "coco-polygons"])
@settings(QUICK, max_examples=60)
@given(cup=arrays(np.bool_, SIZE), disc=arrays(np.bool_, SIZE))
def test_both_forms_are_read_back(
    tmp_path: Path, form: Any, cup: np.ndarray, disc: np.ndarray
) -> None:
    """Two classes that overlap, with holes, in pieces or empty, are read back as they were."""
    writer = CocoWriter(CLASSES, form)
    writer.add("eye.png", SIZE, [PlacedObject(1, cup, score=0.5), PlacedObject(2, disc)])
    writer.write(tmp_path / "p.json")
    assert len(writer.annotations) == int(cup.any()) + int(disc.any())
    assert (coded(read(tmp_path / "p.json", "1"), SIZE) == cup + 2 * disc.astype(np.uint8)).all()


@pytest.mark.parametrize("form", ["coco", "coco-polygons"])
def test_pycocotools_reads_what_is_written(tmp_path: Path, form: Any) -> None:
    """Masks, boxes and areas are those that the COCO API finds by itself."""
    frame = np.zeros(SIZE, bool)
    frame[1:9, 2:12] = True
    frame[3:6, 4:7] = False
    writer = CocoWriter(CLASSES, form)
    writer.add("eye.png", SIZE, [PlacedObject(2, frame[1:, 1:13], (1, 1), 0.25)])
    writer.write(tmp_path / "p.json")
    theirs = COCO(str(tmp_path / "p.json"))
    (row,) = theirs.loadAnns(theirs.getAnnIds(imgIds=1))
    runs = theirs.annToRLE(row)
    assert (theirs.annToMask(row).astype(bool) == frame).all()
    assert row["area"] == coco.area(runs) == 71
    assert row["bbox"] == coco.toBbox(runs).tolist() == [2, 1, 10, 8]
    assert theirs.loadCats(2)[0]["name"] == "disc"
    assert theirs.loadRes(theirs.dataset["annotations"]).getAnnIds() == [1]


def test_panoptic_and_detection_of_the_real_sample_agree(shared_data: Path) -> None:
    """The same pixels and classes, but for void, which the detection form cannot tell."""
    folder = shared_data / "coco_panoptic" / "sample_data"
    panoptic = folder / "panoptic_examples.json"
    rows = json.loads(panoptic.read_text())
    names = ["background", *(row["name"] for row in rows["categories"])]
    classes = [LabelClass(index, name, (0, 0, 0)) for index, name in enumerate(names)]
    for image, void in zip(rows["images"], (2712, 7189), strict=True):
        size, entry = (image["height"], image["width"]), str(image["id"])
        segments, objects = (
            list(drawn_objects(folder / name, MaskEncoding(kind), classes, entry=entry, size=size))
            for name, kind in [
                ("panoptic_examples.json", "coco-panoptic"),
                ("panoptic_coco_detection_format.json", "coco"),
            ]
        )
        first, second = painted(segments, size), painted(objects, size)
        assert (first == IGNORE).sum() == void
        assert (first[first != IGNORE] == second[first != IGNORE]).all()
        assert not second[first == IGNORE].any()
        assert sorted(int(each.mask.sum()) for each in segments[1:]) == sorted(
            int(each.mask.sum()) for each in objects
        )
