"""Copying a pod's volumes and restoring them, slice by slice, over real directories and an object store in memory."""

import errno
import os
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.samples import fill_volume, tree_digest
from schemas import events as e
from schemas import keys
from schemas.errors import Code, Damaged, NotFound, NotYet, TransientError
from schemas.job import Job
from schemas.kubernetes import PODS
from schemas.records import (
    BackupPlan,
    BackupRequest,
    CopyState,
    Parent,
    PodPlan,
    PodResult,
    RestorePlan,
    RestoreRequest,
    VolumePlan,
    VolumeRestore,
)
from tests.support.objects import pod
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.jobs.locks import Locks
from workers.jobs.slicing import Slicing
from workers.ports import CopySlice, Repository
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
    away: bool = False
    unmounted: bool = False
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.repository: Repository = open_repository(self.store, "a passphrase", ambient=Ambient(Limits(look_every=1)))
        self.locks = Locks()
        self.cluster = MemoryCluster([pod("db-0", uid="pod-1")])
        self.destinations = MemoryDestinations({"default": (self.store, self.repository)})

    def directory(self, pod_uid: str, volume: str) -> Path:
        if self.unmounted:
            raise TransientError("no volumes yet")
        path = self.root / pod_uid / volume
        if not path.exists():
            raise NotFound(f"pod {pod_uid} has no volume {volume}")
        return path

    def api_server(self) -> MemoryCluster:
        """The cluster, unless it is away."""
        if self.away:
            raise TransientError("away")
        return self.cluster

    def cancelled(self, job: Job) -> bool:
        return self.gone

    @property
    def slicing(self) -> Slicing:
        return Slicing(self.slice_length, lambda: self.stop, self)

    def hear(self, event: e.Event) -> list[e.Event]:
        """What the node's worker makes of a request."""
        envelope: e.AnyEvent = e.wrap(event, source="tests", time=NOW)
        clock = lambda: self.now  # noqa: E731
        if isinstance(event, e.VolumesCopyRequested):
            copying = volumes_copy.CopyNeeds(self.destinations, self.api_server, self, self.slicing, self.locks, clock)
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
    planned = PodPlan(namespace="shop", name="db-0", uid="pod-1", node="n", volumes=volumes)
    ledger.put(made.store, keys.plan(BACKUP), BackupPlan(manifest="m", objects=1, pods=[planned]))
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


def test_a_volume_says_where_it_was_read_and_from_its_first_slice_to_its_last(node: Node) -> None:
    node.slice_length = timedelta(milliseconds=1)
    waiting, hours = deque([_copy_request()]), 0
    while waiting:
        node.now = NOW + timedelta(hours=hours)
        waiting.extend(said for said in node.hear(waiting.popleft()) if isinstance(said, e.VolumesCopyRequested))
        hours += 1
    first, second = _result(node).volumes
    assert (first.node, first.began_at) == ("n", NOW)
    assert first.ended_at is not None
    assert second.began_at is not None
    assert NOW < first.ended_at <= second.began_at
    assert second.ended_at == node.now


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


