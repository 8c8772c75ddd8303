"""pydicom's own test files: every one is either a picture of known size and type or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels.utils import pixel_array

from delineate.core.errors import UnreadableFileError
from delineate.files.dicom_elements import quiet_pydicom
from delineate.files.image_files import image_size, read_image

READABLE = {
    "512 x 512 x 1 uint16": (
        "693_J2KI.dcm",
        "J2K_pixelrep_mismatch.dcm",
    ),
    "128 x 128 x 1 float32": ("CT_small.dcm",),
    "60 x 80 x 3 uint8": ("ExplVR_BigEnd.dcm",),
    "400 x 400 x 3 uint8": ("GDCMJ2K_TextGBR.dcm",),
    "1024 x 256 x 1 uint16": (
        "JPEG-lossy.dcm",
        "JPGExtended.dcm",
    ),
    "1024 x 256 x 1 float32": ("JPEG2000.dcm",),
    "45 x 10 x 1 uint8": ("JPEGLSNearLossless_08.dcm",),
    "50 x 10 x 1 uint16": ("JPEGLSNearLossless_16.dcm",),
    "64 x 64 x 1 uint16": (
        "MR_small.dcm",
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_expb.dcm",
        "MR_small_implicit.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_padded.dcm",
    ),
    "256 x 256 x 3 uint8": (
        "SC_jpeg_no_color_transform.dcm",
        "SC_jpeg_no_color_transform_2.dcm",
        "SC_rgb_jpeg.dcm",
        "SC_rgb_jpeg_app14_dcmd.dcm",
        "SC_rgb_jpeg_dcmd.dcm",
    ),
    "100 x 100 x 3 uint8": (
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm",
        "SC_rgb_dcmtk_+eb+cy+n2.dcm",
        "SC_rgb_dcmtk_+eb+cy+np.dcm",
        "SC_rgb_dcmtk_+eb+cy+s2.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_gdcm_KY.dcm",
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
        "SC_rgb_jpeg_lossy_gdcm.dcm",
        "SC_rgb_rle.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
    ),
    "100 x 100 x 3 uint16": ("SC_rgb_rle_16bit.dcm",),
    "100 x 100 x 3 float32": ("SC_rgb_rle_32bit.dcm",),
    "3 x 3 x 3 uint8": (
        "SC_rgb_small_odd.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
    ),
    "16 x 16 x 1 uint16": (
        "dicomdirtests/77654033/CR1/*",
        "dicomdirtests/77654033/CR2/*",
        "dicomdirtests/77654033/CR3/*",
        "dicomdirtests/77654033/CT2/*",
        "dicomdirtests/98892001/CT2N/*",
        "dicomdirtests/98892001/CT5N/*",
        "dicomdirtests/98892003/MR1/*",
        "dicomdirtests/98892003/MR2/*",
        "dicomdirtests/98892003/MR700/*",
    ),
    "480 x 640 x 3 uint8": ("examples_jpeg2k.dcm",),
    "300 x 484 x 1 uint16": ("examples_overlay.dcm",),
    "350 x 800 x 3 uint8": ("examples_palette.dcm",),
    "240 x 320 x 3 uint8": ("examples_rgb_color.dcm",),
    "512 x 512 x 1 uint8": ("image_dfl.dcm",),
    "10 x 10 x 1 float32": (
        "rtdose_1frame.dcm",
        "rtdose_expb_1frame.dcm",
        "rtdose_rle_1frame.dcm",
    ),
}
REFUSED = {
    "RT Ion Plan) without": (
        "ExplVR_BigEndNoMeta.dcm",
        "ExplVR_LitEndNoMeta.dcm",
    ),
    "by its pixels": ("JPEG2000-embedded-sequence-delimiter.dcm",),
    "pixels end after 8,130 of 8,192": ("MR_truncated.dcm",),
    "plain text": (
        "README.txt",
        "dicomdirtests/README.txt",
        "dicomdirtests/TINY_ALPHA/README",
        "rtplan.dump",
        "rtstruct.dump",
        "test1.json",
        "test_PN.json",
    ),
    "of 2 frames": (
        "SC_rgb_rle_16bit_2frame.dcm",
        "SC_rgb_rle_2frame.dcm",
        "SC_rgb_rle_32bit_2frame.dcm",
    ),
    "of unknown kind without": (
        "UN_sequence.dcm",
        "empty_charset_LEI.dcm",
        "meta_missing_tsyntax.dcm",
        "nested_priv_SQ.dcm",
        "no_meta_group_length.dcm",
        "priv_SQ.dcm",
    ),
    "NumberOfFrames is not a number": ("badVR.dcm",),
    "not an image of a known format": (
        "crayons.icc",
        "no_meta.dcm",
    ),
    "DICOM directory": (
        "dicomdirtests/DICOMDIR",
        "dicomdirtests/DICOMDIR-bigEnd",
        "dicomdirtests/DICOMDIR-empty.dcm",
        "dicomdirtests/DICOMDIR-implicit",
        "dicomdirtests/DICOMDIR-nooffset",
        "dicomdirtests/DICOMDIR-nopatient",
        "dicomdirtests/DICOMDIR-reordered",
        "dicomdirtests/TINY_ALPHA/DICOMDIR",
    ),
    "CT Image) without": ("dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/*",),
    "of 30 frames": ("examples_ybr_color.dcm",),
    "found a segmentation": (
        "liver_1frame.dcm",
        "liver_expb_1frame.dcm",
    ),
    "Basic Text SR) without": (
        "reportsi.dcm",
        "reportsi_with_empty_number_tags.dcm",
    ),
    "of 15 frames": (
        "rtdose.dcm",
        "rtdose_expb.dcm",
        "rtdose_rle.dcm",
    ),
    "RT Plan) without": (
        "rtplan.dcm",
        "rtplan_truncated.dcm",
    ),
    "RT Structure Set) without": ("rtstruct.dcm",),
    "Comprehensive SR) without": ("test-SR.dcm",),
    "12-lead ECG Waveform) without": ("waveform_ecg.dcm",),
    "gzip": ("zipMR.gz",),
}


RADIOGRAPHS = ("77654033/CR1/6154", "77654033/CR2/6247", "77654033/CR3/6278")


def _named(folder: Path, table: dict[str, tuple[str, ...]]) -> dict[Path, str]:
    found = {}
    for expected, names in table.items():
        for name in names:
            paths = sorted(folder.glob(name)) if name.endswith("*") else [folder / name]
            assert paths, name
            found |= dict.fromkeys(paths, expected)
    return found


def test_the_table_names_every_file(shared_data: Path) -> None:
    """No file is left out, and none is both readable and refused."""
    folder = shared_data / "dicom"
    readable, refused = _named(folder, READABLE), _named(folder, REFUSED)
    assert not readable.keys() & refused.keys()
    assert {*readable, *refused} == {path for path in folder.rglob("*") if path.is_file()}


def test_readable_files_open(shared_data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each picture has the size and type that the table says, and nothing is printed."""
    for path, expected in _named(shared_data / "dicom", READABLE).items():
        image = read_image(path)
        height, width, channels = image.shape
        assert f"{height} x {width} x {channels} {image.dtype}" == expected, path
        assert image_size(path) == (height, width)
        assert np.isfinite(image).all()
    assert capfd.readouterr() == ("", "")


