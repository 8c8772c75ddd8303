"""Raw mask values to class indices, exactly as an encoding says and never by a guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import UncertainMaskError
from delineate.core.types import IGNORE, Labels
from delineate.files.class_tables import read_class_table, read_colour_table
from delineate.files.encoding_text import MaskEncoding
from delineate.files.raw_mask import RawMask, read_raw_mask

WHITES = (1, 255, 65535)


def read_mask(path: Path, encoding: MaskEncoding) -> Labels:
    """The labels in a mask file.

    Raises:
        UnreadableFileError: if it cannot be read.
        UncertainMaskError: if its values do not fit the encoding.
    """
    return decode(read_raw_mask(path), encoding, path=path)


def decode(raw: RawMask, encoding: MaskEncoding, *, path: Path) -> Labels:
    """(H, W) uint8 class indices, `IGNORE` where the encoding says so.

    For palette files `index` and `binary` look at the indices, `threshold` and `colours` at
    the colours shown. `threshold` averages the channels of a colour mask.

    Raises:
        UncertainMaskError: naming the file, the values found, those expected, and a remedy.
        UnreadableFileError: if the colour table cannot be read.
    """
    if encoding.kind == "colours":
        return _from_colours(raw, encoding, path)
    if encoding.kind == "threshold":
        values = _grey(raw)
        labels = (values >= (encoding.threshold or 0)).astype(np.uint8)
    else:
        values = _single_channel(raw, encoding, path)
        is_table = encoding.kind == "values"
        labels = (_from_table if is_table else _from_numbers)(values, encoding, path)
    if encoding.is_inverted:
        labels = (1 - labels).astype(np.uint8)
    if encoding.label is not None:
        labels *= np.uint8(encoding.label)
    if encoding.ignore is not None:
        ignored = raw.values if raw.values.ndim == 2 else values
        labels[ignored == encoding.ignore] = IGNORE
    return labels


def _from_numbers(values: NDArray[Any], encoding: MaskEncoding, path: Path) -> Labels:
    found = distinct(values)
    kept = found[found != encoding.ignore] if encoding.ignore is not None else found
    if encoding.kind == "binary":
        lit = kept[kept != 0]
        if len(lit) > 1 or (len(lit) == 1 and lit[0] not in WHITES):
            raise _not_binary(path, found)
        return np.asarray(values != 0, np.uint8)
    high = int(kept.max(initial=0))
    if high >= IGNORE:
        remedy = (
            "If 255 marks unknown pixels, say --masks index,ignore:255."
            if high == IGNORE
            else "Export classes as small numbers, or give a table with --masks colours:FILE."
        )
        raise UncertainMaskError(
            f"{path}: the mask holds {say_values(found)}; expected class indices from 0 to 254. "
            f"{remedy}"
        )
    if encoding.ignore is not None and encoding.ignore > 255:
        return np.where(values == encoding.ignore, 0, values).astype(np.uint8)
    return values.astype(np.uint8)


def _from_table(values: NDArray[Any], encoding: MaskEncoding, path: Path) -> Labels:
    table = read_class_table(encoding.table or "")
    labels = table.lookup[values]
    is_strange = labels < 0
    if encoding.ignore is not None:
        is_strange &= values != encoding.ignore
    if is_strange.any():
        strange = distinct(values[is_strange])
        raise UncertainMaskError(
            f"{path}: the mask holds {say_values(strange)}, which the table {encoding.table} does "
            "not list; add them to a table of your own and name it with --masks values:FILE"
        )
    return np.asarray(labels, np.uint8)


def _not_binary(path: Path, found: NDArray[Any]) -> UncertainMaskError:
    high = int(found.max())
    if len(found) == 3 and {0, 1, 255} == set(found.tolist()):
        remedy = "If 255 marks unknown pixels, say --masks index,ignore:255."
    elif high <= 63:
        remedy = "If these are class indices, say --masks index."
    else:
        half = 32768 if high > 255 else 128
        remedy = (
            "Soft edges often come from a bilinear resize. Re-export with nearest, "
            f"or accept the proposed decoding with --masks threshold:{half}."
        )
    return UncertainMaskError(
        f"{path}: the mask holds {say_values(found)}; expected 0 and 1, or 0 and 255. {remedy}"
    )


def _from_colours(raw: RawMask, encoding: MaskEncoding, path: Path) -> Labels:
    table = read_colour_table(encoding.colours_file or Path())
    shown = _packed(_shown_colours(raw))
    known = {_pack(row.colour): row.index for row in table.rows if row.colour is not None}
    keys = np.array(list(known), np.uint32)
    order = np.argsort(keys)
    place = np.minimum(np.searchsorted(keys, shown, sorter=order), len(keys) - 1)
    row = order[place]
    is_known = keys[row] == shown
    if not is_known.all():
        unknown, counts = np.unique(shown[~is_known], return_counts=True)
        most = int(unknown[counts.argmax()])
        colour = f"({most >> 16}, {most >> 8 & 255}, {most & 255})"
        raise UncertainMaskError(
            f"{path}: {int(counts.sum())} pixels have {len(unknown)} colours that "
            f"{encoding.colours_file} does not list, most often {colour}; add them to the "
            "table, or re-export without smoothing and not as JPEG"
        )
    indices = np.array(list(known.values()), np.uint8)
    return np.asarray(indices[row], np.uint8)


def _shown_colours(raw: RawMask) -> NDArray[Any]:
    """(H, W, 3) colours as a viewer shows them; greys have three equal channels."""
    if raw.palette is not None:
        return np.asarray(raw.palette[np.minimum(raw.values, 255)])
    if raw.values.ndim == 2:
        return np.repeat(raw.values[..., np.newaxis], 3, axis=2)
    return raw.values


def _packed(colours: NDArray[Any]) -> NDArray[np.uint32]:
    # 16-bit greys keep their low bits apart from all 8-bit colours: no table lists them.
    wide = colours.astype(np.uint32)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2], np.uint32)


def _pack(colour: tuple[int, int, int]) -> int:
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _grey(raw: RawMask) -> NDArray[Any]:
    if raw.palette is None and raw.values.ndim == 2:
        return raw.values
    total = _shown_colours(raw).astype(np.uint16).sum(axis=2)
    return np.asarray((total + 1) // 3)


def _single_channel(raw: RawMask, encoding: MaskEncoding, path: Path) -> NDArray[Any]:
    if raw.values.ndim == 2:
        return raw.values
    raise UncertainMaskError(
        f"{path}: the mask holds RGB colours; expected one number a pixel for the encoding "
        f"{encoding}. Say which colour means which class with --masks colours:FILE, or "
        "--masks threshold:128 for nearly grey ones."
    )


def distinct(values: NDArray[Any]) -> NDArray[Any]:
    """The values that occur, in ascending order; by counting, which is faster than sorting."""
    if values.dtype == np.uint8:
        return np.flatnonzero(np.bincount(values.ravel(), minlength=256))
    return np.unique(values)


def say_values(found: NDArray[Any]) -> str:
    """The values that occur, in words: all of a few, else how many and their ends.

    Examples:
        >>> say_values(np.array([0, 17, 255]))
        '0, 17 and 255'
    """
    words = [str(int(value)) for value in found]
    if len(words) > 8:
        return f"{len(words)} different values from {words[0]} to {words[-1]}"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
