"""Before a restore deletes anything, a backup of it is taken. It goes on when that is whole, and can go back."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from schemas import events as e
from schemas import job as jobs
from schemas import keys
from schemas.errors import Code, NotYet
from schemas.kubernetes import CLAIMS, CONFIG_MAPS, PODS, Object
from schemas.messages import Message
from schemas.records import BackupPlan, BackupRecord, OwnerEnded, PodPlan, PodResult, Record, VolumeRecord
from tests.support.objects import claim, make, on_claim, opted_in, pod, titles, volume
from tests.support.restores import CONSOLE, RESTORE, Restoring, app, label
from tests.support.world import HOLDING, QUEUEING
from workers.jobs import endings, ledger
from workers.manifests.capture.document import Captured
from workers.manifests.kube.own import RESTORE_LABEL
from workers.manifests.restore.load import load_all
from workers.ports import QueueState
from workers.steps import backup_finalize, maintain, manifest_capture, restore_prepare, watchdog

SNAPSHOT = jobs.safety_snapshot(RESTORE)


def config(name: str, text: str, slug: str = "shop") -> Object:
    return make("ConfigMap", name, CONSOLE, labels=label(slug), data={"text": text})


@dataclass
class Snapshotting(Restoring):
    """A restore that takes its safety snapshot, with the volumes that `uncopied` does not name."""

    uncopied: set[str] = field(default_factory=set)

    def request(self, **asked: Any) -> None:
        super().request(**{"safety_snapshot": True, **asked})

    def take(self) -> list[e.Event]:
        """What becomes of the snapshot, from `backup.licensed` to its end."""
        waiting, told = deque[e.Event]([e.BackupLicensed(backup=SNAPSHOT.name)]), []
        while waiting:
            event = waiting.popleft()
            told.append(event)
            waiting.extend(self._hear(event))
        return told

    def go_on(self, ended: e.Event) -> list[e.Event]:
        """What restore.prepare says to the end of a backup."""
        needs = restore_prepare.PrepareNeeds(self.destinations, self.cluster, CONSOLE, QUEUEING, self.clock)
        return list(restore_prepare.go_on(self.event(ended), needs))

    @property
    def snapshot(self) -> BackupRecord:
        """The safety snapshot's final record."""
        return ledger.read(self.store, keys.final(SNAPSHOT), BackupRecord)

    @property
    def taken(self) -> Captured:
        """What it holds."""
        return load_all(self.store, self.repository, self.snapshot.manifest or "")

    def _hear(self, event: e.Event) -> Iterator[e.Event]:
        match event:
            case e.BackupLicensed():
                needs = manifest_capture.CaptureNeeds(
                    self.destinations, self.cluster, CONSOLE, QUEUEING, HOLDING, self.clock
                )
                yield from manifest_capture.capture(self.event(event), needs)
            case e.VolumesCopyRequested():
                self._copy(next(pod for pod in self._plan_of_snapshot().pods if pod.key == event.pod))
            case e.BackupPlanned():
                ends = backup_finalize.FinalizeBackupNeeds(self.destinations, self.clock)
                yield from backup_finalize.finalize(self.event(event), ends)

    def _plan_of_snapshot(self) -> BackupPlan:
        return ledger.read(self.store, keys.plan(SNAPSHOT), BackupPlan)

    def _copy(self, plan: PodPlan) -> None:
        copied = [each for each in plan.volumes if each.claim not in self.uncopied]
        lost = [Message(code=Code.VOLUME_NOT_COPIED, text="lost") for each in plan.volumes if each not in copied]
        sizes = dict.fromkeys(("scanned_bytes", "changed_bytes", "uploaded_bytes", "files"), 1)
        records = [
            VolumeRecord(
                namespace=plan.namespace, pod=plan.name, name=v.name, kind=v.kind, claim=v.claim, volume_id="s", **sizes
            )
            for v in copied
        ]
        result = PodResult(pod=plan.key, volumes=records, errors=lost, finished_at=self.now)
        ledger.create(self.store, keys.pod_result(SNAPSHOT, plan.key), result)


def user(name: str, slug: str = "shop") -> Object:
    """A pod that mounts the claim `name`, and has it backed up."""
    return pod(f"{name}-0", CONSOLE, labels=label(slug), annotations=opted_in("d"), volumes={"d": on_claim(name)})


def application(slug: str, text: str) -> list[Object]:
    """Configuration, and a pod with a claim, called as the application."""
    held = claim(slug, CONSOLE, labels=label(slug))
    return [config(f"{slug}-config", text, slug), held, volume(f"pv-{slug}", held), user(slug, slug)]


def planned(captured: list[Object], live: list[Object] | None = None, **asked: Any) -> Snapshotting:
    claims = [(CONSOLE, obj["metadata"]["name"]) for obj in captured if obj["kind"] == "PersistentVolumeClaim"]
    restored = Snapshotting(captured, [app("shop"), app("blog")], live, claims)
    restored.request(**asked)
    return restored


