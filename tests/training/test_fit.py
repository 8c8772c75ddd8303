"""The loop and what it is made of."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from delineate.augment.settings import AugmentSettings
from delineate.core.errors import SettingsError, UnreadableFileError
from delineate.core.seeds import stream
from delineate.core.types import IGNORE
from delineate.inference.preparation import Preparation
from delineate.losses.catalogue import weighted_sum
from delineate.models.catalogue import build_model
from delineate.training.average import AveragedWeights
from delineate.training.budget import Budget, Clock, learning_rate
from delineate.training.checkpoint import BEST, LAST, load_average, newest_checkpoint
from delineate.training.loop import DivergedError, fit, loss_of, optimiser_of
from delineate.training.patches import PatchSource, ahead, patch_centre, working_case
from delineate.training.precision import choose_precision
from delineate.training.settings import PatchSettings, TrainSettings, ValidationSettings
from delineate.training.validate import METRICS, WATCHED

LOSS = weighted_sum({"cross_entropy": 1.0, "dice": 1.0})


def picture(index: int):
    """A grey image with a bright block of foreground, 40x36."""
    rng = stream(index, "picture")
    labels = np.zeros((40, 36), np.uint8)
    row, column = rng.integers(0, 24, 2)
    labels[row : row + 12, column : column + 12] = 1
    image = rng.integers(0, 100, (40, 36, 1)).astype(np.uint8) + 100 * labels[..., None]
    labels[:2] = IGNORE
    return working_case(image, labels)


def source(seed: int = 3, **patches) -> PatchSource:
    """Four pictures, batches of two patches of 16x16."""
    return PatchSource(
        picture,
        4,
        Preparation(channels=1, full_range=(0, 255), mean=(0.4,), deviation=(0.2,)),
        patches=PatchSettings(size_px=(16, 16), foreground_share=0.5, **patches),
        augment=AugmentSettings(turns=True),
        batch=2,
        seed=seed,
    )


def run(folder, *, steps=6, is_resumed=False, scores=None, train=None, feed=None, **more):
    """Fit a tiny network; `scores` are what validation says, in order."""
    folder.mkdir(exist_ok=True)
    torch.manual_seed(1)
    network = build_model(
        "unet", channels=1, classes=1, arguments={"width": 2, "depth": 1, "dropout": 0.2}
    )
    said = iter(scores or [])
    budget = more.pop("budget", None) or Budget(steps=steps)
    loss = more.pop("loss", LOSS)
    return fit(
        network,
        feed or source(),
        lambda _: (0.5, next(said, 0.0)),
        loss,
        settings=TrainSettings(**(train or {})),
        validation=ValidationSettings(**more),
        budget=budget,
        clock=Clock(),
        reserve_s=lambda _: 0.0,
        folder=folder,
        seed=3,
        precision="float32",
        device="cpu",
        is_resumed=is_resumed,
    )


def rows(folder) -> list[dict]:
    """The history without its times."""
    lines = (folder / "history.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "elapsed_s"} for line in lines]


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    """Whether all weights are equal, bit for bit."""
    other = second.state_dict()
    return all(torch.equal(tensor, other[name]) for name, tensor in first.state_dict().items())


def test_rate_rises_then_falls():
    """Linear to the highest within the warm-up, then half a cosine to 0, and 0 beyond."""
    settings = TrainSettings(learning_rate=2.0, warmup_share=0.1)
    assert learning_rate(0.05, settings) == pytest.approx(1.0)
    assert learning_rate(0.1, settings) == pytest.approx(2.0)
    assert learning_rate(0.55, settings) == pytest.approx(1.0)
    assert learning_rate(1.0, settings) == pytest.approx(0.0)
    assert learning_rate(1.2, settings) == pytest.approx(0.0)
    assert learning_rate(0.0, settings) > 0
    assert learning_rate(0.0, TrainSettings(learning_rate=2.0, warmup_share=0)) == 2.0


def test_rate_may_stay():
    """A constant schedule still warms up, and then stays to the end."""
    settings = TrainSettings(learning_rate=2.0, warmup_share=0.1, schedule="constant")
    assert learning_rate(0.05, settings) == pytest.approx(1.0)
    assert [learning_rate(share, settings) for share in (0.1, 0.6, 1.0)] == [2.0] * 3


def test_sgd_steps_are_those_of_the_formula(tmp_path):
    """Two steps of momentum by hand: v = m v + g, w = w - r v, kernels and biases alike."""
    torch.manual_seed(0)
    network = torch.nn.Conv2d(1, 1, 3)
    settings = TrainSettings(
        optimiser="sgd", momentum=0.5, learning_rate=0.1, weight_decay=0.0, warmup_share=0
    )
    optimiser = optimiser_of(network, settings)
    expected = network.weight.detach().clone()
    speed = torch.zeros_like(expected)
    for gradient in (2.0, -1.0):
        network.weight.grad = torch.full_like(expected, gradient)
        network.bias.grad = torch.zeros(1)
        optimiser.step()
        speed = 0.5 * speed + gradient
        expected = expected - 0.1 * speed
    assert torch.allclose(network.weight, expected)


def test_both_budgets_know_their_share():
    """Steps count steps; seconds count time, less what is reserved for the end."""
    assert Budget(steps=10).share(4, 1e9, 1e9) == 0.4
    assert Budget(seconds=100).share(4, 40, 20) == 0.5
    assert Budget(seconds=10).share(0, 1, 60) > 1


@pytest.mark.parametrize("wrong", [{}, {"steps": 1, "seconds": 1.0}, {"steps": 0}, {"seconds": -1}])
def test_a_budget_of_nothing_is_refused(wrong):
    """Neither, both, zero and negative budgets are errors."""
    with pytest.raises(SettingsError, match="budget: expected"):
        Budget(**wrong)


def test_patches_depend_on_seed_and_step_alone():
    """Any order of steps, any source and any number of threads give the same batches."""
    first = [source().batch(step) for step in range(6)]
    again = source()
    for step in (5, 0, 3):
        assert all(map(torch.equal, again.batch(step), first[step]))
    for threads in (1, 3):
        for ahead_, expected in zip(
            ahead(source().batch, range(2, 6), threads=threads), first[2:], strict=True
        ):
            assert all(map(torch.equal, ahead_, expected))
    assert not torch.equal(source(seed=4).batch(0)[0], first[0][0])
    assert not torch.equal(first[0][0], first[1][0])


def test_a_cache_too_small_changes_nothing():
    """Images that are read again give the same patches."""
    small, large = source(cache_gb=1e-9), source()
    for step in range(4):
        assert all(map(torch.equal, small.batch(step), large.batch(step)))


def test_every_image_is_seen_each_epoch():
    """Four patches are one of each image, in an order that changes."""
    seen: list[int] = []

    def remember(index):
        seen.append(index)
        return picture(index)

    feed = source()
    feed._read = remember
    for step in range(8):
        feed.batch(step)
    rounds = {tuple(seen[at : at + 4]) for at in range(0, 16, 4)}
    assert feed.steps_per_epoch == 2
    assert all(sorted(each) == [0, 1, 2, 3] for each in rounds)
    assert len(rounds) > 1


@pytest.mark.parametrize("size_px", [(16, 16), (15, 9), (40, 36), (64, 50), (41, 37)])
def test_patches_lie_on_pixels_and_inside(size_px):
    """The first pixel of a patch is a pixel of the image, so that a plain crop is exact."""
    case, rng = picture(1), stream(1, "centre")
    for _ in range(60):
        centre = patch_centre(rng, case, size_px, 0.5)
        for middle, length, patch in zip(centre, (40, 36), size_px, strict=True):
            first = middle - (patch - 1) / 2
            assert first == int(first)
            if patch <= length:
                assert 0 <= first <= length - patch
            else:
                assert abs(middle - (length - 1) / 2) <= 0.5


def test_foreground_share_is_kept():
    """With a share of one, every patch of one pixel is on the foreground."""
    case, rng = picture(2), stream(2, "centre")
    for _ in range(40):
        row, column = patch_centre(rng, case, (1, 1), 1.0)
        assert case.labels[int(row), int(column)] == 1
    for _ in range(40):
        row, column = patch_centre(rng, case, (1, 1), 0.0)
        assert case.labels[int(row), int(column)] != IGNORE


def test_failing_to_read_stops_the_batches():
    """An image that cannot be read is an error in the loop, not a missing patch."""

    def broken(step):
        raise UnreadableFileError("a.png: broken")

    with pytest.raises(UnreadableFileError, match="broken"):
        next(ahead(broken, range(3), threads=1))


def test_average_by_hand():
    """Step 0 keeps a tenth of the start; no decay keeps nothing of it."""
    network = torch.nn.Linear(1, 1)
    average, none = AveragedWeights(network, 0.9), AveragedWeights(network, 0.0)
    start = network.weight.item()
    network.weight.data.fill_(5.0)
    average.update(network, 0)
    none.update(network, 0)
    assert average.network.weight.item() == pytest.approx(0.1 * start + 0.9 * 5)
    assert none.network.weight.item() == 5.0
    average.update(network, 10_000)  # late: the decay itself
    expected = 0.9 * (0.1 * start + 4.5) + 0.5
    assert average.network.weight.item() == pytest.approx(expected)


def test_best_or_last_is_kept(tmp_path):
    """The averaged weights of the best validation become the model, or those of the last."""
    scores = [0.1, 0.9, 0.3]
    best = run(tmp_path / "best", times=3, scores=scores, train={"keep": "best"})
    last = run(tmp_path / "last", times=3, scores=scores, train={"keep": "last"})
    two_thirds = run(tmp_path / "t", times=3, scores=[0.1, 0.9, 1.0], train={"keep": "best"})
    assert best.facts.best_step == 4
    assert best.facts.best_score == 0.9
    assert [row["is_best"] for row in rows(tmp_path / "best")] == [True, True, False]
    assert [row["step"] for row in rows(tmp_path / "best")] == [2, 4, 6]
    assert not same(best.network, last.network)
    assert same(two_thirds.network, last.network)


def test_validations_come_at_whole_parts(tmp_path):
    """A hundred parts of a hundred steps are a hundred validations, whatever rounding does."""
    feed = source()
    batch = feed.batch(0)
    feed.batch = lambda step: batch
    run(tmp_path, steps=100, times=100, feed=feed)
    assert [row["step"] for row in rows(tmp_path)] == list(range(1, 101))


def test_patience_ends_training(tmp_path):
    """Two validations without a better one end the second half, and resuming does not go on."""
    scores = [0.5, 0.4, 0.4, 0.4, 0.9]
    fitted = run(tmp_path, steps=8, times=8, patience=2, scores=scores)
    assert fitted.steps == 4
    assert fitted.why_stopped == "no better validation in 2"
    again = run(tmp_path, steps=8, times=8, patience=2, is_resumed=True)
    assert again.steps == 4
    assert again.why_stopped == "no better validation in 2"
    assert same(fitted.network, again.network)


def test_patience_may_begin_at_once(tmp_path):
    """From the start of the budget, where that is said, two validations are enough."""
    scores = [0.5, 0.4, 0.4, 0.4]
    fitted = run(tmp_path, steps=8, times=8, patience=2, patience_from=0.0, scores=scores)
    assert fitted.steps == 3


def test_every_output_counts_alike(tmp_path):
    """The loss of a network of several outputs is the mean of theirs, on the middle of labels."""
    labels = torch.arange(36).reshape(1, 6, 6)
    logits = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 6, 6)
    seen = []

    def loss(logits, labels):
        seen.append(labels)
        return logits.mean() * labels.shape[-1]

    assert loss_of(logits, labels, loss) == pytest.approx((0 + 6) / 2)
    assert seen[0].tolist() == [[[14, 15], [20, 21]]]
    assert torch.equal(seen[1], labels)


def test_time_that_is_up_still_leaves_a_model(tmp_path):
    """A budget of no time takes one step, one validation, and ends."""
    fitted = run(tmp_path, budget=Budget(seconds=1e-6), scores=[0.7])
    assert fitted.steps == 1
    assert fitted.facts.best_score == 0.7
    assert (tmp_path / "checkpoints" / BEST).exists()


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
@pytest.mark.parametrize("stop_at", [1, 3, 4])
def test_interrupted_equals_uninterrupted(tmp_path, stop_at, optimiser):
    """An error between validations, then resuming from the last checkpoint: the same bits."""
    scores = [0.2, 0.6, 0.4]
    train = {"optimiser": optimiser}
    whole = run(tmp_path / "whole", times=3, scores=scores, train=train)
    feed = source()
    batch = feed.batch

    def failing(step):
        if step == stop_at:
            raise RuntimeError("pulled the plug")
        return batch(step)

    feed.batch = failing
    with pytest.raises(RuntimeError, match="pulled the plug"):
        run(tmp_path / "cut", times=3, scores=scores, feed=feed, train=train)
    done = len(rows(tmp_path / "cut")) if (tmp_path / "cut" / "history.jsonl").exists() else 0
    resumed = run(tmp_path / "cut", times=3, scores=scores[done:], is_resumed=True, train=train)
    assert same(whole.network, resumed.network)
    assert rows(tmp_path / "whole") == rows(tmp_path / "cut")
    files = [tmp_path / name / "checkpoints" / LAST for name in ("whole", "cut")]
    first, second = (torch_tensors(file) for file in files)
    assert first.keys() == second.keys()
    assert any(name.startswith("optimiser/") for name in first)
    assert all(torch.equal(first[name], second[name]) for name in first)


def torch_tensors(file) -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file."""
    from safetensors.torch import load_file

    return load_file(file)


