"""A legend below a picture, in the picture itself: colours and names, over none of its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE, LabelClass, Labels
from delineate.report.display import Rgb
from delineate.report.overlays import IGNORED_COLOUR, LegendEntry

PAPER, INK, EDGE = (255, 255, 255), (27, 30, 33), (128, 128, 128)
_SMALLEST_TEXT_PX, _LARGEST_TEXT_PX = 12, 40


def with_legend(picture: Rgb, entries: Sequence[LegendEntry], *, title: str = "") -> Rgb:
    """The picture, unchanged, with a white strip below that names the colours.

    Entries run on over as many lines as they need, below an optional title. A picture that is
    narrower than the longest of them gets a white margin on its right.
    """
    if not entries and not title:
        return picture
    height, width = picture.shape[:2]
    text_px = int(np.clip(width / 48, _SMALLEST_TEXT_PX, _LARGEST_TEXT_PX))
    font = _font(text_px)
    gap, line_px = text_px, round(text_px * 1.6)
    lengths = [text_px + text_px // 2 + round(font.getlength(one.words)) for one in entries]
    needed = max([*lengths, round(font.getlength(title))]) + 2 * gap
    whole = max(width, needed)
    places, line, along = [], 1 if title else 0, gap
    for length in lengths:
        if along > gap and along + length + gap > whole:
            line, along = line + 1, gap
        places.append((along, line))
        along += length + 2 * gap
    lines = (places[-1][1] if places else 0) + 1
    strip = PillowImage.new("RGB", (whole, lines * line_px + gap), PAPER)
    pen = ImageDraw.Draw(strip)
    if title:
        pen.text((gap, gap / 2 + line_px / 2), title, fill=INK, font=font, anchor="lm")
    for entry, (left, row) in zip(entries, places, strict=True):
        middle = gap / 2 + (row + 0.5) * line_px
        box = (left, middle - text_px / 2, left + text_px, middle + text_px / 2)
        pen.rectangle(box, fill=PAPER if entry.has_stripes else entry.colour, outline=EDGE)
        if entry.has_stripes:
            for reach in (text_px / 2, text_px):
                ends = (left, middle - text_px / 2 + reach, left + reach, middle - text_px / 2)
                pen.line(ends, fill=entry.colour, width=max(1, text_px // 8))
        pen.text((left + 1.5 * text_px, middle), entry.words, fill=INK, font=font, anchor="lm")
    result = np.full((height + strip.height, whole, 3), 255, np.uint8)
    result[:height, :width] = picture
    result[height:] = np.asarray(strip)
    return result


def entries_of(
    classes: Sequence[LabelClass], *labels: Labels, is_overlapping: bool = False
) -> list[LegendEntry]:
    """The classes but the background that these labels hold, and what is not counted."""
    entries = [
        LegendEntry(one.colour, one.name)
        for one in classes
        if one.index != 0
        and any(is_class(each, one.index, is_overlapping=is_overlapping).any() for each in labels)
    ]
    if any((each == IGNORE).any() for each in labels):
        entries.append(LegendEntry(IGNORED_COLOUR, "not counted", has_stripes=True))
    return entries


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and has the letters of most languages."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size_px)
