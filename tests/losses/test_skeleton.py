"""Soft skeletons and clDice by hand and against MONAI."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from delineate.core.types import IGNORE
from delineate.losses.overlap import dice
from delineate.losses.skeleton import cldice, soft_skeleton


def bar(thickness: int, length: int = 20) -> Tensor:
    """Labels (1, 9, length) with a level bar from edge to edge about row 4."""
    labels = torch.zeros(1, 9, length, dtype=torch.uint8)
    labels[:, 4 - thickness // 2 : 5 + thickness // 2] = 1
    return labels


def certain(mask: Tensor) -> Tensor:
    """Logits of one channel that name the mask."""
    return (mask.float().unsqueeze(1) * 2 - 1) * 50


@pytest.mark.parametrize("thickness", [1, 3, 5, 7])
def test_a_bar_is_thinned_to_its_middle(thickness):
    """The skeleton of a bar is its middle row, once there are iterations for its radius."""
    image = bar(thickness).unsqueeze(1).float()
    is_counted = torch.ones_like(image, dtype=torch.bool)
    expected = bar(1).unsqueeze(1).float()
    assert torch.equal(soft_skeleton(image, is_counted, iterations=3), expected)
    radius = thickness // 2
    if radius:
        short = soft_skeleton(image, is_counted, iterations=radius - 1)
        assert short.sum() == 0


def test_ignored_pixels_do_not_erode():
    """A bar that goes on below ignored pixels keeps its line up to them; background ends it."""
    image = bar(3).unsqueeze(1).float()
    is_counted = torch.ones_like(image, dtype=torch.bool)
    is_counted[..., 12:] = False
    skeleton = soft_skeleton(image * is_counted, is_counted, iterations=3)
    expected = bar(1).unsqueeze(1).float() * is_counted
    assert torch.equal(skeleton, expected)


def test_cldice_by_hand():
    """A line of 7 pixels found but for one: sensitivity (6 + 1) / (7 + 1), precision 1."""
    labels = bar(1, length=7)
    found = labels.clone()
    found[0, 4, 3] = 0
    lines = 1 - 2 * (7 / 8) / (1 + 7 / 8)
    area = 1 - 2 * 6 / (6 + 7)
    assert cldice(certain(found), labels, alpha=1.0).item() == pytest.approx(lines)
    mixed = cldice(certain(found), labels, alpha=0.2).item()
    assert mixed == pytest.approx(0.8 * area + 0.2 * lines)


def test_cldice_without_alpha_is_dice():
    """Alpha 0 leaves the areas alone."""
    logits = torch.randn(2, 3, 9, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(0, 3, (2, 9, 8), generator=torch.Generator().manual_seed(1))
    assert cldice(logits, labels, alpha=0.0).item() == dice(logits, labels).item()


def test_a_gap_costs_more_than_a_dent():
    """Three pixels across a bar break it, three along its side do not; Dice calls them equal."""
    labels = bar(3)
    gap, dent = labels.clone(), labels.clone()
    gap[0, 3:6, 10] = 0
    dent[0, 3, 9:12] = 0
    assert dice(certain(gap), labels).item() == dice(certain(dent), labels).item()
    broken = cldice(certain(gap), labels, alpha=1.0).item()
    dented = cldice(certain(dent), labels, alpha=1.0).item()
    assert broken > dented + 0.01


def test_iterations_decide_how_wide_a_line_may_be():
    """A bar of 7 px has no line after one iteration, so that losing all of it costs nothing."""
    labels = bar(7)
    nothing = certain(torch.zeros_like(labels))
    assert cldice(nothing, labels, alpha=1.0, iterations=1).item() == pytest.approx(0, abs=1e-6)
    assert cldice(nothing, labels, alpha=1.0, iterations=3).item() > 0.5


@pytest.mark.parametrize("iterations", [1, 3, 5])
def test_one_image_agrees_with_monai(iterations):
    """One image and one foreground class, by sigmoid and by softmax of two."""
    monai = pytest.importorskip("monai.losses")
    rng = torch.Generator().manual_seed(iterations)
    logits = 3 * torch.randn(1, 1, 24, 20, generator=rng, dtype=torch.float64)
    labels = (torch.rand(1, 24, 20, generator=rng) < 0.6).to(torch.uint8)
    truth = labels.unsqueeze(1).double()
    oracle = monai.SoftclDiceLoss(iter_=iterations, sigmoid=True, smooth=1e-12)(logits, truth)
    found = cldice(logits, labels, iterations=iterations, alpha=1.0)
    torch.testing.assert_close(found, oracle)
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    torch.testing.assert_close(cldice(two, labels, iterations=iterations, alpha=1.0), oracle)


def test_classes_are_averaged():
    """Three classes give the mean of each foreground class alone against MONAI."""
    monai = pytest.importorskip("monai.losses")
    rng = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(1, 3, 24, 20, generator=rng, dtype=torch.float64)
    labels = torch.randint(0, 3, (1, 24, 20), generator=rng)
    probability = torch.softmax(logits, 1)
    truth = F.one_hot(labels, 3).permute(0, 3, 1, 2).double()
    oracle = monai.SoftclDiceLoss(smooth=1e-12)
    each = [oracle(probability[:, [k]], truth[:, [k]]) for k in (1, 2)]
    expected = torch.stack(each).mean()
    torch.testing.assert_close(cldice(logits, labels, alpha=1.0), expected)


def test_absent_classes_are_left_out():
    """A line that is found of a class which the batch does not hold costs nothing."""
    labels = bar(1).long()
    logits = torch.zeros(1, 3, 9, 20)
    logits[:, 0], logits[:, 1] = 50 * (labels == 0), 50 * (labels == 1)
    logits[:, 2, 7] = 100
    assert cldice(logits, labels).item() == pytest.approx(0, abs=1e-6)
    labels[labels == 1] = IGNORE
    assert cldice(logits, labels).item() == 0
