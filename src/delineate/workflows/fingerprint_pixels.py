"""What one image and its labels add to a fingerprint, and how these are put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import Size
from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE, Image, LabelClass, Labels, Mask
from delineate.recipe.fingerprint import ClassFacts, Layouts, Tones

# Cells a side to which images and labels are shrunk where only their layout counts.
CELLS = 12
Cells = NDArray[np.float64]


@dataclass(frozen=True)
class Shapes:
    """One class in one image: its pixels, connected pieces, and how wide it is across."""

    pixels: int
    pieces: int
    width_px: float

    @property
    def slenderness(self) -> float:
        """Area of a piece in squares of the width."""
        return self.pixels / self.pieces / self.width_px**2


@dataclass(frozen=True)
class Looked:
    """One labelled image; `shapes` has None for a class that it does not hold, background first.

    `cells` are of the image, then of each foreground class: (1 + classes, CELLS, CELLS).
    """

    size_px: Size
    counted_px: int
    pixel_type: str
    lowest: float
    highest: float
    is_grey: bool
    mean: float
    deviation: float
    shapes: tuple[Shapes | None, ...]
    cells: Cells


def looked_at(
    image: Image, labels: Labels, classes: Sequence[LabelClass], *, is_overlapping: bool
) -> Looked:
    """The numbers of one image (H, W, C) and its labels, `IGNORE` where they do not count."""
    counted = labels != IGNORE
    tones = image.mean(axis=2, dtype=np.float32)
    masks = [labels == 0] + [
        is_class(labels, each.index, is_overlapping=is_overlapping) for each in classes[1:]
    ]
    values = tones[counted] if counted.any() else tones
    layers = [tones, *(mask.astype(np.float32) for mask in masks[1:])]
    return Looked(
        size_px=(image.shape[0], image.shape[1]),
        counted_px=int(np.count_nonzero(counted)),
        pixel_type=image.dtype.name,
        lowest=float(image.min()),
        highest=float(image.max()),
        is_grey=image.shape[2] == 1 or bool((image == image[..., :1]).all()),
        mean=float(values.mean(dtype=np.float64)),
        deviation=float(values.std(dtype=np.float64)),
        shapes=tuple(shapes_of(mask) for mask in masks),
        cells=np.stack([_cells(layer) for layer in layers]),
    )


def shapes_of(mask: Mask) -> Shapes | None:
    """Pixels, pieces and width of what a mask holds; None of an empty one.

    The width is twice the distance from the middle of a shape to its edge, the median along the
    middles, weighed by itself so that bumps of an outline count little. The frame of the image is
    an edge.
    """
    if not mask.any():
        return None
    solid = mask.astype(np.uint8)
    distance = cv2.distanceTransform(np.pad(solid, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    is_middle = mask & (distance >= cv2.dilate(distance, np.ones((3, 3), np.uint8)))
    widths = np.sort(2.0 * distance[is_middle] - 1)
    weight = np.cumsum(widths)
    width_px = float(widths[np.searchsorted(weight, weight[-1] / 2)])
    count, _ = cv2.connectedComponents(solid, connectivity=8)
    return Shapes(int(np.count_nonzero(mask)), count - 1, max(width_px, 1.0))


def _cells(layer: NDArray[np.float32]) -> Cells:
    return np.asarray(cv2.resize(layer, (CELLS, CELLS), interpolation=cv2.INTER_AREA), np.float64)


def class_facts(looked: Sequence[Looked], name: str, index: int) -> ClassFacts:
    """The facts of a class over all images; one that none holds has no width and no pixels."""
    held = [each.shapes[index] for each in looked]
    shapes = [each for each in held if each is not None]
    counted = sum(each.counted_px for each in looked)
    if not shapes:
        return ClassFacts(name, 0.0, 0.0, 0.0, 0.0, 0.0)
    return ClassFacts(
        name,
        pixel_share=sum(each.pixels for each in shapes) / max(counted, 1),
        image_share=len(shapes) / len(looked),
        pieces=float(np.median([each.pieces for each in shapes])),
        width_px=float(np.median([each.width_px for each in shapes])),
        slenderness=float(np.median([each.slenderness for each in shapes])),
    )


def tones_of(looked: Sequence[Looked]) -> Tones:
    """How the images are stored and how much they differ; 8-bit images have the range 0 to 255."""
    types = tuple(sorted({each.pixel_type for each in looked}))
    lowest, highest = min(each.lowest for each in looked), max(each.highest for each in looked)
    low, high = (0.0, 255.0) if types == ("uint8",) else (lowest, highest)
    deviations = np.maximum([each.deviation for each in looked], 1e-6 * max(high - low, 1e-6))
    return Tones(
        types,
        lowest,
        highest,
        all(each.is_grey for each in looked),
        brightness_spread=float(np.std([each.mean for each in looked])) / max(high - low, 1e-6),
        contrast_spread=float(np.std(np.log(deviations))),
    )


def layouts_of(looked: Sequence[Looked]) -> Layouts:
    """How well images and labels tell how they are held; nothing is seen in fewer than three."""
    if len(looked) < 3:
        return Layouts(0.0, 0.0, 0.0, False)
    stack = np.stack([each.cells for each in looked])  # (N, 1 + classes, CELLS, CELLS)
    foreground = np.stack([stack[:, 0], stack[:, 1:].sum(axis=1)], axis=1)

    def seen(turned: NDArray[np.float64]) -> float:
        """The plainer of what images and what labels show."""
        return max(
            _told(foreground[:, layer], turned[:, layer]) for layer in range(foreground.shape[1])
        )

    return Layouts(
        mirrored=seen(foreground[..., ::-1]),
        upside_down=seen(foreground[:, :, ::-1]),
        turned=seen(np.rot90(foreground, axes=(2, 3))),
        swaps_sides=_swaps_sides(stack[:, 1:].mean(axis=0)),
    )


def _told(upright: Cells, changed: Cells) -> float:
    """How much worse (N, CELLS, CELLS) fit the mean of the others after the change.

    The mean less two standard errors, so that a few images rarely tell what is not there.
    """
    total, count = upright.sum(axis=0), len(upright)
    losses = [
        _correlation(one, (total - one) / (count - 1))
        - _correlation(other, (total - one) / (count - 1))
        for one, other in zip(upright, changed, strict=True)
        if one.std() > 0
    ]
    if len(losses) < 2:
        return 0.0
    error = np.std(losses, ddof=1) / np.sqrt(len(losses))
    return max(0.0, float(np.mean(losses) - 2 * error))


def _swaps_sides(heat: Cells) -> bool:
    """Whether a class (of (classes, CELLS, CELLS) mean shares) is another one in the mirror."""
    mirrored = heat[..., ::-1]
    return any(
        _correlation(mirrored[one], heat[other]) > _correlation(mirrored[one], heat[one]) + 0.3
        and _correlation(mirrored[one], heat[other]) > 0.5
        for one in range(len(heat))
        for other in range(len(heat))
        if one != other
    )


def _correlation(first: Cells, second: Cells) -> float:
    """Pearson's, 0 where one of them is even."""
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0
