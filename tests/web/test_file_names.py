"""Names that are fit for any disk, and no two of them alike."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from delineate.data.listing import stem
from delineate.web.results.file_names import file_names


@given(st.lists(st.one_of(st.text(max_size=200), st.text("1.a", max_size=6)), max_size=8))
def test_each_can_be_written_beside_the_others(tmp_path_factory, names: list[str]) -> None:
    """With what is added to it, on a disk that has no case."""
    files = file_names(names)
    assert len(files) == len(names)
    stems = [stem(file.name).casefold() for file in files]
    assert len(set(stems)) == len(names)
    folder = tmp_path_factory.getbasetemp()
    for file in files:
        assert file.name == str(file)
        assert not set('<>:"|?*\\/\0') & set(file.name)
        written = folder / f"{stem(file.name)}_mask_some_class.png"
        written.write_bytes(b"")
        written.unlink()


def test_names_that_repeat_are_numbered() -> None:
    """An ending stays; a number that is taken is passed over."""
    names = ["a.png", "A.tif", "b/a.dcm", "a_2.png", "1.2.840.1", "1.2.840.1"]
    expected = ["a.png", "A_2.tif", "a_3.dcm", "a_2_2.png", "1.2.840.1", "1_2_840_1_2"]
    assert file_names(names) == [Path(each) for each in expected]
