"""`delineate train`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from delineate.workflows.train import TrainResult

CARD = {
    "architecture": "unet",
    "parameters": 12_345,
    "training": {"steps": 3000, "minutes": 2.5},
    "classical": None,
    "validation": {"scores": {"pooled_dice": 0.81234, "pooled_roc_auc": None}},
    "threshold": {"value": 0.45, "values": None, "rule": "the highest Dice"},
}


def test_a_run_ends_in_a_model(run_folder):
    """Training leaves recipe, split, history and model, with the settings that were changed."""
    assert {"recipe.toml", "split.csv", "history.jsonl", "model"} <= {
        file.name for file in run_folder.iterdir()
    }
    card = json.loads((run_folder / "model" / "model.json").read_text())
    assert card["arguments"]["width"] == 4
    assert card["training"]["steps"] == 3
    assert card["training"]["threads"] == 1


def test_what_is_printed(delineate, monkeypatch):
    """The table says what was trained and how good it is, and the model folder comes last."""

    def finish(*_, **__):
        return TrainResult(Path("runs/a"), CARD)

    monkeypatch.setattr("delineate.workflows.train.train", finish)
    assert delineate("train", "data", "--out", "runs/a").stdout.splitlines() == [
        "model                      unet, 12,345 parameters",
        "trained                    3,000 steps, 2.5 min",
        "validation pooled dice     0.8123",
        "validation pooled roc auc  undefined",
        "threshold                  0.450, the highest Dice",
        "runs/a/model",
    ]


def test_what_is_printed_of_several_trainings(delineate, monkeypatch):
    """The table says how many members there are, and what is out of fold and cross-fitted."""
    card = CARD | {
        "members": ["members/fold1-seed0"] * 6,
        "training": {"steps": 3000, "minutes": 2.5, "folds": 3, "seeds": 2},
        "operating_points": [{"cross_fitted_score": 0.79876}],
    }
    monkeypatch.setattr(
        "delineate.workflows.train.train", lambda *_, **__: TrainResult(Path("runs/a"), card)
    )
    assert delineate("train", "data", "--out", "runs/a").stdout.splitlines() == [
        "model                       mean of 6, unet, 12,345 parameters",
        "trained                     3 folds, 2 seeds, 3,000 steps, 2.5 min",
        "out of fold pooled dice     0.8123",
        "out of fold pooled roc auc  undefined",
        "threshold                   0.450, the highest Dice",
        "cross-fitted                0.7988, each fold cut at what the others chose",
        "runs/a/model",
    ]


def test_every_option_reaches_the_work(delineate, monkeypatch):
    """What is given on the command line is what the workflow is called with."""
    called = {}

    def remember(source, out, *, progress, **options):
        called.update(options, source=source, out=out)
        return TrainResult(Path("r"), CARD)

    monkeypatch.setattr("delineate.workflows.train.train", remember)
    options = (
        "data --out r --recipe vessel --set train.batch=4 --set loss.dice=2 --minutes 3 "
        "--folds 5 --seeds 2 --resume --split-file s.csv --layout drive --masks 1=index "
        "--masks 2=invert --subjects ^(.) --seed 7 --device cpu --threads 2 --overwrite "
        "--review audit --allow-leakage --labels l.csv --encoder-weights random --overlapping "
        "--accept blank_images"
    )
    assert delineate("train", *options.split()).exit_code == 0
    assert called == {
        "source": Path("data"),
        "out": Path("r"),
        "recipe": "vessel",
        "changes": ("train.batch=4", "loss.dice=2"),
        "minutes": 3.0,
        "epochs": None,
        "steps": None,
        "folds": 5,
        "seeds": 2,
        "resume": True,
        "split_file": Path("s.csv"),
        "layout": "drive",
        "masks": ["1=index", "2=invert"],
        "subjects": "^(.)",
        "seed": 7,
        "device": "cpu",
        "threads": 2,
        "overwrite": True,
        "review": Path("audit"),
        "allow_leakage": True,
        "labels": Path("l.csv"),
        "encoder_weights": "random",
        "overlapping": True,
        "accept": ("blank_images",),
        "dry_run": False,
    }


def test_ctrl_c_says_how_to_go_on(pairs, tmp_path):
    """An interrupted run exits with 130 and names the command that goes on with it."""
    out = tmp_path / "run"
    program = [sys.executable, "-c", "from delineate.cli.main import run; run()"]
    quick = ["--threads", "1", "--device", "cpu", "--set", "model.arguments={width = 4, depth = 4}"]
    started = [*program, "train", str(pairs), "--out", str(out), *quick, "--minutes", "0.5"]
    # A shell ignores Ctrl-C for what it runs in the background, and tests may run there.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(started, stderr=subprocess.PIPE, text=True, preexec_fn=heard) as training:
        assert training.stderr is not None
        for line in training.stderr:
            if line.startswith("training ..."):
                break
        os.kill(training.pid, signal.SIGINT)
        _, said = training.communicate(timeout=60)
    assert training.returncode == 130, said
    assert said.splitlines()[-1] == (
        f"interrupted; {out} keeps the run up to its last checkpoint; "
        f"go on with: delineate train {pairs} --out {out} --resume"
    )
    assert "Traceback" not in said


def test_ctrl_c_before_there_is_a_run(delineate, tmp_path, monkeypatch):
    """Where nothing was written yet, that is what is said."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("delineate.workflows.train.train", interrupt)
    result = delineate("train", "data", "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert result.stderr == "interrupted; nothing was trained yet; start again\n"


@pytest.mark.parametrize("begun", ["checkpoints", "members", "gate", "segmenter"])
def test_ctrl_c_in_any_kind_of_run_says_how_to_go_on(delineate, tmp_path, monkeypatch, begun):
    """One training, several, and either stage of two can be gone on with."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("delineate.workflows.train.train", interrupt)
    run = tmp_path / "run"
    (run / begun).mkdir(parents=True)
    (run / "run.json").write_text("{}")
    result = delineate("train", "data", "--out", run)
    assert result.exit_code == 130
    assert result.stderr.endswith(f"go on with: delineate train data --out {run} --resume\n")


@pytest.mark.parametrize("options", [["--recipe", "general"], ["--set", "train.batch=4"]])
def test_resume_refuses_another_recipe(delineate, run_folder, options):
    """A resumed run takes its recipe from the run folder and nowhere else."""
    data = run_folder.parent / "data"
    result = delineate("train", data, "--out", run_folder, "--resume", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --resume: ")
