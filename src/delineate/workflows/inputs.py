"""What a call reads, so that its output never takes the place of it."""

from __future__ import annotations

from pathlib import Path

from delineate.data.sample import Dataset


def inputs_of(dataset: Dataset, *others: Path | str | None) -> tuple[Path, ...]:
    """Every file of the data set, its tables of classes and its folder, and the others given.

    A manifest may name files anywhere, so that its own folder does not say enough.
    """
    found = [Path(each) for each in others if each is not None]
    found.append(dataset.root)
    encodings = dict.fromkeys([*dataset.encodings.values(), *dataset.file_encodings.values()])
    for encoding in encodings:
        tables = (encoding.colours_file, encoding.offsets, encoding.table)
        # Tables that come with the package have a name and no file.
        found += [Path(each) for each in tables if each is not None and Path(each).is_file()]
    for sample in dataset.samples:
        found.append(sample.image)
        found += [sample.region] if sample.region is not None else []
        for observer, files in sample.masks.items():
            found += files
            for file in files:
                own = dataset.encoding_of(file, observer)
                if own is not None and own.kind == "coco-panoptic":
                    found.append(file.with_suffix(""))  # the folder of its PNGs
    return tuple(dict.fromkeys(found))
