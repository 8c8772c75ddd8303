"""Which cases of a data set are scored, under which split, and what they are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from delineate.auditing.findings.leaks import Leak
from delineate.core.errors import DelineateError, LayoutError, unknown_name
from delineate.core.progress import Progress
from delineate.core.types import LabelClass, Labels
from delineate.data.image_labels import image_labels
from delineate.data.listing import counted
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset, require_labels
from delineate.data.reading import read_labels
from delineate.data.sample import SPLITS, TEST, TRAIN, VALIDATION, Dataset, Sample
from delineate.data.splitting import apply_split, read_split
from delineate.evaluation.baselines import MeanTrainingMask, mean_training_mask
from delineate.evaluation.records import UNLEAKED
from delineate.evaluation.views import View
from delineate.workflows.leakage import (
    Gate,
    find_split_leaks,
    in_words,
    leak_document,
    leaked_cases,
    require_no_leaks,
)
from delineate.workflows.reviewed import Decided, decided, review_words

EVERYTHING = "all"


@dataclass(frozen=True)
class Seen:
    """Images of other data that the model was made with, and what that data is called.

    `problem` says why they cannot be looked at, where that is so.
    """

    name: str
    samples: tuple[Sample, ...] = ()
    problem: str = ""

    @property
    def remedy(self) -> str:
        """What to do where some of them are to be scored."""
        return (
            f"{self.name} is what the model was trained on. Leave these images out with a "
            "manifest CSV, or go on with --allow-leakage: scores are then given with and without "
            "them"
        )


@dataclass(frozen=True)
class ScoredData:
    """Which cases are scored, as they were decided and as they were before, and what leaks."""

    decided: Decided
    split: str
    leaks: tuple[Leak, ...] = ()
    seen: Seen | None = None

    @property
    def dataset(self) -> Dataset:
        """The whole data set as it was decided, with settled encodings."""
        return self.decided.dataset

    @property
    def cases(self) -> Dataset:
        """The cases of the split, as they were decided."""
        return cases_of(self.dataset, self.split)

    @property
    def earlier(self) -> Dataset | None:
        """The cases of the split as they were before the decisions; None without a review."""
        if self.decided.document is None:
            return None
        return cases_of(self.decided.original, self.split)

    @property
    def answered(self) -> Dataset:
        """Every case that needs a prediction: those that decisions dropped come last."""
        cases, earlier = self.cases, self.earlier
        kept = {sample.id for sample in cases.samples}
        more = () if earlier is None else (s for s in earlier.samples if s.id not in kept)
        return replace(cases, samples=(*cases.samples, *more))

    @property
    def views(self) -> tuple[View, ...]:
        """Parts of the cases that are to be scored by themselves: those that do not leak."""
        return (View(UNLEAKED, self.leaked),) if self.leaks else ()

    @property
    def leaked(self) -> frozenset[str]:
        """The ids of the cases that leak."""
        return leaked_cases(self.leaks, self.split)

    @property
    def relabelled(self) -> tuple[str, ...]:
        """The cases to which decisions gave another mask."""
        return self._among(self.cases.samples, "relabelled")

    @property
    def dropped(self) -> tuple[str, ...]:
        """The cases of the split that decisions left out."""
        earlier = self.earlier
        return () if earlier is None else self._among(earlier.samples, "dropped")

    def notes(self) -> tuple[str, ...]:
        """What must be said of leaked cases and changed labels."""
        return (*_leak_notes(self), *_review_notes(self))

    def facts(self) -> dict[str, Any]:
        """For evaluation.json: the leaks that were allowed and the decisions that were used."""
        leaks = {"cases": sorted(self.leaked), **leak_document(self.leaks)} if self.leaks else None
        review = self.decided.document
        if review is not None:
            changed = {"relabelled": list(self.relabelled), "dropped": list(self.dropped)}
            review = {**review, "cases": changed}
        return {"leaks": leaks, "review": review}

    def _among(self, samples: Sequence[Sample], what: str) -> tuple[str, ...]:
        changed = set((self.decided.document or {}).get(what, ()))
        return tuple(sample.id for sample in samples if sample.id in changed)

    def placed_in(self, folder: Path) -> ScoredData:
        """The same with the decided masks in the evaluation's own folder."""
        return replace(self, decided=self.decided.placed_in(folder))


