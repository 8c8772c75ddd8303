"""`delineate train`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from delineate.cli.console import Console
from delineate.cli.operating_table import operating_table
from delineate.cli.options import (
    Accept,
    AllowLeakage,
    AsJson,
    Data,
    Device,
    DeviceName,
    Epochs,
    Labels,
    Layout,
    Masks,
    Out,
    Overlapping,
    Overwrite,
    Quiet,
    Review,
    SplitFile,
    Steps,
    Subjects,
    Threads,
)
from delineate.cli.preflight_table import preflight_table
from delineate.cli.tables import columns


def train(
    source: Data,
    *,
    out: Out,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="NAME|FILE",
            help="A recipe that comes with the package, or a TOML file; where not given, or with "
            "planned, one is planned for DATA.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change one setting of the recipe, such as train.batch=4. Repeatable.",
        ),
    ] = None,
    encoder_weights: Annotated[
        str | None,
        typer.Option(
            "--encoder-weights",
            metavar="imagenet|FILE|random",
            help="Where an encoder starts from: pretrained weights from the cache of timm or its "
            "hub, those of a file (.safetensors, or .pt read safely), or random ones.",
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", metavar="M", help="Time for everything, the model included."),
    ] = None,
    epochs: Epochs = None,
    steps: Steps = None,
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds",
            metavar="K",
            help="Part all images but those for test into K folds by subject, train once for each "
            "on the others, and make one model of the mean of all.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds", metavar="S", help="Train with S seeds, each fold too, and take their mean."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that is in the --out folder.")
    ] = False,
    accept: Accept = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only the preflight: look at the data, try a few steps on two images, print what "
            "time and memory the training would take, and write nothing.",
        ),
    ] = False,
    split_file: SplitFile = None,
    layout: Layout = None,
    masks: Masks = None,
    subjects: Subjects = None,
    labels: Labels = None,
    review: Review = None,
    allow_leakage: AllowLeakage = False,
    overlapping: Overlapping = False,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="N", min=0, help="Start of every random choice; 0 where not given."
        ),
    ] = None,
    device: Device = DeviceName.AUTO,
    threads: Threads = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a recipe on DATA until there is a model.

    The data's own split is used where it has one; otherwise DATA is split by subject, copies of
    one picture on one side. Test images are only held against the others to find copies, and
    test masks are never read. Before anything is written a preflight looks whether data and
    settings can come to anything. A run that was interrupted goes on with --resume.
    """
    console = Console(quiet=quiet, as_json=as_json)
    with console.work(lambda: _what_remains(source, out)):
        from delineate.workflows.train import train as work

        result = work(
            source,
            out,
            recipe=recipe,
            changes=tuple(changes or ()),
            encoder_weights=encoder_weights,
            minutes=minutes,
            epochs=epochs,
            steps=steps,
            folds=folds,
            seeds=seeds,
            resume=resume,
            overwrite=overwrite,
            seed=seed,
            device=device.chosen,
            threads=threads,
            layout=layout,
            masks=masks or None,
            subjects=subjects,
            labels=labels,
            review=review,
            allow_leakage=allow_leakage,
            overlapping=overlapping,
            accept=tuple(accept or ()),
            dry_run=dry_run,
            split_file=split_file,
            progress=console,
        )
    console.finish(result, (preflight_table if dry_run else _table)(result.document))


# What a run holds that can be gone on with: of one training, of several, or of two stages.
_BEGUN = ("checkpoints", "members", "gate", "segmenter")


def _what_remains(source: Path, out: Path) -> str:
    if not (out / "run.json").is_file():
        return "nothing was trained yet; start again"
    if not any((out / name).is_dir() for name in _BEGUN):
        return f"{out} holds no model and no checkpoint yet; start again with --overwrite"
    return (
        f"{out} keeps the run up to its last checkpoint; "
        f"go on with: delineate train {source} --out {out} --resume"
    )


def _how(card: Mapping[str, Any]) -> list[list[str]]:
    training, classical = card["training"], card["classical"]
    if card.get("members"):
        return _how_members(card)
    if classical is None:
        return [
            ["model", f"{card['architecture']}, {card['parameters']:,} parameters"],
            ["trained", f"{training['steps']:,} steps, {training['minutes']:g} min"],
        ]
    chosen = ", ".join(f"{name} {value}" for name, value in card["arguments"].items())
    tried = f"{len(classical['tried'])} of {classical['combinations']} combinations"
    return [
        ["model", f"{card['architecture']}, without a network"],
        ["parameters", chosen],
        ["chosen", f"{tried}, {training['minutes']:g} min"],
    ]


def _how_members(card: Mapping[str, Any]) -> list[list[str]]:
    training, members = card["training"], len(card["members"])
    folds, steps = training.get("folds"), training.get("steps")
    how = [f"{folds} folds"] if folds else []
    how += [f"{training['seeds']} seeds"] if training["seeds"] > 1 else []
    how += [f"{steps:,} steps"] if steps else []
    has_gate = card.get("gate") is not None and card["gate"]["kind"] == "classifier"
    size = f"{card['parameters']:,} parameters" if card["parameters"] else "without a network"
    what = "a segmenter behind a classifier" if has_gate else f"mean of {members}"
    return [
        ["model", f"{what}, {card['architecture']}, {size}"],
        ["trained", ", ".join([*how, f"{training['minutes']:g} min"])],
    ]


def _cross_fitted(card: Mapping[str, Any]) -> list[list[str]]:
    """What the threshold is worth on images that had no part in its choice, over folds."""
    scores = [each["cross_fitted_score"] for each in card.get("operating_points", ())]
    return [
        ["cross-fitted", f"{score:.4f}, each fold cut at what the others chose"]
        for score in scores
        if score is not None
    ]


def _table(card: Mapping[str, Any]) -> Iterator[str]:
    """What a person wants to know of a model that has just been trained."""
    threshold = card["threshold"]
    scores = card["validation"]["scores"]
    # Where several gates were tried, a table of its own says what each is worth.
    has_choice = card.get("gate") is not None and bool(card["operating_points"])
    where = "out of fold" if card["training"].get("folds") else "validation"
    rows = [
        *_how(card),
        *(
            [
                f"{where} {name.replace('_', ' ')}",
                "undefined" if value is None else f"{value:.4f}",
            ]
            for name, value in scores.items()
        ),
    ]
    if threshold["value"] is not None:
        rows.append(["threshold", f"{threshold['value']:.3f}, {threshold['rule']}"])
        rows += [] if has_choice else _cross_fitted(card)
    if threshold["values"] is not None:
        names = [each["name"] for each in card["classes"][1:]]
        each = zip(names, threshold["values"], strict=True)
        rows.append(["thresholds", ", ".join(f"{name} {value:.3f}" for name, value in each)])
    yield from columns(rows)
    if has_choice:
        yield from operating_table(card["operating_points"])
