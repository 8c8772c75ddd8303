"""Border-weighted cross-entropy by hand and against its parts."""

from __future__ import annotations

from math import exp, log

import pytest
import torch

from delineate.core.types import IGNORE
from delineate.losses.border import border_weighted_cross_entropy
from delineate.losses.border_weights import border_weights
from delineate.losses.entropy import cross_entropy, cross_entropy_each


def test_by_hand():
    """Two objects, the gap between them and an ignored pixel, all undecided."""
    logits = torch.zeros(1, 1, 1, 4)
    labels = torch.tensor([[[1, 0, 1, IGNORE]]], dtype=torch.uint8)
    # Class weights 3 / (2 * 2) for two foreground pixels and 3 / (2 * 1) for the background.
    sum_of_weights = 2 * 0.75 + 1.5 + 10 * exp(-(2**2) / 50)
    expected = sum_of_weights * log(2) / 3
    assert border_weighted_cross_entropy(logits, labels).item() == pytest.approx(expected)


@pytest.mark.parametrize("classes", [1, 3])
def test_it_is_weights_times_cross_entropy(classes):
    """The mean over counted pixels of the product, with other settings too."""
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, classes, 20, 24, generator=rng)
    labels = torch.randint(0, max(classes, 2), (2, 20, 24), generator=rng).to(torch.uint8)
    labels[:, :, 20:] = IGNORE
    weights = torch.from_numpy(border_weights(labels.numpy(), w0=3.0, sigma_px=2.0))
    each = (weights * cross_entropy_each(logits, labels))[labels != IGNORE]
    found = border_weighted_cross_entropy(logits, labels, w0=3.0, sigma_px=2.0)
    torch.testing.assert_close(found, each.mean())


def test_balanced_labels_without_gaps_are_plain_cross_entropy():
    """Half foreground in one object: every weight is 1."""
    logits = torch.randn(1, 1, 6, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(1, 6, 8, dtype=torch.uint8)
    labels[..., 4:] = 1
    found = border_weighted_cross_entropy(logits, labels)
    torch.testing.assert_close(found, cross_entropy(logits, labels))


def test_a_bridge_costs_more_than_a_bump():
    """A pixel too many in the gap costs more than one on the far side."""
    labels = torch.zeros(1, 9, 20, dtype=torch.uint8)
    labels[0, 2:7, 2:8], labels[0, 2:7, 9:15] = 1, 1
    right = (labels.float().unsqueeze(1) * 2 - 1) * 4
    bridge, bump = right.clone(), right.clone()
    bridge[0, 0, 4, 8], bump[0, 0, 4, 15] = 4, 4
    cost = border_weighted_cross_entropy
    assert cost(bridge, labels) > 2 * cost(bump, labels)
