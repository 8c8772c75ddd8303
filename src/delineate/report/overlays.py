"""Truth and prediction drawn over their image, at native size, in named palettes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import SettingsError, SizeMismatchError, unknown_name
from delineate.core.overlapping import is_class
from delineate.core.types import IGNORE, Image, LabelClass, Labels, Mask
from delineate.report.display import Rgb, to_rgb

Colour = tuple[int, int, int]

# What does not count is drawn at this share of its brightness.
DIMMED = 0.35
IGNORED_COLOUR: Colour = (128, 128, 128)
STRIPE_PERIOD_PX = 6
# ITU-R BT.601.
LUMINANCE = np.array((0.299, 0.587, 0.114), np.float32)


@dataclass(frozen=True)
class Mark:
    """How the pixels of one outcome are drawn.

    `fill` is the opacity of the area; `has_outline` draws its edge at full opacity;
    `has_stripes` lets only every second diagonal stripe have the full `fill`.
    """

    colour: Colour
    words: str
    fill: float
    has_outline: bool = False
    has_stripes: bool = False


@dataclass(frozen=True)
class Palette:
    """Three outcomes: in both, in the truth alone, in the prediction alone.

    `backdrop` draws the image below in grey at this share of its brightness; None leaves
    the image as it is. `alone` is for predictions beside which there is no truth; None draws
    them as hits.
    """

    hit: Mark
    missed: Mark
    false: Mark
    backdrop: float | None = None
    alone: Colour | None = None

    @property
    def prediction(self) -> Colour:
        """The colour of a prediction beside which there is no truth."""
        return self.hit.colour if self.alone is None else self.alone


@dataclass(frozen=True)
class LegendEntry:
    """One colour and what it means; `has_stripes` where lightness alone should not tell."""

    colour: Colour
    words: str
    has_stripes: bool = False

    @property
    def css(self) -> str:
        """The colour for a style sheet.

        Examples:
            >>> LegendEntry((240, 228, 66), "missed").css
            '#f0e442'
        """
        return "#{:02x}{:02x}{:02x}".format(*self.colour)


PALETTES: dict[str, Palette] = {
    # Okabe and Ito (2008). Lightness 70, 90 and 53 of 100, and the false area is striped:
    # told apart without seeing hue.
    "default": Palette(
        hit=Mark((86, 180, 233), "hit: in truth and prediction", 0.40, has_outline=True),
        missed=Mark((240, 228, 66), "missed: in the truth only", 0.70, has_outline=True),
        false=Mark(
            (213, 94, 0), "false: in the prediction only", 0.85, has_outline=True, has_stripes=True
        ),
    ),
    "nerve": Palette(
        hit=Mark((170, 70, 220), "hit: in truth and prediction", 0.40, has_outline=True),
        missed=Mark((255, 225, 30), "missed: in the truth only", 0.50, has_outline=True),
        false=Mark((40, 200, 80), "false: in the prediction only", 0.50, has_outline=True),
    ),
    # Vessels are one to ten pixels wide: solid colours, for an outline would be all of them,
    # and a grey image below, for red and blue are lost on a red retina.
    "vessel": Palette(
        hit=Mark((255, 255, 255), "hit: in truth and prediction", 0.85),
        missed=Mark((60, 140, 255), "missed: in the truth only", 1.0),
        false=Mark((255, 50, 40), "false: in the prediction only", 1.0),
        backdrop=0.45,
    ),
    # Truth in green, prediction in red; where both lie, the light adds up to yellow.
    "pneumothorax": Palette(
        hit=Mark((245, 215, 40), "truth and prediction", 0.40, has_outline=True),
        missed=Mark((40, 200, 80), "truth only", 0.50, has_outline=True),
        false=Mark((230, 40, 40), "prediction only", 0.50, has_outline=True),
        alone=(230, 40, 40),
    ),
}


def find_palette(name: str) -> Palette:
    """The palette of this name; an unknown one is an error with the nearest proposed."""
    if name not in PALETTES:
        raise unknown_name("palette", name, PALETTES)
    return PALETTES[name]


def legend(palette: str = "default") -> tuple[LegendEntry, ...]:
    """What each colour of the palette means: hit, missed, false."""
    found = find_palette(palette)
    return tuple(
        LegendEntry(mark.colour, mark.words, mark.has_stripes)
        for mark in (found.hit, found.missed, found.false)
    )


def class_legend(classes: Sequence[LabelClass]) -> tuple[LegendEntry, ...]:
    """The colour and name of each class but the background."""
    return tuple(LegendEntry(c.colour, c.name) for c in classes if c.index != 0)


def overlay(
    image: Image,
    truth: Labels | Mask,
    prediction: Labels | Mask,
    *,
    palette: str = "default",
    region: Mask | None = None,
    opacity: float | None = None,
) -> Rgb:
    """Hits, misses and false alarms over the image, (H, W, 3) uint8 at native size.

    Any label but 0 is foreground. Pixels outside the region, and those whose truth is
    `IGNORE`, do not count: they are dimmed and carry no marks. With an opacity, marks are
    plain areas of that opacity, without outlines and stripes. Palettes with a backdrop
    show the image in grey and darker.

    Raises:
        SizeMismatchError: image, truth, prediction and region differ in size.
        SettingsError: no palette has this name.
    """
    colours = find_palette(palette)
    canvas = _canvas(image, truth=truth, prediction=prediction, region=region)
    counts = _counting(truth, region)
    in_truth = (np.asarray(truth) != 0) & counts
    in_prediction = (np.asarray(prediction) != 0) & counts
    if colours.backdrop is not None:
        canvas[:] = (canvas @ LUMINANCE)[..., None] * colours.backdrop
    canvas[~counts] *= DIMMED
    outcomes = (
        (colours.hit, in_truth & in_prediction),
        (colours.missed, in_truth & ~in_prediction),
        (colours.false, in_prediction & ~in_truth),
    )
    for mark, where in outcomes:
        _draw(canvas, mark if opacity is None else Mark(mark.colour, mark.words, opacity), where)
    return _finished(canvas)


def class_overlay(
    image: Image,
    labels: Labels,
    classes: Sequence[LabelClass],
    *,
    region: Mask | None = None,
    opacity: float = 0.35,
    is_overlapping: bool = False,
) -> Rgb:
    """Each class but the background as a tinted, outlined area, (H, W, 3) uint8 at native size.

    Where classes overlap labels are their codes, and the later class is drawn above. Outside the
    region the image is dimmed and no class is drawn; `IGNORE` is striped grey.
    """
    canvas = _canvas(image, labels=labels, region=region)
    counts = np.ones(labels.shape, np.bool_) if region is None else np.asarray(region, np.bool_)
    canvas[~counts] *= DIMMED
    for label_class in classes:
        if label_class.index != 0:
            mark = Mark(label_class.colour, label_class.name, opacity, has_outline=True)
            where = is_class(labels, label_class.index, is_overlapping=is_overlapping)
            _draw(canvas, mark, where & counts)
    ignored = Mark(IGNORED_COLOUR, "not counted", 0.8, has_stripes=True)
    _draw(canvas, ignored, (labels == IGNORE) & counts)
    return _finished(canvas)


def labels_to_rgb(labels: Labels, classes: Sequence[LabelClass]) -> Rgb:
    """The labels as flat colours, (H, W, 3) uint8; `IGNORE` is mid-grey.

    The one foreground class of a binary task is white on black, so that the finest
    structure shows.

    Raises:
        SettingsError: a label has no class.
    """
    table = np.zeros((256, 3), np.uint8)
    table[IGNORE] = IGNORED_COLOUR
    is_binary = len(classes) == 2
    for label_class in classes:
        is_shown_white = is_binary and label_class.index != 0
        table[label_class.index] = (255, 255, 255) if is_shown_white else label_class.colour
    known = {IGNORE, *(c.index for c in classes)}
    strange = sorted(set(np.unique(labels).tolist()) - known)
    if strange:
        raise SettingsError(
            f"labels: expected class indices below {len(classes)}, found {strange[:8]}; "
            "name these classes or mend the mask"
        )
    return table[labels]


def _counting(truth: Labels | Mask, region: Mask | None) -> Mask:
    labels = np.asarray(truth)
    is_known = np.ones(labels.shape, np.bool_) if labels.dtype == np.bool_ else labels != IGNORE
    return is_known if region is None else is_known & np.asarray(region, np.bool_)


def _canvas(image: Image, **others: Labels | Mask | None) -> NDArray[np.float32]:
    canvas = to_rgb(image).astype(np.float32)
    for name, array in others.items():
        if array is not None and array.shape != canvas.shape[:2]:
            raise SizeMismatchError(
                f"{name}: expected the size of the image, {_words(canvas.shape)}, "
                f"found {_words(array.shape)}; give both at native size"
            )
    return canvas


def _words(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in shape[:2]) + " (height x width)"


def _draw(canvas: NDArray[np.float32], mark: Mark, where: Mask) -> None:
    if not where.any():
        return
    alpha = np.full(where.shape, mark.fill, np.float32)
    if mark.has_stripes:
        height, width = where.shape[0], where.shape[1]
        rows, columns = np.ogrid[:height, :width]
        is_gap = (rows + columns) // (STRIPE_PERIOD_PX // 2) % 2 == 1
        alpha[is_gap] *= 0.35
    if mark.has_outline:
        alpha[outline(where)] = 1.0
    share = alpha[where][:, None]
    canvas[where] = canvas[where] * (1 - share) + np.asarray(mark.colour, np.float32) * share


def outline(mask: Mask) -> Mask:
    """The pixels of the mask that touch, by a side, a pixel outside it or the image's edge.

    Thickened to about one four-hundredth of the image's shorter side, inwards.
    """
    inner = np.asarray(mask, np.bool_)
    thickness_px = max(1, round(min(inner.shape[0], inner.shape[1]) / 400))
    for _ in range(thickness_px):
        padded = np.pad(inner, 1)
        inner = inner & padded[:-2, 1:-1] & padded[2:, 1:-1]
        inner &= padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def _finished(canvas: NDArray[np.float32]) -> Rgb:
    return np.rint(canvas).clip(0, 255).astype(np.uint8)
