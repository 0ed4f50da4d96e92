"""Refused requests: on record before they are told, told the same whenever they come again, and never done."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Code, Denied, Invalid, TransientError
from schemas.job import KINDS, Kind, name_for, request_uuid, restore
from schemas.messages import Message
from schemas.records import BackupRejection, Rejection, RestoreRejection, RestoreRequest
from tests.support.world import World, config_map
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger, rejections
from workers.steps import license_gate

REQUEST = request_uuid("somebody", "tests", "r")
CONFIG_MAP_LABELS = {"kots.io__app-slug": "shop", "kots.io__backup": "velero"}


@pytest.fixture(scope="module")
def authority_world() -> World:
    return World()


@pytest.fixture
def world(authority_world: World) -> World:
    """A fresh world with an authority that is made once: its keys take seconds."""
    fresh = World(authority=authority_world.authority)
    fresh.cluster = type(fresh.cluster)([config_map("shop", "c", **CONFIG_MAP_LABELS)])
    fresh.register("shop")
    return fresh


def _rejection(world: World, kind: Kind = "backup") -> Rejection:
    """The only one there is."""
    [found] = world.store.list(keys.rejections_of(kind))
    model: type[Rejection] = BackupRejection if kind == "backup" else RestoreRejection
    return ledger.read(world.store, found.key, model)


def test_a_refused_backup_is_on_record_with_what_was_asked(world: World) -> None:
    [told] = world.request(e.BackupRequested(app="nope", schedule="nightly"))
    assert isinstance(told, e.BackupRejected)
    uuid = request_uuid("somebody", "tests", "r")
    assert _rejection(world) == BackupRejection(
        name=name_for("nope", uuid),
        request=uuid,
        event_id="r",
        sender="somebody",
        rejected_at=world.now,
        app="nope",
        schedule="nightly",
        reasons=told.reasons,
    )
    assert not list(world.store.list("running/"))


def test_a_refused_restore_is_on_record_with_what_was_asked(world: World) -> None:
    asked = e.RestoreRequested(backup="nope", scope="applications", app="shop", keep_newer=True, safety_snapshot=False)
    [told] = world.request(asked)
    assert isinstance(told, e.RestoreRejected)
    uuid = request_uuid("somebody", "tests", "r")
    assert _rejection(world, "restore") == RestoreRejection(
        name=name_for("nope", uuid),
        request=uuid,
        event_id="r",
        sender="somebody",
        rejected_at=world.now,
        backup="nope",
        scope="applications",
        app="shop",
        keep_newer=True,
        safety_snapshot=False,
        reasons=told.reasons,
    )


@pytest.mark.parametrize("strange", ["../x", "A [/b] x", "a/b", "x" * 250])
def test_a_refused_request_has_a_name_whatever_it_asks_for(world: World, strange: str) -> None:
    world.request(e.BackupRequested(app=strange))
    world.request(e.RestoreRequested(backup=strange))
    names = [_rejection(world, kind).name for kind in KINDS]
    uuid = request_uuid("somebody", "tests", "r")
    assert names == [name_for("backup", uuid), name_for("restore", uuid)]


def test_a_refused_request_stays_refused_and_a_new_one_is_looked_at_anew(world: World) -> None:
    """Its answer may have been lost, so it comes again; meanwhile the application has been registered."""
    told = world.request(e.BackupRequested(app="late"))
    world.now += timedelta(hours=1)
    world.register("late")
    assert world.request(e.BackupRequested(app="late")) == told
    assert not list(world.store.list("backups/"))
    [other] = world.request(e.BackupRequested(app="late"), "another id")
    assert isinstance(other, e.BackupLicensed)


def test_a_restore_that_was_refused_never_begins(world: World) -> None:
    [running] = world.request(e.BackupRequested(app="shop"), "b")
    told = world.request(e.RestoreRequested(backup=str(running.subject)))
    assert isinstance(told[0], e.RestoreRejected)
    world.backup("b", "shop")
    assert world.request(e.RestoreRequested(backup=str(running.subject))) == told
    assert not list(world.store.list("restores/"))


def test_a_gate_that_died_before_it_told_tells_what_is_on_record(world: World) -> None:
    envelope = e.wrap(e.BackupRequested(app="nope"), id="r", source="tests", time=world.now)
    dying = license_gate.backup_requested(envelope, "somebody", world.gate)
    told = next(dying)  # recorded; the broker never hears of it
    world.now += timedelta(minutes=1)
    assert world.request(e.BackupRequested(app="nope")) == [told]
    assert len(list(world.store.list("rejected/"))) == 1


def test_what_could_not_be_looked_into_is_on_record_too(world: World) -> None:
    reason = Message(code=Code.TRANSIENT, text="the cluster is away (tried 6 times)")
    backup = e.wrap(e.BackupRequested(app="shop"), id="r", source="tests", time=world.now)
    restored = e.wrap(e.RestoreRequested(backup="b"), id="r", source="tests", time=world.now)
    [told] = license_gate.refuse_backup(backup, "somebody", reason, world.gate)
    assert told == e.BackupRejected(request="r", identified=REQUEST, app="shop", reasons=[reason])
    assert world.request(e.BackupRequested(app="shop")) == [told]
    [told] = license_gate.refuse_restore(restored, "somebody", reason, world.gate)
    assert told == e.RestoreRejected(request="r", identified=REQUEST, backup="b", reasons=[reason])
    assert (_rejection(world).reasons, _rejection(world, "restore").reasons) == ([reason], [reason])


def test_a_request_that_has_become_a_job_is_not_refused_afterwards(world: World) -> None:
    [told] = world.request(e.BackupRequested(app="shop"))
    envelope = e.wrap(e.BackupRequested(app="shop"), id="r", source="tests", time=world.now)
    reason = Message(code=Code.TRANSIENT, text="telling failed")
    assert list(license_gate.refuse_backup(envelope, "somebody", reason, world.gate)) == [told]
    assert not list(world.store.list("rejected/"))


class _Closed(MemoryObjectStore):
    """Takes nothing."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def create(self, key: str, body: bytes) -> bool:
        raise self._error


