"""The same scores for masks or probability maps that anything else made; needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import (
    LayoutError,
    SettingsError,
    SizeMismatchError,
    UncertainMaskError,
    UnreadableFileError,
)
from delineate.core.overlapping import code
from delineate.core.progress import SILENT, Progress
from delineate.core.types import Image, LabelClass
from delineate.data.listing import some
from delineate.data.sample import Dataset, Sample
from delineate.evaluation.settings import EvaluationSettings
from delineate.files.class_masks import class_words
from delineate.files.encoding_proposals import propose
from delineate.files.mask_decoding import read_mask
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.mask_files import read_probability
from delineate.files.mask_findings import describe
from delineate.files.raw_mask import read_raw_mask
from delineate.files.writing import new_folder
from delineate.inference.model_card import GIVEN_BY_HAND
from delineate.metrics.thresholds import Cut, decide
from delineate.report.overlays import find_palette
from delineate.workflows.evaluation_page import write_pages
from delineate.workflows.inputs import inputs_of
from delineate.workflows.prediction_files import PredictionFiles, prediction_files
from delineate.workflows.scored_data import scored_data
from delineate.workflows.scoring import Answer, ScoringResult, file_name, score_and_write


def score(
    predictions: Path | str,
    source: Path | str,
    *,
    out: Path | str,
    split: str | None = None,
    threshold: float | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    split_file: Path | str | None = None,
    review: Path | str | None = None,
    allow_leakage: bool = False,
    overlapping: bool = False,
    objects: bool | None = None,
    structure: bool = False,
    palette: str = "default",
    overwrite: bool = False,
    seed: int = 0,
    progress: Progress = SILENT,
) -> ScoringResult:
    """Score a folder of predictions against a data set.

    Each sample takes the files named after it: `ID_prob.*` (a probability map of a binary
    task: 16 or 8 bits, float TIFF or .npy) and `ID_mask.*`, or `ID.*`; for several classes and
    for classes that overlap see `delineate.workflows.prediction_files`. Where a case has both,
    its masks are the decision and its maps rank, unless a threshold is given: then the maps are
    cut there. Without masks beside them maps of a binary task and of classes that overlap
    need that threshold, chosen elsewhere than on these cases. A sample without a file is scored
    as failed. `objects` are counted where the data set has single ones, unless it is said; with
    `structure` vessels are measured: lengths and widths, and their errors. `review` and
    `allow_leakage` are those of `evaluate`.

    Raises:
        LeakageError: a leaking split that is not allowed.
        DelineateError: no such folder, no file that belongs to any sample, or data that
            cannot be scored.
    """
    folder = Path(predictions)
    find_palette(palette)
    if not folder.is_dir():
        raise LayoutError(f"{folder}: no such folder; expected one with masks or probability maps")
    with scored_data(
        source,
        split=split,
        split_file=split_file,
        layout=layout,
        masks=masks,
        subjects=subjects,
        review=None if review is None else Path(review),
        allow_leakage=allow_leakage,
        overlapping=overlapping,
        progress=progress,
    ) as data:
        classes, is_overlapping = data.dataset.classes, data.dataset.is_overlapping
        found = prediction_files(folder, data.answered, classes)
        if not any(found.values()):
            raise LayoutError(
                f"{folder}: no file is named after a case; expected {some(_names(data.cases))} "
                "with _prob, _mask or nothing before the ending"
                + (", and the name of each class" if is_overlapping else "")
            )
        answered = [one for one in found.values() if one is not None]
        _require_cut(folder, answered, threshold, dataset=data.dataset)
        used = [one.masks for one in answered if threshold is None or not one.maps]
        encoding = _settled_encoding([file for files in used for file in files if file is not None])
        cut: Cut = threshold
        if is_overlapping and threshold is not None:
            cut = (threshold,) * (len(classes) - 1)
        inputs = (folder, source, split_file, subjects, review)
        target = new_folder(
            Path(out), overwrite=overwrite, inputs=inputs_of(data.decided.original, *inputs)
        )
        data = data.placed_in(target)

    def answers(sample: Sample, image: Image) -> Answer:
        one = found[sample.id]
        if one is None:
            each = class_words(classes).values() if is_overlapping else ()
            wanted = "_".join([f"{file_name(sample.id)}_mask", *list(each)[:1]])
            raise LayoutError(f"no prediction in {folder}; expected {wanted}.png")
        return _answer(one, encoding, classes, sample, image, cut, is_overlapping=is_overlapping)

    dataset = data.dataset
    result = score_and_write(
        target,
        dataset,
        data.cases,
        answers,
        split=data.split,
        classes=dataset.classes,
        threshold=cut,
        threshold_origin="none: masks were given" if threshold is None else GIVEN_BY_HAND,
        palette=palette,
        facts={"predictions": str(folder), "data": str(dataset.root), "layout": dataset.layout}
        | data.facts(),
        notes=data.notes(),
        has_objects=objects,
        has_structure=structure,
        views=data.views,
        earlier=data.earlier,
        settings=EvaluationSettings(seed=seed),
        progress=progress,
    )
    write_pages(result, dataset)
    return result


def _require_cut(
    folder: Path, answered: Sequence[PredictionFiles], threshold: float | None, *, dataset: Dataset
) -> None:
    """Refuse maps that nothing cuts, and a threshold that cuts nothing.

    Raises:
        SettingsError: saying whether to give one or to leave it out.
    """
    if threshold is None:
        has_threshold = len(dataset.classes) == 2 or dataset.is_overlapping
        if has_threshold and any(one.maps and not one.masks for one in answered):
            raise SettingsError(
                f"{folder}: probability maps need --threshold, chosen on other cases than these, "
                "or masks beside them, as `predict` writes both"
            )
        return
    if len(dataset.classes) > 2 and not dataset.is_overlapping:
        raise SettingsError(
            "--threshold: of several classes the likeliest is taken; leave the option out"
        )
    if not any(one.maps for one in answered):
        raise SettingsError(
            f"--threshold: {folder} holds masks, and nothing that could be cut; leave the option "
            "out, or give probability maps named ID_prob"
        )


def _answer(
    one: PredictionFiles, encoding: MaskEncoding, classes: Sequence[LabelClass],
    sample: Sample, image: Image, threshold: Cut, *, is_overlapping: bool,
) -> Answer:  # fmt: skip
    probability = None
    if one.maps:
        files = _every(one.maps, classes)
        probability = np.stack(
            [_of_its_size(read_probability(file), file, sample, image) for file in files]
        )
        if threshold is not None or not one.masks:
            return Answer(probability, decide(probability, threshold))
    files = _every(one.masks, classes)
    layers = [_of_its_size(read_mask(file, encoding), file, sample, image) for file in files]
    if not is_overlapping:
        return Answer(probability, layers[0])
    labels = np.zeros(layers[0].shape, np.uint8)
    for index, layer in enumerate(layers, start=1):
        labels[layer != 0] |= np.uint8(code(index))
    return Answer(probability, labels)


def _every(files: Sequence[Path | None], classes: Sequence[LabelClass]) -> list[Path]:
    """The files, all of which are there.

    Raises:
        LayoutError: naming the classes that have none.
    """
    present = [file for file in files if file is not None]
    if len(present) < len(files):
        words = class_words(classes).values()
        lacking = [word for word, file in zip(words, files, strict=True) if file is None]
        raise LayoutError(
            f"{present[0]}: expected a file of every class, found none of {some(lacking)}; "
            "write an empty mask where there is nothing of a class"
        )
    return present


def _settled_encoding(files: Sequence[Path]) -> MaskEncoding:
    """How all predicted masks are encoded; those that cannot be read fail later, by name."""
    findings = []
    for file in files:
        try:
            findings.append(describe(read_raw_mask(file)))
        except UnreadableFileError:
            continue
    if not findings:
        return MaskEncoding.parse("index")
    proposal = propose(findings)
    if not proposal.is_certain:
        raise UncertainMaskError(
            f"{files[0]}: {proposal.reason}; predictions must be 0/1, 0/255 or class indices, "
            "or probability maps named ID_prob"
        )
    return proposal.encoding


def _of_its_size(values: NDArray[Any], file: Path, sample: Sample, image: Image) -> NDArray[Any]:
    if values.shape != image.shape[:2]:
        raise SizeMismatchError(
            f"{file}: {values.shape[0]} x {values.shape[1]} px, but {sample.image} has "
            f"{image.shape[0]} x {image.shape[1]} (height x width); write predictions at native "
            "size"
        )
    return values


def _names(cases: Dataset) -> list[str]:
    return [file_name(sample.id) for sample in cases.samples]
