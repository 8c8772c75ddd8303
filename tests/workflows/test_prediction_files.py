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


def names(found) -> list[str | None] | None:
    """The names of the files, None for what is missing."""
    return None if found is None else [None if f is None else f.name for f in found.files]


def test_a_mask_of_all_classes_is_one_file(folder) -> None:
    """`_mask` comes before the bare name, and a case without a file has none."""
    found = prediction_files(folder("a_mask.png", "a.png"), CASES, CLASSES)
    assert names(found["a"]) == ["a_mask.png"]
    assert found["b"] is None


def test_several_classes_may_have_a_probability_map_each(folder) -> None:
    """All channels, background first; where one lacks they are no answer."""
    every = [f"a_prob_{n}.png" for n in range(3)]
    found = prediction_files(folder(*every, "a_mask.png", "b_prob_0.png"), CASES, CLASSES)
    assert names(found["a"]) == every
    assert found["a"].are_probabilities
    assert found["b"] is None


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
    assert names(found["a"]) == [Path(file).name for file in files]
    assert found["a"].are_probabilities == ("prob" in files[0].lower())


def test_a_missing_class_is_known(folder) -> None:
    """What is there and what is not are told apart; a mask of all classes is nobody's."""
    found = prediction_files(folder("a_mask_disc.png", "b_mask.png"), OVERLAPPING, CLASSES)
    assert names(found["a"]) == [None, "a_mask_disc.png"]
    assert [file.name for file in found["a"].present] == ["a_mask_disc.png"]
    assert found["b"] is None
