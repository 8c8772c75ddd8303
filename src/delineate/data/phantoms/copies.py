"""Copies of a picture: noisier, turned, compressed, toned, resized, barred, cropped, shifted.

Masks follow the picture by nearest neighbours. Each copy tells how it was made, in words, in
figures, and as `matrix`: row by row the (2, 3) map that takes a pixel centre (column, row) of
the picture to that of the copy. Pixel centres have whole coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from delineate.core.geometry import Size
from delineate.data.phantoms.picture import Picture, Pixels

Evidence = float | int | str | bool | tuple[float, ...]

UNMOVED = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

# As the audit names them: what is done to the picture, quarter turns to the left, what undoes it.
TURNS = {
    "turned left": (1, "turned right"),
    "turned upside down": (2, "turned upside down"),
    "turned right": (3, "turned left"),
}

FILLS = {
    "black": cv2.BORDER_CONSTANT,
    "edge": cv2.BORDER_REPLICATE,
    "mirror": cv2.BORDER_REFLECT_101,
    "wrap": cv2.BORDER_WRAP,
}
"""What comes in at the sides of a shifted picture."""

NOISE_DISTANCE = (150, 900)
"""Sum of absolute grey-level differences: over the threshold 100, under the threshold 1000."""


@dataclass(frozen=True)
class Copy:
    """The changed picture, what was done to it in words, and its evidence."""

    picture: Picture
    words: str
    evidence: dict[str, Evidence]


def noisy(rng: np.random.Generator, picture: Picture) -> Copy:
    """One grey level more or less on so many pixels that the distance is known exactly.

    All channels of a pixel change together, for then its luminance changes by one as well.
    """
    image = picture.image
    channels = image.reshape(*image.shape[:2], -1)
    low, high = channels.min(axis=2).ravel(), channels.max(axis=2).ravel()
    able = np.flatnonzero((low > 0) | (high < 255))
    wanted = int(rng.integers(NOISE_DISTANCE[0], NOISE_DISTANCE[1] + 1))
    chosen = rng.permutation(able)[:wanted]
    rises = rng.random(chosen.size) < 0.5
    rises = np.where(low[chosen] == 0, True, np.where(high[chosen] == 255, False, rises))
    changed = channels.reshape(low.size, -1).astype(np.int16)
    changed[chosen] += np.where(rises, 1, -1).astype(np.int16)[:, None]
    return _copy(
        replace(picture, image=changed.astype(np.uint8).reshape(image.shape)),
        f"{chosen.size} pixels one grey level brighter or darker",
        UNMOVED,
        distance=int(chosen.size),
    )


def turned(rng: np.random.Generator, picture: Picture) -> Copy:
    """By one, two or three quarter turns; width and height change places as they must."""
    name = list(TURNS)[int(rng.integers(len(TURNS)))]
    quarters, undone_by = TURNS[name]
    height, width = picture.image.shape[:2]
    matrix = {
        1: (0.0, 1.0, 0.0, -1.0, 0.0, width - 1.0),
        2: (-1.0, 0.0, width - 1.0, 0.0, -1.0, height - 1.0),
        3: (0.0, -1.0, height - 1.0, 1.0, 0.0, 0.0),
    }[quarters]
    changed = picture.mapped(lambda pixels: np.ascontiguousarray(np.rot90(pixels, quarters)))
    return _copy(changed, name, matrix, orientation=name, undone_by=undone_by)


def recompressed(rng: np.random.Generator, picture: Picture) -> Copy:
    """Through JPEG and back."""
    quality = int(rng.integers(30, 96))
    # OpenCV takes colours in the order blue, green, red.
    pixels = np.ascontiguousarray(
        picture.image[..., ::-1] if _has_colour(picture) else picture.image
    )
    _, code = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = np.asarray(cv2.imdecode(code, cv2.IMREAD_UNCHANGED), dtype=np.uint8)
    image = np.ascontiguousarray(back[..., ::-1] if _has_colour(picture) else back)
    return _copy(
        replace(picture, image=image),
        f"went through JPEG of quality {quality}",
        UNMOVED,
        quality=quality,
        mean_difference=_mean_difference(picture.image, image),
    )


def toned(rng: np.random.Generator, picture: Picture) -> Copy:
    """Brightness, contrast and gamma: 255 ((gain x + offset) / 255) ** gamma, clipped."""
    gain = float(rng.choice([rng.uniform(0.75, 0.92), rng.uniform(1.08, 1.25)]))
    offset = float(rng.uniform(-12, 12))
    gamma = float(rng.choice([1.0, rng.uniform(0.7, 0.9), rng.uniform(1.12, 1.4)]))
    levels = np.clip((gain * np.arange(256) + offset) / 255, 0, 1) ** gamma
    table = np.rint(255 * levels).astype(np.uint8)
    image = table[picture.image]
    return _copy(
        replace(picture, image=image),
        f"contrast times {gain:.2f}, brightness {offset:+.0f}, gamma {gamma:.2f}",
        UNMOVED,
        gain=gain,
        offset=offset,
        gamma=gamma,
        mean_difference=_mean_difference(picture.image, image),
    )


def resized(rng: np.random.Generator, picture: Picture) -> Copy:
    """To between half and twice its size."""
    low, high = np.log(((0.5, 0.9), (1.1, 2.0)))[int(rng.integers(2))]
    scale = float(np.exp(rng.uniform(low, high)))
    height, width = picture.image.shape[:2]
    size_px = (round(height * scale), round(width * scale))
    changed, matrix = _resize(picture, size_px)
    return _copy(
        changed,
        f"resized to {size_px[0]} x {size_px[1]}",
        matrix,
        height_px=size_px[0],
        width_px=size_px[1],
        scale=scale,
    )


def letterboxed(rng: np.random.Generator, picture: Picture) -> Copy:
    """Smaller or as it is, between even bars above and below, beside it, or all around."""
    scale = float(rng.choice([1.0, rng.uniform(0.6, 0.95)]))
    height, width = (round(side * scale) for side in picture.image.shape[:2])
    changed, matrix = _resize(picture, (height, width))
    where = ((1, 0), (0, 1), (1, 1))[int(rng.integers(3))]
    top, bottom = (int(where[0] * rng.uniform(0.04, 0.2) * height) for _ in range(2))
    left, right = (int(where[1] * rng.uniform(0.04, 0.2) * width) for _ in range(2))
    level = int(rng.choice([0, 0, int(rng.integers(1, 256))]))

    def barred(pixels: Pixels, fill: int) -> Pixels:
        colour = (fill,) * 3
        bars = (top, bottom, left, right)
        framed = cv2.copyMakeBorder(pixels, *bars, cv2.BORDER_CONSTANT, value=colour)
        return np.asarray(framed, dtype=np.uint8)

    changed = changed.mapped(lambda image: barred(image, level), lambda mask: barred(mask, 0))
    return _copy(
        changed,
        f"resized to {height} x {width} between bars of grey level {level}",
        _then_moved(matrix, top, left),
        top_px=top,
        bottom_px=bottom,
        left_px=left,
        right_px=right,
        level=level,
        scale=scale,
    )


def cropped(rng: np.random.Generator, picture: Picture) -> Copy:
    """A window of 85 to 97 % of each side, in half of the cases enlarged to the old size."""
    height, width = picture.image.shape[:2]
    shares = rng.uniform(0.85, 0.97, 2)
    tall, wide = round(height * shares[0]), round(width * shares[1])
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    window = (slice(top, top + tall), slice(left, left + wide))
    changed = picture.mapped(lambda pixels: np.ascontiguousarray(pixels[window]))
    matrix = _then_moved(UNMOVED, -top, -left)
    is_resized_back = bool(rng.integers(2))
    if is_resized_back:
        changed, enlarging = _resize(changed, (height, width))
        matrix = _then_resized(matrix, enlarging)
    return _copy(
        changed,
        f"cropped to {tall} x {wide}" + (" and resized back" if is_resized_back else ""),
        matrix,
        top_px=top,
        left_px=left,
        height_px=tall,
        width_px=wide,
        is_resized_back=is_resized_back,
    )


def shifted(rng: np.random.Generator, picture: Picture) -> Copy:
    """By 2 to 15 % of its sides, with what `FILLS` says in the place that falls free."""
    height, width = picture.image.shape[:2]
    share = rng.uniform(0.02, 0.15, 2) * rng.choice([-1, 1], 2)
    down, right = round(height * share[0]), round(width * share[1])
    fill = list(FILLS)[int(rng.integers(len(FILLS)))]

    def moved(pixels: Pixels) -> Pixels:
        bars = (max(down, 0), max(-down, 0), max(right, 0), max(-right, 0))
        framed = cv2.copyMakeBorder(pixels, *bars, FILLS[fill], value=(0, 0, 0))
        top, left = max(-down, 0), max(-right, 0)
        window = framed[top : top + height, left : left + width]
        return np.ascontiguousarray(window, dtype=np.uint8)

    return _copy(
        picture.mapped(moved),
        f"shifted by {_signed(right, 'right', 'left')} and {_signed(down, 'down', 'up')}",
        _then_moved(UNMOVED, down, right),
        shift_rows_px=down,
        shift_columns_px=right,
        fill=fill,
    )


COPIES: dict[str, Callable[[np.random.Generator, Picture], Copy]] = {
    "noisy_twin": noisy,
    "turned_twin": turned,
    "recompressed_twin": recompressed,
    "toned_twin": toned,
    "resized_twin": resized,
    "letterboxed_twin": letterboxed,
    "cropped_twin": cropped,
    "shifted_twin": shifted,
}
"""Every kind of copy that is neither equal nor merely flipped."""

Matrix = tuple[float, ...]


def _copy(picture: Picture, words: str, matrix: Matrix, **evidence: Evidence) -> Copy:
    return Copy(picture, words, {**evidence, "matrix": tuple(float(value) for value in matrix)})


def _has_colour(picture: Picture) -> bool:
    return picture.image.ndim == 3


def _mean_difference(first: Pixels, second: Pixels) -> float:
    return float(np.abs(first.astype(np.int16) - second).mean())


def _signed(pixels: int, forwards: str, backwards: str) -> str:
    return f"{abs(pixels)} px {forwards if pixels >= 0 else backwards}"


def _resize(picture: Picture, size_px: Size) -> tuple[Picture, Matrix]:
    """The picture in that size, averaged where it shrinks, and the map of pixel centres."""
    height, width = picture.image.shape[:2]
    how = cv2.INTER_AREA if size_px[0] < height else cv2.INTER_LINEAR

    def smooth(pixels: Pixels) -> Pixels:
        return np.asarray(cv2.resize(pixels, size_px[::-1], interpolation=how), dtype=np.uint8)

    def nearest(pixels: Pixels) -> Pixels:
        # The exact kind takes the pixel whose centre is nearest, the plain one that above left.
        small = cv2.resize(pixels, size_px[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        return np.asarray(small, dtype=np.uint8)

    across, down = size_px[1] / width, size_px[0] / height
    # Pixel edges, not centres, lie on each other at the rim of the picture.
    matrix = (across, 0.0, (across - 1) / 2, 0.0, down, (down - 1) / 2)
    return picture.mapped(smooth, nearest), matrix


def _then_moved(matrix: Matrix, rows: float, columns: float) -> Matrix:
    """The map followed by a move."""
    a, b, right, c, d, down = matrix
    return (a, b, right + columns, c, d, down + rows)


def _then_resized(move: Matrix, resize: Matrix) -> Matrix:
    """A mere move followed by a resize."""
    across, _, right, _, down, below = resize
    return (across, 0.0, across * move[2] + right, 0.0, down, down * move[5] + below)
