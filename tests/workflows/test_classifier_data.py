"""What the loop is given to train a classifier, and that it learns from it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from delineate.core.errors import LayoutError
from delineate.core.seeds import stream
from delineate.data.sample import Dataset, Sample
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.losses.entropy import cross_entropy
from delineate.recipe.recipe import load_recipe
from delineate.training.budget import Budget, Clock
from delineate.training.loop import fit
from delineate.training.validate import CLASSIFIER_METRICS
from delineate.workflows.classifier_data import ClassifierCases, classifier_patch_source

PREPARATION = Preparation(
    channels=1, full_range=(0, 255), mean=(0.3,), deviation=(0.2,), size_px=(24, 24)
)
FACTS = SimpleNamespace(device="cpu", precision="float32")
SMALL = (
    "task=classify",
    "validation.metric=roc_auc",
    "patches.size_px=[24, 24]",
    "prepare.size_px=[24, 24]",
    "prepare.longest_side_px=none",
    "patches.per_image=1",
    "patches.foreground_share=0.0",
    "model.architecture=classifier",
    "model.arguments={}",
    "train.batch=8",
    "train.learning_rate=0.02",
    "train.average_decay=0",
    "augment.zoom=1.0",
    "augment.shift_px=0.0",
    "loss={cross_entropy = 1.0}",
)
RECIPE = load_recipe("general", SMALL)


class Blobs(nn.Module):
    """Whether the brightest smoothed place is bright: a convolution, its maximum, two logits."""

    stride = 1

    def __init__(self):
        super().__init__()
        self.smooth = nn.Conv2d(1, 4, 5, padding=2)
        self.last = nn.Linear(4, 2)

    def forward(self, image):
        """(N, 2) logits."""
        return self.last(self.smooth(image).relu().amax(dim=(2, 3)))


class Reads(nn.Module):
    """Logits that say how bright the middle of the prepared image is."""

    stride = 1

    def forward(self, image):
        """(N, 2) logits."""
        middle = image[:, 0, 8:16, 8:16].mean(dim=(1, 2))
        return torch.stack([torch.zeros_like(middle), middle], dim=1)


def blobs_of(root: Path, count: int, name: str) -> tuple[Dataset, dict[str, bool]]:
    """Noise of 30x40, every second picture with a bright disc somewhere, and which those are."""
    rng = stream(4, name)
    samples, labels = [], {}
    for number in range(count):
        picture = rng.integers(0, 90, (30, 40))
        if number % 2:
            row, column = rng.integers(6, 24), rng.integers(6, 34)
            rows, columns = np.ogrid[:30, :40]
            picture[(rows - row) ** 2 + (columns - column) ** 2 <= 16] += 150
        path = root / f"{name}{number}.png"
        Image.fromarray(picture.astype(np.uint8)).save(path)
        samples.append(Sample(path.stem, path))
        labels[path.stem] = bool(number % 2)
    return Dataset(root, "images", "", tuple(samples)), labels


@pytest.fixture
def training(tmp_path):
    """Sixteen pictures."""
    return blobs_of(tmp_path, 16, "t")


@pytest.fixture
def held_out(tmp_path):
    """Ten pictures."""
    return blobs_of(tmp_path, 10, "v")


def test_a_batch_brings_whole_images_with_their_own_labels(training):
    """Without augmentation each input is a prepared training image, beside that image's label."""
    dataset, labels = training
    still = ("augment.flips=false", "augment.turns=false", "augment.rotation_degrees=0.0")
    still += ("augment.shear_degrees=0.0", "augment.stretch=1.0", "augment.tone_chance=0.0")
    recipe = load_recipe("general", (*SMALL, *still))
    source = classifier_patch_source(dataset, labels, PREPARATION, recipe, 1)
    expected = {
        s.id: PREPARATION(np.asarray(Image.open(s.image))[..., None]) for s in dataset.samples
    }
    seen = []
    assert source.steps_per_epoch == 2
    for step in range(2):
        images, given = source.batch(step)
        assert images.shape == (8, 1, 24, 24)
        assert given.dtype == torch.int64
        for image, label in zip(images.numpy(), given.tolist(), strict=True):
            nearest = min(expected, key=lambda id_: np.abs(expected[id_] - image).max())
            np.testing.assert_allclose(image, expected[nearest], atol=1e-4)
            assert label == labels[nearest]
            seen.append(nearest)
    assert sorted(seen) == sorted(expected)


def test_judging_gives_loss_and_score_of_whole_images(held_out):
    """The loss is the mean cross-entropy of the probabilities, the score that of the metric."""
    dataset, labels = held_out
    cases = ClassifierCases(dataset, labels, PREPARATION, FACTS, RECIPE)
    assert len(cases) == 10
    expected = []
    for sample in dataset.samples:
        prepared = PREPARATION(np.asarray(Image.open(sample.image))[..., None])
        brightness = prepared[0, 8:16, 8:16].mean(dtype=np.float64)
        expected.append((1 / (1 + np.exp(-brightness)), labels[sample.id]))
    judged = list(cases.judged(Reads(), PredictSettings()))
    assert [case[1] for case in judged] == [case[1] for case in expected]
    np.testing.assert_allclose([c[0] for c in judged], [c[0] for c in expected], atol=1e-6)
    right = [p if is_present else 1 - p for p, is_present in expected]
    for name, metric in CLASSIFIER_METRICS.items():
        loss, score = cases.judge(metric)(Reads())
        assert loss == pytest.approx(-np.log(right).mean(), abs=1e-6)
        assert score == pytest.approx(metric(judged)), name


def test_the_loop_learns_to_see_discs(training, held_out, tmp_path):
    """A small network trained by the common loop ranks unseen pictures with a disc above others."""
    torch.manual_seed(0)
    cases = ClassifierCases(*held_out, PREPARATION, FACTS, RECIPE)
    judge = cases.judge(CLASSIFIER_METRICS["cross_entropy"])
    fitted = fit(
        Blobs(),
        classifier_patch_source(*training, PREPARATION, RECIPE, 3),
        judge,
        cross_entropy,
        settings=RECIPE.train,
        validation=RECIPE.validation,
        budget=Budget(steps=80, seconds=None),
        clock=Clock(),
        reserve_s=lambda slowest_s: 0.0,
        folder=tmp_path,
        seed=3,
        precision="float32",
        device="cpu",
        is_resumed=False,
    )
    loss, auc = cases.judge(CLASSIFIER_METRICS["roc_auc"])(fitted.network)
    assert auc == 1.0
    assert loss < 0.4
    assert fitted.facts.best_score == pytest.approx(-loss, abs=1e-6)


@pytest.mark.parametrize(("label", "said"), [(True, "in every one"), (False, "in none")])
def test_labels_of_one_kind_are_refused_before_training(training, label, said):
    """Images that all hold something, or all nothing, can neither be learnt from nor ranked."""
    dataset, labels = training
    alike = dict.fromkeys(labels, label)
    message = rf"training holds 16 images, expected some .*{said}.*--split-file"
    with pytest.raises(LayoutError, match=message):
        classifier_patch_source(dataset, alike, PREPARATION, RECIPE, 1)
    with pytest.raises(LayoutError, match=rf"validation holds 16 images.*{said}"):
        ClassifierCases(dataset, alike, PREPARATION, FACTS, RECIPE)
