"""The same scores for masks or probability maps that anything else made; needs no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from delineate.core.errors import (
    LayoutError,
    SettingsError,
    SizeMismatchError,
    UncertainMaskError,
    UnreadableFileError,
)
from delineate.core.progress import SILENT, Progress
from delineate.core.types import Image
from delineate.data.listing import some
from delineate.data.sample import Dataset, Sample
from delineate.evaluation.settings import EvaluationSettings
from delineate.files.encoding_proposals import propose
from delineate.files.image_files import IMAGE_ENDINGS
from delineate.files.mask_decoding import read_mask
from delineate.files.mask_encoding import MaskEncoding
from delineate.files.mask_files import read_probability
from delineate.files.mask_findings import describe
from delineate.files.raw_mask import read_raw_mask
from delineate.files.writing import new_folder
from delineate.report.overlays import find_palette
from delineate.workflows.evaluation_page import write_pages
from delineate.workflows.inputs import inputs_of
from delineate.workflows.scored_data import scored_data
from delineate.workflows.scoring import Answer, ScoringResult, file_name, score_and_write

_PROBABILITY_ENDINGS = frozenset({".png", ".tif", ".tiff", ".npy"})
_SUFFIXES = (("_prob", _PROBABILITY_ENDINGS), ("_mask", IMAGE_ENDINGS), ("", IMAGE_ENDINGS))


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
    palette: str = "default",
    overwrite: bool = False,
    seed: int = 0,
    progress: Progress = SILENT,
) -> ScoringResult:
    """Score a folder of predictions against a data set.

    Each sample takes the file named after it: `ID_prob.*` (a probability map of a binary
    task: 16 or 8 bits, float TIFF or .npy), else `ID_mask.*`, else `ID.*`. Probability maps
    need a threshold, chosen elsewhere than on these cases. A sample without a file is
    scored as failed. `review` and `allow_leakage` are those of `evaluate`.

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
        progress=progress,
    ) as data:
        found = prediction_files(folder, data.answered)
        files = [file for file in found.values() if file is not None]
        if not files:
            raise LayoutError(
                f"{folder}: no file is named after a case; expected {some(_names(data.cases))} "
                "with _prob, _mask or nothing before the ending"
            )
        if threshold is None and any(_is_probability(file) for file in files):
            raise SettingsError(
                f"{folder}: probability maps need --threshold, chosen on other cases than these"
            )
        encoding = _settled_encoding([file for file in files if not _is_probability(file)])
        inputs = (folder, source, split_file, subjects, review)
        target = new_folder(
            Path(out), overwrite=overwrite, inputs=inputs_of(data.decided.original, *inputs)
        )
        data = data.placed_in(target)

    def answers(sample: Sample, image: Image) -> Answer:
        file = found[sample.id]
        if file is None:
            raise LayoutError(
                f"no prediction in {folder}; expected {file_name(sample.id)}_mask.png"
            )
        if _is_probability(file):
            probability = read_probability(file)
            _require_size(file, probability.shape, sample, image)
            return Answer(probability=probability[None])
        labels = read_mask(file, encoding)
        _require_size(file, labels.shape, sample, image)
        return Answer(labels=labels)

    dataset = data.dataset
    result = score_and_write(
        target,
        dataset,
        data.cases,
        answers,
        split=data.split,
        classes=dataset.classes,
        threshold=threshold,
        threshold_origin="given by hand" if threshold is not None else "none: masks were given",
        palette=palette,
        facts={"predictions": str(folder), "data": str(dataset.root), "layout": dataset.layout}
        | data.facts(),
        notes=data.notes(),
        views=data.views,
        earlier=data.earlier,
        settings=EvaluationSettings(seed=seed),
        progress=progress,
    )
    write_pages(result, dataset)
    return result


def prediction_files(folder: Path, cases: Dataset) -> dict[str, Path | None]:
    """Sample id to the file that holds its prediction, or None.

    A file is named after the sample's id, or after its image where no other image has that
    name: no file ever speaks for two cases.
    """
    files = {
        (file.stem.lower(), file.suffix.lower()): file
        for file in sorted(folder.iterdir())
        if file.is_file()
    }
    images = Counter(sample.image.stem for sample in cases.samples)
    found: dict[str, Path | None] = {}
    for sample in cases.samples:
        names = [file_name(sample.id)]
        if images[sample.image.stem] == 1:
            names.append(sample.image.stem)
        found[sample.id] = next(
            (
                files[name.lower() + suffix, ending]
                for name in names
                for suffix, endings in _SUFFIXES
                for ending in sorted(endings)
                if (name.lower() + suffix, ending) in files
            ),
            None,
        )
    return found


def _is_probability(file: Path) -> bool:
    return file.stem.lower().endswith("_prob")


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


def _require_size(file: Path, shape: tuple[int, ...], sample: Sample, image: Image) -> None:
    if shape != image.shape[:2]:
        raise SizeMismatchError(
            f"{file}: {shape[0]} x {shape[1]} px, but {sample.image} has {image.shape[0]} x "
            f"{image.shape[1]} (height x width); write predictions at native size"
        )


def _names(cases: Dataset) -> list[str]:
    return [file_name(sample.id) for sample in cases.samples]
