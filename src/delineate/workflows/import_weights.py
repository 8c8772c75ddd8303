"""Weights of a Keras network, taken over into ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from delineate.core.checks import sha256_of_file
from delineate.core.errors import (
    OutputExistsError,
    SettingsError,
    UnreadableFileError,
    unknown_name,
)
from delineate.core.progress import SILENT, Progress, track
from delineate.files.writing import write_bytes
from delineate.models.keras.conversion import (
    TORCH_EPSILON,
    converted,
    epsilon_of,
    stated_epsilons,
)
from delineate.models.keras.hdf5 import read_layers
from delineate.models.keras.layers import Kind
from delineate.models.keras.networks import NETWORKS
from delineate.models.keras.opening import open_keras
from delineate.models.keras.pairing import Pairing, pair
from delineate.models.keras.preprocessing import PREPROCESSINGS, Preprocessing

ENDING = ".safetensors"


@dataclass(frozen=True)
class ImportResult:
    """Where the weights are, and what became of each layer."""

    path: Path
    document: dict[str, Any]
    failures: tuple[str, ...] = ()

    @property
    def main_result(self) -> Path:
        """The weights."""
        return self.path


def import_weights(
    source: Path | str,
    out: Path | str,
    *,
    network: str,
    preprocessing: str | None = None,
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> ImportResult:
    """Write a Keras network's weights as safetensors under timm's names for them.

    `source` is what `model.save` or `model.save_weights` of Keras 2 or 3 wrote: `.h5`,
    `.weights.h5` or `.keras`; nothing in it is run. Every layer of it finds its place in the
    network, and every tensor of the network is filled. `network` is a name in
    `delineate.models.keras.networks.NETWORKS`; `preprocessing`, in `PREPROCESSINGS` beside it,
    says what the network was fed, and is that of keras.applications where not given.

    Raises:
        DelineateError: a name that does not exist, a file that is not that network's or is
            damaged, or a target that exists.
    """
    source, out = Path(source), Path(out)
    if network not in NETWORKS:
        raise unknown_name("network", network, NETWORKS)
    chosen = preprocessing or NETWORKS[network].preprocessing
    if chosen not in PREPROCESSINGS:
        raise unknown_name("preprocessing", chosen, PREPROCESSINGS)
    if source.is_dir():
        raise UnreadableFileError(
            f"{source}: expected one file, found a folder; save the network anew with Keras, as "
            ".keras, .h5 or .weights.h5, and give that file"
        )
    _require_free(out, source=source, overwrite=overwrite)
    tensors: dict[str, Any] = {}
    epsilons = set()
    with open_keras(source) as contents:
        file = read_layers(contents)
        pairing = pair(file.layers, NETWORKS[network], source=source)
        stated = stated_epsilons(contents.model_config)
        for number, (layer, place) in enumerate(track(pairing.pairs, "layers", progress)):
            epsilon = epsilon_of(layer, stated, source=source)
            if place.kind is Kind.NORMALISATION:
                epsilons.add(epsilon)
            turned = number == 0 and PREPROCESSINGS[chosen].is_bgr
            tensors |= converted(layer, place, source=source, epsilon=epsilon, has_bgr_input=turned)
    document = {
        "source": str(source),
        "source_sha256": sha256_of_file(source),
        "source_format": file.format,
        "keras_version": file.keras_version,
        "network": network,
        "outputs": pairing.outputs,
        "preprocessing": {"name": chosen, **_for_rgb(PREPROCESSINGS[chosen])},
        "batch_normalisation": _epsilon_words(sorted(epsilons)),
        "parameters": sum(t.size for n, t in tensors.items() if not n.endswith(_STATISTICS)),
        "tensors": len(tensors),
        "matched_by": pairing.by,
        "layers": list(_layer_rows(pairing)),
        "set_aside": dict(file.set_aside),
    }
    write_bytes(out, save(tensors, metadata=_metadata(document)))
    return ImportResult(out, document)


_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def _require_free(out: Path, *, source: Path, overwrite: bool) -> None:
    if out.suffix != ENDING:
        raise SettingsError(f"{out}: expected a name that ends in {ENDING}")
    if not out.exists():
        return
    if not overwrite:
        raise OutputExistsError(
            f"{out}: the file exists; choose another name, or replace it with --overwrite"
        )
    if out.resolve() == source.resolve() or not _is_ours(out):
        raise OutputExistsError(
            f"{out}: --overwrite replaces only weights that `delineate weights import` wrote, "
            "and this is something else; choose another name"
        )


def _is_ours(file: Path) -> bool:
    try:
        with safe_open(file, framework="np") as weights:
            return "source_sha256" in (weights.metadata() or {})
    except (SafetensorError, OSError):
        return False


def _for_rgb(preprocessing: Preprocessing) -> dict[str, list[float]]:
    return {"mean": list(preprocessing.mean), "deviation": list(preprocessing.deviation)}


def _epsilon_words(epsilons: list[float]) -> str | None:
    if not epsilons:
        return None
    values = ", ".join(f"{epsilon:g}" for epsilon in epsilons)
    return (
        f"epsilon {values} in Keras, {TORCH_EPSILON:g} in torch; "
        "the difference is added to running_var"
    )


def _layer_rows(pairing: Pairing) -> Iterator[dict[str, str]]:
    for layer, place in pairing.pairs:
        yield {"layer": layer.name, "kind": place.kind.value, "module": place.module}


def _metadata(document: Mapping[str, Any]) -> dict[str, str]:
    """What travels in the file itself: texts, and the preprocessing as JSON."""
    rgb = {name: document["preprocessing"][name] for name in ("mean", "deviation")}
    texts = {
        name: str(document[name])
        for name in ("network", "outputs", "source_sha256", "source_format", "keras_version",
                     "batch_normalisation")
        if document[name] is not None
    }  # fmt: skip
    return texts | {
        "source": Path(document["source"]).name,
        "preprocessing": json.dumps(rgb),
        "delineate_version": version("delineate"),
    }


def table(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The document in short, as pairs of a word and what was found."""
    keras = document["keras_version"]
    yield "source", document["source_format"] + (f", Keras {keras}" if keras else "")
    top = document["outputs"]
    words = f"{top:,} outputs" if top else "no top"
    yield "network", f"{document['network']}, {document['parameters']:,} parameters, {words}"
    kinds = [row["kind"] for row in document["layers"]]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in Kind if kind in kinds)
    yield "layers", f"{len(kinds)}, all matched by {document['matched_by']}: {counts}"
    shown = document["preprocessing"]
    mean, deviation = (
        ", ".join(f"{value:.4g}" for value in shown[name]) for name in ("mean", "deviation")
    )
    yield "preprocessing", f"{shown['name']}: RGB from 0 to 1, mean {mean}, deviation {deviation}"
    if document["batch_normalisation"]:
        yield "normalisation", document["batch_normalisation"]
    for what, count in document["set_aside"].items():
        yield "set aside", f"{what}, {count:,} {'array' if count == 1 else 'arrays'}"
