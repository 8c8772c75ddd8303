"""TIFF and DICOM files that lie, loop, break off or grow; as in `hostile_pictures`."""

from __future__ import annotations

import io
import struct

import imagecodecs
import numpy as np
import tifffile
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from ..files.dicom_writing import write_dicom
from .hostile_pictures import (
    ALL_OVER,
    BOMB,
    BROKEN,
    GOOD,
    TOO_LARGE,
    Hostile,
    deflated_zeros,
    saved,
)

NOISE = np.random.default_rng(6).integers(0, 256, (64, 80), np.uint8)
SHORT, LONG = 3, 4


def tiff(
    fields: dict[int, tuple[int, int, int]], body: bytes = b"", *, following: int = 0
) -> bytes:
    """A little-endian TIFF: tag -> type, count and value (or address; `body` begins at 8)."""
    entries = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in sorted(fields.items()))
    start = 8 + len(body) + len(body) % 2
    head = b"II*\0" + struct.pack("<I", start) + body + bytes(len(body) % 2)
    return head + struct.pack("<H", len(fields)) + entries + struct.pack("<I", following)


def fields(
    height: int, width: int, count: int, **changes: object
) -> dict[int, tuple[int, int, int]]:
    """Of a grey picture of one strip of `count` bytes at 8."""
    stated = {
        256: (LONG, 1, width),
        257: (LONG, 1, height),
        258: (SHORT, 1, 8),
        259: (SHORT, 1, 1),
        262: (SHORT, 1, 1),
        273: (LONG, 1, 8),
        277: (SHORT, 1, 1),
        278: (LONG, 1, height),
        279: (LONG, 1, count),
    }
    return stated | {int(tag[1:]): entry for tag, entry in changes.items()}  # type: ignore[misc]


