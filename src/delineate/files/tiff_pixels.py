"""TIFF: every codec, tiles and planes, either byte order, either sense of white."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from delineate.core.errors import UnreadableFileError
from delineate.files.pixels import ROTATES, Pixels, damaged, require_pixels, upright
from delineate.files.plain_tiff import plain_tiff

# Complaints about bad files reach the user as our one-line errors, not as log lines.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _SEPARATED, _YCBCR = 0, 1, 2, 3, 5, 6
_ALPHA_KINDS = (1, 2)
_JPEG_CODES = frozenset({6, 7, 33007, 34892, 33003, 33005, 34712, 50001})


def tiff_size(path: Path) -> tuple[int, int]:
    """(height, width) in upright position, from the header."""
    try:
        with tifffile.TiffFile(path) as tiff:
            page = _only_page(path, tiff)
            size = (page.imagelength, page.imagewidth)
            is_turned = _orientation(page) in ROTATES
    except UnreadableFileError:
        raise
    except Exception as error:  # hostile bytes raise anything in a parser
        raise damaged(path, "TIFF", error) from error
    return (size[1], size[0]) if is_turned else size


def tiff_pixels(path: Path, content: bytes, max_pixels: int) -> Pixels:
    """The single page of a TIFF file.

    Raises:
        UnreadableFileError: for several pages, unusual channels, or damage.
    """
    plain = plain_tiff(content, max_pixels)
    if plain is not None:
        return plain
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            page = _only_page(path, tiff)
            require_pixels(path, page.imagelength, page.imagewidth, max_pixels)
            _require_plain(path, page, max_pixels)
            _require_whole(path, page, len(content))
            values = _values(page)
            return _interpreted(path, page, values)
    except UnreadableFileError:
        raise
    except Exception as error:  # hostile bytes raise anything in a decoder
        raise damaged(path, "TIFF", error) from error


def _only_page(path: Path, tiff: tifffile.TiffFile) -> tifffile.TiffPage:
    # Thumbnails and masks of transparency are further pages, but no further images.
    page = tiff.pages.first
    count = 1
    if len(tiff.pages) > 1:
        count = sum(1 for one in tiff.pages if not int(getattr(one, "subfiletype", 0)) & 5)
    if tiff.is_imagej:
        # ImageJ may keep a whole stack behind one page.
        count = max(count, int((tiff.imagej_metadata or {}).get("images", 1)))
    if count > 1:
        raise UnreadableFileError(
            f"{path}: expected one image, found a TIFF of {count} pages; "
            "write each page to a file of its own"
        )
    if not isinstance(page, tifffile.TiffPage):
        raise damaged(path, "TIFF", "the first page has no header")
    return page


def _require_plain(path: Path, page: tifffile.TiffPage, max_pixels: int) -> None:
    samples, depth = int(page.samplesperpixel), int(page.imagedepth)
    if samples > 5 or depth != 1:
        what = f"{samples} channels" if depth == 1 else f"a volume of {depth} slices"
        raise UnreadableFileError(
            f"{path}: expected 1 or 3 channels, found {what}; export the channels that count"
        )
    if page.is_tiled and int(page.tilelength) * int(page.tilewidth) > max_pixels:
        raise damaged(path, "TIFF", f"tiles of {page.tilelength} x {page.tilewidth} px")


def _require_whole(path: Path, page: tifffile.TiffPage, size_bytes: int) -> None:
    # A missing strip decodes to zeros, which would pass for background.
    ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
    chunks = int(np.prod(page.chunked))
    if len(page.dataoffsets) < chunks or len(page.databytecounts) < chunks:
        raise damaged(path, "TIFF", f"{len(ends)} of {chunks} strips are listed")
    missing = sum(
        1
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
        if offset + count > size_bytes or offset == 0 or count == 0
    )
    if missing:
        raise damaged(path, "TIFF", f"{missing} of {len(ends)} strips lie beyond the end")


def _values(page: tifffile.TiffPage) -> NDArray[Any]:
    values: NDArray[Any] = np.asarray(page.asarray(maxworkers=1))
    if values.ndim == 3 and int(page.planarconfig) == 2 and page.samplesperpixel > 1:
        values = np.moveaxis(values, 0, -1)
    return values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values


def _interpreted(path: Path, page: tifffile.TiffPage, values: NDArray[Any]) -> Pixels:
    photometric, bits = int(page.photometric), int(page.bitspersample)
    channels = 1 if values.ndim == 2 else int(values.shape[-1])
    if values.dtype.kind not in "buif":
        raise UnreadableFileError(
            f"{path}: expected whole or floating-point numbers, found {values.dtype}; export the "
            "part that counts"
        )
    is_whole = values.dtype.kind in "ub"
    top = (1 << bits) - 1 if is_whole and bits < 8 * values.dtype.itemsize else None
    if values.dtype.kind == "b":
        values, top = values.astype(np.uint8), 1
    palette = None
    if photometric == _MINISWHITE and is_whole:
        values = np.asarray((1 << bits) - 1 - values, dtype=values.dtype)
    elif photometric == _PALETTE and page.colormap is not None and channels == 1:
        palette = _palette(path, np.asarray(page.colormap))
        top = None
    elif photometric == _SEPARATED:
        values, channels = _rgb_from_inks(path, values), 3
    elif photometric == _YCBCR and int(page.compression) not in _JPEG_CODES:
        raise UnreadableFileError(
            f"{path}: expected grey, RGB or palette colours, found YCbCr without JPEG; "
            "export it as RGB"
        )
    elif photometric not in (_MINISWHITE, _MINISBLACK, _RGB, _YCBCR):
        raise UnreadableFileError(
            f"{path}: expected grey, RGB or palette colours, found TIFF photometric "
            f"{photometric}; export it as RGB"
        )
    values, has_alpha = _with_known_extras(path, page, values)
    return Pixels(
        upright(values, _orientation(page)),
        mode=f"TIFF, {channels} x {bits} bit {values.dtype}",
        palette=palette,
        is_lossy=int(page.compression) in _JPEG_CODES,
        has_alpha=has_alpha,
        top=top,
    )


def _with_known_extras(
    path: Path, page: tifffile.TiffPage, values: NDArray[Any]
) -> tuple[NDArray[Any], bool]:
    channels = 1 if values.ndim == 2 else int(values.shape[-1])
    if channels in (1, 3):
        return values, False
    extras = [int(kind) for kind in page.extrasamples]
    colours = channels - 1
    if colours in (1, 3) and extras[:1] and extras[0] in _ALPHA_KINDS:
        return values, True
    if colours in (1, 3) and np.ptp(values[..., -1]) == 0:
        # A channel of unstated meaning that says the same everywhere says nothing.
        kept = values[..., :-1]
        return (kept[..., 0] if colours == 1 else kept), False
    raise UnreadableFileError(
        f"{path}: expected 1 or 3 channels, found {channels}; export the channels that count"
    )


def _palette(path: Path, colormap: NDArray[Any]) -> NDArray[np.uint8]:
    if colormap.ndim != 2 or colormap.shape[0] != 3:
        raise damaged(path, "TIFF", "the palette is not one of red, green and blue")
    # 16-bit colours by the standard, written as 256 v or 257 v; some writers fill in 8 bits.
    table = colormap.T
    return (table >> 8 if table.max(initial=0) > 255 else table).astype(np.uint8)


def _rgb_from_inks(path: Path, values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim != 3 or values.shape[-1] != 4 or values.dtype != np.uint8:
        raise UnreadableFileError(f"{path}: expected 8-bit CMYK, found other inks; export as RGB")
    paper = 255 - values.astype(np.uint16)
    return ((paper[..., :3] * paper[..., 3:] + 127) // 255).astype(np.uint8)


def _orientation(page: tifffile.TiffPage) -> int:
    tag = page.tags.get(274)
    return int(tag.value) if tag is not None else 1
