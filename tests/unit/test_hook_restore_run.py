"""The hooks of restored pods run when their containers do, each in a pod of its own, once."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from schemas import keys
from schemas.errors import TransientError
from schemas.job import Job
from schemas.kubernetes import Object
from schemas.records import RestoreHookState
from tests.support.hooks import NOW, Pods, Sealing
from tests.support.objects import pod
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.commands import Ended
from workers.adapters.twins.store import MemoryObjectStore
from workers.hooks.restore_run import MOST_RUNS, Outcome, Restored, run_hooks
from workers.jobs import ledger

RESTORE = Job("restore", "r")
LOAD = {"post.hook.restore.velero.io/command": "load"}
WEB = {"app": "web"}


def _captured(name: str, labels: Any = None, **annotations: str) -> Object:
    given = {f"post.hook.restore.velero.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return pod(name, uid=f"captured-{name}", labels=labels or {}, annotations={**LOAD, **given})


def _live(
    name: str, like: Object, phase: str = "Running", created: str = "2026-11-23T12:00:30Z", **labels: str
) -> Object:
    metadata = {"creationTimestamp": created}
    own = {**(like["metadata"].get("labels") or {}), **labels}
    return pod(name, phase=phase, labels=own, annotations=like["metadata"]["annotations"], metadata=metadata)


@dataclass
class Shop:
    """A restore asked for at NOW, whose pods `live` were created half a minute later, and what was run in which."""

    pods: Pods = field(default_factory=Pods)
    store: MemoryObjectStore = field(default_factory=MemoryObjectStore)

    def live(self, *pods: Object) -> "Shop":
        """Has these pods on the server."""
        self.ran: list[str] = []

        def execute(live: Object, _container: str, command: list[str], _deadline: timedelta) -> Ended:
            what = "end" if "snapline-end" in command else "load"
            self.ran.append(f"{what} in {live['metadata']['name']}")
            return self.pods.answers.get(what, Ended)()

        self.cluster = MemoryCluster(pods, run=execute)  # type: ignore[arg-type]
        return self

    def run(self, *captured: Object, minutes: float = 1) -> Outcome:
        """What one look makes of it, so many minutes after the pods were created."""
        now = NOW + timedelta(minutes=minutes)
        sealing: Any = Sealing()
        restored = Restored(RESTORE, self.store, sealing, self.cluster, NOW, NOW, timedelta(minutes=10), lambda: now)
        return run_hooks(restored, captured)

    def state(self, name: str) -> RestoreHookState:
        """Of a pod's hook."""
        return ledger.read(self.store, keys.hooks_of(RESTORE, f"shop/{name}"), RestoreHookState)


def _errors(outcome: Outcome) -> list[str]:
    return [state.result.error for state in outcome.states if state.result and state.result.error]


def test_a_hook_runs_once_in_the_pod_of_its_name() -> None:
    db = _captured("db-0")
    shop = Shop().live(_live("db-0", db))
    for _ in range(2):
        outcome = shop.run(db, pod("without"))
        assert (outcome.waiting, _errors(outcome)) == ([], [])
    assert shop.ran == ["load in db-0"]
    assert shop.state("db-0").target == "db-0"


@pytest.mark.parametrize(
    ("ready", "annotations", "waits"),
    [
        (True, {}, False),
        (False, {}, False),
        (False, {"wait_for_ready": "true"}, True),
        (True, {"wait_for_ready": "true"}, False),
    ],
)
def test_it_waits_for_a_ready_container_if_it_asks_for_it(
    ready: bool, annotations: dict[str, str], waits: bool
) -> None:
    db = _captured("db-0", **annotations)
    live = _live("db-0", db)
    live["status"]["containerStatuses"] = [{"name": "main", "ready": ready, "state": {"running": {}}}]
    assert bool(Shop().live(live).run(db).waiting) == waits


def test_it_waits_for_its_container_and_is_an_error_when_that_does_not_come() -> None:
    db = _captured("db-0", wait_timeout="5m")
    shop = Shop().live(_live("db-0", db, phase="Pending"))
    assert shop.run(db, minutes=4).waiting == ["Pod shop/db-0: container main does not run"]
    assert _errors(shop.run(db, minutes=6)) == ["container main does not run, after 0:05:00"]
    assert shop.ran == []


