"""One look at all pictures: what is kept, where, and what happens when it cannot be."""

from __future__ import annotations

import gc
import hashlib
import sqlite3
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from delineate.auditing.pictures import gallery as gallery_module
from delineate.auditing.pictures import signature_cache
from delineate.auditing.pictures.gallery import Gallery, look_at
from delineate.auditing.pictures.signature import look
from delineate.auditing.pictures.signature_cache import FILE, SignatureCache, default_cache
from delineate.core.errors import UnreadableFileError
from delineate.core.progress import Bar
from delineate.data.sample import Sample

Made = Callable[[Any], Gallery]
Written = Callable[[Any], tuple[Sample, ...]]
RNG = np.random.default_rng(0)
PICTURES = [RNG.integers(0, 255, (30 + n, 40, 3)[: 2 + n % 2]).astype(np.uint8) for n in range(40)]


class Ear:
    """Hears what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.reached: list[float] = []

    def say(self, text: str) -> None:
        """Remember."""
        self.said.append(text)

    def bar(self, label: str, total: float) -> Ear:
        """Be the bar as well."""
        return self

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def reach(self, done: float, text: str = "") -> None:
        """Remember."""
        self.reached.append(done)


def assert_equal(one: Gallery, other: Gallery) -> None:
    """Everything that is kept is the same."""
    np.testing.assert_array_equal(one.table, other.table)
    np.testing.assert_array_equal(one.sums, other.sums)
    np.testing.assert_array_equal(one.shapes, other.shapes)
    everything = range(len(one))
    np.testing.assert_array_equal(one.thumbs(everything), other.thumbs(everything))


def test_everything_is_in_order(samples_of: Written) -> None:
    """Each position holds what one look at that picture gives, and where it came from."""
    samples = samples_of(PICTURES)
    ear = Ear()
    gallery = look_at(samples, cache=None, threads=3, progress=ear)
    assert len(gallery) == 40
    assert ear.reached[-1] == 40
    assert ear.said == []
    for position, picture in enumerate(PICTURES):
        expected = look(picture if picture.ndim == 3 else picture[..., np.newaxis])
        np.testing.assert_array_equal(gallery.sums[position], expected.sums)
        np.testing.assert_array_equal(gallery.thumb(position), expected.thumb)
        digest = hashlib.sha256(samples[position].image.read_bytes()).digest()
        assert gallery.digest(position) == digest
        assert gallery.name(position) == str(position)
        assert gallery.table["height"][position] == 30 + position


def test_a_second_look_decodes_nothing(
    samples_of: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the cache holds is not decoded again, and is the same."""
    samples = samples_of(PICTURES)
    first = look_at(samples, cache=tmp_path)

    def refuse(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(gallery_module, "image_from", refuse)
    assert_equal(first, look_at(samples, cache=tmp_path))


def test_the_cache_goes_by_content(samples_of: Written, tmp_path: Path) -> None:
    """A file that changes under its name is looked at anew."""
    samples = samples_of(PICTURES[:2])
    look_at(samples, cache=tmp_path)
    samples[0].image.write_bytes(samples[1].image.read_bytes())
    again = look_at(samples, cache=tmp_path)
    assert again.digest(0) == again.digest(1)
    assert again.table["height"].tolist() == [31, 31]


def test_unreadable_files_are_problems(samples_of: Written, tmp_path: Path) -> None:
    """Damaged, missing and strange files are named; the others are there."""
    samples = samples_of(PICTURES[:5])
    samples[1].image.write_bytes(samples[1].image.read_bytes()[:100])
    samples[2].image.unlink()
    samples[3].image.write_text("no picture")
    for _ in range(2):
        gallery = look_at(samples, cache=tmp_path)
        assert sorted(gallery.problems) == [1, 2, 3]
        assert "truncated" in gallery.problems[1]
        assert "no such file" in gallery.problems[2]
        assert "plain text" in gallery.problems[3]
        assert gallery.table["is_read"].tolist() == [True, False, False, False, True]
        assert not gallery.thumbs([1, 2]).any()


def test_without_a_folder_nothing_is_left(
    samples_of: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temporary folder lives as long as the gallery that reads thumbnails from it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gallery = look_at(samples_of(PICTURES[:3]), cache=None)
    assert gallery.thumb(2).any()
    assert list(tmp_path.iterdir())
    del gallery
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_a_damaged_cache_is_done_without(samples_of: Written, tmp_path: Path) -> None:
    """A cache that is no cache costs a sentence, and no picture."""
    (tmp_path / FILE).write_bytes(b"this is no database " * 500)
    samples, ear = samples_of(PICTURES[:3]), Ear()
    gallery = look_at(samples, cache=tmp_path, progress=ear)
    assert len(ear.said) == 1
    assert ear.said[0].startswith("going on without the cache of signatures: ")
    assert_equal(gallery, look_at(samples, cache=None))


def test_a_folder_that_cannot_be_made(samples_of: Written, tmp_path: Path) -> None:
    """A file in the way of the folder is said, and the audit goes on."""
    (tmp_path / "file").write_text("")
    ear = Ear()
    gallery = look_at(samples_of(PICTURES[:3]), cache=tmp_path / "file" / "x", progress=ear)
    assert "Not a directory" in ear.said[0]
    assert gallery.thumb(1).any()


def test_a_disk_that_fills_up(
    samples_of: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache that may not grow is given up, and thumbnails come from the files."""
    opened = SignatureCache._opened

    def small(self: SignatureCache, path: Path) -> sqlite3.Connection:
        database = opened(self, path)
        database.execute("pragma max_page_count = 8")
        return database

    monkeypatch.setattr(SignatureCache, "_opened", small)
    samples, ear = samples_of(PICTURES), Ear()
    gallery = look_at(samples, cache=tmp_path, progress=ear)
    assert ear.said == ["going on without the cache of signatures: database or disk is full"]
    monkeypatch.undo()
    assert_equal(gallery, look_at(samples, cache=None))


def test_two_audits_share_a_cache(samples_of: Written, tmp_path: Path) -> None:
    """Several at a time, with the same and with other pictures, all see everything."""
    samples = samples_of(PICTURES)

    def audit(number: int) -> Gallery:
        return look_at(samples[number:], cache=tmp_path, threads=2)

    with ThreadPoolExecutor(4) as pool:
        galleries = list(pool.map(audit, range(4)))
    for number, gallery in enumerate(galleries):
        assert_equal(gallery, look_at(samples[number:], cache=None))


def test_an_unfinished_write_is_not_there(tmp_path: Path) -> None:
    """Of a batch that breaks off, nothing is kept."""
    cache = SignatureCache(tmp_path, print)
    seen = look(PICTURES[1][..., :3])
    with pytest.raises(AttributeError):
        cache.keep({b"a": seen, b"b": None})  # type: ignore[dict-item]
    assert cache.known([b"a", b"b"]) == {}
    cache.keep({b"a": seen})
    assert list(cache.known([b"a", b"b"])) == [b"a"]


def test_a_picture_is_decoded_again_once(gallery_of: Made, monkeypatch: Any) -> None:
    """Grey levels come from the file, and the latest ones are kept; nobody can change them."""
    gallery = gallery_of(PICTURES[:3])
    np.testing.assert_array_equal(gallery.grey(0), PICTURES[0])
    gallery.samples[0].image.unlink()
    with pytest.raises(ValueError, match="read-only"):
        gallery.grey(0)[0, 0] = 1
    monkeypatch.setattr(gallery_module, "_GREY_BYTES", 1)
    gallery.grey(1)
    with pytest.raises(UnreadableFileError, match="no such file"):
        gallery.grey(0)


def test_memory_an_image_is_bounded(samples_of: Written) -> None:
    """Beyond the samples, at most 1 KiB a picture is kept."""
    samples = samples_of(PICTURES)
    kept = []
    for count in (1000, 3000):
        many: Sequence[Sample] = (samples * 100)[:count]
        gc.collect()
        tracemalloc.start()
        gallery = look_at(many, cache=None, threads=2)
        gc.collect()
        kept.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert len(gallery) == count
    assert (kept[1] - kept[0]) / 2000 < 1024


def test_the_default_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folder for caches that the environment names, else the usual one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "delineate"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == Path.home() / ".cache" / "delineate"


def test_no_samples(tmp_path: Path) -> None:
    """An empty data set is an empty gallery."""
    gallery = look_at([], cache=tmp_path)
    assert (len(gallery), gallery.thumbs([]).shape) == (0, (0, 64, 64))


def test_digests_in_many_questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More digests than one question may hold are all answered."""
    monkeypatch.setattr(signature_cache, "_AT_ONCE", 3)
    cache = SignatureCache(tmp_path, print)
    looks = {bytes([n]): look(PICTURES[n][..., np.newaxis]) for n in range(0, 20, 2)}
    cache.keep(looks)
    assert set(cache.known(list(looks))) == set(looks)
    assert set(cache.thumbs(list(looks))) == set(looks)
