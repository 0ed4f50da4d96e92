"""`make soak`: snapshots, deletions and prunes in a loop, over volumes that change; and whether anything grows.

The rule is that of `tests/chaos/flatness.py`. Exit code 1 if a figure has grown by more than noise, or if a job has not
ended as it should. SIGTERM ends it early; what there is is judged all the same.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from schemas import events as e
from tests.chaos.checker import GOOD
from tests.chaos.desk import Desk
from tests.chaos.flatness import Noise, trend
from tests.chaos.history import Kind
from tests.chaos.sampling import Sample, judged, sample
from tests.chaos.stage import Stage, churn, staged
from tests.chaos.workload import APPS

KEPT = 4
"""Backups that stay; the oldest one goes when there are more."""
PRUNED, VERIFIED = 5, 9
"""Every so many backups, a prune and a verification are asked for."""
BOUND = 600.0
"""Seconds within which each request must have ended."""
PACK_GRACE = 20.0
_ANY = Noise(0.0, 0.0)
Taken = list[tuple[float, Sample]]
say = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> int:
    """Runs, and says what has grown; the exit code."""
    options = _options()
    root, stop = Path(tempfile.mkdtemp(prefix="snapline-soak-")), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with (
        staged(
            root,
            seed=0,
            nodes=("node-a",),
            megabytes=options.megabytes,
            pack_grace=PACK_GRACE,
            beside=("retention", "alarms"),
        ) as stage,
        Desk(stage.line, stage.server.url, ticking=False).open() as desk,
    ):
        stage.stack.start_scheduler()
        taken, sampler = _sampling(stage, options, stop)
        try:
            backups, problems = _live(stage, desk, time.monotonic() + options.minutes * 60, options.pause, stop)
        finally:
            stop.set()
            sampler.join(120)
    said = figures(taken, backups, problems)
    if options.output == "json":
        print(json.dumps(said, indent=2))
    else:
        show(said, Console(highlight=False, width=110))
    if not said["failed"]:
        shutil.rmtree(root, ignore_errors=True)
    return int(said["failed"])


def _live(stage: Stage, desk: Desk, until: float, pause: float, stop: threading.Event) -> tuple[int, list[str]]:
    """Cycles until it is time; how many, and what did not end as it should."""
    kept: list[str] = []
    problems: list[str] = []
    number = 0
    while time.monotonic() < until and not stop.is_set() and not problems:
        number += 1
        churn(stage.line, number)
        app = None if number % 4 == 0 else APPS[number % 2]
        kept.append(_done(desk, "backup", e.BackupRequested(app=app), app or "instance", problems))
        if len(kept) > KEPT:
            oldest = kept.pop(0)
            _done(desk, "delete", e.BackupDeleteRequested(backup=oldest), oldest, problems)
        if number % PRUNED == 0:
            _done(desk, "prune", e.RepositoryPruneRequested(), "", problems)
        if number % VERIFIED == 0:
            _done(desk, "verify", e.BackupVerifyRequested(backup=kept[-1]), kept[-1], problems)
        stop.wait(pause)
    return number, problems


def _done(desk: Desk, kind: Kind, event: e.Event, subject: str, problems: list[str]) -> str:
    """Asks, and waits for the end; what it is about."""
    asked, deadline = desk.ask(kind, event, subject, None, 0), time.monotonic() + BOUND
    while (end := desk.answer(asked.id)) is None and time.monotonic() < deadline:
        time.sleep(0.25)
    if end is None or end.status not in GOOD:
        problems.append(f"{kind} of {asked.subject}: {end.status if end else 'no end'} {end.text if end else ''}")
    return asked.subject


def _sampling(stage: Stage, options: argparse.Namespace, stop: threading.Event) -> tuple[Taken, threading.Thread]:
    """Samples, each also a line of the log, from a thread of its own until it is stopped."""
    taken: Taken = []
    every = options.every or max(10.0, min(60.0, options.minutes))

    def take() -> None:
        began = time.monotonic()
        while not stop.wait(every):
            try:
                found = time.monotonic() - began, sample(stage)
            except Exception as error:  # a busy broker does not answer: the next sample will do
                say.print(f"no sample: {type(error).__name__}: {error}"[:300], markup=False)
                continue
            taken.append(found)
            if options.log:
                with options.log.open("a") as log:
                    log.write(json.dumps({"seconds": round(found[0], 1), **found[1]}) + "\n")

    thread = threading.Thread(target=take, name="sampling")
    thread.start()
    return taken, thread


def figures(taken: Taken, backups: int, problems: list[str]) -> dict[str, Any]:
    """The trend of each figure."""
    names = sorted({name for _, found in taken for name in found})
    trends = {}
    for name in names:
        points = [(at, found[name]) for at, found in taken if name in found]
        noise = judged(name)
        gone = asdict(trend(points, noise)) if noise else {**asdict(trend(points, _ANY)), "more_than_noise": None}
        trends[name] = {key: round(value, 2) if isinstance(value, float) else value for key, value in gone.items()}
    grown = [name for name, found in trends.items() if found["more_than_noise"]]
    return {
        "seconds": round(taken[-1][0]) if taken else 0,
        "samples": len(taken),
        "backups": backups,
        "problems": problems,
        "grown": grown,
        "failed": bool(grown or problems or not taken),
        "trends": trends,
    }


def show(said: dict[str, Any], console: Console) -> None:
    """As a table."""
    title = f"{said['backups']} cycles in {said['seconds']} s, {said['samples']} samples"
    table = Table("figure", "start", "end", "most", "an hour", "", title=title, title_justify="left")
    words = {True: "GROWS", False: "flat", None: "not judged"}
    for name, found in said["trends"].items():
        cells = [f"{found[key]:.1f}" for key in ("start", "end", "most")]
        table.add_row(name, *cells, f"{found['an_hour']:+.1f}", words[found["more_than_noise"]])
    console.print(table)
    for problem in said["problems"]:
        console.print(f"PROBLEM {problem}", markup=False)
    console.print("it has grown: " + ", ".join(said["grown"]) if said["grown"] else "nothing has grown beyond noise")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pause", type=float, default=3, help="seconds between two cycles")
    parser.add_argument("--every", type=float, default=0, help="seconds between two samples")
    parser.add_argument("--megabytes", type=int, default=1, help="in each volume")
    parser.add_argument("--log", type=Path, help="a file that gets each sample as a line of JSON")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
