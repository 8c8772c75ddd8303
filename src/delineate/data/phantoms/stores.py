"""How a set of phantoms lies in its folder, file by file."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from delineate.core.geometry import Size
from delineate.core.types import Mask
from delineate.data.phantoms import fundus, ultrasound
from delineate.data.phantoms.folder import put
from delineate.data.phantoms.picture import Picture, Pixels, Slot
from delineate.data.phantoms.sweep import Sweep

DRIVE_PALETTE = (4, 2, 4, 252, 254, 252)
"""The colours that DRIVE's second observer's files give to their indices 0 and 1."""


class NerveStore:
    """`train/S_N.tif` with `train/S_N_mask.tif`, and the same in test or plain `test/N.tif`."""

    twin_leak = ("train", "test")

    def __init__(self, root: Path, seed: int, size_px: Size, is_test_labelled: bool) -> None:
        self.root, self.seed, self.size_px = root, seed, size_px
        self.is_test_labelled = is_test_labelled
        self._slots: dict[Slot, None] = {}
        self._plain: dict[Slot, int] = {}
        self._anatomy: ultrasound.Anatomy | None = None

    @property
    def slots(self) -> list[Slot]:
        """Every sample so far, in the order of writing."""
        return list(self._slots)

    def reserve(self, slots: Iterable[Slot]) -> None:
        """Note samples that other processes write; their order decides plain names."""
        for slot in slots:
            self._slots[slot] = None
            self.name(slot)

    def add(self, slot: Slot, images_per_subject: int) -> None:
        """Draw and write a subject's frame as its plan has it, with or without the nerve."""
        plan = ultrasound.nerve_plan(self.seed, slot.subject, images_per_subject)
        self.write(slot, self._draw(slot, has_nerve=plan[slot.number - 1]))

    def fresh(self, slot: Slot) -> Picture:
        """A further frame of the slot's subject, with the nerve in every other one."""
        return self._draw(slot, has_nerve=slot.number % 2 == 0)

    def swept(self, slot: Slot, sweep: Sweep) -> Picture:
        """A frame soon after the fresh one of that slot, with the nerve if that has it."""
        return self._draw(slot, has_nerve=slot.number % 2 == 0, sweep=sweep)

    def _draw(self, slot: Slot, *, has_nerve: bool, sweep: Sweep | None = None) -> Picture:
        if self._anatomy is None or self._anatomy.subject != slot.subject:
            self._anatomy = ultrasound.anatomy(self.seed, slot.subject, self.size_px)
        frame = ultrasound.frame(self._anatomy, slot.number, has_nerve=has_nerve, sweep=sweep)
        return Picture(frame.image, _values(frame.mask))

    def write(self, slot: Slot, picture: Picture) -> None:
        """Write the image and, where the split is labelled, the mask."""
        self._slots[slot] = None
        files = self.files(slot)
        _write_tiff(self.root / files[0], picture.image)
        if len(files) > 1 and picture.mask is not None:
            _write_tiff(self.root / files[1], picture.mask)

    def read(self, slot: Slot) -> Picture:
        """The frame as it was written."""
        files = self.files(slot)
        mask = tifffile.imread(self.root / files[1]) if len(files) > 1 else None
        return Picture(tifffile.imread(self.root / files[0]), mask)

    def next_slot(self, split: str, subject: int | None = None) -> Slot:
        """The subject's next number; without a subject, that of the first in no other split."""
        slots = self.slots
        elsewhere = {slot.subject for slot in slots if slot.split != split}
        chosen = subject or min({slot.subject for slot in slots} - elsewhere)
        return Slot(split, chosen, 1 + max(s.number for s in slots if s.subject == chosen))

    def name(self, slot: Slot) -> str:
        """`S_N`, or N where the test frames hide their subjects."""
        if slot.split == "test" and not self.is_test_labelled:
            return str(self._plain.setdefault(slot, len(self._plain) + 1))
        return f"{slot.subject}_{slot.number}"

    def files(self, slot: Slot) -> tuple[str, ...]:
        """The image, and the mask where the split is labelled."""
        stem = f"{slot.split}/{self.name(slot)}"
        if slot.split == "test" and not self.is_test_labelled:
            return (f"{stem}.tif",)
        return (f"{stem}.tif", f"{stem}_mask.tif")


