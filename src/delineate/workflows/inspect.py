"""What is in this folder: layout, pairs, sizes, encodings, classes, subjects, problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from delineate.core.errors import DelineateError
from delineate.core.overlapping import topmost
from delineate.core.progress import SILENT, Progress
from delineate.core.seeds import stream
from delineate.core.types import LabelClass, default_classes
from delineate.data.examination import Examined, class_pixels, examine
from delineate.data.manifest import write_manifest
from delineate.data.masks import Survey, classes_of, survey_masks
from delineate.data.opening import open_dataset, with_encodings
from delineate.data.reading import read_labels
from delineate.data.sample import Dataset
from delineate.files.image_files import read_image
from delineate.files.mask_encoding import write_colour_table
from delineate.files.writing import new_folder, write_json
from delineate.report.contact_sheet import ContactItem, write_contact_sheet
from delineate.workflows.inputs import inputs_of
from delineate.workflows.inspection import inspection_document, table

__all__ = ["InspectResult", "inspect", "table"]

SCHEMA, DOCUMENT, PAGE, MANIFEST = "inspection", "inspect.json", "inspect.html", "manifest.csv"
LONGEST_KEPT_PX = 2000
MOST_IN_LEGEND = 32
MOST_PROBLEMS = 0.5  # share of the contact sheet that cases with problems may take


@dataclass(frozen=True)
class InspectResult:
    """Where the contact sheet is, all that was found, and which files are bad."""

    folder: Path
    document: dict[str, Any]
    failures: tuple[str, ...]
    manifest: Path | None = None

    @property
    def main_result(self) -> Path:
        """The contact sheet."""
        return self.folder / PAGE


def inspect(
    source: Path | str,
    out: Path | str,
    *,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    overlapping: bool = False,
    manifest: bool = False,
    overwrite: bool = False,
    limit: int = 48,
    seed: int = 0,
    progress: Progress = SILENT,
) -> InspectResult:
    """Look at every file and write `inspect.json`, a contact sheet and perhaps a manifest.

    Masks whose encoding is neither certain nor confirmed are shown as proposed, and said to
    be. A file that cannot be read, or does not fit its image, is listed among the failures
    and the others are looked at. The contact sheet shows at most `limit` cases: those with
    problems, then others by chance.

    Raises:
        DelineateError: no layout recognised, or the output cannot be written.
    """
    opened = open_dataset(source, layout=layout, subjects=subjects, overlapping=overlapping)
    texts = [masks] if isinstance(masks, str) else masks
    dataset = with_encodings(opened, texts) if texts else opened
    folder = new_folder(Path(out), overwrite=overwrite, inputs=inputs_of(dataset, source, subjects))
    survey = _with_colour_tables(survey_masks(dataset, progress=progress), folder)
    stated = set() if opened.layout == "manifest" else set(opened.encodings)
    confirmed = {o for o, e in dataset.encodings.items() if e is not opened.encodings.get(o)}
    confirmed |= opened.encodings.keys() - stated
    certain = {o: p.encoding for o, p in survey.proposals.items() if p.is_certain}
    proposed = {o: p.encoding for o, p in survey.proposals.items()}
    settled = dataset.decoded_by({**certain, **dataset.encodings})
    preview = dataset.decoded_by({**proposed, **dataset.encodings})
    classes, odd = _classes(preview, survey)
    cases = list(examine(preview, progress=progress))
    failures = tuple(dict.fromkeys([*odd, *(p for case in cases for p in case.problems)]))
    document = inspection_document(
        preview, survey, confirmed, cases, classes, stated=stated - confirmed
    )
    document |= {"source": str(source), "seed": seed, "failures": list(failures)}
    write_json(folder / DOCUMENT, document, schema=SCHEMA)
    if manifest:
        write_manifest(settled, folder / MANIFEST)
    shown = _chosen(cases, limit, seed)
    notes = list(document["notes"])
    if len(shown) < len(cases):
        notes.append(
            f"{len(shown)} of {len(cases)} images are shown: those with problems, "
            f"the others drawn with seed {seed}"
        )
    if dataset.is_overlapping:
        notes.append("where classes overlap, the pictures show the last of them")
    uncertain = set(proposed) - set(certain) - dataset.encodings.keys()
    write_contact_sheet(
        folder / PAGE,
        title=f"What is in {dataset.root.name}",
        facts=table(document),
        notes=notes,
        items=[_item(preview, case, uncertain) for case in shown],
        classes=_shown_classes(classes, preview, shown),
    )
    return InspectResult(folder, document, failures, folder / MANIFEST if manifest else None)


def _with_colour_tables(survey: Survey, folder: Path) -> Survey:
    """The survey with each proposed table of colours written, so that it can be looked at."""
    proposals = dict(survey.proposals)
    for name, proposal in survey.proposals.items():
        if proposal.encoding.colours_file is not None:
            own = "" if len(survey.proposals) == 1 else f"_{name}"
            table_file = folder / f"colours{own}.csv"
            write_colour_table(table_file, proposal)
            encoding = replace(proposal.encoding, colours_file=table_file)
            proposals[name] = replace(proposal, encoding=encoding)
    return replace(survey, proposals=proposals)


def _classes(dataset: Dataset, survey: Survey) -> tuple[tuple[LabelClass, ...], tuple[str, ...]]:
    """The classes, and what is wrong with the masks where they cannot be told."""
    try:
        return classes_of(dataset, survey) or default_classes(2), ()
    except DelineateError as problem:
        return default_classes(2), (str(problem),)


def _shown_classes(
    classes: Sequence[LabelClass], dataset: Dataset, shown: Sequence[Examined]
) -> tuple[LabelClass, ...]:
    """The classes; of more than a legend can say, those that the pictures show."""
    if len(classes) <= MOST_IN_LEGEND:
        return tuple(classes)
    held: Counter[int] = Counter()
    for case in shown:
        held.update(next(iter(case.pixels.values()), {}))
    return tuple(
        each
        for each in classes
        if each.index == 0 or class_pixels(held, each.index, is_overlapping=dataset.is_overlapping)
    )


def _chosen(cases: Sequence[Examined], limit: int, seed: int) -> list[Examined]:
    """Cases with problems first, then others by chance, all in the order of the data."""
    bad = [n for n, case in enumerate(cases) if case.problems]
    good = [n for n, case in enumerate(cases) if not case.problems]
    most_bad = max(int(limit * MOST_PROBLEMS), limit - len(good))
    drawn = stream(seed, "contact sheet").permutation(len(good))
    kept = bad[:most_bad]
    kept += [good[int(n)] for n in drawn[: max(0, limit - len(kept))]]
    return [cases[n] for n in sorted(kept)]


def _item(dataset: Dataset, case: Examined, uncertain: set[str]) -> ContactItem:
    sample = case.sample
    observer = next(iter(sample.masks), None)
    labels = None
    if observer is not None and observer in case.pixels:
        labels = read_labels(dataset, sample, observer)
        labels = topmost(labels) if dataset.is_overlapping else labels
    # The page shows a few hundred pixels a side: whole slides need not wait in memory.
    step = -(-max(case.size_px or (1, 1)) // LONGEST_KEPT_PX)
    return ContactItem(
        id=sample.id,
        subject=sample.subject,
        split=sample.split,
        caption=_caption(case, observer, uncertain),
        image=read_image(sample.image)[::step, ::step].copy() if case.size_px else None,
        labels=labels if labels is None else labels[::step, ::step].copy(),
        problem="; ".join(case.problems) or None,
    )


def _caption(case: Examined, observer: str | None, uncertain: set[str]) -> str:
    words = []
    if case.size_px:
        words.append(f"{case.size_px[0]}x{case.size_px[1]} px")
    if observer is None:
        words.append("no mask")
    share = case.foreground_share(observer) if observer else None
    if share is not None:
        words.append("empty mask" if share == 0 else f"{share:.1%} foreground")
    if len(case.sample.masks) > 1:
        words.append(f"observer {observer} of {', '.join(case.sample.masks)}")
    if observer in uncertain:
        words.append("mask as proposed, not confirmed")
    return ", ".join(words)
