"""What contradictory copies share, in figures beside their picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from delineate.files.image_files import read_image

from .desks import Client, desk_at


@pytest.fixture
def client(discs: Path, audited: Path, tmp_path: Path) -> Client:
    """Somebody at the desk of the discs, the last of which is the first one mirrored."""
    return Client(desk_at(discs, audited, tmp_path / "scratch", subjects=r"^(s\d+)_"))


def test_copies_are_compared_on_the_grid_of_the_first(client: Client, discs: Path) -> None:
    """The mirrored copy is turned back before pixels are counted; the words say the same."""
    (finding,) = client.get("/findings", kind="contradictory_twins")["findings"]
    (found,) = client.get(f"/findings/{finding['id']}/differences")
    first = read_image(discs / "masks/s00_0.png") > 0
    other = (read_image(discs / "masks/s11_1.png") > 0)[:, ::-1]
    assert (found["first"], found["other"]) == ("s00_0", "s11_1")
    assert found["both_px"] == np.count_nonzero(first & other)
    assert found["only_first_px"] == np.count_nonzero(first & ~other) > 0
    assert found["only_other_px"] == found["other_class_px"] == found["unknown_px"] == 0
    assert (
        found["words"] == f"both {found['both_px']} px, only the first {found['only_first_px']} px"
    )
    assert found["picture"] in finding["pictures"].values()


def test_a_decision_changes_what_copies_share(client: Client) -> None:
    """Under the union no pixel is in one of the masks alone."""
    (finding,) = client.get("/findings", kind="contradictory_twins")["findings"]
    client.decide("union", finding=finding["id"])
    (found,) = client.get(f"/findings/{finding['id']}/differences")
    assert (found["only_first_px"], found["only_other_px"]) == (0, 0)


def test_findings_that_are_no_copies_have_no_differences(client: Client) -> None:
    """An empty list, and no picture."""
    (finding,) = client.get("/findings", kind="class_balance")["findings"]
    assert client.get(f"/findings/{finding['id']}/differences") == []
