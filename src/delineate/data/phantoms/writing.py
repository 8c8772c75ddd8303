"""Phantom sets on disk, in the layouts and under the names of the real ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import cv2

from delineate.core.errors import SettingsError
from delineate.core.geometry import Size
from delineate.core.progress import SILENT, Progress, track
from delineate.data.phantoms import fundus, ultrasound
from delineate.data.phantoms.faults import NEEDS_TEST, Planted, Store, fault_counts, plant
from delineate.data.phantoms.folder import require_at_least, require_size, whole_folder
from delineate.data.phantoms.picture import Slot
from delineate.data.phantoms.stores import DriveStore, NerveStore
from delineate.files.writing import write_json

Faults = Iterable[str] | Mapping[str, int]

MOST_TEST_FUNDUS = 20
"""DRIVE numbers its test photographs 01 to 20, and those for training from 21."""


@dataclass(frozen=True)
class PhantomSet:
    """What was written: the folder, how many images, and the faults in them."""

    folder: Path
    images: int
    planted: tuple[Planted, ...]


def write_ultrasound(
    folder: Path,
    *,
    subjects: int,
    images_per_subject: int,
    seed: int,
    faults: Faults = (),
    size_px: Size = ultrasound.SIZE_PX,
    test_subjects: int = 0,
    labelled_test: bool = True,
    overwrite: bool = False,
    processes: int = 1,
    progress: Progress = SILENT,
) -> PhantomSet:
    """Neck ultrasound in the layout of the Kaggle nerve set; the last subjects go into test.

    `train/S_N.tif` and `train/S_N_mask.tif`, 0 and 255, LZW. Test frames are named and
    labelled likewise, or with `labelled_test` False as in the competition: `test/N.tif`,
    without masks and without subjects. `planted.json` tells what is wrong on purpose.

    Args:
        folder: A new folder.
        subjects: All of them, those in test included.
        images_per_subject: Half of each subject's frames show the nerve.
        seed: The same seed writes the same bytes.
        faults: Kinds out of `FAULTS`, repeated ones as often, or a number for each kind.
        size_px: Height and width of a frame.
        test_subjects: How many of the subjects are put into `test/`.
        labelled_test: Whether the frames in `test/` come with masks and subjects.
        overwrite: Replace a folder that Delineate made.
        processes: How many draw at a time, whole subjects each; the bytes stay the same. With
            more than one, a script that calls this needs `if __name__ == "__main__":`.
        progress: Where to tell how far it is.

    Raises:
        SettingsError: an unknown fault, or more faults than the images can carry.
        OutputExistsError, CannotWriteError: as `new_folder`. Nothing is left half-written.
    """
    counts = fault_counts(faults)
    require_size(size_px)
    require_at_least("images_per_subject", images_per_subject, 1)
    require_at_least("processes", processes, 1)
    _require_subjects(subjects, test_subjects)
    if test_subjects == 0:
        _refuse_leaks(counts, "test_subjects=0")
    if not labelled_test and "leaked_subject" in counts:
        raise SettingsError(
            "faults: leaked_subject needs subjects in test, found labelled_test=False; "
            "label the test frames or leave this fault out"
        )
    with whole_folder(folder, overwrite) as root:
        store = NerveStore(root, seed, size_px, labelled_test)
        first_test = subjects - test_subjects + 1
        slots = [
            Slot("test" if subject >= first_test else "train", subject, number)
            for subject in range(1, subjects + 1)
            for number in range(1, images_per_subject + 1)
        ]
        if processes == 1:
            for slot in track(slots, "drawing ultrasound", progress):
                store.add(slot, images_per_subject)
        else:
            _draw_in_processes(store, slots, images_per_subject, processes, progress)
        facts = {"kind": "ultrasound", "seed": seed, "size_px": list(size_px)}
        return _finish(store, root, counts, facts)


def write_fundus(
    folder: Path,
    *,
    training: int = 20,
    test: int = 20,
    seed: int,
    faults: Faults = (),
    size_px: Size = fundus.SIZE_PX,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> PhantomSet:
    """Fundus photographs in the layout of DRIVE, one a subject: 21 on train, 01 on test.

    `images/NN_training.tif`, `1st_manual/NN_manual1.gif`, `mask/NN_training_mask.gif`, and
    in test also `2nd_manual/NN_manual2.gif`, with palette indices as the real ones have.

    Args:
        folder: A new folder.
        training: Photographs in `training/`.
        test: Photographs in `test/`, at most 20 so that the numbers stay apart.
        seed: The same seed writes the same bytes.
        faults: Kinds out of `FAULTS`, repeated ones as often, or a number for each kind.
        size_px: Height and width of a photograph.
        overwrite: Replace a folder that Delineate made.
        progress: Where to tell how far it is.

    Raises:
        SettingsError: an unknown fault, or more faults than the images can carry.
        OutputExistsError, CannotWriteError: as `new_folder`. Nothing is left half-written.
    """
    counts = fault_counts(faults)
    require_size(size_px)
    require_at_least("training", training, 1)
    if not 0 <= test <= MOST_TEST_FUNDUS:
        raise SettingsError(
            f"test: expected 0 to {MOST_TEST_FUNDUS} photographs, found {test}; "
            "their numbers are those of DRIVE, 01 to 20"
        )
    if test == 0:
        _refuse_leaks(counts, "test=0")
    with whole_folder(folder, overwrite) as root:
        store = DriveStore(root, seed, size_px)
        slots = [Slot("train", 21 + index, 1) for index in range(training)]
        slots += [Slot("test", 1 + index, 1) for index in range(test)]
        for slot in track(slots, "drawing fundus", progress):
            store.add(slot)
        facts = {"kind": "fundus", "seed": seed, "size_px": list(size_px)}
        return _finish(store, root, counts, facts)


def _draw_in_processes(
    store: NerveStore,
    slots: Sequence[Slot],
    images_per_subject: int,
    processes: int,
    progress: Progress,
) -> None:
    """Each subject by one process, for its anatomy is drawn once."""
    store.reserve(slots)
    # Not by fork: the progress bar has a thread, and OpenCV its own.
    context = get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, initializer=cv2.setNumThreads, initargs=(1,))
    try:
        jobs = [
            pool.submit(_draw_subject, store, tuple(frames), images_per_subject)
            for _, frames in groupby(slots, lambda slot: slot.subject)
        ]
        for job in track(jobs, "drawing subjects of ultrasound", progress):
            job.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _draw_subject(store: NerveStore, slots: Sequence[Slot], images_per_subject: int) -> None:
    for slot in slots:
        store.add(slot, images_per_subject)


def _finish(
    store: Store, root: Path, counts: Mapping[str, int], facts: Mapping[str, object]
) -> PhantomSet:
    planted = tuple(plant(store, counts, int(str(facts["seed"]))))
    records = [record.to_document() for record in planted]
    document = {**facts, "images": len(store.slots), "planted": records}
    write_json(root / "planted.json", document, schema="planted")
    return PhantomSet(root, len(store.slots), planted)


def _require_subjects(subjects: int, test_subjects: int) -> None:
    require_at_least("subjects", subjects, 1)
    if not 0 <= test_subjects < subjects:
        raise SettingsError(
            f"test_subjects: expected 0 to {subjects - 1}, so that one of the {subjects} "
            f"subjects is left to train on, found {test_subjects}"
        )


def _refuse_leaks(counts: Mapping[str, int], found: str) -> None:
    for kind in NEEDS_TEST:
        if kind in counts:
            raise SettingsError(
                f"faults: {kind} needs a test split to leak into, found {found}; "
                "ask for test images or leave this fault out"
            )
