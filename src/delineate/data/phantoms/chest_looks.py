"""What else is on a chest film: spine, windpipe, stomach, folds, leads, borders, letters, noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import Size
from delineate.data.phantoms.chest_anatomy import Chest, Lung
from delineate.data.phantoms.chest_plate import Floats, Plate, Points, band, curve


def spine(plate: Plate, height: float) -> Floats:
    """The column of vertebrae, with gaps between them, 0 to 1."""
    column, step = plate.empty(), 0.047 * height
    boxes, densities = [], []
    for number in range(26):
        top, half = -0.06 + step * number, 0.024 + 0.0004 * number
        boxes.append(_box(0, top + 0.004, half, 0.82 * step))
        # The roots of the arches, seen end on.
        roots = (side * 0.62 * half for side in (-1, 1))
        boxes += [_box(x, top + 0.35 * step, 0.20 * half, 0.3 * step) for x in roots]
        densities += [0.75, 1.0, 1.0]
    plate.draw_corners(column, np.stack(boxes), np.array(densities))
    whole = plate.area(_box(0, -0.2, 0.026, 1.5))
    return np.asarray(plate.blurred(0.55 * whole + 0.45 * plate.layer(column), 0.0022), np.float32)


def windpipe(height: float) -> tuple[Points, ...]:
    """The air on its way to the lungs."""
    fork = 0.098 + 0.20 * height
    trunk = np.array([(0.0, -0.05), (0.001, 0.10), (0.004, fork)])
    right = np.array([(0.004, fork - 0.006), (-0.028, fork + 0.035), (-0.050, fork + 0.055)])
    left = np.array([(0.004, fork - 0.006), (0.040, fork + 0.035), (0.062, fork + 0.048)])
    return band(trunk, 0.013), band(curve(right), 0.009), band(curve(left), 0.008)


def stomach(rng: np.random.Generator, plate: Plate, shapes: Chest) -> Floats:
    """Air in the stomach under the left dome, in some: darker, so negative."""
    if rng.random() < 0.45:
        return np.zeros((1, 1), np.float32)
    dome = shapes.domes[1]
    middle = dome[len(dome) // 2] + np.array([rng.uniform(-0.03, 0.02), rng.uniform(0.045, 0.07)])
    oval = _oval(middle, (rng.uniform(0.03, 0.075), rng.uniform(0.02, 0.035)), rng.normal(0, 0.2))
    return np.float32(-rng.uniform(0.10, 0.26)) * plate.blurred(plate.area(oval), 0.006)


def with_things(rng: np.random.Generator, plate: Plate, shapes: Chest, density: Floats) -> Floats:
    """The film with what may be mistaken for gas or its edge, and what lies on the skin."""
    for lung in shapes.lungs:
        if rng.random() < 0.22:
            density = density + _fold(rng, plate, lung)
        if rng.random() < 0.10:
            density = density + _bulla(rng, plate, lung)
        if rng.random() < 0.15:
            density = density + _shadow(rng, plate, lung)
        if rng.random() < 0.5:
            density = density + _apical_cap(rng, plate, lung)
    if rng.random() < 0.25:
        density = density + _leads(rng, plate)
    if rng.random() < 0.22:
        density = density + _tube(rng, plate, shapes)
    return density


def _fold(rng: np.random.Generator, plate: Plate, lung: Lung) -> Floats:
    """A fold of skin: brighter up to an edge that ends at once, and leaves the lung."""
    x = lung.side * rng.uniform(0.16, 0.32)
    top, end = rng.uniform(0.05, 0.25), rng.uniform(0.5, 0.8)
    lean, bow = rng.normal(0, 0.06), rng.normal(0, 0.03)
    share = np.linspace(0, 1, 20)
    edge = np.stack([x + lean * share + bow * np.sin(np.pi * share), top + (end - top) * share], 1)
    wide = rng.uniform(0.03, 0.09) * np.sin(np.pi * share)
    inwards = np.stack([lung.side * wide, np.zeros_like(wide)], axis=1)
    steps = (0.15, 0.35, 0.6, 1.0)
    strips = [plate.area(np.concatenate([edge, (edge - k * inwards)[::-1]])) for k in steps]
    slope = plate.blurred(np.mean(strips, axis=0), 0.0012)
    return np.asarray(np.float32(rng.uniform(0.04, 0.10)) * slope, np.float32)


def _bulla(rng: np.random.Generator, plate: Plate, lung: Lung) -> Floats:
    """A round airy place within the lung, with a wall that is seen in part."""
    place = lung.placed(np.array([rng.uniform(-0.1, 1.3)]), np.array([rng.uniform(0.55, 0.85)]))[0]
    size = rng.uniform(0.02, 0.055)
    oval = _oval(place, (size, size * rng.uniform(0.7, 1.0)), rng.uniform(0, np.pi))
    inside = plate.blurred(plate.area(oval), 0.003)
    first = int(rng.integers(0, 40))
    arc = np.roll(oval, -first, axis=0)[: int(rng.integers(12, 36))]
    wall = plate.area(band(arc, max(0.0012, 0.5 / plate.unit_px)))
    return np.asarray(
        np.float32(-rng.uniform(0.03, 0.07)) * inside + np.float32(rng.uniform(0.03, 0.08)) * wall,
        np.float32,
    )


def _shadow(rng: np.random.Generator, plate: Plate, lung: Lung) -> Floats:
    """A vague patch of denser lung."""
    where = np.array([rng.uniform(0.6, 3.0)])
    place = lung.placed(where, np.array([rng.uniform(0.3, 0.8)]))[0]
    size = rng.uniform(0.03, 0.08)
    oval = _oval(place, (size, size * rng.uniform(0.5, 1.0)), rng.uniform(0, np.pi))
    patch = plate.blurred(plate.area(oval), 0.025) * plate.blurred(plate.area(lung.outline), 0.002)
    rough = 1 + np.float32(0.35) * plate.texture(rng, 0.008)
    return np.asarray(np.float32(rng.uniform(0.05, 0.20)) * patch * rough, np.float32)


def _apical_cap(rng: np.random.Generator, plate: Plate, lung: Lung) -> Floats:
    """The soft seam along the first ribs, which runs as a thin rim of gas would."""
    angles = np.linspace(rng.uniform(-0.3, 0.0), rng.uniform(0.4, 1.1), 20)
    line = lung.placed(angles, np.full(20, rng.uniform(0.94, 0.985)))
    seam = plate.blurred(plate.area(band(line, rng.uniform(0.002, 0.005))), 0.002)
    return np.asarray(np.float32(rng.uniform(0.03, 0.09)) * seam, np.float32)


def _leads(rng: np.random.Generator, plate: Plate) -> Floats:
    """Wires on the skin with their buttons."""
    sheet = plate.empty()
    for _ in range(int(rng.integers(1, 4))):
        start = np.array([rng.uniform(-0.35, 0.35), rng.uniform(0.15, 0.7)])
        end = np.array([rng.choice([-1, 1]) * rng.uniform(0.1, 0.5), rng.choice([-0.05, 1.05])])
        middle = (start + end) / 2 + rng.normal(0, 0.08, 2)
        plate.draw(sheet, band(curve(np.stack([start, middle, end]), steps=12), 0.0016), 0.6)
        plate.draw(sheet, _oval(start, (0.011, 0.011), 0.0), 0.9)
    return plate.blurred(plate.layer(sheet), 0.001) * np.float32(0.30)


def _tube(rng: np.random.Generator, plate: Plate, shapes: Chest) -> Floats:
    """A catheter from the collar bone, or a drain from the side, with gas or without."""
    lung = shapes.lungs[int(rng.integers(2))]
    side = lung.side
    if rng.random() < 0.5:
        points = [(side * 0.30, 0.02), (side * 0.20, 0.12), (side * 0.06, 0.20), (-0.045, 0.27),
                  (-0.052, rng.uniform(0.36, 0.46))]  # fmt: skip
    else:
        y = rng.uniform(0.45, 0.68)
        points = [(side * 0.50, y + 0.06), (side * 0.34, y), (side * 0.24, y - 0.12),
                  (side * 0.18, rng.uniform(0.2, 0.32))]  # fmt: skip
    line = curve(np.array(points) + rng.normal(0, 0.008, (len(points), 2)), steps=10)
    half = rng.uniform(0.0025, 0.006)
    walls = plate.area(band(line, half)) - 0.6 * plate.area(band(line, 0.55 * half))
    return plate.blurred(np.asarray(walls, np.float32), 0.0008) * np.float32(0.16)


def exposed(rng: np.random.Generator, plate: Plate, contrast: float, density: Floats) -> Floats:
    """Grey values 0 to 1 at the size of the film: blurred, noisy, and exposed by chance."""
    density = plate.blurred(density, rng.uniform(0.0005, 0.0014))
    density = plate.film(density)
    # Few rays pass where much lies in the way: the logarithm of their number is noisy there.
    grain = np.float32(rng.uniform(0.006, 0.018)) * np.exp(0.9 * np.clip(density, 0, 1.4))
    fine = rng.standard_normal(density.shape, dtype=np.float32)
    fine = 0.6 * fine + np.float32(0.8) * np.asarray(cv2.GaussianBlur(fine, (0, 0), 0.8))
    density = density + grain * fine * np.float32(0.8)
    low = rng.uniform(0.02, 0.14)
    high = low + rng.uniform(0.95, 1.2) / contrast
    grey = np.clip((density - low) / (high - low), 0, 1)
    return np.asarray(grey ** rng.uniform(0.8, 1.25), np.float32)


def finished(rng: np.random.Generator, size_px: Size, grey: Floats) -> NDArray[np.uint8]:
    """The film with its borders and letters, (H, W) uint8."""
    image = np.asarray(np.rint(grey * 255), dtype=np.uint8)
    height, width = size_px
    if rng.random() < 0.35:
        sides = rng.uniform(0, 0.045, 4) * (rng.random(4) < 0.6)
        # Not so far down that it hides the apex of a lung.
        top, bottom = round(0.6 * height * sides[0]), round(height * sides[1])
        left, right = (round(width * side) for side in sides[2:])
        frame = np.zeros_like(image)
        window = (slice(top, height - bottom), slice(left, width - right))
        frame[window] = image[window]
        image = frame
    if rng.random() < 0.6:
        _letter(rng, image)
    return image


def _letter(rng: np.random.Generator, image: NDArray[np.uint8]) -> None:
    """A marker of lead: the side of the patient, in an upper corner."""
    height, width = image.shape
    is_right = rng.random() < 0.5
    size = min(height, width) * rng.uniform(0.0016, 0.0022)
    row = round(height * rng.uniform(0.06, 0.16))
    column = round(width * (rng.uniform(0.03, 0.08) if is_right else rng.uniform(0.88, 0.93)))
    thick = max(1, round(2.2 * size))
    cv2.putText(
        image, "R" if is_right else "L", (column, row), cv2.FONT_HERSHEY_SIMPLEX, size,
        int(rng.integers(200, 256)), thick, cv2.LINE_AA,
    )  # fmt: skip


def _box(x: float, top: float, half_width: float, height: float) -> Points:
    left, right, end = x - half_width, x + half_width, top + height
    return np.array([(left, top), (right, top), (right, end), (left, end)])


def _oval(middle: Points, half: tuple[float, float], tilt: float) -> Points:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    along, across = half[0] * np.cos(angles), half[1] * np.sin(angles)
    cosine, sine = np.cos(tilt), np.sin(tilt)
    return np.asarray(
        middle + np.stack([along * cosine - across * sine, along * sine + across * cosine], axis=1)
    )
