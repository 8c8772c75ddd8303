"""Resampling on an accelerator: the whole batch in one `grid_sample`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from delineate.augment.elastic import spline_weights
from delineate.core.geometry import Size


def sampling_grid(
    matrices: Tensor, displacements: Tensor | None, patch_px: Size, image_px: Size
) -> Tensor:
    """(N, H, W, 2): where each pixel of each patch lies in its image, as `grid_sample` wants it.

    `matrices` (N, 2, 3) are those of `source_matrix`; `displacements` (N, points, points, 2)
    those of `sample_displacements`, or None.
    """
    rows, columns = patch_px
    y, x = torch.meshgrid(
        torch.arange(rows, device=matrices.device, dtype=torch.float32),
        torch.arange(columns, device=matrices.device, dtype=torch.float32),
        indexing="ij",
    )
    points = torch.stack([x, y, torch.ones_like(x)], dim=-1).view(1, -1, 3)
    source = points @ matrices.float().transpose(1, 2)  # (N, rows * columns, 2)
    source = source.view(-1, rows, columns, 2)
    if displacements is not None:
        source = source + _bend(displacements.float(), patch_px)
    # grid_sample wants -1..1 from the first to the last pixel centre.
    height, width = image_px
    extent = torch.tensor([max(width - 1, 1), max(height - 1, 1)], device=matrices.device)
    return 2 * source / extent - 1


def sample_images(images: Tensor, grid: Tensor) -> Tensor:
    """Patches of the (N, C, H, W) images: what `warp_image` gives of each, but for rounding."""
    return F.grid_sample(
        images.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=True
    )


def sample_labels(labels: Tensor, grid: Tensor) -> Tensor:
    """Patches of the (N, H, W) labels: what `warp_labels` gives of each, but for rounding."""
    nearest = F.grid_sample(
        labels.unsqueeze(1).float(), grid, "nearest", padding_mode="reflection", align_corners=True
    )
    return nearest.squeeze(1).round().to(labels.dtype)


def _bend(displacements: Tensor, patch_px: Size) -> Tensor:
    """(N, H, W, 2): the displacement of each pixel."""
    rows, columns = (
        torch.tensor(spline_weights(points, length), device=displacements.device).float()
        for points, length in zip(displacements.shape[1:3], patch_px, strict=True)
    )
    return torch.einsum("hi,nijk,wj->nhwk", rows, displacements, columns)
