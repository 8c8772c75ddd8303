"""Chest sets on disk: known subjects, a fifth with gas, the same films as PNG and as DICOM."""

from __future__ import annotations

import csv
import errno
import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from delineate.core.errors import CannotWriteError, OutputExistsError, SettingsError
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.phantoms import chest_files
from delineate.data.phantoms.chest_plan import chest_plan
from delineate.data.phantoms.chest_writing import ChestSet, write_chest
from delineate.data.reading import read_case
from delineate.data.sample import Dataset
from delineate.files.image_files import read_image

SMALL = (64, 96)


def _written(folder: Path, form: str) -> ChestSet:
    return write_chest(folder, training=24, test=8, seed=6, size_px=SMALL, form=form)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> ChestSet:
    """A set as images beside masks."""
    return _written(tmp_path_factory.mktemp("chest") / "folders", "folders")


@pytest.fixture(scope="module")
def siim(tmp_path_factory: pytest.TempPathFactory) -> ChestSet:
    """The same set as DICOM with run lengths."""
    return _written(tmp_path_factory.mktemp("chest") / "siim", "siim")


def _films(made: ChestSet) -> list[dict[str, object]]:
    document = json.loads((made.folder / "phantoms.json").read_text())
    assert document["schema"] == "delineate/phantoms/1"
    films: list[dict[str, object]] = document["films"]
    return films


def _opened(made: ChestSet) -> Dataset:
    table = made.folder / "subjects.csv"
    dataset = open_dataset(made.folder, subjects=str(table) if table.exists() else None)
    return settle_encodings(dataset)


def test_folders_are_read_without_options(folders: ChestSet) -> None:
    """PNG of 8 bits, masks of 0 and 255, and subjects that names tell."""
    dataset = open_dataset(folders.folder)
    assert dataset.has_subjects
    assert [len(dataset.only(part).samples) for part in ("train", "test")] == [24, 8]
    assert dataset.notes == ()
    for sample in dataset.samples:
        with Image.open(sample.image) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "L", SMALL[::-1])
        (mask,) = sample.masks["reference"]
        with Image.open(mask) as image:
            assert set(np.unique(np.array(image)).tolist()) <= {0, 255}


def test_siim_is_read_with_its_subjects(siim: ChestSet, folders: ChestSet) -> None:
    """The layout of SIIM-ACR, each film of the subject that it has in the other form."""
    dataset = _opened(siim)
    assert dataset.layout == "siim"
    assert {path.relative_to(siim.folder).parts[0] for path in siim.folder.iterdir()} >= {
        "dicom-images-train",
        "dicom-images-test",
        "train-rle.csv",
        "test-rle.csv",
    }
    assert [len(dataset.only(part).samples) for part in ("train", "test")] == [24, 8]
    named = {film["id"]: str(film["subject"]) for film in _films(siim)}
    assert {sample.id: sample.subject for sample in dataset.samples} == named
    assert list(named.values()) == [str(film["subject"]) for film in _films(folders)]


def test_both_forms_hold_the_same_films(siim: ChestSet, folders: ChestSet) -> None:
    """A DICOM film decodes to the pixels of its PNG, and its run lengths to the same mask."""
    plain, medical = _opened(folders), _opened(siim)
    pngs = {sample.id: sample for sample in plain.samples}
    dicoms = {sample.id: sample for sample in medical.samples}
    holding = 0
    for png, dicom in zip(_films(folders), _films(siim), strict=True):
        first = read_case(plain, pngs[str(png["id"])])
        second = read_case(medical, dicoms[str(dicom["id"])])
        assert first.image.dtype == second.image.dtype == np.uint8
        assert np.array_equal(first.image, second.image)
        truth = first.labels["reference"]
        assert np.array_equal(truth, second.labels["reference"])
        holding += bool(np.any(truth))
    assert holding == folders.positives == siim.positives == 7


def test_dicom_is_whole_and_of_both_greys(siim: ChestSet) -> None:
    """What a chest film must state, unique names, and whites that are low in some."""
    meanings, instances = [], set()
    for path in sorted(siim.folder.rglob("*.dcm")):
        data = pydicom.dcmread(path)
        meanings.append(data.PhotometricInterpretation)
        instances.add(data.SOPInstanceUID)
        assert data.SOPInstanceUID == path.stem
        assert (data.StudyInstanceUID, data.SeriesInstanceUID) == path.parts[-3:-1]
        assert all(
            each.is_valid
            for each in (data.SOPInstanceUID, data.StudyInstanceUID, data.SeriesInstanceUID)
        )
        assert (data.Rows, data.Columns) == SMALL
        assert (data.Modality, data.BodyPartExamined) == ("CR", "CHEST")
        assert str(data.PatientName) == ""
    assert len(instances) == 32
    assert meanings.count("MONOCHROME1") + meanings.count("MONOCHROME2") == 32
    assert 0 < meanings.count("MONOCHROME1") < 16


def test_dicom_names_the_subject_as_patient(siim: ChestSet) -> None:
    """Whose film it is stands in it too."""
    named = {film["id"]: film["subject"] for film in _films(siim)}
    for path in siim.folder.rglob("*.dcm"):
        assert pydicom.dcmread(path).PatientID == f"phantom-{named[path.stem]}"


