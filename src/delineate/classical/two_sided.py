"""Methods that part an image in two, and learn which of the two is the foreground."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from delineate.classical.method import (
    Case,
    Method,
    Parameters,
    ToneParameters,
    Tones,
    as_hard_probability,
)
from delineate.classical.tones import prepared_tone
from delineate.core.types import Mask, Probability

_ROUNDS = 30


class TwoSided(Method):
    """0 or 1 for each pixel; `is_inverted` says that what the method finds is background."""

    is_soft: ClassVar[bool] = False

    is_inverted: bool

    @classmethod
    @abstractmethod
    def side(cls, tones: Tones, view: Mask, parameters: Any) -> Mask:
        """(H, W) what the method finds, before it is known whether that is the foreground."""

    @classmethod
    def learn(
        cls, cases: Sequence[Case], parameters: Any, *, classes: int, rng: np.random.Generator
    ) -> Self:
        """The side whose Dice over all training pixels is higher."""
        hits, size, total, pixels = 0, 0, 0, 0
        for case in cases:
            found = cls.side(case.tones, case.view, parameters)[case.counted]
            truth = case.labels[case.counted] == 1
            hits += int((found & truth).sum())
            size += int(found.sum())
            total += int(truth.sum())
            pixels += truth.size
        as_found = hits / max(size + total, 1)
        inverted = (total - hits) / max(pixels - size + total, 1)
        return cls(parameters=parameters, is_inverted=inverted > as_found)  # type: ignore[call-arg] # every subclass has parameters

    def probability(self, tones: Tones, view: Mask) -> Probability:
        """1 on the side of the foreground."""
        found = self.side(tones, view, self.parameters)  # type: ignore[attr-defined] # as above
        return as_hard_probability((found != self.is_inverted) & view)

    def require_fits(self, *, channels: int, classes: int) -> None:
        """There are two classes."""
        if classes != 2:
            raise ValueError(f"expected a foreground and a background, found {classes} classes")


class EdgeParameters(ToneParameters):
    """Of outlines that are closed and filled."""

    edge_share: float = Field(
        0.1, gt=0, le=0.5, description="share of the pixels that begin an edge; twice it goes on"
    )
    closing_px: int = Field(2, ge=0, le=50, description="radius by which gaps are closed")
    hole_px: int = Field(
        0, ge=0, le=5000, description="side of the largest hole that is filled; 0 for any"
    )
    opening_px: int = Field(
        0,
        ge=0,
        le=50,
        description="radius of what is removed at last, such as bare lines",
    )


class Edges(TwoSided):
    """Canny's edges, closed and filled.

    Source: Canny (1986), "A computational approach to edge detection". What lies on and inside
    closed outlines is found. A thin tube has an edge on either side: closing joins the two where
    its radius is at least half the tube's width, and a limit to holes keeps what lies between tubes
    as it is.
    """

    parameters_type: ClassVar[type[Parameters]] = EdgeParameters
    parameters: EdgeParameters

    @classmethod
    def side(cls, tones: Tones, view: Mask, parameters: EdgeParameters) -> Mask:
        """Outlines and what they enclose."""
        import cv2

        tone = prepared_tone(tones, view, parameters)
        edges = (_canny(tone, view, parameters.edge_share) & view).astype(np.uint8)
        if parameters.closing_px:
            edges = _morphed(edges, cv2.MORPH_CLOSE, parameters.closing_px)
        filled = _filled(edges > 0, parameters.hole_px).astype(np.uint8)
        if parameters.opening_px:
            filled = _morphed(filled, cv2.MORPH_OPEN, parameters.opening_px)
        return np.asarray(filled > 0)


class ChanVeseParameters(ToneParameters):
    """Of two regions of even tone."""

    length_weight: float = Field(
        0.03, gt=0, le=10, description="weight of the length of the outline; more is smoother"
    )


class ChanVese(TwoSided):
    """Two regions whose tones differ least from their means, with a short outline.

    The brighter of the two is what is found.

    Source: Chan and Vese (2001), "Active contours without edges"; begun from Otsu's threshold, for
    from a chequerboard most images are far from settled after 60 rounds; 30 at most.
    """

    parameters_type: ClassVar[type[Parameters]] = ChanVeseParameters
    parameters: ChanVeseParameters

    @classmethod
    def side(cls, tones: Tones, view: Mask, parameters: ChanVeseParameters) -> Mask:
        """The brighter region."""
        from skimage.filters import threshold_otsu
        from skimage.segmentation import chan_vese

        tone = prepared_tone(tones, view, parameters)
        if not view.any() or np.ptp(tone[view]) < 1e-6:
            return np.zeros(view.shape, bool)
        # A few pixels of glare would take the whole range of tones.
        low, high = np.percentile(tone[view], (0.5, 99.5))
        clipped = np.clip(tone, low, max(high, low + 1e-6)).astype(np.float64)
        begun = (clipped - threshold_otsu(clipped[view])) / max(clipped[view].std(), 1e-6)  # type: ignore[no-untyped-call] # half typed
        region: Mask = chan_vese(  # type: ignore[no-untyped-call] # half typed
            clipped, mu=parameters.length_weight, max_num_iter=_ROUNDS, init_level_set=begun
        )
        inside, outside = tone[region & view], tone[~region & view]
        if not inside.size or not outside.size:
            return np.zeros(view.shape, bool)
        return region if inside.mean() > outside.mean() else ~region


def _canny(tone: NDArray[np.float32], view: Mask, share: float) -> Mask:
    """Edges of a smooth tone: begun by a share of the view's pixels, gone on by twice as many."""
    import cv2

    across = [cv2.Sobel(tone, cv2.CV_32F, *each) for each in ((1, 0), (0, 1))]
    magnitude = np.hypot(*across)
    if not view.any():
        return np.zeros(view.shape, bool)
    low, high = np.quantile(magnitude[view], [max(0.0, 1 - 2 * share), 1 - share])
    if high <= 0:
        return np.zeros(view.shape, bool)
    # OpenCV takes whole numbers: the higher threshold becomes 1,000 of at most 32,767.
    scale = 1_000 / high
    whole = [np.clip(np.rint(each * scale), -32_767, 32_767).astype(np.int16) for each in across]
    edges = cv2.Canny(whole[0], whole[1], low * scale, high * scale, L2gradient=True)
    return np.asarray(edges > 0)


def _filled(edges: Mask, hole_px: int) -> Mask:
    """The edges and the holes between them that are no larger than a square of that side."""
    import cv2
    from scipy.ndimage import binary_fill_holes

    filled: Mask = binary_fill_holes(edges)
    if not hole_px:
        return filled
    _, holes, facts, _ = cv2.connectedComponentsWithStats(
        (filled & ~edges).astype(np.uint8), connectivity=4
    )
    is_small = facts[:, cv2.CC_STAT_AREA] <= hole_px**2
    is_small[0] = False  # what is no hole
    return np.asarray(edges | is_small[holes])


def _morphed(mask: NDArray[np.uint8], operation: int, radius_px: int) -> NDArray[np.uint8]:
    import cv2

    side = 2 * radius_px + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.morphologyEx(mask, operation, disc), np.uint8)
