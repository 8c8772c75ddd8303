"""What a gate said of an image, in a strip below its picture, over none of its pixels."""

from __future__ import annotations

from collections.abc import Sequence

from delineate.inference.verdict import Verdict
from delineate.report.display import Rgb
from delineate.report.legend_strip import with_legend
from delineate.report.overlays import LegendEntry

# Wider than the words are in the strip.
_WORDS_PX = 160
DETECTED, NOT_DETECTED = "detected", "not detected"


def verdict_words(verdict: Verdict) -> str:
    """Whether anything was detected, and the gate's probability that there is something.

    Examples:
        >>> verdict_words(Verdict(0.93, True)), verdict_words(Verdict(0.08, False))
        ('detected, 0.93', 'not detected, 0.08')
    """
    said = DETECTED if verdict.is_present else NOT_DETECTED
    return f"{said}, {verdict.probability:.2f}"


def wide_enough(picture: Rgb) -> Rgb:
    """The picture with each pixel repeated until the words below are no wider than it is.

    On a page it is then shown as large as the same image without words.
    """
    times = -(-_WORDS_PX // picture.shape[1])
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def with_verdict(
    picture: Rgb, verdict: Verdict, entries: Sequence[LegendEntry] = (), *, note: str = ""
) -> Rgb:
    """The picture, unchanged, with a white strip below that holds the words.

    A note follows them, and what colours mean stands on the lines below.
    """
    words = verdict_words(verdict)
    return with_legend(picture, entries, title=f"{words}; {note}" if note else words)
