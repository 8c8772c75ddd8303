"""From the stored numbers of a grey DICOM picture to what a viewer shows.

Source: DICOM PS3.3, C.11.1 (modality LUT), C.11.2 (VOI LUT and windows), C.7.6.3.1.2
(MONOCHROME1: the lowest value is white).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delineate.core.errors import UnreadableFileError
from delineate.files.dicom_elements import damage_as, group_items, number, text, whole
from delineate.files.pixels import damaged

_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True)
class Table:
    """A look-up table: what lies below or above takes its first or last entry."""

    first: int
    entries: NDArray[np.uint16]
    top: int

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The entry for each value."""
        index = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1)
        found: NDArray[np.float64] = self.entries[index.astype(np.int64)].astype(np.float64)
        return found


@dataclass(frozen=True)
class Window:
    """The values of interest, spread over black to white."""

    center: float
    width: float
    function: str = "LINEAR"

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """0 for black to 1 for white.

        Examples:
            >>> Window(2, 5)(np.array([-0.5, 1.5, 9.0])).tolist()
            [0.0, 0.5, 1.0]
        """
        if self.function == "SIGMOID":
            # Beyond +-40 the curve is flat in float64; the bound keeps exp from overflowing.
            steps = np.clip(-4 * (values - self.center) / self.width, -80, 80)
            curve: NDArray[np.float64] = 1 / (1 + np.exp(steps))
            return curve
        if self.function == "LINEAR_EXACT":
            return np.clip((values - self.center) / self.width + 0.5, 0, 1)
        middle = self.center - 0.5
        if self.width == 1:
            return np.where(values > middle, 1.0, 0.0)
        return np.clip((values - middle) / (self.width - 1) + 0.5, 0, 1)


