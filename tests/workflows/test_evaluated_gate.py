"""Gates and members along with a scoring, on models whose answers can be read off an image."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from delineate.core.errors import DelineateError
from delineate.data.sample import Sample
from delineate.evaluation.cases import ScoredCase
from delineate.evaluation.scoring import score_cases
from delineate.evaluation.settings import EvaluationSettings
from delineate.inference.classifier import ImageClassifier
from delineate.inference.looking import Seen
from delineate.inference.model import Model
from delineate.inference.model_card import Gate, ModelCard, NamedClass, OperatingPoint, Threshold
from delineate.inference.preparation import Preparation
from delineate.inference.settings import PredictSettings
from delineate.workflows.evaluated_gate import EvaluatedGate
from delineate.workflows.evaluated_members import EvaluatedMembers
from delineate.workflows.timed_models import mean_in

SETTINGS = EvaluationSettings(resamples=100)
# An image is 4x4 grey values: the corner is what the gate says, the one beside it what the head
# says, both in per cent, and the rest is the segmenter's probability in per cent.
GATE, HEAD = (0, 0), (0, 1)


def card(**changes) -> ModelCard:
    """A card of two classes, a network unless members are named."""
    fields = {
        "name": "made by hand",
        "architecture": "none",
        "arguments": {},
        "parameters": 10,
        "stride_px": 1,
        "context_px": None,
        "classes": [NamedClass(index=i, name=n, colour=(i, 0, 0)) for i, n in enumerate("bg")],
        "preparation": Preparation(channels=1, full_range=(0, 255), mean=(0.5,), deviation=(0.3,)),
        "predict": PredictSettings(),
        "precision": "float32",
        "threshold": Threshold(value=0.5, chosen_on="nothing", rule="by hand", score=None),
        "training": {},
        "validation": {},
        "weights_sha256": None if "members" in changes else "0",
    }
    return ModelCard.model_validate(fields | changes)


def look(images) -> list[Seen]:
    """Of each the grey values as probability, the head's corner as presence."""
    return [_seen(image) for image in images]


def _seen(image) -> Seen:
    if image.max() > 100:
        raise DelineateError("too bright to look at")
    probability = (image / 100).astype(np.float32)
    probability[0, :2] = 0
    return Seen(probability[None], float(image[HEAD]) / 100)


def gated(kind="classifier", *, gate_threshold=0.5, points=()) -> Model:
    """A model whose gate says what stands in the corner of the image."""
    gate = Gate(
        kind=kind,
        folder="gate" if kind == "classifier" else None,
        threshold=gate_threshold,
        rule="by hand",
    )
    classifier = ImageClassifier(
        card(task="classify"),
        probabilities=lambda images: [float(image[GATE]) / 100 for image in images],
        grad_cam=lambda image: image,
        predict_settings=PredictSettings(),
    )
    whole = card(gate=gate, operating_points=points, has_presence_head=True)
    is_classifier = kind == "classifier"
    return Model(whole, look, PredictSettings(), classifier if is_classifier else None)


POINTS = (
    OperatingPoint(
        gate=None, gate_threshold=None, threshold=0.8, minimum_area_px=3, objective="o", score=None
    ),
    OperatingPoint(
        gate="head", gate_threshold=0.6, threshold=0.5, minimum_area_px=0, objective="o", score=None
    ),
)


def image_of(gate, head, *probabilities) -> np.ndarray:
    """A 4x4 image with these per cents, the probabilities in the last row from the left."""
    image = np.zeros((4, 4), np.uint8)
    image[GATE], image[HEAD] = gate, head
    image[3, : len(probabilities)] = probabilities
    return image


def truth_of(pixels) -> np.ndarray:
    """A 4x4 truth with so many pixels in its last row."""
    truth = np.zeros((4, 4), np.uint8)
    truth[3, :pixels] = 1
    return truth


def scored(beside, answers, cases) -> list[ScoredCase]:
    """The cases, answered and looked at one after the other; a failure has its own case."""
    found = []
    for number, (image, truth, subject) in enumerate(cases):
        id_ = f"{number}"
        try:
            answer = answers(Sample(id_, None), image)
            case = ScoredCase(
                id_,
                subject,
                {"1": truth},
                probability=answer.probability,
                labels=answer.labels,
            )
        except DelineateError as error:
            case = ScoredCase(id_, subject, {"1": truth}, failure=str(error))
        for each in beside:
            each.add(case)
        found.append(case)
    return found


