"""Changes of tone: nothing at zero, within their ranges, repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from delineate.augment.settings import AugmentSettings
from delineate.augment.tone import Tone, apply_tone, sample_tone
from delineate.core.seeds import stream

STILL = AugmentSettings(gamma=1, brightness=0, contrast=1, noise=0)


@pytest.fixture
def patch() -> np.ndarray:
    """A unit patch of three channels, 24x20."""
    return stream(1, "patch").random((24, 20, 3), np.float32)


def test_settings_at_zero_change_nothing(patch):
    """With everything switched off, whatever is drawn, the patch is the same."""
    settings = STILL.model_copy(update={"tone_chance": 1.0})
    for step in range(20):
        tone = sample_tone(stream(step, "tone"), settings, 3)
        assert (apply_tone(tone, patch) == patch).all()


def test_chance_of_zero_changes_nothing(patch):
    """However wide the ranges, nothing changes where nothing is ever on."""
    settings = AugmentSettings(speckle=0.5, blur_px=3, colour=0.5, tone_chance=0)
    tone = sample_tone(stream(1, "tone"), settings, 3)
    assert (apply_tone(tone, patch) == patch).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_unit_range_and_shape_are_kept(channels):
    """Strong changes stay finite, in 0 to 1, float32, and the argument is not written to."""
    settings = AugmentSettings(
        gamma=3, brightness=0.8, contrast=3, colour=0.5, noise=0.5, speckle=0.5, blur_px=4,
        tone_chance=1,
    )  # fmt: skip
    patch = stream(2, "patch").random((16, 16, channels), np.float32)
    before = patch.copy()
    for step in range(20):
        toned = apply_tone(sample_tone(stream(step, "tone"), settings, channels), patch)
        assert toned.shape == patch.shape
        assert toned.dtype == np.float32
        assert toned.min() >= 0
        assert toned.max() <= 1
        assert (toned != patch).any()
    assert (patch == before).all()


def test_same_tone_same_patch(patch):
    """Noise and speckle come from the tone's own seed."""
    tone = Tone(noise=0.1, speckle=0.1, noise_seed=3)
    assert (apply_tone(tone, patch) == apply_tone(tone, patch)).all()
    assert (apply_tone(tone, patch) != apply_tone(Tone(noise=0.1, noise_seed=4), patch)).any()


def test_each_change_by_hand():
    """Gamma, contrast and brightness on four known pixels."""
    patch = np.array([[[0.25], [0.75]], [[0.5], [0.5]]], np.float32)
    seen = apply_tone(Tone(gamma=2.0), patch)
    assert seen.ravel() == pytest.approx([0.0625, 0.5625, 0.25, 0.25])
    seen = apply_tone(Tone(contrast=1.5), patch)
    assert seen.ravel() == pytest.approx([0.125, 0.875, 0.5, 0.5])
    seen = apply_tone(Tone(brightness=(0.4,)), patch)
    assert seen.ravel() == pytest.approx([0.65, 1.0, 0.9, 0.9])


def test_noise_has_its_deviation():
    """Noise and speckle are as strong as their numbers say."""
    grey = np.full((200, 200, 1), 0.5, np.float32)
    assert apply_tone(Tone(noise=0.05), grey).std() == pytest.approx(0.05, rel=0.03)
    assert apply_tone(Tone(speckle=0.1), grey).std() == pytest.approx(0.05, rel=0.03)


def test_blur_smooths_and_keeps_the_mean(patch):
    """A blurred patch varies less about the same mean."""
    blurred = apply_tone(Tone(blur_px=2.0), patch)
    assert blurred.std() < patch.std() / 3
    assert blurred.mean() == pytest.approx(patch.mean(), abs=0.02)


def test_tones_keep_to_their_ranges_and_use_them():
    """Over many draws each number stays within its setting and comes near its ends."""
    settings = AugmentSettings(
        gamma=1.5, brightness=0.2, contrast=1.4, noise=0.03, speckle=0.06, blur_px=2,
        tone_chance=1,
    )  # fmt: skip
    rng = stream(3, "tone")
    tones = [sample_tone(rng, settings, 1) for _ in range(1500)]
    for values, low, high in [
        ([tone.gamma for tone in tones], 1 / 1.5, 1.5),
        ([tone.contrast for tone in tones], 1 / 1.4, 1.4),
        ([tone.brightness[0] for tone in tones], -0.2, 0.2),
        ([tone.noise for tone in tones], 0, 0.03),
        ([tone.speckle for tone in tones], 0, 0.06),
        ([tone.blur_px for tone in tones], 0, 2),
    ]:
        reach = (high - low) * 0.02
        assert low - 1e-9 <= min(values) < low + reach
        assert high - reach < max(values) <= high + 1e-9


def test_chance_is_that_of_each_change():
    """With a chance of a quarter, each change is on in a quarter of the tones."""
    settings = AugmentSettings(noise=0.1, tone_chance=0.25)
    rng = stream(4, "tone")
    tones = [sample_tone(rng, settings, 1) for _ in range(2000)]
    assert np.mean([tone.gamma != 1 for tone in tones]) == pytest.approx(0.25, abs=0.03)
    assert np.mean([tone.noise > 0 for tone in tones]) == pytest.approx(0.25, abs=0.03)


def test_colour_differs_by_channel():
    """Brightness is shared between channels, colour is not."""
    shared = AugmentSettings(brightness=0.3, tone_chance=1)
    apart = AugmentSettings(colour=0.3, tone_chance=1)
    assert len(set(sample_tone(stream(5, "tone"), shared, 3).brightness)) == 1
    assert len(set(sample_tone(stream(5, "tone"), apart, 3).brightness)) == 3
