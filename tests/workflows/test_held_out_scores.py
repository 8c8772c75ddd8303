"""Thresholds and scores of several members on what they never learnt, for every kind of classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from delineate.core.types import VERDICTS, LabelClass
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.files.mask_files import write_probability
from delineate.metrics.operating_points import youden_threshold
from delineate.metrics.thresholds import ARGMAX_RULE, best_dice_threshold
from delineate.recipe.recipe import load_recipe
from delineate.training.validate import METRICS, scores_of
from delineate.workflows.held_out_scores import segmentation_scores, verdict_scores
from delineate.workflows.out_of_fold import OutOfFold, read_out_of_fold, write_out_of_fold

PLAN = load_recipe("general")
SHAPE = (12, 9)


@pytest.fixture
def drawn(tmp_path):
    """A function that writes images, masks and maps of several folds."""

    def write(classes=2, channels=None, count=6):
        rng = np.random.default_rng(4)
        for folder in ("images", "masks", "maps"):
            (tmp_path / folder).mkdir()
        channels = channels or (1 if classes == 2 else classes)
        cases, judged = [], []
        for at in range(count):
            labels = rng.integers(0, classes, SHAPE).astype(np.uint8)
            Image.fromarray(rng.integers(0, 255, SHAPE).astype(np.uint8)).save(
                tmp_path / "images" / f"c{at}.png"
            )
            Image.fromarray(labels * 255 if classes == 2 else labels).save(
                tmp_path / "masks" / f"c{at}.png"
            )
            files = []
            for channel in range(channels):
                wanted = labels == (1 if channels == 1 else channel)
                noise = rng.random(SHAPE) * 0.7 + 0.05 * (at % 3)
                files.append(tmp_path / "maps" / f"c{at}_{channel}.png")
                write_probability(files[-1], (0.3 * wanted + noise).clip(0, 1).astype(np.float32))
            case = OutOfFold(f"c{at}", f"s{at}", 1 + at % 3, tuple(files), None)
            cases.append(case)
            judged.append((case.probability, labels))
        dataset = settle_encodings(
            open_dataset(tmp_path, layout="folders", masks=("index",) if classes > 2 else None)
        )
        return tuple(cases), dataset, judged

    return write


def scored(cases, dataset, *, plan=PLAN, is_folded=True):
    """The scores of cases, without a bar."""
    from delineate.core.progress import SILENT

    return segmentation_scores(cases, dataset, plan, is_folded=is_folded, progress=SILENT)


@pytest.mark.parametrize("metric", ["pooled_dice", "mean_dice"])
def test_two_classes(drawn, metric):
    """Threshold and scores are those of all cases kept whole; each fold has its own cut."""
    cases, dataset, judged = drawn()
    plan = PLAN.model_copy(
        update={"validation": PLAN.validation.model_copy(update={"metric": metric})}
    )
    found = scored(cases, dataset, plan=plan)
    exact = best_dice_threshold(
        [p for p, _ in judged], [t for _, t in judged], pooled=metric == "pooled_dice"
    )
    assert found.threshold.value == pytest.approx(exact.threshold, abs=1e-6)
    assert found.threshold.score == pytest.approx(exact.score)
    assert found.threshold.chosen_on == "out-of-fold predictions, 6 images"
    assert found.scores == pytest.approx(scores_of(METRICS, judged))
    assert sorted(found.cuts) == sorted(found.of_fold) == [1, 2, 3]
    assert found.of_fold[2] == pytest.approx(scores_of(METRICS, [judged[1], judged[4]]))
    assert found.cross_fitted is not None
    assert found.cross_fitted <= found.threshold.score


def test_one_split_is_cut_where_it_was_chosen(drawn):
    """Without folds nothing is cross-fitted, and the one threshold cuts everything."""
    cases, dataset, _ = drawn()
    found = scored([replace(case, fold=1) for case in cases], dataset, is_folded=False)
    assert found.cuts == {1: found.threshold.value}
    assert found.cross_fitted is None
    assert found.threshold.chosen_on == "validation split, 6 images"


def test_several_classes_take_the_likeliest(drawn):
    """Nothing is chosen, and the scores are the means over classes as on validation."""
    cases, dataset, judged = drawn(classes=3)
    found = scored(cases, dataset)
    assert (found.threshold.value, found.threshold.rule) == (None, ARGMAX_RULE)
    assert set(found.cuts.values()) == {None}
    assert found.cross_fitted is None
    assert found.scores == pytest.approx(scores_of(METRICS, judged))
    assert found.of_fold[1] == pytest.approx(scores_of(METRICS, [judged[0], judged[3]]))


def test_classes_that_overlap_have_a_threshold_each(drawn):
    """Each class is counted by its own bit, and each fold has a cut a class."""
    cases, dataset, judged = drawn(classes=3, channels=2)
    # A second file draws class 2, whose code is 2, over the upper rows of every mask.
    over = np.zeros(SHAPE, np.uint8)
    over[:4] = 2
    file = dataset.root / "over.png"
    Image.fromarray(over).save(file)
    dataset = replace(
        dataset,
        samples=tuple(
            replace(s, masks={who: (*files, file) for who, files in s.masks.items()})
            for s in dataset.samples
        ),
    )
    judged = [(probability, labels | over) for probability, labels in judged]
    assert any((codes == 3).any() for _, codes in judged)
    two = tuple(LabelClass(at, name, (at, 0, 0)) for at, name in enumerate(["none", "a", "b"]))
    dataset = replace(dataset, classes=two, is_overlapping=True)
    found = scored(cases, dataset)
    each = [
        best_dice_threshold(
            [probability[at] for probability, _ in judged],
            [(codes & (1 << at)) != 0 for _, codes in judged],
            pooled=True,
        )
        for at in (0, 1)
    ]
    assert found.threshold.values == pytest.approx([one.threshold for one in each], abs=1e-6)
    assert found.threshold.score == pytest.approx(np.mean([one.score for one in each]))
    assert all(len(cut) == 2 for cut in found.cuts.values())
    assert found.scores == pytest.approx(scores_of(METRICS, judged, is_overlapping=True))


def test_verdicts():
    """A classifier's threshold is that of its rule on all verdicts, and its scores are theirs."""
    gate = load_recipe("pneumothorax-gate")
    values = [0.1, 0.8, 0.3, 0.6, 0.2, 0.9, 0.55, 0.4]
    labels = {f"c{at}": at % 2 == 1 for at in range(8)}
    cases = [OutOfFold(f"c{at}", None, 1 + at // 4, (), value) for at, value in enumerate(values)]
    found = verdict_scores(cases, labels, gate, is_folded=True)
    exact = youden_threshold([0.8, 0.6, 0.9, 0.4], [0.1, 0.3, 0.2, 0.55])
    assert found.threshold.value == exact.threshold
    # Fold 1 alone parts its images between 0.3 and 0.6, fold 2 between 0.55 and 0.9.
    assert found.cuts == {1: pytest.approx(0.725), 2: pytest.approx(0.45)}
    # At 0.725 fold 1 misses 0.6; at 0.45 fold 2 misses 0.4 and alarms at 0.55.
    assert found.cross_fitted == pytest.approx(2 / 4 - 1 / 4)
    assert found.scores == {"roc_auc": 15 / 16, "accuracy_at_0.5": 6 / 8}
    assert found.of_fold[1] == {"roc_auc": 1.0, "accuracy_at_0.5": 1.0}
    assert VERDICTS[1].name == "present"


def test_a_table_keeps_every_bit(tmp_path):
    """What is written of a classifier is read back the same, and nothing where there is nothing."""
    from delineate.inference.model_card import ModelCard

    card = ModelCard.model_construct(task="classify", classes=(0, 1), is_overlapping=False)
    cases = (
        OutOfFold("a/b", "s1", 1, (), 0.1 + 0.2),
        OutOfFold("c", None, 2, (), 1 / 3),
    )
    path = tmp_path / "out_of_fold.csv"
    assert read_out_of_fold(path, card) == ()
    write_out_of_fold(path, cases)
    assert read_out_of_fold(path, card) == cases
    masks = ModelCard.model_construct(task="segment", classes=(0, 1, 2), is_overlapping=False)
    maps = read_out_of_fold(path, masks)[0].maps
    assert maps == tuple(tmp_path / f"a_b_prob_{at}.png" for at in (0, 1, 2))
    assert isinstance(maps[0], Path)
