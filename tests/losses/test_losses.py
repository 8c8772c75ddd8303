"""Losses by hand, against torch and MONAI, and where nothing counts."""

from __future__ import annotations

from math import log

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from delineate.core.errors import SettingsError
from delineate.core.types import IGNORE
from delineate.losses.catalogue import LOSSES, weighted_sum
from delineate.losses.entropy import cross_entropy
from delineate.losses.overlap import dice


def case(classes: int, *, seed: int = 0, is_whole: bool = False) -> tuple[Tensor, Tensor]:
    """Random logits and labels, a fifth of them ignored unless whole."""
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, classes, 6, 7, generator=rng, dtype=torch.float64)
    labels = torch.randint(0, max(classes, 2), (3, 6, 7), generator=rng)
    if not is_whole:
        labels[torch.rand(3, 6, 7, generator=rng) < 0.2] = IGNORE
    return logits, labels.to(torch.uint8)


def test_binary_cross_entropy_by_hand():
    """Certain of neither gives log 2; a logit of log 3 for the foreground gives log 4/3."""
    logits = torch.tensor([[[[0.0, log(3), -7.0]]]])
    labels = torch.tensor([[[0, 1, IGNORE]]], dtype=torch.uint8)
    assert cross_entropy(logits, labels).item() == pytest.approx((log(2) + log(4 / 3)) / 2)


def test_categorical_cross_entropy_by_hand():
    """Equal logits over three classes give log 3."""
    logits = torch.zeros(1, 3, 2, 2)
    labels = torch.tensor([[[0, 1], [2, IGNORE]]], dtype=torch.uint8)
    assert cross_entropy(logits, labels).item() == pytest.approx(log(3))


def test_dice_by_hand():
    """One of two true pixels at probability one half each: 1 - 2 * 1 / (2 + 2)."""
    logits = torch.zeros(1, 1, 2, 2)
    labels = torch.tensor([[[1, 1], [0, 0]]], dtype=torch.uint8)
    assert dice(logits, labels).item() == pytest.approx(0.5)


def test_dice_is_zero_only_for_the_truth():
    """Certain and right is 0, certain and wrong is 1."""
    labels = torch.tensor([[[1, 1, 0, 0]]], dtype=torch.uint8)
    right = (labels.float() * 2 - 1).unsqueeze(1) * 100
    assert dice(right, labels).item() == pytest.approx(0, abs=1e-6)
    assert dice(-right, labels).item() == pytest.approx(1)


def test_dice_leaves_absent_classes_out():
    """A class that the batch does not hold neither helps nor harms."""
    labels = torch.tensor([[[0, 1, 1, 0]]], dtype=torch.uint8)
    logits = torch.randn(1, 3, 1, 4)
    probability = torch.softmax(logits, 1)[:, 1]
    truth = (labels == 1).float()
    expected = 1 - 2 * (probability * truth).sum() / (probability.sum() + truth.sum())
    assert dice(logits, labels).item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_binary_losses_agree_with_torch_and_monai(seed):
    """Without ignored pixels both losses are those of other packages."""
    monai = pytest.importorskip("monai.losses")
    logits, labels = case(1, seed=seed, is_whole=True)
    truth = labels.unsqueeze(1).double()
    expected = F.binary_cross_entropy_with_logits(logits, truth)
    torch.testing.assert_close(cross_entropy(logits, labels), expected)
    oracle = monai.DiceLoss(sigmoid=True, batch=True, smooth_nr=1e-6, smooth_dr=1e-6)
    torch.testing.assert_close(dice(logits, labels), oracle(logits, truth))


@pytest.mark.parametrize("seed", range(3))
def test_categorical_losses_agree_with_torch_and_monai(seed):
    """Three classes: torch with its ignored index, MONAI without the background."""
    monai = pytest.importorskip("monai.losses")
    logits, labels = case(3, seed=seed)
    expected = F.cross_entropy(logits, labels.long(), ignore_index=IGNORE)
    torch.testing.assert_close(cross_entropy(logits, labels), expected)
    logits, labels = case(3, seed=seed, is_whole=True)
    oracle = monai.DiceLoss(
        softmax=True, batch=True, include_background=False, smooth_nr=1e-6, smooth_dr=1e-6
    )
    truth = F.one_hot(labels.long(), 3).permute(0, 3, 1, 2).double()
    torch.testing.assert_close(dice(logits, labels), oracle(logits, truth))


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_ignored_pixels_never_count(name, classes):
    """Whatever stands in the logits there, the loss is the same and the gradient zero."""
    logits, labels = case(classes)
    is_ignored = (labels == IGNORE).unsqueeze(1).expand_as(logits)
    assert is_ignored.any()
    other = torch.where(is_ignored, 50 * torch.randn_like(logits), logits).requires_grad_()
    loss = LOSSES[name](other, labels)
    assert loss.item() == LOSSES[name](logits, labels).item()
    loss.backward()
    assert other.grad is not None
    assert (other.grad[is_ignored] == 0).all()
    assert (other.grad[~is_ignored] != 0).any()


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_nothing_counted_is_zero(name, classes):
    """A batch that is ignored altogether gives 0 with gradients of 0, not NaN."""
    logits = torch.randn(2, classes, 4, 4, requires_grad=True)
    loss = LOSSES[name](logits, torch.full((2, 4, 4), IGNORE, dtype=torch.uint8))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


def test_dice_of_background_alone_teaches_nothing():
    """Without foreground Dice is 0; the cross-entropy beside it does the teaching."""
    logits = torch.randn(2, 1, 4, 4, requires_grad=True)
    labels = torch.zeros(2, 4, 4, dtype=torch.uint8)
    assert dice(logits, labels).item() == 0
    assert cross_entropy(logits, labels).item() > 0


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_finite_differences(name, classes):
    """The analytic gradient equals the numeric one."""
    logits, labels = case(classes)
    small = logits[:1, :, :3, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: LOSSES[name](x, labels[:1, :3, :3]), small)


def test_weighted_sum_is_the_sum():
    """Each part counts times its weight."""
    logits, labels = case(1)
    mixed = weighted_sum({"cross_entropy": 0.5, "dice": 2.0})(logits, labels)
    expected = 0.5 * cross_entropy(logits, labels) + 2 * dice(logits, labels)
    torch.testing.assert_close(mixed, expected)


def test_unknown_loss_proposes_the_nearest():
    """A misspelt loss gets the nearest name."""
    with pytest.raises(SettingsError, match="did you mean 'dice'"):
        weighted_sum({"dise": 1.0})
