"""What one case is, and what a data set is: paths and facts, no pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from delineate.core.types import LabelClass
from delineate.files.mask_encoding import MaskEncoding

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)


@dataclass(frozen=True)
class Sample:
    """One image and all that is known of it.

    `masks` goes from observer to files, the observer of reference first. Several files of
    one observer are united. `entry` is what files that hold the masks of many images, such as
    COCO JSON or a table of run lengths, call this one. `subject` is None where nobody said who
    is who. `split` is the one that the folder or manifest states, else None.
    """

    id: str
    image: Path
    subject: str | None = None
    masks: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    region: Path | None = None
    split: str | None = None
    entry: str | None = None

    @property
    def group(self) -> str:
        """Who must stay on one side of a split: the subject, else the sample itself."""
        return self.subject if self.subject is not None else f"sample:{self.id}"


@dataclass(frozen=True)
class Dataset:
    """A folder or manifest as it was understood.

    `encodings` goes from observer to how that observer's masks are decoded. It and `classes` are
    empty until `delineate.data.masks.settle_encodings` has read the masks, but for what the
    layout itself settles: classes that it names stay. With `has_instances` each mask file, or each
    object drawn in one, is an object of its own. With `is_overlapping` a pixel may belong to
    several classes, and labels are the codes of `delineate.core.overlapping`.
    `file_encodings` are those of single mask files that differ from their observer's, such as
    masks that a review has put in the place of others. `notes` say what was left out or looks
    odd, one sentence each. `image_labels` say of whole images, by id, whether there is anything
    to find; where there are any, they are the labels and masks count for nothing.
    """

    root: Path
    layout: str
    reason: str
    samples: tuple[Sample, ...]
    encodings: Mapping[str, MaskEncoding] = field(default_factory=dict)
    classes: tuple[LabelClass, ...] = ()
    notes: tuple[str, ...] = ()
    file_encodings: Mapping[Path, MaskEncoding] = field(default_factory=dict)
    image_labels: Mapping[str, bool] = field(default_factory=dict)
    has_instances: bool = False
    is_overlapping: bool = False

    @property
    def observers(self) -> tuple[str, ...]:
        """Every observer in the data, the one of reference first."""
        return tuple(dict.fromkeys(name for sample in self.samples for name in sample.masks))

    @property
    def has_subjects(self) -> bool:
        """Whether it is known whose image it is, for every sample that has a label."""
        labelled = [sample for sample in self.samples if self.is_labelled(sample)] or self.samples
        return all(sample.subject is not None for sample in labelled)

    def is_labelled(self, sample: Sample) -> bool:
        """Whether it can be trained on and scored: by its image label, else by a mask."""
        return sample.id in self.image_labels if self.image_labels else bool(sample.masks)

    def encoding_of(self, file: Path, observer: str) -> MaskEncoding | None:
        """How this mask file is decoded; None where that is not settled."""
        return self.file_encodings.get(file, self.encodings.get(observer))

    def decoded_by(self, encodings: Mapping[str, MaskEncoding]) -> Dataset:
        """The dataset whose observers' masks are decoded so, in place of what was known before.

        A file that draws one class goes on drawing it, encoded as its observer's masks are where
        these have two values.
        """
        own = dict(self.file_encodings)
        two_valued = {o: e for o, e in encodings.items() if e.kind in ("binary", "threshold")}
        for file, observer in self._single_classes():
            if observer in two_valued:
                own[file] = replace(two_valued[observer], label=own[file].label)
        merged = {**self.encodings, **encodings}
        # Names go where another table, or none, says now which value means which class.
        is_other = any(_means_other(self.encodings.get(o), e) for o, e in encodings.items())
        classes = () if is_other else self.classes
        return replace(self, encodings=merged, file_encodings=own, classes=classes)

    def single_class_file(self, observer: str) -> Path | None:
        """A mask file of this observer that draws one class alone; None without any."""
        return next((file for file, own in self._single_classes() if own == observer), None)

    def _single_classes(self) -> Iterator[tuple[Path, str]]:
        """Every file that draws one class, with its observer."""
        if any(each.label is not None for each in self.file_encodings.values()):
            for sample in self.samples:
                for observer, files in sample.masks.items():
                    for file in files:
                        own = self.file_encodings.get(file)
                        if own is not None and own.label is not None:
                            yield file, observer

    def speaks_for_all(self, file: Path) -> bool:
        """Whether what a mask file holds says how its observer's other masks are encoded."""
        own = self.file_encodings.get(file)
        return own is None or own.label is not None

    def only(self, split: str) -> Dataset:
        """The samples of one split."""
        chosen = tuple(sample for sample in self.samples if sample.split == split)
        return replace(self, samples=chosen)


def _means_other(before: MaskEncoding | None, after: MaskEncoding) -> bool:
    """Whether values that were numbers of classes would mean other classes."""
    if before is None or before.kind not in ("index", "values", "colours"):
        return False
    sources = [(e.kind, e.table, e.colours_file) for e in (before, after)]
    return sources[0] != sources[1]
