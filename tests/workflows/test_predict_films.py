"""One film as PNG and as DICOM: the same decoded picture, the same verdict, the same mask."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from delineate.core.seeds import stream
from delineate.files.image_files import read_image
from delineate.files.mask_files import read_probability
from delineate.inference.composing import write_composed
from delineate.inference.model import load_model
from delineate.inference.model_card import Gate, ModelCard
from delineate.workflows.predict import predict

SIZE_PX = (48, 40)


def film() -> np.ndarray:
    """A grey picture of 8 bits with soft and hard edges, every value in it."""
    rng = stream(8, "film")
    soft = cv2.GaussianBlur(rng.uniform(0, 255, SIZE_PX), (0, 0), 3)
    picture = 60 + 3 * (soft - soft.mean()) + rng.normal(0, 8, SIZE_PX)
    picture[10:30, 8:28] += 90
    picture[0] = np.linspace(0, 255, SIZE_PX[1])
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def write_dicom(
    path: Path, stored: np.ndarray, bits: int, *, is_inverted: bool, window: tuple | None = None
) -> Path:
    """A DICOM file of stored numbers, the lowest of which is white where it is inverted."""
    data = FileDataset(None, {}, file_meta=FileMetaDataset(), preamble=bytes(128))
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1")
    data.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    data.SOPClassUID, data.SOPInstanceUID = UID("1.2.840.10008.5.1.4.1.1.1"), UID("1.2.3")
    data.Rows, data.Columns = stored.shape
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME1" if is_inverted else "MONOCHROME2"
    data.BitsAllocated = 8 if bits <= 8 else 16
    data.BitsStored, data.HighBit, data.PixelRepresentation = bits, bits - 1, 0
    if window is not None:
        data.WindowCenter, data.WindowWidth = window
    values = (2**bits - 1 - stored) if is_inverted else stored
    data.PixelData = values.astype(np.uint8 if bits <= 8 else "<u2").tobytes()
    data["PixelData"].VR = "OB" if bits <= 8 else "OW"
    data.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory, write_part) -> Path:
    """Two stages for pictures of 8 bits, the segmenter at a smaller size than the gate."""
    folder = tmp_path_factory.mktemp("films")
    write_part(folder / "gate", "classify")
    card = write_part(folder / "segmenter", "segment", longest_side_px=32)
    changes = {
        "weights_sha256": None,
        "members": ("segmenter",),
        "gate": Gate(kind="classifier", folder="gate", threshold=0.0, rule="all"),
    }
    whole = ModelCard.model_validate(card.model_dump() | changes)
    members = {"segmenter": folder / "segmenter"}
    write_composed(folder / "both", whole, members=members, gate=folder / "gate", page="")
    return folder / "both"


@cache
def cut_of(model: Path) -> float:
    """A threshold at which half of the film is foreground."""
    return float(np.median(load_model(model, threads=1).probability(film())))


def predicted(model: Path, file: Path, out: Path) -> tuple[np.ndarray, np.ndarray, float]:
    """Mask, probability and the gate's probability of one film."""
    cut = cut_of(model)
    result = predict(
        model, [file], out, probabilities=True, overlays=False, threshold=cut, threads=1
    )
    assert result.failures == ()
    (row,) = result.document["images"]
    mask = read_image(result.folder / row["mask"])[..., 0] > 0
    probability = read_probability(next(result.folder.glob("*_prob.png")))
    assert ((probability >= cut) == mask)[np.abs(probability - cut) > 1e-4].all()
    return mask, probability, row["gate"]["probability"]


@pytest.mark.parametrize("is_inverted", [False, True])
def test_eight_bits_are_the_same_to_the_last(model, tmp_path, is_inverted):
    """Whether black or white is the lowest value, the mask is that of the PNG, pixel by pixel."""
    cv2.imwrite(str(tmp_path / "film.png"), film())
    dicom = write_dicom(tmp_path / "film.dcm", film(), 8, is_inverted=is_inverted)
    assert (read_image(dicom) == read_image(tmp_path / "film.png")).all()
    png = predicted(model, tmp_path / "film.png", tmp_path / "a")
    other = predicted(model, dicom, tmp_path / "b")
    assert 0.4 < png[0].mean() < 0.6
    assert (other[0] == png[0]).all()
    assert (other[1] == png[1]).all()
    assert other[2] == png[2]


@pytest.mark.parametrize("is_inverted", [False, True])
def test_twelve_bits_are_the_same_but_for_rounding(model, tmp_path, is_inverted):
    """The same film of 12 stored bits, shown through its window, has the mask of 8 bits.

    4,095 steps are no multiple of 255, so that values lie within half a step of each other.
    """
    cv2.imwrite(str(tmp_path / "film.png"), film())
    stored = np.rint(film() * (4095 / 255)).astype(np.uint16)
    dicom = write_dicom(
        tmp_path / "film.dcm", stored, 12, is_inverted=is_inverted, window=(2048, 4096)
    )
    wide = read_image(dicom)
    assert wide.dtype == np.uint16
    assert np.abs(wide / 65535 - read_image(tmp_path / "film.png") / 255).max() < 1 / 4095
    mask, probability, presence = predicted(model, tmp_path / "film.png", tmp_path / "a")
    other = predicted(model, dicom, tmp_path / "b")
    assert np.abs(other[1] - probability).max() < 1e-3
    assert 0.4 < mask.mean() < 0.6
    assert (other[0] == mask)[np.abs(probability - cut_of(model)) > 1e-3].all()
    assert other[2] == pytest.approx(presence, abs=1e-3)


@pytest.mark.parametrize("is_inverted", [False, True])
def test_stored_numbers_are_those_of_a_png_of_sixteen_bits(model, tmp_path, is_inverted):
    """Without a window the stored numbers count, whichever file they stand in."""
    stored = np.rint(film() * (4095 / 255)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "film.png"), stored)
    dicom = write_dicom(tmp_path / "film.dcm", stored, 12, is_inverted=is_inverted)
    png = predicted(model, tmp_path / "film.png", tmp_path / "a")
    other = predicted(model, dicom, tmp_path / "b")
    assert (other[0] == png[0]).all()
    assert other[2] == png[2]