def test_a_file_that_cannot_be_read_fails_the_pod_and_its_volume_can_be_restored(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    (node.root / "pod-1" / "data" / "unlucky").write_bytes(b"x")
    really = os.open

    def fail(path: Any, *rest: Any, **more: Any) -> int:
        if path == b"unlucky":
            raise OSError(errno.EIO, "Input/output error")
        return really(path, *rest, **more)

    monkeypatch.setattr(os, "open", fail)
    node.slice_length = timedelta(milliseconds=1)
    told = node.run(_copy_request())[-1]
    monkeypatch.undo()
    assert isinstance(told, e.VolumesCopyFailed)
    result = _result(node)
    assert [volume.name for volume in result.volumes] == ["data", "logs"]
    [error] = result.errors
    assert (error.code, error.text) == (
        Code.FILE_NOT_COPIED,
        "shop/db-0, volume data: unlucky: could not be read: Input/output error",
    )
    target = node.root / "target"
    target.mkdir()
    id_ = result.volumes[0].volume_id
    node.repository.restore(id_, target, checkpoint=None, stop=lambda: False, progress=lambda _: None)
    assert not (target / "unlucky").exists()
    assert len(list(target.iterdir())) == len(list((node.root / "pod-1" / "data").iterdir())) - 1


def _errors(node: Node) -> list[tuple[str, str]]:
    return [(error.code, error.text) for error in _result(node).errors]


def _gone(why: str, *volumes: str) -> list[tuple[str, str]]:
    return [(Code.POD_GONE, f"shop/db-0, volume {name}, was not copied: {why}; back up again") for name in volumes]


def _going() -> MemoryCluster:
    metadata = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/wait"]}
    return MemoryCluster([pod("db-0", uid="pod-1", metadata=metadata)])


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        (MemoryCluster(), "the pod is gone or was replaced"),
        (MemoryCluster([pod("db-0", uid="pod-2")]), "the pod is gone or was replaced"),
        (MemoryCluster([pod("db-0", phase="Succeeded", uid="pod-1")]), "the pod has ended"),
        (_going(), "the pod is being deleted"),
    ],
)
@pytest.mark.parametrize("unmounted", [True, False])
def test_a_pod_that_went_before_its_copy_ends_it_at_once(
    cluster: MemoryCluster, why: str, unmounted: bool, node: Node
) -> None:
    """Whether its volumes are still there, or only the directories in which they were mounted."""
    node.cluster = cluster
    if unmounted:
        (node.root / "pod-1").rename(node.root / "elsewhere")
        node.unmounted = True
    [told] = node.hear(_copy_request())
    assert isinstance(told, e.VolumesCopyFailed)
    assert (_errors(node), _result(node).volumes) == (_gone(why, "data", "logs"), [])


@pytest.mark.parametrize("away", [True, False])
def test_a_volume_that_is_being_mounted_is_waited_for(away: bool, node: Node) -> None:
    node.away = away
    (node.root / "pod-1").rename(node.root / "elsewhere")
    node.unmounted = True
    with pytest.raises(TransientError, match="no volumes yet"):
        node.hear(_copy_request())


def test_the_slice_of_another_volume_is_refused(node: Node) -> None:
    """As if somebody had put one `slices` record in place of another."""
    node.slice_length = timedelta(milliseconds=1)
    node.hear(_copy_request())
    state = ledger.read(node.store, keys.slices(BACKUP, POD), CopyState)
    assert state.checkpoint
    ledger.put(node.store, keys.slices(BACKUP, POD), state.model_copy(update={"done": 1}))
    with pytest.raises(Damaged):
        node.hear(_copy_request(state.slice))


