"""The tissue of a neck without a nerve: what scatters and what mirrors, by scan line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import Size

Floats = NDArray[np.float32]
Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]

LINES_PER_PX = 256 / 580
"""Scan lines beside each other for each pixel of width: the scanner interpolates between."""

MARGIN = 0.16
"""How much more tissue than a frame shows is drawn, each side, so that frames can move."""


MIRROR = 3.0
"""Amplitude of an interface of full shine against scatterers of 0 dB."""


@dataclass(frozen=True)
class Canvas:
    """Scatter (decibels) and mirroring (amplitude), larger than a frame by its margins."""

    scatter: Floats
    mirror: Floats
    size_px: Size
    margin: tuple[int, int]
    fascia: Curve

    def view(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """What a probe sees that was moved, tilted and pressed a little, (H, lines) each."""
        height = self.size_px[0]
        lines = line_count(self.size_px[1])
        right = self.margin[1]
        coarse = (4, 6)
        bend_rows = rng.normal(0, 0.018 * height, coarse)
        bend_rows[0] *= 0.05  # the skin lies flat under the probe
        bend_columns = rng.normal(0, 0.012 * lines, coarse)
        slope = rng.normal(0, 0.05)
        zoom = rng.normal(1, 0.03)
        move_columns = rng.normal(0, 0.3) * right
        size = (lines, height)
        wide_rows, wide_columns = (
            cv2.resize(bend.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
            for bend in (bend_rows, bend_columns)
        )
        rows = np.arange(height, dtype=np.float32)[:, None]
        columns = np.arange(lines, dtype=np.float32)[None, :] - np.float32(lines / 2)
        tilt = np.float32(slope) * rows / np.float32(height)
        map_rows = rows * np.float32(zoom) + wide_rows + tilt * columns
        map_columns = columns * np.float32(zoom) + wide_columns
        map_columns += np.float32(lines / 2 + move_columns + right)
        map_rows = np.clip(map_rows, 0, self.scatter.shape[0] - 1)
        scatter, mirror = (
            cv2.remap(
                layer, map_columns, map_rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
            )
            for layer in (self.scatter, self.mirror)
        )
        return np.asarray(scatter, dtype=np.float32), np.asarray(mirror, dtype=np.float32)


def line_count(width_px: int) -> int:
    """How many scan lines make a frame of that width."""
    return max(16, round(width_px * LINES_PER_PX))


def draw_anatomy(rng: np.random.Generator, size_px: Size) -> Canvas:
    """One subject's neck: skin, superficial muscle, deep muscles, vessels, bone."""
    return _Drawing(rng, size_px).draw()


def draw_streaks(
    rng: np.random.Generator, layers: tuple[Floats, Floats], size_px: Size, *, count: int
) -> None:
    """Add short threads of connective tissue that only this frame cuts."""
    drawing = _Drawing(rng, size_px, layers)
    for _ in range(count):
        drawing.thread(
            rng.uniform(0.2, 0.95), rng.uniform(0, 1), length=rng.uniform(0.02, 0.10),
            shine=rng.uniform(0.02, 0.14), lift_db=rng.uniform(2, 6),
        )  # fmt: skip


