"""`make bench`: our copying and restoring beside restic's, on the same data and the same S3 server, in one run.

One JSON object a row on standard output, a table on standard error. Ours is the step function that the line runs, with
its slices, encryption and S3. RESTIC names another restic than the one on PATH. Each runs three times in turn; medians
count.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.local import seaweedfs
from schemas import events as e
from schemas import keys
from schemas.records import (
    BackupPlan,
    BackupRequest,
    RestorePlan,
    RestoreRequest,
    UnitPlan,
    UnitResult,
    VolumePlan,
    VolumeRestore,
)
from tests.bench import datasets
from workers import ledger
from workers.adapters import configured
from workers.repository import open_repository
from workers.steps import volumes_copy, volumes_restore
from workers.steps.slicing import Slicing, Turns

ROUNDS = 3
NOW = datetime(2026, 11, 23, tzinfo=UTC)
say = Console(stderr=True)


class Ours:
    """Our step functions over a bucket prefix of their own."""

    def __init__(self, server: seaweedfs.SeaweedFS, source: Path, target: Path) -> None:
        self.store = configured.store(server.destination(prefix=uuid.uuid4().hex))
        self.repository = open_repository(self.store, "bench")
        self.directories = {"source": source, "target": target}
        self._number = 0

    def directory(self, pod_uid: str, volume: str) -> Path:
        """The port VolumeFiles."""
        return self.directories[pod_uid]

    def cancelled(self, job: str) -> bool:
        """The port Tokens."""
        return False

    def backup(self) -> None:
        """A backup of one unit, slice after slice."""
        self._number += 1
        name = f"b{self._number}"
        volume = VolumePlan(name="data", kind="claim", directory="data", claim="data", claim_uid="uid")
        unit = UnitPlan(unit="ns/pod", namespace="ns", pod="pod", pod_uid="source", node="n", volumes=[volume])
        ledger.put(self.store, keys.plan("backups", name), BackupPlan(manifest="m", objects=0, units=[unit]))
        request = BackupRequest(name=name, request="q", event_id="q", requested_at=NOW)
        ledger.put(self.store, keys.request("backups", name), request)
        self._run(e.VolumesCopyRequested(backup=name, node="n", unit="ns/pod"))

    def restore(self) -> None:
        """The newest backup into the empty target."""
        [volume] = ledger.read(self.store, keys.unit("backups", f"b{self._number}", "ns/pod"), UnitResult).volumes
        self._number += 1
        name = f"r{self._number}"
        planned = VolumeRestore(
            unit="ns/data",
            kind="claim",
            namespace="ns",
            pod="pod",
            name="data",
            claim="data",
            helper="h",
            volume=volume.volume,
            bytes=volume.scanned_bytes,
        )
        plan = RestorePlan(backup="b", manifest="m", objects=0, volumes=[planned])
        ledger.put(self.store, keys.plan("restores", name), plan)
        request = RestoreRequest(name=name, request="q", event_id="q", requested_at=NOW, backup="b", scope="full")
        ledger.put(self.store, keys.request("restores", name), request)
        asked = e.VolumesRestoreRequested(restore=name, node="n", unit="ns/data", pod_uid="target", directory="data")
        self._run(asked)
        self._number -= 1

    def stored_bytes(self) -> int:
        """What the repository takes."""
        return sum(found.size for found in self.store.list("repository/"))

    def _run(self, event: e.Event) -> None:
        slicing, turns = Slicing(timedelta(seconds=30), lambda: False, self), Turns()
        copying = volumes_copy.Copying(self.store, self.repository, self, slicing, turns, lambda: NOW)
        restoring = volumes_restore.Restoring(self.store, self.repository, self, slicing, turns, lambda: NOW)
        waiting: list[e.Event] = [event]
        while waiting:
            asked = waiting.pop()
            envelope = e.wrap(asked, source="bench", time=NOW)
            if isinstance(asked, e.VolumesCopyRequested):
                told = list(volumes_copy.copy(envelope, copying))  # type: ignore[arg-type]
            else:
                told = list(volumes_restore.restore(envelope, restoring))  # type: ignore[arg-type]
            waiting += [said for said in told if isinstance(said, e.VolumesCopyRequested | e.VolumesRestoreRequested)]
            if failed := [said for said in told if isinstance(said, e.VolumesCopyFailed | e.VolumesRestoreFailed)]:
                raise RuntimeError(failed[0].reason)


class Restic:
    """restic over a bucket prefix of its own."""

    def __init__(self, server: seaweedfs.SeaweedFS, source: Path, target: Path, program: str) -> None:
        self._program, self._source, self._target = program, source, target
        place = server.destination()
        self._store = configured.store(server.destination(prefix=(prefix := uuid.uuid4().hex)))
        self._environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": place.access_key_id,
            "AWS_SECRET_ACCESS_KEY": place.secret_access_key.get_secret_value(),
            "RESTIC_PASSWORD": "bench",
            "RESTIC_REPOSITORY": f"s3:{place.endpoint}/{place.bucket}/{prefix}",
            "RESTIC_CACHE_DIR": tempfile.mkdtemp(prefix="restic-cache-", dir=source.parent),
        }
        self._restic("init")

    def backup(self) -> None:
        """A backup of the source."""
        self._restic("backup", str(self._source))

    def restore(self) -> None:
        """The newest backup into the empty target."""
        self._restic("restore", "latest", "--target", str(self._target))

    def stored_bytes(self) -> int:
        """What the repository takes."""
        return sum(found.size for found in self._store.list(""))

    def _restic(self, *arguments: str) -> None:
        command = [self._program, "--quiet", *arguments]
        subprocess.run(command, env=self._environment, check=True, stdout=subprocess.DEVNULL)


@dataclass
class Row:
    """One measured kind of work; seconds of each round."""

    name: str
    ours: list[float]
    peer: list[float]
    ours_bytes: int = 0
    peer_bytes: int = 0


def main() -> int:
    """Measures everything; the exit code."""
    program = os.environ.get("RESTIC") or shutil.which("restic")
    if program is None:
        say.print("there is no restic; install it, or give its path: make bench RESTIC=/path/to/restic")
        return 1
    version = subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout.split()[1]
    shared_memory = Path("/dev/shm")  # where there is no disk to wait for
    root = Path(tempfile.mkdtemp(prefix="snapline-bench-", dir=shared_memory if shared_memory.is_dir() else None))
    try:
        with seaweedfs.start(root / "s3") as server:
            rows = [
                row
                for make, name in ((datasets.small, "small"), (datasets.large, "large"))
                for row in _measure(server, root / name, make, name, program)
            ]
    finally:
        shutil.rmtree(root, ignore_errors=True)
    _print(rows, version)
    return 0


def _measure(
    server: seaweedfs.SeaweedFS, root: Path, make: Callable[[Path], None], name: str, program: str
) -> list[Row]:
    source, target = root / "source", root / "target"
    say.print(f"making the data set {name}")
    make(source)
    first, unchanged, restore = (Row(f"{name}-{what}", [], []) for what in ("first", "unchanged", "restore"))
    for number in range(ROUNDS):
        say.print(f"{name}: round {number + 1} of {ROUNDS}")
        ours, peer = Ours(server, source, target), Restic(server, source, target, program)
        for tool, kind in ((ours, "ours"), (peer, "peer")) if number % 2 == 0 else ((peer, "peer"), (ours, "ours")):
            getattr(first, kind).append(_timed(tool.backup))
            setattr(first, f"{kind}_bytes", tool.stored_bytes())
            getattr(unchanged, kind).append(_timed(tool.backup))
            target.mkdir()
            getattr(restore, kind).append(_timed(tool.restore))
            shutil.rmtree(target)
    return [first, unchanged, restore]


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _print(rows: list[Row], version: str) -> None:
    table = Table("row", "ours s", "restic s", "ratio", "ours MB", "restic MB")
    for row in rows:
        ours, peer = statistics.median(row.ours), statistics.median(row.peer)
        result = {
            "row": row.name,
            "ours_s": round(ours, 3),
            "peer": "restic",
            "peer_version": version,
            "peer_s": round(peer, 3),
            "ratio": round(peer / ours, 2),
            "ours_bytes": row.ours_bytes,
            "peer_bytes": row.peer_bytes,
        }
        print(json.dumps(result), flush=True)
        sizes = (f"{row.ours_bytes / 1e6:.1f}", f"{row.peer_bytes / 1e6:.1f}")
        table.add_row(row.name, f"{ours:.2f}", f"{peer:.2f}", f"{peer / ours:.2f}x", *sizes)
    say.print(table)


if __name__ == "__main__":
    sys.exit(main())
