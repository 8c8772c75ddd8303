from __future__ import annotations

import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delineate.core.errors import UncertainMaskError, UnreadableFileError
from delineate.core.types import IGNORE, LabelClass, default_classes
from delineate.files.class_tables import (
    PACKAGED,
    read_class_table,
    read_colour_table,
    with_palette,
    write_class_table,
)
from delineate.files.mask_encoding import MaskEncoding, RawMask, decode

THREE = [("Animal", (64, 128, 64)), ("Car", (0, 0, 9)), ("Void", (0, 0, 0))]
FORMS = {
    "class_dict.csv": "name,r,g,b\n" + "".join(f"{n},{r},{g},{b}\n" for n, (r, g, b) in THREE),
    "semicolons.csv": "\ufeffClass Name;Red;Green;Blue\r\n"
    + "".join(f"{n};{r};{g};{b}\r\n" for n, (r, g, b) in THREE),
    "hex.csv": "label,colour\n"
    + "".join(f"{n},#{r:02x}{g:02x}{b:02X}\n" for n, (r, g, b) in THREE),
    "label_colors.txt": "".join(f"{r} {g} {b}\t\t{n}\n" for n, (r, g, b) in THREE),
    "labelmap.txt": "# label:color_rgb:parts:actions\n"
    + "".join(f"{n}:{r},{g},{b}::\n" for n, (r, g, b) in THREE),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_says_the_same(tmp_path: Path, name: str) -> None:
    """Names and colours are the same in whatever form; void is no class; there is a class 0."""
    (tmp_path / name).write_text(FORMS[name], encoding="utf-8")
    table = read_class_table(tmp_path / name)
    assert [(c.index, c.name, c.colour) for c in table.classes] == [
        (0, "unlabelled", (0, 0, 0)),
        (1, "Animal", (64, 128, 64)),
        (2, "Car", (0, 0, 9)),
    ]
    assert [row.index for row in table.rows] == [1, 2, IGNORE]


@pytest.mark.parametrize(
    ("text", "names", "values"),
    [
        ("__ignore__\n_background_\ncat\ndog\n", ["_background_", "cat", "dog"], [-1, 0, 1, 2]),
        ("_background_\ncat\n", ["_background_", "cat"], [0, 1]),
        ("sky\ncar\nvoid\n", ["unlabelled", "sky", "car"], [0, 1, 2]),
        ("0 background\n7 polyp\n", ["background", "polyp"], [0, 7]),
        ("Idx,Ratio,Name\n1,0.2,wall\n2,0.1,floor\n", ["unlabelled", "wall", "floor"], [1, 2]),
    ],
)
def test_names_alone(tmp_path: Path, text: str, names: list[str], values: list[int]) -> None:
    """Values are the places of names, from -1 where labelme's ignore stands first, or as said."""
    (tmp_path / "labels.txt").write_text(text)
    table = read_class_table(tmp_path / "labels.txt")
    assert [each.name for each in table.classes] == names
    assert [row.value for row in table.rows] == values
    assert len({each.colour for each in table.classes}) == len(names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file"),
        ("name,r,g,b\n", "header alone"),
        ("name,r,g,b\nsky,1,2\n", "row 2: expected a name and three numbers"),
        ("name,r,g,b\nsky,1,2,-3\n", "row 2: expected a name and three numbers"),
        ("name,r,g,b\nsky,1,2,1e9\n", "row 2: expected a name and three numbers"),
        ("name,r,g,b\nsky,1,2,99999999999999999999\n", "row 2: expected a name and three"),
        ("id,name\nx,sky\n", "row 2: expected a whole number from 0 to 65535"),
        ("id,name\n70000,sky\n", "row 2: expected a whole number from 0 to 65535"),
        ("id,name\n3,sky\n3,car\n", "rows 2 and 3 have the value 3"),
        ("void\n", "expected 1 to 253 classes .* found 0"),
        ("\n".join(map(str, ["x" + str(n) for n in range(300)])), "found 300"),
        ("a\0b\n", "bytes or lines that no table has"),
        ("x" * 5000, "bytes or lines that no table has"),
        ("class,name,red,green,blue\n0,a,0,0,0\n2,b,1,1,1\n", "the classes 0, 1, 2"),
    ],
)
def test_broken_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """What is wrong is said with its row, in one line."""
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UnreadableFileError, match=message) as caught:
        read_class_table(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)


def test_tables_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """Other bytes, a huge file, a folder and nothing at all give one line each."""
    (tmp_path / "latin.csv").write_bytes("name,r,g,b\nstraße,1,2,3".encode("latin-1"))
    (tmp_path / "huge.csv").write_bytes(b"a\n" * 600_000)
    for name, message in (
        ("latin.csv", "UTF-8"),
        ("huge.csv", "more than 1048576 bytes"),
        ("gone.csv", "cannot be read: No such file"),
        (".", "Is a directory"),
    ):
        with pytest.raises(UnreadableFileError, match=message):
            read_class_table(tmp_path / name)


def test_colours_must_be_there_and_differ(tmp_path: Path) -> None:
    """A table for colours has one a row, and no two classes share one; two rows of void may."""
    (tmp_path / "names.txt").write_text("background\ncat\n")
    with pytest.raises(UnreadableFileError, match="expected a colour for each class"):
        read_colour_table(tmp_path / "names.txt")
    (tmp_path / "same.csv").write_text("name,r,g,b\nsky,1,2,3\ncar,1,2,3\n")
    with pytest.raises(UnreadableFileError, match="'car' has the colour of 'sky'"):
        read_colour_table(tmp_path / "same.csv")
    (tmp_path / "fine.csv").write_text("name,r,g,b\nsky,1,2,3\nvoid,0,0,0\nignore,0,0,0\n")
    assert len(read_colour_table(tmp_path / "fine.csv").rows) == 3


