"""Cross-entropy and focal loss by hand, against torch and MONAI."""

from __future__ import annotations

from math import log

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from delineate.core.types import IGNORE
from delineate.losses.entropy import cross_entropy, focal


def case(classes: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random logits and labels."""
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, classes, 6, 7, generator=rng)
    return logits, torch.randint(0, max(classes, 2), (3, 6, 7), generator=rng).to(torch.uint8)


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


@pytest.mark.parametrize("seed", range(3))
def test_cross_entropy_agrees_with_torch(seed):
    """Both kinds, the categorical one with ignored pixels."""
    logits, labels = case(1, seed)
    expected = F.binary_cross_entropy_with_logits(logits, labels.unsqueeze(1).float())
    torch.testing.assert_close(cross_entropy(logits, labels), expected)
    logits, labels = case(3, seed)
    labels[:, 2] = IGNORE
    expected = F.cross_entropy(logits, labels.long(), ignore_index=IGNORE)
    torch.testing.assert_close(cross_entropy(logits, labels), expected)


def test_focal_by_hand():
    """Probabilities of 3/4 at a foreground and 1/2 at a background pixel, gamma 2, alpha 1/4."""
    logits = torch.tensor([[[[log(3), 0.0, 9.0]]]])
    labels = torch.tensor([[[1, 0, IGNORE]]], dtype=torch.uint8)
    front, back = (1 / 4) ** 2 * log(4 / 3), (1 / 2) ** 2 * log(2)
    assert focal(logits, labels).item() == pytest.approx((front + back) / 2)
    weighted = focal(logits, labels, alpha=0.25).item()
    assert weighted == pytest.approx((0.25 * front + 0.75 * back) / 2)


def test_focal_of_easy_pixels_as_in_the_paper():
    """With gamma 2, p_t = 0.9 costs a hundredth of its cross-entropy (section 3.2)."""
    logits = torch.full((1, 1, 1, 1), log(9))
    labels = torch.ones(1, 1, 1, dtype=torch.uint8)
    ratio = cross_entropy(logits, labels) / focal(logits, labels)
    assert ratio.item() == pytest.approx(100, rel=1e-4)


@pytest.mark.parametrize("classes", [1, 2, 4])
def test_focal_without_gamma_is_cross_entropy(classes):
    """Gamma 0 takes the factor away."""
    logits, labels = case(classes, 0)
    torch.testing.assert_close(focal(logits, labels, gamma=0), cross_entropy(logits, labels))


@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("gamma", [0.5, 2.0, 3.0])
def test_focal_agrees_with_monai(gamma, alpha):
    """One channel equals; MONAI's mean over C channels is a C-th of ours."""
    monai = pytest.importorskip("monai.losses")
    logits, labels = case(1, 0)
    oracle = monai.FocalLoss(gamma=gamma, alpha=alpha)(logits, labels.unsqueeze(1))
    torch.testing.assert_close(focal(logits, labels, gamma=gamma, alpha=alpha), oracle)
    logits, labels = case(3, 0)
    truth = F.one_hot(labels.long(), 3).permute(0, 3, 1, 2)
    oracle = 3 * monai.FocalLoss(gamma=gamma, alpha=alpha, use_softmax=True)(logits, truth)
    torch.testing.assert_close(focal(logits, labels, gamma=gamma, alpha=alpha), oracle)


@pytest.mark.parametrize("classes", [1, 3])
def test_focal_has_a_slope_where_all_is_right(classes):
    """A gamma below 1 at probabilities of exactly 1 gives finite gradients."""
    labels = torch.zeros(1, 2, 2, dtype=torch.uint8)
    logits = torch.zeros(1, classes, 2, 2)
    logits[:, 0] = -200 if classes == 1 else 200
    logits.requires_grad_()
    focal(logits, labels, gamma=0.5).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