def test_all_others_are_refused_in_one_line(
    shared_data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Broken files, several frames and what is no picture say so, and nothing else is printed."""
    for path, expected in _named(shared_data / "dicom", REFUSED).items():
        with pytest.raises(UnreadableFileError) as caught:
            read_image(path)
        said = str(caught.value)
        assert said.startswith(f"{path}: expected ")
        assert expected in said
        assert "\n" not in said
        assert not {"Doe", "Archibald", "^"} & set(said.replace(str(path), "").split())
    assert capfd.readouterr() == ("", "")


def test_every_frame_of_several_opens(shared_data: Path) -> None:
    """What is refused for its frames opens at its first and last frame, and those differ."""
    opened = 0
    for path, expected in _named(shared_data / "dicom", REFUSED).items():
        if not expected.endswith("frames"):
            continue
        last = int(expected.split()[1])
        images = [read_image(path, frame=frame) for frame in (1, last)]
        assert images[0].shape == images[1].shape
        assert (images[0] != images[1]).any(), path
        opened += 1
    assert opened == 7


@pytest.mark.parametrize("name", RADIOGRAPHS)
def test_radiographs_are_the_right_way_round(shared_data: Path, name: str) -> None:
    """Where much light blackened the film, the number is high: it must come out dark."""
    path = shared_data / "dicom" / "dicomdirtests" / name
    stored, image = dcmread(path).pixel_array, read_image(path)[..., 0]
    order = np.argsort(stored.ravel(), kind="stable")
    assert (np.diff(image.ravel()[order].astype(int)) <= 0).all()
    assert image[stored == stored.max()].max() < image[stored == stored.min()].min()
    # Rescaled 0.684 x + 200, then centre 1600 and width 2800 of PS3.3 C.11.2.1.2, turned round.
    share = (0.684 * stored + 200 - 1599.5) / 2799 + 0.5
    np.testing.assert_allclose(image, (1 - share) * 65535, atol=0.51)


def test_streams_are_what_gdcm_decodes(shared_data: Path) -> None:
    """Our decoder and GDCM's agree in every number of every compressed picture."""
    compared = 0
    for path in sorted((shared_data / "dicom").glob("*.dcm")):
        try:
            image = read_image(path)
        except UnreadableFileError:
            continue
        with quiet_pydicom():
            data = dcmread(path)
        is_stream = ".1.2.4." in str(data.file_meta.TransferSyntaxUID)
        # GDCM does not know 12 bits, and windowed values are not what it gives.
        if not is_stream or "WindowCenter" in data or data.BitsStored == 12:
            continue
        theirs = pixel_array(data, decoding_plugin="gdcm")
        np.testing.assert_array_equal(np.squeeze(image), theirs, err_msg=path.name)
        compared += 1
    assert compared >= 20


def test_one_picture_in_every_encoding_is_one_picture(shared_data: Path) -> None:
    """The same slice as plain, big-endian, run-length, JPEG 2000 and JPEG-LS file is the same."""
    folder = shared_data / "dicom"
    first = read_image(folder / "MR_small.dcm")
    others = sorted(folder.glob("MR_small_*.dcm"))
    assert len(others) == 7
    for path in others:
        np.testing.assert_array_equal(read_image(path), first, err_msg=path.name)
