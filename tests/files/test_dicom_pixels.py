"""DICOM as images: every way of storing, several frames, and files that must be refused."""

from __future__ import annotations

import logging
import tempfile
import threading
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom import dcmread
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import (
    HTJ2K,
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from delineate.core.errors import UnreadableFileError
from delineate.files import dicom_header
from delineate.files.dicom_elements import damage_as, quiet_pydicom
from delineate.files.image_files import image_size, is_image, read_image, read_pixels

from .dicom_writing import PATIENT, write_dicom

RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 256, (13, 17), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (13, 17, 3), dtype=np.uint8)
NATIVE = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)


@settings(max_examples=60, deadline=None)
@given(
    arrays(
        st.sampled_from([np.uint8, np.uint16, np.int16, np.uint32]),
        st.tuples(*[st.integers(1, 9)] * 2),
    ),
    st.sampled_from(NATIVE),
)
def test_uncompressed_files_return_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, values: np.ndarray, syntax: str
) -> None:
    """Every type and byte order gives back the same numbers, in the narrowest common type."""
    path = write_dicom(tmp_path_factory.mktemp("dicom") / "x", values, syntax=syntax)
    image = read_image(path)
    assert image.dtype == (values.dtype if values.dtype in (np.uint8, np.uint16) else np.float32)
    assert image.dtype.isnative
    assert image_size(path) == values.shape
    np.testing.assert_array_equal(image[..., 0], values.astype(image.dtype))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_reach_from_black_to_white(tmp_path: Path, bits: int) -> None:
    """Numbers of at most four bits are stretched, as those of PNG are."""
    top = (1 << bits) - 1
    values = np.array([[0, top]], np.uint8)
    image = read_image(write_dicom(tmp_path / "x", values, BitsStored=bits))
    assert image[0, :, 0].tolist() == [0, 255]


def test_what_lies_above_the_stored_bits_is_left_out(tmp_path: Path) -> None:
    """Overlays that old files keep in the upper bits are no part of the picture."""
    values = np.array([[0x1005, 0xF0FF]], np.uint16)
    image = read_image(write_dicom(tmp_path / "x", values, BitsStored=12))
    assert image[0, :, 0].tolist() == [5, 255]


def _rle(values: np.ndarray) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        data = dcmread(write_dicom(Path(folder) / "raw", values))
    # Not by GDCM, which ends the process on such small pictures.
    return RLELosslessEncoder.encode(data, index=0, encoding_plugin="pydicom")


def _jpeg_2000(values: np.ndarray, **options: object) -> bytes:
    return imagecodecs.jpeg2k_encode(values, codecformat="j2k", level=0, reversible=True, **options)


def _lossless(values: np.ndarray, **options: object) -> bytes:
    bits = 8 * values.itemsize
    return imagecodecs.jpeg_encode(values, lossless=True, bitspersample=bits, **options)


def _lossless_sv1(values: np.ndarray) -> bytes:
    return _lossless(values, predictor=1)


STREAMS = {
    "rle": (RLELossless, _rle),
    "jpeg-2000": (JPEG2000Lossless, _jpeg_2000),
    "jpeg-ls": (JPEGLSLossless, imagecodecs.jpegls_encode),
    "lossless": (JPEGLossless, _lossless),
    "lossless-sv1": (JPEGLosslessSV1, _lossless_sv1),
}


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize(
    "values", [GREY, COLOUR, GREY.astype(np.uint16) * 251], ids=["grey", "colour", "deep"]
)
def test_lossless_streams_return_what_was_written(
    tmp_path: Path, kind: str, values: np.ndarray
) -> None:
    """Each lossless way of compressing gives back grey and colours."""
    syntax, encode = STREAMS[kind]
    path = write_dicom(tmp_path / "x", values, syntax=syntax, streams=[encode(values)])
    image = read_image(path)
    assert image.dtype == values.dtype
    np.testing.assert_array_equal(np.squeeze(image), values)
    assert not read_pixels(path).is_lossy


