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

_MAP_ENDINGS = frozenset({".png", ".tif", ".tiff", ".npy"})


@dataclass(frozen=True)
class PredictionFiles:
    """The files of one case: masks, probability maps, or both; nothing where there is none.

    One holds all classes, or there is one for each channel or class. Of classes that overlap
    there is one a foreground class, in the order of their indices; None stands for one that is
    missing. Masks beside maps are all there.
    """

    masks: tuple[Path | None, ...] = ()
    maps: tuple[Path | None, ...] = ()


def prediction_files(
    folder: Path, cases: Dataset, classes: Sequence[LabelClass]
) -> dict[str, PredictionFiles | None]:
    """Sample id to the files that hold its prediction, or None.

    A file is named after the sample's id, or after its image where no other image has that
    name: no file ever speaks for two cases. Probability maps are called `ID_prob`, masks
    `ID_mask` or, where there are no maps, `ID`. Several classes may have a map each,
    `ID_prob_0` and so on, background first. Where classes overlap each has its own file:
    `ID_prob_1` and so on or `ID_prob_CLASS`, `ID_mask_CLASS` or `ID_CLASS`, or `ID` in a folder
    named after the class.
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
    one_map = _first(f"{name}_prob", _MAP_ENDINGS, listed)
    maps: tuple[Path | None, ...] = () if one_map is None else (one_map,)
    if not maps and len(classes) > 2:
        every = tuple(_first(f"{name}_prob_{one.index}", _MAP_ENDINGS, listed) for one in classes)
        maps = every if all(every) else ()
    mask = _first(f"{name}_mask", IMAGE_ENDINGS, listed)
    if mask is None and not maps:
        mask = _first(name, IMAGE_ENDINGS, listed)
    masks = () if mask is None else (mask,)
    return PredictionFiles(masks, maps) if masks or maps else None


def _of_classes(name: str, listed: Listed, classes: Sequence[LabelClass]) -> PredictionFiles | None:
    words = [word.lower() for word in class_words(classes).values()]
    indices = [str(one.index) for one in classes if one.index]

    def first_of(endings: frozenset[str], *forms: list[str]) -> tuple[Path | None, ...]:
        found = (tuple(_first(stem, endings, listed) for stem in stems) for stems in forms)
        return next((every for every in found if any(every)), ())

    maps = first_of(
        _MAP_ENDINGS,
        [f"{name}_prob_{index}" for index in indices],
        [f"{name}_prob_{word}" for word in words],
    )
    named = [f"{name}_mask_{word}" for word in words]
    if maps:
        masks = first_of(IMAGE_ENDINGS, named)
        return PredictionFiles(masks if all(masks) else (), maps)
    masks = first_of(
        IMAGE_ENDINGS,
        named,
        [f"{name}_{word}" for word in words],
        [f"{word}/{name}" for word in words],
    )
    return PredictionFiles(masks) if masks else None


def _first(stem: str, endings: frozenset[str], listed: Listed) -> Path | None:
    return next((listed[stem, end] for end in sorted(endings) if (stem, end) in listed), None)
