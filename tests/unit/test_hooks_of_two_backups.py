"""Two backups of one pod at once: none thaws, or takes away, what the other copies."""

from pathlib import Path

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet
from schemas.job import Job
from schemas.records import BackupPlan, BackupRecord, HookState, PodPlan, Running
from schemas.records.hooks import HookStage
from tests.support.hooks import NOW, hook
from tests.unit.test_hooks_around_copy import BACKUP, POD, Node
from workers.hooks.around import OWING
from workers.jobs import ledger
from workers.steps import volumes_copy

OTHER = Job("backup", "other")
WHOLE = ["freeze", "copy data", "thaw"]


@pytest.fixture(autouse=True)
def _volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the node has its volumes."""
    monkeypatch.setattr(Node, "root", tmp_path, raising=False)


def hooked() -> Node:
    return Node().plan([hook("freeze")], [hook("thaw")])


def between(node: Node, stage: HookStage, uid: str = "pod-1", *, thaws: bool = True) -> None:
    """Another running backup has come to that stage with the same pod, or with an earlier one of its name."""
    pod = PodPlan(namespace="shop", name="db-0", uid=uid, node="n", volumes=[], hooks=True)
    ledger.put(node.store, keys.plan(OTHER), BackupPlan(manifest="m", objects=1, pods=[pod]))
    ledger.put(node.store, keys.running(OTHER), Running())
    ledger.put(node.store, keys.hooks_of(OTHER, POD), HookState(stage=stage, since=NOW, thaws=thaws))


@pytest.mark.parametrize("stage", ["pre-begun", "pre-done", "post-begun"])
def test_a_pod_that_another_backup_has_frozen_is_waited_for(stage: HookStage) -> None:
    node = hooked()
    between(node, stage)
    with pytest.raises(NotYet, match="shop/db-0 is between the hooks of backup other"):
        node.hear()
    assert node.pods.ran == []
    between(node, "post-done")
    node.hear()
    assert node.pods.ran == WHOLE


def test_who_waits_is_not_taken_for_one_that_stands_still() -> None:
    node = hooked()
    between(node, "pre-done")
    ledger.put(node.store, keys.running(BACKUP), Running())
    [was] = [each.modified for each in node.store.list(keys.running(BACKUP))]
    with pytest.raises(NotYet):
        node.hear()
    [is_] = [each.modified for each in node.store.list(keys.running(BACKUP))]
    assert is_ > was


@pytest.mark.parametrize("stage", ["waiting", "post-done"])
def test_another_backup_that_has_frozen_nothing_is_not_waited_for(stage: HookStage) -> None:
    node = hooked()
    between(node, stage)
    node.hear()
    assert node.pods.ran == WHOLE


def end_it(node: Node) -> None:
    """The other backup fails; what comes after its copy is left to do."""
    record = BackupRecord(name=OTHER.name, request="q", status="Failed", requested_at=NOW, completed_at=NOW)
    ledger.create(node.store, keys.final(OTHER), record)
    node.store.delete(keys.running(OTHER))


def test_one_that_has_failed_and_owes_its_thaw_is_waited_for_but_not_for_ever() -> None:
    node = hooked()
    between(node, "pre-done")
    end_it(node)
    with pytest.raises(NotYet, match="shop/db-0 is between the hooks of backup other"):
        node.hear()
    [final] = node.store.list(keys.final(OTHER))
    node.pods.now = final.modified + OWING
    node.hear()
    assert node.pods.ran == WHOLE


@pytest.mark.parametrize(("stage", "thaws"), [("post-done", True), ("pre-done", False)])
def test_one_that_has_failed_and_owes_nothing_is_not_waited_for(stage: HookStage, thaws: bool) -> None:
    node = hooked()
    between(node, stage, thaws=thaws)
    end_it(node)
    node.hear()
    assert node.pods.ran == WHOLE


def test_nor_is_one_whose_pod_is_gone_or_that_runs_no_more() -> None:
    node = hooked()
    between(node, "pre-done", uid="an earlier pod")
    node.hear()
    ended = hooked()
    between(ended, "pre-done")
    ended.store.delete(keys.running(OTHER))
    ended.hear()
    assert node.pods.ran == ended.pods.ran == WHOLE


def test_what_has_begun_goes_on_whoever_else_has_begun() -> None:
    """As after an upgrade from workers that did not look: neither waits for the other for ever."""
    node = hooked()
    ledger.put(node.store, keys.hooks_of(BACKUP, POD), HookState(stage="pre-done", since=NOW, thaws=True))
    between(node, "pre-done")
    node.hear()
    assert node.pods.ran == ["copy data", "thaw"]


def test_two_backups_do_not_work_on_one_pod_at_the_same_time() -> None:
    node = hooked()
    needs = node.needs
    asked = e.VolumesCopyRequested(backup=BACKUP.name, node="n", pod=POD, slice=0)
    with needs.locks.holding(f"pod {POD}"), pytest.raises(NotYet, match=f"pod {POD} is being worked on"):
        list(volumes_copy.copy(e.wrap(asked, source="tests", time=NOW), needs))
    assert node.pods.ran == []
