"""`make bench-console`: what the console takes of the server when there is much to show, and many who look.

One JSON object a line on standard output. Milliseconds are those between a request and the whole answer, over one
connection on this machine, with the snapshots in a real S3 server, and the events in a real RabbitMQ; `first` is the
first request after the start, `grown_mib` by how much the server's memory has grown.
"""

import argparse
import json
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from deploy.local import seaweedfs
from schemas import events as e
from tests.bench import long_log
from tests.browser import worlds
from tests.support.console import Console
from tests.support.front import TwinBus
from tests.support.web import served
from workers.adapters.broker import Logged, Since
from workers.adapters.stores import open_store

ROUNDS = 15
PATIENCE = 120.0
"""Seconds for anything."""
JOB = "instance-running"


def main() -> int:
    """Measures and prints; the exit code."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="snapline-bench-") as folder, ExitStack() as serving:
        root = Path(folder)
        server = serving.enter_context(seaweedfs.start(root / "seaweedfs"))
        console = Console(root / "console", store=open_store(server.destination()))
        worlds.large(console, snapshots=options.snapshots, applications=options.applications)
        url = serving.enter_context(served(console.app))
        size = {"snapshots": options.snapshots, "applications": options.applications}
        for path in ("/snapshots", "/snapshots/partial/app-001", "/"):
            _say(f"GET {path}", **size, **_page(url + path))
        _say("first page", **_weight(url))
    with tempfile.TemporaryDirectory(prefix="snapline-bench-") as folder:
        _say("browsers that follow one job", **_followed(Path(folder), options.browsers))
    with tempfile.TemporaryDirectory(prefix="snapline-bench-") as folder:
        for path, figures in long_log.measured(Path(folder), options.events, _page):
            _say(f"GET {path}", events=options.events, **figures)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-console", description=__doc__)
    parser.add_argument("--snapshots", type=int, default=5000)
    parser.add_argument("--applications", type=int, default=200)
    parser.add_argument("--browsers", type=int, default=200)
    parser.add_argument("--events", type=int, default=1_000_000)
    return parser.parse_args()


def _say(what: str, **figures: Any) -> None:
    print(json.dumps({"what": what, **figures}), flush=True)


def _page(url: str) -> dict[str, Any]:
    """How long the page takes, and how long it is."""
    took, answer = [], httpx.Response(0)
    with httpx.Client(timeout=PATIENCE) as client:
        for _ in range(ROUNDS + 1):
            began = time.monotonic()
            answer = client.get(url)
            took.append(1000 * (time.monotonic() - began))
            answer.raise_for_status()
    later = took[1:]
    figures = {"median_ms": statistics.median(later), "most_ms": max(later), "first_ms": took[0]}
    return {**{name: round(ms, 1) for name, ms in figures.items()}, "bytes": len(answer.content)}


def _weight(url: str) -> dict[str, Any]:
    """What a browser loads with home, uncompressed, in bytes."""
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        page = client.get("/").text
        files = sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page)))
        sizes = {file: len(client.get(file).raise_for_status().content) for file in files}
    return {"bytes": len(page.encode()) + sum(sizes.values()), "page": len(page.encode()), "files": sizes}


class CountedBus(TwinBus):
    """Counts who reads the event log."""

    def __init__(self) -> None:
        super().__init__()
        self.readers = 0

    def read_log(
        self, since: Since, stop: Callable[[], bool] = lambda: False, idle: timedelta | None = None
    ) -> Iterator[Logged]:
        self.readers += 1
        return super().read_log(since, stop, idle)


def _followed(root: Path, browsers: int) -> dict[str, Any]:
    """Events of one job, until each of the browsers has heard of the last."""
    bus = CountedBus()
    console = Console(root, bus=bus)
    console.front.begin(JOB)
    begun, heard, over = threading.Semaphore(0), threading.Semaphore(0), threading.Event()

    def follow(url: str) -> None:
        with httpx.Client(timeout=PATIENCE) as client, client.stream("GET", f"{url}/live") as stream:
            lines = stream.iter_lines()
            next(line for line in lines if line.startswith("data:"))  # that anything may have changed
            begun.release()
            next(line for line in lines if JOB in line)
            heard.release()
            over.wait(PATIENCE)

    with served(console.app) as url:
        threads = [threading.Thread(target=follow, args=(url,), daemon=True) for _ in range(browsers)]
        for each in threads:
            each.start()
        _all(begun, browsers)
        began = time.monotonic()
        progress = e.VolumesProgressed(job=JOB, volume="v", bytes_done=1, bytes_total=2, files_done=1)
        bus.publish(e.wrap(progress, source="bench", time=datetime.now(UTC)))
        _all(heard, browsers)
        took = time.monotonic() - began
        listeners = len(console.front.session.events._listeners)
        over.set()
    console.front.session.close()
    return {
        "browsers": browsers,
        "feeds": bus.readers,
        "listeners": listeners,
        "seconds_until_all_heard": round(took, 2),
    }


def _all(semaphore: threading.Semaphore, count: int) -> None:
    for _ in range(count):
        if not semaphore.acquire(timeout=PATIENCE):
            raise RuntimeError(f"not all {count} browsers have heard in {PATIENCE:g} s")


if __name__ == "__main__":
    sys.exit(main())
