"""Cases, findings and decisions over HTTP, on the log that a terminal uses too."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from delineate.auditing.review.review_log import ReviewLog
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_labels
from delineate.web.review.desk import key_of, plain
from delineate.workflows import review
from delineate.workflows.reviewed import decided

from .conftest import SIZE_PX
from .desks import Client, desk_at, painted

FIRST, COPY = "s00_0", "s11_1"
SUBJECTS = r"^(s\d+)_"


@pytest.fixture
def client(discs: Path, audited: Path, tmp_path: Path) -> Client:
    """Somebody at the desk of the discs and their audit."""
    return Client(desk_at(discs, audited, tmp_path / "scratch", subjects=SUBJECTS))


def of_copies(client: Client) -> str:
    """The finding about the first picture and its contradictory copy."""
    found = client.get("/findings", kind="contradictory_twins")["findings"]
    assert [set(each["samples"]) for each in found] == [{FIRST, COPY}]
    return str(found[0]["id"])


def square(value: int = 1) -> np.ndarray:
    """A mask of the discs' size with 20 by 30 pixels."""
    labels = np.zeros(SIZE_PX, np.uint8)
    labels[10:30, 20:50] = value
    return labels


def test_the_cases_are_listed_in_parts(client: Client) -> None:
    """Each case once, in the order of the data, with an address of the next part."""
    first = client.get("/cases", count=10)
    assert (first["page"]["total"], len(first["cases"])) == (24, 10)
    second = client.http.get(first["page"]["next"]).json()
    third = client.http.get(second["page"]["next"]).json()
    assert third["page"]["next"] is None
    ids = [each["id"] for part in (first, second, third) for each in part["cases"]]
    assert ids == [f"s{number // 2:02}_{number % 2}" for number in range(24)]
    assert first["cases"][0]["key"] == key_of(FIRST)
    assert first["cases"][0]["image"] is None


def test_cases_are_found_by_id_and_subject(client: Client) -> None:
    """Part of a name in any case is enough; what is asked for stands in the next address."""
    found = client.get("/cases", search="S03_", count=1)
    assert [each["id"] for each in found["cases"]] == ["s03_0"]
    assert "search=S03_" in found["page"]["next"]
    assert client.get("/cases", search="s03")["page"]["total"] == 2
    assert client.get("/cases", split="test")["page"]["total"] == 0


def test_a_mended_mask_is_there_at_once_and_the_file_is_not_touched(
    client: Client, discs: Path
) -> None:
    """Labels as decided are those that were sent; as filed they stay, and so does the file."""
    key, before = key_of("s01_0"), (discs / "masks/s01_0.png").read_bytes()
    filed = client.pixels(f"/cases/{key}/labels")
    made = client.decide("replace", case=key, mask_png=painted(square()), why="a tail was missed")
    assert (made.status, made.number, made.who, made.has_mask) == (201, 1, "ada", True)
    assert (made.cases, made.state) == ([key], "in force")
    np.testing.assert_array_equal(client.pixels(f"/cases/{key}/labels"), square())
    np.testing.assert_array_equal(client.pixels(f"/cases/{key}/original"), filed)
    assert (discs / "masks/s01_0.png").read_bytes() == before
    case = client.get(f"/cases/{key}")
    assert (case["is_mended"], case["last_decision"]) == (True, 1)
    assert client.get("/cases", state="mended")["page"]["total"] == 1
    asked = client.get("/findings", queue="asked")["findings"]
    assert [(each["samples"], each["kind"]) for each in asked] == [(["s01_0"], "asked_case")]
    assert case["findings"].count(asked[0]["id"]) == 1


def test_what_was_painted_is_what_training_reads(
    client: Client, discs: Path, audited: Path
) -> None:
    """`train --review` and the page carry the decision out alike."""
    client.decide("replace", case=key_of("s02_0"), mask_png=painted(square()))
    client.decide("union", finding=of_copies(client))
    with decided(open_dataset(discs), audited) as found:
        dataset = settle_encodings(found.dataset)
        for sample in dataset.samples:
            theirs = read_labels(dataset, sample, dataset.observers[0])
            ours = client.pixels(f"/cases/{key_of(sample.id)}/labels")
            np.testing.assert_array_equal(ours, theirs, err_msg=sample.id)
        assert set(found.document["relabelled"]) >= {"s02_0", COPY}


