"""Neck ultrasound that never was: layers, muscles, vessels, and in half of the frames a nerve.

A subject's tissue is drawn once as two maps on the grid of scan lines: how strongly
scatterers answer (decibels) and how strongly interfaces mirror. A frame bends the maps a
little, as a moving probe does, puts the nerve in or leaves it out, and sends them through
a simple scanner: complex Gaussian scatterers, a point spread that widens away from the
focus, envelope, compounding, depth gain, shadows, log compression.

Source: speckle as the envelope of a complex Gaussian sum (Wagner et al. 1983, "Statistics
of speckle in ultrasound B-scans"). Refraction, reverberation and angle dependence beyond
the brightness of interfaces are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import Size
from delineate.core.seeds import stream
from delineate.core.types import Mask
from delineate.data.phantoms.sweep import Sweep, displacement, moved, speckle
from delineate.data.phantoms.tissue import Canvas, draw_anatomy, draw_streaks

Floats = NDArray[np.float32]

SIZE_PX: Size = (420, 580)
DYNAMIC_RANGE_DB = 58.0


@dataclass(frozen=True)
class Nerve:
    """An elliptical bundle: centre (row, column) and half axes in px, long axis, wobble."""

    centre_px: tuple[float, float]
    half_axes_px: tuple[float, float]
    tilt_radians: float
    wobble: tuple[float, float, float, float]

    def radius(self, rows: Floats, columns: Floats) -> Floats:
        """How far out points lie: below 1 inside the bundle, 1 on its edge."""
        along, across = self.axes(rows, columns)
        angle = np.arctan2(across, along)
        size2, phase2, size3, phase3 = self.wobble
        edge = 1 + size2 * np.cos(2 * angle + phase2) + size3 * np.cos(3 * angle + phase3)
        return np.asarray(np.hypot(along, across) / edge, dtype=np.float32)

    def axes(self, rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
        """Points along and across the bundle, in half axes."""
        down, right = rows - self.centre_px[0], columns - self.centre_px[1]
        cosine, sine = np.cos(self.tilt_radians), np.sin(self.tilt_radians)
        along = (right * cosine - down * sine) / self.half_axes_px[0]
        across = (right * sine + down * cosine) / self.half_axes_px[1]
        return along.astype(np.float32), across.astype(np.float32)

    def reach_px(self) -> tuple[float, float]:
        """How far the bundle reaches from its centre, up or down and to either side."""
        long, short = self.half_axes_px
        cosine, sine = np.cos(self.tilt_radians), np.sin(self.tilt_radians)
        grown = 1 + abs(self.wobble[0]) + abs(self.wobble[2])
        return (
            float(grown * np.hypot(long * sine, short * cosine)),
            float(grown * np.hypot(long * cosine, short * sine)),
        )


@dataclass(frozen=True)
class Anatomy:
    """What one subject's frames have in common."""

    seed: int
    subject: int
    size_px: Size
    canvas: Canvas
    nerve: Nerve
    nerve_contrast: float
    gain_db: float
    focus: float


@dataclass(frozen=True)
class Frame:
    """A picture (H, W) uint8 and the nerve in it, (H, W) bool, all False where there is none."""

    image: NDArray[np.uint8]
    mask: Mask


def anatomy(seed: int, subject: int, size_px: Size = SIZE_PX) -> Anatomy:
    """The tissue of one subject, the same for each call with the same seed."""
    rng = stream(seed, "ultrasound anatomy", subject)
    scale = size_px[0] / SIZE_PX[0]
    long = rng.uniform(50, 66) * scale
    canvas = draw_anatomy(rng, size_px)
    axes = (long, long * rng.uniform(0.48, 0.66))
    tilt = float(np.radians(rng.normal(47, 17)))
    wobble = (
        rng.uniform(-0.05, 0.05),
        rng.uniform(0, 2 * np.pi),
        rng.uniform(-0.06, 0.06),
        rng.uniform(0, 2 * np.pi),
    )
    # Under the superficial fascia, as between the scalene muscles.
    column = rng.uniform(0.44, 0.70)
    depth = float(canvas.fascia(np.array([column]))[0]) + rng.uniform(0.01, 0.10)
    tall = Nerve((0.0, 0.0), axes, tilt, wobble).reach_px()[0]
    centre = (min(depth * size_px[0] + tall, 0.55 * size_px[0]), column * size_px[1])
    nerve = Nerve(centre, axes, tilt, wobble)
    return Anatomy(
        seed=seed,
        subject=subject,
        size_px=size_px,
        canvas=canvas,
        nerve=nerve,
        nerve_contrast=rng.uniform(0.7, 1.0),
        gain_db=rng.normal(0.0, 1.6),
        focus=rng.uniform(0.25, 0.5),
    )


