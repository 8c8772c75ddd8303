"""Rules of a plan: how far training images may be bent and their tones changed."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp

from delineate.recipe.choices import Choice
from delineate.recipe.fingerprint import Fingerprint

# A change that costs less correlation than this cannot be seen in the layout.
VISIBLE = 0.1
# Bounds of what is added and multiplied: stronger changes were not tried, and few steps do not
# need them.
BRIGHTNESS, CONTRAST = (0.05, 0.1), (1.2, 1.3)


def knows_up(fingerprint: Fingerprint) -> bool:
    """Whether images tell which side is up."""
    layouts = fingerprint.layouts
    return max(layouts.upside_down, layouts.turned) > VISIBLE


def may_turn(fingerprint: Fingerprint) -> bool:
    """Whether training images may be turned: lines in small pieces, or what has no upper side."""
    if fingerprint.layouts.swaps_sides:
        return False
    return fingerprint.is_of_lines or not knows_up(fingerprint)


def augment_choices(fingerprint: Fingerprint) -> Iterator[Choice]:
    """Every range, with its reason."""
    yield from _poses(fingerprint)
    yield from _tones(fingerprint)


def _poses(fingerprint: Fingerprint) -> Iterator[Choice]:
    layouts, turns = fingerprint.layouts, may_turn(fingerprint)
    seen = max(layouts.upside_down, layouts.turned)
    if layouts.swaps_sides:
        flips = (
            "one class lies where another does in the mirror: a mirrored one would be mislabelled"
        )
    else:
        flips = "no class is told by its side"
    yield Choice("augment.flips", not layouts.swaps_sides, flips)
    if layouts.swaps_sides:
        why = "turns mirror as well"
    elif fingerprint.is_of_lines:
        why = "pieces of lines look alike at every turn"
    elif turns:
        why = (
            f"turned images fit the layout of the others as well as upright ones ({seen:.2f} less)"
        )
    else:
        why = f"the layout tells which side is up (correlation {seen:.2f} higher upright)"
    yield Choice("augment.turns", turns, why)
    if turns:
        bends = {"rotation_degrees": 45.0, "shear_degrees": 8.0, "zoom": 1.25, "stretch": 1.15}
        why = "wide: every direction is as likely"
    else:
        bends = {"rotation_degrees": 15.0, "shear_degrees": 5.0, "zoom": 1.2, "stretch": 1.05}
        why = "mild: as much as a hand that holds the camera differs"
    for setting, value in bends.items():
        yield Choice(f"augment.{setting}", value, why)
    if fingerprint.is_of_lines:
        yield Choice("augment.shift_px", 0.0, "patches are drawn anywhere already")
    else:
        yield Choice("augment.shift_px", 8.0, "shapes do not always lie in the same place")


def _tones(fingerprint: Fingerprint) -> Iterator[Choice]:
    tones = fingerprint.tones
    spread = f"mean tones of the images differ by {tones.brightness_spread:.2f} of the range"
    brightness = _to(0.05, 2 * tones.brightness_spread)
    yield Choice("augment.brightness", _within(brightness, *BRIGHTNESS), spread)
    yield Choice("augment.gamma", 1.3 if brightness > BRIGHTNESS[1] else 1.25, spread)
    contrast = _within(_to(0.05, exp(2 * tones.contrast_spread)), *CONTRAST)
    yield Choice(
        "augment.contrast",
        contrast,
        f"contrasts of the images differ by a factor of {exp(tones.contrast_spread):.2f}",
    )
    yield Choice(
        "augment.colour",
        0.0 if tones.is_grey else 0.1,
        "grey has no colour" if tones.is_grey else "lamps and stains differ in colour",
    )


def _to(step: float, value: float) -> float:
    """The nearest multiple, so that one image more or less rarely changes a plan."""
    return round(round(value / step) * step, 4)


def _within(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)
