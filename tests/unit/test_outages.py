"""The object store or the API server is away, and every job goes on when it is back: rows of the line, real ladder,
and a clock that jumps from try to try."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas import events as e
from schemas import keys, topology
from schemas.errors import Code, Denied, SnaplineError, TransientError
from schemas.job import Job
from schemas.kubernetes import CONFIG_MAPS, NAMESPACES
from schemas.messages import Message
from schemas.records import Applied, Began, Running
from schemas.settings import Settings
from tests.support.restores import CONSOLE, RESTORE, Restoring, app, label
from tests.support.world import World, config_map
from tests.unit.test_restore_put_back import STUCK, let_go, planned, there, two
from workers import line
from workers.adapters.broker.reading import Arrived
from workers.adapters.twins.destinations import MemoryDestinations
from workers.deliveries import Again, Delivery, GaveUp
from workers.jobs import ledger
from workers.needs import Needs
from workers.patience import Patience
from workers.receive import Row, receive

TEN_MINUTES, DAY = timedelta(minutes=10), timedelta(days=1)


@dataclass
class Away:
    """Anything of which every method raises `error` while the clock is before `until`."""

    what: Any
    clock: Callable[[], datetime]
    error: SnaplineError
    until: datetime | None = None
    answers: set[str] = field(default_factory=set)
    """Methods that work all the same."""

    def __getattr__(self, name: str) -> Any:
        if self.until is not None and self.clock() < self.until and name not in self.answers:
            raise self.error
        return getattr(self.what, name)


@dataclass
class Course:
    """What became of a message, try by try."""

    told: list[e.Event] = field(default_factory=list)
    tries: list[str] = field(default_factory=list)
    rests: list[timedelta] = field(default_factory=list)


def run(row: Row, event: e.Event, at: Restoring | World, patience: timedelta, *, between: Callable[[], None]) -> Course:
    """Delivers an event until nothing more is to be done about it; the clock of `at` jumps over the rests, after each
    of which `between` is called. As the broker does, it hands on what the headers say."""
    course, via = Course(), Delivery("q", first_seen=at.now)
    wrapped = e.wrap(event, id="x", source="tests", time=at.now)
    kept = Patience(patience, at.clock, lambda _, rest, why: course.rests.append(rest))
    while True:
        try:
            receive(json.loads(e.encode(wrapped)), row, lambda said: course.told.append(said.data), via, kept)
            return course
        except GaveUp as outcome:
            course.tries.append(outcome.word)
            return course
        except Again as outcome:
            course.tries.append(outcome.word)
            headers = Arrived(wrapped, via.attempt, "", via.first_seen, via.failing_since).headers(outcome, at.now)
            at.now += topology.rung(outcome.delay)
            since = headers.get("snapline-failing-since")
            failing = datetime.fromisoformat(since) if since else None
            via = Delivery("q", headers["snapline-attempt"], "", via.first_seen, failing)
            between()


def needs_of(at: Restoring | World, cluster: object) -> Needs:
    """A worker's needs, over the twins."""
    has = Needs(Settings(console_namespace=CONSOLE))
    has.__dict__ |= {"destinations": at.destinations, "cluster": cluster}
    has.now = at.clock
    return has


def nothing() -> None:
    """What happens between two tries."""


UNAUTHORIZED = TransientError("the server answered 401 Unauthorized", code=Code.CLUSTER_AWAY)
UNREACHABLE = TransientError("no answer from the API server", code=Code.CLUSTER_AWAY)
EXPIRED = TransientError("could not read: ExpiredToken", code=Code.STORE_CREDENTIALS)


@pytest.mark.parametrize("error", [UNREACHABLE, UNAUTHORIZED])
def test_an_api_server_that_is_away_for_ten_minutes_after_the_deletion_has_begun_costs_a_restore_nothing(
    error: SnaplineError,
) -> None:
    """Nor does it use up the patience with what will not go, or with a wave of objects."""
    restored = planned(two("old"), two("new", **STUCK))
    cluster = Away(restored.cluster, restored.clock, error)
    has = needs_of(restored, cluster)

    def goes_then_comes_back() -> None:
        if cluster.until is None:
            cluster.until = restored.now + TEN_MINUTES
        elif restored.now > cluster.until + 1.2 * TEN_MINUTES:
            let_go(restored)

    asked = e.RestoreUndeployRequested(restore="r", owner="shop")
    course = run(line.prepare_restore(has), asked, restored, DAY, between=goes_then_comes_back)
    assert course.told == [e.RestorePrepared(restore="r", owner="shop")]
    assert course.rests[:5] == list(topology.DELAYS[:5])
    assert course.tries.count("waiting") > 5

    cluster.answers = {"discover"}
    for owner in ("_", "shop"):
        cluster.until = restored.now + TEN_MINUTES
        tried_for_long = Began(at=restored.now - TEN_MINUTES)
        ledger.put(restored.store, keys.wave_began(RESTORE, owner, "before-volumes"), tried_for_long)
        prepared = e.RestorePrepared(restore="r", owner=owner)
        course = run(line.apply_restore(has), prepared, restored, DAY, between=nothing)
        assert course.told == [e.RestoreApplied(restore="r", owner=owner)]
        assert "failed" not in course.tries
    assert there(restored)["StatefulSet/db"] == {"replicas": 1}
    assert there(restored)["ConfigMap/shop"] == {"text": "old"}
    assert not any(applied.errors for applied in waves(restored))