def nerve_plan(seed: int, subject: int, count: int) -> tuple[bool, ...]:
    """Which of a subject's frames show the nerve: half, an odd one by turns."""
    shown = (count + subject % 2) // 2
    order = stream(seed, "ultrasound plan", subject).permutation(count)
    return tuple(bool(place < shown) for place in order)


def frame(subject: Anatomy, number: int, *, has_nerve: bool, sweep: Sweep | None = None) -> Frame:
    """One frame of a subject; another number is another position of the probe.

    With a sweep it is a frame soon after that position, alike and yet another one.
    """
    rng = stream(subject.seed, "ultrasound frame", subject.subject, number)
    height, width = subject.size_px
    scatter, mirror = subject.canvas.view(rng)
    draw_streaks(rng, (scatter, mirror), subject.size_px, count=int(rng.integers(8, 18)))
    nerve = _moved(rng, subject)
    mask = np.zeros((height, width), dtype=np.bool_)
    if has_nerve:
        contrast = subject.nerve_contrast * rng.uniform(0.85, 1.05)
        _paint_nerve(rng, (scatter, mirror), nerve, width, contrast)
        mask = _mask(nerve, subject.size_px)
    noise = rng.standard_normal((2, *scatter.shape), dtype=np.float32)
    if sweep is not None:
        key = (subject.seed, subject.subject, number)
        field = displacement(sweep, subject.size_px, key)
        scatter, mirror = (moved(layer, field) for layer in (scatter, mirror))
        mask = moved(mask.astype(np.float32), field, is_nearest=True) > 0
        noise = speckle(noise, sweep, field, key)
    grey = _scan(rng, (scatter, mirror), noise, subject)
    wide = cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR)
    image = np.asarray(wide, dtype=np.uint8)
    _mark_probe(image)
    return Frame(image, mask)


def _moved(rng: np.random.Generator, subject: Anatomy) -> Nerve:
    """The subject's nerve as this frame cuts it, wholly inside the frame."""
    still = subject.nerve
    height, width = subject.size_px
    grown = rng.normal(1.0, 0.07)
    moved = Nerve(
        centre_px=still.centre_px,
        half_axes_px=(
            still.half_axes_px[0] * grown * rng.uniform(0.9, 1.1),
            still.half_axes_px[1] * grown,
        ),
        tilt_radians=still.tilt_radians + float(rng.normal(0, 0.14)),
        wobble=still.wobble,
    )
    tall, broad = moved.reach_px()
    margin = 0.07 * height
    row = still.centre_px[0] + rng.normal(0, 0.02 * height)
    column = still.centre_px[1] + rng.normal(0, 0.05 * width)
    centre = (
        float(np.clip(row, tall + margin, height - 1 - tall - margin)),
        float(np.clip(column, broad + margin, width - 1 - broad - margin)),
    )
    return Nerve(centre, moved.half_axes_px, moved.tilt_radians, moved.wobble)


def _window(nerve: Nerve, size_px: Size, margin_px: float) -> tuple[slice, slice]:
    tall, broad = nerve.reach_px()
    row, column = nerve.centre_px
    return (
        slice(
            max(0, int(row - tall - margin_px)), min(size_px[0], int(row + tall + margin_px) + 2)
        ),
        slice(
            max(0, int(column - broad - margin_px)),
            min(size_px[1], int(column + broad + margin_px) + 2),
        ),
    )


