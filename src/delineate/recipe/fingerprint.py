"""What a planner knows of a data set and of the machine; numbers only, no pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import log
from typing import Any

from delineate.core.geometry import Size

# A shape whose area is that of so many squares of its own width is a line rather than a patch.
SLENDER = 20.0


@dataclass(frozen=True)
class ClassFacts:
    """One class, or the background, where it occurs; medians over the images that hold it.

    `pixel_share` is of all counted pixels, `image_share` of the images. `width_px` is how wide
    its shapes are across, in native pixels; `slenderness` the area of one connected piece in
    squares of that width: below 1 of a disc, hundreds of a tree of vessels.
    """

    name: str
    pixel_share: float
    image_share: float
    pieces: float
    width_px: float
    slenderness: float

    @property
    def is_slender(self) -> bool:
        """Whether its shapes are lines, however they branch and close."""
        return self.slenderness >= SLENDER


@dataclass(frozen=True)
class Tones:
    """How images are stored, and how much they differ from each other as a whole.

    `brightness_spread` is the standard deviation of the images' mean tone as a share of the full
    range, `contrast_spread` that of the logarithm of their own standard deviation.
    """

    pixel_types: tuple[str, ...]
    lowest: float
    highest: float
    is_grey: bool
    brightness_spread: float
    contrast_spread: float


@dataclass(frozen=True)
class Layouts:
    """How well images and labels, shrunk to a few cells, tell how they are held.

    Each is how much higher an image correlates with the mean of the others as it is than after the
    change, on average and less two standard errors; 0 where the change cannot be seen.
    `swaps_sides` says whether one class lies where another does in the mirror, as the left and the
    right lung do.
    """

    mirrored: float
    upside_down: float
    turned: float
    swaps_sides: bool


@dataclass(frozen=True)
class Fingerprint:
    """A training part in numbers; `images` are all of it, `looked_at` those whose pixels count.

    `subjects` is None where nobody said who is who. `region_share` is how much of an image counts,
    None where images state no region. `background` is a class like the others here.
    """

    images: int
    looked_at: int
    subjects: int | None
    validation_images: int
    size_px: Size
    smallest_px: Size
    largest_px: Size
    region_share: float | None
    empty_share: float
    is_overlapping: bool
    classes: tuple[ClassFacts, ...]
    background: ClassFacts
    tones: Tones
    layouts: Layouts

    @property
    def structures(self) -> tuple[ClassFacts, ...]:
        """What has to be told apart: the classes, and a background that is a line between them."""
        return (*self.classes, *((self.background,) if self.background.is_slender else ()))

    @property
    def finest(self) -> ClassFacts:
        """The structure that is narrowest across."""
        return min(self.structures, key=lambda each: each.width_px)

    @property
    def is_of_lines(self) -> bool:
        """Whether all that is to be found are lines, or patches that only lines part."""
        return all(each.is_slender for each in self.classes) or self.background.is_slender

    def document(self) -> dict[str, Any]:
        """The same in plain JSON values."""
        return rounded(asdict(self))


@dataclass(frozen=True)
class Machine:
    """What a training may use; `minutes` is None where it is measured in steps."""

    device: str
    threads: int
    memory_gb: float
    minutes: float | None = None

    @property
    def is_accelerated(self) -> bool:
        """Whether something other than the processor computes."""
        return self.device != "cpu"

    def document(self) -> dict[str, Any]:
        """The same in plain JSON values."""
        return rounded(asdict(self))


@dataclass(frozen=True)
class Pace:
    """How fast a proposed network is here: seconds a training step, and an image in one pass.

    Both are powers of two, the nearest to what was measured, so that noise of the clock rarely
    changes a plan.
    """

    step_s: float
    image_s: float

    @classmethod
    def measured(cls, step_s: float, image_s: float) -> Pace:
        """The pace of measured seconds."""
        return cls(_power_of_two(step_s), _power_of_two(image_s))

    def document(self) -> dict[str, Any]:
        """The same in plain JSON values."""
        return rounded(asdict(self))


def _power_of_two(seconds: float) -> float:
    return float(2.0 ** round(log(seconds, 2)))


def rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with numbers of four digits: more say nothing, and make files hard to compare."""
    return {name: _rounded(each) for name, each in values.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return rounded(value)
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
