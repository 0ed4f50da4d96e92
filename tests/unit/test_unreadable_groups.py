"""API groups whose server is away: never taken for groups that are not there."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import Code, NotYet, TransientError
from schemas.job import Job
from schemas.kubernetes import API_SERVICES, DEPLOYMENTS, Discovery
from schemas.records import BackupPlan, LiveRef, OwnerEnded, RestorePlan, RestoreRequest
from schemas.velero import LabelSelector
from tests.support.objects import VELERO, away, make, titles
from tests.support.world import World
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.manifests.capture.document import Captured, encode_manifest
from workers.manifests.capture.scope import Selection
from workers.manifests.capture.select import capture
from workers.manifests.restore.apply_wave import Wave, apply_wave
from workers.manifests.restore.undeploy import Concern, to_undeploy
from workers.manifests.restore.undeploy.delete import delete_in_phases
from workers.repository import open_repository
from workers.steps import restore_finalize

WEB = make("Deployment", "web", "shop", "apps/v1", labels=VELERO, spec={"replicas": 1})
WEB_READY = {**WEB, "status": {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1}}
CONFIG = make("ConfigMap", "settings", "shop", labels=VELERO)
MARKED = Selection("shop", ("shop",), (LabelSelector(match_labels=VELERO),))
NOW = datetime(2026, 11, 23, tzinfo=UTC)
RESTORE = Job("restore", "r")


def test_a_group_that_does_not_answer_is_an_error_of_the_backup_and_the_rest_is_taken() -> None:
    captured = capture(MemoryCluster([WEB, CONFIG, away("apps")]), [MARKED])
    assert titles(captured.objects) == ["ConfigMap/settings", "Namespace/shop"]
    [error] = captured.errors
    assert (error.code, error.subject) == (Code.NOT_CAPTURED, "apps")
    assert "503" in error.text


class HalfAway(MemoryCluster):
    """Its discovery works, as from a cache, and its groups do not."""

    def discover(self) -> Discovery:
        return Discovery(self.types())


def test_a_kind_that_cannot_be_listed_for_long_is_an_error_and_the_core_group_is_waited_for() -> None:
    cluster = HalfAway([WEB, CONFIG, away("batch")])
    with pytest.raises(TransientError):
        capture(cluster, [MARKED])
    captured = capture(cluster, [MARKED], patient=False)
    assert "Deployment/web" in titles(captured.objects)
    assert [error.subject for error in captured.errors] == ["jobs.batch", "cronjobs.batch"]
    with pytest.raises(TransientError):
        capture(HalfAway([WEB, away("")]), [MARKED], patient=False)


def test_what_a_backup_has_waited_in_line_is_not_held_against_a_kind_that_cannot_be_listed() -> None:
    world = World()
    world.objects = MemoryObjectStore(world.clock)
    world.__post_init__()
    world.cluster = HalfAway(
        [make("ConfigMap", "settings", "shop", labels={"kots.io/app-slug": "shop"}), away("batch")]
    )
    world.register("shop")
    [licensed] = world.request(e.BackupRequested(app="shop"))
    world.now += timedelta(minutes=10)
    with pytest.raises(TransientError, match="batch"):
        list(world.hear(licensed))
    world.now += timedelta(minutes=6)
    [planned] = world.hear(licensed)
    plan = ledger.read(world.store, keys.plan(planned.job), BackupPlan)  # type: ignore[attr-defined]
    assert {error.code for error in plan.errors} == {Code.NOT_CAPTURED}


def test_nothing_is_deleted_before_it_is_known_what_there_is() -> None:
    with pytest.raises(TransientError, match="apps"):
        to_undeploy(MemoryCluster([WEB, away("apps")]), Concern([WEB], {"shop"}, [], NOW))
    assert to_undeploy(MemoryCluster([WEB, CONFIG, away("batch")]), Concern([WEB, CONFIG], {"shop"}, [], NOW)).deleted


def test_a_kind_that_is_not_known_now_does_not_count_as_gone() -> None:
    cluster = MemoryCluster([WEB])
    uid = cluster.get(DEPLOYMENTS, "shop", "web")["metadata"]["uid"]
    refs = [LiveRef(group_resource="deployments.apps", namespace="shop", name="web", uid=uid)]
    cluster.create(API_SERVICES, away("apps"))
    assert [str(left) for left in delete_in_phases(refs, cluster)] == [
        "deployments.apps shop/web (its API group does not answer)"
    ]
    cluster.delete(API_SERVICES, None, "v1.apps")
    assert cluster.get(DEPLOYMENTS, "shop", "web")
    assert delete_in_phases(refs, cluster) == []
    assert not list(cluster.list(DEPLOYMENTS))


def test_a_group_that_does_not_answer_is_why_an_object_is_not_created() -> None:
    outcome = apply_wave(Wave("r", "b", [WEB]), MemoryCluster([CONFIG, away("apps")]))
    assert ["503" in str(each) for each in outcome.later] == [True]


def test_workloads_of_a_group_that_does_not_answer_are_not_taken_for_ready() -> None:
    store = MemoryObjectStore()
    repository = open_repository(store, "a passphrase")
    manifest = "backups/b/manifest"
    held = Captured([WEB_READY], {WEB_READY["metadata"]["uid"]: ["shop"]})
    store.put(manifest, repository.seal(encode_manifest(held), manifest))
    request = RestoreRequest(name="r", request="q", event_id="q", requested_at=NOW, backup="b", scope="full")
    ledger.put(store, keys.request(RESTORE), request)
    plan = RestorePlan(backup="b", manifest=manifest, objects=1, volumes=[], owners=["shop"])
    ledger.put(store, keys.plan(RESTORE), plan)
    ledger.put(store, keys.owner_ended(RESTORE, "shop"), OwnerEnded(finished_at=NOW))
    cluster = MemoryCluster([WEB, away("apps")])
    destinations = MemoryDestinations({"default": (store, repository)})
    needs = restore_finalize.FinalizeRestoreNeeds(destinations, cluster, timedelta(minutes=1), lambda: NOW)
    event = e.wrap(e.RestoreApplied(restore="r", owner="shop"), source="tests", time=NOW)
    with pytest.raises(NotYet, match=r"Deployment shop/web: .*503"):
        list(restore_finalize.finalize(event, needs))