@pytest.mark.parametrize("kind", ["jpeg-2000", "jpeg-ls", "lossless"])
def test_streams_without_a_sign_take_that_of_the_header(tmp_path: Path, kind: str) -> None:
    """A stream of unsigned numbers holds signed ones where the header says so."""
    values = np.array([[-1, -32768, 5], [32767, 0, -2]], np.int16)
    syntax, encode = STREAMS[kind]
    stream = encode(values.view(np.uint16))
    image = read_image(write_dicom(tmp_path / "x", values, syntax=syntax, streams=[stream]))
    np.testing.assert_array_equal(image[..., 0], values)


SMOOTH = np.clip(
    np.add.outer(np.arange(64) * 2, np.arange(48) * 2)[..., None] + [0, 40, 20], 0, 255
)
SMOOTH = SMOOTH.astype(np.uint8)


@pytest.mark.parametrize(
    ("meaning", "spaces"),
    [
        ("YBR_FULL_422", {"colorspace": "RGB", "outcolorspace": "YCBCR"}),
        ("RGB", {"colorspace": "RGB", "outcolorspace": "RGB"}),
    ],
)
def test_lossy_colours_are_the_right_colours(
    tmp_path: Path, meaning: str, spaces: dict[str, str]
) -> None:
    """JPEG with and without luma and chroma comes out as nearly the RGB that went in."""
    stream = imagecodecs.jpeg_encode(SMOOTH, level=95, **spaces)
    path = write_dicom(
        tmp_path / "x",
        SMOOTH,
        syntax=JPEGBaseline8Bit,
        streams=[stream],
        PhotometricInterpretation=meaning,
    )
    assert np.abs(read_image(path).astype(int) - SMOOTH).max() < 12
    assert read_pixels(path).is_lossy


def test_twelve_bits_of_jpeg_are_decoded(tmp_path: Path) -> None:
    """JPEG Extended with 12 bits, which few decoders know, keeps its depth."""
    values = SMOOTH[..., 0].astype(np.uint16) * 16
    stream = imagecodecs.jpeg_encode(values, level=98, bitspersample=12)
    path = write_dicom(
        tmp_path / "x", values, syntax=JPEGExtended12Bit, streams=[stream], BitsStored=12
    )
    image = read_image(path)
    assert image.dtype == np.uint16
    assert np.abs(image[..., 0].astype(int) - values).max() < 64


@pytest.mark.parametrize("syntax", [HTJ2K, HTJ2KLossless])
def test_high_throughput_jpeg_2000_is_decoded(tmp_path: Path, syntax: str) -> None:
    """The newer kind of JPEG 2000 gives back its numbers."""
    stream = imagecodecs.htj2k_encode(GREY, reversible=True)
    path = write_dicom(tmp_path / "x", GREY, syntax=syntax, streams=[stream])
    np.testing.assert_array_equal(read_image(path)[..., 0], GREY)


@pytest.mark.parametrize("kind", ["uncompressed", "jpeg-ls", "jpeg-2000"])
def test_luma_and_chroma_become_rgb(tmp_path: Path, kind: str) -> None:
    """YBR_FULL is turned into RGB however it is stored."""
    values = convert_color_space(COLOUR, "RGB", "YBR_FULL")
    syntax, encode = STREAMS.get(kind, (ExplicitVRLittleEndian, None))
    streams = [encode(values)] if encode else None
    if kind == "jpeg-2000":
        streams = [
            imagecodecs.jpeg2k_encode(
                values, codecformat="j2k", level=0, reversible=True, mct=False
            )
        ]
    path = write_dicom(
        tmp_path / "x", values, syntax=syntax, streams=streams, PhotometricInterpretation="YBR_FULL"
    )
    assert np.abs(read_image(path).astype(int) - COLOUR).max() <= 2


