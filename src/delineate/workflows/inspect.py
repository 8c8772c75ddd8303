"""What is in this folder: layout, pairs, sizes, encodings, classes, subjects, problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from delineate.core.errors import DelineateError
from delineate.core.progress import SILENT, Progress
from delineate.core.seeds import stream
from delineate.core.types import IGNORE, LabelClass, default_classes
from delineate.data.examination import Examined, examine
from delineate.data.listing import counted, some
from delineate.data.manifest import write_manifest
from delineate.data.masks import Survey, classes_of, mask_files, survey_masks
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.data.sample import SPLITS, Dataset, Sample
from delineate.data.splitting import shared_subjects
from delineate.files.image_files import read_image
from delineate.files.mask_encoding import write_colour_table
from delineate.files.writing import new_folder, write_json
from delineate.report.contact_sheet import ContactItem, write_contact_sheet

SCHEMA, DOCUMENT, PAGE, MANIFEST = "inspection", "inspect.json", "inspect.html", "manifest.csv"
MOST_VALUES = 16
LONGEST_KEPT_PX = 2000
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
    dataset = open_dataset(source, layout=layout, masks=masks, subjects=subjects)
    folder = new_folder(Path(out), overwrite=overwrite)
    survey = _with_colour_tables(survey_masks(dataset, progress=progress), folder)
    confirmed = set(dataset.encodings)
    certain = {o: p.encoding for o, p in survey.proposals.items() if p.is_certain}
    proposed = {o: p.encoding for o, p in survey.proposals.items()}
    settled = replace(dataset, encodings={**certain, **dataset.encodings})
    preview = replace(dataset, encodings={**proposed, **dataset.encodings})
    classes, odd = _classes(preview, survey)
    cases = list(examine(preview, progress=progress))
    failures = tuple(dict.fromkeys([*odd, *(p for case in cases for p in case.problems)]))
    document = _document(preview, survey, confirmed, cases, classes)
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
    uncertain = set(proposed) - set(certain) - confirmed
    write_contact_sheet(
        folder / PAGE,
        title=f"What is in {dataset.root.name}",
        facts=table(document),
        notes=notes,
        items=[_item(preview, case, uncertain) for case in shown],
        classes=classes,
    )
    return InspectResult(folder, document, failures, folder / MANIFEST if manifest else None)


def table(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The document in short, as pairs of a word and what was found."""
    rows = [("layout", f"{document['layout']}: {document['reason']}")]
    rows.append(("images", _count(document["images"], document["labelled"])))
    for split, counts in document["splits"].items():
        rows.append((split or "no split", _split_text(counts)))
    rows.append(("subjects", _subject_text(document)))
    rows.append(("sizes", _sizes_text(document["sizes"])))
    rows.append(("pixels", ", ".join(f"{k} ({n})" for k, n in document["pixel_types"].items())))
    for observer in document["observers"]:
        rows.append((f"masks of {observer['name']}", _observer_text(observer)))
    if document["regions"]["count"]:
        share = document["regions"]["mean_share"]
        inside = "" if share is None else f", on average {share:.1%} of the image"
        rows.append(("region of interest", f"{document['regions']['count']} images{inside}"))
    return rows


