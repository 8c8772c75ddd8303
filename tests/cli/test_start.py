"""The program starts at once."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ("torch", "numpy", "pydantic", "rich", "jinja2", "cv2", "scipy", "matplotlib")
ASK = """
import json, sys
sys.argv = ["delineate", *{arguments}]
from delineate.cli.main import run
try:
    run()
except SystemExit:
    pass
print(json.dumps([name for name in {heavy} if name in sys.modules]), file=sys.stderr)
"""


def loaded_by(*arguments):
    """The heavy packages that a call has imported."""
    script = ASK.format(arguments=list(arguments), heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return json.loads(done.stderr.splitlines()[-1])


def test_help_imports_nothing_heavy():
    """Help loads neither torch nor anything else that takes time."""
    assert loaded_by("--help") == []
    # typer itself checks the values of options with pydantic.
    assert loaded_by("train", "--help") in ([], ["pydantic"])


def test_inspect_and_score_run_without_torch(tmp_path):
    """Looking and scoring never load torch, wrong usage included."""
    for verb in (["inspect", str(tmp_path)], ["score", str(tmp_path), str(tmp_path)]):
        assert "torch" not in loaded_by(*verb, "--out", str(tmp_path / "out"))