def waves(restored: Restoring) -> list[Applied]:
    found = [each.key for each in restored.store.list(keys.of(RESTORE)) if each.key.endswith("/applied.json")]
    assert found
    return [ledger.read(restored.store, key, Applied) for key in found]


@pytest.mark.parametrize("error", [EXPIRED, TransientError("could not read: the server answered 503")])
def test_a_store_that_refuses_for_ten_minutes_fails_no_backup(error: SnaplineError) -> None:
    world = World()
    world.register("shop")
    world.cluster.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    world.cluster.create(CONFIG_MAPS, config_map("shop", "c", **label("shop")))
    store = Away(world.store, world.clock, error)
    world.destinations = MemoryDestinations({"default": (store, world.repository)})
    has = needs_of(world, world.cluster)
    has.settings = has.settings.model_copy(update={"console_namespace": "snapline-console"})
    has.trusted_keys = lambda: world.authority.trusted  # type: ignore[method-assign]
    event: e.Event = e.BackupRequested()
    for queue in ("license.gate", "manifest.capture", "backup.finalize"):
        store.until = world.now + TEN_MINUTES
        course = run(line.TABLE[queue](has), event, world, DAY, between=nothing)
        assert set(course.tries) == {"retry"}
        event = course.told[-1]
    assert isinstance(event, e.BackupCompleted)


def test_patience_ends_after_a_day_and_then_the_job_has_failed() -> None:
    restored = Restoring(two("old"), [app("shop"), app("blog")])
    restored.request()
    cluster = Away(restored.cluster, restored.clock, UNREACHABLE, restored.now + timedelta(days=3))
    began, has = restored.now, needs_of(restored, cluster)
    course = run(
        line.prepare_restore(has),
        e.RestoreLicensed(restore="r", backup="b"),
        restored,
        DAY,
        between=nothing,
    )
    assert course.tries[-1] == "failed"
    assert restored.final
    assert DAY <= restored.now - began <= DAY + timedelta(hours=1)
    assert set(course.rests) == set(topology.DELAYS)


def test_credentials_that_are_plainly_wrong_fail_at_once() -> None:
    world = World()
    store = Away(world.store, world.clock, Denied("SignatureDoesNotMatch"))
    world.destinations = MemoryDestinations({"default": (store, world.repository)})
    world.backup()
    store.until = world.now + TEN_MINUTES
    has = needs_of(world, world.cluster)
    row = Row(line.finalize_backup(has).step, lambda *_: iter(()))
    course = run(row, e.BackupPlanned(backup="b", objects=1, pods=0), world, DAY, between=nothing)
    assert course.tries == ["failed"]


def test_a_worker_marks_the_job_while_a_message_of_it_rests() -> None:
    world = World()
    job = Job("backup", "b")
    ledger.begin(world.store, job)
    has = needs_of(world, world.cluster)
    planned_ = e.wrap(e.BackupPlanned(backup="b", objects=1, pods=0), id="x", source="tests", time=world.now)
    why = Message(code=Code.TRANSIENT, text="slow down")
    for rest in (timedelta(minutes=5), timedelta(minutes=1)):
        has.patience.resting(planned_, rest, why)
    has.patience.resting(e.wrap(e.TickMinute(minute="m"), source="tests", time=world.now), TEN_MINUTES, why)
    marker = ledger.read(world.store, keys.running(job), Running)
    assert (marker.rests, marker.failure) == (timedelta(minutes=5), why)
    ledger.pulse(world.store, job)
    marker = ledger.read(world.store, keys.running(job), Running)
    assert (marker.rests, marker.failure) == (timedelta(0), None)


def test_the_mark_names_the_pod_or_volume_whose_message_rests() -> None:
    world = World()
    job = Job("backup", "b")
    ledger.begin(world.store, job)
    copy = e.VolumesCopyRequested(backup="b", node="n", pod="shop/db-0")
    why = Message(code=Code.TRANSIENT, text="slow down")
    has = needs_of(world, world.cluster)
    has.patience.resting(e.wrap(copy, source="tests", time=world.now), timedelta(minutes=1), why)
    assert ledger.read(world.store, keys.running(job), Running).failure == why.model_copy(
        update={"subject": "shop/db-0"}
    )
