"""`make bench`: our copying and restoring beside restic, rclone and tar, on the same data and the same S3 server.

One JSON object a line on standard output, progress and a table on standard error. Ours and the peers run in turn, each
run in a process of its own, on a fresh server every round; medians of seconds count, and the largest memory. Seconds
are of wall-clock time; `rss` is the peak of the largest process; `bytes` is what the run added to the store, null for
a restore. A run that leaves a file out, or writes back another number of bytes, counts as failed.

With `--before CHECKOUT` an older checkout of Snapline, with a `.venv` of its own, is one more peer in every row. Where
the ratios of all rounds are below 1, the row has become slower by more than its noise.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from deploy.local import seaweedfs
from schemas.errors import SnaplineError
from tests.bench import datasets, results, tools
from tests.bench.results import Result
from tests.bench.runs import Failed, Run
from workers.adapters.stores import open_store

PEERS: dict[str, list[str]] = {
    "small-first": ["restic"],
    "small-unchanged": ["restic"],
    "small-restore": ["restic", "tar"],
    "large-first": ["restic", "rclone", "tar"],
    "large-restore": ["restic"],
    "database-changed": ["restic"],
    "tiny-first": ["restic"],
    "sparse-first": ["restic"],
}
"""Every row, and whom it compares us with."""
INSTALL = {
    "restic": "install it, or give its path: make bench RESTIC=/path/to/restic",
    "rclone": "install the bench extra: pip install -e '.[bench]'",
    "tar": "install the packages tar and zstd",
}
SPARE = 2_000_000_000
"""Bytes of memory that the processes need beside what is on a memory file system."""
say = Console(stderr=True, highlight=False, soft_wrap=True)
say.width = max(say.width, 110)  # the table's


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    rows: list[str]
    rounds: int
    scale: float
    before: Path | None


Runs = dict[tuple[str, str], list[Run]]
"""Of a row and a tool."""


def main() -> int:
    """Measures what is asked for; the exit code, 1 if a run failed."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is removed
    peers = _peers(options)
    if not peers:
        return 1
    names = list(dict.fromkeys(row.partition("-")[0] for row in options.rows))
    root = Path(tempfile.mkdtemp(prefix="snapline-bench-", dir=_room(names, options.scale)))
    measured: list[Result] = []
    failures: list[str] = []
    try:
        for name in names:
            for result in _measure(root / name, name, options, peers, failures):
                print(json.dumps(result.fields()), flush=True)
                measured.append(result)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    say.print(results.table(measured))
    for failure in failures:
        say.print(f"failed: {failure}", markup=False)
    return 1 if failures else 0


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures Snapline beside its peers.")
    parser.add_argument("--rows", default=",".join(PEERS), help="comma list of rows (default: all: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of every row (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the data's size (default: %(default)s)")
    parser.add_argument("--before", type=Path, help="an older checkout of Snapline, to compare with in every row")
    given = parser.parse_args()
    rows = given.rows.split(",")
    if unknown := [row for row in rows if row not in PEERS]:
        parser.error(f"there is no row {unknown[0]!r}; there are {', '.join(PEERS)}")
    if given.rounds < 1 or not given.scale > 0:
        parser.error("rounds and scale must be above zero")
    if given.before and not tools.python_of(given.before).exists():
        parser.error(f"there is no {tools.python_of(given.before)}; run `make setup` there")
    return Options(rows, given.rounds, given.scale, given.before)


def _peers(options: Options) -> dict[str, tools.Peer]:
    """Those that the rows need and that are installed; says which are not."""
    found = {"before": tools.before(options.before)} if options.before else {}
    for name in dict.fromkeys(name for row in options.rows for name in PEERS[row]):
        if peer := tools.find(name):
            found[name] = peer
        else:
            say.print(f"{name} is left out, as it is not here; {INSTALL[name]}", markup=False)
    say.print(f"ours beside {', '.join(f'{peer.name} {peer.version}' for peer in found.values()) or 'nobody'}")
    return found


def _room(names: list[str], scale: float) -> Path:
    """Shared memory, where there is no disk to wait for, if it has room for the largest of the data sets; else the
    temporary directory."""
    room = int(max(datasets.ALL[name].room for name in names) * scale)
    inodes = int(max(datasets.ALL[name].inodes for name in names) * scale)
    elsewhere = Path(tempfile.gettempdir())
    shared = Path("/dev/shm")
    missing = _missing(shared, room, inodes) if shared.is_dir() else ["it is not there"]
    if (memory := _available_memory()) < room + SPARE:
        missing.append(f"the machine has {memory / 1e9:.1f} GB of memory, {(room + SPARE) / 1e9:.1f} GB are needed")
    if not missing:
        return shared
    say.print(f"not on {shared} but on {elsewhere}: {'; '.join(missing)}", markup=False)
    if missing := _missing(elsewhere, room, inodes):
        sys.exit(f"no room on {elsewhere}: {'; '.join(missing)}; choose fewer --rows, or a smaller --scale")
    return elsewhere


