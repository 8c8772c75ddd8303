"""Rules of a plan: at which size to work, on which pieces, with which network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from delineate.core.geometry import Size, round_up
from delineate.recipe.choices import Choice
from delineate.recipe.fingerprint import Fingerprint, Machine

# How wide the finest structure stays, working px: lines are lost below, patches only cost time.
LINE_PX, SHAPE_PX = 6.0, 18.0
# Sides are whole multiples of this, and images are not reduced below so many.
STEP_PX, SMALLEST_PX = 32, 128
# Images up to so many working pixels are seen whole.
WHOLE_PX = 192 * 192
# Sides of patches: of lines, and the range for everything else.
LINE_PATCH_PX, PATCH_PX, ACCELERATED_PATCH_PX = 96, (128, 160), (192, 320)
# Channels a level on a processor; an accelerator gets through four times as many.
LINE_WIDTHS, SHAPE_WIDTHS = (16, 16, 32, 64), (16, 16, 32, 64, 128)
WIDE_LINE_WIDTHS, WIDE_SHAPE_WIDTHS = (32, 64, 128, 256), (32, 64, 128, 256, 512)


@dataclass(frozen=True)
class Frame:
    """At which size an image is worked on, and the piece of it that the network learns from."""

    scale: float
    longest_px: int | None
    working_px: Size
    patch_px: Size

    @property
    def is_whole(self) -> bool:
        """Whether a patch holds the whole of a usual image."""
        return all(a >= b for a, b in zip(self.patch_px, self.working_px, strict=True))

    @property
    def patches_an_image(self) -> int:
        """How many patches have about as many pixels as an image."""
        (rows, columns), (height, width) = self.working_px, self.patch_px
        return max(1, min(32, round(rows * columns / (height * width))))


def frame_of(fingerprint: Fingerprint, machine: Machine) -> Frame:
    """Size and patch for this data on this machine."""
    native = fingerprint.size_px
    aim_px = LINE_PX if fingerprint.is_of_lines else SHAPE_PX
    longest = max(native)
    reduced = round_up(int(longest * min(1.0, aim_px / fingerprint.finest.width_px)), STEP_PX)
    reduced = max(reduced, SMALLEST_PX)
    longest_px = reduced if reduced < max(fingerprint.largest_px) else None
    scale = min(1.0, reduced / longest)
    working = (round(native[0] * scale), round(native[1] * scale))
    return Frame(scale, longest_px, working, _patch_px(fingerprint, machine, working, scale))


def _patch_px(fingerprint: Fingerprint, machine: Machine, working: Size, scale: float) -> Size:
    if fingerprint.is_of_lines:
        side = LINE_PATCH_PX if not machine.is_accelerated else 2 * LINE_PATCH_PX
    elif working[0] * working[1] <= WHOLE_PX:
        return round_up(working[0], STEP_PX), round_up(working[1], STEP_PX)
    else:
        least, most = ACCELERATED_PATCH_PX if machine.is_accelerated else PATCH_PX
        broadest_px = scale * max(each.width_px for each in fingerprint.classes)
        side = min(max(round_up(int(2 * broadest_px), STEP_PX), least), most)
    return min(side, round_up(working[0], STEP_PX)), min(side, round_up(working[1], STEP_PX))


def size_choices(fingerprint: Fingerprint, frame: Frame) -> Iterator[Choice]:
    """Working size and patches, each with its reason."""
    yield Choice("prepare.channels", *_channels(fingerprint))
    yield Choice("prepare.longest_side_px", frame.longest_px, _why_size(fingerprint, frame))
    yield Choice("patches.size_px", frame.patch_px, _why_patch(fingerprint, frame))
    yield Choice(
        "patches.per_image",
        frame.patches_an_image,
        "an epoch looks at about as many pixels as the images have",
    )


def _channels(fingerprint: Fingerprint) -> tuple[str, str]:
    if fingerprint.tones.is_grey:
        return "grey", "in every image that was looked at red, green and blue are the same"
    return "colour", "there are images in colour"


def _why_size(fingerprint: Fingerprint, frame: Frame) -> str:
    finest = fingerprint.finest
    found = (
        f"the finest structure, {finest.name}, is {finest.width_px:.3g} px wide in images of "
        f"{fingerprint.size_px[0]} x {fingerprint.size_px[1]} px"
    )
    if frame.longest_px is None:
        return f"{found}: nothing is reduced"
    now_px = finest.width_px * frame.scale
    return (
        f"{found}; reduced it is still {now_px:.3g} px wide, and a step takes "
        f"{1 / frame.scale**2:.2g} times less than at native size; the probability is brought "
        "back to native size before it is cut"
    )


def _why_patch(fingerprint: Fingerprint, frame: Frame) -> str:
    if frame.is_whole and not fingerprint.is_of_lines:
        return "the whole of a reduced image: where a shape lies says what it is, and it is cheap"
    if fingerprint.is_of_lines:
        return (
            "lines look alike everywhere and need little around them; small pieces give many "
            "different steps an image"
        )
    broadest = max(fingerprint.classes, key=lambda each: each.width_px)
    return (
        f"room for the broadest class, {broadest.name}, {broadest.width_px * frame.scale:.3g} "
        "working px wide, and its surroundings; whole images would take longer a step"
    )


def network_choices(fingerprint: Fingerprint, machine: Machine, steps: int | None) -> list[Choice]:
    """Depth and widths, with the reason; `steps` are those that the time allows, if that is known.

    Source: docs/decisions/0005-vessel-network.md for the slender network.
    """
    is_wide = machine.is_accelerated or (steps is not None and steps >= MANY_STEPS)
    if fingerprint.is_of_lines:
        widths = WIDE_LINE_WIDTHS if is_wide else LINE_WIDTHS
        why = "three halvings: what tells a line lies close to it"
    else:
        widths = WIDE_SHAPE_WIDTHS if is_wide else SHAPE_WIDTHS
        why = "four halvings: an output sees about 100 px to each side, more than a shape is wide"
    why += (
        "; wide, for there is time for it"
        if is_wide
        else "; few channels, most of all at full size where they are dear: many short steps beat "
        "few long ones"
    )
    return [Choice("model.arguments", {"widths": list(widths)}, why)]


# From so many steps on a network of four times the work has still time to settle.
MANY_STEPS = 30_000
