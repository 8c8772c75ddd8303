"""Resampling on an accelerator: the whole batch in one `grid_sample`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from delineate.core.geometry import Size


def warp_batch(
    images: Tensor, labels: Tensor, matrices: Tensor, patch_px: Size
) -> tuple[Tensor, Tensor]:
    """Patches of a batch: images (N, C, H, W) linearly, labels (N, H, W) by nearest.

    `matrices` (N, 2, 3) are those of `source_matrix`; the result equals `warp_image` and
    `warp_labels` on each but for rounding. Beyond the border the image is mirrored.
    """
    height, width = images.shape[-2:]
    rows, columns = patch_px
    y, x = torch.meshgrid(
        torch.arange(rows, device=images.device, dtype=torch.float32),
        torch.arange(columns, device=images.device, dtype=torch.float32),
        indexing="ij",
    )
    points = torch.stack([x, y, torch.ones_like(x)], dim=-1).view(1, -1, 3)
    source = points @ matrices.float().transpose(1, 2)  # (N, rows * columns, 2)
    # grid_sample wants -1..1 from the first to the last pixel centre.
    extent = torch.tensor([max(width - 1, 1), max(height - 1, 1)], device=images.device)
    grid = (2 * source / extent - 1).view(-1, rows, columns, 2)
    warped = F.grid_sample(
        images.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=True
    )
    nearest = F.grid_sample(
        labels.unsqueeze(1).float(), grid, "nearest", padding_mode="reflection", align_corners=True
    )
    return warped, nearest.squeeze(1).round().to(labels.dtype)
