from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.errors import DelineateError, SizeMismatchError, UnreadableFileError
from delineate.files.cropped_masks import is_offset_table, placed, read_offsets

LABELS = np.array([[1, 2], [0, 3]], np.uint8)


def _table(folder: Path, text: str) -> Path:
    file = folder / "offsets.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(("top", "left"), [(0, 0), (1, 2), (2, 3)])
def test_a_crop_comes_back_whole(tmp_path: Path, top: int, left: int) -> None:
    """What was cut out lies where it was cut, with background around it."""
    table = _table(tmp_path, f"mask,x,y\nm.png,{left},{top}\n")
    whole = placed(LABELS, Path("masks/m.png"), table, (4, 5))
    np.testing.assert_array_equal(whole[top : top + 2, left : left + 2], LABELS)
    assert whole.sum() == LABELS.sum()


def test_the_longest_name_counts(tmp_path: Path) -> None:
    """Masks of one name in two folders are told apart by their folders, in either slash."""
    table = read_offsets(_table(tmp_path, "mask,x,y\na/m.png,1,0\nb\\m.png,2,0\n"))
    assert [table.of(Path(f"/x/{k}/m.png")).left for k in "ab"] == [1, 2]  # type: ignore[union-attr]
    assert table.of(Path("/x/c/n.png")) is None


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("", UnreadableFileError, "found nothing"),
        ("mask,x\nm.png,1\n", UnreadableFileError, "expected the columns mask or image, x and y"),
        ("mask,x,y\nother.png,1,1\n", UnreadableFileError, "found none for m.png; add it"),
        ("mask,x,y\nm.png,1\n", UnreadableFileError, "row 2: expected more cells"),
        ("mask,x,y\nm.png,-1,0\n", UnreadableFileError, "row 2: expected a whole number .* '-1'"),
        ("mask,x,y\nm.png,nan,0\n", UnreadableFileError, "found 'nan'"),
        ("mask,x,y\nm.png,1.5,0\n", UnreadableFileError, "found '1.5'"),
        ("mask,x,y\nm.png,99999999999,0\n", UnreadableFileError, "found '99999999999'"),
        ("mask,x,y\nm.png,1,1\nm.png,2,1\n", UnreadableFileError, "row 3: expected one place"),
        ("mask,x,y,w,h\nm.png,1,1,2,3\n", SizeMismatchError, "3x2 px .* found 2x2"),
        ("mask,x,y\nm.png,4,0\n", SizeMismatchError, "from row 0 and column 4 on"),
        ("mask,x,y\nm.png,0,3\n", SizeMismatchError, "from row 3 and column 0 on"),
    ],
)
def test_wrong_tables_are_refused(
    tmp_path: Path, text: str, kind: type[DelineateError], message: str
) -> None:
    """A table that lacks a mask, or whose box does not fit, says so in one line."""
    with pytest.raises(kind, match=message) as caught:
        placed(LABELS, Path("m.png"), _table(tmp_path, text), (4, 5))
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    """A missing file and other bytes are told."""
    with pytest.raises(UnreadableFileError, match="cannot be read: No such file"):
        read_offsets(tmp_path / "gone.csv")
    (tmp_path / "b.csv").write_bytes(b"mask,x,y\n\xff\xfe,1,1\n")
    with pytest.raises(UnreadableFileError, match="in UTF-8"):
        read_offsets(tmp_path / "b.csv")


@given(st.text(max_size=80))
def test_any_header_is_looked_at(text: str) -> None:
    """Whatever a first line holds, it is an offset table or not."""
    assert is_offset_table(text.replace("\0", "").partition("\n")[0]) in (True, False)
