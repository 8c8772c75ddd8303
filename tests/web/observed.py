"""The discs as two people drew them, with a region where pixels count."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from delineate.core.types import Labels, Mask
from delineate.files.image_files import read_image

from .conftest import SIZE_PX

SAMPLES = ("s00_0", "s00_1", "s01_0")
BOTH = SAMPLES[:2]  # the second observer drew no more


def write_observed(discs: Path, folder: Path) -> Path:
    """A manifest of three discs; the second observer, `b`, draws two of them 4 px to the right."""
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "region.png"), the_region().astype(np.uint8) * 255)
    rows = ["id,image,mask,mask@b,region"]
    for sample in SAMPLES:
        image, mask = (discs / part / f"{sample}.png" for part in ("images", "masks"))
        other = folder / f"{sample}_b.png"
        if sample in BOTH:
            cv2.imwrite(str(other), drawn_by_b(discs, sample) * 255)
        # Of the last case all pixels count.
        region = "region.png" if sample != SAMPLES[1] else ""
        rows.append(f"{sample},{image},{mask},{other if sample in BOTH else ''},{region}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder / "manifest.csv"


def drawn(discs: Path, sample: str) -> Labels:
    """(H, W) the mask of the observer of reference."""
    labels: Labels = (read_image(discs / f"masks/{sample}.png")[..., 0] > 0).astype(np.uint8)
    return labels


def drawn_by_b(discs: Path, sample: str) -> Labels:
    """(H, W) the mask of the other one."""
    return np.roll(drawn(discs, sample), 4, axis=1)


def the_region() -> Mask:
    """(H, W) the left two thirds."""
    region = np.zeros(SIZE_PX, np.bool_)
    region[:, : 2 * SIZE_PX[1] // 3] = True
    return region
