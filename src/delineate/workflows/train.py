"""From a folder to a run: data, split, network, threshold, model folder, curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from delineate.core.errors import LayoutError, SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.core.seeds import stream_seed
from delineate.data.masks import foreground_shares, settle_encodings
from delineate.data.opening import open_dataset, require_masks
from delineate.data.parallel import in_threads
from delineate.data.reading import read_case
from delineate.data.sample import TRAIN, VALIDATION, Dataset, Sample
from delineate.data.splitting import (
    apply_split,
    hold_out,
    read_split,
    require_no_leakage,
    split_by_subject,
    write_split,
)
from delineate.files.writing import new_folder, write_text
from delineate.inference.repeats import VIEWS
from delineate.inference.settings import Repeats
from delineate.inference.torch_segmenter import chosen_device
from delineate.losses.functions import weighted_sum
from delineate.models.catalogue import build_model
from delineate.recipe.recipe import DEFAULT, Recipe, load_recipe, recipe_text
from delineate.training.budget import Budget, Clock
from delineate.training.loop import Fitted, fit
from delineate.training.precision import choose_precision
from delineate.training.validate import METRICS
from delineate.workflows.curves import draw_curves
from delineate.workflows.inputs import inputs_of
from delineate.workflows.model_writing import write_model
from delineate.workflows.run_folder import (
    RECIPE,
    RUN,
    SPLIT,
    RunFacts,
    read_run,
    require_same,
    write_run,
)
from delineate.workflows.training_data import (
    ValidationCases,
    data_digest,
    fitted_preparation,
    has_dark_surround,
    patch_source,
)

# Seconds kept for writing the model and drawing the curves, and how much slower than the
# slowest validation so far each of the final passes may be.
_WRITING_S, _SLACK = 8.0, 1.3


@dataclass(frozen=True)
class TrainResult:
    """What a training leaves."""

    folder: Path
    document: dict[str, Any]
    failures: tuple[str, ...] = ()

    @property
    def main_result(self) -> Path:
        """The model folder."""
        return self.folder / "model"


def train(
    source: Path | str,
    out: Path | str,
    *,
    recipe: str | None = None,
    changes: Sequence[str] = (),
    minutes: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    split_file: Path | str | None = None,
    progress: Progress = SILENT,
) -> TrainResult:
    """Train a recipe on a folder and write a run folder that ends in a model.

    The data's own split is used where it has one; subjects of its training part are held
    out for validation where it names none. Data without a split is split by subject,
    for which all masks are read; test images never are. `minutes` covers everything from this
    call to the written model. A resumed run takes its recipe, split, seed, precision and
    threads from the run folder.

    Raises:
        DelineateError: data, recipe or output folder that cannot be used; nothing is lost.
    """
    clock = Clock()
    out = Path(out)
    given = (masks,) if isinstance(masks, str) else tuple(masks or ())
    masks = tuple(_with_whole_path(each) for each in given) or None
    if subjects is not None and Path(subjects).is_file():
        subjects = str(Path(subjects).resolve())
    asked: dict[str, Any] = {"layout": layout, "masks": masks, "subjects": subjects, "seed": seed}
    asked |= {"device": device, "threads": threads, "minutes": minutes, "steps": steps}
    is_resumed = resume and (out / RUN).is_file()
    if is_resumed:
        if recipe is not None or changes or epochs is not None or split_file is not None:
            raise SettingsError(
                "--resume: recipe, settings, epochs and split come from the run folder; leave "
                "--recipe, --set, --epochs and --split-file out, or start anew with --overwrite"
            )
        facts = read_run(out)
        require_same(facts, asked)
        plan = load_recipe(str(out / RECIPE))
        dataset = _labelled(source, facts.layout, facts.masks, facts.subjects)
        dataset = _settled(apply_split(dataset, read_split(out / SPLIT)), progress)
        _require_same_data(facts, data_digest(dataset), dataset)
        chosen_device(facts.device)
        preparation = fitted_preparation(dataset.only(TRAIN), plan.prepare, progress)
        feed = patch_source(dataset.only(TRAIN), preparation, plan, facts.seed)
    else:
        plan = load_recipe(recipe or DEFAULT, tuple(changes))
        if sum(each is not None for each in (minutes, epochs, steps)) > 1:
            raise SettingsError("--minutes, --epochs and --steps exclude each other; give one")
        seed = 0 if seed is None else seed
        dataset = _labelled(source, layout, masks, subjects)
        origin = _split_origin(dataset, split_file)
        dataset = with_training_split(
            dataset, split_file=split_file, fraction=plan.validation.fraction, seed=seed
        )
        dataset = _settled(dataset, progress)
        preparation = fitted_preparation(dataset.only(TRAIN), plan.prepare, progress)
        feed = patch_source(dataset.only(TRAIN), preparation, plan, seed)
        if minutes is None and steps is None:
            steps = (epochs or plan.train.epochs) * feed.steps_per_epoch
        device = chosen_device(device)
        precision, why = choose_precision(plan.train.precision, device)
        facts = RunFacts(
            data=str(Path(source).resolve()),
            layout=layout,
            masks=masks,
            subjects=subjects,
            seed=seed,
            device=device,
            threads=threads or torch.get_num_threads(),
            precision=precision,
            why_precision=why,
            minutes=minutes,
            steps=steps,
            split_origin=origin,
            data_sha256=data_digest(dataset),
        )
        Budget(steps=facts.steps, seconds=minutes)  # refuses a budget of nothing before we write
    torch.set_num_threads(facts.threads)
    torch.manual_seed(stream_seed(facts.seed, "weights"))
    network = build_model(
        plan.model.architecture,
        channels=preparation.channels,
        classes=1 if len(dataset.classes) == 2 else len(dataset.classes),
        arguments=plan.model.arguments,
    )
    loss = weighted_sum(plan.loss)

    if not is_resumed:
        new_folder(
            out,
            overwrite=overwrite,
            resume=resume,
            can_resume=True,
            inputs=inputs_of(dataset, source, split_file, recipe, subjects),
        )
        write_text(out / RECIPE, recipe_text(plan))
        write_split(out / SPLIT, {s.id: s.split for s in dataset.samples if s.split}, dataset)
        write_run(out, facts)
    _announce(plan, facts, dataset, network, progress)

    is_dark_around = has_dark_surround(dataset.only(TRAIN))
    validation_cases = ValidationCases(dataset.only(VALIDATION), preparation, network, facts, plan)
    fitted = fit(
        network,
        feed,
        validation_cases.judge(METRICS[plan.validation.metric]),
        loss,
        settings=plan.train,
        validation=plan.validation,
        budget=facts.budget,
        clock=clock,
        reserve_s=lambda slowest_s: _reserve_s(slowest_s, plan.predict.repeats),
        folder=out,
        seed=facts.seed,
        precision=facts.precision,
        device=facts.device,
        is_resumed=is_resumed,
        progress=progress,
    )
    _tell(fitted, progress)
    card = write_model(
        out / "model",
        fitted,
        dataset=dataset,
        preparation=preparation,
        recipe=plan,
        facts=facts,
        cases=validation_cases,
        is_dark_around=is_dark_around,
        elapsed_s=clock.elapsed_s,
        progress=progress,
    )
    draw_curves(out)
    progress.say(f"finished after {clock.elapsed_s() / 60:.1f} min")
    return TrainResult(out, card)


def _reserve_s(slowest_validation_s: float, repeats: Repeats) -> float:
    """Seconds of a budget of minutes that belong to the work after the last step."""
    passes = 1 + len(VIEWS[repeats])
    return _WRITING_S + _SLACK * passes * slowest_validation_s


def with_training_split(
    dataset: Dataset, *, split_file: Path | str | None, fraction: float, seed: int
) -> Dataset:
    """The dataset with train and validation, from a file, its own split, or by subject.

    Raises:
        LayoutError: no training or validation cases with masks.
        LeakageError: a subject on both sides.
    """
    if split_file is not None:
        dataset = apply_split(dataset, read_split(Path(split_file)))
    splits = {sample.split for sample in dataset.samples}
    if TRAIN not in splits and splits != {None}:
        found = ", ".join(sorted(split for split in splits if split))
        raise LayoutError(
            f"{dataset.root}: no sample belongs to the split 'train' (found: {found}); "
            "give one with --split-file, made by `delineate split`"
        )
    require_no_leakage(dataset.samples)
    if TRAIN not in splits:
        settled = settle_encodings(dataset)
        return apply_split(
            dataset, split_by_subject(dataset, seed=seed, facts=foreground_shares(settled))
        )
    if VALIDATION not in splits:
        settled = settle_encodings(dataset.only(TRAIN))
        moved = hold_out(dataset, fraction=fraction, seed=seed, facts=foreground_shares(settled))
        return apply_split(dataset, moved)
    return dataset


def _with_whole_path(encoding: str) -> str:
    """A mask encoding whose colour table is found from any folder."""
    before, marker, rest = encoding.partition("colours:")
    path, comma, after = rest.partition(",")
    return f"{before}{marker}{Path(path).resolve()}{comma}{after}" if marker else encoding


def _require_same_data(facts: RunFacts, digest: str, dataset: Dataset) -> None:
    """Refuse to go on with other images or masks than those that the run began with."""
    if facts.data_sha256 is not None and digest != facts.data_sha256:
        raise SettingsError(
            f"{dataset.root}: its training images or masks are not those that this run began "
            f"with ({facts.data}); give that data, or start anew with --overwrite"
        )


def _split_origin(dataset: Dataset, split_file: Path | str | None) -> str:
    """In words where train and validation come from."""
    if split_file is not None:
        return f"given as {Path(split_file).name}"
    if TRAIN in {sample.split for sample in dataset.samples}:
        return "the data's own, whole subjects of train held out where it names no validation"
    return "made anew by subject, stratified by empty masks and area, seeded"


def _labelled(
    source: Path | str, layout: str | None, masks: Sequence[str] | None, subjects: str | None
) -> Dataset:
    dataset = open_dataset(source, layout=layout, masks=masks, subjects=subjects)
    if not dataset.observers:
        raise LayoutError(
            f"{dataset.root}: images without masks; training needs masks (see `delineate inspect`)"
        )
    return dataset


def _settled(dataset: Dataset, progress: Progress) -> Dataset:
    """The dataset with the encoding and classes of all masks that training will read.

    Every image and mask that training needs is decoded once, so that a bad file is named
    before anything is written and not after an hour.
    """
    observer = dataset.observers[0]
    used = tuple(sample for sample in dataset.samples if sample.split in (TRAIN, VALIDATION))
    require_masks(used, observer)
    seen = settle_encodings(
        replace(dataset, samples=used), observers=(observer,), progress=progress
    )

    def decode(sample: Sample) -> None:
        read_case(seen, sample, (observer,))

    for _, problem in in_threads(decode, used, label="decoding", progress=progress):
        if problem is not None:
            raise problem
    return replace(dataset, encodings=seen.encodings, classes=seen.classes)


def _announce(
    plan: Recipe, facts: RunFacts, dataset: Dataset, network: nn.Module, progress: Progress
) -> None:
    counts = {split: len(dataset.only(split).samples) for split in (TRAIN, VALIDATION)}
    parameters = sum(each.numel() for each in network.parameters())
    how_long = f"{facts.minutes:g} min" if facts.minutes is not None else f"{facts.steps} steps"
    progress.say(
        f"recipe {plan.name}: {plan.model.architecture}, {parameters:,} parameters; "
        f"{how_long}, seed {facts.seed}, {facts.threads} threads"
    )
    progress.say(f"precision {facts.precision}: {facts.why_precision}")
    progress.say(
        f"{counts[TRAIN]} training and {counts[VALIDATION]} validation images, "
        f"observer {dataset.observers[0]}, classes: "
        + ", ".join(each.name for each in dataset.classes)
    )


def _tell(fitted: Fitted, progress: Progress) -> None:
    facts = fitted.facts
    progress.say(
        f"{facts.step} steps ({fitted.why_stopped}); best validation score "
        f"{facts.best_score:.4f} at step {facts.best_step}"
    )
