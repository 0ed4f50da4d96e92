"""The table of the line and the topology agree: each queue has a step for all that it hears, and an actor."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from dramatiq.brokers.stub import StubBroker

from schemas import events as e
from schemas import keys, topology
from schemas.errors import Code
from schemas.job import backup, restore, safety_snapshot
from schemas.messages import Message
from schemas.records import BackupRequest, Record, RestoreRequest, Tombstone
from schemas.settings import Settings
from workers import actors, app, line
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.deliveries import Delivery
from workers.jobs import ledger
from workers.needs import Needs
from workers.patience import Patience
from workers.repository import open_repository

NOW = datetime(2026, 11, 26, tzinfo=UTC)

QUEUES = [*topology.QUEUES.values(), topology.volumes("node-a")]


class Plain(Needs):
    """Needs that reach nothing."""

    cluster = None  # type: ignore[assignment]
    cancellations = None  # type: ignore[assignment]

    def trusted_keys(self) -> Mapping[str, bytes]:
        return {}


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
def test_a_queue_has_a_step_for_all_that_it_hears_and_for_nothing_else(queue: topology.Queue) -> None:
    row = line.row(queue, Plain(Settings()))
    if isinstance(row.step, Mapping):
        assert set(row.step) == set(queue.hears)
    if isinstance(row.give_up, Mapping):
        assert set(row.give_up) <= set(queue.hears)


def test_every_queue_of_the_line_is_in_the_table() -> None:
    assert list(line.TABLE) == list(topology.QUEUES)


def test_every_queue_has_the_actor_of_its_name() -> None:
    broker = StubBroker(middleware=app.middleware(threading.Event(), Patience()))
    needs = Plain(Settings())
    actors.declare(broker, needs)
    actors.declare_node(broker, needs, "node-a")
    assert {(name, actor.queue_name) for name, actor in broker.actors.items()} == {(q.name, q.name) for q in QUEUES}


def test_a_step_ends_before_the_broker_gives_its_message_to_another() -> None:
    assert all(queue.time_limit < topology.CONSUMER_TIMEOUT for queue in QUEUES)


class Noting(MemoryObjectStore):
    """Notes which records are written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def put(self, key: str, body: bytes | bytearray) -> None:
        self.written.append(key)
        super().put(key, body)


R, SNAPSHOT = restore("r"), safety_snapshot(restore("r"))


@pytest.mark.parametrize(
    ("queue", "event", "marked"),
    [
        ("restore.prepare", e.RestoreUndeployRequested(restore="r", owner="shop"), True),
        ("restore.apply", e.RestorePrepared(restore="r", owner="shop"), True),
        ("restore.apply", e.VolumesMountRequested(restore="r", pod="shop/db", kind="claim"), True),
        ("restore.finalize", e.RestoreApplied(restore="r"), True),
        ("manifest.capture", e.BackupLicensed(backup=SNAPSHOT.name), True),
        ("volumes.n", e.VolumesCopyRequested(backup=SNAPSHOT.name, node="n", pod="shop/db"), True),
        ("manifest.capture", e.BackupLicensed(backup="b"), False),
        ("restore.prepare", e.RestoreLicensed(restore="r", backup="b"), False),
    ],
    ids=lambda value: value.type if isinstance(value, e.Event) else str(value),
)
def test_whoever_changes_the_cluster_for_a_restore_is_known_to_be_at_work(
    queue: str, event: e.Event, marked: bool
) -> None:
    """The jobs have been cancelled, so nothing else is done."""
    store = Noting()
    for job in (R, SNAPSHOT, backup("b")):
        model = RestoreRequest if job.kind == "restore" else BackupRequest
        asked = {"name": job.name, "request": "q", "event_id": "q", "requested_at": NOW, "backup": "b", "scope": "full"}
        ledger.put(store, keys.request(job), model.model_validate(asked))
        ledger.put(store, keys.cancel(job), Record())

    class Stored(Plain):
        destinations = MemoryDestinations({"default": (store, open_repository(store, "a passphrase"))})
        volume_files = None  # type: ignore[assignment]
        slicing = None  # type: ignore[assignment]

    row = line.row(topology.queue(queue), Stored(Settings()))
    wrapped: e.AnyEvent = e.wrap(event, source="tests", time=NOW)
    [told] = row.step_for(wrapped)(wrapped, Delivery(queue))
    assert isinstance(told, e.FINAL)
    assert any(key.startswith(keys.workers_of(R)) for key in store.written) == marked
    assert list(store.list(keys.workers_of(R))) == []


def test_a_deleted_backup_does_not_come_back_as_a_failed_one_if_a_late_message_is_given_up() -> None:
    store, has, there, gone = MemoryObjectStore(lambda: NOW), Plain(Settings()), backup("there"), backup("gone")
    has.destinations = MemoryDestinations({"default": (store, open_repository(store, "p"))})
    has.now = lambda: NOW
    for job in (there, gone):
        request = BackupRequest(name=job.name, request=job.name, event_id=job.name, requested_at=NOW)
        ledger.put(store, keys.request(job), request)
    ledger.put(store, keys.deleted(gone), Tombstone(volume_ids=[]))
    reason, via = Message(code=Code.TRANSIENT, text="away"), Delivery("manifest.capture")
    for job, ends in ((there, [e.BackupFailed]), (gone, [])):
        event = e.wrap(e.BackupLicensed(backup=job.name), source="tests", time=NOW)
        give_up = line.capture(has).give_up_for(event)
        assert give_up is not None
        assert [type(said) for said in give_up(event, reason, via)] == ends
        assert ledger.exists(store, keys.final(job)) == bool(ends)
