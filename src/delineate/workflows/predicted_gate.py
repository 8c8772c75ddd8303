"""What a gate says of one image after the other, in words, tables and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from delineate.core.errors import SettingsError
from delineate.core.types import VERDICTS, HeatMap, Image
from delineate.files.mask_files import write_image
from delineate.files.writing import write_csv
from delineate.inference.model import Model, Prediction
from delineate.inference.model_card import GIVEN_BY_HAND, ModelCard
from delineate.inference.verdict import Verdict
from delineate.report.gate_pictures import with_verdict
from delineate.report.heat_maps import HEAT_WORDS, heat_map_overlay
from delineate.workflows.predict_classifier import HEADER, TABLE

TIME_RULE = "median of the images that it looked at, without reading and writing files"


class PredictedGate:
    """Collects what the gate of a model says; nothing where there is no gate.

    `heat_map` gives the pictures of where it looked, where they are wanted.
    """

    def __init__(
        self,
        folder: Path,
        model: Model,
        threshold: float | None,
        *,
        heat_map: Callable[[Image], HeatMap] | None = None,
    ) -> None:
        self._folder, self._model = folder, model
        self._threshold, self._is_by_hand = model.gate_cut(threshold), threshold is not None
        self._heat_map = heat_map
        self._rows: list[tuple[str, float, str]] = []
        self._seen: list[Prediction] = []

    def add(self, file: Path, stem: str, image: Image, prediction: Prediction) -> dict[str, Any]:
        """What the document says of one image; its heat map is written where it is wanted."""
        verdict = prediction.gate
        if verdict is None:
            return {}
        said: dict[str, Any] = {
            "gate": {
                "probability": verdict.probability,
                "threshold": self._threshold,
                "is_present": verdict.is_present,
            }
        }
        if self._heat_map is not None:
            said["heat_map"] = f"{stem}_cam.png"
            heat = heat_map_overlay(image, self._heat_map(image))
            write_image(self._folder / said["heat_map"], with_verdict(heat, verdict))
        self._seen.append(prediction)
        self._rows.append((str(file), verdict.probability, _word(verdict)))
        return said

    def finish(self) -> dict[str, Any] | None:
        """Write the table; what the document says of all images, None without a gate."""
        gate = self._model.card.gate
        if gate is None:
            return None
        write_csv(self._folder / TABLE, HEADER, self._rows)
        images = len(self._seen)
        present = sum(each.gate is not None and each.gate.is_present for each in self._seen)
        segmented = sum(each.segmenter_s is not None for each in self._seen)
        return {
            "kind": gate.kind,
            "threshold": self._threshold,
            "threshold_origin": GIVEN_BY_HAND if self._is_by_hand else gate.rule,
            "present": present,
            "segmented": segmented,
            "share_segmented": segmented / images if images else None,
            "milliseconds": {
                "gate": _milliseconds([each.gate_s for each in self._seen]),
                "segmenter": _milliseconds([each.segmenter_s for each in self._seen]),
                "rule": TIME_RULE,
            },
            "heat_maps": None if self._heat_map is None else HEAT_WORDS,
            "table": TABLE,
        }


def require_gate_options(
    card: ModelCard, *, threshold: float | None, gate: bool, heat_maps: bool
) -> None:
    """Refuse what is asked of a gate that is not there or shall not be asked.

    Raises:
        SettingsError: naming the option.
    """
    asked = {
        "--gate-threshold": threshold is not None,
        "--no-gate": not gate,
        "--heat-maps": heat_maps,
    }
    named = [option for option, is_asked in asked.items() if is_asked]
    if not named:
        return
    if card.task == "classify":
        raise SettingsError(f"{named[0]}: {_OF_CLASSIFIERS[named[0]]}")
    if card.gate is None:
        raise SettingsError(
            f"{named[0]}: this model has no gate and segments every image; leave the option out"
        )
    if not gate and len(named) > 1:
        other = next(each for each in named if each != "--no-gate")
        raise SettingsError(f"{other}: there is no gate with --no-gate; leave one of them out")
    if heat_maps and card.gate.kind == "head":
        raise SettingsError(
            "--heat-maps: shows where a classifier looked, and the gate of this model is its "
            "segmenter's own head; leave the option out"
        )


_OF_CLASSIFIERS = {
    "--gate-threshold": "this model is a classifier, whose own threshold is --threshold",
    "--no-gate": "this model is a classifier, with no gate before it; leave the option out",
    "--heat-maps": "a classifier draws them anyway, unless --no-overlays; leave the option out",
}


def _word(verdict: Verdict) -> str:
    return VERDICTS[int(verdict.is_present)].name


def _milliseconds(seconds: Sequence[float | None]) -> float | None:
    known = [each for each in seconds if each is not None]
    return round(1000 * median(known), 3) if known else None