@pytest.mark.parametrize("error", [Denied("no"), Invalid("no")])
def test_where_nothing_can_be_recorded_the_refusal_is_told_all_the_same(world: World, error: Exception) -> None:
    reason = Message(code=Code.DENIED, text="no")
    backup = e.wrap(e.BackupRequested(), id="r", source="tests", time=world.now)
    elsewhere = e.wrap(e.BackupRequested(destination="nowhere"), id="r", source="tests", time=world.now)
    world.destinations = MemoryDestinations({"default": (_Closed(error), world.repository)})
    for event in (backup, elsewhere):
        [told] = license_gate.refuse_backup(event, "somebody", reason, world.gate)
        assert isinstance(told, e.BackupRejected)
        assert (told.request, told.reasons) == ("r", [reason])


def test_while_the_store_is_away_nothing_is_told(world: World) -> None:
    """The message rests then, and is looked at anew when the store is back."""
    world.destinations = MemoryDestinations({"default": (_Closed(TransientError("away")), world.repository)})
    backup = e.wrap(e.BackupRequested(), id="r", source="tests", time=world.now)
    with pytest.raises(TransientError, match="away"):
        list(license_gate.refuse_backup(backup, "somebody", Message(code=Code.TRANSIENT, text="away"), world.gate))


class _Interrupted(MemoryObjectStore):
    """Lets another run act just before something below `at` is created."""

    def __init__(self) -> None:
        super().__init__()
        self.at = "nothing"
        self.before: Callable[[], None] = lambda: None

    def create(self, key: str, body: bytes) -> bool:
        if key.startswith(self.at):
            self.at = "nothing"
            self.before()
        return super().create(key, body)


@pytest.fixture
def interrupted(world: World) -> _Interrupted:
    store = _Interrupted()
    world.store = store
    world.destinations = MemoryDestinations({"default": (store, world.repository)})
    return store


def _unfinished(world: World) -> str:
    [running] = world.request(e.BackupRequested(app="shop"), "b")
    return str(running.subject)


def test_of_two_runs_that_judge_differently_one_counts_the_one_that_refuses_looks_last(
    world: World, interrupted: _Interrupted
) -> None:
    """Between its judgement and its record the backup is finished, and another run lets the request in."""
    backup, others = _unfinished(world), list[e.Event]()

    def let_in() -> None:
        world.backup("b", "shop")
        others.extend(world.request(e.RestoreRequested(backup=backup)))

    interrupted.at, interrupted.before = "rejected/", let_in
    told = world.request(e.RestoreRequested(backup=backup))
    assert isinstance(others[0], e.RestoreLicensed)
    assert told == others
    assert not list(world.store.list("rejected/"))


