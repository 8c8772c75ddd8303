"""What a preflight can find, by name, and when it stops a training."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from delineate.core.errors import PreflightError, unknown_name

MEANINGS = {
    "class-missing": "no training mask holds a class that there should be",
    "images-constant": "many images have one colour in every pixel",
    "loss-diverges": "the loss on two images is no longer a number",
    "loss-stuck": "the loss on two images does not fall",
    "masks-empty": "nothing is drawn in any training mask",
    "masks-full": "every training mask is foreground all over",
    "masks-inverted": "the foreground is everything but the objects",
    "masks-shifted": "images fit the masks of other files better than their own",
    "masks-turned": "images fit their masks better when these are mirrored or turned",
    "memory": "the training needs more memory than is free",
}
"""Every finding that stops a training, and what it says."""


@dataclass(frozen=True)
class Finding:
    """Something off: its name, and in one sentence what was expected, what came, what to do."""

    name: str
    text: str


def require_known(accepted: Collection[str]) -> None:
    """Nothing, where all these are names of findings.

    Raises:
        SettingsError: naming the first that is none, with the nearest proposed.
    """
    for name in accepted:
        if name not in MEANINGS:
            raise unknown_name("finding", name, MEANINGS)


def require_sound(findings: Sequence[Finding], accepted: Collection[str]) -> None:
    """Nothing, where every finding is accepted.

    Raises:
        PreflightError: the first that is not, and the names of the others.
    """
    stopping = [each for each in findings if each.name not in accepted]
    if not stopping:
        return
    first, *others = stopping
    names = dict.fromkeys(each.name for each in others if each.name != first.name)
    more = f" (and {', '.join(names)})" if names else ""
    raise PreflightError(
        f"preflight: {first.text}; where that is meant, go on with --accept {first.name}{more}"
    )
