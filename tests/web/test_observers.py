"""Cases that several observers drew: who they are, and their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from delineate.auditing.findings.finding import Finding
from delineate.auditing.review.review_log import FILE, ReviewLog
from delineate.web.review.desk import key_of

from .desks import Client, desk_at, painted
from .observed import SAMPLES, drawn, drawn_by_b, the_region, write_observed

FIRST, WHOLE, ALONE = (f"/cases/{key_of(sample)}" for sample in SAMPLES)


@pytest.fixture
def log(tmp_path: Path) -> ReviewLog:
    """A log in which nothing is decided."""
    return ReviewLog.create(tmp_path / FILE, findings=(), facts={})


@pytest.fixture
def client(discs: Path, log: ReviewLog, tmp_path: Path) -> Client:
    """Somebody at the desk of three cases, two of which another observer drew too."""
    manifest = write_observed(discs, tmp_path / "data")
    return Client(desk_at(manifest, tmp_path, tmp_path / "scratch"))


def test_a_case_names_its_other_observers(client: Client, discs: Path) -> None:
    """With the address of what each of them drew; the one of reference is not among them."""
    (other,) = client.get(FIRST)["observers"]
    assert other["name"] == "b"
    own = client.pixels(other["labels"].removeprefix("/api/v1"))
    np.testing.assert_array_equal(own, drawn_by_b(discs, SAMPLES[0]))
    np.testing.assert_array_equal(client.pixels(f"{FIRST}/labels"), drawn(discs, SAMPLES[0]))
    assert client.get(ALONE)["observers"] == []


def test_an_observer_who_did_not_draw_it_is_refused(client: Client) -> None:
    """Rather than taken for one who saw nothing there."""
    for address, name in ((ALONE, "b"), (FIRST, "c")):
        status, line = client.refused(f"{address}/labels", observer=name)
        assert (status, line[:31]) == (404, f"observer: no '{name}' drew this case")


def test_the_region_is_that_of_the_data(client: Client) -> None:
    """1 where pixels count; a case without one neither links to it nor has it."""
    region = client.get(FIRST)["links"]["region"].removeprefix("/api/v1")
    np.testing.assert_array_equal(client.pixels(region), the_region())
    assert "region" not in client.get(WHOLE)["links"]
    assert client.refused(f"{WHOLE}/region")[0] == 404


def test_a_damaged_region_is_told(client: Client, tmp_path: Path) -> None:
    """By its name in the data, without the folders of this computer."""
    (tmp_path / "data/region.png").write_bytes(b"no picture")
    status, line = client.refused(f"{FIRST}/region")
    assert (status, line.split(":")[0]) == (422, "region.png")


def test_a_decision_about_one_observer_leaves_the_others(
    client: Client, log: ReviewLog, discs: Path
) -> None:
    """The mask that a finding about `b` is mended with is b's from then on."""
    finding = Finding("unusual_mask", SAMPLES[:1], "Small", about="b")
    log.refresh([finding])
    mended = np.zeros_like(drawn(discs, SAMPLES[0]))
    mended[5:9, 7:20] = 1
    assert client.decide("replace", finding=finding.id, mask_png=painted(mended)).status == 201
    np.testing.assert_array_equal(client.pixels(f"{FIRST}/labels?observer=b"), mended)
    np.testing.assert_array_equal(client.pixels(f"{FIRST}/labels"), drawn(discs, SAMPLES[0]))