def texts(restored: Restoring) -> dict[str, str]:
    return {found["metadata"]["name"]: found["data"]["text"] for found in restored.cluster.list(CONFIG_MAPS, CONSOLE)}


def test_nothing_goes_before_the_snapshot_of_it_has_ended() -> None:
    live = [*application("shop", "new"), *application("blog", "new")]
    restored = planned(application("shop", "old"), live, scope="applications", app="shop")
    untouched = restored.cluster.writes
    announced, begun = restored.prepare()
    assert isinstance(announced, e.RestorePlanned)
    assert (announced.replaced, announced.snapshot) == (3, "r-before")
    assert begun == e.BackupLicensed(backup="r-before", app="shop")
    assert restored.undeploy("shop") == []
    assert restored.cluster.writes == untouched
    *_, ended = restored.take()
    assert isinstance(ended, e.BackupCompleted)
    assert restored.undeploy("shop") == [e.RestorePrepared(restore="r", owner="shop")]
    assert [pod["metadata"]["name"] for pod in restored.cluster.list(PODS, CONSOLE)] == ["blog-0"]
    restored.undeploy("shop")
    assert titles(restored.taken.objects)[:3] == ["Pod/shop-0", "ConfigMap/shop-config", "PersistentVolumeClaim/shop"]
    assert titles(restored.taken.objects)[3:] == ["Namespace/console", "PersistentVolume/pv-shop"]
    assert [obj["data"] for obj in restored.taken.objects if obj["kind"] == "ConfigMap"] == [{"text": "new"}]
    assert [each.key for each in restored.snapshot.volumes] == ["console/shop"]
    assert [each.slug for each in restored.snapshot.apps] == ["shop"]


def test_its_end_leads_on_and_that_of_another_backup_does_not() -> None:
    restored = planned(application("shop", "old"))
    restored.prepare()
    *_, ended = restored.take()
    assert restored.go_on(ended) == [
        e.RestoreUndeployRequested(restore="r", owner=owner) for owner in restored.plan.owners
    ]
    assert restored.go_on(e.BackupCompleted(backup="another-bcdfg")) == []
    assert restored.go_on(e.BackupCompleted(backup="nobodys-before")) == []


def test_a_restore_that_deletes_nothing_or_is_asked_to_take_none_takes_none() -> None:
    nothing = planned(application("shop", "old"), [])
    assert isinstance(nothing.prepare()[-1], e.RestoreUndeployRequested)
    assert nothing.plan.snapshot is None
    without = planned(application("shop", "old"), safety_snapshot=False)
    assert isinstance(without.prepare()[-1], e.RestoreUndeployRequested)
    assert without.plan.snapshot is None


def test_an_owner_of_whom_a_volume_is_not_in_it_stays_as_it_is_and_the_other_is_restored() -> None:
    live = [*application("shop", "new"), *application("blog", "new")]
    restored = planned([*application("shop", "old"), *application("blog", "old")], live)
    restored.uncopied = {"shop"}
    restored.prepare()
    assert isinstance(restored.take()[-1], e.BackupPartiallyFailed)
    said = restored.undeploy()
    assert e.RestoreApplied(restore="r", owner="shop") in said
    assert e.RestorePrepared(restore="r", owner="blog") in said
    assert texts(restored) == {"shop-config": "new"}
    error = ended(restored, "shop")
    assert error.code == Code.NO_SAFETY_SNAPSHOT
    assert (
        "nothing of it deleted: the safety snapshot r-before does not hold the volume console/shop: lost" in error.text
    )


def ended(restored: Restoring, owner: str) -> Message:
    [error] = ledger.read(restored.store, keys.owner_ended(RESTORE, owner), OwnerEnded).errors
    return error


def test_a_snapshot_that_was_cancelled_ends_the_restore_before_anything_is_touched() -> None:
    restored = planned(application("shop", "old"), application("shop", "new"))
    untouched = restored.cluster.writes
    restored.prepare()
    ledger.put(restored.store, keys.cancel(SNAPSHOT), Record())
    told = restored.take()[-1]
    assert isinstance(told, e.BackupCancelled)
    assert e.RestoreApplied(restore="r", owner="shop") in restored.undeploy()
    assert "the safety snapshot r-before ended Cancelled: cancelled on request" in ended(restored, "shop").text
    assert restored.cluster.writes == untouched
    restored.apply("_")
    assert isinstance(restored.finalize()[-1], e.RestoreFailed)
    assert restored.final
    assert restored.final.snapshot == "r-before"


def test_the_cancel_of_a_restore_cancels_it_too() -> None:
    restored = planned(application("shop", "old"))
    restored.prepare()
    restored.cancel()
    assert isinstance(restored.take()[-1], e.BackupCancelled)
    assert [type(event) for event in restored.undeploy("shop")] == [e.RestoreCancelled]


