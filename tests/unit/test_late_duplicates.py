"""A message that comes twice, and is still being handled when its job has ended, has not failed: what it needs may be
deleted by then."""

from typing import Any

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import NotFound
from schemas.job import backup
from schemas.kubernetes import DEPLOYMENTS, Object
from schemas.records import Tombstone
from schemas.settings import Settings
from tests.support.objects import make
from tests.support.restores import CONSOLE, Restoring, app, label
from workers import line
from workers.adapters.twins.destinations import MemoryDestinations
from workers.deliveries import Delivery
from workers.jobs import ledger
from workers.needs import Needs


def _deployment() -> Object:
    status = {"readyReplicas": 1}
    return make("Deployment", "web", CONSOLE, "apps/v1", labels=label("shop"), spec={"replicas": 1}, status=status)


def _applied() -> Restoring:
    """A restore that has only to be finalized."""
    restored = Restoring([_deployment()], [app("shop")], live=[make("Namespace", CONSOLE)])
    restored.request()
    for step in (restored.prepare, restored.undeploy, restored.apply):
        step()
    for status in ({"readyReplicas": 1}, {"observedGeneration": 1}):
        restored.cluster.patch(DEPLOYMENTS, CONSOLE, "web", {"status": status}, status=True)
    return restored


class _Meanwhile:
    """A store in which something happens just before captured objects are read for the first time."""

    def __init__(self, store: Any, happens: Any) -> None:
        self._store, self._happens = store, [happens]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def get(self, key: str) -> bytes:
        if "/manifests/" in key and self._happens:
            self._happens.pop()()
        return bytes(self._store.get(key))


def _tell_again(restored: Restoring, happens: Any) -> list[e.Event]:
    """What is told of `restore.applied` when `happens` while it is handled."""
    store = _Meanwhile(restored.store, happens)
    has = Needs(Settings())
    has.destinations = MemoryDestinations({"default": (store, restored.repository)})  # type: ignore[dict-item]
    has.cluster, has.now = restored.cluster, restored.clock
    event = restored.event(e.RestoreApplied(restore=restored.job.name, owner="shop"))
    return list(line.finalize_restore(has).step_for(event)(event, Delivery("restore.finalize")))


def _delete(restored: Restoring) -> None:
    job = backup("b")
    ledger.put(restored.store, keys.deleted(job), Tombstone(volume_ids=[]))
    restored.store.delete(keys.final(job))
    for found in list(restored.store.list(keys.of(job))):
        if found.key != keys.deleted(job):
            restored.store.delete(found.key)


def test_it_tells_the_end_again_although_the_backup_was_deleted() -> None:
    restored, ended = _applied(), list[e.Event]()

    def others_end_it() -> None:
        ended.extend(restored.finalize())
        _delete(restored)

    assert _tell_again(restored, others_end_it) == ended
    assert [type(event) for event in ended] == [e.RestoreCompleted]


def test_as_long_as_the_job_goes_on_it_is_a_failure() -> None:
    restored = _applied()
    with pytest.raises(NotFound):
        _tell_again(restored, lambda: _delete(restored))
