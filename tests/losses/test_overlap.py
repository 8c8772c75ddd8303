"""Dice and Tversky losses by hand and against MONAI."""

from __future__ import annotations

from math import log

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from delineate.losses.entropy import cross_entropy
from delineate.losses.overlap import dice, tversky


def case(classes: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random logits, labels, and the labels as one channel a class or the foreground's only."""
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, classes, 6, 7, generator=rng, dtype=torch.float64)
    labels = torch.randint(0, max(classes, 2), (3, 6, 7), generator=rng)
    truth = F.one_hot(labels, classes).permute(0, 3, 1, 2) if classes > 1 else labels.unsqueeze(1)
    return logits, labels.to(torch.uint8), truth.double()


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


def test_the_batch_is_one_region():
    """An empty image beside another costs what is found in it, not a score of its own."""
    labels = torch.tensor([[[1, 1]], [[0, 0]]], dtype=torch.uint8)
    logits = torch.zeros(2, 1, 1, 2)
    assert dice(logits, labels).item() == pytest.approx(1 - 2 * 1 / (2 + 2))


def test_tversky_by_hand():
    """One true and two other pixels at probability 3/4: TP 3/4, FP 3/2, FN 1/4."""
    logits = torch.full((1, 1, 1, 3), log(3))
    labels = torch.tensor([[[1, 0, 0]]], dtype=torch.uint8)
    loss = tversky(logits, labels, alpha=0.2, beta=0.6)
    assert loss.item() == pytest.approx(1 - 0.75 / (0.75 + 0.2 * 1.5 + 0.6 * 0.25))


def test_alpha_weighs_false_positives_and_beta_false_negatives():
    """Two pixels too many cost alpha, two too few beta."""
    labels = torch.tensor([[[1, 1, 1, 1, 0, 0]]], dtype=torch.uint8)
    too_many = torch.full((1, 1, 1, 6), 100.0)
    too_few = torch.tensor([[[[100.0, 100, -100, -100, -100, -100]]]])
    weights = {"alpha": 0.3, "beta": 0.7}
    assert tversky(too_many, labels, **weights).item() == pytest.approx(1 - 4 / (4 + 0.3 * 2))
    assert tversky(too_few, labels, **weights).item() == pytest.approx(1 - 2 / (2 + 0.7 * 2))
    assert tversky(too_few, labels).item() == tversky(too_few, labels, **weights).item()


@pytest.mark.parametrize("loss", [dice, tversky])
def test_absent_classes_are_left_out(loss):
    """A class that the batch does not hold neither helps nor harms, however much is found."""
    labels = torch.tensor([[[0, 1, 1, 0]]], dtype=torch.uint8)
    logits = torch.randn(1, 3, 1, 4, generator=torch.Generator().manual_seed(0))
    probability = torch.softmax(logits, 1)
    # The same probability of class 1, with what class 2 has given to the background.
    merged = torch.stack([probability[:, 0] + probability[:, 2], probability[:, 1]], 1).log()
    assert loss(logits, labels).item() == pytest.approx(loss(merged, labels).item())


@pytest.mark.parametrize("loss", [dice, tversky])
def test_background_alone_teaches_nothing(loss):
    """Without foreground the loss is 0; the cross-entropy beside it does the teaching."""
    logits = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(2, 4, 4, dtype=torch.uint8)
    assert loss(logits, labels).item() == 0
    assert cross_entropy(logits, labels).item() > 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("classes", [1, 3])
def test_dice_agrees_with_monai(classes, seed):
    """One channel and several, without the background."""
    monai = pytest.importorskip("monai.losses")
    logits, labels, truth = case(classes, seed)
    start = {"sigmoid": True} if classes == 1 else {"softmax": True, "include_background": False}
    oracle = monai.DiceLoss(**start, batch=True, smooth_nr=1e-6, smooth_dr=1e-6)
    torch.testing.assert_close(dice(logits, labels), oracle(logits, truth))


@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.7), (0.9, 0.2), (1.0, 1.0)])
@pytest.mark.parametrize("classes", [1, 3])
def test_tversky_agrees_with_monai(classes, alpha, beta):
    """One channel and several, without the background."""
    monai = pytest.importorskip("monai.losses")
    logits, labels, truth = case(classes, 0)
    start = {"sigmoid": True} if classes == 1 else {"softmax": True, "include_background": False}
    oracle = monai.TverskyLoss(
        **start, batch=True, alpha=alpha, beta=beta, smooth_nr=5e-7, smooth_dr=5e-7
    )
    found = tversky(logits, labels, alpha=alpha, beta=beta)
    torch.testing.assert_close(found, oracle(logits, truth))