def test_checkpoints_between_validations_keep_the_history(tmp_path, monkeypatch):
    """The mean loss of a row counts the steps before the checkpoint that was resumed from."""
    scores = [0.2, 0.6]
    whole = run(tmp_path / "whole", times=2, scores=scores)
    monkeypatch.setattr("delineate.training.loop._CHECKPOINT_EVERY_S", 0.0)
    feed = source()
    batch = feed.batch
    feed.batch = lambda step: batch(step) if step != 5 else 1 / 0
    with pytest.raises(ZeroDivisionError, match="division"):
        run(tmp_path / "cut", times=2, scores=scores, feed=feed)
    resumed = run(tmp_path / "cut", times=2, scores=scores[1:], is_resumed=True)
    assert same(whole.network, resumed.network)
    assert rows(tmp_path / "whole") == rows(tmp_path / "cut")


def test_the_farther_checkpoint_is_resumed(tmp_path):
    """A kill between the best and the last checkpoint goes on from the best, not before it."""
    whole = run(tmp_path / "a", times=3, scores=[0.1, 0.2, 0.3])
    checkpoints = tmp_path / "a" / "checkpoints"
    early = tmp_path / "b"
    run(early, steps=2, times=1, scores=[0.1])
    (early / "checkpoints" / LAST).replace(checkpoints / LAST)
    assert newest_checkpoint(checkpoints) == checkpoints / BEST
    assert same(run(tmp_path / "a", times=3, is_resumed=True).network, whole.network)


