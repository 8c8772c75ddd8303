"""What holds for every loss of the catalogue."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from delineate.core.types import IGNORE
from delineate.losses.catalogue import CLASSIFIER_LOSSES, LOSSES

# Losses of areas are 0 where the batch holds no class to compare.
_OF_PIXELS = ("cross_entropy", "focal", "border")


def case(classes: int, *, seed: int = 0, is_whole: bool = False) -> tuple[Tensor, Tensor]:
    """Random logits and labels, a fifth of them ignored unless whole."""
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, classes, 6, 7, generator=rng, dtype=torch.float64)
    labels = torch.randint(0, max(classes, 2), (3, 6, 7), generator=rng)
    if not is_whole:
        labels[torch.rand(3, 6, 7, generator=rng) < 0.2] = IGNORE
    return logits, labels.to(torch.uint8)


def certain(labels: Tensor, classes: int, strength: float) -> Tensor:
    """Logits that name each label, by so much."""
    if classes == 1:
        return (labels.float().unsqueeze(1) * 2 - 1) * strength
    is_class = torch.stack([labels == index for index in range(classes)], dim=1)
    return (is_class.float() * 2 - 1) * strength


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
def test_ignoring_is_cutting_off(name, classes):
    """Ignoring the right of all images gives the loss of what is left of it."""
    logits, labels = case(classes, is_whole=True)
    labels[..., 5:] = IGNORE
    cut = LOSSES[name](logits[..., :5], labels[..., :5])
    torch.testing.assert_close(LOSSES[name](logits, labels), cut)


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


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_finite_differences(name, classes):
    """The analytic gradient equals the numeric one."""
    logits, labels = case(classes)
    small = logits[:1, :, :4, :4].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: LOSSES[name](x, labels[:1, :4, :4]), small)


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_the_truth_costs_least(name, classes):
    """Certain and right costs nothing, undecided something, certain and wrong the most."""
    _, labels = case(classes, is_whole=True)
    right, undecided, wrong = (
        LOSSES[name](certain(labels, classes, strength), labels).item()
        for strength in (50.0, 0.0, -50.0)
    )
    assert right == pytest.approx(0, abs=1e-6)
    assert right < undecided < wrong


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("held", ["none", "all", "some", "ignored"])
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_extremes_stay_finite(name, classes, held, dtype):
    """Logits of +-50 on empty, full and mixed masks give a finite loss and finite gradients."""
    _, labels = case(classes)
    if held != "some":
        labels = torch.full_like(labels, {"none": 0, "all": 1, "ignored": IGNORE}[held])
    rng = torch.Generator().manual_seed(1)
    signs = torch.randint(0, 2, (3, classes, 6, 7), generator=rng) * 2 - 1
    logits = (50 * signs).to(dtype).requires_grad_()
    loss = LOSSES[name](logits, labels)
    assert loss.isfinite()
    loss.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    if name in _OF_PIXELS and held != "ignored":
        assert (logits.grad != 0).any()


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_is_summed_in_float32(name, classes):
    """bfloat16 logits give the float32 loss of the same numbers."""
    logits, labels = case(classes)
    half = logits.to(torch.bfloat16)
    loss = LOSSES[name](half, labels)
    assert loss.dtype == torch.float32
    assert loss.item() == LOSSES[name](half.float(), labels).item()


@pytest.mark.parametrize("flipped", [(-1,), (-2,), (-1, -2)])
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", LOSSES)
def test_mirrored_images_cost_the_same(name, classes, flipped):
    """No loss has a side."""
    logits, labels = case(classes)
    mirrored = LOSSES[name](logits.flip(flipped), labels.flip(flipped))
    torch.testing.assert_close(mirrored, LOSSES[name](logits, labels))


@pytest.mark.parametrize("classes", [1, 2])
@pytest.mark.parametrize("name", CLASSIFIER_LOSSES)
def test_a_classifier_is_an_image_of_one_pixel(name, classes):
    """Logits (N, C) with labels (N,) give the loss of N images of one pixel."""
    logits, labels = case(classes)
    logits, labels = logits[:, :, 0].permute(0, 2, 1).flatten(0, 1), labels[:, 0].flatten()
    assert (labels == IGNORE).any()
    each_a_pixel = LOSSES[name](logits[..., None, None], labels[:, None, None])
    assert LOSSES[name](logits, labels).item() == pytest.approx(each_a_pixel.item())
    assert LOSSES[name](logits, labels).item() > 0
