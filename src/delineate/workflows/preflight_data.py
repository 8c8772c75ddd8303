"""What is off with the cases of a training, from what was seen as they were decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from delineate.auditing.soundness.case_facts import CaseFacts
from delineate.core.types import LabelClass, default_classes
from delineate.data.listing import counted, some
from delineate.data.sample import TRAIN, VALIDATION, Dataset, Sample
from delineate.workflows.preflight_findings import Finding

# Fewer images of one colour than these are a note.
_CONSTANT_SHARE, _CONSTANT_IMAGES = 0.1, 2
# Of fewer training cases nobody expects that each class is among them.
_FEWEST_CASES = 8
# A list of classes of which less is drawn anywhere is a vocabulary, and not a promise.
_PROMISED_SHARE = 0.5


def findings_of(dataset: Dataset, facts: Mapping[str, CaseFacts]) -> Iterator[Finding]:
    """Everything that stops a training of this data; all cases are looked at."""
    yield from _of_images(dataset, facts)
    if not dataset.image_labels:
        yield from _of_masks(dataset, facts)


def notes_of(dataset: Dataset, facts: Mapping[str, CaseFacts]) -> Iterator[str]:
    """What is worth knowing and stops nothing, a sentence each."""
    for split, part in ((TRAIN, "training"), (VALIDATION, "validation")):
        samples = dataset.only(split).samples
        constant = _constant(samples, facts)
        if constant and not _are_many(constant, samples):
            names = some(sample.image.name for sample in constant)
            yield f"{counted(len(constant), f'{part} image')} of one colour: {names}"
    if dataset.image_labels:
        return
    for split, part in ((TRAIN, "training"), (VALIDATION, "validation")):
        samples = dataset.only(split).samples
        if split == VALIDATION and samples and all(facts[s.id].is_empty for s in samples):
            yield f"nothing is drawn in any of {counted(len(samples), f'{part} mask')}"
    unseen = _unseen(dataset, facts)
    if unseen and len(dataset.only(TRAIN).samples) < _FEWEST_CASES:
        yield f"classes that only validation masks hold: {some(each.name for each in unseen)}"
    absent = [each.name for each in _absent(dataset, facts)]
    if absent and not _is_promised(dataset, facts):
        yield f"classes that no mask of training or validation holds: {some(absent)}"


def _of_images(dataset: Dataset, facts: Mapping[str, CaseFacts]) -> Iterator[Finding]:
    for split, part in ((TRAIN, "training"), (VALIDATION, "validation")):
        samples = dataset.only(split).samples
        constant = _constant(samples, facts)
        if _are_many(constant, samples):
            yield Finding(
                "images-constant",
                f"{constant[0].image}: expected a picture, found one colour in every pixel, and "
                f"so in {len(constant)} of {counted(len(samples), f'{part} image')}; look at how "
                "they were exported, or leave these out",
            )


def _constant(samples: Sequence[Sample], facts: Mapping[str, CaseFacts]) -> list[Sample]:
    return [s for s in samples if facts[s.id].is_constant]


def _are_many(constant: Sequence[Sample], samples: Sequence[Sample]) -> bool:
    few = len(constant) < min(_CONSTANT_IMAGES, len(samples))
    return bool(constant) and not few and len(constant) >= _CONSTANT_SHARE * len(samples)


def _of_masks(dataset: Dataset, facts: Mapping[str, CaseFacts]) -> Iterator[Finding]:
    training = [facts[s.id] for s in dataset.only(TRAIN).samples]
    if all(each.is_empty for each in training):
        yield Finding(
            "masks-empty",
            f"{dataset.root}: expected something drawn in some of "
            f"{counted(len(training), 'training mask')}, found background alone; look with "
            "`delineate inspect` at how they are read, and confirm it with --masks",
        )
        return
    drawn = [each for each in training if not each.is_empty]
    is_single = len(dataset.classes) == 2 and not dataset.is_overlapping
    if is_single and all(each.foreground_px == each.counted_px for each in drawn):
        yield Finding(
            "masks-full",
            f"{dataset.root}: expected background in some of "
            f"{counted(len(drawn), 'training mask')}, found foreground in every pixel; look with "
            "`delineate inspect` at how they are read, and confirm it with --masks",
        )
    yield from _of_classes(dataset, facts)


def _of_classes(dataset: Dataset, facts: Mapping[str, CaseFacts]) -> Iterator[Finding]:
    """A class that is held out and never shown, or that is named and drawn nowhere."""
    unseen = _unseen(dataset, facts)
    if unseen and len(dataset.only(TRAIN).samples) >= _FEWEST_CASES:
        yield Finding(
            "class-missing",
            f"{dataset.root}: expected every class in some training mask, found "
            f"{some(each.name for each in unseen)} only in validation masks; move cases with it "
            "to train with --split-file, or split with another --seed",
        )
    absent = _absent(dataset, facts)
    if absent and _is_promised(dataset, facts):
        yield Finding(
            "class-missing",
            f"{dataset.root}: expected every class in some training mask, for the data names "
            f"{len(dataset.classes) - 1} classes, found no pixel of "
            f"{some(each.name for each in absent)}; add cases with it, or take it out of the "
            "list of classes",
        )


def _unseen(dataset: Dataset, facts: Mapping[str, CaseFacts]) -> list[LabelClass]:
    """Classes that validation masks hold and training masks do not."""
    held_out = _held(dataset, VALIDATION, facts) - _held(dataset, TRAIN, facts)
    return [each for each in dataset.classes if each.index in held_out]


def _absent(dataset: Dataset, facts: Mapping[str, CaseFacts]) -> list[LabelClass]:
    """Foreground classes that neither a training nor a validation mask holds."""
    held = _held(dataset, TRAIN, facts) | _held(dataset, VALIDATION, facts)
    return [each for each in dataset.classes[1:] if each.index not in held]


def _is_promised(dataset: Dataset, facts: Mapping[str, CaseFacts]) -> bool:
    """Whether the data itself names its classes, and most of them are there."""
    own = [each.name for each in dataset.classes]
    is_named = own != [each.name for each in default_classes(len(own))]
    there = len(own) - 1 - len(_absent(dataset, facts))
    return is_named and there >= _PROMISED_SHARE * (len(own) - 1)


def _held(dataset: Dataset, split: str, facts: Mapping[str, CaseFacts]) -> set[int]:
    return {index for s in dataset.only(split).samples for index in facts[s.id].class_px}
