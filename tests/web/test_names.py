"""Names as they are shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delineate.web.uploads.names import MOST_CHARACTERS, display_name

ANY = st.characters(codec=None, exclude_categories=[])
ODD = st.sampled_from("\0\r\n\t .\u202e\u2066\u200f\u200b\ufeff\ud800\u0308a\u00a0")


@given(st.text(ANY), st.sampled_from("/\\"), st.text(ODD) | st.text(ANY, max_size=400))
def test_any_name_is_fit_to_be_shown(folder: str, between: str, last: str) -> None:
    """Something, short, composed, without folders, controls, turns of direction or halves."""
    shown = display_name(folder + between + last)
    assert 0 < len(shown) <= MOST_CHARACTERS
    assert not set(shown) & set("/\\\0\r\n\t\u202e\u2066\u200f")
    assert all(unicodedata.category(each) not in ("Cc", "Cf", "Cs") for each in shown)
    assert unicodedata.is_normalized("NFC", shown)
    assert shown.strip() == shown
    shown.encode()
    assert display_name(shown) == shown


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (None, "image"),
        ("a/b\\c/", "c"),
        ("..", "image"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie: b"),
        ("u" * 200 + ".dicom", "u" * 113 + "….dicom"),
        ("u" * 200, "u" * 119 + "…"),
        ("scan\u202egnp.exe", "scangnp.exe"),
        ("a\u200b\ufeff\ud800b", "ab"),
        ("x." + "u" * 200, "x." + "u" * 117 + "…"),
        ("scan 3\u00a0\u2003.png", "scan 3 .png"),
    ],
)
def test_names_by_hand(sent: str | None, shown: str) -> None:
    """The last part of a path, with its ending where it is cut."""
    assert display_name(sent) == shown
