"""A scored classifier to files: figures, a row a case, a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from delineate.evaluation.classification_records import ClassificationEvaluation
from delineate.files.writing import write_csv, write_json
from delineate.report.classification_page import error_pictures, write_classification_page
from delineate.report.classification_plots import classification_plots
from delineate.workflows.scoring import CASES, DOCUMENT, PAGE

SCHEMA = "classification"
SHOWN_ERRORS = 12


@dataclass(frozen=True)
class ClassificationResult:
    """What scoring a classifier leaves: document, page and a row a case."""

    folder: Path
    document: dict[str, Any]
    evaluation: ClassificationEvaluation
    failures: tuple[str, ...] = field(default=())

    @property
    def main_result(self) -> Path:
        """The page to look at."""
        return self.folder / PAGE


def write_classification(
    folder: Path,
    evaluation: ClassificationEvaluation,
    *,
    split: str,
    facts: Mapping[str, Any],
    pictures: Mapping[str, Path] | None = None,
    page_facts: tuple[tuple[str, str], ...] = (),
    notes: tuple[str, ...] = (),
) -> ClassificationResult:
    """Write evaluation.json, cases.csv and evaluation.html into a folder that is there.

    `facts` head the document: model, data, layout. `pictures` go from case id to an image
    file, relative to the folder; those of `evaluation.most_confident_errors(SHOWN_ERRORS)`
    are shown. `notes` come before the evaluation's own.

    Raises:
        UnreadableFileError: A picture that is named is missing or no image.
        CannotWriteError: A file cannot be written.
    """
    evaluation = replace(evaluation, notes=(*notes, *evaluation.notes))
    document = {**facts, "split": split, **evaluation.to_document()}
    header, rows = evaluation.case_rows()
    write_csv(folder / CASES, header, rows)
    write_json(folder / DOCUMENT, document, schema=SCHEMA)
    errors = evaluation.most_confident_errors(SHOWN_ERRORS)
    name = document.get("model", "classifier")
    write_classification_page(
        folder / PAGE,
        document=document,
        errors=error_pictures(errors, pictures or {}, folder),
        plots=classification_plots(document, header, rows),
        title=f"Evaluation: {name}, split {split}",
        facts=[*page_facts, ("Split", split)],
    )
    failures = tuple(f"{id_}: {why}" for id_, why in evaluation.failures)
    return ClassificationResult(folder, document, evaluation, failures)
