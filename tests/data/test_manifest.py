from __future__ import annotations

from dataclasses import replace

import pytest

from delineate.core.errors import LayoutError
from delineate.data.manifest import read_manifest, write_manifest
from delineate.data.opening import open_dataset
from delineate.files.mask_encoding import MaskEncoding

DRIVE = [
    "training/images/21_training.tif",
    "training/1st_manual/21_manual1.gif",
    "training/mask/21_training_mask.gif",
    "test/images/01_test.tif",
    "test/1st_manual/01_manual1.gif",
    "test/2nd_manual/01_manual2.gif",
]
PLAIN = ["images/a, b.png", "images/c.png", "masks/a, b.png"]
PARTS = ["b (1).png", "b (1)_mask.png", "b (1)_mask_1.png"]


@pytest.mark.parametrize("names", [DRIVE, PLAIN, PARTS])
@pytest.mark.parametrize("place", ["manifest.csv", "deep/below/manifest.csv"])
def test_round_trip(folder_of, names, place):
    """What is written reads back the same, from any folder, with its encodings."""
    dataset = open_dataset(folder_of(names), masks="index,ignore:255")
    path = dataset.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    write_manifest(dataset, path)
    again = open_dataset(path)
    assert again.samples == dataset.samples
    assert again.encodings == dataset.encodings
    assert again.layout == "manifest"


def test_columns(folder_of):
    """One unnamed observer has the columns mask and encoding; paths are relative."""
    dataset = open_dataset(folder_of(PLAIN), masks="invert")
    write_manifest(dataset, dataset.root / "m.csv")
    lines = (dataset.root / "m.csv").read_text().splitlines()
    assert lines == [
        "id,subject,split,image,mask,region,encoding",
        '"a, b",,,"images/a, b.png","masks/a, b.png",,"binary,invert"',
        "c,,,images/c.png,,,",
    ]


def test_colour_table_travels(folder_of, tmp_path):
    """The file of a colour encoding is relative to the manifest, like every path."""
    dataset = open_dataset(folder_of([*PLAIN, "colours.csv"]))
    encoding = MaskEncoding("colours", colours_file=dataset.root / "colours.csv")
    dataset = replace(dataset, encodings={"reference": encoding})
    (dataset.root / "below").mkdir()
    write_manifest(dataset, dataset.root / "below/m.csv")
    assert "colours:../colours.csv" in (dataset.root / "below/m.csv").read_text()
    moved = dataset.root.rename(tmp_path / "moved")
    again = read_manifest(moved / "below/m.csv")
    assert again.encodings["reference"].colours_file == moved / "colours.csv"


def test_masks_on_the_command_line_win(folder_of):
    """--masks replaces the encoding of the manifest."""
    dataset = open_dataset(folder_of(PLAIN), masks="invert")
    write_manifest(dataset, dataset.root / "m.csv")
    again = open_dataset(dataset.root / "m.csv", masks="index")
    assert str(again.encodings["reference"]) == "index"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,image\nx,gone.png\n", r"row 2: no such file .*gone\.png"),
        ("id,image,mask\nx,images/c.png,gone.png\n", r"row 2: no such file .*gone\.png"),
        ("id,image\nx,images/c.png\nx,images/c.png\n", "row 3: id x stands there twice"),
        ("id,image\n,images/c.png\n", "row 2: expected an id"),
        ("id,image\nx,\n", "row 2: no such file"),
        ("id,image,split\nx,images/c.png,dev\n", "row 2: expected the split train, validation"),
        ("id,image,label\nx,images/c.png,1\n", "row 2: column 'label' is not known"),
        ("id,image,encoding@2\nx,images/c.png,index\n", "column 'encoding@2' is not known"),
        ("id,mask\nx,images/c.png\n", "expected the columns id, image, found id, mask; add image"),
        ("id,image\n", "expected a row for each image, found the header alone"),
        (
            "id,image,mask,encoding\nx,images/c.png,images/c.png,fuzzy\n",
            "row 2: unknown mask encoding 'fuzzy'",
        ),
        (
            "id,image,mask,encoding\nx,images/c.png,images/c.png,index\n"
            "y,images/c.png,images/c.png,invert\n",
            "row 3: expected one encoding for observer reference, found index before",
        ),
    ],
)
def test_errors_name_the_row(folder_of, text, message):
    """Whatever is wrong with a manifest, the error says where."""
    path = folder_of(PLAIN) / "m.csv"
    path.write_text(text)
    with pytest.raises(LayoutError, match=message):
        read_manifest(path)


def test_bar_in_a_name_is_refused(folder_of):
    """A path with the sign that parts masks cannot be written down."""
    dataset = open_dataset(folder_of(["images/a|b.png", "masks/a|b.png"]))
    with pytest.raises(LayoutError, match=r"expected no '\|' in a path"):
        write_manifest(dataset, dataset.root / "m.csv")