def test_torn_history_is_mended(tmp_path):
    """A row cut short, or beyond the checkpoint, is dropped and written again."""
    run(tmp_path, times=3, scores=[0.1, 0.2, 0.3])
    expected = rows(tmp_path)
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write('{"step": 8}\n{"step": 9, "epo')
    run(tmp_path, times=3, is_resumed=True)
    assert rows(tmp_path) == expected


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "other"])
def test_damaged_checkpoints_are_one_line(tmp_path, damage):
    """A checkpoint that is damaged or of another training is named, with the remedy."""
    run(tmp_path, times=3, scores=[0.1, 0.2, 0.3])
    for name in (LAST, BEST):
        file = tmp_path / "checkpoints" / name
        content = file.read_bytes()
        if damage == "other":
            content = content.replace(b"optimiser/0/exp_avg_sq", b"optimiser/0/exp_avg_zz")
            content = content.replace(b"network/head.bias", b"network/hand.bias")
        file.write_bytes(
            {"cut": content[:-9], "text": b"not a checkpoint", "empty": b""}.get(damage, content)
        )
    with pytest.raises(UnreadableFileError, match="not a checkpoint of this training") as caught:
        run(tmp_path, times=3, is_resumed=True)
    assert "\n" not in str(caught.value)
    assert "--overwrite" in str(caught.value)


