"""Which cases of a data set are scored, under which split, and what they are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from delineate.core.errors import DelineateError, LayoutError, unknown_name
from delineate.core.progress import Progress
from delineate.core.types import LabelClass, Labels
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset, require_masks
from delineate.data.reading import read_labels
from delineate.data.sample import SPLITS, TEST, TRAIN, VALIDATION, Dataset
from delineate.data.splitting import apply_split, read_split, require_no_leakage
from delineate.evaluation.baselines import MeanTrainingMask, mean_training_mask

EVERYTHING = "all"


def scored_dataset(
    source: Path | str,
    *,
    split: str | None,
    split_file: Path | str | None,
    layout: str | None,
    masks: str | Sequence[str] | None,
    subjects: str | None,
    progress: Progress,
) -> tuple[Dataset, str]:
    """The whole data set with settled encodings, and the split that is to be scored.

    Without a split the test cases are scored; where none of them has a mask the validation
    cases; where there are none either, every image with a mask, which `all` asks for.

    Raises:
        DelineateError: no such split, images without masks in it, uncertain encodings, or a
            subject in two splits.
    """
    dataset = open_dataset(source, layout=layout, masks=masks, subjects=subjects)
    if split_file is not None:
        dataset = apply_split(dataset, read_split(Path(split_file)))
    found = {sample.split for sample in dataset.samples if sample.split and sample.masks}
    split = split or next((each for each in (TEST, VALIDATION) if each in found), EVERYTHING)
    if split not in (*SPLITS, EVERYTHING):
        raise unknown_name("split", split, (*SPLITS, EVERYTHING))
    chosen = cases_of(dataset, split)
    if not chosen.samples:
        known = ", ".join(sorted(found)) or "none"
        raise LayoutError(
            f"{dataset.root}: no image belongs to the split '{split}' (splits found: {known}); "
            "choose one of these with --split, or score every image with --split all"
        )
    if split != EVERYTHING:
        require_no_leakage(dataset.samples)
        require_masks(chosen.samples, dataset.observers[0] if dataset.observers else None)
    if not dataset.observers:
        raise LayoutError(
            f"{dataset.root}: images without masks; there is nothing to score against"
        )
    ids = {sample.id for sample in chosen.samples}
    used = tuple(s for s in dataset.samples if s.split == TRAIN or s.id in ids)
    settled = settle_encodings(replace(dataset, samples=used), progress=progress)
    return replace(dataset, encodings=settled.encodings, classes=settled.classes), split


def cases_of(dataset: Dataset, split: str) -> Dataset:
    """The samples of a split; of `all`, every sample that has a mask."""
    if split == EVERYTHING:
        return replace(dataset, samples=tuple(s for s in dataset.samples if s.masks))
    return dataset.only(split)


def training_mask_baseline(
    dataset: Dataset, classes: tuple[LabelClass, ...], split: str
) -> MeanTrainingMask | None:
    """The mean of the training masks as a prediction.

    None where there are none, or where they are themselves scored.
    """
    training = [s for s in dataset.only(TRAIN).samples if s.masks]
    if split in (TRAIN, EVERYTHING) or not training:
        return None

    def readable() -> Iterator[Labels]:
        for sample in training:
            try:
                yield read_labels(dataset, sample, dataset.observers[0])
            except DelineateError:  # a bad training mask is named by `train` and `inspect`
                continue

    try:
        return mean_training_mask(readable(), class_count=len(classes))
    except ValueError:
        return None
