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
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.local import samples
from deploy.local.stack import Stack, running
from schemas import events as e
from workers.adapters import broker
from workers.adapters.cluster import connect

SLUG = "bare"
OBJECTS = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {SLUG}, labels: {{kots.io/app-slug: {SLUG}}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: {SLUG}, labels: {{kots.io/app-slug: {SLUG}}}}}
data: {{colour: blue}}
"""
ENDS = tuple(kind for kind in e.FINAL if issubclass(kind, e.BackupFinal | e.BackupRejected))
COMMANDS = (("--help",), ("get", "backups", "-o", "json"))
TICK = 10.0
"""Seconds between ticks during the flood."""


def main() -> int:
    """Measures and prints; the exit code, 1 if a request had no answer in time."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="snapline-bench-") as folder, running(Path(folder)) as stack:
        _install(stack)
        stack.start_workers()
        _say("request-to-completed", **_one_by_one(stack, options.requests))
        for command in COMMANDS:
            _say(f"start of `snapline {' '.join(command)}`", seconds=_start(stack, command))
        flood = _flood(stack, options.flood, options.patience)
        _say("flood", **flood)
        return int(flood["completed"] < options.flood)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-line", description=__doc__)
    parser.add_argument("--requests", type=int, default=20, help="requests that come one after the other")
    parser.add_argument("--flood", type=int, default=5000, help="requests that come at once")
    parser.add_argument("--patience", type=float, default=1800, help="seconds that the flood may take")
    return parser.parse_args()


def _say(what: str, **figures: Any) -> None:
    print(json.dumps({"what": what, **figures}), flush=True)


def _install(stack: Stack) -> None:
    app = samples.SampleApp(SLUG, SLUG, samples.yaml_objects(OBJECTS))
    samples.create(connect(stack.environment["SNAPLINE_KUBECONFIG"]), app.objects)
    files = stack.root / SLUG
    samples.write_package(files, app, stack.authority)
    package = ("--license", str(files / "license.yaml"), "--backup", str(files / "backup.yaml"))
    done = stack.snapline("app", "add", SLUG, *package, "--namespace", SLUG)
    assert done.returncode == 0, done.stderr


def _one_by_one(stack: Stack, requests: int) -> dict[str, Any]:
    url, took = stack.environment["SNAPLINE_AMQP_URL"], []
    with closing(broker.Publisher(url, "bench")) as publisher:
        log = broker.read_log(url, since="first")
        for number in range(requests):
            began = time.monotonic()
            _ask(publisher, f"one/{number}")
            _until(log, f"one/{number}")
            took.append(time.monotonic() - began)
    took = took[requests // 5 :]  # the first ones open connections
    return {"median": round(statistics.median(took), 3), "most": round(max(took), 3), "requests": len(took)}


def _until(log: Iterator[broker.Logged], request: str) -> None:
    for logged in log:
        if logged.event.correlationid == request and isinstance(logged.event.data, ENDS):
            return


def _flood(stack: Stack, requests: int, patience: float) -> dict[str, Any]:
    url, began, spent = stack.environment["SNAPLINE_AMQP_URL"], time.monotonic(), _core_seconds(stack)
    with closing(broker.Publisher(url, "bench")) as publisher:
        for number in range(requests):
            _ask(publisher, f"flood/{number}")
        published = time.monotonic() - began
        seen, last = _answers(url, publisher, requests, began, patience)
    spent_since = {name: now - spent.get(name, 0.0) for name, now in _core_seconds(stack).items()}
    licensed = last["licensed"] - began
    completed = last["ended"] - began
    return {
        "requests": requests,
        "completed": len(seen["ended"]),
        "published_per_second": round(requests / published, 1),
        "licensed_per_second": round(len(seen["licensed"]) / licensed, 1),
        "completed_per_second": round(len(seen["ended"]) / completed, 1),
        "nudged": sum(seen["stalled"].values()),
        "licensed_more_than_once": sum(seen["licensed"].values()) - len(seen["licensed"]),
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


def _answers(
    url: str, publisher: broker.Publisher, requests: int, began: float, patience: float
) -> tuple[dict[str, Counter[str]], dict[str, float]]:
    """How often what was told of each request, and when of the last one."""
    seen: dict[str, Counter[str]] = {what: Counter() for what in ("licensed", "ended", "stalled")}
    last, ticked = dict.fromkeys(seen, began), time.monotonic()
    kinds: dict[type[e.Event], str] = {
        e.BackupLicensed: "licensed",
        e.BackupStalled: "stalled",
        **dict.fromkeys(ENDS, "ended"),
    }
    for logged in broker.read_log(url, since="first"):
        request, what = logged.event.correlationid or "", kinds.get(type(logged.event.data))
        if what and request.startswith("flood/"):
            if request not in seen[what]:
                last[what] = time.monotonic()
            seen[what][request] += 1
        if time.monotonic() - ticked > TICK:
            ticked = time.monotonic()
            minute = datetime.now(UTC).isoformat()
            publisher.publish(e.wrap(e.TickMinute(minute=minute), source="bench", time=datetime.now(UTC)))
        if len(seen["ended"]) == requests or time.monotonic() - began > patience:
            break
    return seen, last


def _ask(publisher: broker.Publisher, id_: str) -> None:
    publisher.publish(e.wrap(e.BackupRequested(app=SLUG), id=id_, source="bench", time=datetime.now(UTC)))


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
