"""Jobs that would spoil each other wait in line, and a backup that is being deleted is restored by nobody."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from producers.views.jobs import running_restore
from schemas import events as e
from schemas import keys
from schemas.errors import NotYet
from schemas.job import backup, restore
from schemas.records import Queued, RestoreRequest
from tests.support.world import CONSOLE, HOLDING, QUEUEING, World, config_map
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import endings, ledger, progress
from workers.jobs.at_work import at_work
from workers.ports import StoredObject
from workers.steps import maintain, manifest_capture, restore_clear, restore_prepare

SHOP_LABELS = {"kots.io__app-slug": "shop", "kots.io__backup": "velero"}


@pytest.fixture(scope="module")
def authority_world() -> World:
    return World()


@pytest.fixture
def world(authority_world: World) -> World:
    """The shop with a backup of it; the vendor's keys are made once, as that takes seconds."""
    fresh = World(authority=authority_world.authority)
    fresh.cluster = type(fresh.cluster)([config_map("shop", "c", **SHOP_LABELS)])
    fresh.register("shop")
    return fresh


@dataclass
class Heard:
    """What a step has said, and what it waits for, if it does."""

    said: list[e.Event] = field(default_factory=list)
    waits: str = ""


def _heard(step: Iterator[e.Event]) -> Heard:
    heard = Heard()
    try:
        for event in step:
            heard.said.append(event)
    except NotYet as error:
        heard.waits = str(error)
    return heard


def _prepare(world: World, name: str) -> Heard:
    needs = restore_prepare.PrepareNeeds(world.destinations, world.cluster, CONSOLE, QUEUEING, world.clock)
    backup_name = ledger.read(world.store, keys.request(restore(name)), RestoreRequest).backup
    event = e.wrap(e.RestoreLicensed(restore=name, backup=backup_name), source="tests", time=world.now)
    return _heard(restore_prepare.prepare(event, needs))


def _clear(world: World, end: e.Event) -> Heard:
    event: Any = e.wrap(end, source="tests", time=world.now)
    return _heard(restore_clear.clear(event, restore_clear.ClearNeeds(world.destinations, world.cluster, world.clock)))


def _capture(world: World, name: str) -> Heard:
    return _heard(_capturing(world, name))


def _capturing(world: World, name: str) -> Iterator[e.Event]:
    needs = manifest_capture.CaptureNeeds(world.destinations, world.cluster, CONSOLE, QUEUEING, HOLDING, world.clock)
    event = e.wrap(e.BackupLicensed(backup=name), source="tests", time=world.now)
    return manifest_capture.capture(event, needs)


def _backed_up(world: World) -> str:
    told = world.backup("first", "shop")
    assert isinstance(told[-1], e.BackupCompleted)
    return told[-1].backup


def _restore(world: World, backup_name: str, id_: str) -> str:
    [told] = world.request(e.RestoreRequested(backup=backup_name), id_)
    assert isinstance(told, e.RestoreLicensed)
    return told.restore


def test_a_second_restore_of_the_application_waits_until_the_first_has_ended(world: World) -> None:
    made = _backed_up(world)
    first, second = _restore(world, made, "one"), _restore(world, made, "two")
    assert _prepare(world, first).waits in ("", "waiting for configmaps shop/c to be gone")
    heard = _prepare(world, second)
    assert heard.said == [e.RestoreQueued(restore=second, behind=f"restore {first}")]
    assert heard.waits == f"waiting in line behind restore {first}"
    assert _prepare(world, second).said == []  # it is told once
    shown = running_restore(world.store, second)
    assert shown is not None
    assert (shown.status, str(shown.notes[-1]).split(" since")[0]) == ("Queued", heard.waits)
    assert running_restore(world.store, first).status == "InProgress"  # type: ignore[union-attr]
    end = endings.cancel(world.store, restore(first), world.now)
    with at_work(world.store, restore(first), "a slow wave"):
        assert "still at work" in _clear(world, end).waits
        assert _prepare(world, second).waits == heard.waits, "the end alone lets nobody in"
    assert _clear(world, end).waits == ""
    assert "in line" not in _prepare(world, second).waits