def test_colour_by_plane(tmp_path: Path) -> None:
    """Planes of red, green and blue one after another give the same picture."""
    planes = np.ascontiguousarray(np.moveaxis(COLOUR, -1, 0)).reshape(COLOUR.shape)
    path = write_dicom(tmp_path / "x", planes, PlanarConfiguration=1)
    np.testing.assert_array_equal(read_image(path), COLOUR)


@pytest.mark.parametrize(("bits", "scale"), [(8, 1), (16, 257)])
def test_palette_files_show_their_colours(tmp_path: Path, bits: int, scale: int) -> None:
    """Indices become the colours of the palette, from where its table begins."""
    colours = {"Red": [250, 1, 2, 7], "Green": [0, 200, 4, 7], "Blue": [9, 8, 130, 7]}
    stated = {}
    for name, entries in colours.items():
        table = (np.array(entries) * scale).astype(f"<u{bits // 8}").tobytes()
        stated[f"{name}PaletteColorLookupTableDescriptor"] = [4, 5, bits]
        stated[f"{name}PaletteColorLookupTableData"] = table
    path = write_dicom(
        tmp_path / "x",
        np.array([[4, 5, 6, 7, 8, 9]], np.uint8),
        PhotometricInterpretation="PALETTE COLOR",
        **stated,
    )
    first, second, third, last = zip(*colours.values(), strict=True)
    shown = [tuple(colour) for colour in read_image(path)[0].tolist()]
    assert shown == [first, first, second, third, last, last]


def test_floats_keep_their_values(tmp_path: Path) -> None:
    """Maps of floats, as of diffusion, come out as float32."""
    path = write_dicom(tmp_path / "x", np.zeros((1, 3), np.uint16))
    data = dcmread(path)
    del data.PixelData, data.BitsStored, data.HighBit, data.PixelRepresentation
    data.FloatPixelData = np.array([0.5, -2, 1e6], "<f4").tobytes()
    data.BitsAllocated = 32
    data.save_as(path)
    assert read_image(path)[0, :, 0].tolist() == [0.5, -2, 1e6]


FRAMES = np.stack([GREY, GREY[::-1], 255 - GREY])


@pytest.mark.parametrize("kind", ["uncompressed", "jpeg-ls"])
def test_frames_are_chosen_by_number(tmp_path: Path, kind: str) -> None:
    """Frames are counted from 1, and without a choice the file is refused with their number."""
    syntax, encode = STREAMS.get(kind, (ExplicitVRLittleEndian, None))
    streams = [encode(each) for each in FRAMES] if encode else None
    path = write_dicom(tmp_path / "x", FRAMES, syntax=syntax, streams=streams, NumberOfFrames=3)
    for number, frame in enumerate(FRAMES, start=1):
        np.testing.assert_array_equal(read_image(path, frame=number)[..., 0], frame)
    for read in (read_image, image_size):
        with pytest.raises(UnreadableFileError, match=r"x: .* 3 frames; choose one with --frame"):
            read(path)
    for number in (0, 4, -1):
        with pytest.raises(UnreadableFileError, match=f"from 1 to 3, found {number};"):
            read_image(path, frame=number)


def test_a_picture_of_another_format_has_one_frame(tmp_path: Path) -> None:
    """Frame 1 of a PNG is the PNG, and there is no frame 2."""
    path = tmp_path / "x.png"
    path.write_bytes(imagecodecs.png_encode(GREY))
    np.testing.assert_array_equal(read_image(path, frame=1)[..., 0], GREY)
    with pytest.raises(UnreadableFileError, match="from 1 to 1, found 2; the file has 1 frame"):
        read_image(path, frame=2)