def _document(
    dataset: Dataset,
    survey: Survey,
    confirmed: set[str],
    cases: Sequence[Examined],
    classes: Sequence[LabelClass],
) -> dict[str, Any]:
    samples = dataset.samples
    shared = shared_subjects(samples)
    known = {s.subject for s in samples if s.subject is not None}
    splits = [split for split in (*SPLITS, "") if any((s.split or "") == split for s in samples)]
    shares = [case.region_share for case in cases if case.region_share is not None]
    pixel_types = dict(
        Counter(
            f"{'RGB' if case.channels == 3 else 'grey'} {case.dtype}"
            for case in cases
            if case.size_px
        ).most_common()
    )
    observers = [
        _observer(dataset, name, survey, name in confirmed, cases, classes)
        for name in dataset.observers
    ]
    return {
        "root": str(dataset.root),
        "layout": dataset.layout,
        "reason": dataset.reason,
        "notes": _notes(dataset, shared, observers, pixel_types),
        "images": len(samples),
        "labelled": sum(bool(s.masks) for s in samples),
        "splits": {
            name: _split([s for s in samples if (s.split or "") == name]) for name in splits
        },
        "has_subjects": dataset.has_subjects,
        "subjects": len(known) if known else None,
        "subjects_in_several_splits": {who: list(where) for who, where in shared.items()},
        "sizes": [
            {"height_px": size[0], "width_px": size[1], "images": count}
            for size, count in Counter(c.size_px for c in cases if c.size_px).most_common()
        ],
        "pixel_types": pixel_types,
        "classes": [{"index": c.index, "name": c.name, "colour": list(c.colour)} for c in classes],
        "observers": observers,
        "regions": {
            "count": sum(s.region is not None for s in samples),
            "mean_share": sum(shares) / len(shares) if shares else None,
        },
        "cases": [_case(case) for case in cases],
    }


def _observer(
    dataset: Dataset,
    name: str,
    survey: Survey,
    is_confirmed: bool,
    cases: Sequence[Examined],
    classes: Sequence[LabelClass],
) -> dict[str, Any]:
    proposal = survey.proposals.get(name)
    own = [case for case in cases if name in case.pixels]
    totals: Counter[int] = Counter()
    for case in own:
        totals.update(case.pixels[name])
    known = sum(count for label, count in totals.items() if label != IGNORE)
    shares = {c.name: totals[c.index] / known if known else None for c in classes} if own else {}
    empty = sum(case.foreground_share(name) == 0 for case in own)
    encoding = dataset.encodings.get(name)
    return {
        "name": name,
        "images": sum(name in s.masks for s in dataset.samples),
        "files": len(mask_files(dataset, name)),
        "encoding": str(encoding) if encoding else None,
        "is_certain": proposal is not None and proposal.is_certain,
        "is_confirmed": is_confirmed,
        "proposed": str(proposal.encoding) if proposal else None,
        "reason": proposal.reason if proposal else "no mask could be read",
        "notes": list(proposal.notes) if proposal else [],
        "values": _values(survey, mask_files(dataset, name)),
        "decoded": len(own),
        "empty": empty,
        "empty_share": empty / len(own) if own else None,
        "class_pixel_shares": shares,
        "ignored_pixel_share": totals[IGNORE] / totals.total() if own else None,
    }


def _values(survey: Survey, files: Sequence[Path]) -> dict[str, Any]:
    """What the mask files hold before decoding; the most frequent values with their pixels."""
    findings = [survey.findings[file] for file in files if file in survey.findings]
    numbers: Counter[int] = Counter()
    colours: Counter[tuple[int, int, int]] = Counter()
    for finding in findings:
        numbers.update(finding.counts)
        colours.update(finding.colours)
    total = max(1, numbers.total())
    return {
        "is_lossy": any(finding.is_lossy for finding in findings),
        "stored_as": dict(Counter(finding.mode for finding in findings).most_common()),
        "distinct": max([len(numbers), *(finding.distinct for finding in findings)]),
        "most_frequent": [
            {"value": value, "share": count / total}
            for value, count in numbers.most_common(MOST_VALUES)
        ],
        "colours": [list(colour) for colour, _ in colours.most_common(MOST_VALUES)],
    }


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