def test_a_contradictory_pair_is_decided(client: Client) -> None:
    """With the union both masks agree; taken back, they differ as before."""
    finding = of_copies(client)
    document = client.get(f"/findings/{finding}")
    assert {each["name"]: each["takes"] for each in document["actions"]} == {
        "keep_one": "one_sample", "keep_both": "nothing", "union": "nothing",
        "intersection": "nothing", "majority": "nothing", "replace": "mask", "drop": "samples",
        "not_a_twin": "nothing",
    }  # fmt: skip
    labels = f"/cases/{key_of(COPY)}/labels"
    before, whole = client.pixels(labels), client.pixels(f"/cases/{key_of(FIRST)}/labels")
    assert 0 < np.count_nonzero(before) < np.count_nonzero(whole)
    apart = client.pixels(f"/findings/{finding}/pictures/difference")
    assert client.decide("union", finding=finding).status == 201
    np.testing.assert_array_equal(client.pixels(labels), whole[:, ::-1])
    assert (client.pixels(f"/findings/{finding}/pictures/difference") != apart).any()
    assert client.get("/findings")["decided"] == 1
    assert client.decide("undo", undoes=1, why="not yet").state == "undo"
    np.testing.assert_array_equal(client.pixels(labels), before)
    rows = client.get(f"/findings/{finding}")["decisions"]
    assert [each["state"] for each in rows] == ["undone by 2", "undo"]


def test_findings_are_filtered_by_what_is_decided(client: Client) -> None:
    """Open and decided together are all; kinds are counted whatever the filter."""
    finding, every = of_copies(client), client.get("/findings")
    client.decide("keep_one", finding=finding, samples=[FIRST])
    still, done = client.get("/findings", state="open"), client.get("/findings", state="decided")
    assert [each["id"] for each in done["findings"]] == [finding]
    assert still["page"]["total"] + 1 == every["page"]["total"]
    assert still["kinds"] == every["kinds"]
    assert client.get("/cases", state="dropped")["cases"][0]["id"] == COPY


def test_who_decided_meanwhile_is_told(client: Client, audited: Path) -> None:
    """A decision that somebody took in a terminal is not overtaken unseen."""
    key = key_of("s04_0")
    seen = client.get(f"/cases/{key}")["last_decision"] or 0
    finding = client.decide("keep", case=key).finding
    review.decide(audited, finding, "drop", who="grace", why="blurred")
    answer = client.decide("replace", case=key, mask_png=painted(square()), seen=seen)
    assert (answer.status, answer.kind) == (409, "decided_meanwhile")
    assert answer.error.startswith("grace decided meanwhile: drop s04_0 (decision 2, ")
    assert len(ReviewLog.open(audited).decisions()) == 2
    again = client.decide("replace", case=key, mask_png=painted(square()), seen=2)
    assert (again.status, again.number) == (201, 3)
    assert client.decide("undo", undoes=3, seen=2).status == 409
    assert client.decide("undo", undoes=3, seen=3).status == 201


def test_a_decision_on_another_finding_about_the_same_case_counts_too(client: Client) -> None:
    """The pair's copy was mended meanwhile: its union is refused to who has not seen that."""
    client.decide("replace", case=key_of(COPY), mask_png=painted(square()))
    finding = of_copies(client)
    assert client.decide("union", finding=finding, seen=0).status == 409
    rows = client.get(f"/findings/{finding}")["decisions"]
    assert [each["action"] for each in rows] == ["replace"]
    assert client.decide("union", finding=finding, seen=rows[-1]["number"]).status == 201


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_canvas_may_send_its_own_png(client: Client, mode: str) -> None:
    """Grey, or the same number in three colours, is the same mask."""
    key, labels = key_of("s05_0"), square(255)
    labels[40:50, 40:50] = 1
    assert client.decide("replace", case=key, mask_png=painted(labels, mode)).status == 201
    np.testing.assert_array_equal(client.pixels(f"/cases/{key}/labels"), labels)


