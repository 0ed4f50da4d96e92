"""What is held is not deleted, whoever asks; and each backup knows until when it is to be kept."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from producers.cli.main import cli
from producers.views.catalog import open_catalog
from schemas import events as e
from schemas import keys
from schemas.errors import Code, Invalid, NotFound
from schemas.job import Job, backup
from schemas.records import Tombstone
from tests.support.front import NOON, Front
from tests.support.world import World
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.ports import ObjectStore
from workers.retention import holds
from workers.steps import maintain
from workers.steps.maintain import MaintainNeeds

WITH_TTL = "apiVersion: velero.io/v1\nkind: Backup\nmetadata: {name: b}\nspec: {includedNamespaces: [shop], ttl: 48h}\n"


@pytest.fixture
def world() -> World:
    made = World()
    made.register("shop")
    return made


def _made(world: World, id_: str = "r") -> Job:
    [name] = {event.backup for event in world.backup(id_) if isinstance(event, e.BackupFinal)}
    return backup(name)


def _delete(world: World, job: Job) -> list[e.Event]:
    event = e.wrap(e.BackupDeleteRequested(backup=job.name), id="d", source="tests", time=world.now)
    return list(maintain.delete(event, MaintainNeeds(world.destinations, moment=timedelta(0))))


def test_what_is_held_is_not_deleted_and_afterwards_it_is(world: World) -> None:
    job = _made(world)
    holds.hold(world.store, job, "for the auditors", "ada", world.now)
    [refused] = _delete(world, job)
    assert isinstance(refused, e.BackupDeleteFailed)
    assert refused.reason.code == Code.BACKUP_HELD
    assert "by ada" in refused.reason.text
    assert "for the auditors" in refused.reason.text
    assert ledger.finished_backup(world.store, job.name) is not None
    assert not ledger.deleted(world.store, job)
    holds.unhold(world.store, job)
    assert isinstance(_delete(world, job)[-1], e.BackupDeleted)
    assert ledger.finished_backup(world.store, job.name) is None


def test_the_tombstone_stays_where_another_deletion_has_come_further(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, the backup would come back when its request is told again."""
    job, refusal = _made(world), holds.refusal

    def goes_meanwhile(*given: Any) -> Any:
        said = refusal(*given)
        world.store.delete(keys.final(job))
        return said

    holds.hold(world.store, job, "too late", "ada", world.now)
    monkeypatch.setattr(holds, "refusal", goes_meanwhile)
    assert isinstance(_delete(world, job)[-1], e.BackupDeleted)
    assert ledger.deleted(world.store, job)


def test_who_looked_while_another_run_gave_the_backup_up_looks_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what was begun since, as nothing said that the backup goes, would lose it."""
    job, refusal, looks = _made(world), holds.refusal, list[Job]()

    def another_gives_up(store: ObjectStore, looked_at: Job) -> Any:
        said = refusal(store, looked_at)
        looks.append(looked_at)
        if len(looks) == 1:
            store.delete(keys.deleted(job))
            holds.hold(world.store, job, "begun since", "ada", world.now)
        return said

    monkeypatch.setattr(holds, "refusal", another_gives_up)
    [refused] = _delete(world, job)
    assert isinstance(refused, e.BackupDeleteFailed)
    assert refused.reason.code == Code.BACKUP_HELD
    assert ledger.finished_backup(world.store, job.name) is not None


def test_a_deletion_whose_tombstone_another_run_takes_away_too_late_is_one_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, delete = _made(world), MemoryObjectStore.delete

    def deleted(store: MemoryObjectStore, key: str) -> None:
        delete(store, key)
        if key == keys.final(job):
            delete(store, keys.deleted(job))

    monkeypatch.setattr(MemoryObjectStore, "delete", deleted)
    assert isinstance(_delete(world, job)[-1], e.BackupDeleted)
    assert ledger.deleted(world.store, job)
    assert not [found.key for found in world.store.list(keys.of(job)) if "plan" in found.key]


def test_of_two_holds_the_first_stands_and_one_listing_finds_all(world: World) -> None:
    jobs = [_made(world, id_) for id_ in ("r", "s")]
    for job in jobs:
        holds.hold(world.store, job, "first", "ada", world.now)
    assert holds.hold(world.store, jobs[0], "second", "bob", world.now).by == "ada"
    assert holds.names(world.store) == {job.name for job in jobs}


def test_what_is_being_deleted_or_not_there_cannot_be_held(world: World) -> None:
    job = _made(world)
    ledger.put(world.store, keys.deleted(job), Tombstone())
    with pytest.raises(Invalid, match="deleted"):
        holds.hold(world.store, job, "", "ada", world.now)
    assert holds.held(world.store, job) is None
    for name in ("nope", "../odd"):
        with pytest.raises(NotFound):
            holds.hold(world.store, backup(name), "", "ada", world.now)


def test_the_record_says_when_it_expires_also_one_that_has_failed() -> None:
    world = World()
    world.register("shop", backup=WITH_TTL)
    asked: dict[str, e.BackupRequested] = {
        "full": e.BackupRequested(),
        "own": e.BackupRequested(app="shop"),
        "asked": e.BackupRequested(app="shop", ttl="1h"),
    }
    kept = {}
    for id_, request in asked.items():
        licensed = world.request(request, id_)[-1]
        assert isinstance(licensed, e.BackupLicensed)
        for planned in world.hear(licensed):
            list(world.hear(planned))
        record = ledger.finished_backup(world.store, licensed.backup)
        assert record is not None
        kept[id_] = record.expires_at and record.expires_at - record.requested_at
    assert kept == {"full": None, "own": timedelta(hours=48), "asked": timedelta(hours=1)}


@pytest.fixture
def front(tmp_path: Path) -> Front:
    made = Front(tmp_path)
    made.back_up("a")
    made.begin("b")
    made.finish("b", expires_at=NOON + timedelta(hours=720))
    return made


def _run(front: Front, *arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), obj=front.session)


def test_on_the_command_line(front: Front) -> None:
    assert "a is held by snapline" in _run(front, "hold", "a", "--reason", "audit").stderr
    refused = _run(front, "delete", "backup", "a", "--yes").exception
    assert isinstance(refused, Invalid)
    assert (refused.code, refused.subject) == (Code.BACKUP_HELD, "a")
    listed = {row["name"]: row for row in json.loads(_run(front, "get", "backups", "-o", "json").stdout)}
    assert [(row["held"], row["expires_at"]) for row in map(listed.get, "ab") if row] == [
        (True, None),
        (False, "2026-12-23T12:00:00+00:00"),
    ]
    described = json.loads(_run(front, "describe", "backup", "a", "-o", "json").stdout)
    assert described["held"]
    assert described["hold"].endswith("audit")
    assert "it was held by snapline" in _run(front, "unhold", "a").stderr
    assert "was not held" in _run(front, "unhold", "a").stderr
    assert not any(view.held for view in open_catalog(front.session).backups())
    assert _run(front, "delete", "backup", "a", "--yes").exit_code == 0


def test_a_backup_may_be_asked_for_with_its_ttl(front: Front) -> None:
    assert _run(front, "backup", "--ttl", "1 month").exit_code == 0
    asked = front.bus.published[-1].data
    assert isinstance(asked, e.BackupRequested)
    assert asked.ttl == "720h"
    assert isinstance(_run(front, "backup", "--ttl", "-1h").exception, Invalid)