def test_the_end_of_a_restore_ends_it_too() -> None:
    restored = planned(application("shop", "old"))
    restored.prepare()
    endings.fail(restored.store, RESTORE, restored.now, Message(code=Code.STALLED, text="no progress"))
    assert isinstance(restored.take()[-1], e.BackupCancelled)


def test_a_claim_that_no_pod_mounts_is_copied_through_a_helper_that_goes_before_the_claim() -> None:
    live = [obj for obj in application("shop", "new") if obj["kind"] != "Pod"]
    restored = planned(application("shop", "old"), live)
    restored.prepare()
    with pytest.raises(NotYet, match="console/shop"):
        restored.take()
    restored.start_helpers("shop")
    assert isinstance(restored.take()[-1], e.BackupCompleted)
    assert "Pod/" not in "".join(titles(restored.taken.objects))
    assert [each.claim for each in restored.snapshot.volumes] == ["shop"]
    assert list(restored.cluster.list(PODS, CONSOLE, RESTORE_LABEL))
    assert restored.undeploy("shop") == [e.RestorePrepared(restore="r", owner="shop")]
    assert not list(restored.cluster.list(PODS, CONSOLE, RESTORE_LABEL))
    assert not list(restored.cluster.list(CLAIMS, CONSOLE))


def test_a_helper_that_does_not_start_holds_up_its_owner_alone_and_goes() -> None:
    live = [obj for obj in application("shop", "new") if obj["kind"] != "Pod"]
    restored = planned([*application("shop", "old"), *application("blog", "old")], [*live, *application("blog", "new")])
    restored.prepare()
    with pytest.raises(NotYet):
        restored.take()
    restored.now += HOLDING.patience * 2
    restored.take()
    said = restored.undeploy()
    assert e.RestoreApplied(restore="r", owner="shop") in said
    assert e.RestorePrepared(restore="r", owner="blog") in said
    assert "does not hold the volume console/shop" in ended(restored, "shop").text
    assert not list(restored.cluster.list(PODS, CONSOLE, RESTORE_LABEL))


def test_its_helpers_go_when_the_restore_ends() -> None:
    live = [obj for obj in application("shop", "new") if obj["kind"] != "Pod"]
    restored = planned(application("shop", "old"), live)
    restored.prepare()
    with pytest.raises(NotYet):
        restored.take()
    restored.cancel()
    assert [type(event) for event in restored.undeploy("shop")] == [e.RestoreCancelled]
    restored.clear()
    assert not list(restored.cluster.list(PODS, CONSOLE, RESTORE_LABEL))


def test_preparing_again_after_it_was_killed_makes_the_same_snapshot() -> None:
    restored = planned(application("shop", "old"))
    restored.prepare()
    made = restored.store.get(keys.request(SNAPSHOT))
    restored.store.delete(keys.plan(RESTORE))
    restored.now += timedelta(minutes=1)
    assert isinstance(restored.prepare()[-1], e.BackupLicensed)
    assert restored.store.get(keys.request(SNAPSHOT)) == made


def test_while_it_moves_the_restore_is_not_nudged_and_when_both_stand_still_it_is() -> None:
    restored = planned(application("shop", "old"))
    restored.prepare()
    needs = watchdog.WatchdogNeeds(
        restored.destinations, timedelta(minutes=5), restored.clock, lambda _queue: QueueState(1, 0)
    )

    def tick(later: timedelta) -> list[e.Event]:
        restored.now += later
        return list(watchdog.tick(restored.event(e.TickMinute(minute="m")), needs))

    assert tick(timedelta(minutes=4)) == []
    ledger.pulse(restored.store, SNAPSHOT)
    assert tick(timedelta(minutes=4)) == []
    nudged = [type(event) for event in tick(timedelta(minutes=4))]
    assert all(kind in nudged for kind in (e.RestoreStalled, e.BackupStalled, e.BackupLicensed))


def test_it_is_not_deleted_while_its_restore_runs() -> None:
    restored = planned(application("shop", "old"))
    restored.prepare()
    restored.take()
    asked = restored.event(e.BackupDeleteRequested(backup=SNAPSHOT.name))
    [refused] = maintain.delete(asked, maintain.MaintainNeeds(restored.destinations))
    assert isinstance(refused, e.BackupDeleteFailed)
    assert refused.reason.code == Code.BACKUP_IN_USE


def test_a_rollback_brings_back_what_was_deleted_and_takes_away_what_came() -> None:
    old = [config("a", "old"), config("came", "old")]
    restored = planned(old, [config("a", "new"), config("newer", "new"), config("other", "new", "blog")], app="shop")
    restored.prepare()
    restored.take()
    restored.undeploy()
    restored.apply()
    assert texts(restored) == {"a": "old", "came": "old", "other": "new"}
    restored.now += timedelta(minutes=1)
    back = restored.again("back", backup=SNAPSHOT.name, scope="applications", app="shop", safety_snapshot=False)
    back.prepare()
    back.undeploy()
    back.apply()
    assert texts(restored) == {"a": "new", "newer": "new", "other": "new"}
