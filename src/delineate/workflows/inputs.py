"""What a call reads, so that its output never takes the place of it."""

from __future__ import annotations

from pathlib import Path

from delineate.data.sample import Dataset


def inputs_of(dataset: Dataset, *others: Path | str | None) -> tuple[Path, ...]:
    """Every file of the data set, its tables of colours and its folder, and the others given.

    A manifest may name files anywhere, so that its own folder does not say enough.
    """
    found = [Path(each) for each in others if each is not None]
    found.append(dataset.root)
    for encoding in dataset.encodings.values():
        if encoding.colours_file is not None:
            found.append(Path(encoding.colours_file))
    for sample in dataset.samples:
        found.append(sample.image)
        found += [sample.region] if sample.region is not None else []
        for files in sample.masks.values():
            found += files
    return tuple(dict.fromkeys(found))
