"""Patches bent and in labelled images, on the processor and as an accelerator takes them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from delineate.augment.settings import AugmentSettings
from delineate.core.seeds import stream
from delineate.core.types import IGNORE
from delineate.inference.preparation import Preparation
from delineate.training.patches import (
    PatchSource,
    WorkingCase,
    middle_centre,
    patch_centre,
    working_case,
)
from delineate.training.settings import PatchSettings

PREPARATION = Preparation(channels=1, full_range=(0, 255), mean=(0.4,), deviation=(0.2,))
STILL = AugmentSettings(
    flips=False, rotation_degrees=0, shear_degrees=0, shift_px=0, zoom=1, stretch=1,
    gamma=1, brightness=0, contrast=1, noise=0,
)  # fmt: skip
GRAINLESS = AugmentSettings(turns=True, rotation_degrees=45, zoom=1.3, noise=0)


def picture(index: int) -> WorkingCase:
    """A smooth grey image with a bright disc of foreground, 60x52, all but equal to its number."""
    row, column = np.ogrid[:60, :52]
    places = stream(index, "picture").uniform(20, 36, 2)
    labels = (np.hypot(row - places[0], column - places[1]) < 11).astype(np.uint8)
    image = 40 + 10 * index + 80 * labels + row // 4 + column // 3
    return working_case(image.astype(np.uint8)[..., None], labels)


def source(augment=GRAINLESS, *, read=picture, size_px=(24, 32), **more) -> PatchSource:
    """Five pictures in batches of four."""
    share = 0.0 if "image_labels" in more else 0.5
    patches = PatchSettings(size_px=size_px, foreground_share=share)
    return PatchSource(
        read, 5, PREPARATION, patches=patches, augment=augment, batch=4, seed=3, **more
    )


def as_pixels(inputs: torch.Tensor) -> np.ndarray:
    """(N, H, W) grey levels of normalised inputs."""
    return (inputs[:, 0].numpy() * 0.2 + 0.4) * 255


@pytest.mark.parametrize("elastic_px", [0.0, 3.0])
@pytest.mark.parametrize("image_labels", [None, [0, 1, 1, 0, 1]])
def test_windows_give_what_the_batch_gives(elastic_px, image_labels):
    """Patches resampled in a batch are those of the processor, bent or not, with their labels.

    Within two grey levels and a hundredth of the pixels' labels: OpenCV rounds grey levels, and
    places to 1/32 px.
    """
    augment = GRAINLESS.model_copy(update={"elastic_px": elastic_px})
    feed = source(augment, image_labels=image_labels)
    for step in range(5):
        inputs, labels = feed.batch(step)
        others, same = feed.resampled(feed.windows(step), torch.device("cpu"))
        apart = np.abs(as_pixels(inputs) - as_pixels(others))
        assert np.median(apart) < 1
        assert np.quantile(apart, 0.99) < 5  # at the rim of the disc, eighty levels high
        assert labels.dtype == same.dtype
        assert labels.shape == same.shape
        if image_labels is None:
            assert (labels != same).float().mean() < 0.01
        else:
            assert torch.equal(labels, same)


def test_bent_patches_have_the_pose_and_tone_of_unbent_ones():
    """Displacements are drawn last: a study with and without them differs in nothing else."""
    flat, bent = source(), source(GRAINLESS.model_copy(update={"elastic_px": 3.0}))
    for number in range(12):
        one, other = flat._draw(number), bent._draw(number)
        assert (one.matrix == other.matrix).all()
        assert one.tone == other.tone
        assert one.displacements is None
        assert other.displacements.shape == (3, 3, 2)


def test_bent_patches_move_image_and_labels_alike():
    """Where a bent patch says foreground it is bright, but for the rim of the disc."""
    feed = source(STILL.model_copy(update={"elastic_px": 2.0}))
    plain = source(STILL)
    changed = 0
    for step in range(5):
        inputs, labels = feed.batch(step)
        changed += int((labels != plain.batch(step)[1]).sum())
        background = as_pixels(inputs) - 80 * labels.numpy()
        for patch, mask in zip(background, labels.numpy(), strict=True):
            rim = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
            # Without the disc, 80 levels high, a plane of at most 32 levels is left; whether an
            # outermost pixel is beside a rim cannot be seen.
            assert np.ptp(patch[1:-1, 1:-1][~rim[1:-1, 1:-1]]) < 34
    assert changed > 100


def test_bends_depend_on_seed_and_step_alone():
    """The same step again, from a source that has seen others, is the same batch."""
    bent = GRAINLESS.model_copy(update={"elastic_px": 3.0})
    first, again = source(bent), source(bent)
    again.batch(7)
    for step in (2, 0):
        assert all(map(torch.equal, first.batch(step), again.batch(step)))
    assert not torch.equal(first.batch(0)[0], source(GRAINLESS).batch(0)[0])


def test_labels_of_images_go_with_their_images():
    """Each input is of the image whose label it brings, each image comes once in a round."""
    labels = [0, 1, 1, 0, 1]
    levels = np.array([30, 70, 110, 150, 190], np.uint8)

    def plain(index):
        return working_case(np.full((32, 32, 1), levels[index]), np.zeros((32, 32), np.uint8))

    feed = source(STILL, read=plain, size_px=(32, 32), image_labels=labels)
    seen = []
    for step in range(5):
        inputs, said = feed.batch(step)
        assert inputs.shape == (4, 1, 32, 32)
        assert said.shape == (4,)
        assert said.dtype == torch.int64
        for pixels, label in zip(as_pixels(inputs), said.tolist(), strict=True):
            index = int(np.abs(levels - pixels.mean()).argmin())
            assert label == labels[index]
            seen.append(index)
    for start in range(0, 20, 5):
        assert sorted(seen[start : start + 5]) == [0, 1, 2, 3, 4]


def test_a_labelled_image_is_shown_whole():
    """At the working size and unbent a classifier sees the image, pixel for pixel."""
    feed = source(STILL, size_px=(60, 52), image_labels=[0] * 5)
    inputs, _ = feed.batch(0)
    drawn = [feed._draw(number).case for number in range(4)]
    for pixels, case in zip(as_pixels(inputs), drawn, strict=True):
        assert np.rint(pixels).astype(np.uint8) == pytest.approx(case.image[..., 0])


@pytest.mark.parametrize("size_px", [(24, 32), (25, 33), (60, 52), (70, 61), (60, 20)])
def test_the_middle_of_an_image_is_in_the_middle_of_its_patch(size_px):
    """A smaller patch is cut from the middle, a larger one has mirrored borders on all sides."""
    case = picture(1)
    feed = source(STILL, read=lambda _: case, size_px=size_px, image_labels=[0] * 5)
    middle = middle_centre(case, size_px)
    assert middle == pytest.approx((29.5, 25.5), abs=0.5)
    first = [int(place - (side - 1) / 2) for place, side in zip(middle, size_px, strict=True)]
    mirrored = np.pad(case.image[..., 0], 20, mode="reflect")
    here = tuple(slice(20 + at, 20 + at + n) for at, n in zip(first, size_px, strict=True))
    expected = mirrored[here]
    for pixels in as_pixels(feed.batch(0)[0]):
        assert np.rint(pixels).astype(np.uint8) == pytest.approx(expected)


def test_labelled_images_are_shifted_and_turned():
    """Augmentation moves a classifier's images about the middle, and their labels stay."""
    augment = STILL.model_copy(update={"shift_px": 6.0})
    feed = source(augment, size_px=(60, 52), image_labels=[0, 1, 0, 1, 1])
    shifts = np.array([feed._draw(number).matrix[:, 2] for number in range(200)])
    assert np.abs(shifts).max() <= 6
    assert np.abs(shifts).max(axis=0) == pytest.approx([6, 6], abs=0.3)