def test_without_a_wait_timeout_it_waits_as_long_as_workloads_may_take() -> None:
    db = _captured("db-0")
    shop = Shop().live()
    assert shop.run(db, minutes=9).waiting
    assert _errors(shop.run(db, minutes=11)) == ["there is no restored pod to run its hook in, after 0:10:00"]


def test_a_failed_hook_is_an_error_and_is_not_run_again() -> None:
    db = _captured("db-0")
    shop = Shop().live(_live("db-0", db))
    shop.pods.answer("load", Ended(2, b"", b"no such table"))
    for _ in range(2):
        assert _errors(shop.run(db)) == ["it ended with exit code 2"]
    assert shop.ran == ["load in db-0"]


def test_a_container_that_the_pod_does_not_have_is_an_error_at_once() -> None:
    db = _captured("db-0", container="absent")
    assert _errors(Shop().live(_live("db-0", db)).run(db)) == ["the pod has no container absent"]


def test_hooks_of_a_controllers_pods_run_once_in_each_of_the_new_ones() -> None:
    captured = [_captured(f"web-old-{n}", {**WEB, "pod-template-hash": "1"}) for n in range(2)]
    new = [_live(f"web-new-{n}", captured[0], **{"pod-template-hash": "2"}) for n in range(3)]
    shop = Shop().live(*new, _live("other", _captured("other", {"app": "other"})))
    shop.run(*captured)
    assert shop.ran == ["load in web-new-0", "load in web-new-1"]


def test_a_pod_does_not_take_the_place_of_another_that_was_captured() -> None:
    first, second = _captured("db-0", WEB), _captured("db-1", WEB)
    shop = Shop().live(_live("db-1", second))
    assert len(shop.run(first, second).waiting) == 1
    assert shop.ran == ["load in db-1"]


@pytest.mark.parametrize("created", ["2026-11-23T11:30:00Z", "2026-11-20T00:00:00Z"])
def test_nothing_is_run_in_a_pod_that_was_not_restored(created: str) -> None:
    db = _captured("db-0")
    shop = Shop().live(_live("db-0", db, created=created))
    assert shop.run(db).waiting
    assert shop.ran == []


def test_nothing_is_run_in_the_captured_pod_itself() -> None:
    db = _captured("db-0")
    live = _live("db-0", db)
    live["metadata"]["uid"] = "captured-db-0"
    assert Shop().live(live).run(db).waiting


def test_a_hook_that_a_killed_worker_left_is_ended_and_run_again() -> None:
    db = _captured("db-0")
    shop = Shop().live(_live("db-0", db))
    shop.pods.answer("load", TransientError("the connection was lost"))
    with pytest.raises(TransientError):
        shop.run(db)
    shop.pods.answers.clear()
    outcome = shop.run(db)
    assert shop.ran == ["load in db-0", "end in db-0", "load in db-0"]
    assert ["broken off" in str(warning) for warning in outcome.states[0].warnings] == [True]


def test_a_hook_that_is_broken_off_again_and_again_has_failed() -> None:
    db = _captured("db-0")
    shop = Shop().live(_live("db-0", db))
    shop.pods.answer("load", TransientError("the connection was lost"))
    for _ in range(MOST_RUNS):
        with pytest.raises(TransientError):
            shop.run(db)
    assert _errors(shop.run(db)) == [f"it was broken off {MOST_RUNS} times"]


def test_two_workers_never_run_a_hook_at_the_same_time() -> None:
    db = _captured("db-0")
    shop = Shop().live(_live("db-0", db))
    seen: list[list[str]] = []

    def meanwhile() -> Ended:
        seen.append(shop.run(db).waiting)
        return Ended(0)

    shop.pods.answers["load"] = meanwhile
    assert shop.run(db).waiting == []
    assert seen == [["Pod shop/db-0: its hook is being run"]]
    assert shop.ran == ["load in db-0"]


def test_the_hook_of_a_killed_worker_is_run_again_when_nothing_was_heard_of_it_for_a_while() -> None:
    class Killed(BaseException):
        """The worker dies here."""

    def die() -> Ended:
        raise Killed

    db = _captured("db-0")
    shop = Shop().live(_live("db-0", db))
    shop.pods.answers["load"] = die
    with pytest.raises(Killed):
        shop.run(db, minutes=1)
    shop.pods.answers.clear()
    assert shop.run(db, minutes=1.2).waiting == ["Pod shop/db-0: its hook is being run"]
    assert shop.run(db, minutes=1.5).waiting == []
    assert shop.ran == ["load in db-0", "end in db-0", "load in db-0"]
