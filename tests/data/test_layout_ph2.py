from __future__ import annotations

import pytest

from delineate.core.errors import LayoutError
from delineate.data.opening import open_dataset

TOP = "PH2 Dataset images"


def _case(name: str) -> list[str]:
    return [
        f"{TOP}/{name}/{name}_Dermoscopic_Image/{name}.bmp",
        f"{TOP}/{name}/{name}_lesion/{name}_lesion.bmp",
    ]


def test_a_folder_a_lesion(folder_of):
    """Each image has the mask of its lesion; regions of colours and texts are passed over."""
    roi = f"{TOP}/IMD002/IMD002_roi/IMD002_R1_Label3.bmp"
    dataset = open_dataset(folder_of([*_case("IMD002"), *_case("IMD003"), roi, "Readme.txt"]))
    assert dataset.layout == "ph2"
    assert [(s.id, s.image.name, s.subject, s.split) for s in dataset.samples] == [
        ("IMD002", "IMD002.bmp", None, None),
        ("IMD003", "IMD003.bmp", None, None),
    ]
    assert [f.name for s in dataset.samples for f in s.masks["reference"]] == [
        "IMD002_lesion.bmp", "IMD003_lesion.bmp",
    ]  # fmt: skip
    assert dataset.notes == ("left out, for they are regions of colours: 1 file",)


def test_a_lesion_without_its_mask(folder_of):
    """An image whose mask is not there has none, and is kept."""
    dataset = open_dataset(folder_of([*_case("IMD002"), _case("IMD003")[0]]))
    assert [bool(s.masks) for s in dataset.samples] == [True, False]
    assert not dataset.notes


def test_other_folders_are_not_taken_for_it(folder_of):
    """A folder of another name beside makes it something else, and so do images alone."""
    root = folder_of([*_case("IMD002"), "more/a.bmp"])
    with pytest.raises(LayoutError, match="not the layout ph2"):
        open_dataset(root, layout="ph2")
    (root / "more/a.bmp").unlink()
    (root / _case("IMD002")[1]).unlink()
    with pytest.raises(LayoutError, match="not the layout ph2"):
        open_dataset(root, layout="ph2")
