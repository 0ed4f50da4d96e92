"""Our side of a measured run, as a process of its own: the step functions that the line runs, slice after slice, with
encryption and S3.

    python -m tests.bench.ours copy NAME SOURCE CACHE      # backs SOURCE up as NAME
    python -m tests.bench.ours restore NAME TARGET CACHE   # writes the backup NAME into TARGET

SNAPLINE_S3_* and SNAPLINE_PASSPHRASE say where to. Prints the seconds from before to after the calls of the step
function, and the seconds that opening the repository took; the bench counts both, as it does for restic. Not counted
are the start of the interpreter and imports, since a worker runs for long and does them once.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from schemas import destination as destinations
from schemas import events as e
from schemas import keys
from schemas.errors import Invalid
from schemas.job import Job
from schemas.messages import Message
from schemas.records import (
    BackupPlan,
    BackupRequest,
    PodPlan,
    PodResult,
    RestorePlan,
    RestoreRequest,
    VolumePlan,
    VolumeRestore,
    VolumeResult,
)
from schemas.settings import Settings, from_environment
from workers.adapters.stores import open_store
from workers.adapters.stores.sealed_records import SealedRecords
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.destinations import MemoryDestinations
from workers.jobs import ledger
from workers.jobs.locks import Locks
from workers.jobs.slicing import Slicing
from workers.ports import ObjectStore, Repository
from workers.repository import open_repository
from workers.steps import volumes_copy, volumes_restore

A = TypeVar("A", e.VolumesCopyRequested, e.VolumesRestoreRequested)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
POD, VOLUME = "ns/pod", "ns/data"


def opened(store: ObjectStore, passphrase: str, cache: Path) -> Repository:
    """The repository; `cache` is a directory for what it keeps on this machine."""
    return open_repository(store, passphrase, cache=cache)


class Here:
    """The ports VolumeFiles and Cancellations: every volume is one directory, and nobody cancels."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def directory(self, pod_uid: str, volume: str) -> Path:
        """See the port."""
        return self._directory

    def cancelled(self, job: Job) -> bool:
        """See the port."""
        return False


def main() -> int:
    """One run; the exit code."""
    what, name, directory, cache = sys.argv[1:]
    settings = from_environment(os.environ)
    destination = destinations.from_settings(settings)
    if destination is None:
        raise Invalid("SNAPLINE_S3_BUCKET is not set")
    store = open_store(destination)
    began = time.perf_counter()
    repository = opened(store, destination.passphrase.get_secret_value(), Path(cache))
    opening = time.perf_counter() - began
    work = copy if what == "copy" else restore
    records = SealedRecords(store, lambda: repository)
    print(work(records, repository, settings, name, Path(directory)), opening)
    return 0


def copy(store: ObjectStore, repository: Repository, settings: Settings, name: str, source: Path) -> float:
    """A backup of one pod with one volume; its seconds."""
    volume = VolumePlan(name="data", kind="claim", directory="data", claim="data", claim_uid="uid")
    pod = PodPlan(namespace="ns", name="pod", uid="uid", node="n", volumes=[volume])
    ledger.put(store, keys.plan(Job("backup", name)), BackupPlan(manifest="m", objects=0, pods=[pod]))
    request = BackupRequest(name=name, request="q", event_id="q", requested_at=NOW)
    ledger.put(store, keys.request(Job("backup", name)), request)
    here = Here(source)
    cluster = MemoryCluster(
        [{"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "ns", "name": "pod", "uid": "uid"}, "spec": {}}]
    )
    needs = volumes_copy.CopyNeeds(
        _only(store, repository), lambda: cluster, here, _slicing(settings, here), Locks(), lambda: NOW
    )
    asked = e.VolumesCopyRequested(backup=name, node="n", pod=POD)
    seconds = _timed(asked, lambda event: volumes_copy.copy(event, needs))
    _refuse(ledger.read(store, keys.pod_result(Job("backup", name), POD), PodResult).warnings)
    return seconds


def restore(store: ObjectStore, repository: Repository, settings: Settings, name: str, target: Path) -> float:
    """A restore of that backup's volume; its seconds."""
    [volume] = ledger.read(store, keys.pod_result(Job("backup", name), POD), PodResult).volumes
    planned = VolumeRestore(
        kind="claim",
        namespace="ns",
        pod="pod",
        name="data",
        claim="data",
        helper="h",
        volume_id=volume.volume_id,
        bytes=volume.scanned_bytes,
    )
    plan = RestorePlan(backup=name, manifest="m", objects=0, volumes=[planned])
    ledger.put(store, keys.plan(Job("restore", name)), plan)
    request = RestoreRequest(name=name, request="q", event_id="q", requested_at=NOW, backup=name, scope="full")
    ledger.put(store, keys.request(Job("restore", name)), request)
    here = Here(target)
    needs = volumes_restore.RestoreNeeds(_only(store, repository), here, _slicing(settings, here), Locks(), lambda: NOW)
    asked = e.VolumesRestoreRequested(restore=name, node="n", volume=VOLUME, pod_uid="uid", directory="data")
    seconds = _timed(asked, lambda event: volumes_restore.restore(event, needs))
    _refuse(ledger.read(store, keys.volume_result(Job("restore", name), VOLUME), VolumeResult).warnings)
    return seconds


def _timed(asked: A, step: Callable[[e.CloudEvent[A]], Iterator[e.Event]]) -> float:
    """Seconds of the step and of all its further slices, each asked for by the one before."""
    began = time.perf_counter()
    waiting: list[A] = [asked]
    while waiting:
        told = list(step(e.wrap(waiting.pop(), source="bench", time=NOW)))
        waiting += [said for said in told if isinstance(said, type(asked))]
        _refuse([said.reason for said in told if isinstance(said, e.VolumesCopyFailed | e.VolumesRestoreFailed)])
    return time.perf_counter() - began


def _only(store: ObjectStore, repository: Repository) -> MemoryDestinations:
    return MemoryDestinations({"default": (store, repository)})


def _slicing(settings: Settings, here: Here) -> Slicing:
    return Slicing(settings.slice_length, lambda: False, here)


def _refuse(problems: Sequence[Message]) -> None:
    if problems:
        raise RuntimeError(f"{len(problems)} problems, first {problems[0]}")


if __name__ == "__main__":
    sys.exit(main())