CASES = [
    (image_of(90, 90, 90, 90, 60), truth_of(3), "a"),  # found whole; without a gate 2 of 3, away
    (image_of(10, 90, 90, 90, 90, 90), truth_of(4), "b"),  # missed by the gate
    (image_of(90, 10, 10), truth_of(2), "c"),  # missed by the segmenter
    (image_of(90, 10, 90), truth_of(0), "d"),  # a false alarm, which others spare
    (image_of(20, 90, 90, 90, 90), truth_of(0), "e"),  # an alarm that the gate spares
    (image_of(20, 10), truth_of(0), "f"),
    (np.full((4, 4), 200, np.uint8), truth_of(2), "g"),  # cannot be looked at
]


def gate_document(model, tmp_path, cases=CASES, **options):
    """What is said of the two stages, and the evaluation of the same answers."""
    gate = EvaluatedGate(model, observer="1", settings=SETTINGS, **options)
    found = scored([gate], gate.answer, cases)
    evaluation = score_cases(found, model.classes, 0.5, settings=SETTINGS)
    return gate.finish(tmp_path)["two_stage"], evaluation


def test_each_way_stands_at_its_own_operating_point(tmp_path):
    """The gate, none and the head differ in thresholds and minimum area, and so in scores."""
    document, evaluation = gate_document(gated(points=POINTS), tmp_path)
    ways = {way["name"]: way for way in document["ways"]}
    assert list(ways) == [
        "two stages",
        "segmenter without a gate",
        "segmenter with its own head",
        "empty prediction",
    ]
    points = {
        name: (way["gate_threshold"], way["threshold"], way["minimum_area_px"])
        for name, way in ways.items()
    }
    assert points["two stages"] == (0.5, 0.5, 0)
    assert points["segmenter without a gate"] == (None, 0.8, 3)
    assert points["segmenter with its own head"] == (0.6, 0.5, 0)
    means = {name: way["kaggle_dice"]["value"] * 7 for name, way in ways.items()}
    # 1 of image 0, 1 each of e and f.
    assert means["two stages"] == pytest.approx(3)
    # Two pixels of 0 are too small an area; b whole; d has one pixel, too small; f.
    assert means["segmenter without a gate"] == pytest.approx(3)
    # 0 and b whole; d and f closed; e drawn on.
    assert means["segmenter with its own head"] == pytest.approx(4)
    assert means["empty prediction"] == pytest.approx(3)
    (record,) = evaluation.find(predictor="model", score="dice", pooling="mean per image")
    assert record.value == pytest.approx(document["kaggle_dice"])
    (record,) = evaluation.find(
        predictor="empty prediction", score="dice", pooling="mean per image"
    )
    assert record.value == pytest.approx(ways["empty prediction"]["kaggle_dice"]["value"])


def test_losses_are_told_apart(tmp_path):
    """What the gate missed, what the segmenter missed, and alarms; a failure stands by itself."""
    document, _ = gate_document(gated(points=POINTS), tmp_path)
    losses = document["losses"]
    kinds = ("missed_by_gate", "missed_by_segmenter", "outlined", "false_alarms", "failed")
    assert [losses[kind]["images"] for kind in kinds] == [1, 1, 1, 1, 1]
    assert sum(losses[kind]["loss"] for kind in kinds) == pytest.approx(1 - 3 / 7)
    assert document["gate_effect"]["alarms_spared"] == 1
    assert document["gate_effect"]["finds_lost"] == 1
    assert document["gate_effect"]["net"] == pytest.approx(0)


def test_cost_is_that_of_what_runs(tmp_path):
    """The classifier saves the segmenter's time on the images it keeps back; a head saves none."""
    document, _ = gate_document(gated(points=POINTS), tmp_path)
    first, ungated, head, empty = document["ways"]
    assert first["share_segmented"] == pytest.approx(3 / 7)
    assert (ungated["share_segmented"], head["share_segmented"]) == (1.0, 1.0)
    assert empty["milliseconds_an_image"] == 0.0
    times = document["times"]
    expected = times["gate_ms"] + 3 / 7 * times["segmenter_ms"]
    assert first["milliseconds_an_image"] == pytest.approx(expected, abs=0.006)
    assert head["milliseconds_an_image"] == ungated["milliseconds_an_image"]
    assert times["images"] == 5  # of six that could be looked at, the first warms up


