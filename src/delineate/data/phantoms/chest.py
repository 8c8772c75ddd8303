"""Chest films that never were: ribs, lungs, heart, and in one of five gas beside a lung.

A film is a map of how much lies in the way of the rays, put together from shapes: soft tissue,
lungs with their vessels, heart and great vessels, bones, and whatever else lies on or in people.
Gas takes lung and vessels away between the wall and a fine line, the lung's own skin. Subjects
differ in build, films in posture, breath, exposure, contrast and noise.

Left out: scatter, the cone of the beam, and any other disease than a few vague shadows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from delineate.core.geometry import Size
from delineate.core.seeds import stream
from delineate.core.types import Mask
from delineate.data.phantoms import chest_gas, chest_looks
from delineate.data.phantoms.chest_anatomy import Build, Chest, Lung, build, chest
from delineate.data.phantoms.chest_gas import Gas
from delineate.data.phantoms.chest_plate import Floats, Plate, Points, band, normals
from delineate.data.phantoms.chest_vessels import Tree

SIZE_PX: Size = (1024, 1024)

LEAST_SHARE = 0.0012
"""The least share of a film that gas takes; what is smaller is drawn anew."""


@dataclass(frozen=True)
class Film:
    """A picture (H, W) uint8, the gas in it (H, W) bool, and its kind and side."""

    image: NDArray[np.uint8]
    mask: Mask
    gas: Gas | None


def film(seed: int, subject: int, number: int, size_px: Size = SIZE_PX, *, has_gas: bool) -> Film:
    """One film of a subject; another number is another posture and breath, and other gas."""
    return film_of(build(seed, subject), number, size_px, has_gas=has_gas)


def film_of(person: Build, number: int, size_px: Size = SIZE_PX, *, has_gas: bool) -> Film:
    """The same for a build that is at hand."""
    rng = stream(person.seed, "chest film", person.subject, number)
    plate = Plate(
        size_px,
        tilt_radians=float(np.radians(rng.normal(0, 1.8))),
        scale=rng.uniform(0.94, 1.08),
        shift=(rng.normal(0, 0.015), rng.normal(0.005, 0.015)),
    )
    shapes = chest(person, rng.uniform(-1, 1))
    # A stream of its own, so that a film without gas is the same film without it.
    gas = _gas(stream(person.seed, "chest gas", person.subject, number), plate, shapes, has_gas)
    sheet = _Sheet(rng, plate, person, shapes, gas)
    density = sheet.tissue()
    density = sheet.with_bones(density)
    density = chest_looks.with_things(rng, plate, shapes, density)
    grey = chest_looks.exposed(rng, plate, person.contrast, density)
    image = chest_looks.finished(rng, size_px, grey)
    return Film(image, sheet.mask(), gas)


def _gas(rng: np.random.Generator, plate: Plate, shapes: Chest, has_gas: bool) -> Gas | None:
    if not has_gas:
        return None
    small = Plate((128, 128))
    while True:
        gas = chest_gas.sampled(rng)
        lung = shapes.lungs[max(gas.side, 0)]
        if _share(small, shapes, lung, gas) >= LEAST_SHARE:
            return gas


def _share(plate: Plate, shapes: Chest, lung: Lung, gas: Gas) -> float:
    visible = _cavity(plate, lung, gas) * (1 - plate.area(shapes.heart))
    return float((visible > 0.5).mean())


def _cavity(plate: Plate, lung: Lung, gas: Gas) -> Floats:
    """What gas there is between the wall and the lung, 0 to 1."""
    edge, wall = gas.edge(lung)
    between = plate.area(np.concatenate([edge, wall[::-1]]))
    return np.asarray(plate.area(lung.outline) * between, np.float32)


class _Sheet:
    """One film while it is drawn."""

    def __init__(
        self, rng: np.random.Generator, plate: Plate, person: Build, shapes: Chest, gas: Gas | None
    ) -> None:
        self.rng, self.plate, self.person, self.shapes, self.gas = rng, plate, person, shapes, gas
        self.heart = plate.area(shapes.heart)
        self.cavities = [plate.area(lung.outline) for lung in shapes.lungs]
        self.empty = np.zeros(plate.size_px, np.float32)
        if gas is not None:
            self.empty = _cavity(plate, shapes.lungs[max(gas.side, 0)], gas)

    def mask(self) -> Mask:
        """Gas as far as it is seen beside the heart."""
        return np.asarray(self.plate.film(self.empty * (1 - self.heart)) > 0.5)

    def tissue(self) -> Floats:
        """Soft tissue, air in the lungs, vessels, heart."""
        rng, plate = self.rng, self.plate
        body = plate.area(self.shapes.body)
        deep = plate.depth(body)
        rows = self._rows()
        density = 0.72 * (1 - np.exp(deep * np.float32(-1 / 0.032)))
        density += np.float32(rng.uniform(0.10, 0.2)) * np.clip((rows - 0.62) / 0.25, 0, 1)
        density += np.float32(0.05) * plate.texture(rng, 0.09)
        density *= body
        for lung, cavity in zip(self.shapes.lungs, self.cavities, strict=True):
            density += cavity * (self._air(lung, cavity, rows) - density)
        density = self._with_mediastinum(density)
        return np.asarray(density, np.float32)

    def _rows(self) -> Floats:
        height = self.plate.size_px[0]
        return np.linspace(0, 1, height, dtype=np.float32)[:, None]

    def _air(self, lung: Lung, cavity: Floats, rows: Floats) -> Floats:
        """What lies in the way where a lung is: wall, the lung itself, its vessels."""
        rng, plate = self.rng, self.plate
        deep = plate.depth(cavity)
        wall = 0.24 + 0.20 * np.exp(deep * np.float32(-1 / 0.020))
        # Breast or muscle before the lower half, softly.
        low = np.clip((rows - 0.42) / 0.3, 0, 1) * np.float32(0.10 * self.person.wall)
        haze = np.float32(rng.uniform(0.05, 0.095))
        rough = np.float32(0.10) * plate.texture(rng, 0.012)
        rough += np.float32(0.22) * plate.texture(rng, 0.004)
        vessels = self._vessels(lung)
        if self.gas is None or self.gas.side != lung.side:
            return np.asarray(wall + low + haze * (1 + rough) + vessels, np.float32)
        left = 1 - self.empty
        # A lung that has shrunk holds the same in less room.
        shrunk = 1 / max(1 - self.gas.depth, 0.3) - 1
        denser = np.float32(1 + 0.9 * shrunk)
        seen = wall + low + left * (haze * (denser + rough) + vessels)
        return np.asarray(seen + self._skin(lung), np.float32)

    def _vessels(self, lung: Lung) -> Floats:
        plate, tree = self.plate, self.person.vessels[max(lung.side, 0)]
        shares = tree.shares
        if self.gas is not None and self.gas.side == lung.side:
            shares = shares * (1 - self.gas.collapse(tree.angles))
        sheet = plate.empty()
        plate.draw_corners(sheet, *_steps(tree, lung.placed(tree.angles, shares), plate.unit_px))
        layer = plate.blurred(plate.layer(sheet), 0.0012)
        root = plate.area(band(lung.placed(np.array([0.2, 1.2, 2.4]), np.full(3, 0.10)), 0.014))
        layer *= np.float32(0.19 * self.person.marks)
        return np.asarray(layer + np.float32(0.16) * plate.blurred(root, 0.018), np.float32)

    def _skin(self, lung: Lung) -> Floats:
        """The fine line of the lung's own skin where gas has freed it."""
        if self.gas is None:
            return np.zeros(self.plate.size_px, np.float32)
        edge, _ = self.gas.edge(lung)
        thin = max(0.0011, 0.55 / self.plate.unit_px)
        layer = self.plate.blurred(self.plate.area(band(edge, thin)), 0.0006)
        return layer * np.float32(self.gas.line)

    def _with_mediastinum(self, density: Floats) -> Floats:
        rng, plate = self.rng, self.plate
        soft = plate.blurred(self.heart, 0.003)
        inner = plate.depth(self.heart)
        thick = 0.66 + 0.20 * (1 - np.exp(inner * np.float32(-1 / 0.05)))
        # Below, heart and liver are one shadow.
        above = np.clip((0.77 - self._rows()) / 0.09, 0, 1)
        share = np.float32(0.86) * np.maximum(above, np.maximum(*self.cavities))
        density = density + soft * share * (thick - density)
        spine = chest_looks.spine(plate, self.person.height)
        windpipe = plate.blurred(plate.area(*chest_looks.windpipe(self.person.height)), 0.004)
        density = density + np.float32(0.12) * spine - np.float32(0.13) * windpipe
        return np.asarray(density + chest_looks.stomach(rng, plate, self.shapes), np.float32)

    def with_bones(self, density: Floats) -> Floats:
        """Ribs behind and before, collar bones, shoulder blades, arms."""
        shapes, rng = self.shapes, self.rng
        layers = (
            (shapes.posterior_ribs, 0.105, 0.0035),
            (shapes.anterior_ribs, 0.075, 0.0035),
            (shapes.clavicles, 0.13, 0.003),
            (shapes.scapulae, 0.07, 0.004),
            (shapes.arms, 0.22, 0.006),
        )
        inside = self.plate.blurred(self.plate.area(shapes.body), 0.002)
        grown = np.float32(rng.uniform(0.8, 1.2))
        for outlines, strength, cortex in layers:
            bone = self.plate.area(*outlines)
            density = density + inside * grown * np.float32(strength) * _bone(
                self.plate, bone, cortex
            )
        return np.asarray(density, np.float32)


def _bone(plate: Plate, covered: Floats, cortex: float) -> Floats:
    """Bone is densest at its rim."""
    rim = np.exp(plate.depth(covered) * np.float32(-1 / cortex))
    return np.asarray(plate.blurred(covered * (0.55 + 0.6 * rim), 0.0011), np.float32)


def _steps(tree: Tree, places: Points, unit_px: float) -> tuple[Points, Points]:
    """The corners (Q, 4, 2) of each step of each vessel, and how bright it is, 0 to 1."""
    across = normals(places) * tree.half_widths[:, None]
    left, right = places + across, places - across
    corners = np.stack([left[:-1], left[1:], right[1:], right[:-1]], axis=1)
    half = (tree.half_widths[1:] + tree.half_widths[:-1]) / 2
    # As bright as thick: a round vessel's middle. The thinnest are lost in pixels that are wider.
    bright = np.minimum(1, 0.1 + half / 0.0078)
    is_seen = (tree.vessels[1:] == tree.vessels[:-1]) & (half * unit_px > 0.3)
    return corners[is_seen], bright[is_seen]
