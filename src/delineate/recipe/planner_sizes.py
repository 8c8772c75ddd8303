"""Rules of a plan: at which size to work, on which pieces, with which network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from delineate.core.geometry import Size, round_up
from delineate.recipe.choices import Choice
from delineate.recipe.fingerprint import Fingerprint, Machine

# How wide the finest structure stays, working px: lines are lost below, shapes only cost time.
LINE_PX, SHAPE_PX = 6.0, 18.0
# Single shapes are known by where they lie, so that images are reduced to this as long as these
# stay so wide.
SINGLE_LONGEST_PX, SINGLE_PX, MOST_PIECES = 256, 6.0, 4
# Sides are whole multiples of the first, and no image is reduced below the second.
STEP_PX, SMALLEST_PX = 32, 128
# Images up to so many working pixels are seen whole.
WHOLE_PX = 192 * 192
# Sides of patches: of lines, and the range for everything else; twice that on an accelerator.
LINE_PATCH_PX, PATCH_PX = 96, (128, 160)
# Steps below which a smaller image, and so more steps, is worth what is lost with it; and steps
# from which a network of four times the work still has time to settle.
FEW_STEPS, MANY_STEPS = 1000, 30_000
# Memory that decoded images may take on any machine.
CACHE_GB = 4.0
# Channels a level, and those of a network with more time.
LINE_WIDTHS, WIDE_LINE_WIDTHS = [16, 16, 32, 64], [32, 32, 64, 128]
SHAPE_WIDTHS, WIDE_SHAPE_WIDTHS = [16, 16, 32, 64, 128], [32, 32, 64, 128, 256]


@dataclass(frozen=True)
class Frame:
    """At which size an image is worked on, and the piece of it that the network learns from.

    `native_px` is the size of a usual image; `is_hurried` says whether it is smaller than it
    would be with more time.
    """

    native_px: Size
    longest_px: int | None
    patch_px: Size
    is_hurried: bool = False

    @property
    def scale(self) -> float:
        """Working pixels through native pixels."""
        return min(1.0, (self.longest_px or max(self.native_px)) / max(self.native_px))

    @property
    def working_px(self) -> Size:
        """The size of a usual image when it is worked on."""
        height, width = (max(1, round(side * self.scale)) for side in self.native_px)
        return height, width

    @property
    def is_whole(self) -> bool:
        """Whether a patch holds the whole of a usual image."""
        return all(a >= b for a, b in zip(self.patch_px, self.working_px, strict=True))

    @property
    def patch_area_px(self) -> int:
        """Pixels of a patch."""
        return self.patch_px[0] * self.patch_px[1]

    @property
    def patches_an_image(self) -> int:
        """How many patches have about as many pixels as an image."""
        rows, columns = self.working_px
        return max(1, min(32, round(rows * columns / self.patch_area_px)))


def frame_of(fingerprint: Fingerprint, machine: Machine, steps: int | None = None) -> Frame:
    """Size and patch for this data; `steps` are those that the time allows at the unhurried size.

    Where these are few and images are seen whole, they are reduced until there are enough.
    """
    frame = _framed(fingerprint, machine, _longest_px(fingerprint))
    if steps is None or steps >= FEW_STEPS or not frame.is_whole or fingerprint.is_of_lines:
        return frame
    longest = max(frame.working_px) * (steps / FEW_STEPS) ** 0.5
    hurried = _framed(fingerprint, machine, longest)
    return frame if hurried == frame else replace(hurried, is_hurried=True)


def _longest_px(fingerprint: Fingerprint) -> float:
    """The longest side at which the finest structure is as wide as it need be."""
    longest, finest_px = max(fingerprint.size_px), fingerprint.finest.width_px
    if fingerprint.is_of_lines:
        return longest * LINE_PX / finest_px
    wanted = longest * SHAPE_PX / finest_px
    if sum(each.pieces for each in fingerprint.classes) > MOST_PIECES:
        return wanted
    return min(wanted, max(SINGLE_LONGEST_PX, longest * SINGLE_PX / finest_px))


def _framed(fingerprint: Fingerprint, machine: Machine, longest: float) -> Frame:
    native = fingerprint.size_px
    reduced = max(round_up(int(min(longest, max(native))), STEP_PX), SMALLEST_PX)
    is_reduced = longest < max(native) and reduced < max(fingerprint.largest_px)
    frame = Frame(native, reduced if is_reduced else None, (0, 0))
    return replace(frame, patch_px=_patch_px(fingerprint, machine, frame))


def _patch_px(fingerprint: Fingerprint, machine: Machine, frame: Frame) -> Size:
    height, width = (round_up(side, STEP_PX) for side in frame.working_px)
    if fingerprint.is_of_lines:
        side = LINE_PATCH_PX
    elif height * width <= WHOLE_PX:
        return height, width
    else:
        broadest_px = frame.scale * max(each.width_px for each in fingerprint.classes)
        side = min(max(round_up(int(2 * broadest_px), STEP_PX), PATCH_PX[0]), PATCH_PX[1])
    side = 2 * side if machine.is_accelerated else side
    return min(side, height), min(side, width)


def size_choices(fingerprint: Fingerprint, machine: Machine, frame: Frame) -> Iterator[Choice]:
    """Working size and patches, each with its reason."""
    if fingerprint.tones.is_grey:
        why = "in every image that was looked at red, green and blue are the same"
        yield Choice("prepare.channels", "grey", why)
    else:
        yield Choice("prepare.channels", "colour", "there are images in colour")
    yield Choice("prepare.longest_side_px", frame.longest_px, _why_size(fingerprint, frame))
    yield Choice("patches.size_px", frame.patch_px, _why_patch(fingerprint, frame))
    why = "an epoch looks at about as many pixels as the images have"
    yield Choice("patches.per_image", frame.patches_an_image, why)
    yield _cache(fingerprint, machine, frame)


def _cache(fingerprint: Fingerprint, machine: Machine, frame: Frame) -> Choice:
    """Memory for decoded images: what they need, or at most a quarter of what there is."""
    rows, columns = frame.working_px
    layers = 2 if fingerprint.tones.is_grey else 4  # of a byte each, that of the labels included
    needed_gb = fingerprint.images * rows * columns * layers / 2**30
    most_gb = max(0.5, round(machine.memory_gb / 4, 1))
    return Choice(
        "patches.cache_gb",
        min(max(CACHE_GB, round(1.5 * needed_gb, 1)), most_gb),
        f"decoded, the images take about {needed_gb:.2g} GiB; at most a quarter of the memory",
    )


def _why_size(fingerprint: Fingerprint, frame: Frame) -> str:
    finest, (height, width) = fingerprint.finest, fingerprint.size_px
    found = (
        f"the finest structure, {finest.name}, is {finest.width_px:.3g} px wide in images of "
        f"{height} x {width} px"
    )
    if frame.longest_px is None:
        return f"{found}: nothing is reduced"
    why = (
        f"{found}; reduced it is still {finest.width_px * frame.scale:.3g} px wide, and a pixel "
        f"costs {1 / frame.scale**2:.2g} times less; probability is brought back to native size "
        "before it is cut"
    )
    return why + ("; larger there would be too few steps in the time" if frame.is_hurried else "")


def _why_patch(fingerprint: Fingerprint, frame: Frame) -> str:
    if fingerprint.is_of_lines:
        return (
            "lines look alike everywhere and need little around them; small pieces give many "
            "different steps an image"
        )
    if frame.is_whole:
        return "the whole of a reduced image: where a shape lies helps to tell it, and it is cheap"
    broadest = max(fingerprint.classes, key=lambda each: each.width_px)
    return (
        f"room for the broadest class, {broadest.name}, {broadest.width_px * frame.scale:.3g} "
        "working px wide, and its surroundings; whole images would take longer a step"
    )


def network_choice(fingerprint: Fingerprint, machine: Machine, steps: int | None) -> Choice:
    """Depth and widths; `steps` are those that the time allows, None where that is not known.

    Source: docs/decisions/0005-vessel-network.md for the slender network.
    """
    is_wide = machine.is_accelerated or (steps is not None and steps >= MANY_STEPS)
    if fingerprint.is_of_lines:
        widths = WIDE_LINE_WIDTHS if is_wide else LINE_WIDTHS
        why = "three halvings: what tells a line lies close to it"
    else:
        widths = WIDE_SHAPE_WIDTHS if is_wide else SHAPE_WIDTHS
        why = "four halvings: an output sees about 100 px to each side, more than a shape is wide"
    if is_wide:
        why += "; twice the channels, for there is time for them"
    else:
        why += (
            "; few channels, most of all at full size where they are dear: many short steps beat "
            "few long ones"
        )
    return Choice("model.arguments", {"widths": widths}, why)
