"""A few steps on two images: whether the loss falls, and how long a step takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from statistics import median
from time import monotonic

import torch
from torch import Tensor, nn

from delineate.auditing.soundness.case_facts import CaseFacts
from delineate.data.sample import TRAIN, VALIDATION, Dataset, Sample
from delineate.inference.torch_segmenter import channels_last
from delineate.recipe.recipe import Recipe
from delineate.training.loop import loss_of, optimiser_of
from delineate.training.patches import PatchSource
from delineate.workflows.learning import Learning
from delineate.workflows.preflight_findings import Finding

MOST_STEPS, _WARMUP_STEPS = 40, 5
# Where the loss is down to this share of the first, no more steps are needed.
_FALLEN, _FEWEST_STEPS = 0.8, 8
# A loss above this share of the first after so many steps has not fallen.
_STUCK, _JUDGED_STEPS = 0.995, 20
# The first step also sets things up.
_UNTIMED_STEPS = 1


@dataclass(frozen=True)
class Trial:
    """What some steps on one batch of patches of two images told; times are medians."""

    losses: tuple[float, ...]
    step_s: float
    patches_s: float
    validation_s_an_image: float

    @property
    def has_diverged(self) -> bool:
        """Whether the loss is no longer a number."""
        return not all(map(isfinite, self.losses))

    @property
    def is_stuck(self) -> bool:
        """Whether the loss did not fall in as many steps as it should need."""
        last = self.losses[-_WARMUP_STEPS:]
        is_judged = len(self.losses) >= _JUDGED_STEPS
        return is_judged and sum(last) / len(last) > _STUCK * self.losses[0]


def two_images(dataset: Dataset, facts: Mapping[str, CaseFacts]) -> Dataset:
    """The data set with two training cases to learn from, and as few as can be held against.

    Those with the most drawn, so that there is something to learn; of image labels one with
    something to find and one without.
    """
    return replace(
        dataset,
        samples=(
            *_two(dataset, dataset.only(TRAIN).samples, facts),
            *_two(dataset, dataset.only(VALIDATION).samples, facts),
        ),
    )


def tried(
    network: nn.Module,
    task: Learning,
    plan: Recipe,
    *,
    images: int,
    most_steps: int,
    limit_s: float,
    device: str,
    precision: str,
) -> Trial:
    """Train the network on one batch until its loss has fallen, or time or steps are up.

    The network is changed, and global random numbers are left as they were. `images` are those
    that it is judged on once, to see how long that takes.
    """
    place = torch.device(device)
    devices = [place] if place.type == "cuda" else []
    began_s = monotonic()
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(0)
        network = channels_last(network).to(place).train()
        optimiser = optimiser_of(network, plan.train)
        (inputs, labels), patches_s = _batch(task.feed, place)
        losses: list[float] = []
        times_s: list[float] = []
        for step in range(min(most_steps, MOST_STEPS)):
            step_began_s = monotonic()
            for group in optimiser.param_groups:
                share = min((step + 1) / _WARMUP_STEPS, 1.0)
                group["lr"] = plan.train.learning_rate * share
            with torch.autocast(place.type, torch.bfloat16, enabled=precision == "bfloat16"):
                output = network(inputs)
            loss = loss_of(_as_float(output), labels, task.loss)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch has it untyped
            if plan.train.clip_norm:
                nn.utils.clip_grad_norm_(network.parameters(), plan.train.clip_norm)
            optimiser.step()
            losses.append(float(loss.detach()))
            times_s.append(monotonic() - step_began_s)
            has_fallen = losses[-1] <= _FALLEN * losses[0] and len(losses) >= _FEWEST_STEPS
            is_late = monotonic() - began_s + times_s[-1] > limit_s
            if has_fallen or is_late or not isfinite(losses[-1]):
                break
        judged_began_s = monotonic()
        if isfinite(losses[-1]):
            task.judge(network)
        judged_s = monotonic() - judged_began_s
    step_s = median(times_s[_UNTIMED_STEPS:] or times_s)
    return Trial(tuple(losses), step_s, patches_s, judged_s / max(images, 1))


def finding_of(trial: Trial, plan: Recipe) -> Finding | None:
    """What is off with a trial."""
    rate = plan.train.learning_rate
    if trial.has_diverged:
        return Finding(
            "loss-diverges",
            f"expected a loss that is a number on two training images, found none after "
            f"{len(trial.losses)} steps at the rate {rate:g}; lower it with "
            f"--set train.learning_rate={rate / 10:.1g}",
        )
    if trial.is_stuck:
        return Finding(
            "loss-stuck",
            f"expected the loss on one batch of two training images to fall, found "
            f"{trial.losses[0]:.4g} at first and {trial.losses[-1]:.4g} after "
            f"{len(trial.losses)} steps at the rate {rate:g}; change --set train.learning_rate, "
            "and look whether these masks belong to these images",
        )
    return None


def _two(
    dataset: Dataset, samples: Sequence[Sample], facts: Mapping[str, CaseFacts]
) -> tuple[Sample, ...]:
    if dataset.image_labels:
        labels = dataset.image_labels
        kinds = ([s for s in samples if labels[s.id] is kind] for kind in (True, False))
        return tuple(kind[0] for kind in kinds if kind)
    by_drawn = sorted(samples, key=lambda sample: -facts[sample.id].foreground_px)
    return tuple(by_drawn[:2])


def _batch(feed: PatchSource, place: torch.device) -> tuple[tuple[Tensor, Tensor], float]:
    """The batch of the first step on the device, and the seconds of preparing another."""

    def prepared(step: int) -> tuple[Tensor, Tensor]:
        if place.type == "cpu":
            return feed.batch(step)
        return feed.resampled(feed.windows(step), place)

    images, labels = prepared(0)
    began_s = monotonic()
    prepared(1)  # the images are in memory by now
    took_s = monotonic() - began_s
    images = images.to(place, memory_format=torch.channels_last)
    return (images, labels.to(place)), took_s


def _as_float(output: Tensor | tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    if isinstance(output, tuple):
        return tuple(each.float() for each in output)
    return output.float()
