"""The data that a training starts from: begun anew, or taken up where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from delineate.auditing.findings.leaks import Leak
from delineate.auditing.soundness.case_facts import CaseFacts, facts_of_case, facts_of_image
from delineate.core.errors import DelineateError, LayoutError, SettingsError
from delineate.core.progress import Progress
from delineate.core.types import VERDICTS
from delineate.data.image_labels import image_labels, require_both
from delineate.data.listing import counted
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset, require_labels
from delineate.data.parallel import in_threads
from delineate.data.reading import read_case
from delineate.data.sample import SPLITS, TRAIN, VALIDATION, Dataset, Sample
from delineate.data.splitting import (
    MADE_ANEW,
    CompleteSplit,
    apply_split,
    complete_split,
    read_split,
    write_split,
)
from delineate.files.image_files import read_image
from delineate.recipe.recipe import Task
from delineate.workflows.labelled_data import data_digest
from delineate.workflows.leakage import Gate, find_split_leaks, leak_document
from delineate.workflows.reviewed import Decided, decided
from delineate.workflows.run_folder import SPLIT, RunFacts, labels_of, review_of


@dataclass(frozen=True)
class AskedData:
    """Which data to train on, as it was asked for."""

    source: Path | str
    layout: str | None = None
    masks: tuple[str, ...] | None = None
    subjects: str | None = None
    split_file: Path | str | None = None
    review: Path | None = None
    allow_leakage: bool = False
    labels: Path | None = None
    overlapping: bool = False

    @property
    def resolved_review(self) -> str | None:
        """The review by its whole path, for the run to remember."""
        return None if self.review is None else str(self.review.resolve())

    @property
    def files(self) -> tuple[Path | str | None, ...]:
        """What it names, whether that is a file or not."""
        return (self.source, self.split_file, self.subjects, self.review, self.labels)


@dataclass(frozen=True)
class TrainingData:
    """Train and validation with settled masks, where the split is from, and what leaks.

    `facts` say by sample id what was seen of each case as it was decoded.
    """

    decided: Decided
    split_origin: str
    leaks: tuple[Leak, ...] = ()
    facts: Mapping[str, CaseFacts] = field(default_factory=dict)

    @property
    def dataset(self) -> Dataset:
        """The data as it was decided."""
        return self.decided.dataset

    @property
    def leak_document(self) -> dict[str, Any] | None:
        """The leaks that were allowed, in plain JSON values; None where there are none."""
        return leak_document(self.leaks) if self.leaks else None

    def write_split(self, path: Path) -> None:
        """The split as a CSV, with the cases to be scored that decisions dropped.

        So a later evaluation still knows which cases the test split had before.
        """
        dropped = tuple(s for s in self.decided.dropped if s.split != TRAIN)
        every = replace(self.dataset, samples=(*self.dataset.samples, *dropped))
        write_split(path, {s.id: s.split for s in every.samples if s.split is not None}, every)

    def placed_in(self, folder: Path) -> TrainingData:
        """The same with the decided masks in the run's own folder."""
        return replace(self, decided=self.decided.placed_in(folder))


@contextmanager
def begun(
    asked: AskedData, *, task: Task, fraction: float, seed: int, progress: Progress
) -> Iterator[TrainingData]:
    """The data of a new training: decided, split, without leaks, every file read once.

    Of the test split no mask is read, and images only to see whether they are copies of others;
    those that cannot be read are passed over. Parts that are made here keep copies together.
    Masks that decisions changed lie in a temporary folder until they are `placed_in` the run.

    Raises:
        DelineateError: data that cannot be trained on, or a leak that is not allowed.
    """
    opened = labelled(asked, task)
    if asked.split_file is not None:
        opened = apply_split(opened, read_split(Path(asked.split_file)))
    with decided(opened, asked.review, progress=progress) as reviewed:
        gate = Gate(not_twins=reviewed.not_twins, progress=progress)
        leaks = find_split_leaks(
            reviewed.dataset, SPLITS, gate=gate, is_allowed=asked.allow_leakage
        )
        made = complete_split(
            reviewed.dataset,
            held_out=fraction,
            seed=seed,
            together=gate.together,
            progress=progress,
        )
        dataset, facts = settled_with_facts(made.dataset, task, progress)
        reviewed = replace(reviewed, dataset=dataset)
        yield TrainingData(reviewed, origin_of(made, asked), leaks, facts)


def taken_up(
    source: Path | str, run: Path, facts: RunFacts, *, task: Task, progress: Progress
) -> TrainingData:
    """The data of an interrupted training, split and decided as it was.

    Raises:
        SettingsError: other images or labels than those that the run began with.
    """
    table = labels_of(run, facts)
    again = AskedData(
        source,
        facts.layout,
        facts.masks,
        facts.subjects,
        labels=table,
        overlapping=facts.overlapping,
    )
    opened = labelled(again, task)
    opened = apply_split(opened, read_split(run / SPLIT))
    with decided(opened, review_of(run, facts), progress=progress) as reviewed:
        placed = reviewed.placed_in(run)
    dataset, _ = settled_with_facts(placed.dataset, task, progress)
    require_same_data(facts, dataset)
    return TrainingData(replace(placed, dataset=dataset), facts.split_origin)


