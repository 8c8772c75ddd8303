"""Rules of a plan: what is learnt, in which steps, and how it is watched."""

from __future__ import annotations

from collections.abc import Iterator

from delineate.data.listing import counted
from delineate.recipe.choices import Choice
from delineate.recipe.fingerprint import Fingerprint, Machine, Pace
from delineate.recipe.planner_augment import may_turn
from delineate.recipe.planner_sizes import Frame

# Of the training subjects, where the data names no validation part.
FRACTION = 0.15
# Shares of the time: what is left for steps, and what validations may take on the way and at last.
STEPS_SHARE, VALIDATIONS_SHARE, LAST_PASSES_SHARE = 0.75, 0.1, 0.1
# Validations in a whole training: never fewer, never more.
VALIDATION_TIMES = (3, 5, 10, 20)
# Passes of the repeats at prediction.
REPEATS = {"turns": 8, "flips": 2, "single": 1}
# Patches of a whole training where nobody says how long it may take.
LINE_PATCHES, SHAPE_PATCHES, EPOCHS = 80_000, 24_000, (10, 1000)
# Weights are averaged over about this share of the steps.
AVERAGED_SHARE, AVERAGE_DECAYS = 0.1, (0.98, 0.99, 0.995, 0.998)
# Looking at each part of an image so often, a network can learn single images by heart.
MANY_PASSES = 100


def expected_steps(machine: Machine, pace: Pace | None) -> int | None:
    """Steps that the minutes allow at this pace; None where steps are counted, not minutes."""
    if machine.minutes is None or pace is None:
        return None
    return max(1, int(STEPS_SHARE * 60 * machine.minutes / pace.step_s))


def batch_of(machine: Machine) -> int:
    """Patches a step."""
    return 16 if machine.is_accelerated else 4


def learning_choices(
    fingerprint: Fingerprint,
    machine: Machine,
    pace: Pace | None,
    frame: Frame,
    steps: int | None,
) -> Iterator[Choice]:
    """Loss, sampling, steps and validation, each with its reason."""
    yield Choice("loss", *_loss(fingerprint))
    yield Choice("patches.foreground_share", *_foreground_share(fingerprint, frame))
    yield from _steps(fingerprint, machine, frame, steps)
    yield from _validation(fingerprint, machine, pace)


def _loss(fingerprint: Fingerprint) -> tuple[dict[str, float], str]:
    rarest = min(fingerprint.classes, key=lambda each: each.pixel_share)
    share = f"{rarest.pixel_share:.2%} of the pixels are {rarest.name}"
    if fingerprint.is_of_lines and len(fingerprint.classes) == 1:
        return {"cross_entropy": 1.0}, (
            f"{share}, and one threshold is chosen for it afterwards: cross-entropy alone ranks "
            "pixels better, Dice sharpens probabilities"
        )
    return {"cross_entropy": 1.0, "dice": 1.0}, (
        f"{share}: Dice weighs every class alike, however few its pixels are, and cross-entropy "
        "keeps its gradient where nothing is to be found"
    )


def _foreground_share(fingerprint: Fingerprint, frame: Frame) -> tuple[float, str]:
    if frame.is_whole and not fingerprint.is_of_lines:
        return 0.0, "patches hold the whole image, with what there is to find in it"
    if fingerprint.is_of_lines:
        return 0.0, "lines run through every patch"
    rarest = min(fingerprint.classes, key=lambda each: each.pixel_share * each.image_share)
    why = f"{rarest.name}, the rarest class, stands in {rarest.image_share:.0%} of the images"
    return (0.67, why) if len(fingerprint.classes) > 3 else (0.33, why)


def _steps(
    fingerprint: Fingerprint, machine: Machine, frame: Frame, steps: int | None
) -> Iterator[Choice]:
    batch = batch_of(machine)
    hardware = "an accelerator" if machine.is_accelerated else "a processor"
    yield Choice("train.batch", batch, f"{hardware}; small batches make many steps")
    yield Choice(
        "train.learning_rate",
        3e-3,
        "for small batches of a small network, falling to nothing at the end",
    )
    per_epoch = -(-fingerprint.images * frame.patches_an_image // batch)
    patches = LINE_PATCHES if fingerprint.is_of_lines else SHAPE_PATCHES
    epochs = min(max(round(patches / (per_epoch * batch)), EPOCHS[0]), EPOCHS[1])
    yield Choice(
        "train.epochs",
        epochs,
        f"where no time is given: {epochs * per_epoch:,} steps, {per_epoch:,} an epoch",
    )
    planned = steps or epochs * per_epoch
    about = "about " if steps else ""
    decay = min(AVERAGE_DECAYS, key=lambda each: abs(1 / (1 - each) - AVERAGED_SHARE * planned))
    yield Choice(
        "train.average_decay",
        decay,
        f"{about}{planned:,} steps: weights are averaged over the last {1 / (1 - decay):.0f}",
    )
    passes = planned / per_epoch
    keep = "best" if passes > MANY_PASSES else "last"
    why = (
        "images are seen often enough to be learnt by heart: what did best on validation stays"
        if keep == "best"
        else "images are not seen often enough to be learnt by heart, and the rate has fallen to "
        "nothing by then; nothing but the threshold is chosen on validation"
    )
    yield Choice("train.keep", keep, f"about {passes:,.0f} passes over the images; {why}")


def _validation(fingerprint: Fingerprint, machine: Machine, pace: Pace | None) -> Iterator[Choice]:
    yield Choice(
        "validation.fraction",
        FRACTION,
        "enough images to choose a threshold on, most are left to learn",
    )
    many_are_empty = fingerprint.empty_share >= 0.1
    yield Choice(
        "validation.metric",
        "mean_dice" if many_are_empty else "pooled_dice",
        f"{fingerprint.empty_share:.0%} of the masks are empty: "
        + (
            "only a score a image sees a false alarm in these"
            if many_are_empty
            else "all pixels together are a steadier score than images one by one"
        ),
    )
    if machine.minutes is None or pace is None:
        yield Choice("validation.times", 10, "enough to draw a curve")
        yield Choice("predict.repeats", *_repeats(fingerprint, None))
        return
    seconds = 60 * machine.minutes
    one_s = max(fingerprint.validation_images, 1) * pace.image_s
    affordable = VALIDATIONS_SHARE * seconds / one_s
    times = max(
        [each for each in VALIDATION_TIMES if each <= affordable], default=VALIDATION_TIMES[0]
    )
    yield Choice(
        "validation.times",
        times,
        f"one takes about {one_s:.2g} s for {counted(fingerprint.validation_images, 'image')}; "
        f"together they shall take no more than {VALIDATIONS_SHARE:.0%} of the time, but there are "
        f"never fewer than {VALIDATION_TIMES[0]}",
    )
    yield Choice("predict.repeats", *_repeats(fingerprint, LAST_PASSES_SHARE * seconds / one_s))


def _repeats(fingerprint: Fingerprint, passes: float | None) -> tuple[str, str]:
    """The most views that are as likely as the image itself, and that there is time for."""
    if fingerprint.layouts.swaps_sides:
        return "single", "a mirrored image would be mislabelled"
    wanted = "turns" if may_turn(fingerprint) else "flips"
    names = list(REPEATS)
    possible = [
        name for name in names[names.index(wanted) :] if passes is None or REPEATS[name] <= passes
    ]
    chosen = possible[0] if possible else "single"
    views = REPEATS[chosen]
    if chosen == wanted:
        return chosen, f"the mean of {views} views, each as likely as the image itself"
    return (
        chosen,
        f"{REPEATS[wanted]} views of the validation images would take too long at the end",
    )