class _HeldUp(MemoryObjectStore):
    """Others go on while a step is held up before it notes that it holds what it claims."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] = lambda: None

    def create(self, key: str, body: bytes) -> bool:
        if key.endswith("/turn.json"):
            self.meanwhile()
        return super().create(key, body)


def test_what_a_step_claims_for_a_backup_that_has_ended_meanwhile_it_gives_back(world: World) -> None:
    store = world.store = _HeldUp()
    world.destinations = MemoryDestinations({"default": (store, world.repository)})
    [told] = world.request(e.BackupRequested(app="shop"))
    assert isinstance(told, e.BackupLicensed)
    store.meanwhile = lambda: endings.cancel(store, told.job, world.now)
    assert [type(said) for said in _capture(world, told.backup).said] == [e.BackupCancelled]
    assert not list(store.list("claims/"))
    assert not ledger.exists(store, keys.plan(told.job))
    store.put(keys.sharer("application/shop", told.job, "a run that was killed then"), b"{}")
    step = _capturing(world, told.backup)
    assert isinstance(next(step), e.BackupCancelled)
    assert list(store.list("claims/")), "the end is told first: the broker may lose what would come again"
    assert list(step) == []
    assert not list(store.list("claims/"))


def test_who_comes_after_the_end_releases_what_is_claimed_only_if_who_ended_it_has_not(world: World) -> None:
    made = backup(_backed_up(world))
    world.store.put(keys.sharer("application/shop", made, "a run"), b"{}")
    progress.settled(world.store, made, world.now)
    assert list(world.store.list("claims/"))
    ledger.begin(world.store, made)
    progress.settled(world.store, made, world.now)
    assert not list(world.store.list("claims/"))


def test_a_backup_of_an_application_under_restore_waits_and_one_of_another_does_not(world: World) -> None:
    world.register("blog")
    made = _backed_up(world)
    restoring = _restore(world, made, "one")
    _prepare(world, restoring)
    [shop] = world.request(e.BackupRequested(app="shop"), "again")
    heard = _capture(world, str(shop.subject))
    assert heard.said == [e.BackupQueued(backup=str(shop.subject), behind=f"restore {restoring}")]
    [blog] = world.request(e.BackupRequested(app="blog"), "another")
    assert _capture(world, str(blog.subject)).waits == ""
    [full] = world.request(e.BackupRequested(), "everything")
    assert "in line" in _capture(world, str(full.subject)).waits


def test_who_has_waited_for_too_long_fails_and_says_for_whom(world: World) -> None:
    made = _backed_up(world)
    first, second = _restore(world, made, "one"), _restore(world, made, "two")
    _prepare(world, first)
    _prepare(world, second)
    assert ledger.read(world.store, keys.queued(restore(second)), Queued).behind == f"restore {first}"
    world.now += QUEUEING.patience + timedelta(seconds=1)
    [told] = _prepare(world, second).said
    assert isinstance(told, e.RestoreFailed)
    assert f"for restore {first} to end" in str(told.reason)
    assert "in line" not in _prepare(world, first).waits


class Interrupted(MemoryObjectStore):
    """Lets others act at a moment of a deletion: just before `at` is listed, or deleted."""

    at: str = ""
    act: Callable[[], object] = staticmethod(lambda: None)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        self._meanwhile(prefix)
        return super().list(prefix)

    def delete(self, key: str) -> None:
        self._meanwhile(key)
        super().delete(key)

    def _meanwhile(self, key: str) -> None:
        if self.at and key == self.at:
            self.at = ""
            self.act()


def _delete(world: World, name: str) -> list[e.Event]:
    event = e.wrap(e.BackupDeleteRequested(backup=name), source="tests", time=world.now, id="delete")
    return list(maintain.delete(event, maintain.MaintainNeeds(world.destinations, moment=timedelta(0))))


def _interrupted(world: World) -> Interrupted:
    store = Interrupted()
    world.store = store
    world.destinations = MemoryDestinations({"default": (store, world.repository)})
    return store


def test_a_deletion_refuses_while_a_restore_uses_the_backup_and_leaves_it_whole(world: World) -> None:
    made = _backed_up(world)
    name = _restore(world, made, "one")
    [told] = _delete(world, made)
    assert isinstance(told, e.BackupDeleteFailed)
    assert f"restore {name} is using" in str(told.reason)
    assert not ledger.deleted(world.store, backup(made))
    assert "being deleted" not in _prepare(world, name).waits


def test_a_restore_that_is_asked_for_while_the_deletion_looks_is_refused(world: World) -> None:
    store = _interrupted(world)
    made = _backed_up(world)
    answers: list[e.Event] = []
    store.at, store.act = (
        keys.running_of("restore"),
        lambda: answers.extend(world.request(e.RestoreRequested(backup=made), "in between")),
    )
    [told] = _delete(world, made)
    assert isinstance(told, e.BackupDeleted)
    [answer] = answers
    assert isinstance(answer, e.RestoreRejected)
    assert "being deleted" in str(answer.reasons[0])


def test_a_restore_that_got_through_the_gate_in_time_holds_the_deletion_up_or_waits_for_it(world: World) -> None:
    store = _interrupted(world)
    made = _backed_up(world)
    name = _restore(world, made, "one")
    waits: list[str] = []
    store.at, store.act = keys.running_of("restore"), lambda: waits.append(_prepare(world, name).waits)
    [told] = _delete(world, made)
    assert isinstance(told, e.BackupDeleteFailed)
    assert waits == [f"backup {made} is being deleted"]
    assert "being deleted" not in _prepare(world, name).waits