def test_a_changed_table_is_read_again(tmp_path: Path) -> None:
    """What is remembered of a file ends when the file is written anew."""
    file = tmp_path / "t.txt"
    file.write_text("background\ncat\n")
    assert len(read_class_table(file).classes) == 2
    file.write_text("background\ncat\ndog\n")
    assert len(read_class_table(file).classes) == 3


NAMES = st.text(string.ascii_letters + string.digits + " ,;\"'_-/äß", min_size=1).filter(
    lambda name: name == name.strip() and len(name) < 100
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(NAMES | st.sampled_from(["void", "unknown", "none"]), min_size=2, unique=True))
def test_written_classes_read_back(tmp_path: Path, names: list[str]) -> None:
    """Numbers, names and colours survive, also where a name would mean something by itself."""
    classes = tuple(
        LabelClass(each.index, name, each.colour)
        for each, name in zip(default_classes(len(names)), names, strict=True)
    )
    file = tmp_path / "classes.csv"
    file.unlink(missing_ok=True)
    write_class_table(file, classes)
    assert read_class_table(file).classes == classes


def test_cityscapes_scores_nineteen() -> None:
    """Label and train ids give one class to one thing, and all that is not scored is unknown."""
    labels, train = (read_class_table(f"cityscapes-{kind}ids") for kind in ("label", "train"))
    assert labels.classes == train.classes
    assert len(labels.classes) == 20
    for number, each in enumerate(labels.classes[1:]):
        row = next(row for row in labels.rows if row.name == each.name)
        assert labels.lookup[row.value] == train.lookup[number] == each.index
    unknown = [row.value for row in labels.rows if row.index == IGNORE]
    assert unknown == [0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30, -1]


def test_pascal_colours_follow_the_rule() -> None:
    """The colours of VOC are those that its rule of bits makes of each number."""

    def of(number: int) -> tuple[int, int, int]:
        bits = [[number >> (3 * step + channel) & 1 for step in range(8)] for channel in range(3)]
        red, green, blue = (sum(b << (7 - n) for n, b in enumerate(own)) for own in bits)
        return red, green, blue

    table = read_class_table("voc")
    assert [each.colour for each in table.classes] == [of(n) for n in range(21)]
    assert table.is_plain
    assert table.rows[-1].colour == of(255)


def _raw(values: object, dtype: type = np.uint8) -> RawMask:
    return RawMask(np.array(values, dtype), None, False, "test")


def test_values_become_classes() -> None:
    """CamVid's sky is class 1, its void unknown; a strange value is refused by name."""
    encoding = MaskEncoding("values", table="camvid")
    assert decode(_raw([[0, 10, 11]]), encoding, path=Path("m")).tolist() == [[1, 11, IGNORE]]
    with pytest.raises(UncertainMaskError, match="the mask holds 12, which the table camvid"):
        decode(_raw([[0, 12]]), encoding, path=Path("m"))
    wide = decode(_raw([[0, 900]], np.uint16), MaskEncoding.parse("values:camvid,ignore:900"),
                  path=Path("m"))  # fmt: skip
    assert wide.tolist() == [[1, IGNORE]]


def test_minus_one_stands_for_255(tmp_path: Path) -> None:
    """A table that begins with labelme's ignore and has no background decodes 255 as unknown."""
    (tmp_path / "labels.txt").write_text("__ignore__\nsky\ncar\n")
    encoding = MaskEncoding("values", table=str(tmp_path / "labels.txt"))
    found = decode(_raw([[255, 0, 1]]), encoding, path=Path("m"))
    assert found.tolist() == [[IGNORE, 1, 2]]


@pytest.mark.parametrize("kind", ["binary", "threshold:9"])
def test_a_mask_draws_the_class_that_it_is_said_to(kind: str) -> None:
    """Two values and `class:3` are background and class 3, inverted and ignored ones too."""
    values = [[0, 255, 0]]
    found = decode(_raw(values), MaskEncoding.parse(f"{kind},class:3"), path=Path("m"))
    assert found.tolist() == [[0, 3, 0]]
    turned = decode(_raw(values), MaskEncoding.parse(f"{kind},invert,class:3"), path=Path("m"))
    assert turned.tolist() == [[3, 0, 3]]


def test_colours_of_a_palette_are_taken_where_they_tell_classes_apart() -> None:
    """Shades of grey, a black class, or one colour twice keep our own."""
    classes = default_classes(3)
    palette = np.zeros((256, 3), np.uint8)
    assert with_palette(classes, palette) == classes
    palette[1:3] = [(9, 200, 9), (200, 9, 9)]
    assert [c.colour for c in with_palette(classes, palette)][1:] == [(9, 200, 9), (200, 9, 9)]
    palette[2] = palette[1]
    assert with_palette(classes, palette) == classes
    palette[1:3] = [(90, 90, 90), (200, 200, 200)]
    assert with_palette(classes, palette) == classes
    assert with_palette(classes, None) == classes


def test_packaged_tables_open() -> None:
    """Every table that comes with the package is read, and another name lists them."""
    for name in PACKAGED:
        assert len(read_class_table(name).classes) > 10
    with pytest.raises(UnreadableFileError, match="or one of voc, camvid"):
        read_class_table("camvyd")
