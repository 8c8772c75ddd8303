"""Training from a folder to a run, interrupted or not."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from delineate.auditing.review.review_log import ReviewLog
from delineate.core.checks import sha256_of_file
from delineate.core.errors import (
    LayoutError,
    LeakageError,
    OutputExistsError,
    SettingsError,
    SizeMismatchError,
)
from delineate.data.splitting import read_split
from delineate.inference.model_folder import read_card
from delineate.recipe.recipe import load_recipe
from delineate.workflows.train import train

CONFTEST = Path(__file__).with_name("conftest.py")
START = f"""
import importlib.util, sys
from delineate.training import loop
spec = importlib.util.spec_from_file_location("tiny", {str(CONFTEST)!r})
tiny = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tiny)
loop._CHECKPOINT_EVERY_S = float(sys.argv[3])
print("ready", flush=True)
tiny.train_tiny(tiny.Path(sys.argv[1]), tiny.Path(sys.argv[2]), steps=400)
"""


def _conftest():
    import importlib.util

    spec = importlib.util.spec_from_file_location("tiny_sets", CONFTEST)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def history(folder: Path) -> list[dict]:
    """The rows of a run without their times."""
    lines = (folder / "history.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "elapsed_s"} for line in lines]


def test_a_run_holds_what_is_promised(tiny_run):
    """Recipe, split, history, checkpoints, curves and model are there, and fit together."""
    names = {file.name for file in tiny_run.iterdir()}
    assert {"recipe.toml", "run.json", "split.csv", "history.jsonl", "curves.svg"} <= names
    assert {file.name for file in (tiny_run / "model").iterdir()} == {
        "model.safetensors", "model.json", "README.md",
    }  # fmt: skip
    card = read_card(tiny_run)
    recipe = load_recipe(str(tiny_run / "recipe.toml"))
    assert card.arguments == {"width": 4, "depth": 1} == recipe.model.arguments
    assert card.weights_sha256 == sha256_of_file(tiny_run / "model" / "model.safetensors")
    assert card.training["steps"] == 160
    assert card.training["patches"] == 320
    assert card.threshold.value is not None
    assert card.validation["scores"]["pooled_dice"] > 0.5  # bright blocks on dark: it learns
    rows = history(tiny_run)
    assert [row["step"] for row in rows] == [54, 107, 160]
    best = max(rows, key=lambda row: row["validation_score"])
    assert card.training["kept_step"] == best["step"]


def test_split_is_by_subject(tiny_run):
    """All three parts are there, and both images of a subject are in one of them."""
    split = read_split(tiny_run / "split.csv")
    assert set(split.values()) == {"train", "validation", "test"}
    assert len(split) == 12
    for subject in range(6):
        assert split[f"s{subject}_0"] == split[f"s{subject}_1"]


def test_the_kept_weights_are_the_best_averaged_ones(tiny_run):
    """The model is what stands as the average in the best checkpoint."""
    model = load_file(tiny_run / "model" / "model.safetensors")
    best = load_file(tiny_run / "checkpoints" / "best.safetensors")
    assert all(torch.equal(tensor, best[f"average/{name}"]) for name, tensor in model.items())


def test_same_seed_same_weights_and_another_seed_not(tiny_set, tmp_path, train_tiny):
    """Training twice gives the same bits; another seed gives others."""
    digests = [
        read_card(train_tiny(tiny_set, tmp_path / name, seed=seed).folder).weights_sha256
        for name, seed in [("a", 1), ("b", 1), ("c", 2)]
    ]
    assert digests[0] == digests[1] != digests[2]


def test_minutes_end_training_and_leave_a_model(tiny_set, tmp_path, train_tiny):
    """A budget of minutes that is all but used up ends after a step, and the model is written."""
    result = train_tiny(tiny_set, tmp_path / "run", minutes=0.001)
    card = read_card(result.folder)
    assert card.training["steps"] == 1
    assert card.training["budget_minutes"] == 0.001
    assert history(result.folder)[-1]["step"] == 1


def test_epochs_are_steps_over_all_images(tiny_set, tmp_path, train_tiny):
    """Two epochs of the training images, in batches of two."""
    result = train_tiny(tiny_set, tmp_path / "run", epochs=2)
    images = result.document["training"]["images"]["train"]
    assert result.document["training"]["steps"] == 2 * -(-images // 2)


def test_budgets_exclude_each_other(tiny_set, tmp_path, train_tiny):
    """Two budgets are one too many, and nothing is written."""
    with pytest.raises(SettingsError, match="exclude each other"):
        train_tiny(tiny_set, tmp_path / "run", minutes=1, steps=4)
    with pytest.raises(SettingsError, match="expected more than nothing"):
        train_tiny(tiny_set, tmp_path / "run", steps=0)
    assert not (tmp_path / "run").exists()


def test_a_leaking_split_is_refused(tiny_set, tiny_run, tmp_path, train_tiny):
    """A split file with one subject on both sides is an error that names the subject."""
    with (tiny_run / "split.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["split"] = "validation" if row["id"].endswith("_1") else "train"
    with (tmp_path / "split.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(LeakageError, match="s0"):
        train_tiny(tiny_set, tmp_path / "run", split_file=tmp_path / "split.csv")
    assert not (tmp_path / "run").exists()


def test_an_existing_folder_is_refused(tiny_set, tmp_path, train_tiny):
    """A folder that holds anything is kept, unless it is ours and is to be overwritten."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    for options in ({}, {"overwrite": True}):
        with pytest.raises(OutputExistsError, match="run"):
            train_tiny(tiny_set, tmp_path / "run", steps=1, **options)
    assert (tmp_path / "run" / "thesis.txt").read_text() == "mine"


