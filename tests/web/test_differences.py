"""What contradictory copies share, in figures beside their picture."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.review_log import ReviewLog
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


@pytest.mark.parametrize("kind", ["leaked_twins", "leaked_file", "look_alikes"])
def test_whatever_lies_on_each_other_is_compared(client: Client, audited: Path, kind: str) -> None:
    """Leaked copies and look-alikes too, by the maps in the evidence of their finding."""
    log = ReviewLog.open(audited)
    (pair,) = log.findings(kind="contradictory_twins")
    matrices = pair.evidence["matrices"]
    log.refresh([Finding(kind, pair.samples, "Alike", {"matrices": matrices})])
    (finding,) = client.get("/findings", kind=kind)["findings"]
    assert finding["maps"] == matrices == [[1, 0, 0, 0, 1, 0], [-1, 0, 95, 0, 1, 0]]
    (found,) = client.get(f"/findings/{finding['id']}/differences")
    assert found["only_first_px"] > 0 == found["only_other_px"]
    grey = client.pixels(f"/findings/{finding['id']}/pictures/image_difference")
    assert not grey.any()


def test_a_finding_of_an_earlier_audit_shows_no_difference(client: Client, audited: Path) -> None:
    """It does not say how its samples lie on each other: no maps, no pictures but thumbnails."""
    log = ReviewLog.open(audited)
    (pair,) = log.findings(kind="contradictory_twins")
    log.refresh([Finding("leaked_twins", pair.samples, "Copies", {"counts": {"test": 2}})])
    (finding,) = client.get("/findings", kind="leaked_twins")["findings"]
    assert finding["maps"] == []
    assert set(finding["pictures"]) == {"thumbnail", "thumbnail_2"}
    assert client.get(f"/findings/{finding['id']}/differences") == []


def test_images_without_masks_are_compared_all_the_same(
    discs: Path, audited: Path, tmp_path: Path
) -> None:
    """Where neither has a mask, the difference of grey levels is there alone."""
    data = shutil.copytree(discs, tmp_path / "data")
    log = ReviewLog.open(audited)
    (pair,) = log.findings(kind="contradictory_twins")
    for each in pair.samples:
        (data / f"masks/{each}.png").unlink()
    leak = Finding("leaked_twins", pair.samples, "Copies", {"matrices": pair.evidence["matrices"]})
    log.refresh([leak])
    client = Client(desk_at(data, audited, tmp_path / "scratch", subjects=r"^(s\d+)_"))
    (found,) = client.get(f"/findings/{leak.id}/differences")
    assert found["picture"] is None
    assert found["words"] == "the first copy has no mask; s11_1 has no mask"
    assert client.pixels(f"/findings/{leak.id}/pictures/image_difference").shape == (72, 96, 3)


def test_a_copy_without_a_mask_hides_nothing_of_the_others(
    discs: Path, audited: Path, tmp_path: Path
) -> None:
    """Of three copies the second has lost its mask: that is said, and the third is compared."""
    data = shutil.copytree(discs, tmp_path / "data")
    (data / "masks/s11_1.png").unlink()
    log = ReviewLog.open(audited)
    (pair,) = log.findings(kind="contradictory_twins")
    matrices = [*pair.evidence["matrices"], pair.evidence["matrices"][0]]
    samples, evidence = (*pair.samples, "s01_0"), {**pair.evidence, "matrices": matrices}
    three = replace(pair, samples=samples, evidence=evidence)
    log.refresh([three])
    client = Client(desk_at(data, audited, tmp_path / "scratch", subjects=r"^(s\d+)_"))
    without, compared = client.get(f"/findings/{three.id}/differences")
    assert (without["other"], without["words"]) == ("s11_1", "s11_1 has no mask")
    assert without["picture"] is without["both_px"] is without["only_first_px"] is None
    assert (compared["other"], compared["words"][:5]) == ("s01_0", "both ")
    assert compared["picture"].endswith("/difference_2")
    status, line = client.refused(f"/findings/{three.id}/pictures/difference")
    assert (status, line) == (422, "s11_1 has no mask")