def test_pixels_of_labelled_images_are_never_labelled():
    """The labels of pixels may be anything, of any size, where images have labels."""

    def bare(index):
        return WorkingCase(
            picture(index).image,
            np.zeros((0, 0), np.uint8),
            counted=np.zeros(0, np.int32),
            foreground=(),
        )

    labels = [0, 1, 1, 0, 1]
    bent = GRAINLESS.model_copy(update={"elastic_px": 3.0})
    full, none = (source(bent, read=read, image_labels=labels) for read in (picture, bare))
    for step in range(3):
        assert all(map(torch.equal, full.batch(step), none.batch(step)))
        resampled = none.resampled(none.windows(step), torch.device("cpu"))
        assert torch.equal(resampled[1], full.batch(step)[1])


def test_what_an_unpadded_network_decides_reaches_every_pixel():
    """Patches larger than the image lie so that their middles, not they, cover it evenly."""
    feed = source(STILL, size_px=(64, 60), lost_px=16)
    decided = np.zeros((60, 52), bool)
    for number in range(400):
        matrix = feed._draw(number).matrix
        column, row = (matrix @ [16, 16, 1]).astype(int)
        assert 0 <= row <= 60 - 32
        assert 0 <= column <= 52 - 28
        decided[row : row + 32, column : column + 28] = True
    assert decided.all()
    inputs, labels = feed.batch(0)
    assert inputs.shape == (4, 1, 64, 60)
    assert labels.shape == (4, 64, 60)