def origin_of(made: CompleteSplit, asked: AskedData) -> str:
    """In words where train and validation come from."""
    if made.is_as_stated and asked.split_file is not None:
        return f"given as {Path(asked.split_file).name}"
    origin = made.origin
    if made.origin == MADE_ANEW:
        origin = "made anew by subject, stratified by empty masks and area, seeded"
    copies = counted(len(made.together), "group")
    return f"{origin}; {copies} of copies kept on one side" if made.together else origin


def require_same_data(facts: RunFacts, dataset: Dataset) -> None:
    """Refuse to go on with other images or labels than those that the run began with.

    Raises:
        SettingsError: naming both.
    """
    found = data_digest(dataset, has_table=facts.labels is not None)
    if facts.data_sha256 is not None and found != facts.data_sha256:
        raise SettingsError(
            f"{dataset.root}: its training images or labels are not those that this run began "
            f"with ({facts.data}); give that data, or start anew with --overwrite"
        )


def with_whole_paths(masks: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Mask encodings whose colour tables are found from any folder; None where none is given."""
    given = (masks,) if isinstance(masks, str) else tuple(masks or ())
    return tuple(_with_whole_path(each) for each in given) or None


def _with_whole_path(encoding: str) -> str:
    before, marker, rest = encoding.partition("colours:")
    path, comma, after = rest.partition(",")
    return f"{before}{marker}{Path(path).resolve()}{comma}{after}" if marker else encoding


def require_labels_fit(task: Task, labels: Path | None) -> None:
    """Refuse a table of image labels where masks are what is learnt.

    Raises:
        SettingsError: naming both.
    """
    if task == "segment" and labels is not None:
        raise SettingsError(
            f"--labels {labels}: says of whole images what is in them, and this recipe learns from "
            "masks; leave the option out, or take a recipe that classifies"
        )


def labelled(asked: AskedData, task: Task) -> Dataset:
    """The data set as it was asked for, with masks or a table of image labels.

    Raises:
        DelineateError: no data set, or images without either.
    """
    dataset = open_dataset(
        asked.source,
        layout=asked.layout,
        masks=asked.masks,
        subjects=asked.subjects,
        overlapping=asked.overlapping,
    )
    if asked.labels is not None:
        given = image_labels(dataset, (), labels_file=asked.labels)
        return replace(dataset, image_labels=given)
    if not dataset.observers:
        needed = (
            "training needs masks"
            if task == "segment"
            else "give a CSV of id and label with --labels, or add masks"
        )
        raise LayoutError(
            f"{dataset.root}: images without masks; {needed} (see `delineate inspect`)"
        )
    return dataset


def settled_with_facts(
    dataset: Dataset, task: Task, progress: Progress
) -> tuple[Dataset, dict[str, CaseFacts]]:
    """The dataset with the encoding and classes of all masks that training will read.

    Of a classifier the classes are absent and present, and every image has a label. Every image
    and mask that training needs is decoded once, so that a bad file is named before anything is
    written and not after an hour; what was seen of each is kept by its id.
    """
    used = tuple(sample for sample in dataset.samples if sample.split in (TRAIN, VALIDATION))
    if dataset.image_labels:
        require_labels(dataset, used)
        facts = _facts(used, lambda sample: facts_of_image(read_image(sample.image)), progress)
        return _require_both_kinds(replace(dataset, classes=VERDICTS)), facts
    observer = dataset.observers[0]
    require_labels(dataset, used, observer)
    seen = settle_encodings(
        replace(dataset, samples=used), observers=(observer,), progress=progress
    )

    def look(sample: Sample) -> CaseFacts:
        case = read_case(seen, sample, (observer,))
        labels, is_overlapping = case.labels[observer], seen.is_overlapping
        return facts_of_case(case.image, labels, case.region, is_overlapping=is_overlapping)

    facts = _facts(used, look, progress)
    if task == "segment":
        return replace(dataset, encodings=seen.encodings, classes=seen.classes), facts
    labels = image_labels(seen, used, progress=progress)
    verdicts = replace(dataset, encodings=seen.encodings, classes=VERDICTS, image_labels=labels)
    return _require_both_kinds(verdicts), facts


def _require_both_kinds(dataset: Dataset) -> Dataset:
    """The same, where each of its parts holds images with and without something to find."""
    for split, part in ((TRAIN, "training"), (VALIDATION, "validation")):
        if dataset.only(split).samples:
            require_both(dataset.only(split), dataset.image_labels, part)
    return dataset


def _facts(
    samples: Sequence[Sample], look: Callable[[Sample], CaseFacts], progress: Progress
) -> dict[str, CaseFacts]:
    """Decode each once, and stop at the first that cannot be read."""
    facts = {}
    for sample, found in in_threads(look, samples, label="decoding", progress=progress):
        if isinstance(found, DelineateError):
            raise found
        facts[sample.id] = found
    return facts
