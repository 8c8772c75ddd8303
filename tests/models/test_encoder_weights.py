"""What an encoder starts from is said, had, and stated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest
import torch
from safetensors.torch import save_file

from delineate.core.errors import DelineateError, SettingsError, UnreadableFileError
from delineate.models import hub_weights
from delineate.models.catalogue import (
    CLASSIFIERS,
    MODELS,
    build_classifier,
    build_model,
    encoder_of,
)
from delineate.models.classifier import Classifier
from delineate.models.encoder_decoder import EncoderDecoder
from delineate.models.encoder_names import native_encoders
from delineate.models.encoder_weights import (
    encoder_normalisation,
    require_encoder_start,
    start_encoder,
)
from delineate.models.hub_weights import HubWeights, hub_file
from delineate.models.torchvision_import import import_timm
from delineate.models.unet import UNet

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.fixture
def network() -> EncoderDecoder:
    """A small network with an encoder by name."""
    return EncoderDecoder(channels=1, classes=1, encoder="test_resnet")


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    """The state of a whole network of timm, head included."""
    torch.manual_seed(7)
    return import_timm().create_model("test_resnet").state_dict()


@pytest.fixture
def cache(monkeypatch, tmp_path) -> Path:
    """An empty cache of the Hub, and a Hub that does not answer at once."""
    from huggingface_hub import constants

    def unreachable() -> None:
        raise OSError("no network")

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(hub_weights, "_knock", unreachable)
    return tmp_path / "hub"


def saved(state: dict[str, torch.Tensor], file: Path) -> Path:
    """The state in a file of the kind that its name says."""
    if file.suffix == ".safetensors":
        save_file(state, file)
    else:
        torch.save({"state_dict": state, "epoch": 90}, file)
    return file


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_files_start_the_encoder(network, state, tmp_path, suffix):
    """A file's weights are the encoder's, and the statement names file and digest."""
    file = saved(state, tmp_path / f"mine{suffix}")
    said = start_encoder(network, str(file))
    kernels = network.encoder.state_dict()["model.layer4.0.conv1.weight"]
    assert torch.equal(kernels, state["layer4.0.conv1.weight"])
    assert f"tu-test_resnet from mine{suffix} (sha256 " in said
    assert str(tmp_path) not in said


def test_files_start_a_classifier(state, tmp_path):
    """The classifier's encoder takes the same files."""
    network = Classifier(channels=3, classes=2, encoder="test_resnet")
    start_encoder(network, str(saved(state, tmp_path / "mine.pt")))
    assert torch.equal(network.encoder.layer4[0].conv1.weight, state["layer4.0.conv1.weight"])


@pytest.mark.parametrize(
    ("channels", "grey", "made_for", "said"),
    [
        (1, "adapted", 3, ", kernels summed over colours"),
        (4, "adapted", 3, ", kernels taken in turn and scaled by 3/4"),
        (1, "adapted", 1, ")"),
        (1, "repeated", 3, ")"),
        (3, "adapted", 3, ")"),
    ],
)
def test_adapted_kernels_are_stated(tmp_path, channels, grey, made_for, said):
    """The statement says what was done to kernels, and of a random start that nothing was."""
    state = import_timm().create_model("test_resnet", in_chans=made_for).state_dict()
    file = saved(state, tmp_path / "mine.safetensors")
    network = EncoderDecoder(channels=channels, classes=1, encoder="test_resnet", grey=grey)
    random = start_encoder(network, "random")
    assert "kernels" not in f"{random} {network.grey_rule}"
    assert start_encoder(network, str(file)).endswith(said)


def test_chance_is_asked_for_by_name(network):
    """Nothing given is an error with the choices; `random` leaves the weights and says so."""
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(SettingsError, match=r"--encoder-weights imagenet .* PATH .* random"):
        start_encoder(network, None)
    assert "not pretrained" in start_encoder(network, "random")
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_networks_without_encoder_take_no_weights(tmp_path):
    """A network without an encoder by name starts at random, and refuses weights."""
    network = UNet(channels=1, classes=1, width=2, depth=1)
    assert start_encoder(network, None) is None
    assert start_encoder(network, "random") is None
    for weights in ("imagenet", str(tmp_path / "x.pt")):
        with pytest.raises(SettingsError, match="has no encoder by name"):
            start_encoder(network, weights)


def test_faults_name_the_file(network, state, tmp_path):
    """Weights that do not fit and files that are not there are named."""
    del state["layer1.0.conv1.weight"]
    file = saved(state, tmp_path / "foreign.pt")
    with pytest.raises(SettingsError, match=r"foreign\.pt: 1 of .* missing"):
        start_encoder(network, str(file))
    with pytest.raises(SettingsError, match=r"^[^:]*absent\.pt: no such file"):
        start_encoder(network, str(tmp_path / "absent.pt"))
    torch.save({"a": UNet}, tmp_path / "objects.pt")
    with pytest.raises(UnreadableFileError, match="objects beside tensors"):
        start_encoder(network, str(tmp_path / "objects.pt"))


