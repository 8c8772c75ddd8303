"""Predictions over HTTP: what a document, its pictures and its files say is what `predict` does."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from delineate.files.image_files import read_image
from delineate.inference.model import load_model
from delineate.structure.objects import measured_objects
from delineate.workflows.predict import predict

from .server import PREDICTIONS, Sent, part, sent_to

NAME = "s02_0.png"


@pytest.fixture(scope="module")
def plain(disc_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A server of the discs' model."""
    with sent_to(disc_run, tmp_path_factory.mktemp("temporary")) as server:
        yield server


@pytest.fixture(scope="module")
def several(several_classes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A server of a model of three foreground classes."""
    with sent_to(several_classes, tmp_path_factory.mktemp("temporary")) as server:
        yield server


@pytest.fixture(scope="module")
def behind_gate(gated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """A server of a model behind a classifier."""
    with sent_to(gated, tmp_path_factory.mktemp("temporary")) as server:
        yield server


def posted(server: Sent, file: Path, **fields: object) -> dict:
    """The document of an image."""
    form = [part(file.read_bytes(), name=file.name.encode())]
    form += [part(str(v).encode(), field=k.encode(), name=None) for k, v in fields.items()]
    answer = server.form(form)
    assert answer.status == 201, answer.body
    return answer.document


def pixels(content: bytes) -> NDArray[np.generic]:
    """What a PNG holds."""
    with Image.open(io.BytesIO(content)) as picture:
        return np.array(picture)


def test_a_document_says_what_the_model_says(plain: Sent, disc_run: Path, discs: Path) -> None:
    """Labels, probability and measurements are those of the model on the same file."""
    file = discs / "images" / NAME
    document = posted(plain, file)
    expected = load_model(disc_run, device="cpu", threads=1).predict(read_image(file))
    assert expected.labels.any()
    links = document["links"]
    labels = plain.ask(links["labels"])
    with Image.open(io.BytesIO(labels.body)) as picture:
        assert picture.mode == "L"
        assert picture.info == {}  # no gamma, profile or palette that a canvas would act on
    assert (pixels(labels.body) == expected.labels).all()
    raw = plain.ask(f"{links['probability']}/1")
    assert raw.headers["content-type"] == "application/octet-stream"
    found = np.frombuffer(raw.body, "<f4").reshape(expected.labels.shape)
    assert (found == expected.probability[0]).all()
    assert (pixels(plain.ask(links["shades"]).body) == read_image(file)[..., 0]).all()
    measured = measured_objects(expected.labels == 1, expected.probability[0])
    (of_class,) = document["measurements"]["classes"]
    assert of_class["count"] == len(measured)
    assert of_class["area_px"] == int((expected.labels == 1).sum())
    assert of_class["share"] == pytest.approx(of_class["area_px"] / expected.labels.size)
    for said, each in zip(document["measurements"]["objects"], measured, strict=True):
        assert said["perimeter_px"] == each.perimeter_px
        assert said["mean_probability"] == pytest.approx(each.mean_probability)
    assert document["image"]["name"] == NAME
    assert document["gate"] is None
    assert plain.left_behind() == []


@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.5, 0.97, 1.0])
def test_a_moved_threshold_gives_the_labels_of_predict(
    plain: Sent, disc_run: Path, discs: Path, threshold: float
) -> None:
    """With a warning, and the chosen value to go back to."""
    file = discs / "images" / NAME
    document = posted(plain, file)
    model = load_model(disc_run, device="cpu", threads=1)
    expected = model.predict(read_image(file), threshold=threshold).labels
    moved = plain.ask(f"{PREDICTIONS}/{document['id']}?threshold={threshold}").document
    assert moved["threshold"]["value"] == threshold
    assert moved["threshold"]["chosen"] == document["threshold"]["value"] == model.threshold.value
    assert "they are not known" in moved["threshold"]["warning"]
    assert moved["measurements"]["classes"][0]["area_px"] == int(expected.sum())
    labels = plain.ask(f"{document['links']['labels']}?threshold={threshold}")
    assert (pixels(labels.body) == expected).all()
    back = plain.ask(f"{PREDICTIONS}/{document['id']}?threshold={model.threshold.value!r}").document
    assert back == document


def test_a_threshold_of_the_form_is_the_one_of_all_answers(plain: Sent, discs: Path) -> None:
    """Until another is asked for."""
    document = posted(plain, discs / "images" / NAME, threshold=0.97)
    assert document["threshold"]["value"] == 0.97
    labels = pixels(plain.ask(document["links"]["labels"]).body)
    assert int(labels.sum()) == document["measurements"]["classes"][0]["area_px"]
    assert plain.ask(document["links"]["self"]).document == document


@pytest.mark.parametrize("server", ["plain", "several", "behind_gate"])
def test_downloads_are_the_files_of_predict(
    request: pytest.FixtureRequest, server: str, discs: Path, tmp_path: Path
) -> None:
    """Byte for byte under the same names, each alone and all of them in one archive."""
    sent: Sent = request.getfixturevalue(server)
    heat = sent.served.model.gate is not None
    file = _let_through(sent, discs) if heat else discs / "images" / NAME
    document = posted(sent, file)
    names = ["probability", "rle-nerve", "rle-siim", "coco", "measurements", "mask", "overlay"]
    options = {"probabilities": True, "objects": True, "heat_maps": heat, "threads": 1}
    out = tmp_path / "out"
    predict(sent.served.model_folder, [file], out, formats=["rle,coco"], device="cpu", **options)
    polygons = tmp_path / "polygons"
    predict(sent.served.model_folder, [file], polygons, formats=["coco-polygons"], device="cpu")
    every = zipped(sent.ask(document["links"]["files"]["all"]).body)
    written = {each.name: each.read_bytes() for each in out.iterdir() if each.name[0] != "."}
    assert set(every) == set(written)
    for name, content in written.items():
        assert _said(name, every[name]) == _said(name, content), name
    for form in [*names, *(["heat_map"] if heat else [])]:
        answer = sent.ask(document["links"]["files"][form])
        assert answer.status == 200
        for name, content in _files_in(answer.headers, answer.body).items():
            assert _said(name, content) == _said(name, written[name])
    answer = sent.ask(document["links"]["files"]["coco-polygons"])
    assert answer.body == (polygons / "instances_predictions.json").read_bytes()
    said = sent.ask(document["links"]["files"]["json"]).document
    assert said["images"][0]["image"] == file.name
    assert said["threshold"] == document["threshold"]["value"]
    assert sent.left_behind() == []


def _let_through(server: Sent, discs: Path) -> Path:
    """The first image that the gate has segmented."""
    for file in sorted((discs / "images").iterdir()):
        if posted(server, file)["gate"]["is_present"]:
            return file
    raise AssertionError("the gate let nothing through")


def _files_in(headers: dict[str, str], body: bytes) -> dict[str, bytes]:
    """Name and content of the file or files of a download."""
    if headers["content-type"] == "application/zip":
        return zipped(body)
    return {headers["content-disposition"].split('"')[1]: body}


def zipped(content: bytes) -> dict[str, bytes]:
    """Name and content of each file in an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def _said(name: str, content: bytes) -> object:
    """What must be equal: all bytes, but of where the image lay and how long it took."""
    if name == "predictions.json":
        document = json.loads(content)
        for row in document["images"]:
            row["image"] = Path(row["image"]).name
        if document["gate"] is not None:
            del document["gate"]["milliseconds"]
        return document
    if name in ("objects.csv", "predictions.csv"):
        rows = list(csv.reader(io.StringIO(content.decode())))
        return [[Path(row[0]).name, *row[1:]] for row in rows]
    return content


def test_the_mask_alone_is_answered_and_nothing_kept(plain: Sent, discs: Path) -> None:
    """The picture is that of the document's files."""
    file = discs / "images" / NAME
    document = posted(plain, file)
    kept = len(plain.served.store)
    answer = plain.post(file.read_bytes(), path=f"{PREDICTIONS}?answer=mask")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert answer.body == plain.ask(document["links"]["files"]["mask"]).body
    assert len(plain.served.store) == kept


def test_measurements_are_the_table_of_the_downloads(plain: Sent, discs: Path) -> None:
    """At the threshold that is asked for."""
    document = posted(plain, discs / "images" / NAME)
    table = plain.ask(f"{document['links']['measurements']}?threshold=0.3")
    file = plain.ask(f"{document['links']['files']['measurements']}?threshold=0.3")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.body == file.body
    assert file.headers["content-disposition"].startswith('attachment; filename="objects.csv"')


def test_a_deleted_prediction_is_gone_with_what_to_do(plain: Sent, discs: Path) -> None:
    """And so is one that never was; an id of another form is no id."""
    document = posted(plain, discs / "images" / NAME)
    itself = document["links"]["self"]
    assert plain.ask(itself, method="DELETE").status == 204
    for path in (itself, document["links"]["labels"], document["links"]["files"]["all"]):
        answer = plain.ask(path)
        assert answer.status == 404
        assert answer.document["kind"] == "gone"
        assert "send the image again" in answer.document["error"]
    assert plain.ask(itself, method="DELETE").status == 404
    assert plain.ask(f"{PREDICTIONS}/nothing").status == 422


def test_maps_of_several_classes_have_one_of_the_background(several: Sent, discs: Path) -> None:
    """They sum to one, the likeliest is the label, and there is no fifth class."""
    document = posted(several, discs / "images" / NAME)
    size = (document["image"]["height_px"], document["image"]["width_px"])
    base = document["links"]["probability"]
    maps = [
        np.frombuffer(several.ask(f"{base}/{index}").body, "<f4").reshape(size)
        for index in range(4)
    ]
    assert np.abs(sum(maps) - 1).max() < 1e-5
    labels = pixels(several.ask(document["links"]["labels"]).body)
    assert (labels == np.argmax(maps, axis=0)).all()
    assert several.ask(f"{base}/4").document["kind"] == "no_such_class"
    refused = several.ask(f"{document['links']['self']}?threshold=0.5")
    assert (refused.status, refused.document["kind"]) == (422, "no_threshold")


def test_a_binary_model_has_no_map_of_the_background(plain: Sent, discs: Path) -> None:
    """One minus the other would be another figure by rounding."""
    base = posted(plain, discs / "images" / NAME)["links"]["probability"]
    assert plain.ask(f"{base}/0").status == 404


def test_a_closed_gate_opens_when_it_is_asked_to(
    behind_gate: Sent, gated: Path, discs: Path
) -> None:
    """Nothing is outlined before; then the labels are those of predict at that gate."""
    model = load_model(gated, device="cpu", threads=1)
    for file in sorted((discs / "images").iterdir()):
        document = posted(behind_gate, file)
        if not document["gate"]["is_present"]:
            break
    assert document["measurements"]["classes"][0]["area_px"] == 0
    assert any("gate finds nothing" in note for note in document["notes"])
    opened = behind_gate.ask(f"{document['links']['self']}?gate_threshold=0").document
    assert opened["gate"]["is_present"]
    assert opened["gate"]["probability"] == document["gate"]["probability"]
    expected = model.predict(read_image(file), gate_threshold=0.0)
    labels = behind_gate.ask(f"{document['links']['labels']}?gate_threshold=0")
    assert (pixels(labels.body) == expected.labels).all()
    raw = behind_gate.ask(f"{document['links']['probability']}/1?gate_threshold=0")
    assert raw.body == expected.probability[0].tobytes()
    assert behind_gate.ask(document["links"]["self"]).document["gate"] == document["gate"]


def test_the_heat_map_is_that_of_the_gate(behind_gate: Sent, gated: Path, discs: Path) -> None:
    """In 8 bits; a model without a classifier before it has none."""
    file = discs / "images" / NAME
    heat = load_model(gated, device="cpu", threads=1).gate.grad_cam(read_image(file))
    answer = behind_gate.ask(posted(behind_gate, file)["links"]["heat_map"])
    assert (pixels(answer.body) == np.rint(heat * 255)).all()


def test_without_a_gate_there_is_no_heat_map(plain: Sent, discs: Path) -> None:
    """Neither among the links nor at the address."""
    links = posted(plain, discs / "images" / NAME)["links"]
    assert "heat_map" not in links
    assert "heat_map" not in links["files"]
    assert plain.ask(f"{links['self']}/heat_map").document["kind"] == "no_heat_map"
    assert plain.ask(f"{links['self']}/files/heat_map").status == 404


def test_sixteen_bits_come_as_they_are(plain: Sent, tmp_path: Path) -> None:
    """Low byte first, row after row, with slope and intercept to their values."""
    values = np.arange(64 * 80, dtype=np.uint16).reshape(64, 80) * 7
    tifffile.imwrite(tmp_path / "deep.tif", values)
    document = posted(plain, tmp_path / "deep.tif")
    assert document["image"]["shades"] == "uint16"
    raw = np.frombuffer(plain.ask(document["links"]["shades"]).body, "<u2").reshape(64, 80)
    shown = raw * document["image"]["slope"] + document["image"]["intercept"]
    assert np.abs(shown - values).max() <= document["image"]["slope"] / 2


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("threshold=nan", "finite"),
        ("threshold=1.01", "less than or equal to 1"),
        ("threshold=-0.1", "greater than or equal to 0"),
        ("threshold=x", "valid number"),
        ("threshold=1e999", "finite"),
        ("gate_threshold=0.5", "no gate"),
    ],
)
def test_values_that_do_not_fit_are_refused(
    plain: Sent, discs: Path, query: str, what: str
) -> None:
    """In one line, of the form and of each address."""
    links = posted(plain, discs / "images" / NAME)["links"]
    for path in (links["self"], links["labels"], links["files"]["mask"]):
        answer = plain.ask(f"{path}?{query}")
        assert answer.status == 422
        assert what in answer.document["error"]
    field, _, value = query.partition("=")
    form = [
        part((discs / "images" / NAME).read_bytes()),
        part(value.encode(), field=field.encode(), name=None),
    ]
    assert plain.form(form).status == 422
    assert plain.left_behind() == []