def _mask(nerve: Nerve, size_px: Size) -> Mask:
    mask = np.zeros(size_px, dtype=np.bool_)
    window = _window(nerve, size_px, 2)
    rows, columns = np.mgrid[window].astype(np.float32)
    mask[window] = nerve.radius(rows, columns) <= 1
    return mask


def _paint_nerve(
    rng: np.random.Generator,
    layers: tuple[Floats, Floats],
    nerve: Nerve,
    width: int,
    contrast: float,
) -> None:
    """Put the bundle into the maps of scatter (decibels) and mirroring."""
    scatter, mirror = layers
    height, lines = scatter.shape
    stretch = width / lines
    rows_full, columns_full = _window(nerve, (height, width), 0.06 * height)
    window = (
        rows_full,
        slice(int(columns_full.start / stretch), min(lines, int(columns_full.stop / stretch) + 1)),
    )
    rows, columns = np.mgrid[window].astype(np.float32)
    columns = (columns + np.float32(0.5)) * np.float32(stretch) - np.float32(0.5)
    along, across = nerve.axes(rows, columns)
    radius = nerve.radius(rows, columns)
    edge = 0.07 + 0.03 * rng.random()
    inside = 0.5 - 0.5 * np.tanh((radius - 1.0) / (0.7 * edge))
    # Interfaces answer where they lie across the beam, that is, are level.
    normal = np.abs(rows - nerve.centre_px[0]) / (nerve.reach_px()[0] + 1)
    around = np.float32(np.clip(np.median(scatter[window]), -31, -24))
    level = np.full(radius.shape, around + np.float32(rng.uniform(-1, 5)), dtype=np.float32)
    shine = np.zeros_like(level)
    for centre, size, angle, depth in _fascicles(rng):
        cosine, sine = np.cos(angle), np.sin(angle)
        right, down = along - centre[0], (across - centre[1]) * 0.6
        distance = np.hypot(
            (right * cosine - down * sine) / size[0], (right * sine + down * cosine) / size[1]
        )
        hole = 0.5 - 0.5 * np.tanh((distance - 0.9) / 0.28)
        rim = np.exp(-(((distance - 1.22) / 0.26) ** 2))
        level += np.float32(rng.uniform(2.5, 5)) * rim - np.float32(depth) * hole
        shine += np.float32(rng.uniform(0.02, 0.14)) * rim * (0.3 + normal)
    rim = np.exp(-(((radius - 0.97) / (0.8 * edge)) ** 2)) * (0.25 + normal)
    level += np.float32(rng.uniform(2, 5)) * rim
    shine += np.float32(rng.uniform(0.05, 0.3)) * rim
    weight = inside * np.float32(contrast)
    weight = np.maximum(weight, np.float32(0.8 * contrast) * rim.clip(0, 1) * (radius > 0.9))
    scatter[window] += weight * (level - scatter[window])
    mirror[window] += inside * (shine * np.float32(contrast) - 0.75 * mirror[window])


Fascicle = tuple[tuple[float, float], tuple[float, float], float, float]


def _fascicles(rng: np.random.Generator) -> list[Fascicle]:
    """Dark round places inside the unit circle: centre, size, angle, depth in decibels."""
    found: list[Fascicle] = []
    wanted = int(rng.integers(3, 8))
    for _ in range(60):
        size = rng.uniform(0.15, 0.30)
        distance, angle = np.sqrt(rng.random()) * (0.86 - size), rng.uniform(0, 2 * np.pi)
        centre = (float(distance * np.cos(angle)), float(distance * np.sin(angle)))
        if all(
            np.hypot(centre[0] - other[0][0], 0.6 * (centre[1] - other[0][1]))
            > 1.1 * (size + other[1][0])
            for other in found
        ):
            shape = (size, size * rng.uniform(0.65, 1.0))
            found.append((centre, shape, rng.uniform(0, np.pi), rng.uniform(7, 16)))
        if len(found) == wanted:
            break
    return found


