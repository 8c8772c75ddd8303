"""What was found in a data set, as a document and as a few lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from delineate.core.types import IGNORE, LabelClass
from delineate.data.examination import Examined, class_pixels
from delineate.data.listing import counted, some
from delineate.data.masks import Survey, mask_files
from delineate.data.sample import SPLITS, Dataset, Sample
from delineate.data.splitting import shared_subjects
from delineate.files.mask_encoding import MaskEncoding

MOST_VALUES = 16
MOST_CLASSES = 24  # that the table names; the document has all


def inspection_document(
    dataset: Dataset,
    survey: Survey,
    confirmed: set[str],
    cases: Sequence[Examined],
    classes: Sequence[LabelClass],
    *,
    stated: set[str] | None = None,
) -> dict[str, Any]:
    """The body of `inspect.json`, by plain JSON values.

    `dataset` holds the encodings that masks were decoded with, `confirmed` the observers for
    whom a person confirmed them, `stated` those for whom the layout says it.
    """
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
        _observer(dataset, name, survey, cases, classes)
        | {"is_confirmed": name in confirmed, "is_stated": name in (stated or set())}
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
        "is_overlapping": dataset.is_overlapping,
        "has_instances": dataset.has_instances,
        "classes": [{"index": c.index, "name": c.name, "colour": list(c.colour)} for c in classes],
        "observers": observers,
        "regions": {
            "count": sum(s.region is not None for s in samples),
            "mean_share": sum(shares) / len(shares) if shares else None,
        },
        "cases": [_case(case) for case in cases],
    }


def table(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The document in short, as pairs of a word and what was found."""
    rows = [("layout", f"{document['layout']}: {document['reason']}")]
    rows.append(("images", _count(document["images"], document["labelled"])))
    for split, counts in document["splits"].items():
        rows.append((split or "no split", _split_text(counts)))
    rows.append(("subjects", _subject_text(document)))
    named = [each["name"] for each in document["classes"][1:]]
    if len(named) > 1:
        meeting = ", which may overlap" if document["is_overlapping"] else ""
        shown = ", ".join(_as_many_as_fit(named))
        rows.append(("classes", f"{len(named)}{meeting}: {shown}"))
    rows.append(("sizes", _sizes_text(document["sizes"])))
    rows.append(("pixels", ", ".join(f"{k} ({n})" for k, n in document["pixel_types"].items())))
    for observer in document["observers"]:
        rows.append((f"masks of {observer['name']}", _observer_text(observer)))
    if document["regions"]["count"]:
        share = document["regions"]["mean_share"]
        inside = "" if share is None else f", on average {share:.1%} of the image"
        rows.append(("region of interest", f"{document['regions']['count']} images{inside}"))
    return rows


def _observer(
    dataset: Dataset,
    name: str,
    survey: Survey,
    cases: Sequence[Examined],
    classes: Sequence[LabelClass],
) -> dict[str, Any]:
    proposal = survey.proposals.get(name)
    own = [case for case in cases if name in case.pixels]
    totals: Counter[int] = Counter()
    for case in own:
        totals.update(case.pixels[name])
    known = sum(count for label, count in totals.items() if label != IGNORE)
    shares = {}
    if own:
        for each in classes:
            lit = class_pixels(totals, each.index, is_overlapping=dataset.is_overlapping)
            shares[each.name] = lit / known if known else None
    empty = sum(case.foreground_share(name) == 0 for case in own)
    encoding = dataset.encodings.get(name)
    files = list(dict.fromkeys(mask_files(dataset, name)))
    return {
        "name": name,
        "images": sum(name in s.masks for s in dataset.samples),
        "files": len(files),
        "encoding": str(encoding) if encoding else None,
        "is_certain": proposal is not None and proposal.is_certain,
        "proposed": str(proposal.encoding) if proposal else None,
        "reason": proposal.reason if proposal else _drawn_words(encoding),
        "notes": [*(proposal.notes if proposal else ()), *_absent(shares)],
        "values": _values(survey, files),
        "decoded": len(own),
        "empty": empty,
        "empty_share": empty / len(own) if own else None,
        "class_pixel_shares": shares,
        "ignored_pixel_share": totals[IGNORE] / totals.total() if own else None,
    }


def _absent(shares: Mapping[str, float | None]) -> list[str]:
    """That some of several classes are nowhere drawn, where some are not."""
    names = list(shares)[1:]
    absent = [name for name in names if not shares[name]]
    if len(names) < 2 or not absent:
        return []
    return [f"{len(absent)} of {len(names)} classes never occur: {some(absent)}"]


def _drawn_words(encoding: MaskEncoding | None) -> str:
    """What stands in the place of a reason where no values of masks were seen."""
    if encoding is None or not encoding.is_drawn:
        return "no mask could be read"
    return f"objects as {encoding} writes them, without values to look at"


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
        members = [sample for sample in dataset.samples if sample.split == name]
        bare = [sample.image.name for sample in members if not sample.masks]
        if 0 < len(bare) < len(members):
            where = f" of {name}" if name else ""
            notes.append(
                f"no mask for {len(bare)} of {counted(len(members), 'image')}{where}: "
                f"{some(bare)}; they can be neither trained on nor scored"
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
        is_settled = observer["is_certain"] or observer["is_confirmed"] or observer["is_stated"]
        if observer["proposed"] and not is_settled:
            notes.append(
                f"masks of {observer['name']} are shown as {observer['proposed']}, which is only "
                f"a proposal ({observer['reason']}); confirm it with "
                f"--masks {own}{observer['proposed']}"
            )
        notes += [f"masks of {observer['name']}: {note}" for note in observer["notes"]]
    return notes


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
    standing = "as this layout has it" if observer["is_stated"] else standing
    standing = "confirmed" if observer["is_confirmed"] else standing
    text = f"{counted(observer['files'], 'file')}, {observer['encoding']} ({standing})"
    if observer["empty_share"] is not None:
        shares = [
            f"{name} {share:.2%}" for name, share in observer["class_pixel_shares"].items() if share
        ]
        text += f"; {observer['empty_share']:.1%} of the masks empty; pixels: "
        text += ", ".join(_as_many_as_fit(shares))
    return text


def _as_many_as_fit(words: Sequence[str]) -> Sequence[str]:
    return words if len(words) <= MOST_CLASSES else [*words[:MOST_CLASSES], "…"]