def test_low_whites_are_turned_about(siim: ChestSet) -> None:
    """Stored numbers of MONOCHROME1 are the complement of what is read."""
    inverted = [
        path
        for path in siim.folder.rglob("*.dcm")
        if pydicom.dcmread(path).PhotometricInterpretation == "MONOCHROME1"
    ]
    stored = pydicom.dcmread(inverted[0]).pixel_array
    assert np.array_equal(255 - stored, read_image(inverted[0])[..., 0])


def test_run_lengths_are_those_of_siim(siim: ChestSet) -> None:
    """`ImageId,EncodedPixels`, -1 for a film without gas."""
    with (siim.folder / "train-rle.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["ImageId", "EncodedPixels"]
    empty = [row["EncodedPixels"] == "-1" for row in rows]
    assert (len(rows), sum(empty)) == (24, 19)


def test_the_document_tells_what_films_show(folders: ChestSet) -> None:
    """Kind, side and share of the gas, as the mask has it."""
    samples = {sample.id: sample for sample in _opened(folders).samples}
    dataset = _opened(folders)
    for film in _films(folders):
        truth = read_case(dataset, samples[str(film["id"])]).labels["reference"]
        assert film["share"] == pytest.approx(float(np.mean(truth > 0)), abs=1e-6)
        assert (film["gas"] is None) == (film["side"] is None) == (film["share"] == 0)


@settings(max_examples=40)
@given(st.integers(0, 1000), st.integers(1, 200), st.integers(0, 60))
def test_a_plan_keeps_subjects_whole(seed: int, training: int, test: int) -> None:
    """Counts are met, a fifth of each part has gas, and no subject stands in both."""
    plan = chest_plan(seed, training, test)
    parts = {
        split: [film for film in plan if film.slot.split == split] for split in ("train", "test")
    }
    for films, count in zip(parts.values(), (training, test), strict=True):
        assert len(films) == count
        assert sum(film.has_gas for film in films) == round(0.2 * count)
    subjects = [{film.slot.subject for film in films} for films in parts.values()]
    assert not subjects[0] & subjects[1]
    assert len({film.slot for film in plan}) == len(plan)
    assert max(film.slot.number for film in plan) <= 3


def test_a_subject_may_have_films_with_and_without() -> None:
    """Gas goes away or comes back, so that a subject's films are not all alike."""
    plan = chest_plan(2, 400, 0)
    shown: dict[int, set[bool]] = {}
    for film in plan:
        shown.setdefault(film.slot.subject, set()).add(film.has_gas)
    assert {True, False} in shown.values()
    assert {True} in shown.values()


@pytest.mark.parametrize("form", ["folders", "siim"])
def test_the_same_seed_writes_the_same_bytes(tmp_path: Path, form: str) -> None:
    """Pictures, tables and DICOM, names included."""
    one, two = (
        write_chest(tmp_path / name, training=3, seed=9, size_px=(64, 64), form=form).folder
        for name in ("one", "two")
    )
    files = [path.relative_to(one) for path in sorted(one.rglob("*.*")) if path.is_file()]
    assert len(files) > 3
    for file in files:
        assert (one / file).read_bytes() == (two / file).read_bytes()


def test_odd_numbers_of_pixels_are_padded(tmp_path: Path) -> None:
    """A DICOM film of 65 x 65 pixels, whose bytes must be even, comes back whole."""
    made = write_chest(tmp_path / "set", training=1, seed=1, size_px=(65, 65), form="siim")
    (path,) = made.folder.rglob("*.dcm")
    assert len(pydicom.dcmread(path).PixelData) == 65 * 65 + 1
    assert read_image(path).shape == (65, 65, 1)


def test_wrong_wishes_are_refused(tmp_path: Path) -> None:
    """No film, films too small or too large, and forms that do not exist."""
    out = tmp_path / "set"
    with pytest.raises(SettingsError, match="training: expected 1 or more, found 0"):
        write_chest(out, training=0, seed=1)
    with pytest.raises(SettingsError, match="test: expected 0 or more, found -1"):
        write_chest(out, training=1, test=-1, seed=1)
    with pytest.raises(SettingsError, match="at least 64 pixels a side, found 32x64"):
        write_chest(out, training=1, seed=1, size_px=(32, 64))
    with pytest.raises(SettingsError, match="at most 4096 pixels a side, found 64x4097"):
        write_chest(out, training=1, seed=1, size_px=(64, 4097))
    with pytest.raises(SettingsError, match="form of chest phantoms 'sim'; did you mean 'siim'"):
        write_chest(out, training=1, seed=1, form="sim")
    assert not out.exists()


def test_what_is_there_stays(folders: ChestSet) -> None:
    """A folder that is not empty is replaced only on demand."""
    with pytest.raises(OutputExistsError, match="--overwrite"):
        _written(folders.folder, "folders")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear line, and no half of a data set."""
    written: list[Path] = []

    def fill(path: Path, content: bytes) -> None:
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written.append(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    monkeypatch.setattr(chest_files, "put", fill)
    with pytest.raises(CannotWriteError, match="disk is full"):
        write_chest(tmp_path / "set", training=4, seed=1, size_px=(64, 64))
    assert len(written) == 3
    assert not (tmp_path / "set").exists()
