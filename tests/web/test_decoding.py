"""Processes that decode: the same pixels, within limits, replaced when they die."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from delineate.files.image_files import read_image
from delineate.report.display import to_rgb
from delineate.web.problems import RefusedError
from delineate.web.uploads import decoding_process
from delineate.web.uploads.decoding import Decoder

from ..files.dicom_writing import write_dicom

RNG = np.random.default_rng(8)
GREY = RNG.integers(0, 256, (40, 50), np.uint8)
COLOURS = RNG.integers(0, 256, (40, 50, 3), np.uint8)
PIXELS = 30_000_000


@contextlib.contextmanager
def decoder(**options: float) -> Iterator[Decoder]:
    """One process that takes images of 30 million pixels."""
    made = Decoder(1, PIXELS, **options)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Decoder]:
    """One process for the tests that do it no harm."""
    with decoder() as made:
        yield made


@pytest.mark.parametrize(
    ("ending", "values"),
    [
        ("png", GREY),
        ("png", COLOURS),
        ("png", GREY.astype(np.uint16) * 250),
        ("png", COLOURS.astype(np.uint16) * 250),
        ("tif", GREY.astype(np.float32) / 255),
        ("tif", COLOURS.astype(np.float32) / 255),
        ("dcm", GREY),
        ("dcm", GREY.astype(np.int16) * 100),
    ],
)
def test_the_model_sees_what_read_image_gives(
    shared: Decoder, tmp_path: Path, ending: str, values: np.ndarray
) -> None:
    """The same pixels of the same type; beside them what a viewer shows."""
    path = tmp_path / f"a.{ending}"
    if ending == "png":
        path.write_bytes(imagecodecs.png_encode(values))
    elif ending == "tif":
        tifffile.imwrite(path, values, photometric="rgb" if values.ndim == 3 else "minisblack")
    else:
        write_dicom(path, values, PixelSpacing=[2, 3])
    decoded = shared.decode_waiting(path, name="its name")
    expected = read_image(path)
    assert decoded.image.dtype == expected.dtype
    assert (decoded.image == expected).all()
    assert decoded.name == "its name"
    assert decoded.format == {"png": "PNG", "tif": "TIFF", "dcm": "DICOM"}[ending]
    assert (decoded.spacing is not None) == (ending == "dcm")
    if values.ndim == 3 or (values.dtype == np.uint8 and ending == "png"):
        shown = to_rgb(expected)
        assert (decoded.shades == (shown if values.ndim == 3 else shown[..., 0])).all()
        assert (decoded.window.low, decoded.window.high) == (0, 255)
    else:
        assert decoded.shades.dtype == np.uint16
        back = decoded.slope * decoded.shades + decoded.intercept
        assert np.abs(back - values).max() <= decoded.slope / 2


def test_a_frame_is_chosen(shared: Decoder, tmp_path: Path) -> None:
    """Frames are counted from 1; without a choice the message names the field of the form."""
    path = write_dicom(tmp_path / "a.dcm", np.stack([GREY, 255 - GREY]), NumberOfFrames=2)
    second = shared.decode_waiting(path, name="a", frame=2)
    assert (second.image[..., 0] == 255 - GREY).all()
    with pytest.raises(RefusedError, match=r"^a: .* choose one with frame 1 to 2") as refused:
        shared.decode_waiting(path, name="a")
    assert (refused.value.status, refused.value.kind) == (422, "several_frames")


def test_messages_hold_no_path(shared: Decoder, tmp_path: Path) -> None:
    """A file that is gone is named by what it is called, not by where it lay."""
    with pytest.raises(RefusedError, match=r"^scan 3: no such file") as refused:
        shared.decode_waiting(tmp_path / "gone", name="scan 3")
    assert str(tmp_path) not in str(refused.value)


def test_its_rights_are_few(
    shared: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No torch, no byte into any file, an end to its memory, and no token."""
    monkeypatch.setenv("DELINEATE_TOKEN", "a secret that nobody else has")
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(GREY))
    with decoder() as other:
        other.decode_waiting(path, name="a")
        about = Path(f"/proc/{other.pids[0]}")
        if not about.is_dir():
            pytest.skip("needs /proc to look at a process")
        limits = (about / "limits").read_text()
        assert "torch" not in (about / "maps").read_text()
        assert b"a secret" not in (about / "environ").read_bytes()
    assert any(line.split()[:4] == ["Max", "file", "size", "0"] for line in limits.splitlines())
    assert "unlimited" not in next(x for x in limits.splitlines() if "address space" in x)


def large(path: Path) -> Path:
    """A file that takes a while: 24 million pixels of noise."""
    noise = RNG.integers(0, 256, (4000, 6000), np.uint8)
    path.write_bytes(imagecodecs.png_encode(noise, level=1))
    return path


def small(path: Path) -> Path:
    """A file that takes no time."""
    path.write_bytes(imagecodecs.png_encode(GREY))
    return path


def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    """The kernel ends the process at its limit, and the next file is read by another one."""
    with decoder(limit_s=0.02) as made:
        (before,) = made.pids
        with pytest.raises(RefusedError, match=r"slow: .* decoded within 0.02 s") as refused:
            made.decode_waiting(large(tmp_path / "a.png"), name="slow")
        assert (refused.value.status, refused.value.kind) == (422, "too_slow")
        assert made.pids != [before]