def test_overwrite_starts_anew(tiny_set, tmp_path, train_tiny):
    """A run that is overwritten leaves no row or checkpoint of the one before."""
    train_tiny(tiny_set, tmp_path / "run", steps=6)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        train_tiny(tiny_set, tmp_path / "run", steps=3)
    train_tiny(tiny_set, tmp_path / "run", steps=3, overwrite=True)
    assert [row["step"] for row in history(tmp_path / "run")] == [1, 2, 3]


@pytest.mark.parametrize("fault", ["size", "missing", "no masks", "unknown loss", "unknown model"])
def test_bad_input_leaves_no_folder(tmp_path, write_set, train_tiny, fault):
    """Data or names that cannot be used are an error before anything is written."""
    data = write_set(tmp_path / "data")
    mask = data / "masks" / "s1_0.png"
    changes, expected = (), (LayoutError, "mask")
    if fault == "size":
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(mask)
        expected = (SizeMismatchError, "s1_0")
    elif fault == "missing":
        mask.unlink()
        expected = (LayoutError, "s1_0")
    elif fault == "no masks":
        for file in (data / "masks").iterdir():
            file.unlink()
    elif fault == "unknown loss":
        changes, expected = ("loss.dise=1",), (SettingsError, "did you mean 'dice'")
    else:
        changes, expected = ("model.architecture=unett",), (SettingsError, "did you mean 'unet'")
    with pytest.raises(expected[0], match=expected[1]):
        train_tiny(data, tmp_path / "run", steps=20, changes=changes)
    assert not (tmp_path / "run" / "model").exists()
    if fault != "size":  # sizes are seen as pixels are read
        assert not (tmp_path / "run").exists()


def test_changed_options_are_refused_on_resume(tiny_set, tiny_run):
    """A resumed run takes everything from its folder; what differs is named with both values."""
    for options, message in [
        ({"seed": 5}, r"--seed 5: this run was started with 0"),
        ({"steps": 41}, r"--steps 41: .*started with 160"),
        ({"minutes": 3}, r"--minutes 3: .*started with None"),
        ({"threads": 2}, r"--threads 2: .*started with 1"),
        ({"changes": ["train.batch=4"]}, "recipe, settings, epochs, split and labels come from"),
        ({"epochs": 2}, "recipe, settings, epochs, split and labels come from"),
        ({"recipe": "general"}, "recipe, settings, epochs, split and labels come from"),
    ]:
        with pytest.raises(SettingsError, match=message):
            train(tiny_set, tiny_run, resume=True, **options)


def test_resuming_a_finished_run_changes_nothing(tiny_set, tmp_path, train_tiny):
    """The same weights and history once more."""
    run = train_tiny(tiny_set, tmp_path / "run").folder
    before, rows = read_card(run).weights_sha256, history(run)
    train_tiny(tiny_set, run, resume=True)
    assert read_card(run).weights_sha256 == before
    assert history(run) == rows


