"""Weights in files of any origin: read, or refused, and never run."""

from __future__ import annotations

import io
import json
import pickle
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from delineate.core.errors import SettingsError, UnreadableFileError
from delineate.models.state_files import read_metadata, read_state

TENSORS = {"a.weight": torch.arange(4.0), "a.count": torch.tensor(3)}


class Trap:
    """An object that writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


@pytest.mark.parametrize(
    "content",
    [
        TENSORS,
        {"state_dict": TENSORS, "epoch": 3},
        {"epoch": 3, "model": {"state_dict": TENSORS}},
    ],
)
@pytest.mark.parametrize("suffix", [".pt", ".PTH"])
def test_torch_files_come_back(tmp_path, content, suffix):
    """Tensors come back by name, alone or nested."""
    file = tmp_path / f"weights{suffix}"
    torch.save(content, file)
    state = read_state(file)
    assert set(state) == set(TENSORS)
    assert all(torch.equal(state[name], TENSORS[name]) for name in TENSORS)


def test_safetensors_come_back_with_what_they_say(tmp_path):
    """Tensors and the JSON beside them come back."""
    file = tmp_path / "weights.safetensors"
    save_file(TENSORS, file, metadata={"preprocessing": json.dumps({"mean": [1, 2, 3]})})
    assert torch.equal(read_state(file)["a.weight"], TENSORS["a.weight"])
    assert read_metadata(file, "preprocessing") == {"mean": [1, 2, 3]}
    assert read_metadata(file, "nothing") is None
    assert read_metadata(tmp_path / "weights.pt", "preprocessing") is None


@pytest.mark.parametrize("legacy", [True, False])
def test_pickled_objects_are_refused_and_not_run(tmp_path, legacy):
    """A file that would run code is refused, and the code is not run."""
    file, target = tmp_path / "trap.pt", tmp_path / "sprung"
    content = {"state_dict": TENSORS, "extra": Trap(target)}
    if legacy:
        file.write_bytes(pickle.dumps(content["extra"]))
    else:
        torch.save(content, file)
    with pytest.raises(UnreadableFileError, match=r"trap\.pt: holds objects beside tensors"):
        read_state(file)
    assert not target.exists()


def test_a_whole_network_is_refused(tmp_path):
    """A pickled module is no state dict."""
    file = tmp_path / "network.pth"
    torch.save(torch.nn.Linear(2, 2), file)
    with pytest.raises(UnreadableFileError, match=r"state_dict\(\) alone"):
        read_state(file)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04" + bytes(50), bytes(200)])
def test_damaged_files_are_named(tmp_path, suffix, content):
    """What is no such file, or only its beginning, gives one line with its name."""
    file = tmp_path / f"damaged{suffix}"
    file.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=rf"damaged{suffix}: (cannot be read|holds)"):
        read_state(file)


@pytest.mark.parametrize("legacy", [True, False])
def test_bytes_that_changed_are_read_or_named(tmp_path, legacy):
    """Whatever bytes of a torch file are changed, it is read or refused in one line."""
    whole = io.BytesIO()
    torch.save(
        {"state_dict": TENSORS, "epoch": 3}, whole, _use_new_zipfile_serialization=not legacy
    )
    file, refusals = tmp_path / "damaged.pth", list[str]()
    for seed in range(1500):
        rng = random.Random(seed)
        content = bytearray(whole.getvalue())
        for _ in range(rng.choice([1, 2, 5])):
            content[rng.randrange(len(content))] = rng.randrange(256)
        file.write_bytes(content)
        try:
            read_state(file)
        except UnreadableFileError as error:
            refusals.append(str(error))
    assert len(refusals) > 100
    assert all(each.startswith(f"{file}: ") and "\n" not in each for each in refusals)


def test_half_a_file_is_named(tmp_path):
    """A download that stopped halfway is refused."""
    whole = tmp_path / "whole.pt"
    torch.save({"a": torch.rand(1000)}, whole)
    for suffix in (".pt", ".safetensors"):
        if suffix == ".safetensors":
            save_file({"a": torch.rand(1000)}, tmp_path / "whole.safetensors")
        content = (tmp_path / f"whole{suffix}").read_bytes()
        half = tmp_path / f"half{suffix}"
        half.write_bytes(content[: len(content) // 2])
        with pytest.raises(UnreadableFileError, match="download it again"):
            read_state(half)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {"state_dict": {"a": 1}}, 4.0])
def test_files_without_tensors_are_refused(tmp_path, content):
    """A torch file of other things says what is expected."""
    file = tmp_path / "log.pt"
    torch.save(content, file)
    with pytest.raises(UnreadableFileError, match="expected tensors by name"):
        read_state(file)


def test_wrong_kinds_of_file_have_a_remedy(tmp_path):
    """A missing file, one of Keras and one of another kind each say what to do."""
    with pytest.raises(SettingsError, match="no such file"):
        read_state(tmp_path / "missing.pt")
    for name, match in [("w.h5", "delineate weights import"), ("w.onnx", "but got '.onnx'")]:
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(SettingsError, match=match):
            read_state(tmp_path / name)


def test_metadata_that_is_no_json_is_refused(tmp_path):
    """An entry that cannot be read is not skipped."""
    file = tmp_path / "weights.safetensors"
    save_file(TENSORS, file, metadata={"preprocessing": "mean 0.5"})
    with pytest.raises(UnreadableFileError, match="is not JSON"):
        read_metadata(file, "preprocessing")
    file.write_bytes(b"broken")
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        read_metadata(file, "preprocessing")
