"""However a restore ends, nothing of it is left that holds volumes; and its marker stays until that is so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import TransientError
from schemas.job import Job
from schemas.kubernetes import PODS, Object, ResourceType
from schemas.messages import Message
from schemas.records import RestoreRequest
from tests.support.objects import claim, on_claim, pod
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import endings, ledger
from workers.manifests.restore.holding_pods import helper_pod, waiting_pod
from workers.manifests.restore.sanitise import sanitise
from workers.repository import open_repository
from workers.steps import restore_clear, watchdog

NOW = datetime(2026, 11, 24, tzinfo=UTC)
RESTORE = Job("restore", "r")
FAILED = Message(code="X", text="x")


def waiting(name: str, restore: str, status: dict[str, Any] | None = None) -> Object:
    """A pod that a restore has created with data of its own."""
    captured = pod(name, volumes={"scratch": {"emptyDir": {}}}, labels={"app": "web"})
    made = sanitise(waiting_pod(captured, ["scratch"], "busybox", 60), restore=restore, backup="b")
    assert made is not None
    return {**made, "status": status or {}}


def let_go(name: str) -> Object:
    ended = {"name": "snapline-wait", "state": {"terminated": {"exitCode": 0}}}
    return waiting(name, "r", {"initContainerStatuses": [ended]})


class World:
    """A restore that has begun, its helper, its pods, and those of another one."""

    def __init__(self) -> None:
        self.now = NOW
        self.store = MemoryObjectStore(clock=lambda: self.now)
        self.destinations = MemoryDestinations({"default": (self.store, open_repository(self.store, "a passphrase"))})
        helpers = [helper_pod(name, "shop", f"helper-{name}", ["data"], {}, "busybox") for name in ("r", "other")]
        mine = [waiting("waits", "r"), let_go("let-go"), waiting("anothers", "other")]
        self.cluster: Any = MemoryCluster([*helpers, *mine, pod("db", volumes={"d": on_claim("data")}), claim("data")])
        request = RestoreRequest(name="r", request="q", event_id="q", requested_at=NOW, backup="b", scope="full")
        ledger.begin(self.store, RESTORE)
        ledger.create(self.store, keys.request(RESTORE), request)

    def hear(self, ended: e.Event) -> list[e.Event]:
        event: Any = e.wrap(ended, source="tests", time=NOW)
        return list(restore_clear.clear(event, restore_clear.ClearNeeds(self.destinations, self.cluster, lambda: NOW)))

    def tick(self, later: timedelta = timedelta(minutes=5)) -> list[e.Event]:
        self.now += later
        needs = watchdog.WatchdogNeeds(self.destinations, timedelta(minutes=2), lambda: self.now, lambda _: None)
        return list(watchdog.tick(e.wrap(e.TickMinute(minute="m"), source="tests", time=NOW), needs))

    @property
    def pods(self) -> list[str]:
        return [found["metadata"]["name"] for found in self.cluster.list(PODS, "shop")]


@pytest.mark.parametrize("cancelled", [True, False])
def test_helpers_and_pods_that_still_wait_go_with_every_ending(cancelled: bool) -> None:
    world = World()
    end = endings.cancel(world.store, RESTORE, NOW) if cancelled else endings.fail(world.store, RESTORE, NOW, FAILED)
    assert world.hear(end) == []
    assert world.pods == ["anothers", "db", "helper-other", "let-go"]
    assert not ledger.exists(world.store, keys.running(RESTORE))
    assert world.hear(end) == []


def test_an_end_that_is_in_no_record_clears_nothing() -> None:
    world = World()
    world.hear(e.RestoreFailed(restore="r", backup="b"))
    assert "helper-r" in world.pods
    assert ledger.exists(world.store, keys.running(RESTORE))


def test_the_watchdog_tells_the_end_again_until_all_is_cleared_away() -> None:
    world = World()
    end = endings.fail(world.store, RESTORE, NOW, FAILED)
    assert world.tick() == [end]
    world.cluster, there = _Away(), world.cluster
    with pytest.raises(TransientError):
        world.hear(end)
    world.cluster = there
    assert world.tick() == [end]
    world.hear(end)
    assert world.tick() == []


class _Away:
    """A cluster that cannot be reached."""

    def list(self, type_: ResourceType, namespace: str | None, selector: str) -> None:
        raise TransientError("away")
