from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from delineate.core.errors import LayoutError
from delineate.core.types import IGNORE
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.files.coco import read_coco

from .annotated import box_mask, coco, write_json, write_picture

NERVE, VESSEL = (1, 1, 4, 4), (2, 3, 7, 9)
CATEGORIES = {7: "vessel", 3: "nerve"}


def official(root: Path, *, splits: tuple[str, ...] = ("train", "val")) -> Path:
    """`annotations/instances_SPLIT2017.json` and `SPLIT2017/`, a drawn and an empty image each."""
    for number, split in enumerate(splits):
        names = {10 * number + k: f"00000{number}{k}.jpg" for k in (1, 2)}
        for name in names.values():
            write_picture(root / f"{split}2017" / name)
        objects = [(10 * number + 1, 7, VESSEL), (10 * number + 1, 3, NERVE)]
        document = coco(names, objects, CATEGORIES)
        write_json(root / "annotations" / f"instances_{split}2017.json", document)
    return root


def test_the_official_folders(tmp_path: Path) -> None:
    """Splits come from the JSON's names, classes from categories by number, later objects above."""
    dataset = open_dataset(official(tmp_path))
    assert dataset.layout == "coco"
    assert dataset.has_instances
    assert [c.name for c in dataset.classes] == ["background", "nerve", "vessel"]
    assert [(s.id, s.split, s.entry) for s in dataset.samples] == [
        ("0000001", "train", "1"),
        ("0000002", "train", "2"),
        ("0000011", "validation", "11"),
        ("0000012", "validation", "12"),
    ]
    expected = np.where(box_mask(NERVE), 1, np.where(box_mask(VESSEL), 2, 0))
    np.testing.assert_array_equal(read_labels(dataset, dataset.samples[0], "reference"), expected)
    assert not read_labels(dataset, dataset.samples[1], "reference").any()


def test_other_official_files_are_passed_over(tmp_path: Path) -> None:
    """Points of persons have masks too, captions have none, test images are only named."""
    root = official(tmp_path)
    persons = coco({1: "0000001.jpg"}, [(1, 3, NERVE)], {3: "person"})
    write_json(root / "annotations" / "person_keypoints_train2017.json", persons)
    captions = {
        **coco({1: "0000001.jpg"}, [], {}),
        "annotations": [{"image_id": 1, "caption": "x"}],
    }
    write_json(root / "annotations" / "captions_train2017.json", captions)
    write_picture(root / "test2017" / "9.jpg")
    listed = coco({9: "9.jpg"}, [], CATEGORIES)
    del listed["annotations"]
    write_json(root / "annotations" / "image_info_test2017.json", listed)
    dataset = open_dataset(root)
    assert [c.name for c in dataset.classes[1:]] == ["nerve", "vessel"]
    assert [(s.id, s.split, bool(s.masks)) for s in dataset.samples][-1] == ("9", "test", False)


@pytest.mark.parametrize("parts", ["train valid test", "train test"])
def test_a_json_beside_its_images(tmp_path: Path, parts: str) -> None:
    """Roboflow keeps `_annotations.coco.json` in the folder of each split, with equal names."""
    for split in parts.split():
        write_picture(tmp_path / split / "a.jpg")
        document = coco({0: "a.jpg"}, [(0, 3, NERVE)], {0: "cells", 3: "nerve"})
        write_json(tmp_path / split / "_annotations.coco.json", document)
    dataset = open_dataset(tmp_path)
    words = {"valid": "validation"}
    assert [(s.id, s.split) for s in dataset.samples] == [
        (f"{split}_a", words.get(split, split)) for split in parts.split()
    ]
    for sample in dataset.samples:
        assert sample.masks["reference"][0].parent == sample.image.parent
        assert read_labels(dataset, sample, "reference").max() == 2


@pytest.mark.parametrize("name", ["images/a.png", "images\\a.png", "/data/upload/7/a.png", "a.png"])
def test_images_are_found_however_they_are_named(tmp_path: Path, name: str) -> None:
    """`result.json` beside `images/`, as annotation programs export it."""
    picture = write_picture(tmp_path / "images" / "a.png")
    write_json(tmp_path / "result.json", coco({0: name}, [(0, 3, NERVE)], CATEGORIES))
    (sample,) = open_dataset(tmp_path).samples
    assert sample.image == picture


