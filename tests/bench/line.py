"""`make bench-line`: how fast the line itself is, on backups without volumes; and how soon the command line starts.

One JSON object a line on standard output. Seconds are of wall-clock time. `request-to-completed` is one request after
the other; `flood` publishes all at once, with a tick of the watchdog every ten seconds: `licensed` and `completed` are
per second from the first request to the last answer, `nudged` counts jobs that the watchdog took for stalled.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from deploy.local.stack import Stack, running
from tests.support.flood import ENDS, ask, flood, install
from workers.adapters import broker

COMMANDS = (("--help",), ("get", "backups", "-o", "json"))
TICK = 10.0
"""Seconds between ticks during the flood."""


def main() -> int:
    """Measures and prints; the exit code, 1 if a request had no answer in time."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="snapline-bench-") as folder, running(Path(folder)) as stack:
        install(stack)
        stack.start_workers()
        _say("request-to-completed", **_one_by_one(stack, options.requests))
        for command in COMMANDS:
            _say(f"start of `snapline {' '.join(command)}`", seconds=_start(stack, command))
        found = _flood(stack, options.flood, options.patience)
        _say("flood", **found)
        return int(found["completed"] < options.flood)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-line", description=__doc__)
    parser.add_argument("--requests", type=int, default=20, help="requests that come one after the other")
    parser.add_argument("--flood", type=int, default=5000, help="requests that come at once")
    parser.add_argument("--patience", type=float, default=1800, help="seconds that the flood may take")
    return parser.parse_args()


def _say(what: str, **figures: Any) -> None:
    print(json.dumps({"what": what, **figures}), flush=True)


def _one_by_one(stack: Stack, requests: int) -> dict[str, Any]:
    url, took = stack.environment["SNAPLINE_AMQP_URL"], []
    with closing(broker.Publisher(url, "bench")) as publisher:
        log = broker.read_log(url, since="first")
        for number in range(requests):
            began = time.monotonic()
            ask(publisher, f"one/{number}")
            _until(log, f"one/{number}")
            took.append(time.monotonic() - began)
    took = took[requests // 5 :]  # the first ones open connections
    return {"median": round(statistics.median(took), 3), "most": round(max(took), 3), "requests": len(took)}


def _until(log: Iterator[broker.Logged], request: str) -> None:
    for logged in log:
        if logged.event.correlationid == request and isinstance(logged.event.data, ENDS):
            return


def _flood(stack: Stack, requests: int, patience: float) -> dict[str, Any]:
    spent = _core_seconds(stack)
    answers = flood(stack.environment["SNAPLINE_AMQP_URL"], requests, tick=TICK, patience=patience)
    spent_since = {name: now - spent.get(name, 0.0) for name, now in _core_seconds(stack).items()}
    return {
        "requests": requests,
        "completed": len(answers.ended),
        "published_per_second": round(requests / answers.published, 1),
        "licensed_per_second": round(len(answers.licensed) / answers.last_licensed, 1),
        "completed_per_second": round(len(answers.ended) / answers.last_ended, 1),
        "nudged": answers.stalled.total(),
        "licensed_more_than_once": answers.licensed.total() - len(answers.licensed),
        "core_ms_a_request": {name: round(1000 * seconds / requests, 1) for name, seconds in spent_since.items()},
    }


def _core_seconds(stack: Stack) -> dict[str, float]:
    """What each process of the stack has used of the processors: the workers by their queues, the servers by what the
    kernel calls them (beam.smp is RabbitMQ, weed the S3 server), and this one, in which the emulated cluster runs."""
    queues = {pid: name for name, pid in stack.supervisor.pids().items()}
    spent: dict[str, float] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            pid, name, parent, seconds = _process(stat.read_text())
            if parent == os.getpid():
                spent[queues.get(pid, name)] = seconds
    return {**spent, "emulated cluster, and this": time.process_time()}


def _process(stat: str) -> tuple[int, str, int, float]:
    """Id, name, parent and processor seconds (proc_pid_stat(5))."""
    head, _, rest = stat.rpartition(")")
    pid, _, name = head.partition(" (")
    fields = rest.split()
    return int(pid), name, int(fields[1]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _start(stack: Stack, command: tuple[str, ...]) -> float:
    took = []
    for _ in range(5):
        began = time.monotonic()
        subprocess.run(
            [str(Path(sys.executable).parent / "snapline"), *command],
            env=stack.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        took.append(time.monotonic() - began)
    return round(min(took), 3)


if __name__ == "__main__":
    sys.exit(main())