@pytest.mark.parametrize("syntax", NATIVE[:3])
def test_files_without_a_preamble_are_opened(tmp_path: Path, syntax: str) -> None:
    """Old files that begin with their first element are known by it."""
    path = write_dicom(tmp_path / "x", GREY, syntax=syntax)
    data = dcmread(path)
    data.save_as(
        path,
        enforce_file_format=False,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
    )
    content = path.read_bytes()
    order = "big" if syntax == ExplicitVRBigEndian else "little"
    start = content.index((8).to_bytes(2, order) + (0x16).to_bytes(2, order))
    path.write_bytes(content[start:])
    assert is_image(path)
    np.testing.assert_array_equal(read_image(path)[..., 0], GREY)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}, "found a segmentation in DICOM"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.7"}, "found a label map segmentation"),
        ({"Rows": None}, r"a DICOM file \(Secondary Capture Image\) without pixels"),
        ({"SOPClassUID": "9.9.9", "Columns": None}, "a DICOM file of unknown kind without pixels"),
        ({"Rows": 60000, "Columns": 60000}, r"at most 200,000,000 pixels, found 60000 x 60000"),
        ({"Rows": 0}, "found one of 0 x 17 px"),
        ({"Rows": 14}, "the pixels end after 222 of 238 bytes"),
        ({"NumberOfFrames": 0}, "NumberOfFrames is 0"),
        ({"NumberOfFrames": -4}, "NumberOfFrames is -4"),
        ({"PhotometricInterpretation": "CMYK"}, "of another photometric interpretation"),
        ({"PhotometricInterpretation": None}, "of another photometric interpretation"),
        ({"PhotometricInterpretation": "RGB"}, "1 samples a pixel where RGB has 3"),
        ({"SamplesPerPixel": 3}, "3 samples a pixel where MONOCHROME2 has 1"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "its palette is not whole"),
        ({"BitsStored": 12, "HighBit": 11}, "12 bits stored in 8"),
        ({"BitsStored": 4, "HighBit": 7}, "the highest elsewhere"),
        ({"BitsStored": None, "HighBit": None}, "BitsStored is missing"),
        ({"BitsAllocated": 7, "BitsStored": 7}, "cannot be decoded"),
        ({"WindowCenter": "NaN", "WindowWidth": 9}, "WindowCenter is not a number"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    tmp_path: Path, stated: dict[str, object], said: str
) -> None:
    """Each kind of nonsense in a header is one line that names the file."""
    with quiet_pydicom():
        path = write_dicom(tmp_path / "x", GREY, **stated)
    with pytest.raises(UnreadableFileError, match=f"x: expected .*{said}") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_video_is_refused_by_name(tmp_path: Path) -> None:
    """A stream that is a film says so."""
    path = write_dicom(tmp_path / "x", COLOUR, syntax=MPEG2MPML, streams=[b"\0\0\1\xb3"])
    with pytest.raises(UnreadableFileError, match=r"decoded here, found MPEG2 .*; convert it"):
        read_image(path)


def test_a_stream_larger_than_the_header_is_refused_before_decoding(tmp_path: Path) -> None:
    """What a stream announces must be what the header announces: memory follows the stream."""
    stream = bytearray(imagecodecs.jpegls_encode(GREY))
    at = stream.index(b"\xff\xf7") + 5
    stream[at : at + 4] = b"\xff\xff\xff\xff"
    path = write_dicom(tmp_path / "x", GREY, syntax=JPEGLSLossless, streams=[bytes(stream)])
    with pytest.raises(UnreadableFileError, match="13 x 17 px by its header, 65535 x 65535 by its"):
        read_image(path)


def test_a_stream_of_other_colours_than_the_header_is_refused(tmp_path: Path) -> None:
    """A grey header over a stream of colours is damage."""
    stream = imagecodecs.jpegls_encode(COLOUR)
    path = write_dicom(tmp_path / "x", GREY, syntax=JPEGLSLossless, streams=[stream])
    with pytest.raises(UnreadableFileError, match="1 samples a pixel by its header, 3 by its"):
        read_image(path)


