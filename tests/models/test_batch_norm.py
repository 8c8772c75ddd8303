"""Batch normalisation of a single value a channel."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from delineate.models.batch_norm import PatientBatchNorm, with_patient_batch_norm


def test_single_values_take_the_running_statistics():
    """One value a channel is normalised as in evaluation, and the statistics stay."""
    norm = PatientBatchNorm(2)
    norm.running_mean.copy_(torch.tensor([1.0, 2.0]))
    norm.running_var.copy_(torch.tensor([4.0, 9.0]))
    x = torch.tensor([3.0, 8.0]).view(1, 2, 1, 1)
    torch.testing.assert_close(norm.train()(x).ravel(), torch.tensor([1.0, 2.0]))
    assert norm.running_mean.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="more than 1 value"):
        nn.BatchNorm2d(2)(x)


@pytest.mark.parametrize("shape", [(2, 3, 1, 1), (1, 3, 1, 2), (4, 3, 5, 5)])
@pytest.mark.parametrize("training", [True, False])
def test_other_batches_are_as_ever(shape, training):
    """Every batch that has a variance is normalised as by torch, statistics included."""
    usual, patient = nn.BatchNorm2d(3, momentum=0.3), PatientBatchNorm(3, momentum=0.3)
    x = torch.rand(shape)
    assert torch.equal(usual.train(training)(x), patient.train(training)(x))
    assert torch.equal(usual.running_var, patient.running_var)


def test_replacing_keeps_names_values_and_mode():
    """Names, weights, settings and mode stay; subclasses and other layers are left alone."""
    network = nn.Sequential(
        nn.Conv2d(1, 2, 1), nn.Sequential(nn.BatchNorm2d(2, eps=0.5)), nn.BatchNorm1d(2)
    )
    nn.init.uniform_(network[1][0].weight)
    network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with_patient_batch_norm(network)
    assert type(network[1][0]) is PatientBatchNorm
    assert type(network[2]) is nn.BatchNorm1d
    assert (network[1][0].eps, network[1][0].training) == (0.5, False)
    after = network.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
