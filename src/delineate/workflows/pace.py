"""How fast a proposed network is on this machine: a second or two of trial steps."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, thread_time

import numpy as np
import torch
from torch import nn

from delineate.core.errors import SettingsError
from delineate.data.sample import TRAIN, Dataset
from delineate.files.image_files import read_image
from delineate.inference.preparation import Preparation, fit_preparation
from delineate.inference.segmenter import segmenter
from delineate.inference.torch_segmenter import autocast, channels_last, torch_pass
from delineate.losses.catalogue import weighted_sum
from delineate.recipe.fingerprint import Machine, Pace
from delineate.recipe.recipe import Recipe
from delineate.training.loop import loss_of, optimiser_of
from delineate.training.precision import choose_precision
from delineate.training.validate import WATCHED, cross_entropy
from delineate.workflows.labelled_data import labelled_image
from delineate.workflows.learning import built_network

# The quickest of so many trials counts, the first one, which sets memory up, left out. No more are
# begun after so many seconds.
TRIALS, ENOUGH_S = 6, 1.0


def measured_pace(recipe: Recipe, dataset: Dataset, machine: Machine) -> Pace:
    """Seconds of a step and of a validated image, of training images and a network of its own.

    Raises:
        SettingsError: patches that memory cannot hold, as a change of the plan may ask for.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(machine.threads)
    try:
        precision, _ = choose_precision(recipe.train.precision, machine.device)
        samples = dataset.only(TRAIN).samples
        preparation = fit_preparation([read_image(samples[0].image)], recipe.prepare)
        with torch.random.fork_rng(devices=[]):
            network = built_network(recipe, dataset, preparation)
        network = channels_last(network.to(machine.device))
        step = _step(recipe, dataset, preparation, network, machine.device, precision)
        image = _image(recipe, dataset, preparation, network, machine.device, precision)
        return Pace.measured(*(_quickest(each, machine.device) for each in (step, image)))
    except (MemoryError, RuntimeError) as error:
        if not _is_of_memory(error):
            raise
        raise SettingsError(
            f"{recipe.train.batch} patches of {list(recipe.patches.size_px)} px: a trial step "
            "needs more memory than is free; take fewer with --set train.batch, "
            "or smaller ones with --set patches.size_px"
        ) from error
    finally:
        torch.set_num_threads(before)


def _is_of_memory(error: Exception) -> bool:
    """Whether memory ran out: of numpy, of an accelerator, or of torch on the processor."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "allocate memory" in str(error)


def _quickest(work: Callable[[], object], device: str) -> float:
    """Seconds of the processor: what else it does just now is no matter of the plan."""
    clock = thread_time if device == "cpu" else perf_counter
    work()
    took: list[float] = []
    while len(took) < TRIALS and sum(took) < ENOUGH_S:
        began = clock()
        work()
        took.append(clock() - began)
    return min(took)


def _step(
    recipe: Recipe,
    dataset: Dataset,
    preparation: Preparation,
    network: nn.Module,
    device: str,
    precision: str,
) -> Callable[[], object]:
    """One step of the optimiser on noise: its time does not depend on what is learnt."""
    noise = np.random.default_rng(0)
    shape = (recipe.train.batch, preparation.channels, *recipe.patches.size_px)
    images = torch.from_numpy(noise.standard_normal(shape, np.float32)).to(
        device, memory_format=torch.channels_last
    )
    labels = torch.from_numpy(noise.integers(0, 2, (shape[0], *shape[2:]), dtype=np.uint8)).to(
        device
    )
    loss_function = weighted_sum(recipe.loss, is_overlapping=dataset.is_overlapping)
    optimiser = optimiser_of(network, recipe.train)

    def step() -> float:
        network.train()
        with autocast(device, precision):
            output = network(images)
        loss = loss_of(output, labels, loss_function)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        return float(loss.detach())  # waits for an accelerator

    return step


def _image(
    recipe: Recipe,
    dataset: Dataset,
    preparation: Preparation,
    network: nn.Module,
    device: str,
    precision: str,
) -> Callable[[], object]:
    """One image read, segmented in one view, and scored at native size."""
    is_overlapping = dataset.is_overlapping
    segment = segmenter(
        torch_pass(network, device=device, precision=precision, is_overlapping=is_overlapping),
        preparation,
        recipe.predict.model_copy(update={"repeats": "single"}),
        int(network.stride),  # type: ignore[arg-type] # nn.Module types it Tensor
        is_overlapping=is_overlapping,
    )
    training = dataset.only(TRAIN)
    metric = WATCHED[recipe.validation.metric]

    def judge() -> None:
        image, labels = labelled_image(training, training.samples[0])
        (probability,) = segment([image])
        cross_entropy(probability, labels, is_overlapping)
        metric.of_case(probability, labels, is_overlapping)

    return judge
