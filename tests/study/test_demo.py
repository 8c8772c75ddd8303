"""The demo on a small scale: every step is taken, and what it says is true."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from delineate.core.errors import OutputExistsError, SettingsError
from delineate.core.progress import SILENT
from delineate.data.phantoms.writing import write_fundus, write_ultrasound
from delineate.data.splitting import read_split
from delineate.files.writing import read_json
from delineate.recipe.recipe import load_recipe
from delineate.study.demo import KINDS, demo, verdict
from delineate.workflows.evaluate import evaluate

SMALL = {
    "ultrasound": replace(
        KINDS["ultrasound"],
        draw=partial(
            write_ultrasound,
            subjects=9,
            images_per_subject=2,
            test_subjects=3,
            size_px=(84, 116),
            faults={
                "twin": 1,
                "flipped_twin": 1,
                "contradictory_empty_mask": 1,
                "leaked_subject": 1,
                "leaked_twin": 1,
                "jpeg_mask": 1,
            },
        ),
    ),
    "fundus": replace(
        KINDS["fundus"],
        draw=partial(
            write_fundus,
            training=4,
            test=3,
            size_px=(96, 92),
            faults={"leaked_subject": 1, "jpeg_mask": 1},
        ),
    ),
}
MINUTES = 0.01  # a single step


class Told:
    """A progress that keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bar = SILENT.bar

    def say(self, text: str) -> None:
        """Keep the line."""
        self.lines.append(text)


@pytest.fixture(params=sorted(SMALL))
def kind(request, monkeypatch) -> str:
    """Each kind of phantoms, few and small."""
    for name, small in SMALL.items():
        monkeypatch.setitem(KINDS, name, small)
    return request.param


def test_whole_way(kind, tmp_path):
    """Every step leaves its result, and the document names each of them."""
    told = Told()
    out = tmp_path / "demo"
    result = demo(out, kind=kind, minutes=MINUTES, threads=1, progress=told)
    document = read_json(out / "demo.json", schema="demo")
    assert [step["step"] for step in document["steps"]] == [
        "draw", "inspect", "audit", "train", "train before", "evaluate before", "review", "train",
        "evaluate", "predict", "result",
    ]  # fmt: skip
    places = [step["main_result"] for step in document["steps"]]
    assert places[3] is None
    assert all((out / place).exists() for place in places if place is not None)
    assert result.main_result == out / "report.html"
    page = result.main_result.read_text(encoding="utf-8")
    assert page == (out / "run/report.html").read_text(encoding="utf-8")
    assert 'src="http' not in page
    assert {record["predictor"] for record in document["headline"]} >= {
        "model", "empty prediction", "mean training mask",
    }  # fmt: skip
    assert len(list((out / "predictions").glob("*_overlay.png"))) >= 3
    said = "\n".join(told.lines)
    assert "refused, and rightly: 1 subject on both sides of the split" in said
    assert f"accepted with --masks {'1=' if kind == 'fundus' else ''}threshold:128" in said
    assert "empty prediction" in said
    assert result.failures == ()


def test_every_planted_fault_is_found(kind, tmp_path):
    """The audit tells each fault, and the demo says which finding does."""
    told = Told()
    demo(tmp_path / "demo", kind=kind, minutes=MINUTES, threads=1, progress=told)
    document = read_json(tmp_path / "demo/demo.json", schema="demo")
    findings = read_json(tmp_path / "demo/audit/audit.json", schema="audit")["findings"]
    known = {each["id"] for each in findings}
    assert len(document["planted"]) == sum(KINDS[kind].draw.keywords["faults"].values())
    assert all(each["findings"] for each in document["planted"])
    assert all(set(each["findings"]) <= known for each in document["planted"])
    assert any("that were planted are found" in line for line in told.lines)


def test_decisions_mend_the_leak(kind, tmp_path):
    """Trained under the decisions, no subject and no copy stands on both sides of the split."""
    demo(tmp_path / "demo", kind=kind, minutes=MINUTES, threads=1)
    planted = json.loads((tmp_path / "demo/data/planted.json").read_text())["planted"]
    leaks = {each["kind"]: each["samples"] for each in planted if "leaked" in each["kind"]}
    before = read_split(tmp_path / "demo/run-before/split.csv")
    facts = read_json(tmp_path / "demo/run/run.json", schema="run")
    dropped = set(facts["review"]["dropped"])
    for samples in leaks.values():
        sides = {before[id_] == "test" for id_ in samples}
        assert sides == {True, False}
        assert len({before[id_] == "test" for id_ in samples if id_ not in dropped}) == 1