def test_a_row_a_case_says_what_became_of_it(tmp_path):
    """The table has the outcome, the gate's probability, and the score of each way."""
    gate_document(gated(points=POINTS), tmp_path)
    with (tmp_path / "two_stage.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["outcome"] for row in rows] == [
        "outlined",
        "missed by the gate",
        "missed by the segmenter",
        "false alarm",
        "rightly kept back",
        "rightly kept back",
        "failed",
    ]
    assert (rows[1]["gate_probability"], rows[1]["is_open"], rows[1]["drawn_px"]) == (
        "0.1",
        "no",
        "0",
    )
    assert rows[1]["kaggle_dice: segmenter with its own head"] == "1.0"
    assert (rows[6]["gate_probability"], rows[6]["kaggle_dice: two stages"]) == ("", "0.0")


def test_examples_show_each_kind_of_error_first(tmp_path):
    """One of each kind, with what the gate said."""
    document, _ = gate_document(gated(points=POINTS), tmp_path)
    roles = {one["id"]: one["role"] for one in document["examples"]}
    assert roles == {
        "1": "missed by the gate",
        "2": "missed by the segmenter",
        "3": "false alarm",
        "0": "worst outline",
        "4": "rightly kept back",
    }


def test_a_head_as_gate_is_the_first_way(tmp_path):
    """A segmenter behind its own head is compared with itself without it, and nothing else."""
    model = gated("head", gate_threshold=0.6, points=POINTS[:1])
    document, _ = gate_document(model, tmp_path)
    assert [way["name"] for way in document["ways"]] == [
        "segmenter with its own head",
        "segmenter without a gate",
        "empty prediction",
    ]
    assert document["times"]["gate_ms"] is None
    assert document["ways"][0]["share_segmented"] == 1.0
    assert document["losses"]["closed_rightly"] == 2


def test_no_head_and_no_chosen_point_leave_ways_out(tmp_path):
    """Without operating points the segmenter keeps its cut, and its head is not compared."""
    document, _ = gate_document(gated(), tmp_path)
    names = [way["name"] for way in document["ways"]]
    assert names == ["two stages", "segmenter without a gate", "empty prediction"]
    assert document["ways"][1]["threshold"] == 0.5


def test_a_given_threshold_cuts_the_model_alone(tmp_path):
    """What is asked for by hand does not move what others were compared at."""
    document, _ = gate_document(gated(points=POINTS), tmp_path, threshold=0.7)
    assert [way["threshold"] for way in document["ways"][:3]] == [0.7, 0.8, 0.5]
    assert document["ways"][0]["operating_point"] == "given by hand"


def test_intervals_take_ten_subjects(tmp_path):
    """Seven subjects have differences and no interval; twelve have both."""
    few, _ = gate_document(gated(points=POINTS), tmp_path)
    difference = few["ways"][1]["difference"]
    assert difference["low"] is None
    assert "at least 10" in difference["why_no_interval"]
    more = [(image, truth, f"{number}") for number, (image, truth, _) in enumerate(2 * CASES)]
    many, _ = gate_document(gated(points=POINTS), tmp_path, more)
    difference = many["ways"][2]["difference"]
    assert difference["value"] == pytest.approx(1 / 7)
    assert difference["is_distinguishable"] is False


def test_cases_without_truth_have_no_part(tmp_path):
    """A case that nobody labelled is not counted, and the next one is."""
    gate = EvaluatedGate(gated(points=POINTS), observer="1", settings=SETTINGS)
    answer = gate.answer(Sample("x", None), CASES[0][0])
    gate.add(ScoredCase("x", None, {}, probability=answer.probability, labels=answer.labels))
    assert gate.finish(tmp_path) == {}
    scored([gate], gate.answer, CASES[:1])
    assert gate.finish(tmp_path)["two_stage"]["cases"] == 1


def test_pixels_that_do_not_count_are_left_out(tmp_path):
    """What is drawn outside the region or on unknown pixels is no false alarm."""
    gate = EvaluatedGate(gated(points=POINTS), observer="1", settings=SETTINGS)
    image, truth = image_of(90, 90, 90, 90), truth_of(0)
    truth[3, 0] = 255
    region = np.ones((4, 4), bool)
    region[3, 1] = False
    answer = gate.answer(Sample("x", None), image)
    gate.add(
        ScoredCase(
            "x",
            None,
            {"1": truth},
            region=region,
            probability=answer.probability,
            labels=answer.labels,
        )
    )
    losses = gate.finish(tmp_path)["two_stage"]["losses"]
    assert (losses["false_alarms"]["images"], losses["nothing_drawn"]) == (0, 1)


