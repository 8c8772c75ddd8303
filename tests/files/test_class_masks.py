"""Masks of classes that overlap, a file each."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis.extra import numpy as arrays
from PIL import Image

from delineate.core.types import IGNORE, LabelClass, default_classes
from delineate.files.class_masks import class_words, read_class_masks, write_class_masks

CLASSES = default_classes(4)


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(arrays.arrays(np.uint8, (5, 7), elements={"min_value": 0, "max_value": 7}))
def test_codes_are_read_back(tmp_path, labels) -> None:
    """Every combination of classes comes back, pixel for pixel."""
    written = write_class_masks(tmp_path, "a", labels, CLASSES)
    assert [file.name for file in written] == [f"a_mask_class_{n}.png" for n in (1, 2, 3)]
    assert np.array_equal(read_class_masks(tmp_path, "a", CLASSES), labels)


def test_each_file_is_a_mask_of_its_class(tmp_path) -> None:
    """White where the class is, whatever else is there too."""
    write_class_masks(tmp_path, "a", np.array([[0, 1, 3, 2]], np.uint8), CLASSES)
    with Image.open(tmp_path / "a_mask_class_1.png") as picture:
        assert np.asarray(picture).tolist() == [[0, 255, 255, 0]]


def test_what_is_ignored_is_neither(tmp_path) -> None:
    """It has its own index in a palette, in the file of every class."""
    write_class_masks(tmp_path, "a", np.array([[0, 1, IGNORE]], np.uint8), CLASSES)
    for index in (1, 2, 3):
        with Image.open(tmp_path / f"a_mask_class_{index}.png") as picture:
            assert picture.mode == "P"
            assert np.asarray(picture).tolist() == [[0, int(index == 1), IGNORE]]


def test_a_missing_file_is_no_mask(tmp_path) -> None:
    """An absent class is not an empty one."""
    [first, *_] = write_class_masks(tmp_path, "a", np.zeros((2, 2), np.uint8), CLASSES)
    first.unlink()
    assert read_class_masks(tmp_path, "a", CLASSES) is None


def test_names_that_no_file_can_have_are_changed_and_stay_apart() -> None:
    """Slashes and doubles are replaced, and what is left empty is numbered."""
    names = ["none", "a/b", "a b", "A_B", "../..", "Öl"]
    classes = [LabelClass(n, name, (0, 0, 0)) for n, name in enumerate(names)]
    words = class_words(classes)
    assert words == {1: "a_b", 2: "a_b_2", 3: "A_B_3", 4: "class_4", 5: "Öl"}