def _notes(
    dataset: Dataset,
    shared: Mapping[str, Sequence[str]],
    observers: Sequence[Mapping[str, Any]],
    pixel_types: Mapping[str, int],
) -> list[str]:
    notes = list(dataset.notes)
    if shared:
        named = some(f"{who} (in {' and '.join(where)})" for who, where in shared.items())
        notes.append(
            f"{counted(len(shared), 'subject')} in several splits: {named}; training "
            "refuses this. Make a split of whole subjects with `delineate split DATA --fresh`"
        )
    for name in (*SPLITS, None):
        own = [sample for sample in dataset.samples if sample.split == name]
        bare = [sample.image.name for sample in own if not sample.masks]
        if 0 < len(bare) < len(own):
            where = f" of {name}" if name else ""
            notes.append(
                f"no mask for {len(bare)} of {counted(len(own), 'image')}{where}: {some(bare)}; "
                "they can be neither trained on nor scored"
            )
    if not dataset.has_subjects:
        notes.append(
            "whose images these are is not known, so each image counts as a subject; "
            "say who is who with --subjects"
        )
    if len(pixel_types) > 1:
        kinds = ", ".join(f"{kind} ({count})" for kind, count in pixel_types.items())
        notes.append(f"the images are not all of one type: {kinds}")
    for observer in observers:
        own = f"{observer['name']}=" if len(observers) > 1 else ""
        if observer["proposed"] and not (observer["is_certain"] or observer["is_confirmed"]):
            notes.append(
                f"masks of {observer['name']} are shown as {observer['proposed']}, which is only "
                f"a proposal ({observer['reason']}); confirm it with "
                f"--masks {own}{observer['proposed']}"
            )
        notes += [f"masks of {observer['name']}: {note}" for note in observer["notes"]]
    return notes


def _classes(dataset: Dataset, survey: Survey) -> tuple[tuple[LabelClass, ...], tuple[str, ...]]:
    """The classes, and what is wrong with the masks where they cannot be told."""
    try:
        return classes_of(dataset, survey) or default_classes(2), ()
    except DelineateError as problem:
        return default_classes(2), (str(problem),)


def _split(samples: Sequence[Sample]) -> dict[str, Any]:
    subjects = {s.subject for s in samples if s.subject is not None}
    return {
        "images": len(samples),
        "labelled": sum(bool(s.masks) for s in samples),
        "subjects": len(subjects) if subjects else None,
    }


def _case(case: Examined) -> dict[str, Any]:
    sample = case.sample
    height, width = case.size_px or (None, None)
    return {
        "id": sample.id,
        "subject": sample.subject,
        "split": sample.split,
        "image": str(sample.image),
        "height_px": height,
        "width_px": width,
        "channels": case.channels,
        "dtype": case.dtype,
        "masks": {
            observer: {
                "files": [str(file) for file in files],
                "foreground_share": case.foreground_share(observer),
            }
            for observer, files in sample.masks.items()
        },
        "region_share": case.region_share,
        "problems": list(case.problems),
    }


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


def _count(images: int, labelled: int) -> str:
    return f"{images}, {'all' if labelled == images else labelled} with a mask"


def _split_text(counts: Mapping[str, Any]) -> str:
    text = _count(counts["images"], counts["labelled"])
    return f"{text}, {counted(counts['subjects'], 'subject')}" if counts["subjects"] else text


def _subject_text(document: Mapping[str, Any]) -> str:
    if document["subjects"] is None:
        return "unknown (say who is who with --subjects)"
    shared = document["subjects_in_several_splits"]
    text = str(document["subjects"])
    return f"{text}, {len(shared)} of them in several splits: {some(shared)}" if shared else text


def _sizes_text(sizes: Sequence[Mapping[str, int]]) -> str:
    if not sizes:
        return "no image could be read"
    shown = (f"{s['height_px']}x{s['width_px']} ({s['images']})" for s in sizes)
    return f"{some(shown, len(sizes))} (height x width)"


def _observer_text(observer: Mapping[str, Any]) -> str:
    if observer["encoding"] is None:
        return f"{counted(observer['files'], 'file')}, {observer['reason']}"
    standing = "certain" if observer["is_certain"] else "proposed, to be confirmed"
    standing = "confirmed" if observer["is_confirmed"] else standing
    text = f"{counted(observer['files'], 'file')}, {observer['encoding']} ({standing})"
    if observer["empty_share"] is not None:
        shares = ", ".join(
            f"{name} {share:.2%}" for name, share in observer["class_pixel_shares"].items() if share
        )
        text += f"; {observer['empty_share']:.1%} of the masks empty; pixels: {shares}"
    return text
