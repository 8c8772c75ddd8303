"""`python -m benchmarks.tile_margin MODEL IMAGES`: what a cheaper tile margin costs.

Compares the probability of whole images with that of tiles, for several margins, and prints
the largest and the mean difference over all images, with the time of each.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from delineate.files.image_files import read_image
from delineate.inference.model import load_model
from delineate.workflows.predict import listed_images

TILE_PX = 256


def main(model: str, images: list[str]) -> None:
    """Print one line a margin."""
    arrays = [read_image(path) for path in listed_images(images)]
    whole = load_model(model, tile_px=4096, repeats="single")
    started = perf_counter()
    expected = [whole.probability(image) for image in arrays]
    print(f"whole: {perf_counter() - started:.2f} s for {len(arrays)} images")
    context_px = whole.card.context_px
    margins = sorted({0, 8, 16, 32, *([] if context_px is None else [context_px])})
    for margin_px in margins:
        for blend_px in (0, 32):
            tiled = load_model(
                model, tile_px=TILE_PX, margin_px=margin_px, blend_px=blend_px, repeats="single"
            )
            started = perf_counter()
            found = [tiled.probability(image) for image in arrays]
            seconds = perf_counter() - started
            differences = [np.abs(f - e) for f, e in zip(found, expected, strict=True)]
            largest = max(float(each.max()) for each in differences)
            mean = float(np.mean([each.mean() for each in differences]))
            note = " (the whole context)" if margin_px == context_px else ""
            print(
                f"tiles of {TILE_PX} px, margin {margin_px} px{note}, blend {blend_px} px: "
                f"largest {largest:.1e}, mean {mean:.1e}, {seconds:.2f} s"
            )


if __name__ == "__main__":
    if len(sys.argv) < 3 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m benchmarks.tile_margin MODEL IMAGES...")
    main(sys.argv[1], sys.argv[2:])
