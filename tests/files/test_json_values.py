"""JSON of others, asked for its parts."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Barrier, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.errors import UnreadableFileError
from delineate.files.json_values import (
    is_number,
    objects_in,
    parsed_once,
    part,
    points_in,
    read_json_object,
    said,
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[" * 100_000, b'{"a": ' * 100_000, b"\xff\xfe", b"nonsense", b"[1]", b"null",
     b'{"a": ' + b"9" * 5000 + b"}"],
)  # fmt: skip
def test_what_is_no_json_object_is_one_line(tmp_path: Path, content: bytes) -> None:
    """Half a file, deep nesting, other bytes, lists and endless numbers are our error."""
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"a\.json: expected a JSON") as caught:
        read_json_object(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    """As Windows programs write it."""
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json_object(tmp_path / "a.json") == {"a": 1}


def test_parts_are_of_the_type_that_is_expected() -> None:
    """A missing key, another type, and true for a number are told with their place."""
    with pytest.raises(UnreadableFileError, match="f: expected 'id', found none"):
        part({}, "id", int, "f")
    with pytest.raises(UnreadableFileError, match="f: 'id': expected a whole number, found True"):
        part({"id": True}, "id", int, "f")
    with pytest.raises(UnreadableFileError, match="'id': expected a text, found a list"):
        part({"id": []}, "id", str, "f")
    with pytest.raises(UnreadableFileError, match="f: 'rows' 1: expected an object, found 'x'"):
        objects_in({"rows": [{}, "x"]}, "rows", "f")


@given(value=anything)
def test_points_are_pairs_of_finite_numbers_or_an_error(value: object) -> None:
    """Whatever stands there."""
    try:
        points = points_in(value, "f")
    except UnreadableFileError:
        return
    assert all(is_number(x) and is_number(y) for x, y in points)


@given(value=anything)
def test_any_value_is_said_in_a_few_words(value: object) -> None:
    """No value makes an error long."""
    assert len(said(value)) <= 41


def test_infinities_are_no_numbers() -> None:
    """NaN, infinities, numbers beyond arrays and truth values are none."""
    assert not any(map(is_number, [float("nan"), float("inf"), 10**400, True, "1", None]))
    assert is_number(-3)
    assert is_number(0.5)


def test_a_file_is_parsed_once_until_it_changes(tmp_path: Path) -> None:
    """Threads at once share one reading; a new content is read anew; no file is our error."""
    file, calls, start = tmp_path / "a", [], Barrier(4)
    file.write_text("one")

    def parse(path: Path) -> str:
        calls.append(path)
        return path.read_text()

    def ask() -> None:
        start.wait()
        parsed_once(file, parse)

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    file.write_text("two")
    os.utime(file, ns=(1, 1))
    assert parsed_once(file, parse) == "two"
    assert len(calls) == 2
    file.unlink()
    with pytest.raises(UnreadableFileError, match="cannot be opened: No such file"):
        parsed_once(file, parse)
