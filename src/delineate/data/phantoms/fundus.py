"""Fundus photographs that never were: vessels, optic disc, macula, uneven light.

Light is taken away where blood lies (Beer and Lambert, by the thickness of the blood along
the line of sight), veins more than arteries; so fine vessels fade into the noise by
themselves. The truth is where the vessels were put.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import Size
from delineate.core.seeds import stream
from delineate.core.types import Mask
from delineate.data.phantoms.sweep import Sweep
from delineate.data.phantoms.vessel_tree import ARTERY, VEIN, Branch, grow

Floats = NDArray[np.float32]

SIZE_PX: Size = (584, 565)
FINER = 2
"""Vessels are drawn so many times finer than the photograph."""

ABSORPTION = {ARTERY: (0.09, 0.40, 0.22), VEIN: (0.22, 0.56, 0.34)}
"""Share of red, green and blue light that a thick vessel takes away."""


@dataclass(frozen=True)
class Fundus:
    """A photograph (H, W, 3) uint8 and (H, W) bool: vessels, a second opinion, field of view."""

    image: NDArray[np.uint8]
    vessels: Mask
    second: Mask
    region: Mask


@dataclass(frozen=True)
class View:
    """How the eye lies in the photograph; lengths in px."""

    size_px: Size
    centre_px: tuple[float, float]
    radius_px: float
    disc_px: tuple[float, float]
    fovea_px: tuple[float, float]
    side: int
    """+1: the fovea lies to the right of the disc."""

    def to_px(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places seen from the disc, in radii, as (x, y) in the photograph."""
        scaled = points * self.radius_px * np.array([self.side, 1.0])
        return np.asarray(scaled + np.array(self.disc_px[::-1]), dtype=np.float64)


def photograph(
    seed: int, subject: int, eye: int = 1, size_px: Size = SIZE_PX, *, sweep: Sweep | None = None
) -> Fundus:
    """One photograph of a subject; another number of eye is another picture.

    With a sweep it is the same eye taken once more: a little moved, in another light.
    """
    rng = stream(seed, "fundus", subject, eye)
    view = _view(rng, size_px, eye)
    centre, fovea = (_from_disc(view, place) for place in (view.centre_px, view.fovea_px))
    branches = grow(rng, centre, fovea)
    if sweep is not None:
        view = _looked_aside(view, sweep)
    region = _rho(view) <= 1
    vessels = _truth(view, branches) & region
    second = _truth(view, _second_opinion(rng, branches, view.radius_px)) & region
    if sweep is not None:
        rng = stream(seed, "fundus again", subject, eye, sweep.step)
    return Fundus(_render(rng, view, branches), vessels, second, region)


def _looked_aside(view: View, sweep: Sweep) -> View:
    """The eye turned within the field of view, as far as the sweep has gone."""
    rows, columns = (sweep.step * drift for drift in sweep.drift_px)
    disc, fovea = view.disc_px, view.fovea_px
    return replace(
        view,
        disc_px=(disc[0] + rows, disc[1] + columns),
        fovea_px=(fovea[0] + rows, fovea[1] + columns),
    )


def _view(rng: np.random.Generator, size_px: Size, eye: int) -> View:
    height, width = size_px
    radius = min(0.463 * height, 0.478 * width)
    centre = (height / 2 - 0.5 + rng.normal(0, 0.005) * height,
              width / 2 - 0.5 + rng.normal(0, 0.004) * width)  # fmt: skip
    side = 1 if (eye + int(rng.integers(2))) % 2 else -1
    disc = (centre[0] + rng.normal(0, 0.09) * radius,
            centre[1] - side * rng.uniform(0.66, 0.82) * radius)  # fmt: skip
    fovea = (disc[0] + rng.normal(0.10, 0.05) * radius,
             disc[1] + side * rng.uniform(0.80, 0.90) * radius)  # fmt: skip
    return View(size_px, centre, radius, disc, fovea, side)


def _from_disc(view: View, place_px: tuple[float, float]) -> tuple[float, float]:
    """A (row, column) as (x, y) seen from the disc, in radii, the fovea to the right."""
    down, right = place_px[0] - view.disc_px[0], place_px[1] - view.disc_px[1]
    return right * view.side / view.radius_px, down / view.radius_px


