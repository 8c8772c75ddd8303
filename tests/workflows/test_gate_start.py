"""A gate that begins with what the segmenter of the same fold has learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from delineate.core.checks import sha256_of_file
from delineate.core.errors import SettingsError
from delineate.inference.model import load_model
from delineate.inference.model_folder import WEIGHTS, read_card
from delineate.workflows.train import train

RECIPE = """
name = "begins"
description = "The gate is the way down of the segmenter's network."

[folds]
count = 2

[gate]
name = "gate"
description = "Is there a block?"
task = "classify"

[gate.prepare]
size_px = [32, 32]

[gate.patches]
size_px = [32, 32]

[gate.model]
architecture = "unet_classifier"
arguments = { widths = [4, 8] }
encoder_weights = "segmenter"

[gate.train]
batch = 4
learning_rate = 1e-9
warmup_share = 0.0
average_decay = 0.0
precision = "float32"

[gate.validation]
times = 1

[segmenter]
name = "segmenter"
description = "Where is it?"

[segmenter.prepare]
size_px = [32, 32]

[segmenter.patches]
size_px = [32, 32]

[segmenter.model]
arguments = { widths = [4, 8] }

[segmenter.train]
batch = 4
precision = "float32"

[segmenter.validation]
times = 1
"""
SUBJECTS = r"^(?:.*/)?(s\d+)_"
WHAT = {"steps": 3, "device": "cpu", "threads": 1}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two images of each of eight subjects, with a block on every other one, and the recipe."""
    root = tmp_path_factory.mktemp("begins")
    rng = np.random.default_rng(8)
    for folder in ("images", "masks"):
        (root / "data" / folder).mkdir(parents=True)
    for number in range(16):
        mask = np.zeros((32, 32), np.uint8)
        if number % 2:
            mask[4:16, 6:18] = 255
        image = rng.integers(0, 80, mask.shape) + mask // 2
        name = f"s{number // 2}_{number % 2}.png"
        Image.fromarray(image.astype(np.uint8)).save(root / "data" / "images" / name)
        Image.fromarray(mask).save(root / "data" / "masks" / name)
    (root / "begins.toml").write_text(RECIPE)
    return root


@pytest.fixture(scope="module")
def run(films: Path) -> Path:
    """Both stages, trained for three steps each; the gate at next to no rate."""
    recipe = str(films / "begins.toml")
    train(films / "data", films / "run", recipe=recipe, subjects=SUBJECTS, **WHAT)
    return films / "run"


@pytest.mark.parametrize("member", ["fold1-seed0", "fold2-seed0"])
def test_each_fold_begins_with_its_own_segmenter(run: Path, member: str) -> None:
    """The kernels of the gate are those of the segmenter that saw the same images, and no other."""
    weights = {
        stage: run / stage / "members" / member / "model" / WEIGHTS
        for stage in ("gate", "segmenter")
    }
    gate, segmenter = (load_file(weights[stage]) for stage in ("gate", "segmenter"))
    first = "encoder.0.0.0.weight"
    np.testing.assert_allclose(gate[first].numpy(), segmenter[first].numpy(), atol=1e-6)
    other = {"fold1-seed0": "fold2-seed0", "fold2-seed0": "fold1-seed0"}[member]
    strange = load_file(run / "segmenter" / "members" / other / "model" / WEIGHTS)
    assert np.abs(gate[first].numpy() - strange[first].numpy()).max() > 1e-4
    said = read_card(run / "gate" / "members" / member).training["encoder_weights"]
    assert f"sha256 {sha256_of_file(weights['segmenter'])[:12]}" in said


def test_whole_model_predicts(run: Path, films: Path) -> None:
    """The gate looks first, whatever it began with."""
    image = np.array(Image.open(films / "data" / "images" / "s0_1.png"))
    assert load_model(run).predict(image).gate is not None


def test_stopped_before_the_gate_goes_on_to_the_same_bits(films: Path, run: Path) -> None:
    """What the segmenter learnt is there when the gate begins in a second call."""
    from delineate.workflows import train_two_stage as stages

    recipe = str(films / "begins.toml")
    again = films / "again"
    with pytest.MonkeyPatch.context() as patch:
        real = stages.train_folds

        def stopped(plan, asked, out, **more):
            if out.name == "gate":
                raise KeyboardInterrupt
            return real(plan, asked, out, **more)

        patch.setattr(stages, "train_folds", stopped)
        with pytest.raises(KeyboardInterrupt):
            train(films / "data", again, recipe=recipe, subjects=SUBJECTS, **WHAT)
    train(films / "data", again, resume=True)
    for folder in ("gate", "segmenter"):
        card, other = (
            read_card(each / folder / "members" / "fold2-seed0") for each in (run, again)
        )
        assert card.weights_sha256 == other.weights_sha256


def test_gate_of_other_levels_is_refused_before_anything_is_read(films: Path) -> None:
    """Only the way down of the same network can take the segmenter's weights."""
    for change, found in [
        ("gate.model.arguments={widths = [4, 6]}", r"widths.: \[4, 6\]"),
        ("segmenter.model.architecture=unetpp", "found unet_classifier with .* and unetpp"),
        ("gate.prepare.channels=colour", "needs a gate of architecture unet_classifier"),
        ("segmenter.model.encoder_weights=segmenter", "cannot start from itself"),
    ]:
        with pytest.raises(SettingsError, match=found):
            train("nowhere", films / "no", recipe=str(films / "begins.toml"), changes=(change,))


def test_network_alone_has_no_segmenter_to_begin_with(films: Path) -> None:
    """One network says so in one line."""
    changes = ("model.encoder_weights=segmenter",)
    with pytest.raises(SettingsError, match="is for the gate of a recipe of two stages"):
        train(films / "data", films / "no", recipe="general", changes=changes)
    assert not (films / "no").exists()