def test_of_equal_names_the_path_decides(tmp_path: Path) -> None:
    """Two folders hold an a.png: the one that the JSON names is meant."""
    for folder in ("first", "second"):
        write_picture(tmp_path / folder / "a.png")
    write_json(tmp_path / "all.json", coco({0: "second/a.png"}, [(0, 3, NERVE)], CATEGORIES))
    drawn = [s for s in open_dataset(tmp_path).samples if s.masks]
    assert [s.image.parent.name for s in drawn] == ["second"]


def test_missing_images_are_told(tmp_path: Path) -> None:
    """A part of the images is enough; the others are counted."""
    root = official(tmp_path)
    (root / "val2017" / "0000012.jpg").unlink()
    dataset = open_dataset(root)
    assert len(dataset.samples) == 3
    assert dataset.notes == ("no image for 1 of those in the JSON: 0000012.jpg",)


def test_colours_of_categories(tmp_path: Path) -> None:
    """Colours are taken where each class has one of its own."""
    write_picture(tmp_path / "a.png")
    document = coco({0: "a.png"}, [(0, 3, NERVE)], CATEGORIES)
    for category, colour in zip(document["categories"], ([1, 2, 3], [4, 5, 6]), strict=True):
        category["color"] = colour
    write_json(tmp_path / "a.json", document)
    assert [c.colour for c in open_dataset(tmp_path).classes[1:]] == [(4, 5, 6), (1, 2, 3)]


def test_the_heading_of_all_categories_is_no_class(tmp_path: Path) -> None:
    """Roboflow lists the project as category 0, above all others; drawn, it is one."""
    write_picture(tmp_path / "a.jpg")
    document = coco({0: "a.jpg"}, [(0, 1, NERVE)], {0: "project", 1: "nerve", 2: "vessel"})
    for row, above in zip(document["categories"], ("none", "project", "project"), strict=True):
        row["supercategory"] = above
    path = write_json(tmp_path / "_annotations.coco.json", document)
    dataset = open_dataset(tmp_path)
    assert [c.name for c in dataset.classes] == ["background", "nerve", "vessel"]
    assert dataset.notes == (
        "no class, for it is the heading of all others and never drawn: project",
    )
    assert read_labels(dataset, dataset.samples[0], "reference").max() == 1
    document["annotations"][0]["category_id"] = 0
    write_json(path, document)
    names = [c.name for c in open_dataset(tmp_path).classes[1:]]
    assert names == ["project", "nerve", "vessel"]


def test_a_heading_of_the_same_name_leaves_the_class(tmp_path: Path) -> None:
    """A project of one class that is called like it."""
    write_picture(tmp_path / "a.jpg")
    document = coco({0: "a.jpg"}, [(0, 1, NERVE)], {0: "nerve", 1: "nerve"})
    for row, above in zip(document["categories"], ("none", "nerve"), strict=True):
        row["supercategory"] = above
    write_json(tmp_path / "_annotations.coco.json", document)
    dataset = open_dataset(tmp_path)
    assert [c.name for c in dataset.classes] == ["background", "nerve"]
    assert not dataset.notes
    assert read_labels(dataset, dataset.samples[0], "reference").max() == 1


def test_two_files_for_one_image_are_refused(tmp_path: Path) -> None:
    """Which of them counts cannot be known."""
    write_picture(tmp_path / "a.png")
    for name in ("first", "second"):
        write_json(tmp_path / f"{name}.json", coco({0: "a.png"}, [(0, 3, NERVE)], CATEGORIES))
    with pytest.raises(LayoutError, match=r"a\.png: expected one JSON .* first\.json and second"):
        open_dataset(tmp_path)


