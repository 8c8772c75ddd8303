"""`delineate inspect`."""

from __future__ import annotations

import json


def test_facts_then_the_path(delineate, pairs, tmp_path):
    """A short table of what is there is followed by the path of the contact sheet."""
    result = delineate("inspect", pairs, "--out", tmp_path / "look")
    assert result.exit_code == 0
    *table, path = result.stdout.splitlines()
    assert path == str(tmp_path / "look" / "inspect.html")
    said = dict(line.split(maxsplit=1) for line in table if not line.startswith("note"))
    assert said["layout"].startswith("folders: ")
    assert said["images"] == "6, all with a mask"
    assert any(line.startswith("note: ") and "--subjects" in line for line in table)


def test_json_is_the_written_document(delineate, pairs, tmp_path):
    """Standard output holds what inspect.json holds."""
    result = delineate("inspect", pairs, "--out", tmp_path / "look", "--json")
    written = json.loads((tmp_path / "look" / "inspect.json").read_text())
    assert json.loads(result.stdout).items() <= written.items()
    assert written["images"] == 6


def test_bad_files_are_listed_and_exit_1(delineate, pairs, tmp_path):
    """One bad file does not stop the others from being looked at."""
    (pairs / "images" / "03.png").write_text("no image at all\n" * 9)
    result = delineate("inspect", pairs, "--out", tmp_path / "look")
    assert result.exit_code == 1
    (named,) = [line for line in result.stderr.splitlines() if "images/03.png" in line]
    assert named.startswith("  ")
    assert result.stdout.splitlines()[-1] == str(tmp_path / "look" / "inspect.html")


def test_options_reach_the_work(delineate, pairs, tmp_path):
    """Encoding, subjects, manifest and the size of the sheet are passed on."""
    look = tmp_path / "look"
    options = ["--masks", "threshold:128", "--subjects", r"^(\d)", "--manifest", "--limit", 2]
    assert delineate("inspect", pairs, "--out", look, *options).exit_code == 0
    document = json.loads((look / "inspect.json").read_text())
    assert document["observers"][0]["encoding"] == "threshold:128"
    assert document["observers"][0]["is_confirmed"]
    assert document["subjects"] == 1
    assert (look / "manifest.csv").is_file()
    again = delineate("inspect", look / "manifest.csv", "--out", tmp_path / "again", "--quiet")
    assert again.exit_code == 0
    assert again.stdout == f"{tmp_path / 'again' / 'inspect.html'}\n"


def test_interrupt(delineate, pairs, tmp_path, monkeypatch):
    """Ctrl-C says how to go on and exits with 130."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("delineate.workflows.inspect.inspect", interrupt)
    result = delineate("inspect", pairs, "--out", tmp_path / "look")
    assert result.exit_code == 130
    look = tmp_path / "look"
    assert result.stderr == f"interrupted; {look} is unfinished; look again with --overwrite\n"
