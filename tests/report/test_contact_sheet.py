"""The contact sheet."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from delineate.core.types import LabelClass, default_classes
from delineate.report.contact_sheet import (
    ContactItem,
    legible,
    longest_for,
    write_contact_sheet,
)

HOSTILE = '<script>alert("1")</script>&'


def item(name: str = "a", **changes: object) -> ContactItem:
    """A case with image and mask."""
    labels = np.zeros((40, 60), np.uint8)
    labels[10:20, 10:30] = 1
    values: dict[str, object] = {
        "id": name,
        "subject": "7",
        "split": "train",
        "caption": "40 x 60 px",
        "image": np.full((40, 60, 3), 90, np.uint8),
        "labels": labels,
        "problem": None,
    }
    return ContactItem(**(values | changes))  # type: ignore[arg-type]


def written(path: Path, items: list[ContactItem], **changes: object) -> str:
    """The text of a contact sheet of these cases."""
    values: dict[str, object] = {
        "title": "Set",
        "facts": [("Layout", "folders")],
        "notes": ["one note"],
        "classes": default_classes(2),
    }
    file = path / "inspect.html"
    assert write_contact_sheet(file, items=items, **(values | changes)) == file  # type: ignore[arg-type]
    return file.read_text(encoding="utf-8")


def test_image_mask_and_overlay_stand_beside_each_other(
    tmp_path: Path, faults: Callable[[str], list[str]]
) -> None:
    """Each case shows three embedded pictures with words, and the page has no fault."""
    text = written(tmp_path, [item("a"), item("b")])
    assert faults(text) == []
    assert len(re.findall(r'<img src="data:image/', text)) == 6
    for name in ("Image a", "Decoded mask of a", "Mask of a over its image"):
        assert f'alt="{name}"' in text
    assert "Layout" in text
    assert "one note" in text


def test_hostile_names_are_text(tmp_path: Path, faults: Callable[[str], list[str]]) -> None:
    """Markup in ids, subjects, captions, problems, facts, titles and classes stays text."""
    hostile = item(HOSTILE, subject=HOSTILE, split=HOSTILE, caption=HOSTILE, problem=HOSTILE)
    classes = (*default_classes(2), LabelClass(2, HOSTILE, (1, 2, 3)))
    text = written(
        tmp_path,
        [hostile],
        title=HOSTILE,
        facts=[(HOSTILE, HOSTILE)],
        notes=[HOSTILE],
        classes=classes,
    )
    assert faults(text) == []
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 10


def test_problems_are_shown_in_place_and_together(tmp_path: Path) -> None:
    """A case that cannot be read has its reason in place of its pictures, and in the list."""
    broken = item("b", image=None, labels=None, problem="b.tif: the file is cut short")
    text = written(tmp_path, [item("a"), broken])
    assert "1 of 2 cases has a problem" in text
    assert text.count("b.tif: the file is cut short") == 2
    assert len(re.findall("<img ", text)) == 3


def test_a_missing_mask_leaves_the_image(tmp_path: Path) -> None:
    """Without a decoded mask only the image is shown."""
    assert len(re.findall("<img ", written(tmp_path, [item("a", labels=None)]))) == 1


def test_a_mask_of_another_size_is_shown_without_overlay(tmp_path: Path) -> None:
    """Where sizes differ both are shown apart; nothing is stretched to fit."""
    small = item("a", labels=np.zeros((10, 10), np.uint8), problem="sizes differ")
    assert len(re.findall("<img ", written(tmp_path, [small]))) == 2


def test_unknown_subject_and_split_are_not_printed(tmp_path: Path) -> None:
    """None is never shown as a word."""
    text = written(tmp_path, [item("a", subject=None, split=None)])
    assert "None" not in text
    assert "subject" not in text.split("<main")[1]


def test_the_same_cases_give_the_same_page(tmp_path: Path) -> None:
    """The page has no date and no random part."""
    assert written(tmp_path, [item()]) == written(tmp_path, [item()])


def test_an_empty_set_is_a_page_too(tmp_path: Path, faults: Callable[[str], list[str]]) -> None:
    """No case at all still gives a whole page."""
    assert faults(written(tmp_path, [], classes=())) == []


@pytest.mark.parametrize(("count", "longest"), [(1, 640), (24, 640), (25, 448), (1000, 224)])
def test_pictures_get_smaller_with_their_number(count: int, longest: int) -> None:
    """A page of many cases embeds smaller pictures, so that it still opens."""
    assert longest_for(count) == longest


def test_foreground_stands_out_from_what_it_covers() -> None:
    """Orange is not drawn on orange: a single foreground takes the farthest known colour."""
    orange = np.zeros((40, 60, 3), np.uint8)
    orange[:] = (230, 159, 0)
    colour = legible([item(image=orange)], default_classes(2))[1].colour
    assert np.linalg.norm(np.subtract(colour, (230, 159, 0))) > 200
    several = default_classes(3)
    assert legible([item(image=orange)], several) == several


def test_sixteen_bit_grey_images_can_be_shown(tmp_path: Path) -> None:
    """A 16-bit image of one channel has its pictures, and the page says how it is shown."""
    image = np.linspace(0, 4000, 2400).astype(np.uint16).reshape(40, 60, 1)
    text = written(tmp_path, [item(image=image)])
    assert len(re.findall("<img ", text)) == 3
    assert "between their 0.5th and 99.5th percentile" in text