def test_a_missing_best_is_one_line(tmp_path):
    """Averaged weights that are not there are named."""
    with pytest.raises(UnreadableFileError, match="no checkpoint"):
        load_average(tmp_path / BEST, torch.nn.Linear(1, 1))


def test_divergence_is_an_error(tmp_path):
    """A loss that is no number stops training and proposes a lower rate."""
    feed = source()
    batch = feed.batch

    def poisoned(step):
        inputs, labels = batch(step)
        return (inputs * float("nan") if step == 4 else inputs), labels

    feed.batch = poisoned
    with pytest.raises(DivergedError, match=r"at step 5 the loss is nan.*train\.learning_rate"):
        run(tmp_path, times=3, scores=[0.1, 0.2, 0.3], feed=feed)
    assert newest_checkpoint(tmp_path / "checkpoints") is not None


def test_endless_gradients_are_an_error_too(tmp_path):
    """A finite loss whose gradients are not numbers stops before the weights are spoiled."""

    class Endless(torch.autograd.Function):
        @staticmethod
        def forward(_, x):
            return x.clone()

        @staticmethod
        def backward(_, gradient):
            return gradient * float("inf")

    def loss(logits, labels):
        return LOSS(Endless.apply(logits), labels)

    with pytest.raises(DivergedError, match="gradient"):
        run(tmp_path, loss=loss)


