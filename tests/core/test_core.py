"""Errors, geometry, seeds, progress, types and digests."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from delineate.core.checks import sha256_of_file, sha256_of_text
from delineate.core.errors import DelineateError, SettingsError, unknown_name
from delineate.core.geometry import border_to_multiple, mirrored, round_up
from delineate.core.progress import SILENT, track
from delineate.core.seeds import stream, stream_seed
from delineate.core.types import COLOURS, default_classes

lengths = st.integers(1, 3000)


@given(length=lengths, multiple=st.integers(1, 128))
def test_round_up_is_the_next_multiple(length, multiple):
    """The result is a multiple, not below the length, and less than one multiple above it."""
    rounded = round_up(length, multiple)
    assert rounded % multiple == 0
    assert 0 <= rounded - length < multiple


@given(height=lengths, width=lengths, multiple=st.integers(1, 64))
def test_borders_reach_the_multiple_evenly(height, width, multiple):
    """Opposite borders differ by at most one pixel and bring each side to the multiple."""
    top, bottom, left, right = border_to_multiple((height, width), multiple)
    assert top + height + bottom == round_up(height, multiple)
    assert left + width + right == round_up(width, multiple)
    assert 0 <= bottom - top <= 1
    assert 0 <= right - left <= 1


def test_mirror_goes_back_and_forth():
    """A border wider than the array is reflected again, without doubling the outer pixel."""
    row = np.array([[[1, 2, 3]]], np.float32)
    assert mirrored(row, (0, 0, 3, 4))[0, 0].tolist() == [2, 3, 2, 1, 2, 3, 2, 1, 2, 3]


def test_mirror_of_a_single_pixel_repeats_it():
    """An image of one pixel can be enlarged too."""
    pixel = np.full((1, 1, 1), 7, np.float32)
    assert (mirrored(pixel, (1, 2, 3, 0)) == np.full((1, 4, 4), 7)).all()


def test_streams_are_independent_of_order():
    """A stream can be entered anywhere, and name, index and seed each make another one."""
    numbers = {
        key: stream(*key).integers(2**62)
        for key in [
            (1, "patch", 3),
            (1, "patch", 4),
            (1, "order", 3),
            (2, "patch", 3),
            (1, "patch"),
        ]
    }
    assert len(set(numbers.values())) == 5
    assert stream(1, "patch", 3).integers(2**62) == numbers[1, "patch", 3]


def test_streams_are_what_is_documented():
    """A stream is NumPy's own, keyed by seed, CRC-32 of the name, and indices."""
    expected = np.random.default_rng(
        np.random.SeedSequence(7, spawn_key=(_crc("patch"), 3))
    ).integers(1000, size=4)
    assert (stream(7, "patch", 3).integers(1000, size=4) == expected).all()


def _crc(text: str) -> int:
    """CRC-32 (polynomial 0xEDB88320), bit by bit."""
    value = 0xFFFFFFFF
    for byte in text.encode():
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xEDB88320 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def test_stream_seed_fits_other_libraries():
    """Integer seeds are below 2**31 and repeat."""
    seeds = [stream_seed(3, "weights", step) for step in range(50)]
    assert seeds == [stream_seed(3, "weights", step) for step in range(50)]
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert len(set(seeds)) == 50


def test_track_follows_the_items():
    """The bar is told the total and each item done, and the items come through unchanged."""
    told = []

    class Recorder:
        def say(self, text):
            raise NotImplementedError

        @contextmanager
        def bar(self, label, total):
            told.append((label, total))
            yield self
            told.append("end")

        def reach(self, done, text=""):
            told.append(done)

    assert list(track(iter("abc"), "read", Recorder(), 3)) == ["a", "b", "c"]
    assert told == [("read", 3), 1, 2, 3, "end"]
    assert list(track([1, 2], "", SILENT)) == [1, 2]


def test_unknown_names_propose_only_what_is_near():
    """Something like nothing known gets the list, without a proposal."""
    error = unknown_name("recipe", "zzz", ["vessel", "general"])
    assert str(error) == "unknown recipe 'zzz'; Known: general, vessel"
    assert isinstance(error, SettingsError)
    assert isinstance(error, DelineateError)


def test_default_classes_have_distinct_names_and_a_colour():
    """Two classes are background and foreground; more are numbered, each in its own colour."""
    assert [each.name for each in default_classes(2)] == ["background", "foreground"]
    many = default_classes(12)
    assert [each.index for each in many] == list(range(12))
    assert len({each.name for each in many}) == 12
    assert many[0].colour == COLOURS[0]
    assert tuple(each.colour for each in many[:8]) == COLOURS
    assert len({each.colour for each in default_classes(255)}) == 255


def test_digests_are_plain_sha256(tmp_path):
    """File and text digests are those that any other tool computes."""
    (tmp_path / "a").write_bytes(b"\x00\xffabc")
    assert sha256_of_file(tmp_path / "a") == hashlib.sha256(b"\x00\xffabc").hexdigest()
    assert sha256_of_text("µ") == hashlib.sha256(b"\xc2\xb5").hexdigest()
