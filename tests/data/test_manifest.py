from __future__ import annotations

from dataclasses import replace

import pytest

from delineate.core.errors import LayoutError
from delineate.core.types import LabelClass
from delineate.data.manifest import read_manifest, write_manifest
from delineate.data.opening import open_dataset
from delineate.data.sample import Dataset, Sample
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


def _everything(root) -> Dataset:
    """A data set that uses all that a manifest can keep."""
    first, second = root / "masks/a_1.png", root / "masks/a_2.png"
    own = MaskEncoding("binary", label=2)
    return Dataset(
        root,
        "manifest",
        "a manifest of 2 rows",
        (
            Sample("a", root / "images/a.png", masks={"reference": (first, second)}, entry="7"),
            Sample("b", root / "images/b.png", masks={"reference": (root / "all.json",)}),
        ),
        {"reference": MaskEncoding("values", table="camvid")},
        classes=(
            LabelClass(0, "none", (0, 0, 0)),
            LabelClass(1, "unknown", (1, 2, 3)),
            LabelClass(2, 'left, "upper"', (9, 9, 9)),
        ),
        file_encodings={second: own, root / "all.json": MaskEncoding("coco")},
        has_instances=True,
        is_overlapping=True,
    )


def test_everything_travels(folder_of):
    """Entries, encodings of single files, classes of any name and kinds of data come back."""
    root = folder_of(["images/a.png", "images/b.png", "masks/a_1.png", "masks/a_2.png", "all.json"])
    dataset = _everything(root)
    write_manifest(dataset, root / "m.csv")
    again = read_manifest(root / "m.csv")
    assert again.samples == dataset.samples
    assert again.classes == dataset.classes
    assert again.encodings == {}
    assert again.file_encodings == {
        root / "masks/a_1.png": MaskEncoding("values", table="camvid"), **dataset.file_encodings,
    }  # fmt: skip
    assert (again.has_instances, again.is_overlapping) == (True, True)


def test_tables_of_values_and_offsets_travel(folder_of, tmp_path):
    """Files of an encoding are relative to the manifest; tables of the package stay names."""
    dataset = open_dataset(folder_of([*PLAIN, "v.csv", "o.csv"]))
    encoding = MaskEncoding(
        "values", table=str(dataset.root / "v.csv"), offsets=dataset.root / "o.csv"
    )
    dataset = replace(dataset, encodings={"reference": encoding})
    write_manifest(dataset, dataset.root / "m.csv")
    assert "values:v.csv,offsets:o.csv" in (dataset.root / "m.csv").read_text()
    moved = dataset.root.rename(tmp_path / "moved")
    again = read_manifest(moved / "m.csv").encodings["reference"]
    assert (again.table, again.offsets) == (str(moved / "v.csv"), moved / "o.csv")


def test_a_table_of_other_classes_is_not_written_over(folder_of):
    """What somebody else keeps in classes.csv stays; ours may be written again."""
    root = folder_of(["images/a.png", "images/b.png", "masks/a_1.png", "masks/a_2.png", "all.json"])
    (root / "classes.csv").write_text("name,r,g,b\nbackground,0,0,0\ncat,1,2,3\n")
    with pytest.raises(LayoutError, match="no other table of classes beside a new manifest"):
        write_manifest(_everything(root), root / "m.csv")
    (root / "classes.csv").unlink()
    for _ in range(2):
        write_manifest(_everything(root), root / "m.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,image,instances\nx,images/c.png,maybe\n", "row 2: expected yes, no or nothing"),
        (
            'id,image,overlapping\nx,images/c.png,yes\ny,"images/a, b.png",\n',
            "expected yes in every row of 'overlapping' or in none",
        ),
        (
            'id,image,mask,encoding\nx,images/c.png,"masks/a, b.png",binary|index|\n',
            "row 2: expected an encoding for each of 1 masks, found 2",
        ),
        (
            'id,image,mask,encoding\nx,images/c.png,"masks/a, b.png",values:gone.csv\n',
            r"row 2: no such file .*gone\.csv",
        ),
    ],
)
def test_wrong_kinds_are_refused(folder_of, text, message):
    """What cannot be meant is told with its row."""
    path = folder_of(PLAIN) / "m.csv"
    path.write_text(text)
    with pytest.raises(LayoutError, match=message):
        read_manifest(path)