def test_precision_is_as_asked():
    """What is asked for is used; auto gives one of two, with the reason."""
    assert choose_precision("float32", "cpu") == ("float32", "asked for")
    precision, why = choose_precision("auto", "cpu")
    assert precision == ("float32" if "no bfloat16" in why else "bfloat16")


def test_watched_scores_by_hand():
    """Two cases, one perfect and one empty of both: pooled and mean count them apart."""
    probability = np.array([[[0.9, 0.2, 0.8, 0.1]]], np.float32)
    labels = np.array([[1, 0, 0, IGNORE]], np.uint8)
    empty = (np.zeros((1, 1, 4), np.float32), np.zeros((1, 4), np.uint8))
    cases = [(probability, labels), empty]
    assert METRICS["pooled_dice"](cases) == pytest.approx(2 / 3)
    assert METRICS["mean_dice"](cases) == pytest.approx((2 / 3 + 1) / 2)
    assert METRICS["pooled_roc_auc"](cases) == pytest.approx(1.0)
    assert METRICS["pooled_dice"]([empty]) == 0.0


def test_the_loss_can_be_watched():
    """Less cross-entropy is a higher score, and pixels that do not count say nothing."""
    labels = np.array([[1, 0, IGNORE]], np.uint8)
    sure = (np.array([[[0.5, 0.5, 0.0]]], np.float32), labels)
    surer = (np.array([[[0.9, 0.1, 0.0]]], np.float32), labels)
    assert WATCHED["cross_entropy"]([sure]) == pytest.approx(np.log(0.5))
    assert WATCHED["cross_entropy"]([surer]) == pytest.approx(np.log(0.9))
