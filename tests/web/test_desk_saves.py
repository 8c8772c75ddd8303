"""Decisions that many take at once, and saves that are killed half-way."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn

from delineate.auditing.review.review_log import FILE, ReviewLog
from delineate.core.errors import DelineateError
from delineate.data.opening import open_dataset
from delineate.files.mask_files import labels_of_palette_png
from delineate.web.app import ROOT
from delineate.web.documents import DecisionRequest
from delineate.web.review.desk import Desk, key_of

from .conftest import SIZE_PX, Serve
from .desks import app_of, desk_of, painted


def numbered(number: int) -> np.ndarray:
    """A mask that no other number has: the number in binary, pixel by pixel."""
    labels = np.zeros(SIZE_PX, np.uint8)
    labels.ravel()[:32] = [number >> bit & 1 for bit in range(32)]
    return labels


def number_of(labels: np.ndarray) -> int:
    """The number that is painted."""
    return sum(int(bit) << place for place, bit in enumerate(labels.ravel()[:32]))


@pytest.fixture
def log(tmp_path: Path) -> ReviewLog:
    """An empty log."""
    return ReviewLog.create(tmp_path / FILE, findings=(), facts={})


@pytest.fixture
def desk(discs: Path, log: ReviewLog, tmp_path: Path) -> Desk:
    """A desk that writes to it."""
    return desk_of(open_dataset(discs), log, tmp_path / "scratch")


@contextmanager
def listening(desk: Desk) -> Iterator[str]:
    """The addresses of the desk on a real port, in a thread."""
    server = uvicorn.Server(uvicorn.Config(app_of(desk), log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as bound:
        thread = Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}{ROOT}"
        finally:
            server.should_exit = True
            thread.join(20)


def test_a_thousand_decisions_of_eight_people_are_all_there(desk: Desk, log: ReviewLog) -> None:
    """Each once, in the order of their numbers, by whom and on what he decided it."""
    samples = list(desk.samples)

    def decide(person: int, address: str) -> list[tuple[int, str, str]]:
        made = []
        with httpx.Client(base_url=address, timeout=60) as client:
            for turn in range(125):
                sample = samples[(person * 3 + turn) % len(samples)]
                request = {
                    "who": f"person {person}", "case": key_of(sample),
                    "action": ("keep", "drop")[turn % 2], "why": str(turn),
                }  # fmt: skip
                answer = client.post("/decisions", json=request)
                assert answer.status_code == 201, answer.text
                made.append((answer.json()["number"], sample, str(turn)))
        return made

    with listening(desk) as address, ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(lambda person: decide(person, address), range(8)))
        listed = httpx.get(f"{address}/decisions", params={"count": 500}).json()
    rows = log.decisions()
    assert [each.number for each in rows] == list(range(1, 1001))
    assert listed["last"] == listed["page"]["total"] == 1000
    told = {
        (number, f"person {person}", sample, why)
        for person, made in enumerate(answered)
        for number, sample, why in made
    }
    assert told == {(each.number, each.who, each.samples[0], each.why) for each in rows}
    for made in answered:  # what one person decides stays in his order
        assert [number for number, _, _ in made] == sorted(number for number, _, _ in made)


def test_of_two_on_one_case_one_is_told(desk: Desk, log: ReviewLog) -> None:
    """At the same moment, on what both have seen: one decision is kept, the other refused."""
    with listening(desk) as address, ThreadPoolExecutor(2) as pool:
        for turn, sample in enumerate(desk.samples):
            request = {"case": key_of(sample), "action": "replace", "seen": log.newest()}

            def send(person: int, request: dict[str, Any] = request, turn: int = turn) -> int:
                mask = painted(numbered(2 * turn + person))
                document = {**request, "who": str(person), "mask_png": mask}
                return httpx.post(f"{address}/decisions", json=document, timeout=60).status_code

            assert sorted(pool.map(send, range(2))) == [201, 409]
    assert len(log.decisions()) == len(desk.samples)


def whole(log: ReviewLog, told: set[int]) -> int:
    """How many decisions there are, each of them with its own mask; those told are among them."""
    connection = sqlite3.connect(log.path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    kept = dict(connection.execute("SELECT sha256, png FROM mask"))
    connection.close()
    rows = log.decisions()
    assert {each.mask for each in rows} == set(kept)
    assert [each.number for each in rows] == list(range(1, len(rows) + 1))
    there = set()
    for row in rows:
        png = kept[row.mask]
        assert hashlib.sha256(png).hexdigest() == row.mask
        assert number_of(labels_of_palette_png(png)) == int(row.why)
        assert log.finding(row.finding).samples == row.samples
        there.add(int(row.why))
    assert told <= there
    return len(rows)


def save_on_and_on(desk: Desk, first: int, told: Any) -> None:
    """Mend cases until somebody ends this process; `told` hears of each number that is safe."""
    samples, numbers = list(desk.samples), count(first)

    def save(_: int) -> None:
        for number in numbers:
            case = key_of(samples[number % len(samples)])
            mask = painted(numbered(number))
            asked = DecisionRequest(
                case=case, action="replace", mask_png=mask, who="ada", why=str(number)
            )
            desk.decide(asked)
            os.write(told, b"%d\n" % number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(4)))


def test_a_killed_save_is_there_wholly_or_not_at_all(desk: Desk, log: ReviewLog) -> None:
    """Twenty times: whatever was answered is there, and nothing is there by half."""
    rng, kept = np.random.default_rng(4), 0
    for turn in range(20):
        reading, writing = os.pipe()
        process = multiprocessing.get_context("fork").Process(
            target=save_on_and_on, args=(desk, 100_000 * turn, writing)
        )
        process.start()
        os.close(writing)
        first = os.read(reading, 1)
        assert first, "the process ended by itself"
        time.sleep(float(rng.uniform(0, 0.15)))
        process.kill()
        process.join()
        with os.fdopen(reading, "rb") as pipe:
            lines = (first + pipe.read()).splitlines(keepends=True)
        told = {int(line) for line in lines if line.endswith(b"\n")}
        now = whole(log, told)
        assert now > kept
        kept = now


@pytest.mark.slow
def test_a_killed_server_has_lost_nothing_that_it_answered(
    disc_run: Path, serving: Serve, tmp_path: Path
) -> None:
    """Eight times `kill -9` while four people save; the next server goes on with the same log."""
    review, rng = tmp_path / "review", np.random.default_rng(5)
    samples = [f"s{number // 2:02}_{number % 2}" for number in range(24)]
    numbers, told = count(1), set()

    def save(address: str) -> None:
        with httpx.Client(base_url=f"{address}{ROOT}", timeout=60) as client:
            for number in numbers:
                document = {
                    "case": key_of(samples[number % 24]), "action": "replace", "who": "ada",
                    "why": str(number), "mask_png": painted(numbered(number)),
                }  # fmt: skip
                try:
                    answer = client.post("/decisions", json=document)
                except httpx.TransportError:
                    return
                assert answer.status_code == 201, answer.text
                told.add(number)

    for _ in range(8):
        with serving(disc_run, "--review", review) as server, ThreadPoolExecutor(4) as pool:
            saving = [pool.submit(save, server.address) for _ in range(4)]
            before = len(told)
            while len(told) == before and not all(each.done() for each in saving):
                time.sleep(0.01)
            time.sleep(float(rng.uniform(0, 0.5)))
            os.killpg(server.process.pid, signal.SIGKILL)
            for each in saving:
                each.result()
        assert whole(ReviewLog.open(review), told) >= len(told) > before


def test_a_terminal_and_a_page_write_to_one_log(desk: Desk, log: ReviewLog) -> None:
    """Another process decides while this one does; both see all of it."""
    case = next(iter(desk.samples))
    asked = DecisionRequest(case=key_of(case), action="keep", who="ada")
    finding = desk.decide(asked).finding
    program = "from delineate.cli.main import run; run()"
    command = [sys.executable, "-c", program, "review", str(log.path), "--decide", finding, "drop"]
    subprocess.run([*command, "--who", "grace", "--quiet"], check=True, capture_output=True)
    state = desk.with_labels()
    assert [each.who for each in state.rows] == ["ada", "grace"]
    assert desk.labels.is_dropped(desk.samples[case])
    with pytest.raises(DelineateError, match="grace decided meanwhile"):
        desk.decide(asked.model_copy(update={"seen": 1}))