class _Drawing:
    """Places in shares of a frame's height and width; the canvas is in scan lines."""

    def __init__(
        self,
        rng: np.random.Generator,
        size_px: Size,
        layers: tuple[Floats, Floats] | None = None,
    ) -> None:
        self.rng = rng
        self.size_px = size_px
        self.height, self.lines = size_px[0], line_count(size_px[1])
        self.aspect = size_px[1] / size_px[0]
        self.scale = size_px[0] / 420
        self.margin = (0, round(MARGIN * self.lines)) if layers is None else (0, 0)
        shape = (round(self.height * (1 + MARGIN)), self.lines + 2 * self.margin[1])
        self.scatter, self.mirror = layers or (
            np.full(shape, -25, dtype=np.float32),
            np.zeros(shape, dtype=np.float32),
        )
        self.shape = self.scatter.shape

    def draw(self) -> Canvas:
        self.ground()
        fascia = self.slanted(self.rng.uniform(0.12, 0.24))
        self.clutter(fascia)
        self.bellies(fascia)
        self.vessels()
        self.decoys()
        self.bone()
        self.superficial_muscle(fascia)
        self.skin()
        return Canvas(self.scatter, self.mirror, self.size_px, self.margin, fascia)

    def points(self, rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.int32]:
        """Shares of height and width as OpenCV's fixed point (x, y) with 4 bits."""
        x = columns * self.lines + self.margin[1]
        y = rows * self.height + self.margin[0]
        return np.round(np.stack([x, y], axis=-1) * 16).astype(np.int32)

    def texture(self, axial: float, lateral: float) -> Floats:
        """Noise of unit spread with grains of that size in shares of the height."""
        rows = axial * self.height
        columns = lateral * self.height * LINES_PER_PX
        shrink = max(1.0, min(rows, columns) / 2)
        small = (max(4, int(self.shape[0] / shrink)), max(4, int(self.shape[1] / shrink)))
        fine = self.rng.standard_normal(small, dtype=np.float32)
        soft = cv2.GaussianBlur(
            fine, (0, 0), sigmaX=max(0.4, columns / shrink), sigmaY=max(0.4, rows / shrink)
        )
        noise = np.asarray(cv2.resize(soft, self.shape[::-1], interpolation=cv2.INTER_LINEAR))
        return np.asarray((noise - noise.mean()) / (noise.std() + 1e-6), dtype=np.float32)

    def ground(self) -> None:
        rng = self.rng
        streaks = self.bent(self.texture(0.0065, 0.05), 0.08)
        fine = self.bent(self.texture(0.005, 0.02), 0.06)
        self.scatter += 3.0 * self.texture(0.07, 0.12) + rng.uniform(2.5, 4.5) * streaks
        self.scatter += rng.uniform(1.5, 3) * fine
        bright = np.clip(streaks + 0.6 * self.texture(0.03, 0.06) - 1.4, 0, 1.2)
        self.mirror += np.float32(rng.uniform(0.15, 0.45)) * bright

    def bent(self, layer: Floats, amount: float) -> Floats:
        """A layered texture that no longer lies level."""
        shift = amount * self.height * self.texture(0.17, 0.24)
        shift += 0.18 * amount * self.height * self.texture(0.05, 0.06)
        rows, columns = np.mgrid[0 : self.shape[0], 0 : self.shape[1]].astype(np.float32)
        return np.asarray(
            cv2.remap(layer, columns, rows + shift, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP),
            dtype=np.float32,
        )

    def slanted(self, depth: float) -> Curve:
        """A fascia that is deep on one side and shallow on the other."""
        rng = self.rng
        slope = rng.choice([-1, -1, 1]) * rng.uniform(0.02, 0.13)
        knots = np.linspace(-MARGIN, 1 + MARGIN, 7)
        values = depth + slope * (knots - 0.5) + rng.normal(0, 0.022, 7)
        curve = np.polynomial.Polynomial.fit(knots, np.maximum(values, 0.075), 5)
        return lambda columns: np.maximum(curve(columns), 0.07)

    def line(
        self, rows: NDArray[np.float64], columns: NDArray[np.float64], thickness: float,
        shine: float, lift_db: float,
    ) -> None:  # fmt: skip
        """A bright interface, uneven along its length and fading at its ends."""
        rng = self.rng
        x, y = columns * self.lines + self.margin[1], rows * self.height + self.margin[0]
        pad = 6 + int(3 * thickness)
        left, right = int(x.min()) - pad, int(x.max()) + pad
        top, bottom = int(y.min()) - pad, int(y.max()) + pad
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, self.shape[1]), min(bottom, self.shape[0])
        if right - left < 3 or bottom - top < 3:
            return
        layer = np.zeros((bottom - top, right - left), dtype=np.float32)
        fine = np.round(np.stack([x - left, y - top], axis=-1) * 16).astype(np.int32)
        count = len(fine)
        ends = np.sin(np.linspace(0.12, np.pi - 0.12, count)) ** 0.5
        wave = np.interp(np.arange(count), np.linspace(0, count, 6), rng.uniform(0.35, 1, 6))
        thick = np.interp(np.arange(count), np.linspace(0, count, 5), rng.uniform(0.5, 1.2, 5))
        for index in range(count - 1):
            cv2.line(
                layer, fine[index].tolist(), fine[index + 1].tolist(),
                float(ends[index] * wave[index]), max(1, round(thickness * thick[index])), 8, 4,
            )  # fmt: skip
        layer = cv2.GaussianBlur(layer, (0, 0), sigmaX=0.7, sigmaY=max(0.5, 0.45 * thickness))
        window = (slice(top, bottom), slice(left, right))
        self.scatter[window] += np.float32(lift_db) * layer
        shine = MIRROR * shine
        self.mirror[window] = np.maximum(self.mirror[window], np.float32(shine) * layer)

    def thread(
        self, row: float, column: float, *, length: float, shine: float, lift_db: float
    ) -> None:
        """A short curved interface somewhere, mostly level."""
        rng = self.rng
        steps = np.linspace(-1, 1, 13)
        slope, bow, wave = rng.normal(0, 0.3), rng.normal(0, 0.18), rng.normal(0, 0.07)
        columns = column + steps * length
        shape = slope * steps + bow * steps**2 + wave * np.sin(5 * steps + rng.uniform(0, 6))
        rows = row + shape * length * self.aspect
        thickness = min(rng.uniform(0.8, 6.0), 45 * length + 1.5)
        self.line(rows, columns, thickness * self.scale, shine, lift_db)

    def clutter(self, fascia: Curve) -> None:
        """Clusters of bright connective tissue, where the nerve might be and elsewhere."""
        rng = self.rng
        for _ in range(int(rng.integers(4, 8))):
            column, spread = rng.uniform(-0.1, 1.1), rng.uniform(0.04, 0.12)
            row = float(fascia(np.array([column]))[0]) + abs(rng.normal(0.12, 0.18))
            strength = rng.uniform(0.10, 0.38)
            for _ in range(int(rng.integers(7, 20))):
                self.thread(
                    row + rng.normal(0, 0.6 * spread), column + rng.normal(0, spread),
                    length=rng.uniform(0.012, 0.07), shine=strength * rng.uniform(0.2, 1.1),
                    lift_db=rng.uniform(2, 8),
                )  # fmt: skip
        for _ in range(int(rng.integers(5, 11))):
            self.thread(
                rng.uniform(0.25, 1), rng.uniform(0, 1), length=rng.uniform(0.08, 0.22),
                shine=rng.uniform(0.04, 0.22), lift_db=rng.uniform(2, 7),
            )  # fmt: skip

    def oval(
        self, row: float, column: float, tall: float, broad: float
    ) -> tuple[tuple[slice, slice], Floats, NDArray[np.float64]]:
        """Window, soft inside of an uneven oval, and its outline (row, column) in shares."""
        rng = self.rng
        angles = np.linspace(0, 2 * np.pi, 49)
        uneven = 1 + sum(
            rng.normal(0, 0.10 / k) * np.cos(k * angles + rng.uniform(0, 7)) for k in (1, 2, 3, 5)
        )
        turn = rng.normal(0, 0.35)
        x, y = broad * np.cos(angles) * uneven, tall * np.sin(angles) * uneven
        columns = column + x * np.cos(turn) - y * np.sin(turn) / self.aspect
        rows = row + x * np.sin(turn) * self.aspect + y * np.cos(turn)
        layer = np.zeros(self.shape, dtype=np.float32)
        cv2.fillPoly(layer, [self.points(rows, columns)], 1.0, 8, 4)
        points = self.points(rows, columns) // 16
        pad = round(8 * self.scale) + 2
        left, top = np.maximum(points.min(axis=0) - pad, 0)
        right, bottom = np.minimum(points.max(axis=0) + pad, np.array(self.shape[::-1]))
        window = (slice(int(top), max(int(top) + 1, int(bottom))),
                  slice(int(left), max(int(left) + 1, int(right))))  # fmt: skip
        soft = cv2.GaussianBlur(
            np.ascontiguousarray(layer[window]), (0, 0), sigmaX=1.2 * self.scale + 0.2,
            sigmaY=2.0 * self.scale + 0.2,
        )  # fmt: skip
        return window, np.asarray(soft, dtype=np.float32), np.stack([rows, columns])

    def rim(self, outline: NDArray[np.float64], shine: float, lift_db: float) -> None:
        """The outline where it is level and so answers: above and below, broken."""
        rng = self.rng
        for start, stop in ((2, 23), (26, 47)):
            first = start + int(rng.integers(0, 7))
            last = stop - int(rng.integers(0, 7))
            self.line(
                outline[0, first:last], outline[1, first:last],
                rng.uniform(1.2, 3.2) * self.scale, shine * rng.uniform(0.3, 1),
                lift_db * rng.uniform(0.3, 1),
            )  # fmt: skip

    def bellies(self, fascia: Curve) -> None:
        """Dark muscles with fibres inside and fascia around."""
        rng = self.rng
        for _ in range(int(rng.integers(4, 8))):
            column = rng.uniform(-0.05, 1.05)
            top = float(fascia(np.array([column]))[0])
            tall, broad = rng.uniform(0.05, 0.12), rng.uniform(0.07, 0.20)
            row = top + tall + rng.uniform(0.02, 0.45)
            window, inside, outline = self.oval(row, column, tall, broad)
            dark = rng.uniform(-38, -31)
            fibres = rng.uniform(2, 4) * self.texture(0.003, 0.06)[window]
            weight = inside * rng.uniform(0.65, 0.95)
            self.scatter[window] += weight * (dark + fibres - self.scatter[window])
            self.mirror[window] *= 1 - 0.9 * weight
            for _ in range(int(rng.integers(1, 7))):
                self.thread(
                    row + rng.uniform(-0.6, 0.6) * tall, column + rng.uniform(-0.5, 0.5) * broad,
                    length=rng.uniform(0.02, 0.06), shine=rng.uniform(0.01, 0.08),
                    lift_db=rng.uniform(2, 6),
                )  # fmt: skip
            self.rim(outline, rng.uniform(0.06, 0.35), rng.uniform(3, 9))

    def vessels(self) -> None:
        """Black round lumina with walls, brighter below."""
        rng = self.rng
        for _ in range(int(rng.integers(1, 4))):
            row, column = rng.uniform(0.30, 0.75), rng.uniform(0, 1)
            tall = rng.uniform(0.018, 0.055)
            broad = tall / self.aspect * rng.uniform(0.9, 1.8)
            window, inside, outline = self.oval(row, column, tall, broad)
            self.scatter[window] += inside * (rng.uniform(-50, -43) - self.scatter[window])
            self.mirror[window] *= 1 - inside
            self.rim(outline, rng.uniform(0.08, 0.30), rng.uniform(3, 8))
            rows = np.arange(window[0].stop, self.shape[0])
            fade = np.exp(-(rows - window[0].stop) / (0.12 * self.height))[:, None]
            below = (slice(window[0].stop, self.shape[0]), window[1])
            bell = np.hanning(window[1].stop - window[1].start)[None, :]
            self.scatter[below] += np.float32(rng.uniform(2, 6)) * (fade * bell).astype(np.float32)

    def decoys(self) -> None:
        """Nodes and single tubes: dark, round, rimmed, of a nerve's size or a fascicle's."""
        rng = self.rng
        for _ in range(int(rng.integers(2, 6))):
            row, column = rng.uniform(0.25, 0.7), rng.uniform(0.1, 0.95)
            tall = rng.uniform(0.02, 0.07)
            broad = tall / self.aspect * rng.uniform(0.9, 2.0)
            window, inside, outline = self.oval(row, column, tall, broad)
            level = rng.uniform(-38, -31)
            self.scatter[window] += 0.85 * inside * (level - self.scatter[window])
            self.mirror[window] *= 1 - 0.8 * inside
            self.rim(outline, rng.uniform(0.04, 0.25), rng.uniform(3, 8))
            if rng.random() < 0.4:  # the hilum of a lymph node
                self.thread(row, column, length=0.5 * broad, shine=rng.uniform(0.04, 0.15),
                            lift_db=rng.uniform(4, 9))  # fmt: skip

    def bone(self) -> None:
        """A bright surface deep down with a shadow under it."""
        rng = self.rng
        for _ in range(int(rng.integers(1, 3))):
            columns = rng.uniform(0.05, 0.95) + np.linspace(-1, 1, 25) * rng.uniform(0.06, 0.22)
            bow = rng.uniform(-0.02, 0.10)
            rows = rng.uniform(0.66, 0.93) + bow * np.linspace(-1, 1, 25) ** 2
            self.line(rows, columns, rng.uniform(2, 6) * self.scale, rng.uniform(0.1, 0.5), 6)
            if rng.random() < 0.7:
                self.shadow(rows, columns, rng.uniform(5, 14))

    def shadow(
        self, rows: NDArray[np.float64], columns: NDArray[np.float64], loss_db: float
    ) -> None:
        outline = (
            np.concatenate([rows + 0.02, [1.3, 1.3]]),
            np.concatenate([columns, [columns[-1], columns[0]]]),
        )
        layer = np.zeros(self.shape, dtype=np.float32)
        cv2.fillPoly(layer, [self.points(*outline)], 1.0, 8, 4)
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), 4 * self.scale + 0.3))
        self.scatter -= np.float32(loss_db) * layer
        self.mirror *= 1 - 0.9 * layer

    def superficial_muscle(self, fascia: Curve) -> None:
        """The dark flat muscle under the skin, with long fibres, and its fascia."""
        rng = self.rng
        columns = np.linspace(-MARGIN, 1 + MARGIN, 60)
        rows = fascia(columns)
        layer = np.zeros(self.shape, dtype=np.float32)
        top = np.full(2, 0.055)
        outline = self.points(
            np.concatenate([rows, top]), np.concatenate([columns, [1 + MARGIN, -MARGIN]])
        )
        cv2.fillPoly(layer, [outline], 1.0, 8, 4)
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), 1.5 * self.scale + 0.2))
        fibres = self.bent(self.texture(0.003, 0.14), 0.015)
        level = rng.uniform(-38, -30) + rng.uniform(2.5, 4.5) * fibres
        self.scatter += layer * np.float32(0.92) * (level - self.scatter)
        self.mirror *= 1 - np.float32(0.95) * layer
        self.mirror += layer * np.clip(fibres - 1.5, 0, 1) * np.float32(rng.uniform(0.04, 0.15))
        self.line(
            rows, columns, rng.uniform(2.5, 5.5) * self.scale, rng.uniform(0.3, 0.7),
            rng.uniform(6, 11),
        )  # fmt: skip
        for _ in range(int(rng.integers(1, 4))):
            first = int(rng.integers(0, 35))
            part = slice(first, first + int(rng.integers(12, 24)))
            self.line(
                rows[part] + rng.uniform(-0.035, 0.06), columns[part],
                rng.uniform(1.5, 3.5) * self.scale, rng.uniform(0.1, 0.45), rng.uniform(4, 9),
            )  # fmt: skip

    def skin(self) -> None:
        """Gel, skin and the level echoes under the probe's face."""
        rng = self.rng
        rows = np.arange(self.shape[0]) / self.height
        depth, level = 0.0, -20.0
        knots, values = [0.0], [level]
        while depth < 0.06:
            depth += rng.uniform(0.006, 0.017)
            level = rng.uniform(-22, -11) if level < -26 else rng.uniform(-44, -29)
            knots.append(depth)
            values.append(level)
        bands = np.interp(rows, knots, values)[:, None].astype(np.float32)
        weight = np.clip((0.075 - rows) / 0.02, 0, 1)[:, None].astype(np.float32)
        bands = bands + 1.5 * self.texture(0.003, 0.2)
        self.scatter += weight * (bands - self.scatter)
        self.mirror *= 1 - 0.9 * weight
