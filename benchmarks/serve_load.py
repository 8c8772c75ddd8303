"""`python -m benchmarks.serve_load MODEL IMAGES`: a server under load beside offline `predict`.

In turns, on the cores that `--cores` says: `predict` without and with overlays on all images of a
folder, both in a process that has loaded its libraries before, and a real `delineate serve` to
which clients in a process of their own post the same images for a minute, over connections that
they keep. Prints images a second of each (medians of the rounds), the time of processors that an
image takes, how long clients waited, what else came back, and the memory of the server with its
decoders. In the end a second server, whose queue is shorter than the clients are many, must refuse
with 503 and `Retry-After`, and nothing else.

Run it alone on the machine. Where something else takes a core, threads of OpenMP that wait for
each other burn the other one: `predict` suffers from that more than a server does.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

PREDICTIONS = "/api/v1/predictions"
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm")
PLAIN, DRAWN, SERVED = "predict --no-overlays", "predict", "serve"


@dataclass
class Loaded:
    """What came of the rounds of a server."""

    waited_s: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    without_retry_after: int = 0
    memory_mb: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Pace:
    """Images a second, and milliseconds of processor time an image."""

    images_a_second: float
    processor_ms: float

    def __str__(self) -> str:
        """Both figures, in words."""
        return f"{self.images_a_second:.1f} images/s, {self.processor_ms:.0f} ms of processors each"


def offline(
    model: str, images: Sequence[str], seconds: float, threads: int | None, *, overlays: bool
) -> Pace:
    """The pace of `predict`, called until so many seconds are over; 0 s warm it up."""
    from delineate.workflows.predict import predict

    done, began_s, used_s = 0, time.perf_counter(), time.process_time()
    while not done or time.perf_counter() < began_s + seconds:
        with tempfile.TemporaryDirectory() as folder:
            predict(model, images, Path(folder) / "out", overlays=overlays, threads=threads)
        done += len(images)
    used_ms = 1000 * (time.process_time() - used_s)
    return Pace(done / (time.perf_counter() - began_s), used_ms / done)


@contextmanager
def server(model: str, *options: str) -> Iterator[tuple[str, int]]:
    """The address and process of a `delineate serve` that has predicted once."""
    program = "from delineate.cli.main import run; run()"
    command = [
        sys.executable,
        "-c",
        program,
        "serve",
        model,
        "--port",
        "0",
        "--json",
        "--quiet",
        *options,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["address"], process.pid
    finally:
        process.terminate()
        process.wait()


def post(
    address: str,
    images: Sequence[str],
    *,
    answer: str,
    clients: int,
    seconds: float,
    at_half: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """What clients in a process of their own see; `at_half` is called in the middle."""
    asked = {
        "address": address,
        "path": f"{PREDICTIONS}?answer={answer}",
        "images": images,
        "clients": clients,
        "seconds": seconds,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.http_clients"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asked))
    process.stdin.close()
    process.stdin = None
    time.sleep(seconds / 2)
    at_half()
    found: dict[str, Any] = json.loads(process.communicate()[0])
    return found


def family(pid: int) -> list[int]:
    """A process and those that it started, from whichever of its threads."""
    started = [
        int(each)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for each in (task / "children").read_text().split()
    ]
    return [pid, *(each for child in started for each in family(child))]


def memory_mb(pid: int) -> float:
    """Resident memory of a process and of those that it started, in MB."""
    files = [Path(f"/proc/{each}/statm") for each in family(pid)]
    pages = sum(int(file.read_text().split()[1]) for file in files)
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def processors_s(pid: int) -> float:
    """Processor time of a process and of those that it started, in seconds."""
    rows = [Path(f"/proc/{each}/stat").read_text() for each in family(pid)]
    # The name, in brackets, may hold anything; 14th and 15th are user's and system's ticks.
    ticks = [row.rpartition(")")[2].split()[11:13] for row in rows]
    return sum(int(each) for pair in ticks for each in pair) / os.sysconf("SC_CLK_TCK")


def rounds(
    asked: argparse.Namespace, images: Sequence[str]
) -> tuple[dict[str, list[Pace]], Loaded]:
    """The pace of each rival, one a round, and what else came of the server."""
    rates: dict[str, list[Pace]] = {PLAIN: [], DRAWN: [], SERVED: []}
    loaded = Loaded()
    threads = [] if asked.threads is None else ["--threads", str(asked.threads)]
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart,
        server(asked.model, *threads) as (address, pid),
    ):

        def predicted(seconds: float, *, overlays: bool) -> Pace:
            arguments = (asked.model, images, seconds, asked.threads)
            return apart.submit(offline, *arguments, overlays=overlays).result()

        def note() -> None:
            loaded.memory_mb.append(memory_mb(pid))

        def served(seconds: float) -> Pace:
            used_s = processors_s(pid)
            found = post(
                address,
                images,
                answer=asked.answer,
                clients=asked.clients,
                seconds=seconds,
                at_half=note,
            )
            loaded.waited_s += found["waited_s"]
            loaded.statuses.update(found["statuses"])
            loaded.without_retry_after += found["without_retry_after"]
            done = len(found["waited_s"])
            used_ms = 1000 * (processors_s(pid) - used_s + found["used_s"])
            return Pace(done / found["took_s"], used_ms / done)

        predicted(0, overlays=True)
        post(address, images, answer=asked.answer, clients=asked.clients, seconds=3)
        note()
        rivals: list[tuple[str, Callable[[], Pace]]] = [
            (PLAIN, lambda: predicted(asked.seconds / 4, overlays=False)),
            (SERVED, lambda: served(asked.seconds)),
            (DRAWN, lambda: predicted(asked.seconds / 4, overlays=True)),
        ]
        for number in range(asked.rounds):
            for name, rate in rivals[number % 3 :] + rivals[: number % 3]:
                rates[name].append(rate())
                print(f"round {number + 1}, {name}: {rates[name][-1]}", flush=True)
        note()
    return rates, loaded


def told(rates: dict[str, list[Pace]], loaded: Loaded, clients: int) -> Iterator[str]:
    """The lines that sum up the rounds."""
    middle = {
        name: Pace(
            median(each.images_a_second for each in paces),
            median(each.processor_ms for each in paces),
        )
        for name, paces in rates.items()
    }
    for name, pace in middle.items():
        yield f"{name}: {pace}; medians of {len(rates[name])} rounds"
    ours = middle[SERVED]
    for name in (PLAIN, DRAWN):
        faster = ours.images_a_second / middle[name].images_a_second
        cheaper = middle[name].processor_ms / ours.processor_ms
        yield (
            f"{SERVED} over {name}: {faster:.2f} by images a second, {cheaper:.2f} by the time of "
            "processors, in which that of the clients is contained"
        )
    waited = sorted(loaded.waited_s)
    at = {each: waited[min(len(waited) - 1, len(waited) * each // 100)] for each in (50, 95, 99)}
    yield f"waiting of {clients} clients: " + ", ".join(
        f"{each}th percentile {seconds:.2f} s" for each, seconds in at.items()
    )
    yield f"answers by status: {dict(loaded.statuses)}"
    first, *middle_mb, last = loaded.memory_mb
    yield (
        f"memory of the server and its decoders: {first:.0f} MB when warm, "
        f"{', '.join(f'{each:.0f}' for each in middle_mb)} MB at half of each round, "
        f"{last:.0f} MB at the end"
    )


def refused(asked: argparse.Namespace, images: Sequence[str]) -> str:
    """What comes of more clients than the queue takes."""
    queue = max(1, asked.clients // 4)
    with server(asked.model, "--queue", str(queue)) as (address, _):
        found = post(
            address,
            images,
            answer=asked.answer,
            clients=asked.clients,
            seconds=asked.seconds / 4,
        )
    return (
        f"with a queue of {queue} answers by status: {found['statuses']}; 503 without Retry-After: "
        f"{found['without_retry_after']}"
    )


def main() -> None:
    """Print the rounds, what they come to, and what a full queue says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("images", type=Path)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60.0, help="of load in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--answer", choices=("mask", "document"), default="mask")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--threads", type=int, help="of both; as many as cores if left out")
    asked = parser.parse_args()
    # Children inherit it: server, decoders, clients and `predict` share the same few cores.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: asked.cores])
    images = sorted(str(each) for each in asked.images.iterdir() if each.suffix in SUFFIXES)
    print(f"{asked.model}, {len(images)} images of {asked.images}, {asked.cores} cores", flush=True)
    for line in told(*rounds(asked, images), asked.clients):
        print(line, flush=True)
    print(refused(asked, images))


if __name__ == "__main__":
    main()