@pytest.mark.parametrize("kind", ["jpeg-2000", "jpeg-ls", "lossless"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_cut_streams_are_errors(tmp_path: Path, kind: str, share: float) -> None:
    """A stream that was cut short is no picture with a grey rest."""
    syntax, encode = STREAMS[kind]
    stream = encode(GREY)
    cut = stream[: int(len(stream) * share)]
    path = write_dicom(tmp_path / "x", GREY, syntax=syntax, streams=[cut])
    with pytest.raises(UnreadableFileError, match=r"x: .*the pixels of frame 1 have no end"):
        read_image(path)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.95])
@pytest.mark.parametrize("syntax", NATIVE)
def test_truncated_files_are_errors(tmp_path: Path, syntax: str, share: float) -> None:
    """A file cut anywhere is one line, whether its header or its pixels are short."""
    path = write_dicom(tmp_path / "x", GREY, syntax=syntax)
    content = path.read_bytes()
    path.write_bytes(content[: max(140, int(len(content) * share))])
    with pytest.raises(UnreadableFileError, match=r"x: expected .*(truncated|without pixels)"):
        read_image(path)


def test_a_deflated_file_that_grows_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file that unpacks to more than any picture is refused before it is unpacked."""
    path = write_dicom(
        tmp_path / "x", np.zeros((2000, 2000), np.uint8), syntax=DeflatedExplicitVRLittleEndian
    )
    assert read_image(path).shape == (2000, 2000, 1)
    monkeypatch.setattr(dicom_header, "_MOST_UNPACKED", 1_000_000)
    for read in (read_image, image_size):
        with pytest.raises(UnreadableFileError, match="at most 1,000,000 bytes when unpacked"):
            read(path)


def test_deeply_nested_sequences_are_one_line(tmp_path: Path) -> None:
    """Sequences within sequences beyond all depth do not end the program."""
    path = write_dicom(tmp_path / "x", GREY)
    deep = b"\x28\x00\x10\x30SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 5000
    content = path.read_bytes()
    at = content.index(b"\xe0\x7f\x10\x00")
    path.write_bytes(content[:at] + deep + content[at:])
    with pytest.raises(UnreadableFileError, match="x: expected a whole DICOM image"):
        read_image(path)


def test_no_patient_is_ever_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither errors nor warnings nor logs repeat a name, whichever element it slipped into."""
    texts = []
    for keyword in ("WindowCenter", "RescaleSlope", "NumberOfFrames", "PixelSpacing", "BitsStored"):
        path = write_dicom(tmp_path / keyword, GREY, WindowWidth=5, WindowCenter=5)
        data = dcmread(path)
        with quiet_pydicom():
            data.add_new(keyword, "LO", PATIENT)
            data.save_as(path)
        with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.DEBUG):
            warnings.simplefilter("always")
            try:
                texts.append(str(read_image(path).shape))
            except UnreadableFileError as error:
                texts.append(str(error))
        texts += [str(one.message) for one in warned]
    assert len(texts) == 5
    assert sum("expected" in text for text in texts) == 4
    assert "Doe" not in " ".join([*texts, caplog.text])


def test_only_needed_elements_are_in_memory(tmp_path: Path) -> None:
    """What is opened holds no name and no number of a patient."""
    data = dicom_header.open_dicom(write_dicom(tmp_path / "x", GREY))
    assert "Rows" in data
    assert "PatientName" not in data
    assert "PatientID" not in data


def test_warnings_come_back_after_threads_have_read(tmp_path: Path) -> None:
    """Threads that read at once leave the warnings and the logger of pydicom as they were."""
    path = write_dicom(tmp_path / "x", GREY, WindowCenter=9, WindowWidth=9)
    before, level = list(warnings.filters), logging.getLogger("pydicom").level
    threads = [
        threading.Thread(target=lambda: [read_image(path) for _ in range(15)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
    assert logging.getLogger("pydicom").level == level


def test_damage_keeps_errors_of_ours() -> None:
    """An error that is said well already is not said again in other words."""
    with pytest.raises(UnreadableFileError, match=r"^mine$"), damage_as(Path("x"), "other"):
        raise UnreadableFileError("mine")
