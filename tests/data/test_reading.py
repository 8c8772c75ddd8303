from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.errors import LayoutError, SizeMismatchError, UncertainMaskError
from delineate.core.types import IGNORE
from delineate.data.reading import read_case, read_labels, read_region
from delineate.data.sample import Dataset, Sample
from delineate.files.mask_encoding import MaskEncoding


def save(path: Path, values) -> Path:
    """Write a grey PNG of these values."""
    Image.fromarray(np.asarray(values, np.uint8)).save(path)
    return path


@pytest.fixture
def dataset(tmp_path):
    """One 4x6 image whose mask has its upper half as class 1, with a region."""
    upper = np.zeros((4, 6))
    upper[:2] = 1
    sample = Sample(
        "a",
        save(tmp_path / "a.png", np.arange(24).reshape(4, 6)),
        masks={"reference": (save(tmp_path / "a_mask.png", upper),)},
        region=save(tmp_path / "a_region.png", np.eye(4, 6) * 255),
    )
    encodings = {"reference": MaskEncoding.parse("index,ignore:255")}
    return Dataset(tmp_path, "folders", "", (sample,), encodings)


def with_masks(dataset, *masks):
    """The dataset with these masks for its one sample."""
    files = tuple(save(dataset.root / f"m{number}.png", mask) for number, mask in enumerate(masks))
    sample = replace(dataset.samples[0], masks={"reference": files})
    return replace(dataset, samples=(sample,)), sample


def test_case_holds_image_labels_and_region(dataset):
    """A case has the pixels of the image, of each observer and of the region."""
    case = read_case(dataset, dataset.samples[0])
    assert case.image.shape == (4, 6, 1)
    assert case.image[1, 2, 0] == 8
    np.testing.assert_array_equal(case.labels["reference"][:, 0], [1, 1, 0, 0])
    np.testing.assert_array_equal(case.region, np.eye(4, 6) > 0)


def test_only_asked_observers_are_read(dataset):
    """No observer asked for: no labels, and no encoding is needed."""
    case = read_case(replace(dataset, encodings={}), dataset.samples[0], [])
    assert case.labels == {}


def test_several_files_are_united(dataset):
    """Two files of one observer add up; a class wins over background and over ignore."""
    left, right = np.zeros((4, 6)), np.zeros((4, 6))
    left[:, 0], left[:, 1] = 1, IGNORE
    right[:, 1], right[:, 2], right[:, 3] = 1, 2, IGNORE
    dataset, sample = with_masks(dataset, left, right)
    labels = read_labels(dataset, sample, "reference")
    np.testing.assert_array_equal(labels[0], [1, 1, 2, IGNORE, 0, 0])


def test_order_of_files_does_not_matter(dataset):
    """United masks are the same in either order."""
    rng = np.random.default_rng(0)
    first, second = (rng.choice([0, 1, IGNORE], (4, 6)) for _ in range(2))
    one = read_labels(*with_masks(dataset, first, second), "reference")
    other = read_labels(*with_masks(dataset, second, first), "reference")
    np.testing.assert_array_equal(one, other)


def test_two_classes_for_a_pixel_are_refused(dataset):
    """Files that give a pixel different classes contradict each other."""
    dataset, sample = with_masks(dataset, np.ones((4, 6)), np.full((4, 6), 2))
    with pytest.raises(LayoutError, match="gives 24 pixels another class"):
        read_labels(dataset, sample, "reference")


def test_other_size_names_both_files_and_sizes(dataset):
    """A mask of another size than its image is refused, naming both files and both sizes."""
    dataset, sample = with_masks(dataset, np.zeros((6, 4)))
    with pytest.raises(SizeMismatchError, match=r"m0\.png: .*a\.png, 4x6 px .* found 6x4"):
        read_labels(dataset, sample, "reference")
    with pytest.raises(SizeMismatchError, match=r"m0\.png"):
        read_case(dataset, sample)


def test_region_of_other_size_is_refused(dataset):
    """A region of another size than its image is refused."""
    save(dataset.samples[0].region, np.zeros((3, 3)))
    with pytest.raises(SizeMismatchError, match=r"a_region\.png: .* found 3x3"):
        read_region(dataset.samples[0])


def test_region_of_many_greys_is_refused(dataset):
    """A region must be plainly two-valued."""
    save(dataset.samples[0].region, np.arange(24).reshape(4, 6) * 10)
    with pytest.raises(UncertainMaskError, match=r"a_region\.png: expected a region"):
        read_region(dataset.samples[0])


def test_no_region(dataset):
    """A sample that states no region has none."""
    assert read_region(replace(dataset.samples[0], region=None)) is None


def test_unsettled_encoding_is_refused(dataset):
    """Labels cannot be read before it is settled how they are encoded."""
    with pytest.raises(UncertainMaskError, match="is not settled"):
        read_labels(replace(dataset, encodings={}), dataset.samples[0], "reference")


def test_absent_observer_is_refused(dataset):
    """An observer who drew nothing here has no labels here."""
    with pytest.raises(LayoutError, match="expected a mask of observer 2"):
        read_labels(dataset, dataset.samples[0], "2")


def test_a_file_is_read_by_its_own_encoding(dataset):
    """One mask of several may be encoded in another way; the others keep the observer's."""
    one, other = np.zeros((4, 6)), np.zeros((4, 6))
    one[0], other[3] = 1, 200
    several, sample = with_masks(dataset, one, other)
    own = {sample.masks["reference"][1]: MaskEncoding.parse("threshold:128")}
    labels = read_labels(replace(several, file_encodings=own), sample, "reference")
    np.testing.assert_array_equal(labels[:, 0], [1, 0, 0, 1])
    with_none = replace(several, encodings={}, file_encodings=own)
    with pytest.raises(UncertainMaskError, match=r"m0\.png: how observer"):
        read_labels(with_none, sample, "reference")
