"""A tiny set, and a run that was trained on it for a few steps."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from delineate.auditing.findings.finding import Finding
from delineate.auditing.pictures.orientation import orientation_matrix
from delineate.auditing.review.review_log import ReviewLog
from delineate.core.checks import sha256_of_file
from delineate.core.types import VERDICTS, default_classes
from delineate.files.writing import write_json
from delineate.inference.model_card import ModelCard, NamedClass, Threshold
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.inference.weights import save_network
from delineate.models.catalogue import build_classifier, build_model
from delineate.workflows.evaluate import evaluate
from delineate.workflows.train import train

UNIT = {"width": 4, "depth": 1}
ENCODER = {"encoder": "test_resnet", "head": "pneumothorax"}
SUBJECTS = r"^(?:.*/)?(s\d+)_"
TINY = (
    "patches.size_px=[16, 16]",
    "patches.foreground_share=0.5",
    "model.arguments={width = 4, depth = 1}",
    "prepare.longest_side_px=none",
    "train.batch=2",
    "train.precision=float32",
    "train.learning_rate=0.02",
    "train.average_decay=0.9",
    "validation.times=3",
    "predict.tile_px=32",
    "predict.margin_px=4",
    "predict.blend_px=4",
)


def write_set(root: Path, *, classes: int = 2, subjects: int = 6) -> Path:
    """`images/` beside `masks/`: two grey pictures a subject of 41x37 with bright blocks.

    Two classes are masks of 0 and 255; more are palette indices.
    """
    rng = np.random.default_rng(11)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(2 * subjects):
        labels = np.zeros((41, 37), np.uint8)
        for index in range(1, classes):
            row, column = rng.integers(0, 25, 2)
            labels[row : row + 12, column : column + 12] = index
        image = rng.integers(0, 80, labels.shape) + labels * (160 // (classes - 1))
        name = f"s{number // 2}_{number % 2}.png"
        Image.fromarray(image.astype(np.uint8)).save(root / "images" / name)
        mask = Image.fromarray(labels * 255 if classes == 2 else labels)
        if classes > 2:
            mask.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0] + [9] * 759)
        mask.save(root / "masks" / name)
    return root


def train_tiny(data: Path, out: Path, *, changes=(), **options):
    """Train a network of a few hundred parameters; 12 steps unless told otherwise."""
    if not {"steps", "minutes", "epochs", "resume"} & set(options):
        options["steps"] = 12
    if not options.get("resume"):
        options.setdefault("subjects", SUBJECTS)
        options["changes"] = (*TINY, *changes)
        options.setdefault("recipe", "general")
    return train(data, out, device="cpu", threads=1, **options)


def plant_copies(root: Path) -> Path:
    """Make s5_1 a flipped copy of s0_0 with half of its mask, and s4_0 the same file as s1_0."""
    for folder in ("images", "masks"):
        with Image.open(root / folder / "s0_0.png") as picture:
            flipped = np.asarray(picture)[:, ::-1].copy()
        if folder == "masks":
            flipped[:, : int(np.flatnonzero(flipped.any(axis=0))[0]) + 6] = 0
        Image.fromarray(flipped).save(root / folder / "s5_1.png")
    shutil.copy(root / "images" / "s1_0.png", root / "images" / "s4_0.png")
    return root


def split_of(path: Path, **subjects: str) -> Path:
    """A split file with all images of a subject in one part: train unless said."""
    ids = [f"s{n // 2}_{n % 2}" for n in range(12)]
    rows = [f"{id_},{subjects.get(id_[:2], 'train')}" for id_ in ids]
    path.write_text("\n".join(["id,split", *rows]) + "\n")
    return path


def write_part(
    folder: Path,
    task: str,
    *,
    head: bool = False,
    longest_side_px: int | None = None,
    **changes: object,
) -> ModelCard:
    """A small random classifier or segmenter in a model folder, and its card."""
    folder.mkdir()
    torch.manual_seed(1)
    if task == "classify":
        network = build_classifier("classifier", channels=1, classes=2, arguments=ENCODER)
    else:
        network = build_model("unet", channels=1, classes=1, arguments=UNIT, presence_head=head)
    save_network(folder / "model.safetensors", network)
    classes = VERDICTS if task == "classify" else default_classes(2)
    card = ModelCard(
        name=task,
        task=task,
        architecture="classifier" if task == "classify" else "unet",
        arguments=ENCODER if task == "classify" else UNIT,
        parameters=sum(each.numel() for each in network.parameters()),
        stride_px=network.stride,
        context_px=None,
        classes=tuple(
            NamedClass(index=each.index, name=each.name, colour=each.colour) for each in classes
        ),
        preparation=Preparation(
            channels=1,
            full_range=(0, 255),
            mean=(0.5,),
            deviation=(0.3,),
            longest_side_px=longest_side_px,
        ),
        predict=PredictSettings(),
        precision="float32",
        threshold=Threshold(value=0.5, chosen_on="validation", rule="given", score=None),
        training={},
        validation={},
        has_presence_head=head,
        weights_sha256=sha256_of_file(folder / "model.safetensors"),
    ).model_copy(update=changes)
    write_json(folder / "model.json", card.model_dump(mode="json"), schema="model")
    return card


@pytest.fixture(name="write_part", scope="session")
def _write_part() -> Callable[..., ModelCard]:
    """The function that writes one part of a composed model."""
    return write_part


@pytest.fixture(name="write_set")
def _write_set() -> Callable[..., Path]:
    """The function that writes a tiny set."""
    return write_set


@pytest.fixture(name="train_tiny", scope="session")
def _train_tiny() -> Callable[..., Any]:
    """The function that trains a tiny network."""
    return train_tiny


@pytest.fixture(name="split_of")
def _split_of() -> Callable[..., Path]:
    """The function that writes a split file."""
    return split_of


@pytest.fixture(scope="session")
def leaking_set(tmp_path_factory) -> Path:
    """Twelve images of six subjects, two of whom have copies of others; not to be written to."""
    folder = tmp_path_factory.mktemp("leaking")
    split_of(folder / "split.csv", s3="validation", s4="test", s5="test")
    return plant_copies(write_set(folder / "data"))


@pytest.fixture(scope="session")
def leaking_run(leaking_set) -> Path:
    """A run on the set whose test split holds copies of training images; only ever added to."""
    options = {"split_file": leaking_set.parent / "split.csv", "allow_leakage": True}
    return train_tiny(leaking_set, leaking_set.parent / "run", **options).folder


@pytest.fixture
def review_of(tmp_path) -> Callable[..., Path]:
    """A function that writes a review of the leaking set, with decisions of this form.

    Each is a finding (`flipped`, `same file` or the id of an image), an action, and what it
    names.
    """

    def make(*decisions: tuple[str, ...], name: str = "audit") -> Path:
        flip = orientation_matrix("flipped left to right", (41, 37)).ravel().tolist()
        exact = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        kind, size = "contradictory_twins", {"size_px": [41, 37]}
        findings = {
            "flipped": Finding(kind, ("s0_0", "s5_1"), "", {"matrices": [exact, flip], **size}),
            "same file": Finding(kind, ("s1_0", "s4_0"), "", {"matrices": [exact, exact], **size}),
        }
        single = {name: Finding("unusual_mask", (name,), "") for name, *_ in decisions}
        findings = single | findings
        folder = tmp_path / name
        folder.mkdir()
        log = ReviewLog.create(folder / "review.sqlite", findings=list(findings.values()), facts={})
        for finding, action, *named in decisions:
            log.decide(findings[finding].id, action, samples=named, who="me")
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_set(tmp_path_factory) -> Path:
    """Twelve images of six subjects; not to be written to."""
    return write_set(tmp_path_factory.mktemp("tiny") / "data")


@pytest.fixture(scope="session")
def tiny_run(tiny_set) -> Path:
    """A run on the tiny set; only ever added to."""
    return train_tiny(tiny_set, tiny_set.parent / "run", steps=160).folder


@pytest.fixture(scope="session")
def tiny_evaluation(tiny_run):
    """The run on its own test split."""
    return evaluate(tiny_run, threads=1, out=tiny_run.parent / "scored")


@pytest.fixture(scope="session")
def classes_run(tmp_path_factory) -> Path:
    """A run on three classes in palette masks."""
    data = write_set(tmp_path_factory.mktemp("classes") / "data", classes=3)
    return train_tiny(data, data.parent / "run", steps=160).folder
