"""UNet++: the nested nodes, a head at each depth, and pruning to it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from delineate.core.errors import SettingsError
from delineate.models.unet import UNet
from delineate.models.unetpp import UNetPlusPlus


def parameter_count(network: nn.Module) -> int:
    """Numbers that training sets."""
    return sum(each.numel() for each in network.parameters())


def settled(network: nn.Module) -> nn.Module:
    """In evaluation, with running statistics of its own."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1.5, -0.5)
            module.running_var.uniform_(0.5, 2.0)
    return network.eval()


def every_head(network: UNetPlusPlus, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The logits of each head of a network in evaluation, which gives only the deepest."""
    network.training = True  # not its layers
    with torch.no_grad():
        logits = network(image)
    network.training = False
    return logits


def test_parameters_are_those_counted_by_hand():
    """Widths 2, 3 and 4, one channel in, one class out: six nodes, three enlargements, two heads.

    Each node has two 3x3 kernels without bias and twice two numbers of batch normalisation a
    channel; each enlargement a 2x2 kernel with bias; each head a 1x1 kernel with bias.
    """
    x00 = 9 * 1 * 2 + 9 * 2 * 2 + 8
    x10 = 9 * 2 * 3 + 9 * 3 * 3 + 12
    x20 = 9 * 3 * 4 + 9 * 4 * 4 + 16
    x01 = (4 * 3 * 2 + 2) + 9 * (2 + 2) * 2 + 9 * 2 * 2 + 8
    x11 = (4 * 4 * 3 + 3) + 9 * (3 + 3) * 3 + 9 * 3 * 3 + 12
    x02 = (4 * 3 * 2 + 2) + 9 * (4 + 2) * 2 + 9 * 2 * 2 + 8
    head = 2 * 1 + 1
    network = UNetPlusPlus(channels=1, classes=1, widths=[2, 3, 4])
    assert parameter_count(network) == x00 + x10 + x20 + x01 + x11 + x02 + 2 * head == 1109
    assert parameter_count(network.pruned(1)) == x00 + x10 + x01 + head
    assert parameter_count(network.pruned(2)) == parameter_count(network) - head


def test_parameters_are_those_of_the_paper():
    """Without normalisation, the default has the 9.04 million of the paper's third table."""
    network = UNetPlusPlus(channels=3, classes=1, normalisation="none")
    assert round(parameter_count(network) / 1e6, 2) == 9.04


def test_every_head_is_that_of_monai():
    """With the same weights, MONAI's BasicUNetPlusPlus gives the same logits at all four depths.

    The graphs coincide where its enlargements give as many channels as ours: for equal widths
    at the first two levels, doubled from there on.
    """
    from monai.networks.nets import BasicUNetPlusPlus

    torch.manual_seed(0)
    ours = settled(UNetPlusPlus(channels=2, classes=3, widths=[4, 4, 8, 16, 32]))
    theirs = BasicUNetPlusPlus(
        spatial_dims=2,
        in_channels=2,
        out_channels=3,
        features=(4, 4, 8, 16, 32, 4),
        deep_supervision=True,
        act="relu",
        norm="batch",
        bias=False,
    )
    names = {f"nodes.{level}_0": f"conv_{level}_0" for level in range(5)}
    names |= {f"nodes.{level}_{column}": f"upcat_{level}_{column}" for level, column in NESTED}
    renamed = {}
    for name, value in theirs.state_dict().items():
        block, *inside, last = name.split(".")
        if block.startswith("final"):
            renamed[f"heads.{block[-1]}.{last}"] = (name, value)
        elif "upsample" in inside:
            renamed[f"up.{block[-3:]}.{last}"] = (name, value)
        else:
            which = "0" if "conv_0" in inside else "1"
            part = "0" if "conv" in inside else "1"
            renamed[f"nodes.{block[-3:]}.{which}.{part}.{last}"] = (name, value)
    own = ours.state_dict()
    assert set(renamed) == set(own)
    theirs.load_state_dict({name: own[label] for label, (name, _) in renamed.items()})

    image = torch.rand(2, 2, 32, 48)
    with torch.no_grad():
        expected = theirs.eval()(image)
    for logits, other in zip(every_head(ours, image), expected, strict=True):
        torch.testing.assert_close(logits, other)


NESTED = [(level, column) for column in range(1, 5) for level in range(5 - column)]


def test_training_gives_every_head_and_evaluation_the_deepest():
    """A tuple, shallowest first, in training; the last of it, and no other head, in evaluation."""
    torch.manual_seed(1)
    network = settled(UNetPlusPlus(channels=1, classes=2, width=4, depth=3))
    image = torch.rand(2, 1, 21, 30)
    used = []
    for column, head in network.heads.items():
        head.register_forward_hook(lambda *_, column=column: used.append(column))
    with torch.no_grad():
        deepest = network(image)
    assert used == ["3"]
    logits = every_head(network, image)
    assert used == ["3", "1", "2", "3"]
    assert [each.shape for each in logits] == [(2, 2, 21, 30)] * 3
    assert torch.equal(logits[-1], deepest)
    assert not torch.allclose(logits[0], logits[1])


def test_without_deep_supervision_there_is_one_head():
    """One head, on the deepest node, in training too; no depths to choose among."""
    network = UNetPlusPlus(channels=1, classes=1, width=2, depth=2, deep_supervision=False).train()
    assert list(network.heads) == ["2"]
    assert network(torch.rand(1, 1, 8, 8)).shape == (1, 1, 8, 8)
    assert not hasattr(network, "depths")
    with pytest.raises(SettingsError, match="without deep supervision"):
        network.pruned(1)


@pytest.mark.parametrize("size_px", [(1, 1), (21, 30), (24, 24)])
def test_pruned_gives_the_logits_of_that_head(size_px):
    """Pruning changes what is computed, not what comes out."""
    torch.manual_seed(2)
    network = settled(UNetPlusPlus(channels=1, classes=2, width=4, depth=3, dropout=0.5))
    image = torch.rand(1, 1, *size_px)
    for depth, expected in enumerate(every_head(network, image), start=1):
        with torch.no_grad():
            torch.testing.assert_close(network.pruned(depth)(image), expected, rtol=0, atol=1e-6)


def test_each_depth_costs_less_than_the_next():
    """A shallower depth has fewer parameters and modules, and never more than the whole network."""
    network = UNetPlusPlus(channels=1, classes=1, width=4)
    pruned = [network.pruned(depth) for depth in range(1, network.depths + 1)]
    counts = [parameter_count(each) for each in pruned]
    assert counts == sorted(set(counts))
    assert counts[-1] < parameter_count(network)  # three heads less
    assert [len(each.nodes) for each in pruned] == [3, 6, 10, 15]
    assert {each.stride for each in pruned} == {network.stride}
    assert [each.context_px for each in pruned] == sorted({each.context_px for each in pruned})


def test_shallowest_is_a_unet():
    """Depth 1 has the nodes, weights and context of the U-Net of depth 1."""
    pruned = UNetPlusPlus(channels=3, classes=2, width=4, depth=3).pruned(1)
    unet = UNet(channels=3, classes=2, width=4, depth=1)
    assert parameter_count(pruned) == parameter_count(unet)
    assert pruned.context_px == unet.context_px


def test_pruned_shares_its_weights():
    """The weights are those of the whole network, and its mode is not changed."""
    network = UNetPlusPlus(channels=1, classes=1, width=2, depth=2).eval()
    state = torch.get_rng_state()
    pruned = network.pruned(1)
    assert torch.equal(torch.get_rng_state(), state)  # nothing was drawn
    shared = {each.data_ptr() for each in network.parameters()}
    assert {each.data_ptr() for each in pruned.parameters()} < shared
    assert not any(each.training for each in (*network.modules(), *pruned.modules()))


def test_pruned_is_stored_and_rebuilt_as_a_network_of_its_own():
    """Its state fits a network of its widths without deep supervision."""
    network = settled(UNetPlusPlus(channels=1, classes=1, widths=[2, 3, 5]))
    pruned = network.pruned(1)
    rebuilt = UNetPlusPlus(channels=1, classes=1, widths=[2, 3], deep_supervision=False).eval()
    rebuilt.load_state_dict(pruned.state_dict())
    image = torch.rand(1, 1, 8, 12)
    with torch.no_grad():
        assert torch.equal(rebuilt(image), pruned(image))


@pytest.mark.parametrize("depth", [-1, 0, 4])
def test_depth_that_is_not_there_is_an_error(depth):
    """Depths count from 1, and end with the network's."""
    network = UNetPlusPlus(channels=1, classes=1, width=2, depth=3)
    with pytest.raises(SettingsError, match="expected 1 to 3"):
        network.pruned(depth)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_context_of_a_pruned_network_is_tight(depth):
    """Pixels farther away than its own context change nothing, and nearer ones do."""
    torch.manual_seed(3)
    network = settled(UNetPlusPlus(channels=1, classes=1, width=4, depth=3)).double()
    for parameter in network.parameters():
        parameter.data.abs_()  # no path is silent, none cancels another
    pruned = network.pruned(depth)
    context, stride, own_stride = pruned.context_px, pruned.stride, 2**depth
    assert pruned.has_finite_context
    image = torch.rand(1, 1, stride, 2 * context + 4 * stride, dtype=torch.float64)
    farthest = 0
    with torch.no_grad():
        before = pruned(image)
        for place in range(context + stride, context + 3 * stride):
            changed = image.clone()
            changed[..., place] += 50.0
            columns = (pruned(changed) != before)[0, 0].any(dim=0).nonzero().ravel()
            reach = (columns - place).abs().max().item()
            assert reach <= context
            farthest = max(farthest, reach)
    assert farthest > context - own_stride


def test_dropout_acts_in_training_only():
    """Two passes differ in training, and in evaluation do not."""
    torch.manual_seed(4)
    network = UNetPlusPlus(channels=1, classes=1, width=4, depth=2, dropout=0.5)
    image = torch.rand(1, 1, 16, 16)
    first, second = network.train()(image), network(image)
    assert torch.equal(first[0], second[0])  # the deepest map is not in it
    assert not torch.equal(first[1], second[1])
    with torch.no_grad():
        assert torch.equal(network.eval()(image), network(image))
