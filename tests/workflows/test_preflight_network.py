"""Memory, a few steps on two images, and time, before a training."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from delineate.cli.preflight_table import preflight_table
from delineate.core.errors import PreflightError, SettingsError
from delineate.recipe.recipe import load_recipe
from delineate.workflows import preflight_memory
from delineate.workflows.preflight_memory import Memory, free_bytes, memory_of, too_much
from delineate.workflows.preflight_trial import Trial, finding_of

GIB = 2**30


def dry(train_tiny, data, out, *changes, **options):
    """A dry run of the tiny network."""
    options = {"recipe": "general", "dry_run": True} | options
    return train_tiny(data, out, changes=changes, **options)


def test_a_dry_run_says_what_it_would_take(tiny_set, tmp_path, train_tiny):
    """The loss fell, time adds up, and nothing is written."""
    result = dry(train_tiny, tiny_set, tmp_path / "run", steps=500)
    found = result.document["estimate"]
    assert found["loss"]["last"] < found["loss"]["first"]
    step_s = found["step_s"] + found["patches_s"]
    validating_s = 60 * found["minutes"] - 500 * step_s
    images = validating_s / found["validation_s_an_image"] / 3  # validated three times
    assert images == pytest.approx(round(images), abs=0.7)
    assert found["steps"] == 500
    assert not (tmp_path / "run").exists()
    assert result.main_result == tiny_set


def test_minutes_give_a_number_of_steps(tiny_set, tmp_path, train_tiny):
    """Ten times the minutes are about ten times the steps, but for what times vary."""
    few, many = (
        dry(train_tiny, tiny_set, tmp_path / "run", minutes=minutes).document["estimate"]["steps"]
        for minutes in (1, 100)
    )
    assert many > 10 * few > 0


def test_short_trainings_are_not_tried(tiny_set, tmp_path, train_tiny):
    """But their memory is counted, and the report says why."""
    result = train_tiny(tiny_set, tmp_path / "run", recipe="general", steps=4)
    report = preflight_memory_report(result.folder)
    assert report["why_untried"] == "4 steps are fewer than 200"
    assert set(report["estimate"]) == {"memory"}


def preflight_memory_report(folder):
    """What the run keeps of its preflight."""
    return json.loads((folder / "preflight.json").read_text())


def test_the_trial_changes_no_bit_of_the_training(tiny_set, tmp_path, train_tiny, monkeypatch):
    """The same weights with a trial as without."""
    from safetensors.torch import load_file

    first = train_tiny(tiny_set, tmp_path / "tried", recipe="general", steps=200)
    assert preflight_memory_report(first.folder)["estimate"]["loss"]["steps"] >= 8
    monkeypatch.setattr("delineate.workflows.preflight_network._FEWEST_STEPS", 1000)
    second = train_tiny(tiny_set, tmp_path / "untried", recipe="general", steps=200)
    assert preflight_memory_report(second.folder)["why_untried"] is not None
    weights = [load_file(each.folder / "model" / "model.safetensors") for each in (first, second)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_rate_that_moves_nothing_is_stuck(tiny_set, tmp_path, train_tiny):
    """The loss on two images is what it was."""
    with pytest.raises(PreflightError, match=r"to fall, found .* --accept loss-stuck"):
        dry(train_tiny, tiny_set, tmp_path / "run", "train.learning_rate=1e-12")


def test_an_accepted_loss_that_is_no_number_can_be_written(tiny_set, tmp_path, train_tiny):
    """JSON knows no NaN: it is left out of the report, and said in the table."""
    result = dry(
        train_tiny,
        tiny_set,
        tmp_path / "run",
        "train.learning_rate=1e30",
        accept=["loss-diverges"],
    )
    assert result.document["estimate"]["loss"]["last"] is None
    assert json.loads(json.dumps(result.document, allow_nan=False)) == result.document
    assert any("no number after" in line for line in preflight_table(result.document))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [({"folds": 1}, "--folds 1: expected 2"), ({"seeds": 0}, "--seeds 0: expected 1")],
)
def test_a_dry_run_refuses_what_its_training_would(tmp_path, train_tiny, asked, expected):
    """Numbers that make no sense, before the data is read."""
    with pytest.raises(SettingsError, match=expected):
        dry(train_tiny, tmp_path / "nowhere", tmp_path / "run", **asked)


def test_a_trial_is_judged_by_its_last_losses():
    """Falling, stuck, too short to say, and no number."""
    plan = load_recipe("general")

    def name(*losses: float) -> str | None:
        found = finding_of(Trial(losses, 0.1, 0.1, 0.1), plan)
        return None if found is None else found.name

    assert name(*[1.0] * 5, *[0.9] * 15) is None
    assert name(*[1.0] * 20) == "loss-stuck"
    assert name(*[1.0] * 10, *[1.2] * 10) == "loss-stuck"
    assert name(*[1.0] * 19) is None
    assert name(1.0, float("nan")) == "loss-diverges"
    assert name(1.0, float("inf")) == "loss-diverges"


def memory(**bytes_: int | None) -> Memory:
    """Eight GiB for a batch, one for weights, two for images, and twelve free."""
    known = {"weights": GIB, "activations": 8 * GIB, "images": 2 * GIB, "free": 12 * GIB}
    known |= {"free_images": known["free"]} | bytes_
    return Memory(**known)


def test_what_fits_is_left_alone():
    """Eleven of twelve GiB; and where nobody says what is free."""
    plan = load_recipe("general")
    assert too_much(memory(), plan) is None
    assert too_much(memory(free=None), plan) is None


@pytest.mark.parametrize(
    ("free", "remedy"),
    [
        (10, "--set patches.cache_gb=0.5"),
        (7, "--set train.batch="),
        (1, "take smaller patches"),
    ],
)
def test_too_much_comes_with_what_to_change(free, remedy):
    """Fewer images kept, a smaller batch, smaller patches: what helps with the least harm."""
    finding = too_much(memory(free=free * GIB), load_recipe("general"))
    assert finding is not None
    assert finding.name == "memory"
    assert remedy in finding.text
    assert "needs about 11.0 GiB" in finding.text


def test_images_are_not_kept_on_an_accelerator():
    """They lie in the memory of the machine, which is another."""
    on_gpu = memory(free=10 * GIB, free_images=None)
    assert too_much(on_gpu, load_recipe("general")) is None


class _Network(nn.Module):
    """One convolution and a ramp, whose input and output are kept for the gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 2, 3, padding=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.convolution(images))


