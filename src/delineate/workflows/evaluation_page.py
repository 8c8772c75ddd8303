"""The pages of an evaluation: its own, and that of the whole run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from delineate.core.errors import DelineateError
from delineate.data.listing import counted
from delineate.data.masks import foreground_shares
from delineate.data.reading import read_case
from delineate.data.sample import SPLITS, TEST, Dataset
from delineate.data.splitting import apply_split, read_split
from delineate.evaluation.case_table import UNDEFINED
from delineate.evaluation.two_stage_examples import OUTLINE_ROLES
from delineate.files.class_masks import read_class_masks
from delineate.files.mask_decoding import read_mask
from delineate.files.mask_encoding import MaskEncoding
from delineate.inference.verdict import Verdict
from delineate.recipe.classical_recipe import ClassicalRecipe
from delineate.recipe.recipe import AnyRecipe, load_recipe
from delineate.recipe.two_stage_recipe import TwoStageRecipe
from delineate.report.case_pictures import CasePicture, best_median_worst, case_picture
from delineate.report.evaluation_page import write_evaluation_page
from delineate.report.report_page import RecipeChoice, RunReport, SplitRow, write_report
from delineate.report.score_plots import evaluation_plots
from delineate.workflows.curves import read_history
from delineate.workflows.evaluated_structure import structure_pictures
from delineate.workflows.run_folder import RECIPE, SPLIT, RunFacts, read_run
from delineate.workflows.scoring import PAGE, PREDICTIONS, ScoringResult, file_name

REPORT = "report.html"
_SHOWN_EACH = 2
# What stands at the head of a recipe and is no setting of a stage.
_HEAD = {"name", "description", "task"}


@dataclass(frozen=True)
class Shown:
    """What both pages show beside the figures."""

    pictures: tuple[CasePicture, ...]
    plots: Mapping[str, str]


@dataclass(frozen=True)
class _ShownCase:
    """Why a case is shown, what is said of it, and what its gate said."""

    role: str
    caption: str
    verdict: Verdict | None = None


def write_pages(result: ScoringResult, dataset: Dataset, run: Path | None = None) -> None:
    """Write `evaluation.html`, and into the run folder, where there is one, a report.

    It is `report.html` for the test split, `report-SPLIT.html` for another.
    """
    header, rows = result.evaluation.case_rows()
    shown = Shown(_pictures(result, dataset), evaluation_plots(result.document, header, rows))
    document = result.document
    write_evaluation_page(
        result.folder / PAGE,
        document=document,
        pictures=shown.pictures,
        plots=shown.plots,
        structure_pictures=structure_pictures(result.folder, document),
        title=f"Evaluation: {_of(document)}",
        facts=_facts(result),
        palette=str(document["palette"]),
    )
    if run is not None:
        is_test = document["split"] == TEST
        name = REPORT if is_test else f"report-{document['split']}.html"
        write_report(run / name, report=_run_report(run, result, dataset, shown))


def _of(document: Mapping[str, object]) -> str:
    name = document.get("model") or Path(str(document["predictions"])).name
    return f"{name}, split {document['split']}"


def _facts(result: ScoringResult) -> list[tuple[str, str]]:
    document = result.document
    facts = [("Data", f"{Path(document['data']).name}, layout {document['layout']}")]
    facts.append(("Split", str(document["split"])))
    if "model" in document:
        depth = f", depth {document['depth']}" if document["depth"] else ""
        facts.append(("Model", f"{document['model']}{depth}, views: {document['repeats']}"))
    count = document.get("scorings_of_this_split")
    if count:
        facts.append(("Scorings", f"number {count} of this split by this run; all are logged"))
    return facts


def _pictures(result: ScoringResult, dataset: Dataset) -> tuple[CasePicture, ...]:
    """The best, median and worst cases by Dice; behind a gate those of each kind of error."""
    samples = {sample.id: sample for sample in dataset.samples}
    is_binary = len(result.evaluation.classes) == 2
    encoding = MaskEncoding.parse("binary" if is_binary else "index")  # as we wrote them
    is_overlapping = result.evaluation.is_overlapping
    pictures = []
    for id_, shown in _shown_cases(result).items():
        mask = result.folder / PREDICTIONS / f"{file_name(id_)}_mask.png"
        try:
            case = read_case(dataset, samples[id_])
            if is_overlapping:
                labels = read_class_masks(mask.parent, file_name(id_), result.evaluation.classes)
            else:
                labels = read_mask(mask, encoding) if mask.is_file() else None
        except DelineateError:
            continue  # it stands among the failures already
        if labels is None:
            continue
        pictures.append(
            case_picture(
                case.image,
                next(iter(case.labels.values())),
                labels,
                case_id=id_,
                classes=result.evaluation.classes,
                subject=samples[id_].subject,
                role=shown.role,
                caption=shown.caption,
                palette=str(result.document["palette"]),
                region=case.region,
                is_overlapping=is_overlapping,
                verdict=shown.verdict,
            )
        )
    return tuple(pictures)


def _shown_cases(result: ScoringResult) -> dict[str, _ShownCase]:
    """Id -> why a case is shown; scores are those against the first observer."""
    two_stage = result.document.get("two_stage")
    if two_stage is None:
        scores = case_dice(result)
        roles = best_median_worst(scores, each=_SHOWN_EACH)
        return {id_: _ShownCase(role, f"Dice {scores[id_]:.3f}") for id_, role in roles.items()}
    return {
        one["id"]: _ShownCase(
            one["role"],
            f"Dice {one['kaggle_dice']:.3f}" if one["role"] in OUTLINE_ROLES else "",
            Verdict(one["gate_probability"], one["is_open"]),
        )
        for one in two_stage["examples"]
    }


def case_dice(result: ScoringResult) -> dict[str, float | None]:
    """Sample id to Dice (mean over defined classes), reference observer and region.

    Cases that are empty in truth and prediction are left out: there is nothing to see.
    """
    header, rows = result.evaluation.case_rows()
    columns = [at for at, name in enumerate(header) if name.split(": ")[-1] == "dice"]
    areas = [at for at, name in enumerate(header) if name.endswith("_area_px")]
    id_, observer, region = (header.index(name) for name in ("id", "observer", "region"))
    scores: dict[str, float | None] = {}
    for row in rows:
        if row[observer] != result.evaluation.observers[0]:
            continue
        if row[region] != result.evaluation.reference_region:
            continue
        if not any(row[at] not in (0, UNDEFINED) for at in areas):
            continue  # empty in truth and prediction: nothing to look at
        values = [float(row[at]) for at in columns if row[at] != UNDEFINED]
        scores[str(row[id_])] = float(np.mean(values)) if values else None
    return scores


def _run_report(run: Path, result: ScoringResult, dataset: Dataset, shown: Shown) -> RunReport:
    facts = read_run(run)
    recipe = load_recipe(str(run / RECIPE))
    document = result.document
    known = {sample.id for sample in dataset.samples}  # decisions may have dropped some
    assignment = {id_: split for id_, split in read_split(run / SPLIT).items() if id_ in known}
    whole = apply_split(dataset, assignment)
    return RunReport(
        title=f"{recipe.name} on {dataset.root.name}",
        facts=_facts(result),
        data=[
            ("Layout", f"{dataset.layout}: {dataset.reason}"),
            ("Images", f"{len(dataset.samples):,}"),
            ("Subjects", _subjects(dataset)),
            ("Observers", ", ".join(dataset.observers)),
            ("Classes", ", ".join(each.name for each in dataset.classes)),
            ("Masks", "; ".join(f"observer {k}: {v}" for k, v in dataset.encodings.items())),
        ],
        split=[_split_row(whole, split) for split in SPLITS if whole.only(split).samples],
        split_rule=f"Split: {facts.split_origin}. Written to split.csv.",
        recipe=_choices(recipe),
        recipe_name=f"{recipe.name}: {recipe.description}",
        history=read_history(run),
        training=[
            *training_rows(facts, recipe),
            ("Budget", budget_words(facts, recipe)),
            ("Seed", str(facts.seed)),
            ("Precision", f"{facts.precision}: {facts.why_precision}"),
            ("Threads", str(facts.threads)),
        ],
        evaluation=document,
        evaluated=f"the {document['split']} split",
        plots=shown.plots,
        pictures=shown.pictures,
        palette=str(document["palette"]),
    )


def training_rows(facts: RunFacts, recipe: AnyRecipe) -> list[tuple[str, str]]:
    """How many trainings the run holds, where it holds several."""
    count = _count(facts, recipe)
    if count == 1:
        return []
    parts = [counted(facts.folds, "fold")] if facts.folds else []
    parts += [counted(facts.seeds, "seed")] if facts.seeds > 1 else []
    parts += ["gate and segmenter"] if isinstance(recipe, TwoStageRecipe) else []
    return [("Trainings", f"{count}: {', '.join(parts)}")]


def budget_words(facts: RunFacts, recipe: AnyRecipe) -> str:
    """What the training was given, or each of several, or all of them together."""
    has_several = _count(facts, recipe) > 1
    if facts.minutes is not None:
        return f"{facts.minutes:g} minutes{' for all of them' if has_several else ''}"
    if facts.steps is not None:
        given = counted(facts.steps, "step")
    elif isinstance(recipe, ClassicalRecipe):
        given = "every combination"
    else:
        given = "the epochs of the recipe"
    return f"{given}{', for each' if has_several else ''}"


def _count(facts: RunFacts, recipe: AnyRecipe) -> int:
    stages = 2 if isinstance(recipe, TwoStageRecipe) else 1
    return stages * (facts.folds or 1) * facts.seeds


def _subjects(dataset: Dataset) -> str:
    if dataset.has_subjects:
        return f"{len({sample.subject for sample in dataset.samples}):,}, kept whole in the split"
    return "unknown: each image counts as a subject of its own"


def _split_row(dataset: Dataset, split: str) -> SplitRow:
    """A split in figures; those of masks stay unknown where one cannot be read."""
    part = dataset.only(split)
    row = SplitRow(split, len(part.samples), len({sample.group for sample in part.samples}))
    try:
        shares = foreground_shares(part)
    except DelineateError:
        return row
    if not shares:
        return row
    empty = sum(share == 0 for share in shares.values())
    return replace(row, empty=empty, foreground_share=float(np.mean(list(shares.values()))))


def _choices(recipe: AnyRecipe) -> list[RecipeChoice]:
    """Every setting; those of two stages by the name of their stage."""
    if isinstance(recipe, TwoStageRecipe):
        stages = {"gate": recipe.gate, "segmenter": recipe.segmenter}
        return _listed(recipe.model_dump(exclude={*_HEAD, *stages})) + [
            replace(choice, stage=f"{stage}.{choice.stage}")
            for stage, network in stages.items()
            for choice in _choices(network)
        ]
    return _listed(recipe.model_dump(exclude=_HEAD))


def _listed(sections: dict[str, Any]) -> list[RecipeChoice]:
    return [
        RecipeChoice(section, name, str(value))
        for section, settings in sections.items()
        for name, value in settings.items()
    ]
