"""Losses of classes that overlap: one sigmoid a class, each class against all else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from delineate.core.overlapping import code
from delineate.core.types import IGNORE
from delineate.losses.catalogue import LOSSES, weighted_sum
from delineate.losses.pixels import masks_of_codes

CLASSES = 3
_OF_PIXELS = ("cross_entropy", "focal", "border")


def case(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Random logits of three classes and codes, a fifth of them ignored."""
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, CLASSES, 9, 11, generator=rng, dtype=torch.float64)
    codes = torch.randint(0, 1 << CLASSES, (2, 9, 11), generator=rng)
    codes[torch.rand(2, 9, 11, generator=rng) < 0.2] = IGNORE
    return logits, codes.to(torch.uint8)


def binary(codes: Tensor, index: int) -> Tensor:
    """0 and 1 of one class (N, H, W), ignored where the codes are."""
    return torch.where(codes == IGNORE, IGNORE, (codes & code(index)) // code(index))


def test_masks_of_codes_by_hand() -> None:
    """Each bit is a channel; what is ignored is so in every channel."""
    codes = torch.tensor([[[0, 0b01, 0b11, 0b10, IGNORE]]], dtype=torch.uint8)
    masks = masks_of_codes(codes, 2)
    assert masks.tolist() == [[[[0, 1, 1, 0, IGNORE]], [[0, 0, 1, 1, IGNORE]]]]
    assert masks.dtype == torch.uint8


def test_cross_entropy_is_that_of_every_sigmoid() -> None:
    """The mean over pixels and classes of torch's own, by the plain rule."""
    logits, codes = case()
    is_known = (codes != IGNORE).unsqueeze(1).expand_as(logits)
    truth = torch.stack([binary(codes, index) for index in (1, 2, 3)], dim=1).double()
    each = F.binary_cross_entropy_with_logits(logits[is_known], truth[is_known])
    found = weighted_sum({"cross_entropy": 1.0}, is_overlapping=True)(logits, codes)
    torch.testing.assert_close(found, each)


@pytest.mark.parametrize("name", LOSSES)
def test_each_class_is_a_binary_task_of_its_own(name: str) -> None:
    """The loss is the mean of those of one class against all else, whatever the others are."""
    logits, codes = case()
    found = weighted_sum({name: 1.0}, is_overlapping=True)(logits, codes)
    each = [
        LOSSES[name](logits[:, index - 1 : index], binary(codes, index))
        for index in range(1, CLASSES + 1)
    ]
    torch.testing.assert_close(found, torch.stack(each).mean())


@pytest.mark.parametrize("name", LOSSES)
def test_absent_classes(name: str) -> None:
    """A class that the batch lacks is left out of losses of areas, and unlearnt by the others."""
    logits, codes = case(1)
    codes = torch.where((codes & code(2) != 0) & (codes != IGNORE), 0, codes)
    loss = weighted_sum({name: 1.0}, is_overlapping=True)
    logits.requires_grad_()
    loss(logits, codes).backward()
    assert logits.grad is not None
    assert bool((logits.grad[:, 1] != 0).any()) == (name in _OF_PIXELS)
    held = [LOSSES[name](logits[:, i - 1 : i], binary(codes, i)) for i in (1, 3)]
    if name not in _OF_PIXELS:
        torch.testing.assert_close(loss(logits, codes), torch.stack(held).mean())


@pytest.mark.parametrize("name", LOSSES)
def test_ignored_pixels_never_count(name: str) -> None:
    """Whatever stands in the logits there, the loss is the same and the gradient zero."""
    logits, codes = case(2)
    loss = weighted_sum({name: 1.0}, is_overlapping=True)
    is_ignored = (codes == IGNORE).unsqueeze(1).expand_as(logits)
    other = torch.where(is_ignored, 50 * torch.randn_like(logits), logits).requires_grad_()
    assert loss(other, codes).item() == loss(logits, codes).item()
    loss(other, codes).backward()
    assert other.grad is not None
    assert (other.grad[is_ignored] == 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_the_truth_has_less_loss_than_its_opposite(name: str) -> None:
    """Logits that say every class of every pixel, overlaps too, are better than all wrong ones."""
    _, codes = case(3)
    masks = masks_of_codes(codes, CLASSES)
    right = torch.where(masks == 1, 6.0, -6.0)
    loss = weighted_sum({name: 1.0}, is_overlapping=True)
    assert loss(right, codes) < 0.1 * loss(-right, codes)


@pytest.mark.parametrize("name", LOSSES)
def test_one_class_is_the_binary_task(name: str) -> None:
    """A single class that overlaps with nothing has the loss of a binary mask."""
    logits, codes = case(4)
    labels = binary(codes, 1)
    found = weighted_sum({name: 1.0}, is_overlapping=True)(logits[:, :1], labels)
    torch.testing.assert_close(found, LOSSES[name](logits[:, :1], labels))
