"""Images that anybody may try the model on: a folder's, or those of the run that it never saw."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from delineate.core.errors import DelineateError
from delineate.data.opening import open_dataset
from delineate.data.sample import TEST, VALIDATION, Dataset
from delineate.data.splitting import apply_split, read_split
from delineate.files.mask_files import png
from delineate.report.display import shrunk, to_rgb
from delineate.web.problems import RefusedError
from delineate.workflows.asked_images import listed_images
from delineate.workflows.run_folder import SPLIT, RunFacts

if TYPE_CHECKING:
    from delineate.web.uploads.decoding import Decoded, Decoder

MOST = 8
_THUMBNAIL_PX = 256


@dataclass(frozen=True)
class Example:
    """One image, its name for people, and a key that addresses take."""

    name: str
    path: Path

    @property
    def key(self) -> str:
        """The first 16 hexadecimal digits of the name's SHA-256."""
        return hashlib.sha256(self.name.encode(errors="surrogateescape")).hexdigest()[:16]

    @property
    def shown_name(self) -> str:
        """The name as text, whatever bytes a file system allows in it."""
        return self.name.encode(errors="replace").decode()


class Examples:
    """A few images by key, with small pictures that are made once."""

    def __init__(self, examples: Sequence[Example], decoder: Decoder) -> None:
        self._decoder = decoder
        self._examples: Mapping[str, Example] = {each.key: each for each in examples}
        self._small: dict[str, bytes] = {}

    def __iter__(self) -> Iterator[Example]:
        """Each of them, in order."""
        return iter(self._examples.values())

    async def decoded(self, key: str) -> Decoded:
        """The image of an example.

        Raises:
            RefusedError: 404, no such example.
            DelineateError: its file is gone or cannot be read.
        """
        example = self._examples.get(key)
        if example is None:
            raise RefusedError(
                404,
                "not_found",
                "example: no such one here; /api/v1/examples lists those there are",
            )
        return await self._decoder.decode(example.path, name=example.shown_name)

    async def thumbnail(self, key: str) -> bytes:
        """A PNG of it, 256 px at its longest side.

        Raises:
            DelineateError: as `decoded`.
        """
        if key not in self._small:
            image = (await self.decoded(key)).image
            self._small[key] = await asyncio.to_thread(
                lambda: png(shrunk(to_rgb(image), _THUMBNAIL_PX))
            )
        return self._small[key]


def examples_of_folder(folder: Path) -> list[Example]:
    """The first images of a folder, in natural order.

    Raises:
        LayoutError: no such folder, or no images in it.
    """
    return [Example(file.name, file) for file in listed_images([folder])[:MOST]]


def examples_of(dataset: Dataset) -> list[Example]:
    """Some images of a model's own data, in its split, that it was not trained on.

    Test images come first: they are only looked at, and no figure is taken from them.
    """
    for split in (TEST, VALIDATION):
        samples = dataset.only(split).samples
        if samples:
            step = max(1, len(samples) // MOST)
            return [Example(each.id, each.image) for each in samples[::step][:MOST]]
    return []


def examples_of_run(run: Path, facts: RunFacts) -> list[Example]:
    """The same of a run, where its data still is; none where it has gone."""
    try:
        opened = open_dataset(facts.data, layout=facts.layout, overlapping=facts.overlapping)
        return examples_of(apply_split(opened, read_split(run / SPLIT)))
    except DelineateError:
        return []