def test_memory_is_counted_by_hand():
    """20 weights of 4 bytes, kept five times; an input and an output of 16x16 px for each of 4."""
    from delineate.inference.preparation import Preparation

    plan = load_recipe("general", ("patches.size_px=[16,16]", "train.batch=4"))
    preparation = Preparation(channels=1, full_range=(0, 255), mean=(0,), deviation=(1,))
    found = memory_of(_Network(), plan, preparation, [], device="cpu", precision="float32")
    assert found.weights == 20 * 4 * 5
    assert found.activations == 1.5 * 4 * (1 + 2) * 16 * 16 * 4
    assert found.images == 0


def test_patches_that_nothing_could_hold_are_counted_all_the_same():
    """From smaller ones, of which as much is kept a pixel: 2 ** 40 px end no program."""
    from delineate.inference.preparation import Preparation

    plan = load_recipe("general", ("patches.size_px=[1048576,1048576]", "train.batch=1"))
    preparation = Preparation(channels=1, full_range=(0, 255), mean=(0,), deviation=(1,))
    found = memory_of(_Network(), plan, preparation, [], device="cpu", precision="float32")
    assert found.activations == 1.5 * 4 * (1 + 2) * 2**40
    assert too_much(found, plan) is not None


def test_a_group_may_allow_less_than_the_machine_has(tmp_path, monkeypatch):
    """What containers and batch systems hold a process to counts; dropped files are free."""
    monkeypatch.setattr(preflight_memory, "_CGROUP", tmp_path)
    monkeypatch.setattr(preflight_memory, "_OLD_CGROUP", tmp_path / "memory")
    before = free_bytes()
    assert before is not None
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("3000\n")
    (tmp_path / "memory.stat").write_text("anon 900\ninactive_file 700\n")
    assert free_bytes() == 2700
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes() is not None
    assert free_bytes() != 2700
