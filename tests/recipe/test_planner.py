"""Rules from a fingerprint to a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delineate.losses.catalogue import weighted_sum
from delineate.models.catalogue import build_model
from delineate.recipe.fingerprint import ClassFacts, Layouts, Pace
from delineate.recipe.planned_text import planned_text
from delineate.recipe.planner import plan_of
from delineate.recipe.recipe import load_recipe

from .fingerprints import (
    CELLS,
    EYE,
    GPU,
    LAPTOP,
    NECK,
    NERVE,
    UNTIMED,
    any_fingerprint,
    any_machine,
    any_pace,
)

PACE = Pace.measured(0.1, 0.5)


def reason_of(plan, setting):
    """Why a setting is as it is."""
    (choice,) = [each for each in plan.choices if each.setting == setting]
    return choice.reason


def test_vessels_get_the_settings_of_the_vessel_recipe():
    """Thin trees are learnt at native size from small pieces, as the known recipe has it."""
    made, known = plan_of(EYE, LAPTOP, PACE).recipe, load_recipe("vessel")
    assert made.prepare == known.prepare
    assert made.patches == known.patches
    assert made.model == known.model
    assert made.loss == known.loss
    assert made.predict.repeats == known.predict.repeats
    for setting in ("batch", "learning_rate", "keep"):
        assert getattr(made.train, setting) == getattr(known.train, setting)
    assert made.augment == known.augment


def test_a_line_between_shapes_counts_as_a_line():
    """Cells that fill an image are told by the membrane between them, which is not reduced."""
    made = plan_of(CELLS, LAPTOP, PACE).recipe
    assert made.prepare.longest_side_px is None
    assert made.patches.size_px == (96, 96)
    assert "background, is 5 px wide" in reason_of(
        plan_of(CELLS, LAPTOP, PACE), "prepare.longest_side_px"
    )


def test_wide_lines_are_reduced_until_they_are_fine():
    """Vessels of 12 px are as well seen at half the size."""
    wide = replace(EYE, classes=(replace(EYE.classes[0], width_px=12.0),))
    assert plan_of(wide, UNTIMED).recipe.prepare.longest_side_px == 320  # 292 in steps of 32


def test_a_large_shape_is_reduced_and_seen_whole():
    """A nerve 69 px wide is still 18 px wide at 160 px, a whole image of which is a patch."""
    made = plan_of(NECK, UNTIMED)
    assert made.recipe.prepare.longest_side_px == 160  # 580 * 18 / 69 = 151, in steps of 32
    assert made.recipe.patches.size_px == (128, 160)
    assert made.recipe.patches.foreground_share == 0
    assert "19 px wide" in reason_of(made, "prepare.longest_side_px")


def test_single_small_shapes_keep_their_surroundings():
    """One spot an image is looked for in an image of 256 px, many are as wide as they need be."""
    spot = replace(NERVE, width_px=20.0, pieces=1.0)
    alone = replace(NECK, size_px=(1000, 1000), largest_px=(1000, 1000), classes=(spot,))
    many = replace(alone, classes=(replace(spot, pieces=50.0),))
    assert plan_of(alone, UNTIMED).recipe.prepare.longest_side_px == 320  # 6 px wide: 300
    assert plan_of(many, UNTIMED).recipe.prepare.longest_side_px == 928  # 18 px wide: 900
    assert plan_of(many, UNTIMED).recipe.patches.size_px == (128, 128)


def test_few_steps_make_images_smaller():
    """Where a step takes a second, a smaller image gives more of them, and the reason says so."""
    hurried = plan_of(NECK, LAPTOP, Pace.measured(1.0, 0.03))
    assert hurried.recipe.prepare.longest_side_px == 128
    assert "too few steps" in reason_of(hurried, "prepare.longest_side_px")
    assert plan_of(NECK, LAPTOP, Pace.measured(0.01, 0.03)).recipe.prepare.longest_side_px == 160
    assert plan_of(EYE, LAPTOP, Pace.measured(9.0, 0.5)).recipe.prepare.longest_side_px is None


def test_much_time_makes_networks_wider():
    """A network has twice the channels where there are steps enough, and on an accelerator."""
    fast = Pace.measured(0.001, 0.001)
    assert plan_of(EYE, LAPTOP, PACE).recipe.model.arguments == {"widths": [16, 16, 32, 64]}
    for plan in (plan_of(EYE, LAPTOP, fast), plan_of(EYE, GPU, PACE)):
        assert plan.recipe.model.arguments == {"widths": [32, 32, 64, 128]}
    assert plan_of(EYE, GPU, PACE).recipe.patches.size_px == (192, 192)


def test_small_noise_of_the_clock_changes_nothing():
    """A tenth more or less than a power of two is the same pace."""
    for factor in (0.9, 1.0, 1.1):
        assert Pace.measured(0.125 * factor, 0.5 * factor) == Pace(0.125, 0.5)


def test_nothing_depends_on_speed_where_steps_are_counted():
    """Without minutes a fast and a slow machine plan the same."""
    plans = [plan_of(NECK, UNTIMED, pace) for pace in (None, PACE, Pace.measured(5.0, 5.0))]
    assert plans[0] == plans[1] == plans[2]


def test_validations_keep_to_their_share_of_the_time():
    """36 images of half a second are validated three times in five minutes, two far more often."""
    made = plan_of(NECK, LAPTOP, Pace.measured(0.1, 0.5)).recipe
    assert made.validation.times == 3
    assert made.predict.repeats == "single"  # 2 views of 36 images take 36 s of 300
    assert plan_of(EYE, LAPTOP, PACE).recipe.validation.times == 20
    assert plan_of(NECK, LAPTOP, Pace.measured(0.1, 0.3)).recipe.predict.repeats == "flips"


def test_empty_masks_are_watched_image_by_image():
    """False alarms on empty images count only in a score of images."""
    assert plan_of(NECK, UNTIMED).recipe.validation.metric == "mean_dice"
    full = replace(NECK, empty_share=0.05)
    assert plan_of(full, UNTIMED).recipe.validation.metric == "pooled_dice"


def test_sides_that_name_classes_forbid_mirrors():
    """Where the left is another class in the mirror nothing is flipped, turned or averaged so."""
    lungs = replace(NECK, layouts=Layouts(0.1, 0.0, 0.0, swaps_sides=True))
    made = plan_of(lungs, UNTIMED).recipe
    assert (made.augment.flips, made.augment.turns) == (False, False)
    assert made.predict.repeats == "single"


@pytest.mark.parametrize("layouts", [Layouts(0, 0.5, 0, False), Layouts(0, 0, 0.5, False)])
def test_images_that_know_what_is_up_are_not_turned(layouts):
    """Either sign of it is enough; shapes without one are turned."""
    assert not plan_of(replace(NECK, layouts=layouts), UNTIMED).recipe.augment.turns
    free = replace(NECK, layouts=Layouts(0.9, 0.05, 0.05, swaps_sides=False))
    assert plan_of(free, UNTIMED).recipe.augment.turns


def test_tones_follow_the_spread_between_images():
    """Images that differ more are changed more, within bounds."""

    def augment(brightness, contrast):
        tones = replace(NECK.tones, brightness_spread=brightness, contrast_spread=contrast)
        return plan_of(replace(NECK, tones=tones), UNTIMED).recipe.augment

    assert (augment(0.0, 0.0).brightness, augment(0.0, 0.0).contrast) == (0.05, 1.2)
    assert (augment(0.05, 0.11).brightness, augment(0.05, 0.11).contrast) == (0.1, 1.25)
    assert (augment(0.4, 2.0).brightness, augment(0.4, 2.0).contrast) == (0.1, 1.3)
    assert (augment(0.05, 0.1).gamma, augment(0.4, 0.1).gamma) == (1.25, 1.3)


def test_untimed_epochs_are_enough_steps():
    """About as many patches for few images as for many, down to ten looks at each."""
    assert plan_of(EYE, UNTIMED).recipe.train.epochs == 139  # of 18 * 32 patches: 80,064
    huge = replace(NECK, images=100_000)
    assert plan_of(huge, UNTIMED).recipe.train.epochs == 10


def test_weights_are_averaged_over_a_tenth_of_the_steps():
    """1,800 steps are averaged over 200, 112 over as few as there are averages for."""
    assert plan_of(EYE, LAPTOP, PACE).recipe.train.average_decay == 0.995
    assert plan_of(EYE, LAPTOP, Pace.measured(2.0, 0.5)).recipe.train.average_decay == 0.98
    assert plan_of(EYE, UNTIMED).recipe.train.average_decay == 0.998


def test_much_looked_at_images_are_watched():
    """The best weights stay where images are seen more than a hundred times, else the last."""
    assert plan_of(EYE, UNTIMED).recipe.train.keep == "best"
    assert plan_of(replace(EYE, images=40), UNTIMED).recipe.train.keep == "last"


def test_decoded_images_keep_to_the_memory():
    """Four gibibytes do for most sets; more are taken where needed, at most a quarter."""

    def cache_gb(images, memory_gb):
        machine = replace(UNTIMED, memory_gb=memory_gb)
        return plan_of(replace(NECK, images=images), machine).recipe.patches.cache_gb

    assert cache_gb(168, 16.0) == 4.0
    assert cache_gb(168, 6.0) == 1.5
    assert cache_gb(200_000, 64.0) == 10.4  # 1.5 * 200,000 * 116 * 160 * 2 bytes
    assert cache_gb(200_000, 32.0) == 8.0


def test_rare_classes_are_met():
    """Patches of images with many classes are centred on them, whole images need not be."""
    classes = tuple(ClassFacts(f"class {n}", 0.01, 0.5, 9.0, 6.0, 2.0) for n in range(4))
    street = replace(NECK, classes=classes)
    assert plan_of(street, UNTIMED).recipe.patches.foreground_share == 0.67
    two = replace(street, classes=classes[:2])
    assert plan_of(two, UNTIMED).recipe.patches.foreground_share == 0.33


@settings(max_examples=100)
@given(found=any_fingerprint(), machine=any_machine(), pace=st.none() | any_pace())
def test_every_plan_can_be_trained(found, machine, pace):
    """Any fingerprint gives a recipe whose network and loss exist, each choice with a reason."""
    plan = plan_of(found, machine, pace)
    recipe = plan.recipe
    names = [choice.setting for choice in plan.choices]
    assert len(set(names)) == len(names)
    assert all(choice.reason.strip() for choice in plan.choices)
    assert plan_of(found, machine, pace) == plan
    assert all(side % 32 == 0 for side in recipe.patches.size_px)
    assert recipe.patches.size_px[0] * recipe.patches.size_px[1] <= 320**2
    if recipe.prepare.longest_side_px is not None:
        assert 128 <= recipe.prepare.longest_side_px < max(found.largest_px)
    weighted_sum(recipe.loss, is_overlapping=found.is_overlapping)


@settings(max_examples=50)
@given(found=any_fingerprint(), machine=any_machine(), pace=st.none() | any_pace())
def test_the_text_is_the_recipe(found, machine, pace):
    """What is written with its reasons reads back as the very same recipe."""
    plan = plan_of(found, machine, pace)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "recipe.toml"
        file.write_text(planned_text(plan.recipe, plan.choices), encoding="utf-8")
        assert load_recipe(str(file)) == plan.recipe


def test_every_choice_has_its_reason_above_it():
    """The end of a reason stands right above its setting, that of a section on top of it."""
    plan = plan_of(EYE, LAPTOP, PACE)
    lines = planned_text(plan.recipe, plan.choices).splitlines()
    for choice in plan.choices:
        section, _, setting = choice.setting.partition(".")
        start = lines.index(f"[{section}]")
        if not setting or choice.value is None:
            last = next(at for at in range(start + 1, len(lines)) if not lines[at].startswith("#"))
            told = " ".join(line[2:] for line in lines[start + 1 : last])
            assert choice.reason in told
        else:
            place = next(at for at in range(start, len(lines)) if lines[at].startswith(setting))
            assert lines[place - 1].startswith("# ")
            assert choice.reason.endswith(lines[place - 1][2:])
    assert max(map(len, lines)) <= 98


def test_the_planned_networks_exist():
    """Widths of every kind build a network."""
    for found, machine in ((EYE, LAPTOP), (NECK, LAPTOP), (EYE, GPU), (NECK, GPU)):
        model = plan_of(found, machine, PACE).recipe.model
        build_model(model.architecture, channels=1, classes=1, arguments=model.arguments)