def transparent() -> str:
    """A mask of which a half is not there."""
    labels = np.dstack([square(), square(), square(), np.full(SIZE_PX, 128, np.uint8)])
    return painted(labels)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (painted(square()[:-1]), r"expected 72x96 px .* found 71x96"),
        (painted(square(2)), "expected class indices from 0 to 1, or 255 .* found 2"),
        (painted(np.dstack([square(), square(), square() * 2])), "other bits, colours or"),
        (transparent(), "colours or transparency"),
        (painted(square().astype(np.uint16).view(np.uint16)), "expected a PNG .* 8 bits"),
        (painted(square())[:-40], "expected a PNG of class indices"),
        ("", "expected a PNG of class indices"),
        ("no base64!", "expected base64"),
        ("é", "expected base64"),
        (None, "replace needs a mask"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(
    client: Client, audited: Path, mask: str | None, message: str
) -> None:
    """Nothing is written, and the line says what was expected."""
    answer = client.decide("replace", case=key_of("s05_0"), mask_png=mask)
    assert answer.status == 422
    assert re.search(message, answer.error), answer.error
    log = ReviewLog.open(audited)
    assert log.decisions() == ()
    assert not log.findings(kind="asked_case")


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        ({"action": "keep"}, 422, "expected one of the two"),
        ({"action": "keep", "case": key_of("nobody")}, 404, "no '[0-9a-f]{16}' in the data"),
        ({"action": "keep", "finding": "0" * 10}, 404, "no '0000000000' in the log"),
        ({"action": "keap", "case": key_of("s05_0")}, 422, "did you mean 'keep'"),
        ({"action": "union", "case": key_of("s05_0")}, 422, "union does not fit"),
        ({"action": "keep", "case": key_of("s05_0"), "undoes": 1}, 422, "goes with the action"),
        ({"action": "keep", "case": key_of("s05_0"), "mask_png": "AAAA"}, 422, "goes with the"),
        ({"action": "drop", "case": key_of("s05_0"), "samples": ["s05_1"]}, 422, "no sample"),
        ({"action": "undo"}, 422, "expected the number"),
        ({"action": "undo", "undoes": 7}, 404, "no decision 7"),
        ({"action": "undo", "undoes": 2**53}, 404, "no decision"),
        ({"action": "keep", "case": key_of("s05_0"), "who": "\x00\u202e "}, 422, "a name"),
        ({"action": "keep", "case": key_of("s05_0"), "who": ""}, 422, "who"),
        ({"action": "keep", "case": key_of("s05_0"), "seen": 2**60}, 422, "seen"),
        ({"action": "keep", "case": key_of("s05_0"), "other": 1}, 422, "other"),
    ],
)
def test_a_request_that_does_not_fit_is_refused(
    client: Client, audited: Path, request_: dict, status: int, message: str
) -> None:
    """Each with its own status, and nothing is written."""
    answer = client.decide(**request_)
    assert (answer.status, bool(re.search(message, answer.error))) == (status, True), answer
    assert ReviewLog.open(audited).decisions() == ()


def test_a_name_cannot_write_on_a_terminal(client: Client, audited: Path) -> None:
    """What is not printable never enters the log, whose lines are printed."""
    client.who = "A\x1b[31mda\u202e"
    assert client.decide("keep", case=key_of("s05_0"), why="first\nsecond").status == 201
    made = ReviewLog.open(audited).decisions()[0]
    assert (made.who, made.why) == ("A [31mda", "first second")
    assert plain("\u200b") == ""


def test_the_log_is_shown_the_newest_first(client: Client) -> None:
    """In parts, with what became of each."""
    for number in range(5):
        client.decide("keep", case=key_of(f"s0{number}_0"))
    part = client.get("/decisions", count=2)
    assert (part["last"], part["page"]["total"]) == (5, 5)
    assert [each["number"] for each in part["decisions"]] == [5, 4]
    part = client.http.get(part["page"]["next"]).json()
    assert [each["number"] for each in part["decisions"]] == [3, 2]
    part = client.http.get(part["page"]["next"]).json()
    assert [each["number"] for each in part["decisions"]] == [1]
    assert part["page"]["next"] is None
    assert client.get("/decisions", start=99)["decisions"] == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (f"/cases/{'0' * 16}", "no '0000000000000000' in the data"),
        (f"/cases/{'0' * 16}/labels", "in the data"),
        ("/findings/0123456789", "no '0123456789' in the log"),
        ("/findings/0123456789/pictures/thumbnail", "in the log"),
    ],
)
def test_what_is_not_there_is_said(client: Client, path: str, message: str) -> None:
    """404, with where to find those that are."""
    status, error = client.refused(path)
    assert (status, message in error) == (404, True), error


def test_without_data_it_is_said_how_to_get_it() -> None:
    """A server of a bare model folder has nothing to review."""
    status, error = Client(None).refused("/findings")
    assert status == 404
    assert "--data DATA" in error
