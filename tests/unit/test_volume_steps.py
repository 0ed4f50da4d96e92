"""Copying a pod's volumes and restoring them, slice by slice, over real directories and an object store in memory."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.samples import fill_volume, tree_digest
from schemas import events as e
from schemas import keys
from schemas.errors import NotFound, NotYet
from schemas.job import Job
from schemas.records import (
    BackupPlan,
    BackupRequest,
    PodPlan,
    PodResult,
    RestorePlan,
    RestoreRequest,
    VolumePlan,
    VolumeRestore,
)
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.jobs.locks import Locks
from workers.jobs.slicing import Slicing
from workers.ports import Repository
from workers.repository import open_repository
from workers.repository.format.ambient import Ambient, Limits
from workers.steps import volumes_copy, volumes_restore

NOW = datetime(2026, 11, 23, tzinfo=UTC)
POD = "shop/db-0"
BACKUP, RESTORE = Job("backup", "b"), Job("restore", "r")


@dataclass
class Node:
    """A node with directories for volumes, and somebody who may cancel."""

    root: Path
    store: MemoryObjectStore = field(default_factory=MemoryObjectStore)
    slice_length: timedelta = timedelta(seconds=30)
    gone: bool = False
    stop: bool = False

    def __post_init__(self) -> None:
        self.repository: Repository = open_repository(self.store, "a passphrase", ambient=Ambient(Limits(look_every=1)))
        self.locks = Locks()
        self.destinations = MemoryDestinations({"default": (self.store, self.repository)})

    def directory(self, pod_uid: str, volume: str) -> Path:
        path = self.root / pod_uid / volume
        if not path.exists():
            raise NotFound(f"pod {pod_uid} has no volume {volume}")
        return path

    def cancelled(self, job: Job) -> bool:
        return self.gone

    @property
    def slicing(self) -> Slicing:
        return Slicing(self.slice_length, lambda: self.stop, self)

    def hear(self, event: e.Event) -> list[e.Event]:
        """What the node's worker makes of a request."""
        envelope: e.AnyEvent = e.wrap(event, source="tests", time=NOW)
        clock = lambda: NOW  # noqa: E731
        if isinstance(event, e.VolumesCopyRequested):
            copying = volumes_copy.CopyNeeds(self.destinations, MemoryCluster, self, self.slicing, self.locks, clock)
            return list(volumes_copy.copy(envelope, copying))  # type: ignore[arg-type]
        restoring = volumes_restore.RestoreNeeds(self.destinations, self, self.slicing, self.locks, clock)
        return list(volumes_restore.restore(envelope, restoring))  # type: ignore[arg-type]

    def run(self, event: e.Event) -> list[e.Event]:
        """Until the pod has its result; all that was told but progress."""
        told, waiting = [], deque([event])
        while waiting:
            for said in self.hear(waiting.popleft()):
                if isinstance(said, e.VolumesCopyRequested | e.VolumesRestoreRequested):
                    waiting.append(said)
                if not isinstance(said, e.VolumesProgressed):
                    told.append(said)
        return told


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A planned backup `b` of one pod with two volumes, and a planned restore `r` of nothing yet."""
    made = Node(tmp_path)
    for number, name in enumerate(("data", "logs")):
        (tmp_path / "pod-1" / name).mkdir(parents=True)
        fill_volume(tmp_path / "pod-1" / name, 2, seed=number)
    volumes = [VolumePlan(name=n, kind="claim", directory=n, claim=n, claim_uid=f"uid-{n}") for n in ("data", "logs")]
    pod = PodPlan(namespace="shop", name="db-0", uid="pod-1", node="n", volumes=volumes)
    ledger.put(made.store, keys.plan(BACKUP), BackupPlan(manifest="m", objects=1, pods=[pod]))
    ledger.put(
        made.store,
        keys.request(BACKUP),
        BackupRequest(name="b", request="q", event_id="q", requested_at=NOW),
    )
    return made


def _copy_request(slice_: int = 0) -> e.VolumesCopyRequested:
    return e.VolumesCopyRequested(backup="b", node="n", pod=POD, slice=slice_)


def _result(node: Node) -> PodResult:
    return ledger.read(node.store, keys.pod_result(BACKUP, POD), PodResult)


def test_a_pod_is_copied_in_one_slice_if_there_is_time(node: Node) -> None:
    [told] = node.run(_copy_request())
    assert isinstance(told, e.VolumesCopied)
    assert [volume.name for volume in _result(node).volumes] == ["data", "logs"]
    assert told.files == sum(volume.files for volume in _result(node).volumes) > 50


def test_a_short_slice_asks_for_the_next_and_all_is_copied(node: Node) -> None:
    node.slice_length = timedelta(milliseconds=1)
    *slices, told = node.run(_copy_request())
    assert len(slices) >= 2
    assert [request.slice for request in slices if isinstance(request, e.VolumesCopyRequested)] == list(
        range(1, len(slices) + 1)
    )
    assert isinstance(told, e.VolumesCopied)
    for volume in _result(node).volumes:
        target = node.root / "target" / volume.name
        target.mkdir(parents=True)
        node.repository.restore(volume.volume_id, target, checkpoint=None, stop=lambda: False, progress=lambda _: None)
        assert tree_digest(target) == tree_digest(node.root / "pod-1" / volume.name)


def test_a_slice_told_again_is_followed_up_once_and_an_old_one_not_at_all(node: Node) -> None:
    node.slice_length = timedelta(milliseconds=1)
    first = node.hear(_copy_request())[-1]
    again = node.hear(_copy_request())
    assert again == [first]
    node.hear(first)
    assert node.hear(_copy_request()) == []


def test_a_pod_that_is_done_is_told_again_without_work(node: Node) -> None:
    [told] = node.run(_copy_request())
    for name in ("data", "logs"):
        (node.root / "pod-1" / name).rename(node.root / name)
    assert node.hear(_copy_request()) == [told]


def test_a_second_copy_uploads_only_what_is_new(node: Node) -> None:
    node.run(_copy_request())
    node.store.delete(keys.pod_result(BACKUP, POD))
    node.store.delete(keys.slices(BACKUP, POD))
    (node.root / "pod-1" / "data" / "new").write_bytes(b"new")
    [told] = node.run(_copy_request())
    assert isinstance(told, e.VolumesCopied)
    assert told.changed_bytes == 3


def test_a_volume_that_is_gone_fails_the_pod_and_the_other_is_copied(node: Node) -> None:
    (node.root / "pod-1" / "data").rename(node.root / "elsewhere")
    [told] = node.run(_copy_request())
    assert isinstance(told, e.VolumesCopyFailed)
    assert "volume data" in str(told.reason)
    assert [volume.name for volume in _result(node).volumes] == ["logs"]


def test_a_cancelled_copy_ends_the_backup(node: Node) -> None:
    ledger.put(node.store, keys.cancel(BACKUP), BackupRequest(name="b", request="", event_id="", requested_at=NOW))
    [told] = node.hear(_copy_request())
    assert isinstance(told, e.BackupCancelled)
    assert node.hear(_copy_request()) == [told]


def test_two_runs_of_one_pod_do_not_meet(node: Node) -> None:
    with node.locks.holding(f"{BACKUP}, pod {POD}"), pytest.raises(NotYet):
        node.hear(_copy_request())


def _plan_restore(node: Node, kind: str = "claim") -> e.VolumesRestoreRequested:
    volume = _result(node).volumes[0]
    planned = VolumeRestore(
        kind="claim" if kind == "claim" else "emptyDir",
        namespace="shop",
        pod="db-0",
        name="data",
        claim="data",
        helper="h",
        volume_id=volume.volume_id,
        bytes=volume.scanned_bytes,
    )
    ledger.put(node.store, keys.plan(RESTORE), RestorePlan(backup="b", manifest="m", objects=1, volumes=[planned]))
    request = RestoreRequest(name="r", request="q", event_id="q", requested_at=NOW, backup="b", scope="full")
    ledger.put(node.store, keys.request(RESTORE), request)
    (node.root / "pod-2" / "pv").mkdir(parents=True)
    return e.VolumesRestoreRequested(restore="r", node="n", volume="shop/data", pod_uid="pod-2", directory="pv")


def test_a_volume_is_restored_slice_by_slice(node: Node) -> None:
    node.run(_copy_request())
    request = _plan_restore(node)
    node.slice_length = timedelta(microseconds=1)
    told = node.run(request)[-1]
    assert isinstance(told, e.VolumesRestored)
    assert tree_digest(node.root / "pod-2" / "pv") == tree_digest(node.root / "pod-1" / "data")
    assert node.hear(request) == [told]


def test_a_waiting_pod_is_let_go_after_the_record_and_a_started_one_is_left_alone(node: Node) -> None:
    node.run(_copy_request())
    request = _plan_restore(node, "emptyDir")
    waiting = node.root / "pod-2" / "pv" / ".snapline"
    waiting.mkdir()
    node.run(request)
    assert (waiting / "done").exists()
    (waiting / "done").unlink()
    waiting.rmdir()
    node.run(request)
    assert not waiting.exists()


def test_damage_fails_the_volume_and_a_waiting_pod_keeps_waiting(node: Node) -> None:
    node.run(_copy_request())
    request = _plan_restore(node, "emptyDir")
    for found in node.store.list("repository/packs/"):
        node.store.put(found.key, b"damaged beyond repair")
    (node.root / "pod-2" / "pv" / ".snapline").mkdir()
    [told] = node.run(request)
    assert isinstance(told, e.VolumesRestoreFailed)
    assert "is cut off" in str(told.reason)
    assert not (node.root / "pod-2" / "pv" / ".snapline" / "done").exists()
