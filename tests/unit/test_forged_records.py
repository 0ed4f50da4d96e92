"""Who can write to the bucket, and has no passphrase, steers no restore, no deletion and nobody's belief."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from producers.actions import upkeep
from producers.views import jobs as views
from schemas import events as e
from schemas import keys
from schemas.errors import Code, Damaged
from schemas.job import backup, restore
from schemas.kubernetes import PODS, Object
from schemas.messages import Message
from schemas.records import Applied, BackupRecord, OwnerEnded, Record, Tombstone, Undeployed, VolumeResult
from tests.support.front import Front, volume
from tests.support.objects import claim, make, on_claim, opted_in, pod
from tests.support.restores import CONSOLE, RESTORE, Restoring, app, label
from tests.support.world import World
from workers.jobs import endings, ledger, restorable
from workers.ports import ObjectStore
from workers.steps import maintain, watchdog

OTHER = restore("other")
APPS = [app("shop"), app("blog")]


def _config(name: str, slug: str, text: str) -> Object:
    return make("ConfigMap", name, CONSOLE, labels=label(slug), data={"text": text})


def _planned() -> Restoring:
    """Two restores of one backup, each of another application, that have deleted nothing yet."""
    restored = Restoring(
        [_config("shop", "shop", "old"), _config("blog", "blog", "old")],
        APPS,
        [_config("shop", "shop", "new"), _config("blog", "blog", "new")],
    )
    restored.request(scope="applications", app="shop")
    restored.prepare()
    other = restored.again(OTHER.name, scope="applications", app="blog")
    other.prepare()
    return restored


def _there(restored: Restoring) -> dict[str, Any]:
    return {
        f"{obj['kind']}/{obj['metadata']['name']}": obj
        for type_ in restored.cluster.discover().types
        for obj in restored.cluster.list(type_, CONSOLE if type_.namespaced else None)
    }


def _go_on(restored: Restoring) -> None:
    """All steps that are left."""
    restored.finalize()
    restored.undeploy("_", "shop")
    restored.apply("_", "shop")
    restored.finalize()


def _plain(record: Record) -> bytes:
    """As whoever knows the schema would write it."""
    return record.model_dump_json(exclude_none=True).encode()


def _move(objects: ObjectStore, source: str, target: str) -> None:
    objects.put(target, objects.get(source))


# --- restores


def test_what_one_restore_deletes_cannot_be_given_to_another() -> None:
    restored = _planned()
    before = _there(restored)
    first, second = (restored.objects.get(keys.undeploy(job)) for job in (RESTORE, OTHER))
    restored.objects.put(keys.undeploy(RESTORE), second)
    restored.objects.put(keys.undeploy(OTHER), first)
    with pytest.raises(Damaged, match=r"restores/r/undeploy\.json is not believed"):
        restored.undeploy("shop")
    assert _there(restored) == before
    restored.objects.put(keys.undeploy(RESTORE), first)
    restored.undeploy("shop")
    assert _there(restored).keys() == before.keys() - {"ConfigMap/shop"}


STEERING: dict[str, Callable[[Restoring], str]] = {
    "request": lambda _: keys.request(RESTORE),
    "plan": lambda _: keys.plan(RESTORE),
    "undeploy": lambda _: keys.undeploy(RESTORE),
    "cancel": lambda _: keys.cancel(RESTORE),
    "end": lambda _: keys.final(RESTORE),
    "undeployed": lambda _: keys.undeployed(RESTORE, "shop"),
    "owner ended": lambda _: keys.owner_ended(RESTORE, "shop"),
    "put back": lambda _: keys.stage_began(RESTORE, "put-back", "shop"),
}


@pytest.mark.parametrize("what", STEERING)
def test_a_restore_that_meets_a_record_of_somebody_else_deletes_and_creates_nothing(what: str) -> None:
    restored = _planned()
    key, before = STEERING[what](restored), _there(restored)
    ours = restored.store.get(key) if ledger.exists(restored.store, key) else b'{"finished_at":"2026-11-26T00:00:00Z"}'
    other = f"{key.removesuffix('.json')}-another.json"
    restored.store.put(other, ours)
    for forged in (ours, restored.objects.get(other)):
        restored.objects.put(key, forged)
        with pytest.raises(Damaged) as error:
            _go_on(restored)
        assert (error.value.code, error.value.subject) == (Code.RECORD_NOT_AUTHENTIC, key)
        assert _there(restored) == before


def test_nothing_is_planned_by_a_backup_of_somebody_else() -> None:
    restored = Restoring([_config("shop", "shop", "old")], APPS, [_config("shop", "shop", "new")])
    restored.request()
    before, record = _there(restored), ledger.finished_backup(restored.store, "b")
    assert record
    restored.objects.put(keys.final(backup("b")), _plain(record))
    with pytest.raises(Damaged):
        restored.prepare()
    with pytest.raises(Damaged):
        restorable.usable(restored.store, "b")
    assert not ledger.exists(restored.store, keys.undeploy(RESTORE))
    assert _there(restored) == before


def test_nothing_starts_over_a_volume_that_somebody_says_is_written() -> None:
    db = pod("db-0", CONSOLE, labels=label("shop"), annotations=opted_in("data"), volumes={"data": on_claim("data")})
    captured = [claim("data", CONSOLE, labels=label("shop")), db]
    restored = Restoring(captured, [app("shop")], live=[make("Namespace", CONSOLE)], claims=[(CONSOLE, "data")])
    restored.request()
    restored.prepare()
    restored.undeploy()
    restored.apply("_", "shop")
    result = VolumeResult(volume="console/data", bytes=1, files=1, finished_at=restored.now)
    restored.objects.put(keys.volume_result(RESTORE, "console/data"), _plain(result))
    with pytest.raises(Damaged, match="volumes/console"):
        restored.apply("shop")
    assert "db-0" not in {each["metadata"]["name"] for each in restored.cluster.list(PODS, CONSOLE)}


def test_what_was_deleted_is_put_back_though_somebody_says_it_was() -> None:
    restored = _planned()
    restored.undeploy("shop")
    endings.fail(restored.store, RESTORE, restored.now, Message(code=Code.STALLED, text="stalled"))
    done = Applied(created=1, existing=0, finished_at=restored.now)
    restored.objects.put(keys.put_back(RESTORE, "shop"), _plain(done))
    with pytest.raises(Damaged, match="put-back"):
        restored.clear()
    assert _there(restored)["ConfigMap/shop"]["data"] == {"text": "new"}
    assert ledger.exists(restored.store, keys.running(RESTORE)), "the watchdog comes back to it"
    assert Code.RECORD_NOT_AUTHENTIC in {each.code for each in views.restore(restored.store, RESTORE.name).errors}


def test_a_restore_ends_though_its_plan_is_not_believed_and_says_so() -> None:
    restored = _planned()
    _move(restored.objects, keys.plan(OTHER), keys.plan(RESTORE))
    [said] = [said for said in _tick(restored) if said.restore == RESTORE.name]  # type: ignore[attr-defined]
    assert isinstance(said, e.RestoreFailed)
    assert said.reason
    assert said.reason.code == Code.RECORD_NOT_AUTHENTIC
    assert restored.final
    assert restored.final.status == "Failed"
    details = views.restore(restored.store, RESTORE.name)
    assert [each.code for each in details.errors].count(Code.RECORD_NOT_AUTHENTIC) >= 1


# --- backups


def _world() -> World:
    """With an application."""
    world = World()
    world.register("shop")
    return world


def _completed(name: str) -> BackupRecord:
    fields = {
        "name": name,
        "request": "q",
        "requested_at": "2026-11-26T00:00:00Z",
        "completed_at": "2026-11-26T01:00:00Z",
    }
    return BackupRecord.model_validate({**fields, "status": "Completed", "volumes": [volume("v")]})


def _forgeries(world: World) -> Iterable[tuple[str, str, bytes]]:
    """Names of backups, a key of each, and what somebody puts there: made up, and taken from a good backup."""
    good = str(world.backup("good")[-1].subject)
    world.request(e.BackupRequested(), "bad")
    bad = next(keys.parse_running(found.key).name for found in world.store.list(keys.running_of("backup")))
    for body in (_plain(_completed(bad)), world.objects.get(keys.final(backup(good)))):
        yield bad, keys.final(backup(bad)), body


def test_a_backup_reads_completed_by_its_own_record_alone() -> None:
    world = _world()
    for name, key, forged in _forgeries(world):
        world.objects.put(key, forged)
        looks: list[Callable[[], object]] = [
            lambda: views.backup(world.store, name),  # noqa: B023
            lambda: views.has_ended(world.store, backup(name)),  # noqa: B023
            lambda: restorable.usable(world.store, name),  # noqa: B023
            lambda: endings.ended(world.store, backup(name)),  # noqa: B023
        ]
        for look in looks:
            with pytest.raises(Damaged, match="is not believed"):
                look()
        _tick(world)
        assert world.objects.get(key) == forged, "nobody ends it in another way"


def test_a_failed_backup_does_not_become_whole_by_the_end_of_another() -> None:
    world = _world()
    [(name, key, forged), *_] = _forgeries(world)
    endings.fail(world.store, backup(name), world.now, Message(code=Code.STALLED, text="stalled"))
    world.objects.put(key, forged)
    with pytest.raises(Damaged):
        restorable.usable(world.store, name)


def test_no_volume_goes_for_what_somebody_says_of_its_backup(tmp_path: Path) -> None:
    front = Front(tmp_path)
    front.back_up("a", "b")
    in_use = ledger.volumes_in_use(front.store)
    good = front.objects.get(keys.final(backup("a")))
    front.objects.put(keys.final(backup("a")), _plain(_completed("a")))
    with pytest.raises(Damaged):
        ledger.volumes_in_use(front.store)
    with pytest.raises(Damaged):
        upkeep.prune(front.session)
    front.objects.put(keys.final(backup("a")), good)
    assert ledger.volumes_in_use(front.store) == in_use


def test_a_check_says_which_backups_are_not_believed_and_looks_at_the_others(tmp_path: Path) -> None:
    front = Front(tmp_path)
    front.back_up("a", "b")
    front.objects.put(keys.final(backup("a")), _plain(_completed("a")))
    for found in (upkeep.check(front.session), upkeep.verify(front.session).problems):
        assert [problem.code for problem in found].count(Code.RECORD_NOT_AUTHENTIC) == 1
        assert len(found) == 2, "of b, whose volume is nowhere"


@pytest.mark.parametrize("what", ["tombstone", "end"])
def test_no_backup_is_deleted_by_a_tombstone_of_somebody_else(what: str) -> None:
    world = _world()
    name = str(world.backup()[-1].subject)
    key = keys.deleted(backup(name)) if what == "tombstone" else keys.final(backup(name))
    world.objects.put(key, _plain(Tombstone(volume_ids=["v"])))
    before = {found.key for found in world.objects.list("")}
    event: Any = e.wrap(e.BackupDeleteRequested(backup=name), source="tests", time=world.now)
    with pytest.raises(Damaged):
        list(maintain.delete(event, maintain.MaintainNeeds(world.destinations)))
    assert {found.key for found in world.objects.list("")} == before


# --- the watchdog


def _tick(made: World | Restoring) -> list[e.Event]:
    """What the watchdog, to whom everything has stood still, tells before it says what it cannot believe."""
    needs = watchdog.WatchdogNeeds(made.destinations, timedelta(hours=-1), made.clock, lambda _: None)
    told: list[e.Event] = []
    event: Any = e.wrap(e.TickMinute(minute="m"), source="tests", time=made.now)
    with pytest.raises(Damaged):
        told.extend(watchdog.tick(event, needs))
    return told


def test_one_job_whose_records_are_not_believed_holds_up_no_other() -> None:
    restored = _planned()
    restored.objects.put(keys.running(RESTORE), b"{}")
    restored.objects.put(keys.request(RESTORE), b"{}")
    told = _tick(restored)
    assert {type(said) for said in told} == {e.RestoreStalled, e.RestorePlanned, e.RestoreUndeployRequested}
    assert {said.restore for said in told} == {OTHER.name}  # type: ignore[attr-defined]


def test_an_owner_is_not_restored_because_somebody_says_so() -> None:
    restored = _planned()
    for key, record in (
        (keys.undeployed(RESTORE, "shop"), Undeployed(finished_at=restored.now)),
        (keys.owner_ended(RESTORE, "shop"), OwnerEnded(finished_at=restored.now)),
    ):
        restored.objects.put(key, _plain(record))
        with pytest.raises(Damaged):
            _go_on(restored)
        assert restored.final is None