def test_of_two_runs_that_judge_differently_one_counts_the_one_that_lets_in_looks_last(
    world: World, interrupted: _Interrupted
) -> None:
    """Just before it makes the job, another run refuses the request; that has been told, so nothing is restored."""
    backup, others = str(world.backup("b", "shop")[-1].subject), list[e.Event]()

    def refuse() -> None:
        envelope = e.wrap(e.RestoreRequested(backup=backup), id="r", source="tests", time=world.now)
        reason = Message(code=Code.TRANSIENT, text="the cluster is away")
        others.extend(license_gate.refuse_restore(envelope, "somebody", reason, world.gate))

    interrupted.at, interrupted.before = "restores/", refuse
    [told] = world.request(e.RestoreRequested(backup=backup))
    assert isinstance(others[0], e.RestoreRejected)
    assert isinstance(told, e.RestoreFailed)
    assert str(told.reason) == "the cluster is away"
    assert world.request(e.RestoreRequested(backup=backup)) == [told]


def test_a_job_whose_maker_died_before_it_saw_the_refusal_ends_before_it_has_begun(
    world: World, interrupted: _Interrupted, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, others = str(world.backup("b", "shop")[-1].subject), list[e.Event]()
    envelope = e.wrap(e.RestoreRequested(backup=backup), id="r", source="tests", time=world.now)
    reason = Message(code=Code.TRANSIENT, text="the cluster is away")
    interrupted.at = "restores/"
    interrupted.before = lambda: others.extend(license_gate.refuse_restore(envelope, "somebody", reason, world.gate))
    with monkeypatch.context() as dying:
        dying.setattr(license_gate, "_first_step", _dies)
        with pytest.raises(KeyboardInterrupt):
            world.request(e.RestoreRequested(backup=backup))
    assert isinstance(others[0], e.RestoreRejected)
    [told] = world.request(e.RestoreRequested(backup=backup))
    assert isinstance(told, e.RestoreFailed)
    assert str(told.reason) == "the cluster is away"
    assert world.request(e.RestoreRequested(backup=backup)) == [told]


def test_a_refusal_whose_recorder_died_before_it_saw_that_the_job_has_begun_is_taken_away(world: World) -> None:
    [licensed] = world.request(e.BackupRequested(app="shop"))
    assert isinstance(licensed, e.BackupLicensed)
    world.store.put(keys.turn(licensed.job), b"{}")
    reason = Message(code=Code.TRANSIENT, text="the cluster is away")
    refused = BackupRejection(
        name=licensed.backup, request=REQUEST, event_id="r", rejected_at=world.now, reasons=[reason]
    )
    rejections.create(world.store, licensed.job, refused)
    assert world.request(e.BackupRequested(app="shop")) == [licensed]
    assert not list(world.store.list("rejected/"))


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def test_old_refusals_are_forgotten_with_the_next_one(world: World) -> None:
    world.store = MemoryObjectStore(world.clock)
    world.destinations = MemoryDestinations({"default": (world.store, world.repository)})
    for days, id_ in ((0, "old"), (20, "younger"), (11, "new")):
        world.now += timedelta(days=days)
        world.request(e.BackupRequested(app="nope"), id_)
    kept = {ledger.read(world.store, found.key, BackupRejection).event_id for found in world.store.list("rejected/")}
    assert kept == {"younger", "new"}
    assert timedelta(days=30) == rejections.KEPT


def test_the_wish_for_no_safety_snapshot_reaches_the_job(world: World) -> None:
    name = str(world.backup("b", "shop")[-1].subject)
    for wanted in (True, False):
        [told] = world.request(e.RestoreRequested(backup=name, safety_snapshot=wanted), str(wanted))
        request = ledger.read(world.store, keys.request(restore(str(told.subject))), RestoreRequest)
        assert request.safety_snapshot is wanted


def test_a_rejected_backup_cannot_be_restored_and_it_says_why(world: World) -> None:
    world.request(e.BackupRequested(app="nope"))
    [told] = world.request(e.RestoreRequested(backup=_rejection(world).name))
    assert isinstance(told, e.RestoreRejected)
    assert "the request for it was rejected" in str(told.reasons[0])