def test_a_pod_that_goes_during_the_copy_of_its_second_volume_keeps_the_first(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = node.repository.copy

    def copy(root: Path, **rest: Any) -> CopySlice:
        reached = really(root, **rest)
        if root.name == "logs":
            node.cluster.delete(PODS, "shop", "db-0")
        return reached

    monkeypatch.setattr(node.repository, "copy", copy)
    [told] = node.run(_copy_request())
    assert isinstance(told, e.VolumesCopyFailed)
    assert _errors(node) == _gone("the pod is gone or was replaced", "logs")
    assert [volume.name for volume in _result(node).volumes] == ["data"]
    assert [key.key for key in node.store.list("parents/")] == [keys.parent("claim/uid-data")], "it is nobody's parent"


def test_a_parent_that_cannot_be_believed_is_as_none_and_told(node: Node) -> None:
    node.run(_copy_request())
    whole = _result(node)
    for part in ("pods/", "slices/"):
        for found in list(node.store.list(keys.of(BACKUP) + part)):
            node.store.delete(found.key)
    node.store.put(keys.parent("claim/uid-data"), b"damaged")
    assert all(isinstance(said, e.VolumesCopied) for said in node.run(_copy_request()))
    again = _result(node)
    assert [volume.files for volume in again.volumes] == [volume.files for volume in whole.volumes]
    [doubt] = again.warnings
    assert "all of the volume was read anew: the record parents/" in doubt.text
    assert ledger.read(node.store, keys.parent("claim/uid-data"), Parent).volume_id == again.volumes[0].volume_id


def test_a_volume_is_on_record_before_the_next_one_is_begun(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    really, copied = node.repository.copy, list[str]()

    def copy(root: Path, **rest: Any) -> CopySlice:
        copied.append(root.name)
        if copied == ["data", "logs"]:
            raise TransientError("the worker dies")
        return really(root, **rest)

    monkeypatch.setattr(node.repository, "copy", copy)
    with pytest.raises(TransientError):
        node.run(_copy_request())
    [volume] = ledger.read(node.store, keys.slices(BACKUP, POD), CopyState).volumes
    assert volume.volume_id in ledger.volumes_in_use(node.store)
    node.run(_copy_request())
    assert copied == ["data", "logs", "logs"]
    assert [each.name for each in _result(node).volumes] == ["data", "logs"]


def test_a_pod_that_goes_between_two_slices_and_leaves_an_empty_directory_is_noticed(node: Node) -> None:
    node.slice_length = timedelta(milliseconds=1)
    following = node.hear(_copy_request())[-1]
    assert isinstance(following, e.VolumesCopyRequested)
    node.cluster = _going()
    (node.root / "pod-1" / "data").rename(node.root / "unmounted")
    (node.root / "pod-1" / "data").mkdir()
    [told] = node.run(following)
    assert isinstance(told, e.VolumesCopyFailed)
    assert _errors(node) == _gone("the pod is being deleted", "data", "logs")


def test_a_pod_that_is_going_and_has_its_volume_still_mounted_is_copied_to_the_end_of_that(node: Node) -> None:
    node.slice_length = timedelta(milliseconds=1)
    following = node.hear(_copy_request())[-1]
    node.cluster = _going()
    node.slice_length = timedelta(seconds=30)
    node.run(following)
    assert [volume.name for volume in _result(node).volumes] == ["data"]
    assert _errors(node) == _gone("the pod is being deleted", "logs")


def test_without_an_api_server_volumes_are_copied_as_they_are(node: Node) -> None:
    node.away = True
    [told] = node.run(_copy_request())
    assert isinstance(told, e.VolumesCopied)


def test_a_cancelled_copy_ends_the_backup(node: Node) -> None:
    ledger.put(node.store, keys.cancel(BACKUP), BackupRequest(name="b", request="", event_id="", requested_at=NOW))
    [told] = node.hear(_copy_request())
    assert isinstance(told, e.BackupCancelled)
    assert node.hear(_copy_request()) == [told]


def test_two_runs_of_one_pod_do_not_meet(node: Node) -> None:
    with node.locks.holding(f"pod {POD}"), pytest.raises(NotYet):
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


def test_letting_a_pod_go_follows_no_symlink_of_whoever_is_in_it(node: Node) -> None:
    node.run(_copy_request())
    request = _plan_restore(node, "emptyDir")
    mine, others = node.root / "pod-2" / "pv", node.root / "pod-3" / "pv"
    (others / ".snapline").mkdir(parents=True)
    host = node.root / "host"
    host.mkdir()
    (mine / ".snapline").mkdir()
    (mine / ".snapline" / "done").symlink_to(host / "made-by-root")
    [told] = node.run(request)
    assert isinstance(told, e.VolumesRestored)
    assert list(host.iterdir()) == []
    (mine / ".snapline" / "done").unlink()
    (mine / ".snapline").rmdir()
    (mine / ".snapline").symlink_to(others / ".snapline")
    assert node.hear(request) == [told]
    assert list((others / ".snapline").iterdir()) == []


def test_a_restored_volume_is_told_again_when_its_pod_is_gone(node: Node) -> None:
    """Late copies of a request come to helpers that have been removed."""
    node.run(_copy_request())
    request = _plan_restore(node)
    told = node.run(request)[-1]
    node.unmounted = True
    assert node.hear(request) == [told]


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
