"""Cases worth a look: which ones, and their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delineate.core.types import IGNORE, Image, LabelClass, Labels, Mask
from delineate.inference.verdict import Verdict
from delineate.report.display import Picture, photograph
from delineate.report.gate_pictures import verdict_words, wide_enough, with_verdict
from delineate.report.overlays import (
    LegendEntry,
    class_legend,
    class_overlay,
    legend,
    overlay,
)

LONGEST_PX = 800


@dataclass(frozen=True)
class CasePicture:
    """One case as a page shows it; `role` says why it is there, such as "best"."""

    id: str
    subject: str | None
    role: str
    caption: str
    pictures: tuple[Picture, ...]


def case_picture(
    image: Image,
    truth: Labels,
    prediction: Labels,
    *,
    case_id: str,
    classes: Sequence[LabelClass],
    subject: str | None = None,
    role: str = "",
    caption: str = "",
    palette: str = "default",
    region: Mask | None = None,
    is_overlapping: bool = False,
    verdict: Verdict | None = None,
    longest_px: int = LONGEST_PX,
) -> CasePicture:
    """The image beside what was hit and missed; with several classes beside truth and prediction.

    The caption gets a remark where truth or prediction is empty, for that cannot be seen. What a
    gate said stands below the prediction.
    Pictures are drawn at native size and embedded reduced; the arrays can be forgotten.
    """
    shown = [photograph(image, "image", f"Image {case_id}", longest_px)]
    if len(classes) == 2:
        drawn = overlay(image, truth, prediction, palette=palette, region=region)
        alt = f"Truth and prediction over image {case_id}"
        if verdict is not None:
            drawn = with_verdict(wide_enough(drawn), verdict)
            alt = f"{alt}: {verdict_words(verdict)}"
        shown.append(photograph(drawn, "truth and prediction", alt, longest_px))
    else:
        for name, labels in (("truth", truth), ("prediction", prediction)):
            drawn = class_overlay(
                image, labels, classes, region=region, is_overlapping=is_overlapping
            )
            alt = f"The {name} over image {case_id}"
            if verdict is not None and name == "prediction":
                drawn = with_verdict(wide_enough(drawn), verdict)
                alt = f"{alt}: {verdict_words(verdict)}"
            shown.append(photograph(drawn, name, alt, longest_px))
    said = "; ".join(text for text in (caption, _empty_remark(truth, prediction)) if text)
    return CasePicture(case_id, subject, role, said, tuple(shown))


def _empty_remark(truth: Labels, prediction: Labels) -> str:
    is_empty = [not ((labels > 0) & (labels != IGNORE)).any() for labels in (truth, prediction)]
    places = [name for name, is_so in zip(("truth", "prediction"), is_empty, strict=True) if is_so]
    return f"no foreground in {' or '.join(places)}" if places else ""


def picture_legend(
    classes: Sequence[LabelClass], palette: str = "default"
) -> tuple[LegendEntry, ...]:
    """What the colours of `case_picture` mean."""
    return legend(palette) if len(classes) == 2 else class_legend(classes)


def best_median_worst(scores: Mapping[str, float | None], *, each: int = 1) -> dict[str, str]:
    """Case id to "best", "median" or "worst"; no case twice, undefined scores passed over.

    Equal scores are ordered by id. The median is the lower one of an even number.

    Examples:
        >>> best_median_worst({"a": 0.9, "b": 0.2, "c": 0.7, "d": None})
        {'a': 'best', 'c': 'median', 'b': 'worst'}
    """
    ranked = sorted(
        (id_ for id_, value in scores.items() if value is not None),
        key=lambda id_: (-(scores[id_] or 0.0), id_),
    )
    best, worst = ranked[:each], ranked[each:][-each:]
    between = ranked[each : max(each, len(ranked) - each)]
    start = max(0, len(between) // 2 - each // 2)
    median = between[start : start + each]
    roles = (("best", best), ("median", median), ("worst", worst))
    return {id_: role for role, ids in roles for id_ in ids}