def written(values: np.ndarray, **options: object) -> bytes:
    """A TIFF as tifffile writes it."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def tiffs() -> dict[str, Hostile]:
    """TIFF: directories that lead nowhere or back, sizes that lie, odd pixels."""
    raw = NOISE.tobytes()
    whole = tiff(fields(64, 80, len(raw)), raw)
    plain = written(NOISE)
    deflate, packbits, tiled = (8, 32773, 322)
    nan = np.full((20, 30), 0.5, np.float32)
    nan[3, 4] = np.nan
    start = 8 + len(raw)
    broken = {
        "TIFF of a signature": b"II*\0",
        "TIFF whose directory lies beyond its end": b"II*\0\xff\xff\xff\x7f" + raw,
        "TIFF whose directory lies in its header": b"II*\0\0\0\0\0" + raw,
        "TIFF cut in its directory": whole[:-40],
        "TIFF cut in the middle": plain[: len(plain) // 2],
        "TIFF of 65,535 tags": whole[:start] + b"\xff\xff" + whole[start + 2 :],
        "TIFF with 4 billion strips": tiff(
            fields(64, 80, len(raw), t273=(LONG, 0xFFFFFFFF, 8), t278=(LONG, 1, 1)), raw
        ),
        "TIFF of no rows": tiff(fields(0, 80, len(raw)), raw),
        "TIFF with a strip beyond its end": tiff(fields(64, 80, 0x7FFFFFFF), raw),
        "TIFF without strips": tiff({k: v for k, v in fields(64, 80, 9).items() if k != 273}, raw),
        "TIFF with less than its rows": tiff(fields(64, 80, 100), raw[:100]),
        "TIFF of broken deflate": tiff(fields(64, 80, len(raw), t259=(SHORT, 1, deflate)), raw),
        "TIFF of broken LZW": tiff(fields(64, 80, len(raw), t259=(SHORT, 1, 5)), raw),
        "TIFF of broken JPEG": tiff(fields(64, 80, len(raw), t259=(SHORT, 1, 7)), raw),
        "TIFF of an unknown compression": tiff(fields(64, 80, len(raw), t259=(SHORT, 1, 999)), raw),
        "TIFF of tiles of 4 billion pixels": tiff(
            fields(64, 80, len(raw))
            | {tiled: (LONG, 1, 1 << 16), 323: (LONG, 1, 1 << 16)}
            | {324: (LONG, 1, 8), 325: (LONG, 1, len(raw))},
            raw,
        ),
        "TIFF of which a strip grows beyond its rows": tiff(
            fields(64, 80, len(BOMB), t259=(SHORT, 1, deflate)), BOMB
        ),
        "TIFF of two pages": written(np.stack([NOISE, NOISE]), photometric="minisblack"),
        "TIFF of five channels": written(
            np.zeros((20, 30, 5), np.uint8), planarconfig="contig", photometric="minisblack"
        ),
        "TIFF of a volume": written(
            np.zeros((16, 32, 32), np.uint8),
            volumetric=True,
            tile=(16, 32, 32),
            photometric="minisblack",
        ),
        "TIFF of values that are none": written(nan),
        "TIFF of complex numbers": written(np.ones((20, 30), np.complex64)),
        "TIFF of a billion pages of ImageJ": written(
            NOISE, description="ImageJ=1.53\nimages=1000000000\nslices=1000000000\n", metadata=None
        ),
        "TIFF of 64 bits whose directory leads to itself": b"II+\0\x08\0\0\0"
        + struct.pack("<QQ", 16, 0),
        "TIFF of YCbCr without JPEG": tiff(fields(64, 80, len(raw), t262=(SHORT, 1, 6)), raw),
    }
    too_large = {
        "TIFF of 100,000 pixels a side": tiff(fields(ALL_OVER, ALL_OVER, len(raw)), raw),
        "TIFF of 4 billion pixels a side": tiff(fields(0xFFFFFFFF, 0xFFFFFFFF, len(raw)), raw),
        "TIFF that grows to 3.6 GB": tiff(
            fields(60_000, 60_000, len(BOMB), t259=(SHORT, 1, deflate)), BOMB
        ),
        "TIFF of 65,000 rows in bits packed together": tiff(
            fields(65_000, 65_000, 400, t259=(SHORT, 1, packbits)), b"\x81\0" * 200
        ),
    }
    honest = {
        "TIFF": plain,
        "TIFF of inks": written(np.zeros((20, 30, 4), np.uint8), photometric="separated"),
        "TIFF of one bit": written(NOISE > 128),
        "TIFF of 16 bits": written(NOISE.astype(np.uint16) * 200),
        "TIFF of floats from 0 to 1": written(NOISE.astype(np.float32) / 255),
        "TIFF whose directory leads to itself": tiff(
            fields(64, 80, len(raw)), raw, following=start
        ),
        "TIFF with 4 billion bytes in a note": tiff(
            fields(64, 80, len(raw), t270=(2, 0xFFFFFFFF, 8)), raw
        ),
        "TIFF that says it is of another shape": written(
            NOISE, description='{"shape": [100000, 100000, 100000]}', metadata=None
        ),
    }
    return {
        **{name: (content, BROKEN) for name, content in broken.items()},
        **{name: (content, TOO_LARGE) for name, content in too_large.items()},
        **{name: (content, GOOD) for name, content in honest.items()},
    }


def nested(depth: int) -> bytes:
    """Sequences in sequences, in explicit little endian."""
    tag = struct.pack("<HH2sHI", 0x0018, 0x6011, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    return (tag + item) * depth


def made(values: np.ndarray = NOISE, **elements: object) -> bytes:
    """A DICOM file as `write_dicom` writes it."""
    buffer = io.BytesIO()
    write_dicom(buffer, values, **elements)  # type: ignore[arg-type]
    return buffer.getvalue()


def dicoms() -> dict[str, Hostile]:
    """DICOM: headers that lie, sequences without an end, streams of another picture."""
    whole = made()
    frames = np.stack([NOISE] * 3)
    meta = whole[: whole.find(struct.pack("<HH", 0x0008, 0x0016))]
    other = imagecodecs.jpeg2k_encode(np.zeros((4000, 4000), np.uint8), reversible=True)
    deflated = made(syntax=DeflatedExplicitVRLittleEndian)
    at = deflated.find(b"1.2.840.10008.1.2.1.99") + 22
    bomb = deflated[:at] + deflated_zeros(2500, is_raw=True)
    jpeg = saved("JPEG")
    broken = {
        "DICOM of a preamble": bytes(128) + b"DICM",
        "DICOM cut in its header": whole[:300],
        "DICOM cut in its pixels": whole[:-3000],
        "DICOM without pixels": whole[: whole.find(b"\xe0\x7f\x10\x00")],
        "DICOM that grows to 2.5 GB": bomb,
        "DICOM of 20,000 sequences in sequences": meta + nested(20_000),
        "DICOM with 4 billion bytes in an element": meta
        + struct.pack("<HH2sHI", 0x0008, 0x0016, b"OB", 0, 0xFFFFFFF0),
        "DICOM of no rows": made(Rows=0),
        "DICOM of 64 bits": made(BitsAllocated=64, BitsStored=64, HighBit=63),
        "DICOM with more bits than it has": made(BitsStored=12, HighBit=11),
        "DICOM of three frames": made(frames, NumberOfFrames=3),
        "DICOM of minus three frames": made(frames, NumberOfFrames=-3),
        "DICOM of a billion frames": made(NumberOfFrames=1_000_000_000),
        "DICOM whose window is a word": made(WindowCenter=40, WindowWidth=80).replace(b"80", b"xx"),
        "DICOM of an unknown kind of colour": made(PhotometricInterpretation="HSV"),
        "DICOM of a palette without one": made(PhotometricInterpretation="PALETTE COLOR"),
        "DICOM with a stream of 16 million other pixels": made(
            syntax=JPEG2000Lossless, streams=[other]
        ),
        "DICOM with a broken JPEG": made(syntax=JPEGBaseline8Bit, streams=[jpeg[:300] + jpeg[-2:]]),
        "DICOM with a broken lossless JPEG": made(
            syntax=JPEGLosslessSV1, streams=[b"\xff\xd8" + bytes(90) + b"\xff\xd9"]
        ),
        "DICOM with a broken JPEG-LS": made(
            syntax=JPEGLSLossless,
            streams=[imagecodecs.jpegls_encode(NOISE)[:60] + b"\xff\xd9"],
        ),
        "DICOM with broken run lengths": made(syntax=RLELossless, streams=[b"\xff" * 400]),
        "DICOM of a film": made(syntax="1.2.840.10008.1.2.4.102", streams=[bytes(100)]),
        "DICOM of a segmentation": made(SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4"),
        "DICOM of floats that are none": _floats(np.nan),
    }
    too_large = {
        "DICOM of 65,535 pixels a side": made(Rows=65535, Columns=65535),
    }
    several = Sequence([Dataset() for _ in range(500)])
    honest = {
        "DICOM": whole,
        "DICOM of 500 empty regions": made(SequenceOfUltrasoundRegions=several),
        "DICOM without a preamble": whole[len(meta) :],
        "DICOM of 16 bits": made(NOISE.astype(np.uint16) * 200, WindowCenter=9000, WindowWidth=800),
        "DICOM and web page in one": b"<html><script>alert(1)</script>".ljust(128) + whole[128:],
    }
    return {
        **{name: (content, BROKEN) for name, content in broken.items()},
        **{name: (content, TOO_LARGE) for name, content in too_large.items()},
        **{name: (content, GOOD) for name, content in honest.items()},
    }


def _floats(value: float) -> bytes:
    data = dcmread(io.BytesIO(made(np.zeros((20, 30), np.uint16))))
    del data.PixelData, data.BitsStored, data.HighBit, data.PixelRepresentation
    data.FloatPixelData = np.full((20, 30), value, "<f4").tobytes()
    data.BitsAllocated = 32
    buffer = io.BytesIO()
    data.save_as(buffer)
    return buffer.getvalue()
