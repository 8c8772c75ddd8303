"""The data of several trainings: parted into folds, or once into training and validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from delineate.core.progress import Progress
from delineate.data.folding import (
    Folds,
    fold_of,
    folds_by_subject,
    read_folds,
    require_same_samples,
    write_folds,
)
from delineate.data.image_labels import require_both
from delineate.data.listing import counted
from delineate.data.masks import foreground_shares
from delineate.data.sample import TEST, TRAIN, VALIDATION, Dataset, Sample
from delineate.data.splitting import apply_split, complete_split, read_split
from delineate.recipe.recipe import Task
from delineate.workflows.leakage import Gate, find_split_leaks
from delineate.workflows.reviewed import decided
from delineate.workflows.run_folder import SPLIT, RunFacts
from delineate.workflows.starting import (
    AskedData,
    TrainingData,
    begun,
    labelled,
    origin_of,
    settled_with_facts,
    taken_up,
)

FOLDS = "folds.csv"


@dataclass(frozen=True)
class PartedData:
    """The data of all members, and which images each of them is held against.

    `folds` goes from sample id to fold. Without folds the validation part is the only one, 1, and
    `is_folded` is False.
    """

    data: TrainingData
    folds: Mapping[str, int]
    is_folded: bool

    @property
    def dataset(self) -> Dataset:
        """The data as it was decided; of folds every image in one is of the training part."""
        return self.data.dataset

    @property
    def count(self) -> int:
        """How many folds there are."""
        return max(self.folds.values())

    def held_out(self, fold: int) -> tuple[Sample, ...]:
        """The images that the members of a fold never learn from."""
        return tuple(s for s in self.dataset.samples if self.folds.get(s.id) == fold)

    def of_fold(self, fold: int) -> TrainingData:
        """What the members of a fold are trained on, and held against."""
        if not self.is_folded:
            return self.data
        split = fold_of(self.dataset, self.folds, fold)
        decided_now = replace(self.data.decided, dataset=apply_split(self.dataset, split))
        origin = f"fold {fold} of {self.count} held out; {self.data.split_origin}"
        return replace(self.data, decided=decided_now, split_origin=origin)

    def placed_in(self, folder: Path) -> PartedData:
        """The same with the decided masks in the run's own folder."""
        return replace(self, data=self.data.placed_in(folder))

    def write(self, folder: Path) -> None:
        """The split, and the folds where there are any."""
        self.data.write_split(folder / SPLIT)
        if self.is_folded:
            write_folds(folder / FOLDS, self.folds, self.dataset)


@contextmanager
def parted(
    asked: AskedData,
    *,
    task: Task,
    folds: int | None,
    assignment: Mapping[str, int] | None,
    fraction: float,
    seed: int,
    progress: Progress,
) -> Iterator[PartedData]:
    """The data of new trainings: decided, parted, without leaks, every file read once.

    With folds the test part is that of one training with this seed, and all other images are in
    one fold each, those of the data's own validation part too. `assignment` says in which, where
    that was settled before.

    Raises:
        DelineateError: data that cannot be trained on, or a leak that is not allowed.
    """
    if folds is None:
        with begun(asked, task=task, fraction=fraction, seed=seed, progress=progress) as data:
            held_out = {s.id: 1 for s in data.dataset.only(VALIDATION).samples}
            yield PartedData(data, held_out, is_folded=False)
        return
    opened = labelled(asked, task)
    if asked.split_file is not None:
        opened = apply_split(opened, read_split(Path(asked.split_file)))
    with decided(_pooled(opened), asked.review, progress=progress) as reviewed:
        gate = Gate(not_twins=reviewed.not_twins, progress=progress)
        leaks = find_split_leaks(
            reviewed.dataset, (TRAIN, TEST), gate=gate, is_allowed=asked.allow_leakage
        )
        made = complete_split(
            reviewed.dataset, held_out=0, seed=seed, together=gate.together, progress=progress
        )
        dataset, facts = settled_with_facts(_pooled(made.dataset), task, progress)
        samples = dataset.only(TRAIN).samples
        found = dict(assignment or {})
        if assignment is None:
            found = folds_by_subject(
                samples,
                folds,
                seed=seed,
                shares=_shares(dataset, progress),
                together=gate.together(samples),
            )
        require_same_samples(found, samples)
        test = f"test {origin_of(made, asked)}" if dataset.only(TEST).samples else "no test part"
        origin = f"{_rule(folds)}; {test}"
        data = TrainingData(replace(reviewed, dataset=dataset), origin, leaks, facts)
        parts = PartedData(data, found, is_folded=True)
        require_both_in_folds(parts)
        yield parts


def parted_before(
    source: Path | str, run: Path, facts: RunFacts, *, task: Task, progress: Progress
) -> PartedData:
    """The data of interrupted trainings, parted and decided as it was.

    Raises:
        SettingsError: other images or labels than those that the run began with.
    """
    data = taken_up(source, run, facts, task=task, progress=progress)
    if facts.folds is None:
        held_out = {s.id: 1 for s in data.dataset.only(VALIDATION).samples}
        return PartedData(data, held_out, is_folded=False)
    folds: Folds = read_folds(run / FOLDS)
    require_same_samples(folds, data.dataset.only(TRAIN).samples)
    return PartedData(data, folds, is_folded=True)


def _pooled(dataset: Dataset) -> Dataset:
    """The data whose validation part is of the training part too."""
    samples = tuple(
        replace(s, split=TRAIN) if s.split == VALIDATION else s for s in dataset.samples
    )
    return replace(dataset, samples=samples)


def _shares(dataset: Dataset, progress: Progress) -> dict[str, float]:
    """Foreground of each training image as a share; of an image label, all or nothing."""
    if dataset.image_labels:
        return {s.id: float(dataset.image_labels[s.id]) for s in dataset.only(TRAIN).samples}
    return foreground_shares(dataset.only(TRAIN), progress=progress)


def _rule(folds: int) -> str:
    return f"{counted(folds, 'fold')} by subject, alike in empty masks and area, seeded"


def require_both_in_folds(parts: PartedData) -> None:
    """Refuse folds of a classifier's data without images of both kinds; nothing of masks.

    Raises:
        LayoutError: naming the fold.
    """
    labels = parts.dataset.image_labels
    if labels:
        for fold in range(1, parts.count + 1):
            own = replace(parts.dataset, samples=parts.held_out(fold))
            require_both(own, labels, f"fold {fold}")