def test_boxes_alone_are_no_masks(tmp_path: Path) -> None:
    """A JSON of boxes makes no layout, for nothing in it can be trained on."""
    write_picture(tmp_path / "a.png")
    document = coco({0: "a.png"}, [(0, 3, NERVE)], CATEGORIES)
    document["annotations"] = [{"id": 1, "image_id": 0, "category_id": 3, "bbox": [1, 1, 3, 3]}]
    write_json(tmp_path / "boxes.json", document)
    with pytest.raises(LayoutError, match=r"nothing here is drawn in boxes\.json"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"images": 3, "annotations": [], "categories": []},
        {"images": [{"id": "x"}], "annotations": [], "categories": []},
        {"images": [], "annotations": [{"image_id": 5}], "categories": []},
        {"images": [{"id": 1, "file_name": 7}], "annotations": [], "categories": [None]},
    ],
)
def test_other_json_is_not_coco(tmp_path: Path, document: Any) -> None:
    """JSON that only begins like COCO's is passed over, and named."""
    write_picture(tmp_path / "a.png")
    write_json(tmp_path / "x.json", document)
    with pytest.raises(LayoutError, match=r"nothing here is drawn in x\.json"):
        open_dataset(tmp_path)


def test_objects_that_overlap_may_be_declared(tmp_path: Path) -> None:
    """With the declaration a pixel has both classes, without it the later one."""
    root = official(tmp_path)
    dataset = open_dataset(root, overlapping=True)
    labels = read_labels(dataset, dataset.samples[0], "reference")
    both = box_mask(NERVE) & box_mask(VESSEL)
    assert both.any()
    assert (labels[both] == 0b11).all()
    assert (labels[box_mask(NERVE) & ~both] == 0b01).all()


def _real(shared_data: Path, layout: str | None) -> Any:
    return open_dataset(shared_data / "coco_panoptic", layout=layout)


def test_panoptic_and_detection_files_agree(shared_data: Path) -> None:
    """In COCO's own sample both hold the same labels, but that one knows what is void.

    Pixels of no segment are unknown in the panoptic form, and background in the other.
    """
    panoptic, instances = _real(shared_data, "coco-panoptic"), _real(shared_data, None)
    assert (panoptic.layout, instances.layout) == ("coco-panoptic", "coco")
    assert panoptic.classes == instances.classes
    assert [s.id for s in panoptic.samples] == [s.id for s in instances.samples]
    for one, other in zip(panoptic.samples, instances.samples, strict=True):
        segments = read_labels(panoptic, one, "reference")
        objects = read_labels(instances, other, "reference")
        np.testing.assert_array_equal(np.where(segments == IGNORE, 0, segments), objects)
        assert (objects == 0).mean() < 0.05


# pycocotools was built for NumPy 1, whose 2 warns of how it makes arrays.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_real_objects_are_those_of_the_coco_api(shared_data: Path) -> None:
    """Each class of the real sample covers what pycocotools paints of it."""
    from pycocotools import mask as api

    dataset = _real(shared_data, None)
    content = read_coco(dataset.samples[0].masks["reference"][0])
    for sample in dataset.samples:
        painted = np.zeros(read_labels(dataset, sample, "reference").shape, np.uint8)
        names = {c.name: c.index for c in dataset.classes}
        for row in content.annotations[int(sample.entry)]:
            runs = {**row["segmentation"], "counts": row["segmentation"]["counts"].encode()}
            name = content.categories[row["category_id"]]["name"]
            painted[api.decode(runs).astype(bool)] = names[name]
        np.testing.assert_array_equal(read_labels(dataset, sample, "reference"), painted)


def test_the_other_form_is_told(shared_data: Path) -> None:
    """Where there are panoptic files too, a note says how to read them."""
    notes = _real(shared_data, None).notes
    assert notes == ("also there, and read with --layout coco-panoptic: panoptic_examples.json",)


def test_points_of_persons_are_no_objects_beside_panoptic_files(tmp_path: Path) -> None:
    """Without the files of instances the panoptic ones are read, not what a few persons wear."""
    write_picture(tmp_path / "val2017" / "1.png")
    persons = coco({1: "1.png"}, [(1, 3, NERVE)], {3: "person"})
    path = write_json(tmp_path / "annotations" / "person_keypoints_val2017.json", persons)
    assert open_dataset(tmp_path).layout == "coco"
    panoptic = coco({1: "1.png"}, [], CATEGORIES)
    segments = [{"id": 5, "category_id": 3, "iscrowd": 0}]
    panoptic["annotations"] = [{"image_id": 1, "file_name": "1.png", "segments_info": segments}]
    write_json(path.with_name("panoptic_val2017.json"), panoptic)
    assert open_dataset(tmp_path).layout == "coco-panoptic"