@contextmanager
def scored_data(
    source: Path | str,
    *,
    split: str | None,
    split_file: Path | str | None,
    layout: str | None,
    masks: str | Sequence[str] | None,
    subjects: str | None,
    labels: Path | None = None,
    review: Path | None = None,
    allow_leakage: bool = False,
    overlapping: bool = False,
    seen: Seen | None = None,
    progress: Progress,
) -> Iterator[ScoredData]:
    """The whole data set with settled encodings, and the split that is to be scored.

    Without a split the test cases are scored; where none of them has a label the validation
    cases; where there are none either, every image with a label, which `all` asks for. Masks
    that the decisions of a review made lie in a temporary folder until they are `placed_in`
    another. `labels` is a table of image labels in the place of masks, `seen` other data that
    the model was made with.

    Raises:
        LeakageError: a subject, a file or copies of one picture in the split that is scored
            and in what comes before it, or in what the model has seen, unless that is allowed.
        DelineateError: no such split, images without masks in it, or uncertain encodings.
    """
    opened = open_dataset(
        source, layout=layout, masks=masks, subjects=subjects, overlapping=overlapping
    )
    if labels is not None:
        opened = replace(opened, image_labels=image_labels(opened, (), labels_file=labels))
    if split_file is not None:
        opened = apply_split(opened, read_split(Path(split_file)))
    with decided(opened, review, progress=progress) as reviewed:
        split = _chosen_split(reviewed.dataset, split)
        gate = Gate(not_twins=reviewed.not_twins, progress=progress)
        leaks = leaks_into(reviewed.dataset, split, gate=gate, is_allowed=allow_leakage)
        if seen is not None:
            cases = cases_of(reviewed.dataset, split).samples
            between = gate.leaks_from(seen.name, seen.samples, cases)
            require_no_leaks(between, is_allowed=allow_leakage, remedy=seen.remedy)
            leaks = (*leaks, *between)
        settled = _settled(reviewed.dataset, split, progress)
        original = _as_before(reviewed, settled)
        settled_review = replace(reviewed, original=original, dataset=settled)
        yield ScoredData(settled_review, split, leaks, seen)


def leaks_into(dataset: Dataset, split: str, *, gate: Gate, is_allowed: bool) -> tuple[Leak, ...]:
    """What a split shares with those that come before it: test with validation and train.

    A split that is trained on is scored to see how well it was learnt, and all images together
    are no split: nothing leaks into them.

    Raises:
        LeakageError: such a leak, unless that is allowed.
    """
    before = () if split == EVERYTHING else SPLITS[: SPLITS.index(split)]
    if not before:
        return ()
    return find_split_leaks(dataset, (*before, split), into=split, gate=gate, is_allowed=is_allowed)


def _chosen_split(dataset: Dataset, asked: str | None) -> str:
    """The split to score, all of whose images have a label."""
    labelled = [sample for sample in dataset.samples if dataset.is_labelled(sample)]
    if not labelled:
        raise LayoutError(
            f"{dataset.root}: images without masks; there is nothing to score against. Add masks, "
            "or for a classifier give a CSV of id and label with --labels"
        )
    found = {sample.split for sample in labelled if sample.split}
    split = asked or next((each for each in (TEST, VALIDATION) if each in found), EVERYTHING)
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
        observer = dataset.observers[0] if dataset.observers else None
        require_labels(dataset, chosen.samples, observer)
    return split


def _settled(dataset: Dataset, split: str, progress: Progress) -> Dataset:
    """The dataset with the encodings and classes of the masks that are read."""
    ids = {sample.id for sample in cases_of(dataset, split).samples}
    if dataset.image_labels:
        return dataset
    used = tuple(s for s in dataset.samples if s.split == TRAIN or s.id in ids)
    settled = settle_encodings(replace(dataset, samples=used), progress=progress)
    return replace(dataset, encodings=settled.encodings, classes=settled.classes)


def _as_before(reviewed: Decided, settled: Dataset) -> Dataset:
    """The original with the encodings that were settled, by which its masks are read too."""
    return replace(reviewed.original, encodings=settled.encodings, classes=settled.classes)


def _leak_notes(data: ScoredData) -> Iterator[str]:
    if data.seen is not None and data.seen.problem:
        yield (
            "whether the model was trained on some of these images cannot be told: "
            f"{data.seen.problem}"
        )
    if data.leaks:
        total = len(data.cases.samples)
        rest = (
            "every headline score stands beside the one without them, which is the one to believe"
            if len(data.leaked) < total
            else "none is left without a leak, so that no score here says anything of new images"
        )
        yield (
            f"{len(data.leaked)} of {total} cases leak ({in_words(data.leaks)}): they were scored "
            f"because --allow-leakage was given, and {rest}"
        )


def _review_notes(data: ScoredData) -> Iterator[str]:
    if data.decided.document is None:
        return
    if data.dataset.image_labels:
        yield (
            f"cases as decided: {review_words(data.decided.document)}; a table says what is in "
            "the images, so that no mask counts"
        )
        if data.dropped:
            yield (
                f"decisions left {counted(len(data.dropped), 'case')} of this split out: the "
                "headline scores stand on the cases as decided, and on the cases before, with "
                "those left out; where they differ the cases did, and the model is no better "
                "for it"
            )
        return
    yield f"labels as decided: {review_words(data.decided.document)}"
    if data.relabelled or data.dropped:
        yield (
            f"decisions gave {counted(len(data.relabelled), 'case')} of this split another mask "
            f"and left {len(data.dropped)} out: the headline scores stand on the labels as "
            "decided, on the labels before, and on the cases that no decision touched; where they "
            "differ the labels did, and the model is no better for it"
        )


def cases_of(dataset: Dataset, split: str) -> Dataset:
    """The samples of a split; of `all`, every sample that is labelled."""
    if split == EVERYTHING:
        labelled = tuple(s for s in dataset.samples if dataset.is_labelled(s))
        return replace(dataset, samples=labelled)
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
        return mean_training_mask(
            readable(), class_count=len(classes), is_overlapping=dataset.is_overlapping
        )
    except ValueError:
        return None