def _scan(
    rng: np.random.Generator, maps: tuple[Floats, Floats], noise: Floats, subject: Anatomy
) -> NDArray[np.uint8]:
    """What the scanner shows of the maps of scatter and mirroring, (H, scan lines) uint8."""
    scatter, mirror = maps
    height, lines = scatter.shape
    scale = subject.size_px[0] / SIZE_PX[0]
    depth = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    amplitude = cv2.exp(scatter * np.float32(np.log(10) / 20))
    far = np.clip(np.abs(depth - subject.focus) * 1.7, 0, 1)
    power = np.zeros((height, lines), dtype=np.float32)
    for part, field in enumerate(noise):
        field = field * amplitude
        axial, sharp, wide = 0.95 * scale + 0.1, 0.75 * scale + 0.1, 1.9 * scale + 0.2
        near_field = _spread(field, axial, sharp)
        field = near_field + far * (_spread(field, axial * 1.2, wide) - near_field)
        if part == 0:
            field = field + _smooth(mirror, 0.8 * scale, 0.9 * scale)
        power += field * field
    # Compounding from many angles: in part the mean over all speckle, in part its own.
    mean = amplitude * amplitude * 2 + mirror * mirror
    power = 0.45 * power + 0.3 * _smooth(power, 0.9 * scale, 1.0 * scale)
    power += 0.25 * _smooth(mean, 0.9 * scale, 0.8 * scale)
    power += np.float32(10 ** (-DYNAMIC_RANGE_DB / 10))  # the noise floor of the receiver
    decibels = cv2.log(power) * np.float32(10 / np.log(10))
    decibels += _gain(rng, depth, lines) + np.float32(subject.gain_db + rng.normal(0, 0.8))
    grey = 255 + (decibels + 7.0) * np.float32(255 / (DYNAMIC_RANGE_DB - 18))
    grey = np.clip(grey, 0, 255) / 255
    return np.asarray(cv2.pow(grey, 1.6) * 255, dtype=np.uint8)


def _spread(field: Floats, axial_px: float, lateral: float) -> Floats:
    """The field through a Gaussian point spread, as strong as before."""
    energy = 2 * np.sqrt(np.pi * max(axial_px, 0.3) * max(lateral, 0.3))
    return np.asarray(_smooth(field, axial_px, lateral) * np.float32(energy), dtype=np.float32)


def _smooth(field: Floats, axial_px: float, lateral: float) -> Floats:
    return np.asarray(
        cv2.GaussianBlur(
            field,
            (0, 0),
            sigmaX=max(lateral, 0.3),
            sigmaY=max(axial_px, 0.3),
            borderType=cv2.BORDER_REFLECT_101,
        ),
        dtype=np.float32,
    )


def _gain(rng: np.random.Generator, depth: Floats, lines: int) -> Floats:
    """Decibels added by depth gain, loss in tissue, poor contact and shadows."""
    knots = np.linspace(0, 1, 6)
    offsets = rng.normal(0, 1.3, 6) + np.array([1.0, 1.5, 1.0, -1.0, -3.5, -6.0])
    gain = np.interp(depth[:, 0], knots, offsets)[:, None]
    gain = gain.astype(np.float32)
    across = np.linspace(0, 1, lines, dtype=np.float32)[None, :]
    loss = np.zeros((1, lines), dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        place, half = np.float32(rng.uniform(0, 1)), np.float32(rng.uniform(0.02, 0.10))
        loss += np.float32(rng.uniform(1, 5)) * np.exp(-(((across - place) / half) ** 2))
    start = np.float32(rng.uniform(0.05, 0.5))
    shadow = np.clip((depth - start) * 4, 0, 1) * loss
    edges = 4 * (np.clip(0.12 - across, 0, 1) + np.clip(across - 0.88, 0, 1)) / 0.12
    return np.asarray(gain - shadow - np.float32(rng.uniform(0, 1)) * edges, dtype=np.float32)


def _mark_probe(image: NDArray[np.uint8]) -> None:
    """The scanner's small triangle above the middle."""
    height, width = image.shape
    side = max(2, round(height / 52))
    middle = round(width * 0.523)
    points = np.array([[middle - side, 0], [middle + side, 0], [middle, round(1.6 * side)]])
    cv2.fillPoly(image, [points.astype(np.int32)], 105)
    cv2.polylines(image, [points.astype(np.int32)], True, 25, 1, cv2.LINE_AA)
