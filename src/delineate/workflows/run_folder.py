"""What a run remembers of how it was started, so that it can go on and be repeated."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from delineate.core.colours import Colours
from delineate.core.errors import SettingsError, UnreadableFileError
from delineate.files.writing import read_json, write_json
from delineate.training.budget import Budget

RUN, RECIPE, SPLIT, SCORINGS = "run.json", "recipe.toml", "split.csv", "scorings.jsonl"
REVIEW, LABELS = "review/review.sqlite", "labels.csv"
SCHEMA = "run"

# Mean and deviation of red, green and blue.
EncoderColours = tuple[Colours, Colours]


class RunFacts(BaseModel):
    """Everything beside recipe and split that decides a training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    layout: str | None
    masks: tuple[str, ...] | None
    subjects: str | None
    seed: int
    device: str
    threads: int
    precision: str
    why_precision: str
    minutes: float | None
    steps: int | None
    split_origin: str = "not recorded"
    data_sha256: str | None = None
    review: str | None = None
    allow_leakage: bool = False
    labels: str | None = None
    overlapping: bool = False
    encoder: str | None = None
    colours_note: str | None = None
    encoder_colours: EncoderColours | None = None
    folds: int | None = None
    seeds: int = 1
    accepted: tuple[str, ...] = ()

    @property
    def budget(self) -> Budget:
        """The budget of the loop."""
        return Budget(steps=self.steps, seconds=None if self.minutes is None else 60 * self.minutes)


def write_run(
    folder: Path,
    facts: RunFacts,
    *,
    leaks: Mapping[str, Any] | None = None,
    review: Mapping[str, Any] | None = None,
) -> None:
    """Write `run.json`: the facts, the machine and the libraries.

    `leaks` are those that were allowed, `review` the decisions that were used.
    """
    document = {
        "facts": facts.model_dump(),
        "leaks": leaks,
        "review": review,
        "machine": machine(),
    }
    write_json(folder / RUN, document, schema=SCHEMA)


def read_run(folder: Path) -> RunFacts:
    """The facts of a run that was started before.

    Raises:
        UnreadableFileError: no run there, or one of another version.
    """
    document = read_json(folder / RUN, schema=SCHEMA)
    try:
        return RunFacts.model_validate(document["facts"])
    except (KeyError, ValidationError) as error:
        raise UnreadableFileError(
            f"{folder / RUN}: expected the facts of a run of this version; "
            "train anew with --overwrite"
        ) from error


def review_of(folder: Path, facts: RunFacts) -> Path | None:
    """The run's own copy of the review that it was trained under; None without one."""
    return None if facts.review is None else folder / REVIEW


def labels_of(folder: Path, facts: RunFacts) -> Path | None:
    """The run's own copy of the image labels that it was trained on; None without a table."""
    return None if facts.labels is None else folder / LABELS


def require_same(facts: RunFacts, asked: dict[str, Any]) -> None:
    """Refuse options that differ from those that an interrupted run was started with.

    Raises:
        SettingsError: naming the option and both values.
    """
    for name, value in asked.items():
        before = getattr(facts, name)
        if value is not None and value != before:
            raise SettingsError(
                f"--{name} {value}: this run was started with {before}, and a resumed run equals "
                "an uninterrupted one; leave the option out, or start anew with --overwrite"
            )


def machine() -> dict[str, str]:
    """Processor, system and the versions on which numbers depend."""
    libraries = (
        "torch",
        "numpy",
        "opencv-python-headless",
        "lightning-fabric",
        "segmentation-models-pytorch",
        "timm",
        "scikit-image",
        "scikit-learn",
    )
    return {
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    } | {name: _version(name) for name in libraries}


def _version(library: str) -> str:
    """Methods without a network run where some of the libraries are not."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor() or "unknown"
