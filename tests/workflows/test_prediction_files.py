"""Which file of a folder is whose prediction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from delineate.core.types import LabelClass
from delineate.data.sample import Dataset, Sample
from delineate.workflows.prediction_files import prediction_files

CLASSES = tuple(LabelClass(n, name, (n, 0, 0)) for n, name in enumerate(["none", "Cup", "disc"]))
CASES = Dataset(Path(), "images", "", (Sample("a", Path("x/a.png")), Sample("b", Path("x/b.png"))))
OVERLAPPING = replace(CASES, is_overlapping=True)


@pytest.fixture
def folder(tmp_path):
    """A function that makes empty files of these names."""

    def make(*names: str) -> Path:
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return make


def names(files) -> list[str | None]:
    """The names of the files, None for what is missing."""
    return [None if file is None else file.name for file in files]


def test_a_mask_of_all_classes_is_one_file(folder) -> None:
    """`_mask` comes before the bare name, and a case without a file has none."""
    found = prediction_files(folder("a_mask.png", "a.png"), CASES, CLASSES)
    assert names(found["a"].masks) == ["a_mask.png"]
    assert found["a"].maps == ()
    assert found["b"] is None


def test_several_classes_may_have_a_probability_map_each(folder) -> None:
    """All channels, background first; where one lacks they are no answer."""
    every = [f"a_prob_{n}.png" for n in range(3)]
    found = prediction_files(folder(*every, "a_mask.png", "b_prob_0.png"), CASES, CLASSES)
    assert names(found["a"].maps) == every
    assert names(found["a"].masks) == ["a_mask.png"]
    assert found["b"] is None


def test_beside_a_map_only_what_is_called_a_mask_is_one(folder) -> None:
    """The bare name is often the image itself, and masks of some classes decide nothing."""
    found = prediction_files(folder("a_prob.png", "a.png"), CASES, CLASSES)
    assert names(found["a"].maps) == ["a_prob.png"]
    assert found["a"].masks == ()
    files = folder("b_prob_1.png", "b_prob_2.png", "b_mask_cup.png", "b_disc.png")
    found = prediction_files(files, OVERLAPPING, CLASSES)
    assert names(found["b"].maps) == ["b_prob_1.png", "b_prob_2.png"]
    assert found["b"].masks == ()
    found = prediction_files(folder("b_mask_disc.png"), OVERLAPPING, CLASSES)
    assert names(found["b"].masks) == ["b_mask_cup.png", "b_mask_disc.png"]


@pytest.mark.parametrize(
    "files",
    [
        ("a_mask_Cup.png", "a_mask_disc.png"),
        ("a_Cup.tif", "a_disc.png"),
        ("Cup/a.png", "disc/a.png"),
        ("a_prob_1.png", "a_prob_2.png"),
        ("A_PROB_CUP.npy", "a_prob_disc.npy"),
    ],
)
def test_classes_that_overlap_have_a_file_each(folder, files) -> None:
    """Beside each other or in folders, in the order of their indices."""
    found = prediction_files(folder(*files), OVERLAPPING, CLASSES)
    are_maps = "prob" in files[0].lower()
    assert names(found["a"].maps if are_maps else found["a"].masks) == [
        Path(file).name for file in files
    ]
    assert (found["a"].masks if are_maps else found["a"].maps) == ()


def test_a_missing_class_is_known(folder) -> None:
    """What is there and what is not are told apart; a mask of all classes is nobody's."""
    found = prediction_files(folder("a_mask_disc.png", "b_mask.png"), OVERLAPPING, CLASSES)
    assert names(found["a"].masks) == [None, "a_mask_disc.png"]
    assert found["b"] is None
