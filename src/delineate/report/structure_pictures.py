"""The centre lines of vessels drawn in the colour of their width, with a scale below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from delineate.core.types import Image, Mask
from delineate.report.display import Rgb, to_rgb
from delineate.report.legend_strip import INK, PAPER, with_legend
from delineate.report.overlays import Colour, LegendEntry, find_palette
from delineate.structure.comparison import Comparison
from delineate.structure.measuring import Segment, Structure, point_table

# Small masks are enlarged until a line of two pixels is one that can be seen.
WANTED_PX, MOST_ENLARGED = 1600, 4
BACKDROP = 0.45
UNMEASURED = (150, 150, 150)
BRANCH, END = (255, 255, 255), (90, 200, 250)
# Widths above this share of all are drawn in the last colour: one odd place would darken all.
TOP_SHARE = 0.98
_STRIP_PX, _BAR_PX, _TEXT_PX, _MARGIN_PX = 52, 420, 18, 16
_BITS = 4
_PART = 1 << _BITS


@dataclass(frozen=True)
class WidthScale:
    """From no width to `top` px: the first colour to the last."""

    top: float

    def colours(self, widths: NDArray[np.float64]) -> NDArray[np.uint8]:
        """(N, 3) the colour of each width; grey where there is none."""
        from matplotlib import colormaps

        table = (colormaps["plasma"](np.linspace(0.12, 1.0, 256))[:, :3] * 255).astype(np.uint8)
        is_measured = np.isfinite(widths)
        at = np.clip(np.nan_to_num(widths) / self.top * 255, 0, 255).astype(np.intp)
        return np.where(is_measured[:, None], table[at], np.asarray(UNMEASURED)).astype(np.uint8)


def scale_of(structures: Sequence[Structure]) -> WidthScale:
    """One scale for several pictures, so that a colour means the same in all of them; in px."""
    widths = np.concatenate([np.empty(0), *(point_table(each).widths_px for each in structures)])
    widths = widths[np.isfinite(widths)]
    top = float(np.quantile(widths, TOP_SHARE)) if len(widths) else 1.0
    return WidthScale(max(1.0, float(np.ceil(top))))


def structure_picture(
    structure: Structure,
    mask: Mask,
    *,
    scale: WidthScale,
    title: str = "",
) -> Rgb:
    """Centre lines over the mask, and a legend below.

    Lines have the colour of the width there, and are grey where it could not be measured. A ring
    marks a branch point, a dot a free end, a cross a spot. The picture is enlarged by a whole
    number where it is small.
    """
    canvas, times = _enlarged(np.where(mask, np.uint8(70), np.uint8(12)))
    for segment in structure.segments:
        _draw_line(canvas, segment, scale.colours(segment.widths_px), times)
    _draw_marks(canvas, structure, times)
    drawn = np.vstack([canvas, _bar(canvas.shape[1], scale)])
    entries = (
        LegendEntry(UNMEASURED, "not measured"),
        LegendEntry(BRANCH, "ring: branch point"),
        LegendEntry(END, "dot: free end, cross: spot"),
    )
    return with_legend(drawn, entries, title=title)


def match_picture(
    comparison: Comparison,
    truth: Structure,
    prediction: Structure,
    *,
    image: Image,
    palette: str = "default",
    title: str = "",
) -> Rgb:
    """Centre lines of the truth that were met or missed, and false ones, and a legend below."""
    colours = find_palette(palette)
    grey = to_rgb(image).astype(np.float32).mean(axis=2) * BACKDROP
    canvas, times = _enlarged(grey.astype(np.uint8))
    false = ~comparison.is_true
    for number, segment in enumerate(prediction.segments):
        mine = comparison.prediction.segment == number
        _draw_line(canvas, segment, _painted(colours.false.colour, false[mine]), times, false[mine])
    for number, segment in enumerate(truth.segments):
        is_met = comparison.is_met[comparison.truth.segment == number]
        shades = np.where(is_met[:, None], colours.hit.colour, colours.missed.colour)
        _draw_line(canvas, segment, shades, times)
    entries = (
        LegendEntry(colours.hit.colour, "centre line in truth and prediction"),
        LegendEntry(colours.missed.colour, "missed: in the truth only"),
        LegendEntry(colours.false.colour, "false: in the prediction only"),
    )
    return with_legend(canvas, entries, title=title)


def _painted(colour: Colour, of: Mask) -> NDArray[np.int_]:
    return np.broadcast_to(np.asarray(colour), (len(of), 3))


def _enlarged(grey: NDArray[np.uint8]) -> tuple[Rgb, int]:
    """What lies below the lines, in colours and enlarged, and how many times."""
    times = int(np.clip(WANTED_PX // max(grey.shape), 1, MOST_ENLARGED))
    large = grey.repeat(times, axis=0).repeat(times, axis=1)
    return np.ascontiguousarray(large[..., None].repeat(3, axis=2)), times


def _draw_line(
    canvas: Rgb,
    segment: Segment,
    colours: NDArray[Any],
    times: int,
    shown: Mask | None = None,
) -> None:
    import cv2

    # Each point stands for a piece of the line: half a piece to either side of it.
    corners = _corners(segment.points, times)
    between = (corners[:-1] + corners[1:]) // 2
    starts, ends = np.vstack([corners[:1], between]), np.vstack([between, corners[-1:]])
    if segment.start == "loop":
        seam = (corners[0] + corners[-1]) // 2
        starts[0], ends[-1] = seam, seam
    thickness = max(1, round(times * 0.75))
    for at in range(len(corners)) if shown is None else np.flatnonzero(shown):
        colour = colours[at].tolist()
        for first, last in ((starts[at], corners[at]), (corners[at], ends[at])):
            cv2.line(canvas, first.tolist(), last.tolist(), colour, thickness, cv2.LINE_AA, _BITS)


def _draw_marks(canvas: Rgb, structure: Structure, times: int) -> None:
    import cv2

    size = max(times, 2)
    for place in _corners(structure.branch_points, times).tolist():
        cv2.circle(canvas, place, round(1.6 * size * _PART), BRANCH, 1, cv2.LINE_AA, _BITS)
    for place in _corners(structure.end_points, times).tolist():
        cv2.circle(canvas, place, round(0.6 * size * _PART), END, -1, cv2.LINE_AA, _BITS)
    for place in (_corners(structure.spots, times) // _PART).tolist():
        cv2.drawMarker(canvas, place, END, cv2.MARKER_TILTED_CROSS, 4 * size)


def _corners(places: NDArray[np.float64], times: int) -> NDArray[np.int32]:
    """(column, row) of the enlarged picture in parts of a pixel, as OpenCV takes them."""
    enlarged = (places[:, ::-1] + 0.5) * times - 0.5
    return np.rint(enlarged * _PART).astype(np.int32)


def _bar(width_px: int, scale: WidthScale) -> Rgb:
    """A strip with the colours of the scale and the widths that they stand for."""
    strip = Pillow.new("RGB", (width_px, _STRIP_PX), PAPER)
    pen, font = ImageDraw.Draw(strip), ImageFont.load_default(_TEXT_PX)
    bar_px = max(1, min(_BAR_PX, width_px - 2 * _MARGIN_PX - 3 * _TEXT_PX))
    colours = scale.colours(np.linspace(0, scale.top, bar_px))
    bar = np.ascontiguousarray(colours[None].repeat(14, axis=0))
    strip.paste(Pillow.fromarray(bar), (_MARGIN_PX, 8))
    ticks = MaxNLocator(nbins=5, integer=True).tick_values(0, scale.top)
    for value in [each for each in ticks if 0 <= each <= scale.top]:
        at = _MARGIN_PX + value / scale.top * (bar_px - 1)
        pen.line([(at, 22), (at, 27)], fill=INK)
        words = f"{value:g}" if value < scale.top else f"{value:g} and more"
        pen.text((at, 28), words, fill=INK, font=font, anchor="ma")
    pen.text((_MARGIN_PX + bar_px + _TEXT_PX, 6), "width in px", fill=INK, font=font)
    return np.asarray(strip)
