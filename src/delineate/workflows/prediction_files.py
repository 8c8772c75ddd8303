"""Which files of a folder hold the predictions of which case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from delineate.core.types import LabelClass
from delineate.data.sample import Dataset
from delineate.files.class_masks import class_words
from delineate.files.image_files import IMAGE_ENDINGS
from delineate.workflows.scoring import file_name

_PROBABILITY_ENDINGS = frozenset({".png", ".tif", ".tiff", ".npy"})
_SUFFIXES = (("_prob", _PROBABILITY_ENDINGS), ("_mask", IMAGE_ENDINGS), ("", IMAGE_ENDINGS))


@dataclass(frozen=True)
class PredictionFiles:
    """The files of one case: one of all classes, or one for each channel or class.

    Of classes that overlap there is one a foreground class, in the order of their indices;
    None stands for one that is missing.
    """

    files: tuple[Path | None, ...]
    are_probabilities: bool

    @property
    def present(self) -> tuple[Path, ...]:
        """Those that are there."""
        return tuple(file for file in self.files if file is not None)


def prediction_files(
    folder: Path, cases: Dataset, classes: Sequence[LabelClass]
) -> dict[str, PredictionFiles | None]:
    """Sample id to the files that hold its prediction, or None.

    A file is named after the sample's id, or after its image where no other image has that
    name: no file ever speaks for two cases. `_prob` comes before `_mask` and before nothing.
    Several classes may have a probability map each, `ID_prob_0` and so on, background first.
    Where classes overlap each has its own file: `ID_prob_1` and so on or `ID_prob_CLASS`,
    `ID_mask_CLASS` or `ID_CLASS`, or `ID` in a folder named after the class.
    """
    listed = {
        (file.relative_to(folder).with_suffix("").as_posix().lower(), file.suffix.lower()): file
        for file in _files(folder)
    }
    images = Counter(sample.image.stem for sample in cases.samples)
    found: dict[str, PredictionFiles | None] = {}
    for sample in cases.samples:
        names = [file_name(sample.id)]
        if images[sample.image.stem] == 1:
            names.append(sample.image.stem)
        finder = _of_classes if cases.is_overlapping else _of_all
        answers = (finder(name.lower(), listed, classes) for name in names)
        found[sample.id] = next((one for one in answers if one is not None), None)
    return found


Listed = Mapping[tuple[str, str], Path]


def _files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.is_file():
            yield entry
        elif entry.is_dir():
            yield from (file for file in sorted(entry.iterdir()) if file.is_file())


def _of_all(name: str, listed: Listed, classes: Sequence[LabelClass]) -> PredictionFiles | None:
    for suffix, endings in _SUFFIXES:
        file = _first(name + suffix, endings, listed)
        if file is not None:
            return PredictionFiles((file,), suffix == "_prob")
        if suffix == "_prob" and len(classes) > 2:
            every = tuple(_first(f"{name}_prob_{one.index}", endings, listed) for one in classes)
            if all(every):
                return PredictionFiles(every, are_probabilities=True)
    return None


def _of_classes(name: str, listed: Listed, classes: Sequence[LabelClass]) -> PredictionFiles | None:
    words = [word.lower() for word in class_words(classes).values()]
    indices = [str(one.index) for one in classes if one.index]
    forms = (
        (True, _PROBABILITY_ENDINGS, [f"{name}_prob_{index}" for index in indices]),
        (True, _PROBABILITY_ENDINGS, [f"{name}_prob_{word}" for word in words]),
        (False, IMAGE_ENDINGS, [f"{name}_mask_{word}" for word in words]),
        (False, IMAGE_ENDINGS, [f"{name}_{word}" for word in words]),
        (False, IMAGE_ENDINGS, [f"{word}/{name}" for word in words]),
    )
    for are_probabilities, endings, stems in forms:
        every = tuple(_first(stem, endings, listed) for stem in stems)
        if any(every):
            return PredictionFiles(every, are_probabilities)
    return None


def _first(stem: str, endings: frozenset[str], listed: Listed) -> Path | None:
    return next((listed[stem, end] for end in sorted(endings) if (stem, end) in listed), None)
