"""Evaluations side by side, case by case."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def _module():
    """The benchmarks are no installed package: the file is loaded by its path."""
    path = Path(__file__).parents[2] / "benchmarks" / "paired_cases.py"
    spec = spec_from_file_location("paired_cases", path)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


paired_cases = _module()

ROWS = """id,subject,status,failure,observer,region,nerve: dice,nerve: iou,vessel: dice
a,,scored,,1,inside the region,0.5,0.9,undefined
a,,scored,,1,whole frame,0.1,0.1,0.1
a,,scored,,2,inside the region,0.2,0.1,0.1
b,,scored,,1,inside the region,0.25,0.1,0.75
c,,scored,,1,inside the region,undefined,0.1,undefined
"""


def _folder(path: Path, rows: str) -> Path:
    path.mkdir(parents=True)
    (path / "cases.csv").write_text(rows)
    return path


def test_a_case_has_the_mean_of_the_classes_with_a_value(tmp_path: Path) -> None:
    """Against the first observer, inside the region; a case without any value is absent."""
    folder = _folder(tmp_path / "net" / "evaluation-test", ROWS)
    assert paired_cases.case_scores(folder) == {"a": 0.5, "b": 0.5}


def test_wins_are_counted_over_the_cases_of_both(tmp_path: Path, capsys) -> None:
    """A case that one evaluation lacks is in no mean."""
    one = _folder(tmp_path / "net" / "evaluation-test", ROWS)
    fewer = ROWS.splitlines()[0] + "\nb,,scored,,1,inside the region,0.0,0.1,0.5\n"
    other = _folder(tmp_path / "otsu" / "evaluation-test", fewer)
    assert paired_cases.main([str(one), str(other)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["b", "0.500", "0.250"]
    assert printed[2].split() == ["mean", "0.500", "0.250"]
    assert printed[3] == "net is better than otsu in 1 of 1 cases, equal in 0"


def test_one_evaluation_alone_is_refused(tmp_path: Path, capsys) -> None:
    """There is nothing to compare it with."""
    assert paired_cases.main([str(tmp_path)]) == 2
    assert "FOLDER" in capsys.readouterr().err
