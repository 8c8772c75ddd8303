"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import tifffile
from numpy.typing import NDArray

from delineate.auditing.pictures.gallery import Gallery, look_at
from delineate.data.sample import Sample

Pictures = Sequence[NDArray[Any]]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Signatures of images are kept in a folder of the tests, never in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real samples; the test is skipped where it is missing."""
    here = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("DELINEATE_TEST_DATA", here.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set DELINEATE_TEST_DATA to have this test")
    return folder


@pytest.fixture(scope="session")
def samples_of(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Pictures], tuple[Sample, ...]]:
    """Writes grey or RGB arrays as TIFF files, one sample each, named by their numbers."""

    def write(pictures: Pictures) -> tuple[Sample, ...]:
        folder = tmp_path_factory.mktemp("pictures")
        samples = []
        for number, picture in enumerate(pictures):
            path = folder / f"{number}.tif"
            colours = "rgb" if picture.ndim == 3 else "minisblack"
            tifffile.imwrite(path, picture, photometric=colours)
            samples.append(Sample(str(number), path))
        return tuple(samples)

    return write


@pytest.fixture(scope="session")
def gallery_of(
    samples_of: Callable[[Pictures], tuple[Sample, ...]],
) -> Callable[[Pictures], Gallery]:
    """Writes arrays and looks at them, without a lasting cache."""

    def look(pictures: Pictures) -> Gallery:
        return look_at(samples_of(pictures), cache=None, threads=1)

    return look