class DriveStore:
    """DRIVE's folders: `training` and `test`, each with images, masks and observers."""

    twin_leak = ("test", "train")

    def __init__(self, root: Path, seed: int, size_px: Size) -> None:
        self.root, self.seed, self.size_px = root, seed, size_px
        self._slots: dict[Slot, None] = {}

    @property
    def slots(self) -> list[Slot]:
        """Every sample so far, in the order of writing."""
        return list(self._slots)

    def add(self, slot: Slot) -> None:
        """Draw and write a subject's first photograph."""
        self.write(slot, self.fresh(slot))

    def fresh(self, slot: Slot) -> Picture:
        """The subject's photograph of the slot's number."""
        return self._draw(slot)

    def swept(self, slot: Slot, sweep: Sweep) -> Picture:
        """The same eye taken once more, a little moved."""
        return self._draw(slot, sweep)

    def _draw(self, slot: Slot, sweep: Sweep | None = None) -> Picture:
        seen = fundus.photograph(self.seed, slot.subject, slot.number, self.size_px, sweep=sweep)
        return Picture(
            seen.image, _values(seen.vessels), _values(seen.region), _values(seen.second)
        )

    def write(self, slot: Slot, picture: Picture) -> None:
        """Write the photograph and every mask that its split has."""
        self._slots[slot] = None
        image, mask, region, *second = (self.root / file for file in self.files(slot))
        _write_tiff(image, picture.image)
        for path, pixels in ((mask, picture.mask), (region, picture.region)):
            if pixels is not None:
                _write_grey_gif(path, pixels)
        if second and picture.second is not None:
            _write_palette_gif(second[0], picture.second)

    def read(self, slot: Slot) -> Picture:
        """The photograph as it was written, the second observer's indices as 0 and 255."""
        image, mask, region, *second = (self.root / file for file in self.files(slot))
        other = _read_gif(second[0]) * np.uint8(255) if second else None
        return Picture(tifffile.imread(image), _read_gif(mask), _read_gif(region), other)

    def next_slot(self, split: str, subject: int | None = None) -> Slot:
        """A place under a new number; a subject from the other split keeps its own."""
        taken = {slot.subject for slot in self.slots if slot.split == split}
        if subject is not None and subject not in taken:
            # A photograph unlike the one in the other split: the subject's other eye.
            return Slot(split, subject, 2)
        everyone = {slot.subject for slot in self.slots}
        return Slot(split, 1 + max(everyone), 1)

    def name(self, slot: Slot) -> str:
        """`NN_training` or `NN_test`."""
        return f"{slot.subject:02d}_{_drive_split(slot)}"

    def files(self, slot: Slot) -> tuple[str, ...]:
        """Image, first observer, field of view, and in test the second observer."""
        folder, stem = _drive_split(slot), f"{slot.subject:02d}"
        files = (
            f"{folder}/images/{stem}_{folder}.tif",
            f"{folder}/1st_manual/{stem}_manual1.gif",
            f"{folder}/mask/{stem}_{folder}_mask.gif",
        )
        second = (f"{folder}/2nd_manual/{stem}_manual2.gif",)
        return files + second if slot.split == "test" else files


def _drive_split(slot: Slot) -> str:
    return "training" if slot.split == "train" else "test"


def _values(mask: Mask) -> Pixels:
    return mask.astype(np.uint8) * np.uint8(255)


def _write_tiff(path: Path, pixels: Pixels) -> None:
    """One strip of LZW without date or program, so that the same pixels give the same bytes."""
    colours = "rgb" if pixels.ndim == 3 else "minisblack"
    file = BytesIO()
    tifffile.imwrite(
        file, pixels, photometric=colours, compression="lzw", metadata=None, software=False,
        rowsperstrip=pixels.shape[0],
    )  # fmt: skip
    put(path, file.getvalue())


def _write_grey_gif(path: Path, pixels: Pixels) -> None:
    file = BytesIO()
    # Unasked, Pillow packs the palette, and 0 and 255 would come back as indices 0 and 1.
    Image.fromarray(pixels).save(file, format="GIF", optimize=False)
    put(path, file.getvalue())


def _write_palette_gif(path: Path, pixels: Pixels) -> None:
    indexed = Image.fromarray((pixels > 0).astype(np.uint8)).convert("P")
    indexed.putpalette(DRIVE_PALETTE)
    file = BytesIO()
    indexed.save(file, format="GIF", optimize=False)
    put(path, file.getvalue())


def _read_gif(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.array(image, dtype=np.uint8)
