"""Flip, turn, shear, zoom and crop a fundus photograph with its mask: once, or step by step.

Peers: the same geometry as four OpenCV calls, each on the whole image, and MONAI's `Affine`,
which resamples image and mask once each by `grid_sample`. The bent patches beside MONAI's
`Rand2DElasticd`, which draws displacements on a coarse grid too, brings them to every pixel
bicubically, and joins them with an affine map before it resamples once.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from monai.transforms import Affine, Rand2DElasticd

from benchmarks.timing import Row, interleaved
from delineate.augment.elastic import bent_map, sample_displacements
from delineate.augment.pose import Pose, sample_pose, source_matrix
from delineate.augment.settings import AugmentSettings
from delineate.augment.warp import warp_image, warp_labels
from delineate.core.seeds import stream

PATCH_PX, PATCHES = (256, 256), 40
CENTRE = (290.0, 280.0)


def run() -> list[Row]:
    """Forty patches of 256 px from one 584 x 565 RGB image, one thread each."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (584, 565, 3), dtype=np.uint8)
    labels = (rng.random((584, 565)) < 0.12).astype(np.uint8)
    settings = AugmentSettings(turns=True, rotation_degrees=45, shear_degrees=8, zoom=1.25)
    poses = [sample_pose(stream(0, "bench", k), settings, CENTRE) for k in range(PATCHES)]
    cv2.setNumThreads(1)
    torch.set_num_threads(1)

    def once() -> None:
        for pose in poses:
            matrix = source_matrix(pose, PATCH_PX)
            warp_image(image, matrix, PATCH_PX)
            warp_labels(labels, matrix, PATCH_PX)

    def step_by_step() -> None:
        for pose in poses:
            _four_resamplings(image, pose, cv2.INTER_LINEAR)
            _four_resamplings(labels, pose, cv2.INTER_NEAREST)

    as_tensor = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32))
    as_labels = torch.from_numpy(labels[None].astype(np.float32))

    def monai() -> None:
        for pose in poses:
            affine = Affine(
                rotate_params=float(np.radians(pose.rotation_degrees)),
                shear_params=(float(np.tan(np.radians(pose.shear_degrees))), 0.0),
                scale_params=tuple(float(zoom) for zoom in pose.zoom),
                padding_mode="reflection",
                image_only=True,
            )
            affine(as_tensor, spatial_size=PATCH_PX, mode="bilinear")
            affine(as_labels, spatial_size=PATCH_PX, mode="nearest")

    name = f"{PATCHES} patches of {PATCH_PX[0]} px with mask"
    seconds = interleaved({"ours": once, "steps": step_by_step, "monai": monai}, rounds=5)
    return [
        Row(f"one resampling, {name}", seconds["ours"], "four OpenCV calls", seconds["steps"]),
        Row(f"one resampling, {name}", seconds["ours"], "MONAI Affine", seconds["monai"]),
        _bent(image, labels, settings, name),
    ]


def _bent(image: np.ndarray, labels: np.ndarray, settings: AugmentSettings, name: str) -> Row:
    """Poses and displacements are drawn within the time, as MONAI draws them in its call."""
    settings = settings.model_copy(update={"elastic_px": 10.0})
    rng = stream(0, "bench", PATCHES)

    def once() -> None:
        for _ in range(PATCHES):
            matrix = source_matrix(sample_pose(rng, settings, CENTRE), PATCH_PX)
            source = bent_map(matrix, sample_displacements(rng, settings), PATCH_PX)
            warp_image(image, source, PATCH_PX)
            warp_labels(labels, source, PATCH_PX)

    case = {
        "image": torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32)),
        "labels": torch.from_numpy(labels[None].astype(np.float32)),
    }
    elastic = Rand2DElasticd(
        keys=("image", "labels"),
        spacing=(PATCH_PX[0] / 2, PATCH_PX[1] / 2),
        magnitude_range=(10, 10),
        spatial_size=PATCH_PX,
        prob=1.0,
        rotate_range=float(np.pi),
        shear_range=(float(np.tan(np.radians(settings.shear_degrees))), 0.0),
        scale_range=settings.zoom - 1,
        mode=("bilinear", "nearest"),
        padding_mode="reflection",
    ).set_random_state(0)

    def monai() -> None:
        for _ in range(PATCHES):
            elastic(case)

    seconds = interleaved({"ours": once, "monai": monai}, rounds=5)
    return Row(f"bent as well, {name}", seconds["ours"], "MONAI Rand2DElasticd", seconds["monai"])


def _four_resamplings(array: np.ndarray, pose: Pose, how: int) -> np.ndarray:
    height, width = array.shape[:2]
    if pose.is_mirrored:
        array = cv2.flip(array, 1)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), pose.rotation_degrees, 1.0)
    array = cv2.warpAffine(array, turn, (width, height), flags=how)
    shear = np.float64([[1, np.tan(np.radians(pose.shear_degrees)), 0], [0, 1, 0]])
    array = cv2.warpAffine(array, shear, (width, height), flags=how)
    array = cv2.resize(array, None, fx=pose.zoom[1], fy=pose.zoom[0], interpolation=how)
    top, left = (array.shape[0] - PATCH_PX[0]) // 2, (array.shape[1] - PATCH_PX[1]) // 2
    return array[top : top + PATCH_PX[0], left : left + PATCH_PX[1]]
