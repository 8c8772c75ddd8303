"""Predictions of a run's images by models that never saw them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from delineate.core.types import Image
from delineate.inference.model import Model, Prediction
from delineate.inference.postprocess import labels_from_probability
from delineate.inference.verdict import verdict_of
from delineate.workflows.out_of_fold import OUT_OF_FOLD, TABLE, OutOfFold, read_out_of_fold
from delineate.workflows.run_folder import RunFacts


@dataclass(frozen=True)
class HeldBack:
    """What the members of a run that did not learn from an image say of it, by its id."""

    cases: Mapping[str, OutOfFold]

    def prediction(self, sample: str, image: Image, model: Model) -> Prediction | None:
        """Their mean, cut as the model's own is; None where every member learnt from it.

        Raises:
            UnreadableFileError: a map that cannot be read.
        """
        case = self.cases.get(sample)
        if case is None or not case.maps:
            return None
        verdict = None
        gate_cut = model.gate_cut()
        if gate_cut is not None and case.presence is not None:
            verdict = verdict_of(case.presence, gate_cut)
            if not verdict.is_present:
                return model.nothing(image, verdict)
        labels = labels_from_probability(
            case.probability,
            threshold=model.cut(),
            minimum_area_px=model.predict_settings.minimum_area_px,
        )
        return Prediction(labels, case.probability, model.card.is_overlapping, verdict)


def held_back(run: tuple[Path, RunFacts] | None, model: Model) -> HeldBack:
    """Those of a run of folds; none of another.

    A classifier before the segmenter is no part of them: its own folds saw other images.

    Raises:
        LayoutError: a table that was changed.
    """
    if run is None or run[1].folds is None or model.gate is not None:
        return HeldBack({})
    cases = read_out_of_fold(run[0] / OUT_OF_FOLD / TABLE, model.card)
    return HeldBack({each.id: each for each in cases})
