"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from hypothesis import settings
from numpy.typing import NDArray

from delineate.auditing.pictures.gallery import Gallery, look_at
from delineate.data.sample import Sample

# Nothing is timed in a test: on a busy machine an example may take any time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

Pictures = Sequence[NDArray[Any]]
Layers = dict[str, dict[str, NDArray[Any]]]


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


@pytest.fixture(scope="session")
def chexnet_layers() -> Layers:
    """DenseNet-121 with 14 outputs as Keras 2 names its layers and arrays, of random numbers."""
    rng = np.random.default_rng(121)

    def kernel(*shape: int) -> NDArray[Any]:
        return rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape).astype(np.float32)

    def normalisation(channels: int) -> dict[str, NDArray[Any]]:
        ranges = {"gamma": (0.5, 1.5), "beta": (-0.3, 0.3), "moving_mean": (-0.3, 0.3),
                  "moving_variance": (0.5, 2.0)}  # fmt: skip
        return {
            part: rng.uniform(*span, channels).astype(np.float32) for part, span in ranges.items()
        }

    layers: Layers = {"input_1": {}, "conv1/conv": {"kernel": kernel(7, 7, 3, 64)}}
    layers["conv1/bn"] = normalisation(64)
    channels = 64
    for stage, depth in ((2, 6), (3, 12), (4, 24), (5, 16)):
        for number in range(1, depth + 1):
            name = f"conv{stage}_block{number}"
            layers[f"{name}_0_bn"] = normalisation(channels)
            layers[f"{name}_1_conv"] = {"kernel": kernel(1, 1, channels, 128)}
            layers[f"{name}_1_bn"] = normalisation(128)
            layers[f"{name}_2_conv"] = {"kernel": kernel(3, 3, 128, 32)}
            channels += 32
        if stage < 5:
            layers[f"pool{stage}_bn"] = normalisation(channels)
            layers[f"pool{stage}_conv"] = {"kernel": kernel(1, 1, channels, channels // 2)}
            channels //= 2
    layers["bn"] = normalisation(channels)
    layers["predictions"] = {"kernel": kernel(channels, 14), "bias": np.zeros(14, np.float32)}
    return layers


@pytest.fixture(scope="session")
def write_keras2() -> Callable[..., Path]:
    """Writes layers as Keras 2 does: bytes for names, `conv1/bn` nested in `conv1`.

    With a `config` it is a whole model, whose weights stand in a group of their own.
    """

    def write(path: Path, layers: Layers, *, config: str | None = None) -> Path:
        with h5py.File(path, "w") as file:
            group = file
            if config is not None:
                file.attrs["model_config"] = config.encode()
                group = file.create_group("model_weights")
                momenta = {"Adam/m/conv1/conv/kernel:0": np.zeros((7, 7, 3, 64), np.float32)}
                _write_group(file.create_group("optimizer_weights"), momenta)
            group.attrs["layer_names"] = [name.encode() for name in layers]
            group.attrs["backend"], group.attrs["keras_version"] = b"tensorflow", b"2.1.6"
            for name, arrays in layers.items():
                stored = {f"{name}/{part}:0": array for part, array in arrays.items()}
                _write_group(group.create_group(name), stored)
        return path

    return write


def _write_group(group: h5py.Group, arrays: Mapping[str, NDArray[Any]]) -> None:
    group.attrs["weight_names"] = [name.encode() for name in arrays]
    for name, array in arrays.items():
        group.create_dataset(name, data=array)