def _missing(place: Path, room: int, inodes: int) -> list[str]:
    found = os.statvfs(place)
    free = found.f_bavail * found.f_frsize
    missing = []
    if free < room:
        missing.append(f"{free / 1e9:.1f} GB are free, {room / 1e9:.1f} GB are needed")
    if found.f_files and found.f_favail < inodes:
        missing.append(f"{found.f_favail:,} inodes are free, {inodes:,} are needed")
    return missing


def _available_memory() -> int:
    """Bytes."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _measure(
    root: Path, name: str, options: Options, peers: dict[str, tools.Peer], failures: list[str]
) -> Iterator[Result]:
    """The rows of one data set. A tool that fails is left out of it from then on."""
    rows = [row for row in options.rows if row.partition("-")[0] == name]
    say.print(f"{name}: making the data")
    datasets.ALL[name].make(root / "source", options.scale)
    size = _size(root / "source")
    say.print(f"{name}: {size[0]:,} files, {size[1] / 1e6:,.0f} MB")
    runs: Runs = {}
    beside = {row: [name for name in ("before", *PEERS[row]) if name in peers] for row in rows}
    working = ["ours", *dict.fromkeys(name for names in beside.values() for name in names)]
    for number in range(options.rounds):
        with seaweedfs.start(root / "s3") as server:
            # The first write makes the server's volumes, which takes seconds.
            open_store(server.destination()).put("warm", b"warm")
            for tool in list(working if number % 2 == 0 else reversed(working)):
                place = _place(root, server)
                wanted = [row for row in rows if tool == "ours" or tool in beside[row]]
                try:
                    taken = tools.Ours(place) if tool == "ours" else peers[tool].at(place)
                    for row, run in _runs(taken, place, wanted, size):
                        runs.setdefault((row, tool), []).append(run)
                        _tell(row, tool, number, run)
                except (Failed, SnaplineError) as failure:
                    failures.append(f"{name}, {tool}: {failure}")
                    say.print(f"{name}, {tool}: {failure}", markup=False)
                    working.remove(tool)
                shutil.rmtree(place.scratch)
                shutil.rmtree(place.target)
        shutil.rmtree(root / "s3")
    shutil.rmtree(root)
    for row in rows:
        for peer in beside[row]:
            if (ours := runs.get((row, "ours"))) and (theirs := runs.get((row, peer))):
                yield Result(row, peers[peer], ours, theirs)


def _place(root: Path, server: seaweedfs.SeaweedFS) -> tools.Workplace:
    (root / "target").mkdir()
    (root / "scratch").mkdir()
    return tools.Workplace(server, root / "source", root / "target", root / "scratch")


def _runs(
    tool: tools.Tool, place: tools.Workplace, rows: list[str], size: tuple[int, int]
) -> Iterator[tuple[str, Run]]:
    """One round of one tool; what comes before a row happens even if it is not wanted itself. Raises Failed."""
    wanted = {row.partition("-")[2]: row for row in rows}
    first = tool.backup()
    if row := wanted.get("first"):
        yield row, first
    if row := wanted.get("unchanged"):
        yield row, _added(first, tool.backup())
    if row := wanted.get("changed"):
        with datasets.database_changed(place.source):
            again = tool.backup()
        yield row, _added(first, again)
    if row := wanted.get("restore"):
        restored = tool.restore()
        if (found := _size(place.target)) != size:
            raise Failed(f"it restored {found[0]} files with {found[1]} bytes, of {size[0]} with {size[1]}")
        yield row, restored


def _added(before: Run, after: Run) -> Run:
    return replace(after, stored_bytes=(after.stored_bytes or 0) - (before.stored_bytes or 0))


def _size(root: Path) -> tuple[int, int]:
    """Files below a directory, and their bytes."""
    files = size = 0
    waiting = [str(root)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    files += 1
                    size += entry.stat(follow_symlinks=False).st_size
    return files, size


def _tell(row: str, tool: str, number: int, run: Run) -> None:
    stored = "" if run.stored_bytes is None else f", {run.stored_bytes / 1e6:,.1f} MB stored"
    remark = f", {run.output}" if tool in ("ours", "before") else ""
    say.print(f"{row}, round {number + 1}: {tool} {run.seconds:.2f} s, {run.rss_kib / 1024:,.0f} MiB{stored}{remark}")


if __name__ == "__main__":
    sys.exit(main())