def of_mean(*shifts, threshold=0.5) -> Model:
    """A mean of models, each of which sees the image brighter or darker by so many per cent."""

    def shifted(shift):
        def brighter(seen):
            is_there = seen.probability > 0
            probability = np.clip(seen.probability + is_there * np.float32(shift / 100), 0, 1)
            return replace(seen, probability=probability)

        return lambda images: [brighter(seen) for seen in look(images)]

    members = tuple(Model(card(), shifted(shift), PredictSettings()) for shift in shifts)
    cut = Threshold(value=threshold, chosen_on="nothing", rule="by hand", score=None)
    names = tuple(f"members/{number}" for number in range(len(shifts)))
    whole = card(members=names, threshold=cut)

    return Model(whole, members[0].look if shifts else look, PredictSettings(), members=members)


def test_each_member_stands_beside_the_mean(tmp_path):
    """Members at their own cut and at that of the mean, what they cost, and what the mean gains."""
    model = of_mean(30, -10, threshold=0.8)
    beside = EvaluatedMembers(model, model, observer="1", settings=SETTINGS)
    cases = [(image_of(0, 0, 60, 75), truth_of(2), "a"), (image_of(0, 0, 30), truth_of(0), "b")]
    for number, (image, truth, subject) in enumerate(cases):
        beside.look([image])
        beside.add(ScoredCase(f"{number}", subject, {"1": truth}, labels=truth))
    document = beside.finish(tmp_path)["members"]
    first, second, mean = document["rows"]
    assert [row["name"] for row in document["rows"]] == [
        "members/0",
        "members/1",
        "mean of the members",
    ]
    # Cut at 0.5: the first draws both pixels (0.9, 1), and 0.6 of b; the second both (0.5, 0.65).
    assert (first["dice_per_image"]["value"], second["dice_per_image"]["value"]) == (0.5, 1.0)
    assert (first["dice_pooled"], second["dice_pooled"]) == (pytest.approx(0.8), 1.0)
    # Cut at 0.8: the first draws both, the second none, the mean (0.7, 0.825) the second pixel.
    assert first["dice_per_image_at_one_cut"] == 1.0
    assert second["dice_per_image_at_one_cut"] == 0.5
    assert mean["dice_per_image"]["value"] == pytest.approx((2 / 3 + 1) / 2)
    assert second["difference"]["value"] == pytest.approx(1 / 6)
    assert document["average_dice_per_image"] == 0.75
    assert document["gain"]["value"] == pytest.approx(5 / 6 - 3 / 4)
    assert document["gain_at_one_cut"]["value"] == pytest.approx(5 / 6 - 3 / 4)
    assert [row["parameters"] for row in document["rows"]] == [10, 10, 20]
    assert [row["threshold"] for row in document["rows"]] == [0.5, 0.5, 0.8]


def test_members_fail_together(tmp_path):
    """An image that cannot be looked at counts 0 for each of them, and its truth as missed."""
    model = of_mean(0, 0)
    beside = EvaluatedMembers(model, model, observer="1", settings=SETTINGS)
    cases = [CASES[0], CASES[-1]]
    for number, (image, truth, subject) in enumerate(cases):
        failure = None
        try:
            beside.look([image])
        except DelineateError as error:
            failure = str(error)
        beside.add(ScoredCase(f"{number}", subject, {"1": truth}, failure=failure))
    mean = beside.finish(tmp_path)["members"]["rows"][-1]
    assert mean["dice_per_image"]["value"] == 0.5
    assert mean["dice_pooled"] == pytest.approx(2 * 3 / (3 + 3 + 2))


def test_members_are_found_behind_a_gate():
    """A segmenter that is a mean is looked through to its members; a single one has none."""
    mean = of_mean(0, 1)
    two_stages = replace(gated(points=POINTS), members=(mean,))
    assert mean_in(two_stages) is mean
    assert mean_in(mean) is mean
    assert mean_in(gated(points=POINTS)) is None
