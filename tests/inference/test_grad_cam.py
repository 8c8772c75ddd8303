"""Grad-CAM: as counted by hand, as the slopes measure, and as another implementation has it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from delineate.core.seeds import stream
from delineate.inference.grad_cam import grad_cam_pass, heat_mapper
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.models.mirror import mirrored_to_multiple

PLAIN = Preparation(channels=1, full_range=(0, 255), mean=(0.0,), deviation=(1.0,))


class Known(nn.Module):
    """Two maps, the image and its negative in cells, whose means a dense layer weighs."""

    def __init__(self, weights, stride=2):
        super().__init__()
        self.stride = stride
        self.dense = nn.Linear(2, 2)
        self.dense.weight.data = torch.tensor(weights)

    def feature_maps(self, image):
        """(N, 2, h, w), over the image with its mirrored border."""
        cells = F.avg_pool2d(mirrored_to_multiple(image, self.stride)[0], self.stride)
        return torch.cat([cells, -cells], dim=1)

    def verdict(self, features):
        """(N, 2) logits."""
        return self.dense(features.mean(dim=(2, 3)))


def inputs(shape=(1, 1, 6, 10), seed=1):
    """Normal noise."""
    return stream(seed, "cam").normal(size=shape).astype(np.float32)


def heat_of(network, image, repeats="single"):
    """The heat map of an 8-bit image."""
    settings = PredictSettings(repeats=repeats)
    return heat_mapper(grad_cam_pass(network), PLAIN, settings)(image)


def test_counted_by_hand():
    """Slopes of 4 / 4 and 1 / 4 a place weigh the two maps; below nothing is nothing."""
    network = Known([[9.0, 9.0], [4.0, 1.0]])
    # Halved: [[2, -1], [0, 4]]; the other map is its negative. 1 * a - 0.25 * a = 0.75 a.
    image = np.kron([[2, -1], [0, 4]], np.ones((2, 2))).astype(np.float32)
    heat = grad_cam_pass(network)(image[None, None])
    # [[1.5, 0], [0, 3]], enlarged linearly from the middles of the four cells.
    share = np.array([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    assert heat.shape == (1, 1, 4, 4)
    np.testing.assert_allclose(heat[0, 0], share @ [[1.5, 0.0], [0.0, 3.0]] @ share.T, atol=1e-6)


@pytest.mark.parametrize("size", [(9, 13), (3, 17), (4, 4), (1, 1)])
def test_what_lies_over_the_mirrored_border_is_left_out(size):
    """At any size the map is that part of the mirrored image's map that lies over the image."""
    network = Known([[0.0, 0.0], [4.0, 0.0]], stride=4)
    images = np.abs(inputs((1, 1, *size)))
    mirrored, (rows, columns) = mirrored_to_multiple(torch.from_numpy(images), 4)
    whole = grad_cam_pass(network)(mirrored.numpy())
    heat = grad_cam_pass(network)(images)
    assert heat.shape == images.shape
    np.testing.assert_allclose(heat, whole[..., rows, columns], rtol=1e-6)


def test_the_weights_are_measured_slopes(TinyClassifier):
    """Nudging each feature by itself gives the slopes whose means weigh the maps."""
    torch.manual_seed(2)
    network = TinyClassifier(channels=1, classes=2).double().eval()
    images = inputs().astype(np.float64)
    with torch.no_grad():
        features = network.feature_maps(torch.from_numpy(images))
        slopes, step = torch.zeros_like(features), 1e-5
        for place in np.ndindex(*features.shape):
            nudged = features.clone()
            nudged[place] += step
            above = network.verdict(nudged)[0, 1]
            nudged[place] -= 2 * step
            slopes[place] = (above - network.verdict(nudged)[0, 1]) / (2 * step)
    weights = slopes.mean(dim=(2, 3)).numpy()[0]
    expected = np.maximum(np.tensordot(weights, features.numpy()[0], axes=1), 0)
    assert expected.max() > 0
    expected = F.interpolate(torch.from_numpy(expected)[None, None], (6, 10), mode="bilinear")
    np.testing.assert_allclose(grad_cam_pass(network)(images), expected, rtol=1e-6)


def test_another_implementation_agrees(TinyClassifier):
    """MONAI's Grad-CAM, which hooks into the network, has the same map of the same layer."""
    from monai.visualize.class_activation_maps import GradCAM  # seconds to import

    class Hooked(TinyClassifier):
        def __init__(self):
            super().__init__(channels=1, classes=2)
            self.here = nn.Identity()

        def forward(self, image):
            return self.verdict(self.here(self.feature_maps(image)))

    torch.manual_seed(5)
    network = Hooked().eval()
    images = inputs((1, 1, 12, 8), seed=4)
    cam = GradCAM(network, "here", postprocessing=lambda heat: heat)
    expected = cam(torch.from_numpy(images), class_idx=1)
    ours = grad_cam_pass(network)(images)
    assert ours.max() > 0
    np.testing.assert_allclose(ours, expected.detach(), rtol=1e-4, atol=1e-7)


def test_at_the_size_of_the_image_as_a_share_of_its_maximum():
    """The map is enlarged linearly, corner pixels as the corners of the small one, 1 at most."""
    network = Known([[0.0, 0.0], [4.0, 0.0]])
    image = np.zeros((8, 12), np.uint8)
    image[4:6, 6:8] = 200
    heat = heat_of(network, image)
    assert heat.dtype == np.float32
    assert heat.shape == (8, 12)
    assert heat.max() == 1
    small = torch.zeros(1, 1, 4, 6)
    small[0, 0, 2, 3] = 1
    larger = F.interpolate(small, size=(8, 12), mode="bilinear", align_corners=False)[0, 0].numpy()
    np.testing.assert_allclose(heat, larger / larger.max(), atol=1e-6)


def test_nothing_that_speaks_for_it_is_nothing():
    """Where every feature speaks against "present" the map is 0 everywhere, not divided by 0."""
    heat = heat_of(Known([[0.0, 0.0], [-4.0, 0.0]]), np.full((4, 6), 90, np.uint8))
    assert (heat == np.zeros((4, 6))).all()


def test_the_other_class_has_no_part():
    """Weights of "absent" change nothing, for it is the logit that is explained."""
    image = stream(1, "image").integers(0, 256, (8, 8), np.uint8)
    first, second = (heat_of(Known([a, [1.0, -1.0]]), image) for a in ([0.0, 0.0], [7.0, 3.0]))
    assert (first == second).all()
    assert first.any()


@pytest.mark.parametrize("repeats", ["flips", "turns"])
def test_views_are_turned_back(TinyClassifier, repeats):
    """With views, a mirrored image gives the mirrored map, which a single pass does not."""
    torch.manual_seed(1)
    network = TinyClassifier(channels=1, classes=2)
    image = stream(2, "image").integers(0, 256, (10, 14), np.uint8)
    mirrored = np.ascontiguousarray(image[:, ::-1])
    first, second = (heat_of(network, each, repeats) for each in (image, mirrored))
    np.testing.assert_allclose(second[:, ::-1], first, atol=1e-5)
    single, other = (heat_of(network, each) for each in (image, mirrored))
    assert np.abs(other[:, ::-1] - single).max() > 0.01


def test_gradients_of_weights_stay_untouched(TinyClassifier):
    """Explaining leaves no gradient behind and works where gradients are switched off."""
    network = TinyClassifier(channels=1, classes=2)
    with torch.no_grad():
        assert np.isfinite(grad_cam_pass(network)(inputs())).all()
    assert all(each.grad is None for each in network.parameters())