def classes_met(labels: np.ndarray, *, is_overlapping: bool) -> list[int]:
    """The label under each of 300 patches of one pixel, all of them on a class."""
    image = np.zeros((*labels.shape, 1), np.uint8)
    case, rng = working_case(image, labels, is_overlapping=is_overlapping), stream(5, "classes")
    places = [patch_centre(rng, case, (1, 1), 1.0) for _ in range(300)]
    return [int(labels[int(row), int(column)]) for row, column in places]


def test_rare_classes_are_met_as_often_as_common_ones():
    """One pixel of a class beside a thousand of another draws half of the patches."""
    labels = np.ones((30, 40), np.uint8)
    labels[:3], labels[17, 5], labels[3:6] = 0, 3, IGNORE
    met = classes_met(labels, is_overlapping=False)
    assert set(met) == {1, 3}
    assert 120 < met.count(3) < 180


def test_a_class_that_overlaps_is_met_where_it_lies_alone_or_not():
    """Codes count for each of their classes: the rare one is met on its few pixels."""
    codes = np.full((30, 40), 0b01, np.uint8)
    codes[:3], codes[17, 5], codes[18, 5], codes[3:6] = 0, 0b11, 0b10, IGNORE
    met = classes_met(codes, is_overlapping=True)
    assert set(met) == {0b01, 0b11, 0b10}
    assert 120 < met.count(0b11) + met.count(0b10) < 180


def test_places_remembered_are_bounded():
    """Twelve classes remember no more places than one does, and each of them some."""
    rng = stream(6, "labels")
    labels = rng.integers(1, 13, (500, 500)).astype(np.uint8)
    case = working_case(np.zeros((500, 500, 1), np.uint8), labels)
    assert len(case.foreground) == 12
    assert all(1000 < len(each) < 2000 for each in case.foreground)
    for index, places in enumerate(case.foreground, 1):
        assert (labels.ravel()[places] == index).all()


def taken(share: float | None, is_positive: list[bool] | None, patches: int) -> list[int]:
    """The images of so many patches, by their numbers."""
    seen: list[int] = []

    def read(index: int) -> WorkingCase:
        seen.append(index)
        return picture(0)

    count = 10
    settings = PatchSettings(size_px=(8, 8), positive_share=share, cache_gb=1e-9)
    feed = PatchSource(
        read, count, PREPARATION, patches=settings, augment=STILL, batch=1, seed=3,
        is_positive=is_positive,
    )  # fmt: skip
    for step in range(patches):
        feed.batch(step)
    return seen


def test_so_many_patches_come_from_images_that_hold_anything():
    """Two positives of ten fill half of the patches, evenly, and all others the rest in turn."""
    is_positive = [index in (3, 7) for index in range(10)]
    found = taken(0.5, is_positive, 32)
    kinds = [index in (3, 7) for index in found]
    assert all(sum(kinds[place : place + 2]) == 1 for place in range(0, 32, 2))
    assert found.count(3) == found.count(7) == 8
    others = [index for index in found if index not in (3, 7)]
    assert sorted(others[:8]) == sorted(others[8:]) == [0, 1, 2, 4, 5, 6, 8, 9]
    assert others[:8] != others[8:]
    assert sum(index in (3, 7) for index in taken(0.3, is_positive, 30)) == 9


@pytest.mark.parametrize("is_positive", [None, [True] * 10, [False] * 10])
def test_share_means_nothing_where_one_kind_is_all_there_is(is_positive):
    """Images are taken as without it."""
    assert taken(0.5, is_positive, 20) == taken(None, None, 20)


def test_patches_do_not_depend_on_where_a_training_goes_on():
    """The patch of a step is the same whatever came before."""
    is_positive = [index in (1, 2, 8) for index in range(10)]
    settings = PatchSettings(size_px=(8, 8), positive_share=0.4)

    def feed() -> PatchSource:
        return PatchSource(
            picture, 10, PREPARATION, patches=settings, augment=GRAINLESS, batch=3, seed=3,
            is_positive=is_positive,
        )  # fmt: skip

    one, other = feed(), feed()
    for step in range(4):
        one.batch(step)
    assert torch.equal(one.batch(4)[0], other.batch(4)[0])
