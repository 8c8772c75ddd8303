"""Fingerprints like those of known sets, and any that could be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from delineate.recipe.fingerprint import (
    ClassFacts,
    Fingerprint,
    Layouts,
    Machine,
    Pace,
    Tones,
)

LAPTOP = Machine(device="cpu", threads=1, memory_gb=16.0, minutes=5.0)
UNTIMED = Machine(device="cpu", threads=1, memory_gb=16.0)
GPU = Machine(device="cuda", threads=8, memory_gb=64.0, minutes=5.0)

VESSELS = ClassFacts("foreground", 0.125, 1.0, 3.0, 3.0, 1077.0)
NERVE = ClassFacts("foreground", 0.012, 0.45, 1.0, 69.0, 1.5)
EYE = Fingerprint(
    images=18,
    looked_at=18,
    subjects=18,
    validation_images=2,
    size_px=(584, 565),
    smallest_px=(584, 565),
    largest_px=(584, 565),
    region_share=0.69,
    empty_share=0.0,
    is_overlapping=False,
    classes=(VESSELS,),
    background=ClassFacts("background", 0.875, 1.0, 36.0, 24.6, 9.3),
    tones=Tones(("uint8",), 0.0, 255.0, False, 0.07, 0.3),
    layouts=Layouts(0.13, 0.03, 0.13, False),
)
NECK = replace(
    EYE,
    images=168,
    subjects=28,
    validation_images=36,
    size_px=(420, 580),
    smallest_px=(420, 580),
    largest_px=(420, 580),
    region_share=None,
    empty_share=0.55,
    classes=(NERVE,),
    background=ClassFacts("background", 0.988, 1.0, 1.0, 419.0, 1.4),
    tones=Tones(("uint8",), 0.0, 255.0, True, 0.04, 0.1),
    layouts=Layouts(0.31, 0.78, 0.51, False),
)
CELLS = replace(
    NECK,
    size_px=(512, 512),
    smallest_px=(512, 512),
    largest_px=(512, 512),
    empty_share=0.0,
    classes=(ClassFacts("foreground", 0.77, 1.0, 124.0, 33.0, 1.7),),
    background=ClassFacts("background", 0.23, 1.0, 3.0, 5.0, 760.0),
)


def _facts() -> st.SearchStrategy[ClassFacts]:
    return st.builds(
        ClassFacts,
        name=st.sampled_from(["foreground", "left lung", "Tumor # 1", "x" * 60]),
        pixel_share=st.floats(1e-6, 1),
        image_share=st.floats(1e-3, 1),
        pieces=st.floats(1, 500),
        width_px=st.floats(1, 3000),
        slenderness=st.floats(0.3, 3000),
    )


def _sizes() -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(1, 6000), st.integers(1, 6000))


@st.composite
def any_fingerprint(draw: Any) -> Fingerprint:
    """Anything that the training part of some data set could be."""
    sizes = sorted(draw(st.tuples(_sizes(), _sizes(), _sizes())), key=max)
    images = draw(st.integers(1, 200_000))
    return Fingerprint(
        images=images,
        looked_at=min(images, 96),
        subjects=draw(st.none() | st.integers(1, images)),
        validation_images=draw(st.integers(1, 20_000)),
        size_px=sizes[1],
        smallest_px=sizes[0],
        largest_px=sizes[2],
        region_share=draw(st.none() | st.floats(0.01, 1)),
        empty_share=draw(st.floats(0, 0.99)),
        is_overlapping=draw(st.booleans()),
        classes=tuple(draw(st.lists(_facts(), min_size=1, max_size=5))),
        background=draw(_facts()),
        tones=Tones(
            ("uint8",),
            0.0,
            255.0,
            draw(st.booleans()),
            draw(st.floats(0, 0.5)),
            draw(st.floats(0, 20)),
        ),
        layouts=Layouts(*draw(st.tuples(*[st.floats(-1, 2)] * 3)), draw(st.booleans())),
    )


def any_machine() -> st.SearchStrategy[Machine]:
    """A processor or an accelerator, with or without a limit of time."""
    return st.builds(
        Machine,
        device=st.sampled_from(["cpu", "cuda"]),
        threads=st.integers(1, 64),
        memory_gb=st.floats(0.5, 1000),
        minutes=st.none() | st.floats(0.01, 10_000),
    )


def any_pace() -> st.SearchStrategy[Pace]:
    """Anything between a microsecond and an hour."""
    seconds = st.floats(1e-6, 3600)
    return st.builds(Pace.measured, seconds, seconds)