def test_what_cannot_start_is_known_without_a_network(cache, state, tmp_path):
    """Words, files and the Hub's cache are looked at before anything is built."""
    for weights in (None, "random"):
        require_encoder_start(None, weights)
    require_encoder_start("resnet18", "random")
    require_encoder_start("resnet18", str(saved(state, tmp_path / "mine.pt")))
    (tmp_path / "damaged.safetensors").write_bytes(b"damaged")
    for name, weights, match in [
        (None, "imagenet", "has no encoder by name"),
        ("resnet18", None, "--encoder-weights imagenet"),
        ("resnet18", "imagenet", "no network"),
        ("resnet18", str(tmp_path / "absent.pt"), "no such file"),
        ("resnet18", str(tmp_path / "damaged.safetensors"), "cannot be read"),
    ]:
        with pytest.raises(DelineateError, match=match):
            require_encoder_start(name, weights)


def in_cache(cache: Path, weights: HubWeights, state: dict[str, torch.Tensor]) -> None:
    """Put a file where the Hub's client keeps it."""
    folder = cache / f"models--{weights.repository.replace('/', '--')}"
    commit = "0" * 40 if weights.revision == "main" else weights.revision
    (folder / "snapshots" / commit).mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)
    save_file(state, folder / "snapshots" / commit / "model.safetensors")


@pytest.mark.parametrize("name", ["test_resnet", "resnet18"])
def test_the_cache_needs_no_network(cache, name):
    """Weights in the Hub's cache start the encoder offline, timm's and the library's own."""
    network = EncoderDecoder(channels=3, classes=1, encoder=name)
    state = import_timm().create_model(name).state_dict()
    in_cache(cache, hub_weights.hub_weights(network.encoder_name), state)
    said = start_encoder(network, "imagenet")
    assert ("timm/test_resnet" if name == "test_resnet" else "smp-hub/resnet18.imagenet") in said
    values = list(network.encoder.state_dict().values())
    assert torch.equal(
        values[0], state["conv1.0.weight" if name == "test_resnet" else "conv1.weight"]
    )


def test_offline_is_one_line_with_a_remedy(network, cache):
    """Without cache and network the error says what to do, and nothing is changed."""
    with pytest.raises(
        SettingsError, match=r"timm/test_resnet.* \(no network\).*--encoder-weights PATH"
    ):
        start_encoder(network, "imagenet")


def test_downloads_go_through_the_hub_s_client(cache, state, tmp_path, monkeypatch):
    """With a Hub that answers, its client downloads the one file at the named revision."""
    import huggingface_hub

    asked = []

    def download(repository: str, file: str, *, revision: str) -> str:
        asked.append((repository, file, revision))
        return str(saved(state, tmp_path / "model.safetensors"))

    monkeypatch.setattr(hub_weights, "_knock", lambda: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    assert hub_file(HubWeights("a/b", "c")) == tmp_path / "model.safetensors"
    assert asked == [("a/b", "model.safetensors", "c")]


@pytest.mark.parametrize("offline", ["1", ""])
def test_a_machine_without_network_hears_soon(tmp_path, offline):
    """In a fresh process, asked to stay offline or without a Hub, the error comes in seconds."""
    program = """
import huggingface_hub
from time import monotonic
from delineate.core.errors import SettingsError
from delineate.models.hub_weights import HubWeights, hub_file
start = monotonic()
try:
    hub_file(HubWeights("timm/none", "main"))
except SettingsError as error:
    print(monotonic() - start, str(error).count("\\n"), error)
"""
    start = monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={
            "HF_HOME": str(tmp_path),
            "HF_HUB_OFFLINE": offline,
            "HF_ENDPOINT": "http://127.0.0.1:9",  # nobody listens
            "PATH": "",
        },
    )
    seconds, lines, message = done.stdout.split(maxsplit=2)
    assert float(seconds) < 8, monotonic() - start
    assert lines == "0"
    assert "cannot be downloaded" in message


def test_encoders_without_weights_say_so(cache):
    """An encoder that nobody pretrained is refused by name."""
    for name in ("resnext101_32x32d", "tu-test_coatnet"):
        with pytest.raises(SettingsError, match=f"'{name}' has no weights of ImageNet"):
            hub_weights.hub_weights(name)


@pytest.mark.parametrize(
    ("encoder", "expected"),
    [
        ("resnet18", IMAGENET),
        ("densenet121", IMAGENET),
        ("efficientnet-b4", IMAGENET),
        ("xception", ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))),
        ("test_vit3", ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))),
        ("tu-test_resnet", ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))),
    ],
)
@pytest.mark.parametrize("weights", ["imagenet", "random", None])
def test_normalisation_is_the_encoder_s(encoder, expected, weights):
    """Mean and deviation are those the pretrained weights were made with."""
    assert encoder_normalisation(encoder, weights) == expected


