"""From a folder to a planned recipe, and to a run that was trained by it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from delineate.core.errors import LayoutError, OutputExistsError, SettingsError
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.inference.model_folder import read_card
from delineate.recipe.recipe import load_recipe
from delineate.workflows import fingerprint as fingerprints
from delineate.workflows import plan as plans
from delineate.workflows.plan import plan
from delineate.workflows.train import train

TINY = ("model.arguments={width = 4, depth = 1}", "train.batch=2", "train.precision=float32")


def document_of(folder: Path) -> dict:
    """The JSON beside a plan."""
    return json.loads((folder / "plan.json").read_text())


@pytest.fixture(scope="module")
def planned(tiny_set, tmp_path_factory) -> Path:
    """A plan of the tiny set, without a limit of time."""
    out = tmp_path_factory.mktemp("planned") / "plan"
    plan(tiny_set, out, threads=1)
    return out


def test_the_file_is_the_recipe(planned):
    """The TOML loads as the recipe that the JSON holds, and says why."""
    document = document_of(planned)
    recipe = load_recipe(str(planned / "recipe.toml"))
    assert recipe.model_dump(mode="json", exclude_none=True) == document["recipe"]
    assert recipe.patches.size_px == (64, 64)  # the whole of 41 x 37 px, in steps of 32
    text = (planned / "recipe.toml").read_text()
    assert "# the whole of a reduced image" in text
    assert document["fingerprint"]["size_px"] == [41, 37]
    assert document["fingerprint"]["classes"][0]["width_px"] == pytest.approx(12, abs=1)
    assert document["pace"] is None


def test_training_without_a_recipe_is_training_on_the_plan(tiny_set, planned, tmp_path):
    """The default of `train` and the planned file give the same weights, to the last bit."""
    options = {"steps": 3, "threads": 1, "changes": TINY, "device": "cpu"}
    train(tiny_set, tmp_path / "default", **options)
    train(tiny_set, tmp_path / "named", recipe="planned", **options)
    train(tiny_set, tmp_path / "file", recipe=str(planned / "recipe.toml"), **options)
    first, *others = (
        load_file(tmp_path / name / "model" / "model.safetensors")
        for name in ("default", "named", "file")
    )
    for other in others:
        assert all(np.array_equal(first[name], other[name]) for name in first)


def test_a_run_keeps_its_reasons(tiny_set, tmp_path):
    """The run has the plan beside its recipe, where a change says that it was asked for."""
    run = tmp_path / "run"
    train(tiny_set, run, steps=2, threads=1, changes=(*TINY, "about.title=Blocks"))
    assert read_card(run).title == load_recipe(str(run / "recipe.toml")).about.title == "Blocks"
    choices = {each["setting"]: each for each in document_of(run)["choices"]}
    assert choices["train.batch"]["value"] == 2
    assert choices["train.batch"]["reason"] == "as asked for: --set train.batch=2"
    assert choices["model.arguments"]["value"] == {"width": 4, "depth": 1}
    assert "# as asked for: --set train.batch=2\nbatch = 2" in (run / "recipe.toml").read_text()
    assert "as asked for" not in choices["train.learning_rate"]["reason"]


def test_a_planned_run_is_resumed_like_any_other(tiny_set, tmp_path, monkeypatch):
    """What is taken up follows the recipe of the run, and plans nothing anew."""
    run = tmp_path / "run"
    train(tiny_set, run, steps=2, threads=1, changes=TINY)
    before = (run / "recipe.toml").read_bytes()
    monkeypatch.setattr(plans, "fingerprint", None)
    train(tiny_set, run, resume=True)
    assert (run / "recipe.toml").read_bytes() == before


def test_minutes_are_planned_at_a_measured_pace(tiny_set, tmp_path):
    """The pace is a power of two, and validations follow from it; without one they do not."""
    plan(tiny_set, tmp_path / "plan", minutes=0.5, threads=1)
    document = document_of(tmp_path / "plan")
    for seconds in document["pace"].values():
        assert np.log2(seconds) == pytest.approx(round(np.log2(seconds)), abs=1e-3)
    assert document["machine"]["minutes"] == 0.5


def test_nothing_of_the_test_part_is_looked_at(tmp_path, write_set, split_of):
    """Masks of test that cannot be decoded, and images there of any tone, change nothing."""
    data = write_set(tmp_path / "data")
    parts = split_of(tmp_path / "parts.csv", s0="test", s1="test", s5="validation")
    ids = ["s0_0", "s0_1", "s1_0", "s1_1"]
    before = plan(data, tmp_path / "before", split_file=parts).document
    for id_ in ids:
        Image.fromarray(np.full((41, 37), 255, np.uint8)).save(data / "images" / f"{id_}.png")
        (data / "masks" / f"{id_}.png").write_bytes(b"no mask")
    after = plan(data, tmp_path / "after", split_file=parts).document
    assert after == before
    assert after["fingerprint"]["images"] == 6


def test_rare_findings_are_looked_for(tmp_path, write_set, monkeypatch):
    """Where the first images hold too little to find, others are looked at until some do."""
    data = write_set(tmp_path / "data", subjects=20)
    for file in sorted((data / "masks").iterdir())[:-9]:
        Image.fromarray(np.zeros((41, 37), np.uint8)).save(file)
    monkeypatch.setattr(fingerprints, "MOST_IMAGES", 8)
    dataset = settle_encodings(open_dataset(data))
    training = replace(
        dataset, samples=tuple(replace(each, split="train") for each in dataset.samples)
    )
    found = fingerprints.fingerprint(training)
    assert found.images == found.looked_at == 40
    assert found.empty_share == 31 / 40
    assert found.classes[0].image_share == 9 / 40


def test_nothing_to_find_cannot_be_planned(tmp_path, write_set):
    """Masks that are all empty are refused, and nothing is written."""
    data = write_set(tmp_path / "data")
    for file in (data / "masks").iterdir():
        Image.fromarray(np.zeros((41, 37), np.uint8)).save(file)
    with pytest.raises(LayoutError, match="expected something to find in the training masks"):
        plan(data, tmp_path / "plan", masks="binary")
    assert not (tmp_path / "plan").exists()


def test_wrong_changes_are_refused_before_data_is_read(tmp_path):
    """A setting that does not exist stops at once, with the nearest one."""
    with pytest.raises(SettingsError, match=r"did you mean 'train\.batch'"):
        train(tmp_path / "nowhere", tmp_path / "run", changes=("train.bacth=2",))


@pytest.mark.parametrize("minutes", [0, -1, float("inf"), float("nan")])
def test_no_time_is_refused_before_data_is_read(tmp_path, minutes):
    """Time that no training can have is no time to plan for."""
    with pytest.raises(SettingsError, match="expected more than nothing"):
        plan(tmp_path / "nowhere", tmp_path / "plan", minutes=minutes)


def test_a_plan_replaces_only_plans(tiny_set, tmp_path):
    """A file by name is refused where it exists, and never taken from somebody else."""
    file = tmp_path / "mine.toml"
    file.write_text("name = 'mine'\n")
    with pytest.raises(OutputExistsError, match="the plan exists"):
        plan(tiny_set, file)
    with pytest.raises(OutputExistsError, match="and this is none"):
        plan(tiny_set, file, overwrite=True)
    other = tmp_path / "other.toml"
    plan(tiny_set, other)
    again = plan(tiny_set, other, overwrite=True)
    assert again.path == other
    assert (tmp_path / "other.json").is_file()
    assert file.read_text() == "name = 'mine'\n"
    with pytest.raises(OutputExistsError, match="choose another"):
        plan(tiny_set, tmp_path)
