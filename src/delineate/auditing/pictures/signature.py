"""What is kept of a picture: block sums that bound distances, its shape, a thumbnail, facts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.types import Image, as_image

SIDE = 11  # odd, so that the cut lines are symmetric about the middle of any length
THUMB_SIDE_PX = 64
DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))

FACTS = np.dtype(
    [
        ("is_read", "?"),
        ("dtype", "u1"),  # place in DTYPES
        ("channels", "u1"),
        ("height", "<i4"),
        ("width", "<i4"),
        ("mean", "<f4"),  # of the grey levels, as the four that follow
        ("deviation", "<f4"),
        ("minimum", "<f4"),
        ("maximum", "<f4"),
        ("dark_share", "<f4"),  # within the lowest 2 % of the range
        ("saturated_share", "<f4"),  # at the type's, or else the picture's, largest value
        ("sharpness", "<f4"),  # step between neighbours over the deviation, on the box
        ("top", "<i4"),  # the content box: what even bars along the border leave
        ("left", "<i4"),
        ("bottom", "<i4"),
        ("right", "<i4"),
        ("digest", "u1", (32,)),  # SHA-256 of the file
    ]
)
"""One row a picture. All zero where it could not be read."""

_EVEN_SHARE = 0.05  # of the picture's range: what a bar may vary by, as after JPEG
_DARK_SHARE = 0.02
_MANY_PIXELS = 1 << 17
_LONG_PX = 2048  # longer sides: sums over everything before would take gigabytes


@dataclass(frozen=True)
class Look:
    """What one look at a picture leaves.

    `facts` is a row of `FACTS` without the digest, `sums` (121,) float32 as `block_sums`,
    `shape` (121,) float16 the means of 11 x 11 equal parts of the content box, of mean 0 and
    norm 1 (all 0 for a flat picture), `thumb` (64, 64) uint8 the content box made small: 8-bit
    levels as they are, others over the picture's own range.
    """

    facts: NDArray[np.void]
    sums: NDArray[np.float32]
    shape: NDArray[np.float16]
    thumb: NDArray[np.uint8]


@dataclass(frozen=True)
class ContentBox:
    """Rows from `top` to before `bottom`, columns from `left` to before `right`."""

    top: int
    left: int
    bottom: int
    right: int

    def of(self, grey: Image) -> Image:
        """The part of a picture that lies in the box; a view."""
        return grey[self.top : self.bottom, self.left : self.right]


def grey_levels(image: Image) -> Image:
    """(H, W) of the same type: the only channel, or the luminance of red, green and blue.

    Source:
        ITU-R BT.601, as OpenCV's COLOR_RGB2GRAY rounds it.
    """
    if image.shape[2] == 1:
        return image[..., 0]
    return as_image(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def look(image: Image) -> Look:
    """Everything that is kept of an (H, W, C) image, from one look at its pixels."""
    grey = as_image(np.ascontiguousarray(grey_levels(image)))
    box = content_box(grey)
    before = _sums_before(grey) if max(grey.shape) <= _LONG_PX else None
    shape, thumb = _resampled(grey, box, before)
    return Look(_facts(grey, image.shape[2], box), _block_sums(grey, before), shape, thumb)


def block_sums(grey: Image) -> NDArray[np.float32]:
    """(121,): sums of the grey levels over 11 x 11 blocks, row by row.

    The cut lines are whole pixels and symmetric, so that turning and flipping the picture
    turns and flips the grid. Exact before the rounding to float32 for whole numbers. A picture
    of fewer pixels than blocks along a side has blocks without pixels, of sum 0.
    """
    grey = as_image(np.ascontiguousarray(grey))
    return _block_sums(grey, _sums_before(grey) if max(grey.shape) <= _LONG_PX else None)


@lru_cache(maxsize=4096)
def cut_lines(length_px: int) -> NDArray[np.intp]:
    """(12,): where 11 parts of a side begin and end; `cut[i] == length - cut[11 - i]`.

    Examples:
        >>> cut_lines(20).tolist()
        [0, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 20]
    """
    first = np.arange((SIDE + 1) // 2) * length_px // SIDE
    return np.concatenate([first, length_px - first[::-1]])


def content_box(grey: Image) -> ContentBox:
    """The picture without even bars along its border; all of it where nothing else is there.

    A line belongs to a bar while its levels stay within 5 % of the picture's range of those
    of the outermost line: relative to the range, so that brightness and contrast change nothing.
    """
    height, width = grey.shape
    low, high, _, _ = cv2.minMaxLoc(grey)
    even = _EVEN_SHARE * (high - low)
    has_bar = [_is_even(line, even) for line in (grey[0], grey[-1], grey[:, 0], grey[:, -1])]
    top, bottom, left, right = 0, height, 0, width
    if has_bar[0] or has_bar[1]:
        lows, highs = _extremes(grey, 1)
        top = _bar(lows, highs, even) if has_bar[0] else 0
        bottom = height - (_bar(lows[::-1], highs[::-1], even) if has_bar[1] else 0)
    if has_bar[2] or has_bar[3]:
        lows, highs = _extremes(grey, 0)
        left = _bar(lows, highs, even) if has_bar[2] else 0
        right = width - (_bar(lows[::-1], highs[::-1], even) if has_bar[3] else 0)
    if top >= bottom or left >= right:
        return ContentBox(0, 0, height, width)
    return ContentBox(top, left, bottom, right)


def _is_even(line: Image, even: float) -> bool:
    # A few of its pixels tell most lines; all of them the rest.
    few = line[:: 1 + len(line) // 8].tolist()
    return max(few) - min(few) <= even and float(line.max()) - float(line.min()) <= even


def _extremes(grey: Image, axis: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lows, highs = grey.min(axis=axis), grey.max(axis=axis)
    return lows.astype(np.float64), highs.astype(np.float64)


def _bar(lows: NDArray[np.float64], highs: NDArray[np.float64], even: float) -> int:
    # How many lines from the first on lie within the tolerance of the first.
    outside = (highs - lows[0] > even) | (highs[0] - lows > even)
    return int(np.argmax(outside)) if outside.any() else len(lows)


def _facts(grey: Image, channels: int, box: ContentBox) -> NDArray[np.void]:
    low, high, _, _ = cv2.minMaxLoc(grey)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(grey))
    # 16-bit files often hold 10 or 12 bits, floats anything: their own range counts.
    bottom, top = (0.0, 255.0) if grey.dtype == np.uint8 else (low, high)
    darkest = grey.dtype.type(bottom + _DARK_SHARE * (top - bottom))
    # Of large pictures every other row tells shares well enough.
    rows = as_image(grey[:: 1 if grey.size < _MANY_PIXELS else 2])
    facts = np.zeros((), FACTS)
    facts["is_read"] = True
    facts["dtype"], facts["channels"] = DTYPES.index(grey.dtype), channels
    facts["height"], facts["width"] = grey.shape
    facts["mean"], facts["deviation"] = mean, deviation
    facts["minimum"], facts["maximum"] = low, high
    facts["dark_share"] = _share(rows <= darkest)
    facts["saturated_share"] = _share(rows >= grey.dtype.type(top)) if high >= top else 0
    facts["sharpness"] = _sharpness(box.of(grey))
    facts["top"], facts["left"] = box.top, box.left
    facts["bottom"], facts["right"] = box.bottom, box.right
    return facts


def _share(is_so: NDArray[np.bool_]) -> float:
    return int(np.count_nonzero(is_so)) / is_so.size


def _sharpness(content: Image) -> float:
    if min(content.shape) < 2:
        return 0.0
    step = 1 if content.size < _MANY_PIXELS else 2
    deviation = float(cv2.meanStdDev(content[::step])[1][0, 0])
    if deviation == 0:
        return 0.0
    pairs_of_rows = (content[1::step], content[:-1:step])
    pairs_of_columns = (content[::step, 1:], content[::step, :-1])
    squares = sum(
        cv2.norm(ahead, behind, cv2.NORM_L2SQR) / ahead.size
        for ahead, behind in (pairs_of_rows, pairs_of_columns)
    )
    return float(np.sqrt(squares) / deviation)


def _sums_before(grey: Image) -> NDArray[np.float64]:
    # (H + 1, W + 1): entry [r, c] is the sum above row r and left of column c. Whole in float64.
    return np.asarray(cv2.integral(grey, sdepth=cv2.CV_64F))


def _block_sums(grey: Image, before: NDArray[np.float64] | None) -> NDArray[np.float32]:
    rows, columns = (cut_lines(length) for length in grey.shape)
    if before is not None:
        corners = before[rows[:, np.newaxis], columns]
        sums = _between(corners)
    else:
        sums = np.array(
            [
                [cv2.sumElems(grey[top:bottom, left:right])[0]
                 for left, right in pairwise(columns)]
                for top, bottom in pairwise(rows)
            ]
        )  # fmt: skip
    with np.errstate(over="ignore"):  # floats near the end of their range; pairs looks out
        return sums.astype(np.float32).ravel()


def _resampled(
    grey: Image, box: ContentBox, before: NDArray[np.float64] | None
) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    # Means over equal parts of the content box, whose lines fall between pixels.
    content = box.of(grey)
    if before is None or min(content.shape) < THUMB_SIDE_PX:
        content = _handy(content)
        before, box = _sums_before(content), ContentBox(0, 0, *content.shape)
    low, high = (0.0, 255.0) if grey.dtype == np.uint8 else cv2.minMaxLoc(grey)[:2]
    return (
        _shape(_means(before, box, SIDE)),
        _thumb(_means(before, box, THUMB_SIDE_PX), low, high),
    )


def _handy(content: Image) -> Image:
    # Neither beyond what can be summed up at once, nor below a pixel for each of the parts.
    height, width = (min(length, _LONG_PX) for length in content.shape)
    small = cv2.resize(content, (width, height), interpolation=cv2.INTER_AREA)
    rows, columns = (-(-THUMB_SIDE_PX // length) for length in (height, width))
    return as_image(np.ascontiguousarray(small.repeat(rows, axis=0).repeat(columns, axis=1)))


def _means(before: NDArray[np.float64], box: ContentBox, side: int) -> NDArray[np.float64]:
    across, down, areas = _corners(box, side)
    corners = cv2.remap(before, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(_between(np.asarray(corners)) / areas)


def _between(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    # (n, m) from (n + 1, m + 1): what lies between four neighbouring corners.
    across = corners[:, 1:] - corners[:, :-1]
    return np.asarray(across[1:] - across[:-1])


@lru_cache(maxsize=64)
def _corners(
    box: ContentBox, side: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    # (side + 1, side + 1) columns and rows, and (side, side) the areas between them in pixels.
    # OpenCV interpolates at multiples of 1/32 px, so the lines are put there.
    rows, columns = (
        np.rint(32 * np.linspace(first, last, side + 1)) / 32
        for first, last in ((box.top, box.bottom), (box.left, box.right))
    )
    across, down = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    return across, down, np.outer(np.diff(rows), np.diff(columns))


def _shape(means: NDArray[np.float64]) -> NDArray[np.float16]:
    centred = means - means.mean()
    norm = float(np.sqrt((centred**2).sum()))
    # What rounding leaves of a flat picture is no shape.
    is_flat = norm <= 1e-9 * float(np.abs(means).max())
    return (np.zeros_like(means) if is_flat else centred / norm).astype(np.float16).ravel()


def _thumb(means: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint8]:
    levels = (means - low) * (255 / (high - low)) if high > low else np.zeros_like(means)
    return np.rint(levels).clip(0, 255).astype(np.uint8)
