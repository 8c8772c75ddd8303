"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real samples; the test is skipped where it is missing."""
    here = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("DELINEATE_TEST_DATA", here.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set DELINEATE_TEST_DATA to have this test")
    return folder
