"""Tables of run lengths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from delineate.core.errors import UnreadableFileError
from delineate.core.overlapping import painted
from delineate.core.types import LabelClass
from delineate.files.drawn_objects import drawn_objects
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.run_length_tables import is_run_table, read_run_table

SIZE = (3, 2)
CLASSES = tuple(LabelClass(i, n, (i, 0, 0)) for i, n in enumerate(["background", "cup", "disc"]))


def write(folder: Path, text: str) -> Path:
    """A table with this content."""
    (folder / "t.csv").write_text(text, encoding="utf-8", newline="")
    return folder / "t.csv"


def read(path: Path, entry: str | None, kind: Any = "rle-nerve") -> list[Any]:
    """The objects of one image, by the way that all masks take."""
    return list(drawn_objects(path, MaskEncoding(kind), CLASSES, entry=entry, size=SIZE))


def test_the_three_headers_of_kaggle(tmp_path: Path) -> None:
    """Subject and number, number alone, and SIIM's with mark, spaces and Windows line ends."""
    nerve = write(tmp_path, "subject,img,pixels\n1,1,2 3 6 1\n1,2,\n")
    assert read(nerve, "1_1")[0].mask.tolist() == [[False, True], [True, False], [True, True]]
    assert read(nerve, "1_2") == []
    assert read(write(tmp_path, "img,pixels\n7,1 6\n"), "7")[0].mask.all()
    siim = write(tmp_path, "\ufeffImageId, EncodedPixels\r\na.1, 1 3 1 1\r\nb.2, -1\r\n")
    assert read(siim, "a.1", "rle-siim")[0].mask.sum() == 4
    assert read(siim, "b.2", "rle-siim") == []


def test_rows_of_one_image_are_objects(tmp_path: Path) -> None:
    """Several rows are several objects, and an empty one beside them is none."""
    file = write(tmp_path, "fname,mask\na,0 1\na,5 1\na,-1\n")
    assert [each.mask.sum() for each in read(file, "a", "rle-siim")] == [1, 1]


def test_a_column_of_classes(tmp_path: Path) -> None:
    """Classes by name or number; others are refused."""
    file = write(tmp_path, "ImageId,ClassId,EncodedPixels\na,disc,1 2\na,1,5 1\na,disc,\n")
    assert painted(read(file, "a"), SIZE).tolist() == [[2, 0], [2, 1], [0, 0]]
    assert read_run_table(file).class_names == ("disc", "1")
    for name in ("dics", "0", "3", "", "²"):
        other = write(tmp_path, f"ImageId,ClassId,EncodedPixels\nb,{name},1 2\n")
        with pytest.raises(UnreadableFileError, match="row 2: expected the name of a class"):
            read(other, "b")


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    """Runs of more letters than Python's csv allows at first are read."""
    runs = " ".join(f"{start} 1" for start in range(1, 80_000, 2))
    file = write(tmp_path, f"img,pixels\na,{runs}\n")
    assert len(runs) > 200_000
    encoding = MaskEncoding("rle-nerve")
    (one,) = drawn_objects(file, encoding, CLASSES, entry="a", size=(400, 200))
    assert one.mask.sum() == 40_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a header such as"),
        ("a,b\n1,2\n", "found 'a,b'; name the right file"),
        ("img,pixels\na,1 2,3\n", "row 2: expected 2 cells, found 3"),
        ("img,pixels\nb,1 2\n", "expected a row for 'a', found none"),
        ("img,pixels\na,1 2 3\n", "row 2: expected pairs of numbers"),
        ("img,pixels\na,1 7\n", "row 2: expected runs within the 6 pixels"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    """The file, the row and what was expected."""
    with pytest.raises(UnreadableFileError, match=message) as caught:
        read(write(tmp_path, text), "a")
    assert "t.csv: " in str(caught.value)


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    """A table in another encoding, and none at all."""
    (tmp_path / "t.csv").write_bytes(b"img,pixels\n\xff\xfe,1 2\n")
    with pytest.raises(UnreadableFileError, match="expected a CSV in UTF-8"):
        read(tmp_path / "t.csv", "a")
    with pytest.raises(UnreadableFileError, match="cannot be opened: No such file"):
        read(tmp_path / "none.csv", "a")


def test_headers_are_known_by_their_words() -> None:
    """In any case, with spaces or underscores; a table of image labels is none."""
    assert is_run_table(["ImageId", " EncodedPixels"])
    assert is_run_table(["image_id", "rle"])
    assert not is_run_table(["image", "label"])


def test_the_real_sample_decodes_within_bounds(shared_data: Path) -> None:
    """Five empty radiographs and five of one piece or more, each as large as its numbers say."""
    file = shared_data / "siim_rle" / "train-rle-sample.csv"
    table = read_run_table(file)
    areas = []
    for name, (row,) in table.rows.items():
        found = list(
            drawn_objects(file, MaskEncoding("rle-siim"), CLASSES, entry=name, size=(1024, 1024))
        )
        numbers = [int(word) for word in row.runs.split()]
        areas.append(sum(int(each.mask.sum()) for each in found))
        assert areas[-1] == (sum(numbers[1::2]) if numbers != [-1] else 0)
    assert sorted(areas) == [0, 0, 0, 0, 0, 2071, 2486, 5232, 9418, 29079]
    assert np.all([row.runs == row.runs.strip() for rows in table.rows.values() for row in rows])


def test_image_and_class_in_one_cell(tmp_path: Path) -> None:
    """`Image_Label` holds both, parted by the last underscore; an empty row draws nothing."""
    file = write(tmp_path, "Image_Label,EncodedPixels\na_1.jpg_disc,1 2\na_1.jpg_cup,\n")
    table = read_run_table(file)
    assert list(table.rows) == ["a_1.jpg"]
    assert table.class_names == ("disc", "cup")
    assert table.has_classes
