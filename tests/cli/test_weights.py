"""`delineate weights import`."""

from __future__ import annotations

import json

import pytest

from delineate.cli.weights import NetworkName, PreprocessingName
from delineate.models.keras.networks import NETWORKS
from delineate.models.keras.preprocessing import PREPROCESSINGS


@pytest.fixture(scope="module")
def chexnet(chexnet_layers, write_keras2, tmp_path_factory):
    """A file as Keras 2 leaves it."""
    return write_keras2(tmp_path_factory.mktemp("keras") / "chexnet.h5", chexnet_layers)


def test_networks_and_preprocessings_are_those_of_the_package():
    """Whatever can be taken over can be asked for by its name."""
    assert [each.value for each in NetworkName] == list(NETWORKS)
    assert [each.value for each in PreprocessingName] == list(PREPROCESSINGS)


def test_says_what_was_found_and_where_it_is(delineate, chexnet, tmp_path):
    """Format, network, layers, preprocessing and epsilon are told; the file comes last."""
    out = tmp_path / "chexnet.safetensors"
    result = delineate("weights", "import", chexnet, "--as", "densenet121", "--out", out)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "source         legacy HDF5, weights alone, Keras 2.1.6",
        "network        densenet121, 6,968,206 parameters, 14 outputs",
        "layers         242, all matched by name: 120 convolution, 121 normalisation, 1 dense",
        "preprocessing  imagenet: RGB from 0 to 1, mean 0.485, 0.456, 0.406, "
        "deviation 0.229, 0.224, 0.225",
        "normalisation  epsilon 1.001e-05 in Keras, 1e-05 in torch; "
        "the difference is added to running_var",
        str(out),
    ]
    assert out.is_file()


def test_options(delineate, chexnet, tmp_path):
    """Preprocessing is what is asked for; quiet and JSON do what they do everywhere."""
    call = ["weights", "import", chexnet, "--as", "densenet121"]
    out = tmp_path / "a.safetensors"
    quiet = delineate(*call, "--out", out, "--quiet")
    assert (quiet.stdout, quiet.stderr) == (f"{out}\n", "")
    assert delineate(*call, "--out", out).exit_code == 2
    result = delineate(*call, "--out", out, "--overwrite", "--json", "--preprocessing", "unit")
    document = json.loads(result.stdout)
    assert document["preprocessing"] == {
        "name": "unit", "mean": [0.0, 0.0, 0.0], "deviation": [1.0, 1.0, 1.0],
    }  # fmt: skip
    assert len(document["layers"]) == 242


def test_a_file_of_another_network_is_one_line(delineate, chexnet, tmp_path):
    """The wrong --as ends in one line that names layers, and nothing is written."""
    out = tmp_path / "vgg.safetensors"
    result = delineate("weights", "import", chexnet, "--as", "vgg16", "--out", out, "--quiet")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {chexnet}: these are not the layers of vgg16")
    assert not out.exists()


def test_interrupt_leaves_nothing(delineate, chexnet, tmp_path, monkeypatch):
    """Ctrl-C ends with exit code 130 and without a file."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("delineate.workflows.import_weights.save", interrupt)
    out = tmp_path / "a.safetensors"
    result = delineate("weights", "import", chexnet, "--as", "densenet121", "--out", out)
    assert result.exit_code == 130
    assert result.stderr.endswith("interrupted; no weights were written; start again\n")
    assert list(tmp_path.iterdir()) == []