def killed(data: Path, out: Path, *, every_s: float, is_time) -> None:
    """Train 400 steps in a process of its own, and kill it once it is time."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(data), str(out), str(every_s)],
        stdout=subprocess.PIPE,
        env=environment,
    )
    try:
        until = monotonic() + 300
        while not is_time() and monotonic() < until:
            assert process.poll() is None, "training ended before it could be killed"
            sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (out / "model").exists()


@pytest.fixture(scope="module")
def whole_run(tiny_set) -> Path:
    """400 steps without an interruption."""
    return _conftest().train_tiny(tiny_set, tiny_set.parent / "whole", steps=400).folder


def require_equal_runs(first: Path, second: Path) -> None:
    """The same weights, optimiser, averages and history, bit for bit."""
    for name in ("model/model.safetensors", "checkpoints/last.safetensors"):
        one, other = load_file(first / name), load_file(second / name)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[each], other[each]) for each in one), name
    assert history(first) == history(second)
    for name in ("recipe.toml", "split.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_killed_and_resumed_equals_never_killed(tiny_set, whole_run, tmp_path, train_tiny):
    """SIGKILL at a random moment after some checkpoints: the final bits are the same."""
    out, rng = tmp_path / "run", np.random.default_rng()
    wait_s = rng.uniform(0, 0.3)  # a random moment is what is to be tested
    last = out / "checkpoints" / "last.safetensors"

    def is_time() -> bool:
        if last.exists() and (out / "history.jsonl").exists():
            sleep(wait_s)
            return True
        return False

    killed(tiny_set, out, every_s=0.0, is_time=is_time)
    stopped_at = len(history(out))
    assert 1 <= stopped_at < 3
    train_tiny(tiny_set, out, resume=True)
    require_equal_runs(whole_run, out)


def test_killed_before_the_first_checkpoint(tiny_set, whole_run, tmp_path, train_tiny):
    """Then a resume starts over with the same facts, and ends with the same bits."""
    out = tmp_path / "run"
    killed(tiny_set, out, every_s=1e9, is_time=(out / "checkpoints").exists)
    assert not list((out / "checkpoints").iterdir())
    train_tiny(tiny_set, out, resume=True)
    require_equal_runs(whole_run, out)


def test_three_classes_in_palettes_are_trained(classes_run):
    """Palette masks give three classes, a softmax, and no threshold."""
    card = read_card(classes_run)
    assert [each.index for each in card.classes] == [0, 1, 2]
    assert card.output_channels == 3
    assert card.threshold.value is None


def test_copies_in_train_and_validation_are_refused(leaking_set, tmp_path, train_tiny, split_of):
    """A flipped copy on both sides is named before anything is written."""
    split_file = split_of(tmp_path / "split.csv", s5="validation")
    with pytest.raises(LeakageError, match=r"s0_0 \(train\) and s5_1 \(validation\).*--allow"):
        train_tiny(leaking_set, tmp_path / "run", split_file=split_file, subjects=None)
    assert not (tmp_path / "run").exists()


def test_an_allowed_leak_is_recorded(leaking_set, tmp_path, train_tiny, split_of):
    """The run says that leaks were allowed, and which there were."""
    split_file = split_of(tmp_path / "split.csv", s5="validation")
    options = {"split_file": split_file, "subjects": None, "allow_leakage": True}
    run = train_tiny(leaking_set, tmp_path / "run", **options).folder
    document = json.loads((run / "run.json").read_text())
    assert document["facts"]["allow_leakage"] is True
    assert document["leaks"]["counts"] == {"leaked_twins": 1}
    assert document["leaks"]["found"][0]["samples"] == {"s0_0": "train", "s5_1": "validation"}


def test_copies_in_train_and_test_are_refused(leaking_set, tmp_path, train_tiny):
    """A leaking test split is known before hours of training, not after."""
    split_file = leaking_set.parent / "split.csv"
    with pytest.raises(LeakageError, match=r"1 image file .* 1 picture with copies"):
        train_tiny(leaking_set, tmp_path / "run", split_file=split_file, subjects=None)


def test_damaged_test_cases_do_not_stop_a_training(leaking_set, tmp_path, train_tiny, split_of):
    """Test masks are never read, and test images that cannot be are passed over."""
    data = shutil.copytree(leaking_set, tmp_path / "data")
    for number in range(2):
        (data / "images" / f"s5_{number}.png").write_bytes(b"no image")
        (data / "masks" / f"s2_{number}.png").write_bytes(b"no mask")
    split_file = split_of(tmp_path / "split.csv", s4="train", s2="test", s3="validation", s5="test")
    run = train_tiny(data, tmp_path / "run", split_file=split_file, subjects=None).folder
    assert json.loads((run / "run.json").read_text())["leaks"] is None


@pytest.mark.parametrize("states_train", [False, True])
def test_our_own_split_keeps_copies_together(leaking_set, tmp_path, train_tiny, states_train):
    """Split anew, or with validation taken from train: copies are on one side, and it is said."""
    split_file = None
    if states_train:
        split_file = tmp_path / "split.csv"
        ids = [f"s{n // 2}_{n % 2}" for n in range(12)]
        split_file.write_text("id,split\n" + "".join(f"{id_},train\n" for id_ in ids))
    options = {"split_file": split_file, "subjects": None, "seed": 3}
    run = train_tiny(leaking_set, tmp_path / "run", **options).folder
    parts = read_split(run / "split.csv")
    assert parts["s0_0"] == parts["s5_1"]
    assert parts["s1_0"] == parts["s4_0"]
    origin = json.loads((run / "run.json").read_text())["facts"]["split_origin"]
    assert origin.endswith("2 groups of copies kept on one side")


def test_a_review_is_applied_and_kept(leaking_set, tmp_path, train_tiny, split_of, review_of):
    """Masks are changed and images dropped for this run, which keeps log, masks and digest."""
    audit = review_of(("flipped", "union"), ("s2_0", "drop"))
    split_file = split_of(tmp_path / "split.csv", s3="validation", s2="test")
    options = {"split_file": split_file, "subjects": None}
    run = train_tiny(leaking_set, tmp_path / "run", review=audit, **options).folder
    document = json.loads((run / "run.json").read_text())
    assert document["facts"]["review"] == str(audit)
    assert document["review"]["relabelled"] == ["s5_1"]
    assert document["review"]["dropped"] == ["s2_0"]
    assert len(document["review"]["decisions"]) == 2
    assert sha256_of_file(run / "review" / "review.sqlite") == document["review"]["sha256"]
    assert read_split(run / "split.csv") == read_split(split_file)  # s2_0 stood in test before
    assert len(list((run / "review").glob("s5_1*.png"))) == 1
    plain = train_tiny(leaking_set, tmp_path / "plain", **options).folder
    assert read_card(plain).training["data_sha256"] != read_card(run).training["data_sha256"]


def test_a_run_under_a_review_is_resumed_as_it_was(
    leaking_set, tmp_path, train_tiny, split_of, review_of
):
    """Later decisions change nothing: the run goes on under its own copy of the review."""
    audit = review_of(("flipped", "union"), ("s2_0", "drop"))
    split_file = split_of(tmp_path / "split.csv", s3="validation", s2="test")
    options = {"split_file": split_file, "subjects": None, "review": audit}
    run = train_tiny(leaking_set, tmp_path / "run", **options).folder
    before, rows = read_card(run).weights_sha256, history(run)
    ReviewLog.open(audit).undo(1)
    with pytest.raises(SettingsError, match=r"--review .*: this run was started with"):
        train(leaking_set, run, resume=True, review=tmp_path)
    train(leaking_set, run, resume=True, review=audit, threads=1)
    (audit / "review.sqlite").unlink()
    train(leaking_set, run, resume=True, threads=1)
    assert read_card(run).weights_sha256 == before
    assert history(run) == rows


def test_a_review_may_not_lie_where_the_run_is_written(leaking_set, train_tiny, review_of):
    """An output that holds the review would be emptied before it is read."""
    audit = review_of()
    (audit / ".delineate").touch()
    with pytest.raises(OutputExistsError, match=r"(holds|is) the input"):
        train_tiny(leaking_set, audit, subjects=None, review=audit, overwrite=True)
    assert (audit / "review.sqlite").is_file()


def test_a_review_knows_copies_in_test_without_opening_them(
    leaking_set, tmp_path, train_tiny, split_of, review_of
):
    """An audit has seen the test images: its copies count as one subject for the training."""
    split_file = split_of(tmp_path / "split.csv", s3="validation", s4="test")
    options = {"split_file": split_file, "subjects": None, "review": review_of()}
    with pytest.raises(LeakageError, match=r"twins of s1_0 \(in train and test\)"):
        train_tiny(leaking_set, tmp_path / "run", **options)


@pytest.mark.parametrize(
    ("keep", "chosen"), [("best", "checkpoint and threshold"), ("last", "threshold")]
)
def test_the_card_says_what_else_its_validation_cases_decided(
    tiny_set: Path, tmp_path: Path, train_tiny, keep: str, chosen: str
) -> None:
    """A checkpoint is said to be chosen only where one was."""
    train_tiny(tiny_set, tmp_path / "run", changes=[f"train.keep='{keep}'"])
    rule = read_card(tmp_path / "run").validation["rule"]
    assert f"the split on which the {chosen} w" in rule
