"""The page of an audit."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from delineate.auditing.findings.finding import KINDS, Finding
from delineate.core.errors import UnreadableFileError
from delineate.core.types import LabelClass, default_classes
from delineate.data.sample import Sample
from delineate.files.image_files import read_image
from delineate.report.audit_cards import MOST_CARDS, MOST_COMPARED, MOST_PICTURES
from delineate.report.audit_content import (
    AuditFigures,
    Comparison,
    CopyView,
    DifferenceHistogram,
    HeatMap,
    Look,
    SubjectShare,
    ThresholdRow,
)
from delineate.report.audit_page import MOST_BARS, MOST_LISTED, summary, write_audit_page
from delineate.report.display import to_rgb

HOSTILE = '<script>alert("1")</script>&$x_{'
Faults = Callable[[str], list[str]]
SAMPLES = {
    name: Sample(name, Path(f"{name}.png"), "7", {"1st": (Path("m.png"),)}, split="train")
    for name in ("a", "b", "c", HOSTILE)
}
FIGURES = AuditFigures(
    [ThresholdRow(100, 63, 52, 49, 60), ThresholdRow(1000.5, 1, 0)],
    "Contradictory: Dice below 0.95.",
    DifferenceHistogram((10, 100, 1000), (3, 4), 60, "All pairs are exact."),
    [SubjectShare("low", 1, 9), SubjectShare(HOSTILE, 9, 10), SubjectShare("none", 0, 0)],
    [HeatMap(HOSTILE, np.eye(64) / 2, 12), HeatMap("unseen", np.zeros((64, 64)), 0)],
)


def seen(sample: Sample) -> Look:
    """A picture with a mask that differs from sample to sample; c is damaged."""
    if sample.id == "c":
        raise UnreadableFileError("c.png: the file is cut short; export it anew")
    labels = np.zeros((24, 36), np.uint8)
    labels[4 : 10 + len(sample.id) % 5, 6:20] = 1
    return Look(np.full((24, 36, 1), 80, np.uint8), labels)


def page(folder: Path, findings: list[Finding], **changes: object) -> str:
    """The text of a page about these findings."""
    values: dict[str, object] = {
        "title": "Audit of set",
        "facts": [("Images", "3")],
        "notes": ["one note"],
        "samples": SAMPLES,
        "look": seen,
        "comparisons": {},
        "figures": AuditFigures(),
        "classes": default_classes(2),
    }
    file = folder / "audit.html"
    assert write_audit_page(file, findings=findings, **(values | changes)) == file  # type: ignore[arg-type]
    return file.read_text(encoding="utf-8")


def pair(first: str = "a", second: str = "b", **changes: object) -> tuple[Finding, Comparison]:
    """A contradictory pair and how it is laid on each other."""
    values: dict[str, object] = {
        "text": "One picture.",
        "samples": (first, second),
        "evidence": {"matrices": [[1, 0, 0, 0, 1, 0]] * 2},
    }
    finding = Finding("contradictory_twins", **(values | changes))  # type: ignore[arg-type]
    copies = (CopyView(first), CopyView(second, words="flipped left to right"))
    return finding, Comparison(copies, "0.71", "0.916 for any one mask")


def test_a_page_of_every_kind_has_no_fault(tmp_path: Path, faults: Faults) -> None:
    """Each kind has its section, its place in the contents and its count, and all links lead on."""
    findings = [Finding(kind, ("a",), f"About {kind}.") for kind in KINDS]
    text = page(tmp_path, findings, figures=FIGURES)
    assert faults(text) == []
    for kind, about in KINDS.items():
        assert f'id="{kind}"' in text
        assert f"About {kind}." in text
        if kind != "class_balance":
            entry = f'<a href="#{kind}">{about.title}</a><span class="count">1</span>'
            assert entry in text


def test_what_matters_most_stands_first(tmp_path: Path) -> None:
    """Errors before warnings before notes, and of one kind the worst first."""
    findings = [
        Finding("sequence", ("a",), "Frames."),
        Finding("blank_image", ("a",), "Mild.", badness=1),
        Finding("blank_image", ("b",), "Bad.", badness=2),
        Finding("leaked_subject", ("a",), "Leak."),
    ]
    text = page(tmp_path, findings)
    places = [text.index(words) for words in (">Leak.", ">Bad.", ">Mild.", ">Frames.")]
    assert places == sorted(places)


def test_copies_stand_side_by_side(tmp_path: Path, faults: Faults) -> None:
    """Both pictures, both masks, both differences, the figures, the words and the commands."""
    finding, comparison = pair()
    text = page(
        tmp_path, [finding], comparisons={finding.id: comparison}, review="delineate review out"
    )
    assert faults(text) == []
    for words in ("Image a", "Mask of a", "Image b", "Mask of b", "Difference of the masks"):
        assert f'alt="{words}"' in text
    for words in ("flipped left to right", "0.71", "0.916 for any one mask", "no pixel differs"):
        assert words in text
    assert f"delineate review out --decide {finding.id} union" in text
    assert "only in the first mask" in text


def test_a_decision_in_force_takes_the_place_of_the_commands(tmp_path: Path) -> None:
    """What is decided is said, and is counted at the top."""
    finding, comparison = pair()
    text = page(
        tmp_path,
        [finding],
        comparisons={finding.id: comparison},
        decided={finding.id: "union, by me"},
    )
    assert "decided: union, by me" in text
    assert "--decide" not in text
    assert "Found: 1 warning; 1 decided." in text


def test_hostile_names_are_text(tmp_path: Path, faults: Faults) -> None:
    """Markup in ids, texts, facts, classes, subjects and decisions stays text."""
    finding, comparison = pair(HOSTILE, "b", text=HOSTILE, suggestion=HOSTILE, about=HOSTILE)
    text = page(
        tmp_path,
        [finding, Finding("nested_copy", (), HOSTILE, about=HOSTILE)],
        comparisons={finding.id: comparison},
        decided={finding.id: HOSTILE},
        title=HOSTILE,
        facts=[(HOSTILE, HOSTILE)],
        notes=[HOSTILE],
        figures=FIGURES,
        classes=(*default_classes(2), LabelClass(2, HOSTILE, (1, 2, 3))),
        review=HOSTILE,
    )
    assert faults(text) == []
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 15


def test_thresholds_are_said_as_the_nerve_tool_printed_them(tmp_path: Path) -> None:
    """So many pairs under a threshold, of which so many contradictory; absent counts are blank."""
    text = re.sub(r"</?b>", "", page(tmp_path, [], figures=FIGURES))
    assert "63 pairs under 100, of which 52 contradictory" in text
    assert "1 pair under 1,000.5, of which 0 contradictory" in text
    assert "Contradictory as the nerve tool counts" in text
    assert ">None<" not in text
    plain = page(tmp_path, [], figures=AuditFigures([ThresholdRow(100, 2, 1)]))
    assert "nerve tool" not in plain
    assert "Neither flipped nor turned" not in plain


def test_subjects_stand_in_the_order_of_their_empty_share(tmp_path: Path) -> None:
    """The largest share first, with its counts; beyond some number they are folded."""
    text = page(tmp_path, [], figures=FIGURES)
    assert text.index("9 of 10") < text.index("1 of 9") < text.index("0 of 0")
    assert "width: 90.00%" in text
    many = [SubjectShare(f"s{place}", place, 100) for place in range(MOST_BARS + 7)]
    assert "7 more subjects" in page(tmp_path, [], figures=AuditFigures(subjects=many))


def test_classes_that_no_mask_has_been_counted_for_have_no_heat_map(tmp_path: Path) -> None:
    """A map of no masks would say nothing."""
    text = page(tmp_path, [], figures=FIGURES)
    assert "share of 12 masks" in text
    assert "unseen" not in text


def test_a_damaged_file_is_said_in_its_place(tmp_path: Path, faults: Faults) -> None:
    """One unreadable picture does not stop the page."""
    text = page(tmp_path, [Finding("unreadable_image", ("c",), "Damaged.")])
    assert faults(text) == []
    assert "c.png: the file is cut short" in text


def test_findings_without_pictures_are_words(tmp_path: Path, faults: Faults) -> None:
    """Samples that are not known, and findings about no sample, are told by their text."""
    findings = [
        Finding("nested_copy", (), "copy holds 60 files.", about="copy"),
        Finding("leaked_file", ("other:x",), "The same file."),
    ]
    text = page(tmp_path, findings)
    assert faults(text) == []
    assert "<h3>copy</h3>" in text
    assert "other:x" in text
    assert "<img" not in text


def test_an_audit_that_found_nothing_is_a_page_too(tmp_path: Path, faults: Faults) -> None:
    """Nothing found is said, and nothing empty is drawn."""
    text = page(tmp_path, [], samples={}, classes=())
    assert faults(text) == []
    assert "Nothing was found." in text
    assert "<section" not in text
    assert 'type="checkbox"' not in text


def test_a_thousand_groups_still_open(tmp_path: Path, faults: Faults) -> None:
    """The worst are drawn, more are listed, the rest are counted; the page stays small."""
    asked: list[str] = []

    def counted(sample: Sample) -> Look:
        asked.append(sample.id)
        return seen(sample)

    total = MOST_LISTED + 40
    pairs = [pair(about=str(place), badness=place) for place in range(total)]
    text = page(
        tmp_path,
        [finding for finding, _ in pairs],
        comparisons={finding.id: comparison for finding, comparison in pairs},
        look=counted,
    )
    assert faults(text) == []
    most = MOST_COMPARED["contradictory_twins"]
    assert text.count('class="finding compared"') == most
    assert f"{most} of {total:,} are shown, the worst first" in text
    assert "40 more stand in audit.json" in text
    assert len(asked) < 2 * most + 20
    assert f"#f-{pairs[-1][0].id}" in text
    assert f"#f-{pairs[0][0].id}" not in text


def test_long_sections_have_a_table_and_short_ones_none(tmp_path: Path) -> None:
    """A dozen cards are seen at a glance; more of them are led to by a table."""
    few = [Finding("blank_image", ("a",), "Even.", about=str(place)) for place in range(3)]
    assert "in a table" not in page(tmp_path, few)
    some = [Finding("blank_image", ("a",), "Even.", about=str(place)) for place in range(20)]
    assert "20 in a table" in page(tmp_path, some)
    many = [Finding("blank_image", ("a",), "Even.", about=str(place)) for place in range(50)]
    text = page(tmp_path, many)
    assert text.count('<article class="finding') == MOST_CARDS
    assert "The table above lists all of them." in text


def test_long_sequences_are_cut_and_counted(tmp_path: Path) -> None:
    """A finding about many samples shows a few and says how many it does not."""
    names = tuple(f"f{place}" for place in range(30))
    samples = {name: Sample(name, Path(f"{name}.png")) for name in names}
    text = page(tmp_path, [Finding("sequence", names, "30 frames.")], samples=samples)
    assert f"{30 - MOST_PICTURES} more not shown." in text
    assert "f0</span>, " in text
    assert "and 26 more" in text


def test_the_same_findings_give_the_same_page(tmp_path: Path) -> None:
    """The page has no date and no random part, however its threads run."""
    finding, comparison = pair()
    findings = [finding, *(Finding(kind, ("a", "b"), "Two.") for kind in KINDS)]
    values = {"comparisons": {finding.id: comparison}, "figures": FIGURES}
    assert page(tmp_path, findings, **values) == page(tmp_path, findings, **values)


def test_marks_can_be_taken_off_the_pictures(tmp_path: Path) -> None:
    """The masks are layers of their own, which a box at the top shows or hides."""
    text = page(tmp_path, [Finding("unusual_mask", ("a",), "Large.")])
    assert '<input type="checkbox" id="marks" checked>' in text
    assert "body:has(#marks:not(:checked)) .marks { visibility: hidden; }" in text
    assert 'class="marks" src="data:image/png' in text


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (["sequence"], "Found: 1 note."),
        (["sequence", "sequence"], "Found: 2 notes."),
        (["leaked_file", "sequence"], "Found: 1 error and 1 note."),
        (["leaked_file", "twins", "sequence"], "Found: 1 error, 1 warning and 1 note."),
    ],
)
def test_the_summary_is_a_sentence(kinds: list[str], words: str) -> None:
    """Severities without a finding are not named."""
    assert summary([Finding(kind, ("a",), "x") for kind in kinds]) == words


def test_the_real_copies_of_usgra_are_shown_with_their_contradiction(
    shared_data: Path, tmp_path: Path, faults: Faults
) -> None:
    """Images 0043 and 0077 are one picture; the areas of their masks stand beside it."""
    folder = shared_data / "usgra"
    samples = {
        name: Sample(name, folder / "images" / f"{name}.png", masks={"1st": (Path(name),)})
        for name in ("0043", "0077")
    }

    def look(sample: Sample) -> Look:
        mask = read_image(folder / "masks" / f"{sample.id}.png")
        return Look(read_image(sample.image), (to_rgb(mask).max(axis=2) > 0).astype(np.uint8))

    finding, comparison = pair("0043", "0077")
    text = page(
        tmp_path, [finding], samples=samples, look=look, comparisons={finding.id: comparison}
    )
    assert faults(text) == []
    assert "no pixel differs" in text
    assert "both 41,948 px, only the first 33,807 px, only the other 93 px" in text