def test_before_and_after_share_their_cases(kind, tmp_path):
    """The comparison leaves out what leaked or was decided on, and says its rule."""
    demo(tmp_path / "demo", kind=kind, minutes=MINUTES, threads=1)
    document = read_json(tmp_path / "demo/demo.json", schema="demo")
    before = read_json(
        tmp_path / "demo/run-before/evaluation-test/evaluation.json", schema="evaluation"
    )
    compared = document["before_and_after"]
    assert compared["cases"] == before["cases"] - len(before["leaks"]["cases"])
    assert compared["interval"]["why_none"].startswith("no interval from")


def test_verdict_names_its_rule(tmp_path, monkeypatch):
    """The score for nothing at all stands beside the model's, with the rule for empty masks."""
    monkeypatch.setitem(KINDS, "ultrasound", SMALL["ultrasound"])
    demo(tmp_path / "demo", minutes=MINUTES, threads=1)
    scored = evaluate(tmp_path / "demo/run", threads=1)
    lines = verdict(scored.evaluation)
    empty_share = sum(
        row[scored.evaluation.case_rows()[0].index("truth_area_px")] == 0
        for row in scored.evaluation.case_rows()[1]
    ) / len(scored.evaluation.case_rows()[1])
    assert "mean per image" in lines[0]
    assert "images empty in truth and prediction count 1" in lines[0]
    assert f"empty prediction {empty_share:.3f}" in lines[0]
    assert lines[0].index("model ") < lines[0].index("empty prediction")
    assert "empty prediction 0.000" in lines[1]


def test_a_model_that_learned_nothing_is_called_so(tmp_path, monkeypatch):
    """After a single step the demo says that nothing was learned, and what to do."""
    monkeypatch.setitem(KINDS, "ultrasound", SMALL["ultrasound"])
    told = Told()
    result = demo(tmp_path / "demo", minutes=MINUTES, threads=1, progress=told)
    assert "the model does NOT beat every trivial prediction: 1 step did" in told.lines[-1]
    assert result.document["is_better_than_nothing"] is False


def test_seed_decides_the_phantoms(tmp_path, monkeypatch):
    """One seed draws and splits the same files, another one others."""
    monkeypatch.setitem(KINDS, "ultrasound", SMALL["ultrasound"])
    found = []
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        demo(tmp_path / name, minutes=MINUTES, threads=1, seed=seed)
        files = sorted((tmp_path / name / "data").rglob("*.tif"))
        found.append([file.read_bytes() for file in files])
    assert found[0] == found[1] != found[2]
    one, two = (read_split(tmp_path / name / "run/split.csv") for name in ("one", "two"))
    assert one == two


def test_existing_folder(tmp_path, monkeypatch):
    """A folder with something in it is kept, unless it is a demo's and may be overwritten."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/mine.txt").write_text("keep me")
    with pytest.raises(OutputExistsError, match="exists and is not empty"):
        demo(tmp_path / "demo", minutes=MINUTES)
    with pytest.raises(OutputExistsError, match="replaces only folders that Delineate made"):
        demo(tmp_path / "demo", minutes=MINUTES, overwrite=True)
    assert (tmp_path / "demo/mine.txt").read_text() == "keep me"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "ultrasond"}, "did you mean 'ultrasound'"),
        ({"minutes": 0}, "--minutes 0: expected a positive number"),
        ({"minutes": float("nan")}, "expected a positive number"),
    ],
)
def test_wrong_options(tmp_path, options, message):
    """A wrong option is refused before anything is written."""
    with pytest.raises(SettingsError, match=message):
        demo(tmp_path / "demo", **options)
    assert not (tmp_path / "demo").exists()


def test_interrupted_drawing(tmp_path, monkeypatch):
    """Ctrl-C while phantoms are drawn leaves none of them, and --overwrite starts again."""
    monkeypatch.setitem(KINDS, "ultrasound", SMALL["ultrasound"])

    class Impatient(Told):
        def say(self, text: str) -> None:
            """Interrupt when a step of the name comes."""
            super().say(text)
            if "wrong on purpose" in text:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo(tmp_path / "demo", minutes=MINUTES, progress=Impatient())
    assert not (tmp_path / "demo/demo.json").exists()
    assert not (tmp_path / "demo/report.html").exists()
    demo(tmp_path / "demo", minutes=MINUTES, threads=1, overwrite=True)
    assert (tmp_path / "demo/demo.json").is_file()


@pytest.mark.parametrize("name", sorted(KINDS))
def test_recipes(name):
    """The recipe of each kind is there and takes the changes."""
    assert load_recipe(KINDS[name].recipe, KINDS[name].changes).name == KINDS[name].recipe