def test_normalisation_agrees_with_timm():
    """Where timm has an encoder of the library too, it knows weights of our mean and deviation."""
    timm = import_timm()
    shared = [name for name in native_encoders() if timm.list_pretrained(f"{name}.*")]
    assert len(shared) > 20
    for name in shared:
        configurations = map(timm.get_pretrained_cfg, timm.list_pretrained(f"{name}.*"))
        theirs = [torch.tensor((each.mean, each.std)) for each in configurations]
        ours = torch.tensor(encoder_normalisation(name, None))
        assert any(torch.allclose(ours, each, atol=1e-6) for each in theirs), name


def test_files_may_say_their_normalisation(state, tmp_path):
    """A file's own mean and deviation come first; a file without has the encoder's."""
    file = tmp_path / "mine.safetensors"
    said = {"mean": [0.1, 0.2, 0.3], "deviation": [1, 1, 2]}
    save_file(state, file, metadata={"preprocessing": json.dumps(said)})
    assert encoder_normalisation("resnet18", str(file)) == ((0.1, 0.2, 0.3), (1.0, 1.0, 2.0))
    plain = saved(state, tmp_path / "plain.pt")
    assert encoder_normalisation("resnet18", str(plain)) == IMAGENET


@pytest.mark.parametrize(
    "said", [{"mean": [0.1, 0.2, 0.3]}, [1, 2], {"mean": [1], "deviation": [1, 1, 1]}, "caffe"]
)
def test_wrong_normalisation_in_a_file_is_refused(state, tmp_path, said):
    """Anything but three numbers each is an error, not a default."""
    file = tmp_path / "mine.safetensors"
    save_file(state, file, metadata={"preprocessing": json.dumps(said)})
    with pytest.raises(UnreadableFileError, match="three numbers each"):
        encoder_normalisation("resnet18", str(file))


def test_deviation_of_nothing_is_refused(state, tmp_path):
    """Nothing can be divided by a deviation of 0."""
    file = tmp_path / "mine.safetensors"
    said = {"mean": [0, 0, 0], "deviation": [1, 0, 1]}
    save_file(state, file, metadata={"preprocessing": json.dumps(said)})
    with pytest.raises(UnreadableFileError, match="expected all above 0"):
        encoder_normalisation("resnet18", str(file))


def test_normalisation_needs_a_known_encoder_and_file(tmp_path):
    """A misspelt encoder or file is no reason for a default."""
    with pytest.raises(SettingsError, match="did you mean 'resnet18'"):
        encoder_normalisation("resnt18", None)
    with pytest.raises(SettingsError, match="no such file"):
        encoder_normalisation("resnet18", str(tmp_path / "absent.safetensors"))


@pytest.mark.parametrize(
    ("architecture", "arguments", "expected"),
    [
        ("unet", {}, None),
        ("encoder_decoder", {"encoder": "vgg16"}, "vgg16"),
        ("encoder_decoder", {"encoder": "test_resnet"}, "tu-test_resnet"),
        ("uefficientnet", {"encoder": "efficientnet_b0"}, "tu-efficientnet_b0"),
        ("classifier", {}, "tu-densenet121"),
        ("classifier", {"encoder": "resnet18"}, "tu-resnet18"),
    ],
)
def test_the_encoder_is_known_before_building(architecture, arguments, expected):
    """The encoder that a network will have, its default included, is known from its arguments."""
    assert encoder_of(MODELS | CLASSIFIERS, architecture, arguments) == expected
    build = build_model if architecture in MODELS else build_classifier
    network = build(architecture, channels=3, classes=2, arguments=arguments)
    assert getattr(network, "encoder_name", None) == expected


@pytest.mark.parametrize(
    ("architecture", "arguments", "match"),
    [
        ("nothing", {}, "unknown architecture 'nothing'"),
        ("encoder_decoder", {}, "expected the argument encoder"),
        ("uefficientnet", {"encoder": "resnt18"}, "unknown encoder 'resnt18'; did you mean"),
        ("classifier", {}, "'classifier': classifies"),
        ("unet", {"encoder": "resnet18"}, "unknown argument"),
    ],
)
def test_no_encoder_of_nothing(architecture, arguments, match):
    """What cannot be built has no encoder, and the error says why."""
    with pytest.raises(SettingsError, match=match):
        encoder_of(MODELS, architecture, arguments)


def test_each_network_expects_the_colours_of_its_own_encoder():
    """A name of both libraries is timm's where timm builds the encoder, former names included."""
    half, dpn = ((0.5,) * 3,) * 2, ((124 / 255, 117 / 255, 104 / 255), (1 / (0.0167 * 255),) * 3)
    for name, architecture, expected in [
        ("dpn68b", "encoder_decoder", dpn),
        ("dpn68b", "classifier", IMAGENET),
        ("efficientnet-b4", "encoder_decoder", IMAGENET),
        ("mixnet_s", "uefficientnet", IMAGENET),
        ("tf_efficientnet_b0.ap_in1k", "uefficientnet", half),
        ("xception", "encoder_decoder", half),
        ("xception", "classifier", half),
    ]:
        encoder = encoder_of(MODELS | CLASSIFIERS, architecture, {"encoder": name})
        assert encoder_normalisation(encoder, "imagenet") == expected, (name, architecture)
