"""The training loop, from top to bottom."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count as count_from
from math import inf, isfinite
from pathlib import Path
from time import monotonic
from typing import Literal

import cv2
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from delineate.core.errors import DelineateError
from delineate.core.progress import SILENT, Progress
from delineate.core.seeds import stream_seed
from delineate.files.writing import append_line, write_text
from delineate.inference.torch_segmenter import channels_last
from delineate.losses.catalogue import Loss
from delineate.training.average import AveragedWeights
from delineate.training.budget import Budget, Clock, learning_rate
from delineate.training.checkpoint import (
    BEST,
    CHECKPOINTS,
    LAST,
    Facts,
    load_average,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)
from delineate.training.patches import PatchSource, ahead
from delineate.training.settings import TrainSettings, ValidationSettings

# Scores the averaged network: (loss, score) on the validation cases.
Validate = Callable[[nn.Module], tuple[float, float]]

_PRECISION: dict[str, Literal["32-true", "bf16-mixed"]] = {
    "float32": "32-true",
    "bfloat16": "bf16-mixed",
}
_CHECKPOINT_EVERY_S = 60.0


class DivergedError(DelineateError):
    """A loss that is no longer a number."""


@dataclass(frozen=True)
class Fitted:
    """The network that training leaves, and how it came about."""

    network: nn.Module
    facts: Facts
    steps: int
    why_stopped: str


def fit(
    network: nn.Module,
    source: PatchSource,
    validate: Validate,
    loss_function: Loss,
    *,
    settings: TrainSettings,
    validation: ValidationSettings,
    budget: Budget,
    clock: Clock,
    reserve_s: Callable[[float], float],
    folder: Path,
    seed: int,
    precision: str,
    device: str,
    is_resumed: bool,
    progress: Progress = SILENT,
) -> Fitted:
    """Train until the budget is used, and return the averaged weights to keep.

    Writes `history.jsonl` and `checkpoints/` under `folder`. With a budget of steps the
    result depends on the settings, the seed and the number of threads alone, however often
    training was interrupted. `reserve_s` says, from the seconds of the slowest validation,
    how much of a budget of minutes to keep for the work after the loop.

    Raises:
        DivergedError: a loss or gradient that is not finite; the last good checkpoint stays.
    """
    # One thread prepares patches: OpenCV's own would only disturb those of the network.
    cv2.setNumThreads(1)
    history, checkpoints = folder / "history.jsonl", folder / CHECKPOINTS
    checkpoints.mkdir(exist_ok=True)

    place = torch.device(device)
    fabric = Fabric(
        accelerator=place.type,
        devices=[place.index] if place.type == "cuda" and place.index else 1,
        precision=_PRECISION[precision],
    )
    network = channels_last(network)
    average = AveragedWeights(network, settings.average_decay)
    optimiser = optimiser_of(network, settings)
    facts = Facts()
    newest = newest_checkpoint(checkpoints) if is_resumed else None
    if newest is not None:
        facts = load_checkpoint(
            newest, network=network, average=average.network, optimiser=optimiser
        )
        progress.say(f"resumed at step {facts.step}, {facts.elapsed_s / 60:.1f} min used")
        clock.restart(facts.elapsed_s)
    _forget_after(history, facts.step)
    model, optimiser = fabric.setup(network, optimiser)
    average.network.to(fabric.device)

    def save(name: str) -> None:
        facts.elapsed_s = clock.elapsed_s()
        save_checkpoint(
            checkpoints / name,
            facts,
            network=network,
            average=average.network,
            optimiser=optimiser.optimizer,
        )

    saved_s = monotonic()
    steps = range(facts.step, budget.steps) if budget.steps else count_from(facts.step)
    # Patches are resampled by the processor, or on the accelerator from windows of the images.
    is_accelerated = fabric.device.type != "cpu"
    windows = ahead(source.windows, steps, threads=1) if is_accelerated else None
    batches = (
        ahead(source.batch, steps, threads=1)
        if windows is None
        else (source.resampled(each, fabric.device) for each in windows)
    )
    total = budget.steps or budget.seconds or 0
    with progress.bar("training", total) as bar:
        share = budget.share(facts.step, clock.elapsed_s(), reserve_s(facts.slowest_validation_s))
        # Time may be up before anything was validated; a model needs one validation.
        while (share < 1 or facts.best_score is None) and not facts.is_finished:
            # One step.
            images, labels = next(batches)
            images = images.to(fabric.device, memory_format=torch.channels_last)
            labels = labels.to(fabric.device)
            rate = learning_rate(share, settings)
            for group in optimiser.param_groups:
                group["lr"] = rate
            torch.manual_seed(stream_seed(seed, "dropout", facts.step))
            loss = loss_of(model(images), labels, loss_function)
            optimiser.zero_grad()
            fabric.backward(loss)
            norm = fabric.clip_gradients(
                model, optimiser, max_norm=settings.clip_norm or inf, error_if_nonfinite=False
            )
            loss_now, norm_now = float(loss.detach()), float(norm)  # type: ignore[arg-type] # given with max_norm
            if not (isfinite(loss_now) and isfinite(norm_now)):
                raise DivergedError(
                    f"training: at step {facts.step + 1} the loss is {loss_now} and its gradient "
                    f"{norm_now} long; the last good checkpoint is kept. Lower the rate with "
                    f"--set train.learning_rate={rate / 3:.1g}"
                )
            optimiser.step()
            average.update(network, facts.step)
            facts.step += 1
            facts.loss_sum += loss_now
            facts.loss_steps += 1

            # Where that leaves us.
            reserved_s = reserve_s(facts.slowest_validation_s)
            share = budget.share(facts.step, clock.elapsed_s(), reserved_s)
            done = facts.step if budget.steps else clock.elapsed_s()
            bar.reach(min(done, total), f"loss {loss_now:.3f}")

            # A validation at every whole part of the budget, the last at its end.
            # Shares such as 0.29 times 100 fall just short of whole.
            parts = int(share * validation.times + 1e-9)
            is_due = parts > facts.validations or share >= 1
            if is_due:
                began_s = monotonic()
                facts.validations = parts
                validation_loss, score = validate(average.network)
                is_best = facts.best_score is None or score > facts.best_score
                if is_best:
                    facts.best_score, facts.best_step = score, facts.step
                facts.validations_since_best = 0 if is_best else facts.validations_since_best + 1
                took_s = monotonic() - began_s
                facts.slowest_validation_s = max(facts.slowest_validation_s, took_s)
                row = {
                    "step": facts.step,
                    "epoch": round(facts.step / source.steps_per_epoch, 3),
                    "elapsed_s": round(clock.elapsed_s(), 2),
                    "learning_rate": rate,
                    "train_loss": facts.loss_sum / facts.loss_steps,
                    "validation_loss": validation_loss,
                    "validation_score": score,
                    "is_best": is_best,
                }
                facts.loss_sum, facts.loss_steps = 0.0, 0
                patience = validation.patience
                # Early scores may all be 0, so that nothing is given up too soon.
                is_late = share >= validation.patience_from and patience is not None
                if is_late and facts.validations_since_best >= (patience or 0):
                    facts.is_finished = True
                    facts.why_stopped = f"no better validation in {patience}"
                # A row without a checkpoint is forgotten on resume; the reverse would lose it.
                append_line(history, json.dumps(row))
                if is_best:
                    save(BEST)
            if is_due or monotonic() - saved_s > _CHECKPOINT_EVERY_S:
                save(LAST)
                saved_s = monotonic()
    batches.close()

    facts.is_finished = True
    save(LAST)
    kept = average.network
    if settings.keep == "best":
        load_average(checkpoints / BEST, kept)
    return Fitted(kept, facts, facts.step, facts.why_stopped)


def loss_of(output: Tensor | tuple[Tensor, ...], labels: Tensor, loss_function: Loss) -> Tensor:
    """The mean loss over all outputs of a network, under deep supervision one a depth.

    Logits that unpadded convolutions leave smaller are held against the middle of the labels.
    """
    outputs = output if isinstance(output, tuple) else (output,)
    return torch.stack([loss_function(each, _middle(labels, each)) for each in outputs]).mean()


def _middle(labels: Tensor, logits: Tensor) -> Tensor:
    """The part of the (N, H, W) labels that (N, C, h, w) logits speak of."""
    if labels.shape[1:] == logits.shape[2:]:
        return labels
    (height, width), (rows, columns) = logits.shape[2:], labels.shape[1:]
    top, left = (rows - height) // 2, (columns - width) // 2
    return labels[:, top : top + height, left : left + width]


def optimiser_of(network: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    """AdamW, or stochastic gradient descent with momentum.

    Source: Loshchilov and Hutter (2019), arXiv:1711.05101; without weight decay it is the Adam
    of Kingma and Ba (2015), arXiv:1412.6980.
    """
    groups = _decayed_apart(network, settings.weight_decay)
    # Fused: one kernel for all weights, a step in a sixth of the time.
    if settings.optimiser == "sgd":
        return torch.optim.SGD(
            groups, lr=settings.learning_rate, momentum=settings.momentum, fused=True
        )
    betas = (0.9, settings.second_moment_decay)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=betas, fused=True)


def _decayed_apart(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Kernels decay; biases and the scales of normalisations do not."""
    kernels = [each for each in network.parameters() if each.ndim > 1]
    others = [each for each in network.parameters() if each.ndim <= 1]
    return [
        {"params": kernels, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _forget_after(history: Path, step: int) -> None:
    """Drop rows of the history that a resumed training will write again."""
    if history.exists():
        rows = history.read_text(encoding="utf-8").splitlines()
        kept = [row for row in rows if _step_of(row) <= step]
        write_text(history, "".join(row + "\n" for row in kept))


def _step_of(row: str) -> float:
    try:
        return float(json.loads(row)["step"])
    except ValueError:  # cut short as the machine went down
        return float("inf")