@dataclass(frozen=True)
class Grey:
    """How the stored numbers of a grey picture are meant."""

    bits: int
    is_signed: bool
    is_inverted: bool
    slope: float = 1.0
    intercept: float = 0.0
    modality: Table | None = None
    shown: Table | Window | None = None

    @property
    def top(self) -> int | None:
        """The value of white, where the stored numbers come out as they are; else None."""
        return (1 << self.bits) - 1 if self._is_plain and self.bits <= 16 else None

    def __call__(self, stored: NDArray[Any]) -> NDArray[Any]:
        """What is shown: display values with a window or table, else the values they stand for.

        Display values fill 0..255 for stored numbers of at most 8 bits, else 0..65535. Else
        unsigned numbers without rescale stay whole, and all others become float32.
        """
        if stored.dtype.kind == "f" or stored.dtype.itemsize > 2:
            return self._mapped(stored.astype(np.float64))
        # Of so few possible numbers each is mapped once.
        patterns = np.dtype(f"u{stored.dtype.itemsize}")
        every = np.arange(1 << 8 * patterns.itemsize).astype(patterns).view(stored.dtype)
        table = self._mapped(every.astype(np.float64))
        return np.asarray(table[np.ascontiguousarray(stored).view(patterns)])

    @property
    def _is_plain(self) -> bool:
        is_rescaled = self.modality is not None or (self.slope, self.intercept) != (1, 0)
        return self.shown is None and not self.is_signed and not is_rescaled

    def _mapped(self, stored: NDArray[np.float64]) -> NDArray[Any]:
        if self.top is not None:
            plain = self.top - stored if self.is_inverted else stored
            kind = np.uint8 if self.bits <= 8 else np.uint16
            return np.clip(plain, 0, np.iinfo(kind).max).astype(kind)
        values = self.meant(stored)
        if self.shown is None:
            if self.is_inverted:
                values = self.meant_range.sum() - values
            return values.astype(np.float32)
        share = self.shown(values)
        if isinstance(self.shown, Table):
            share = share / self.shown.top
        share = 1 - share if self.is_inverted else share
        kind = np.uint8 if self.bits <= 8 else np.uint16
        return np.rint(share * np.iinfo(kind).max).astype(kind)

    def meant(self, stored: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values that stored numbers stand for, by the modality table or the rescale."""
        if self.modality is not None:
            return self.modality(stored)
        return stored * self.slope + self.intercept

    @property
    def meant_range(self) -> NDArray[np.float64]:
        """What the lowest and the highest number that can be stored stand for."""
        half = 1 << (self.bits - 1)
        ends = (-half, half - 1) if self.is_signed else (0, 2 * half - 1)
        return self.meant(np.array(ends, np.float64))


def grey_of(path: Path, data: Any, frame: int, *, is_inverted: bool) -> Grey:
    """How the grey values of one frame (from 0) are meant: the first table or window named.

    A window narrower than the standard allows counts as none.

    Raises:
        UnreadableFileError: numbers that are none, or a table that is not whole.
    """
    bits, is_signed = whole(path, data, "BitsStored"), whole(path, data, "PixelRepresentation", 0)
    slope, intercept, modality = _modality(path, data, frame, is_signed=bool(is_signed))
    is_below_zero = bool(is_signed) if modality is None else False
    if modality is None and intercept < 0:
        is_below_zero = True
    return Grey(
        bits=bits,
        is_signed=bool(is_signed),
        is_inverted=is_inverted,
        slope=slope,
        intercept=intercept,
        modality=modality,
        shown=_shown(path, data, frame, is_below_zero=is_below_zero),
    )


def _modality(
    path: Path, data: Any, frame: int, *, is_signed: bool
) -> tuple[float, float, Table | None]:
    if data.get("ModalityLUTSequence"):
        table = _table(path, data, data.ModalityLUTSequence[0], "modality", is_signed=is_signed)
        return 1.0, 0.0, table
    for item in group_items(path, data, frame, "PixelValueTransformationSequence"):
        slope, intercept = (
            number(path, item, "RescaleSlope"),
            number(path, item, "RescaleIntercept"),
        )
        if slope is not None or intercept is not None:
            # A slope of nothing would make every picture flat; it stands for "not filled in".
            return slope or 1.0, intercept or 0.0, None
    return number(path, data, "DoseGridScaling") or 1.0, 0.0, None


def _shown(path: Path, data: Any, frame: int, *, is_below_zero: bool) -> Table | Window | None:
    for item in group_items(path, data, frame, "FrameVOILUTSequence"):
        if item.get("VOILUTSequence"):
            return _table(path, data, item.VOILUTSequence[0], "VOI", is_signed=is_below_zero)
        center, width = number(path, item, "WindowCenter"), number(path, item, "WindowWidth")
        if center is None or width is None:
            continue
        function = text(path, item, "VOILUTFunction") or "LINEAR"
        if function not in _FUNCTIONS:
            raise UnreadableFileError(
                f"{path}: expected a window function {', '.join(_FUNCTIONS)}, found another; "
                "export it with a linear window"
            )
        if width >= 1 or (width > 0 and function != "LINEAR"):
            return Window(center, width, function)
    return None


def _table(path: Path, data: Any, item: Any, name: str, *, is_signed: bool) -> Table:
    with damage_as(path, f"its {name} table is not whole"):
        count, first, bits = (int(value) for value in item.LUTDescriptor)
        count = count or 1 << 16
        raw = item.LUTData
        if isinstance(raw, bytes):
            order = "<" if data.original_encoding[1] else ">"
            # A single entry of 16 bits takes two bytes, as a padded one of 8 bits does.
            is_narrow = bits <= 8 and len(raw) in (count, count + 1)
            entries = np.frombuffer(raw, np.uint8 if is_narrow else f"{order}u2")
        else:
            entries = np.atleast_1d(np.asarray(raw, np.int64)) & 0xFFFF
    if is_signed and first > 0x7FFF:
        first -= 1 << 16
    if len(entries) < count or not 1 <= bits <= 16:
        raise damaged(path, "DICOM", f"its {name} table is not whole")
    top = (1 << bits) - 1
    return Table(first, np.minimum(entries[:count], top).astype(np.uint16), top)
