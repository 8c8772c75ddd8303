"""Trial steps of a network that is thrown away."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from delineate.core.errors import SettingsError
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.recipe.fingerprint import Machine
from delineate.recipe.recipe import load_recipe
from delineate.workflows import pace
from delineate.workflows.pace import measured_pace

SMALL = ("model.arguments={width = 4, depth = 1}", "patches.size_px=[32, 32]", "train.batch=1")
ONE_THREAD = Machine(device="cpu", threads=1, memory_gb=4.0)


@pytest.fixture
def training(tiny_set):
    """The tiny set, all of it for training."""
    dataset = settle_encodings(open_dataset(tiny_set))
    return replace(dataset, samples=tuple(replace(s, split="train") for s in dataset.samples))


def test_trials_leave_nothing_behind(training):
    """Neither torch's random numbers nor its threads are others after the trial."""
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    measured_pace(load_recipe("general", SMALL), training, replace(ONE_THREAD, threads=2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_patches_that_memory_cannot_hold_are_one_line(training):
    """As a change of the plan may ask for; what is not of memory is shown as it is."""
    huge = load_recipe("general", (*SMALL, "patches.size_px=[4000000, 4000000]"))
    with pytest.raises(SettingsError, match=r"^1 patches of \[4000000, .* needs more memory"):
        measured_pace(huge, training, ONE_THREAD)
    assert not pace._is_of_memory(RuntimeError("shapes do not fit"))
    assert pace._is_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you"))


def test_the_quickest_trial_counts(monkeypatch):
    """Interruptions and the first call, which sets memory up, are left out."""
    ticks = iter([0.0, 0.4, 1.0, 1.25, 2.0, 2.5])
    monkeypatch.setattr(pace, "thread_time", lambda: next(ticks))
    calls = []
    assert pace._quickest(lambda: calls.append(1), "cpu") == pytest.approx(0.25)
    assert len(calls) == 4  # one apart, then until a second is over


def test_several_classes_are_timed_too(write_set, tmp_path):
    """A softmax over three classes has a pace like any other."""
    dataset = settle_encodings(open_dataset(write_set(tmp_path / "data", classes=3)))
    training = replace(dataset, samples=tuple(replace(s, split="train") for s in dataset.samples))
    found = measured_pace(load_recipe("general", SMALL), training, ONE_THREAD)
    assert 0 < found.step_s < 60
    assert 0 < found.image_s < 60
