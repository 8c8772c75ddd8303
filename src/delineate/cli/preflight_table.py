"""The words of a dry run: what a training would take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from delineate.cli.tables import columns

_GIB = 2**30


def preflight_table(document: Mapping[str, Any]) -> Iterator[str]:
    """What was looked at, and time and memory of the training as far as they are known.

    Of two stages those of the segmenter first, then those of the gate.
    """
    seen = document["looked_at"]
    rows = [
        ["cases decoded", f"{seen['cases']:,}"],
        ["held against masks", f"{seen['images_with_masks']:,}, {seen['drawn_masks']:,} drawn"],
        *([["accepted", each["name"]] for each in document["accepted"]]),
    ]
    estimate = document["estimate"]
    if estimate is None:
        yield from columns([*rows, ["nothing to try", "a method without a network"]])
        return
    gate = document.get("gate")
    if gate is None:
        yield from columns([*rows, *_rows(estimate)])
        return
    parts = [["segmenter:"], *_rows(estimate), ["gate:"], *_rows(gate["estimate"])]
    yield from columns([*rows, *parts])


def _rows(estimate: Mapping[str, Any]) -> list[list[str]]:
    loss, memory = estimate["loss"], estimate["memory"]
    return [
        [
            "loss on two images",
            f"{_loss(loss['first'])}, {_loss(loss['last'])} after {loss['steps']} steps",
        ],
        [
            "a step",
            f"{estimate['step_s']:.3f} s, and {estimate['patches_s']:.3f} s for its patches",
        ],
        ["validation", f"{estimate['validation_s_an_image']:.3f} s an image"],
        [
            "the training",
            f"about {estimate['steps']:,} steps, {estimate['epochs']:g} passes over the images, "
            f"{estimate['minutes']:.1f} min",
        ],
        ["memory", f"about {memory['needed_bytes'] / _GIB:.2f} GiB, {_free(memory)}"],
    ]


def _loss(value: float | None) -> str:
    return "no number" if value is None else f"{value:.4f}"


def _free(memory: Mapping[str, Any]) -> str:
    free = memory["free_bytes"]
    return "what is free is not known" if free is None else f"{free / _GIB:.1f} GiB free"