def test_what_never_answers_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that stands still is killed by the server, and replaced."""
    monkeypatch.setattr(decoding_process, "_GRACE_S", 0.1)
    path = small(tmp_path / "a.png")
    with decoder(limit_s=1) as made:
        made.decode_waiting(path, name="a")
        os.kill(made.pids[0], signal.SIGSTOP)
        with pytest.raises(RefusedError, match="takes longer"):
            made.decode_waiting(path, name="a")
        assert (made.decode_waiting(path, name="a").image[..., 0] == GREY).all()


MORTAL = """#!{python}
import os, pathlib, signal, socket, sys
marker = pathlib.Path(__file__ + ".died")
if marker.exists():
    os.execv("{python}", ["{python}", *sys.argv[1:]])
marker.touch()
link = socket.socket(fileno=int(sys.argv[4]))
link.sendall(b"\\x01")
link.makefile("rb").readline()
os.kill(os.getpid(), signal.SIGSEGV)
"""


def test_a_file_that_kills_the_decoder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a codec does that runs into memory which is not its own; the next file is read."""
    program = tmp_path / "mortal"
    program.write_text(MORTAL.format(python=sys.executable))
    program.chmod(0o700)
    path = small(tmp_path / "a.png")
    monkeypatch.setattr(sys, "executable", str(program))
    with decoder() as made:
        with pytest.raises(
            RefusedError, match=rf"deadly: .* \(code {-signal.SIGSEGV}\)"
        ) as refused:
            made.decode_waiting(path, name="deadly")
        assert refused.value.status == 422
        assert (made.decode_waiting(path, name="a").image[..., 0] == GREY).all()


def test_a_process_that_ends_by_itself_costs_no_file(tmp_path: Path) -> None:
    """One that was killed while nobody asked is replaced without a word."""
    path = small(tmp_path / "a.png")
    with decoder() as made:
        made.decode_waiting(path, name="a")
        (pid,) = made.pids
        os.kill(pid, signal.SIGKILL)
        while "(zombie)" not in Path(f"/proc/{pid}/status").read_text():
            time.sleep(0.01)
        assert (made.decode_waiting(path, name="a").image[..., 0] == GREY).all()


def test_memory_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that takes more than there is of it is refused as too large, and the next read."""
    monkeypatch.setattr(decoding_process, "_MEMORY_BYTES_PER_PIXEL", 0)
    monkeypatch.setattr(decoding_process, "_MEMORY_BYTES", 900 << 20)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((5000, 5000, 3), np.float64), compression="zlib",
                     photometric="rgb")  # fmt: skip
    with decoder() as made:
        with pytest.raises(RefusedError, match="takes less memory") as refused:
            made.decode_waiting(path, name="a")
        assert (refused.value.status, refused.value.kind) == (413, "too_much_memory")
        small(path)
        assert (made.decode_waiting(path, name="a").image[..., 0] == GREY).all()


def test_only_so_many_wait(tmp_path: Path) -> None:
    """Beyond the queue a file is refused at once, with when to come again."""
    path = small(tmp_path / "a.png")

    async def ask(made: Decoder) -> list[object]:
        asked = (made.decode(path, name="a") for _ in range(5))
        return await asyncio.gather(*asked, return_exceptions=True)

    with decoder(queue=3) as made:
        answers = asyncio.run(ask(made))
        refused = [each for each in answers if isinstance(each, RefusedError)]
        assert len(refused) == 2
        assert all(each.status == 503 and each.headers["Retry-After"] for each in refused)
        assert len(asyncio.run(ask(made))) == 5


def test_after_the_end_nothing_is_read(tmp_path: Path) -> None:
    """A closed decoder refuses, and none of its processes is left."""
    path = small(tmp_path / "a.png")
    with decoder() as made:
        made.decode_waiting(path, name="a")
        (pid,) = made.pids
    with pytest.raises(RefusedError, match="the server stops"):
        made.decode_waiting(path, name="a")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


LIAR = """#!{python}
import json, socket, struct, sys
link = socket.socket(fileno=int(sys.argv[4]))
link.sendall(b"\\x01")
link.makefile("rb").readline()
link.sendall({said!r})
link.recv(1)
"""


def _says(header: object) -> bytes:
    written = json.dumps(header).encode()
    return len(written).to_bytes(4, "little") + written


def _image(shape: list[object], kind: object) -> bytes:
    return _says({"arrays": [{"shape": shape, "type": kind}]})


@pytest.mark.parametrize(
    "said",
    [
        b"\xff\xff\xff\xff",
        b"\x04\x00\x00\x00what",
        _says([]),
        _says({"arrays": 7}),
        _says({"refusal": ["x"]}),
        _image([1 << 20, 1 << 20, 3], "float32"),
        _image([4, 5, 200], "uint8"),
        _image([-4, 5, 1], "uint8"),
        _image([4, 5, 1], "object"),
        _image([4, 5, 1], ["uint8"]),
        _image(["a"], "uint8"),
    ],
)
def test_a_process_that_lies_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """One that a file has taken over can announce anything: it is ended, and the file refused."""
    program = tmp_path / "liar"
    program.write_text(LIAR.format(python=sys.executable, said=said))
    program.chmod(0o700)
    path = small(tmp_path / "a.png")
    monkeypatch.setattr(sys, "executable", str(program))
    with decoder() as made:
        with pytest.raises(RefusedError, match="of which the decoder ended") as refused:
            made.decode_waiting(path, name="a")
        assert refused.value.status == 422