def _rho(view: View) -> Floats:
    """Distance from the middle of the field of view, 1 on its edge."""
    rows, columns = np.ogrid[0 : view.size_px[0], 0 : view.size_px[1]]
    distance = np.hypot(rows - view.centre_px[0], columns - view.centre_px[1])
    return np.asarray(distance / view.radius_px, dtype=np.float32)


def _tubes(
    view: View, branches: Sequence[Branch], *, least_px: float = 0.0, more_px: float = 0.0
) -> tuple[Floats, Floats]:
    """Half the blood's thickness in px, and how central a place is within its vessel.

    Both (H, W) times `FINER`: every centre line is stamped with balls, the largest wins.
    """
    height, width = (side * FINER for side in view.size_px)
    thick = np.zeros(height * width, dtype=np.float32)
    central = np.zeros(height * width, dtype=np.float32)
    parts = [_dense(view, branch) for branch in branches]
    if not parts:
        return thick.reshape(height, width), central.reshape(height, width)
    points = np.concatenate([part[0] for part in parts])
    radii = np.maximum(np.concatenate([part[1] for part in parts]), least_px) + more_px
    x, y = ((points + 0.5) * FINER - 0.5).T
    radii = (radii * FINER).astype(np.float32)
    for reach in range(1, int(np.ceil(radii.max())) + 2):
        chosen = np.ceil(radii + 0.5) == reach
        if not chosen.any():
            continue
        offsets = np.arange(-reach, reach + 1)
        down, right = (part.ravel() for part in np.meshgrid(offsets, offsets, indexing="ij"))
        near = np.hypot(down, right) <= reach + 0.5
        down, right = down[near], right[near]
        columns = np.round(x[chosen]).astype(np.int64)[:, None] + right
        rows = np.round(y[chosen]).astype(np.int64)[:, None] + down
        off = (columns - x[chosen][:, None]) ** 2 + (rows - y[chosen][:, None]) ** 2
        size = radii[chosen][:, None]
        left = size**2 - off.astype(np.float32)
        good = (left > 0) & (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        index = (rows * width + columns)[good]
        half = np.sqrt(left[good])
        np.maximum.at(thick, index, half / FINER)
        np.maximum.at(central, index, half / np.broadcast_to(size, good.shape)[good])
    return thick.reshape(height, width), central.reshape(height, width)


def _dense(view: View, branch: Branch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A branch's centre line in px with points closer than its radius."""
    points = view.to_px(branch.points)
    radii = branch.radii * view.radius_px
    lengths = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    spacing = max(0.3, 0.22 * float(radii.mean()))
    fine = np.arange(0, lengths[-1], spacing)
    along = [np.interp(fine, lengths, values) for values in (points[:, 0], points[:, 1], radii)]
    return np.stack(along[:2], axis=1), along[2]


def _truth(view: View, branches: Sequence[Branch]) -> Mask:
    """Where a careful person would draw vessels: the finest a pixel and a half wide."""
    scale = view.size_px[0] / SIZE_PX[0]
    thick, _ = _tubes(view, branches, least_px=0.70 * max(scale, 0.6), more_px=0.12)
    share = _shrink((thick > 0).astype(np.float32), view.size_px)
    return np.asarray(share >= 0.5, dtype=np.bool_)


def _shrink(layer: Floats, size_px: Size) -> Floats:
    small = cv2.resize(layer, size_px[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)


def _second_opinion(
    rng: np.random.Generator, branches: Sequence[Branch], radius_px: float
) -> list[Branch]:
    """The vessels as someone else draws them: some missed, widths and places a little off."""
    found = []
    habit = rng.normal(0.93, 0.07)
    scale = 1 / radius_px
    for branch in branches:
        thinness = np.clip((0.0052 - branch.radii.mean()) / 0.003, 0, 1)
        if rng.random() < 0.42 * thinness:
            continue
        count = len(branch.points)
        last = max(4, round(count * (1 - rng.beta(1, 5) * thinness)))
        knots = max(2, count // 7)
        path = np.linspace(0, knots - 1, count)
        drift = np.stack(
            [np.interp(path, np.arange(knots), rng.normal(0, 0.55, knots)) for _ in "xy"], axis=1
        )
        width = habit * rng.normal(1, 0.12) + 0.1 * np.interp(
            path, np.arange(knots), rng.normal(0, 1, knots)
        )
        found.append(
            replace(
                branch,
                points=(branch.points + drift * scale)[:last],
                radii=(branch.radii * np.clip(width, 0.55, 1.5))[:last],
            )
        )
    return found


def _texture(rng: np.random.Generator, size_px: Size, grain_px: float) -> Floats:
    """Noise of unit spread with grains of that size."""
    shrink = max(1.0, grain_px / 2)
    small = tuple(max(6, int(side / shrink)) for side in size_px)
    fine = rng.standard_normal(small, dtype=np.float32)
    soft = cv2.GaussianBlur(fine, (0, 0), max(0.4, grain_px / shrink))
    noise = np.asarray(cv2.resize(soft, size_px[::-1], interpolation=cv2.INTER_CUBIC))
    return np.asarray((noise - noise.mean()) / (noise.std() + 1e-6), dtype=np.float32)


def _render(rng: np.random.Generator, view: View, branches: Sequence[Branch]) -> NDArray[np.uint8]:
    scale = view.size_px[0] / SIZE_PX[0]
    light = _background(rng, view)
    for kind in (VEIN, ARTERY):
        light *= _blood(rng, view, [branch for branch in branches if branch.kind == kind], kind)
    rho = _rho(view)
    open_field = _aperture(rng, view, rho)
    seen = light * open_field[..., None]
    seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.55, 0.85) * scale + 0.1))
    dark = np.array([7.5, 6.5, 6.5], dtype=np.float32)
    seen = seen + dark * (1 - open_field[..., None])
    noise = rng.standard_normal((*view.size_px, 3), dtype=np.float32)
    noise = 0.55 * noise + 0.75 * noise.mean(axis=2, keepdims=True)
    noise = 1.35 * cv2.GaussianBlur(noise, (0, 0), 0.65)
    strength = rng.uniform(3.8, 6.2) * (0.25 + 0.75 * open_field[..., None])
    return np.asarray(np.clip(seen + strength * noise, 0, 255), dtype=np.uint8)


def _background(rng: np.random.Generator, view: View) -> Floats:
    """The fundus without vessels, (H, W, 3) in grey levels."""
    size, radius = view.size_px, view.radius_px
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    rho = _rho(view)
    tilt = rng.uniform(0, 2 * np.pi)
    across = (columns - view.centre_px[1]) * np.cos(tilt) + (rows - view.centre_px[0]) * np.sin(
        tilt
    )
    light = 1 - rng.uniform(0.12, 0.40) * rho**2.5 + rng.normal(0, 0.10) * across / radius
    light += 0.045 * _texture(rng, size, 0.35 * radius)
    light = np.clip(light, 0.15, None).astype(np.float32)
    red = rng.uniform(145, 228)
    base = red * np.array([1, rng.uniform(0.43, 0.57), rng.uniform(0.25, 0.36)], np.float32)
    colour = base * light[..., None] ** np.array([0.9, 1.1, 1.1], dtype=np.float32)
    choroid = _texture(rng, size, 0.10 * radius) + 0.7 * _texture(rng, size, 0.03 * radius)
    shine = np.array([0.02, 0.032, 0.03], dtype=np.float32) * rng.uniform(0.5, 1.5)
    colour *= 1 + shine * choroid[..., None]
    # Wide, faint vessels of the choroid: the ridges of a smooth noise.
    ridges = np.exp(-((_texture(rng, size, 0.045 * radius) / 0.25) ** 2)) * np.clip(rho, 0.3, 1)
    colour *= 1 + rng.uniform(0.0, 0.05) * np.array([0.7, 1, 0.5], np.float32) * ridges[..., None]
    grain = _texture(rng, size, 1.6 * size[0] / SIZE_PX[0])
    colour *= 1 + 0.012 * grain[..., None]
    fovea = ((rows - view.fovea_px[0]) ** 2 + (columns - view.fovea_px[1]) ** 2) / radius**2
    wide = np.exp(-fovea / (2 * rng.uniform(0.10, 0.15) ** 2))
    pit = np.exp(-fovea / (2 * 0.035**2))
    shade = rng.uniform(0.16, 0.30) * wide + rng.uniform(0.03, 0.12) * pit
    colour *= 1 - np.array([0.6, 1.0, 0.9], dtype=np.float32) * shade[..., None]
    rim = np.exp(-(((rho - 1) / rng.uniform(0.03, 0.08)) ** 2)) * rng.uniform(0.0, 0.12)
    colour += rim[..., None] * np.array([60, 90, 90], dtype=np.float32)
    return _with_disc(rng, view, colour.astype(np.float32))


def _with_disc(rng: np.random.Generator, view: View, colour: Floats) -> Floats:
    """The bright optic disc with its cup, and the glow around it."""
    radius = view.radius_px * rng.uniform(0.135, 0.165)
    row, column = view.disc_px
    reach = 4 * radius
    window = (
        slice(max(0, int(row - reach)), min(view.size_px[0], int(row + reach))),
        slice(max(0, int(column - reach)), min(view.size_px[1], int(column + reach))),
    )
    rows, columns = np.mgrid[window].astype(np.float32)
    down, right = rows - np.float32(row), columns - np.float32(column)
    uneven = 1 + 0.04 * np.cos(2 * np.arctan2(down, right) + rng.uniform(0, 6))
    tall = rng.uniform(1.0, 1.15)
    distance = np.hypot(down / (tall * radius), right / radius) / uneven
    halo = np.exp(-((distance / 1.7) ** 2))
    around = colour[window] * (1 + rng.uniform(0.05, 0.22) * halo[..., None])
    inside = (0.5 - 0.5 * np.tanh((distance - 1) / rng.uniform(0.07, 0.15)))[..., None]
    temporal = np.clip(view.side * right / radius, -1, 1)[..., None]
    disc = around * np.array([1.30, 1.75, 1.75], dtype=np.float32) * (1 + 0.07 * temporal)
    disc *= 1 + 0.03 * _texture(rng, rows.shape, 8)[..., None]
    cup = np.hypot(down, right - view.side * 0.12 * radius) / (radius * rng.uniform(0.38, 0.55))
    disc *= 1 + np.exp(-(cup**4))[..., None] * np.array([0.05, 0.14, 0.30], dtype=np.float32)
    colour[window] = around + rng.uniform(0.6, 0.92) * inside * (disc - around)
    # The sensor saturates gently.
    bright = 210 + 45 * np.tanh(np.maximum(colour - 210, 0) / 45)
    return np.asarray(np.where(colour > 210, bright, colour), dtype=np.float32)


def _blood(rng: np.random.Generator, view: View, branches: Sequence[Branch], kind: int) -> Floats:
    """The share of light that passes, (H, W, 3), with the bright reflex along the middle."""
    scale = view.size_px[0] / SIZE_PX[0]
    thick, central = _tubes(view, branches)
    taken = 1 - np.exp(-thick / np.float32(1.5 * scale))
    wide = np.clip((thick / np.maximum(central, 0.05) - 1.5 * scale) / (1.5 * scale), 0, 1)
    reflex = np.clip((central - 0.90) / 0.10, 0, 1) * wide
    taken *= 1 - np.float32(0.42 if kind == ARTERY else 0.12) * reflex
    taken = _shrink(taken, view.size_px)
    taken *= 1 + 0.10 * _texture(rng, view.size_px, 0.06 * view.radius_px)
    strength = np.array(ABSORPTION[kind], dtype=np.float32) * np.float32(rng.uniform(0.85, 1.1))
    return np.asarray(1 - taken[..., None] * strength, dtype=np.float32)


def _aperture(rng: np.random.Generator, view: View, rho: Floats) -> Floats:
    """How open the camera is at each pixel: a disc with a soft edge and a small notch mark."""
    edge = np.clip((1 - rho) * view.radius_px / 1.6 + 0.5, 0, 1)
    angle = np.radians(rng.normal(-42, 2))
    reach = 0.995 * view.radius_px
    row = view.centre_px[0] + reach * np.sin(angle)
    column = view.centre_px[1] + reach * np.cos(angle)
    rows, columns = np.ogrid[0 : view.size_px[0], 0 : view.size_px[1]]
    notch = np.clip(0.055 * view.radius_px - np.hypot(rows - row, columns - column), 0, 1)
    return np.asarray(np.maximum(edge, 0.8 * notch), dtype=np.float32)
