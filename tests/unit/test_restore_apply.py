"""restore.apply: pods with data of their own come before their controllers; a pod that was replaced holds up nobody."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet
from schemas.job import Job
from schemas.kubernetes import PODS, REPLICA_SETS, Object, ResourceType
from schemas.records import Applied, RestorePlan, RestoreRequest, VolumeRestore, VolumeResult
from tests.support.objects import make, owner, pod
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.manifests.capture.document import Captured, encode_manifest
from workers.manifests.restore.mount_volumes import NODES_PATIENCE
from workers.repository import open_repository
from workers.steps import restore_apply

MANIFEST = "backups/b/manifest"
RESTORE = Job("restore", "r")
PATIENCE = timedelta(minutes=10)


def captured_shop() -> list[Object]:
    """A ReplicaSet with two pods that have scratch space, and a pod of nobody's."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "busybox"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    web = make("ReplicaSet", "web", "shop", "apps/v1", spec=spec)
    pods = [pod(name, volumes={"scratch": {"emptyDir": {}}}, owners=[owner(web)]) for name in ("web-1", "web-2")]
    return [*pods, pod("alone"), pod("web-3", owners=[owner(web)]), web]


@dataclass
class Shop:
    """A restore of the shop, an API server on which nothing runs by itself, and a clock that is set by hand."""

    now: datetime = datetime(2026, 11, 24, tzinfo=UTC)
    objects: list[Object] = field(default_factory=captured_shop)

    def __post_init__(self) -> None:
        self.cluster = MemoryCluster([make("Namespace", "shop")])
        self.store = MemoryObjectStore()
        repository = open_repository(self.store, "a passphrase")
        plain = encode_manifest(Captured(self.objects))
        self.store.create(MANIFEST, repository.seal(plain, MANIFEST))
        request = RestoreRequest(name="r", request="q", event_id="q", requested_at=self.now, backup="b", scope="full")
        ledger.create(self.store, keys.request(RESTORE), request)
        volumes = [
            VolumeRestore(
                kind="emptyDir",
                namespace="shop",
                pod=name,
                name="scratch",
                helper="helper",
                volume_id="v",
                bytes=1,
            )
            for name in ("web-1", "web-2")
        ]
        plan = RestorePlan(backup="b", manifest=MANIFEST, objects=5, volumes=volumes)
        ledger.create(self.store, keys.plan(RESTORE), plan)
        destinations = MemoryDestinations({"default": (self.store, repository)})
        self.needs = restore_apply.ApplyNeeds(
            destinations, self.cluster, "busybox", PATIENCE, PATIENCE, lambda: self.now
        )

    def hear(self) -> list[e.Event]:
        """What the step makes of `restore.prepared`."""
        event = e.wrap(e.RestorePrepared(restore="r", objects=5, volumes=2), source="tests", time=self.now)
        return list(restore_apply.apply(event, self.needs))

    def there(self, type_: ResourceType) -> list[str]:
        """The names of what is there."""
        return [obj["metadata"]["name"] for obj in self.cluster.list(type_, "shop")]

    def place(self, *names: str) -> None:
        """Gives pods a node."""
        for name in names:
            self.cluster.patch(PODS, "shop", name, {"spec": {"nodeName": "node-a"}})

    def start(self, *names: str) -> None:
        """Brings pods to their waiting init container."""
        for name in names:
            waits = [{"name": "snapline-wait", "state": {"running": {}}}]
            self.cluster.patch(PODS, "shop", name, {"status": {"initContainerStatuses": waits}}, status=True)

    def fill(self, volume: str) -> None:
        """The node's worker has written a volume."""
        result = VolumeResult(volume=volume, bytes=1, files=1, finished_at=self.now)
        ledger.create(self.store, keys.volume_result(RESTORE, volume), result)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_controller_comes_when_the_pods_that_it_is_to_adopt_have_their_nodes(shop: Shop) -> None:
    with pytest.raises(NotYet, match="nodes"):
        shop.hear()
    assert shop.there(PODS) == ["web-1", "web-2"]
    assert shop.there(REPLICA_SETS) == []
    shop.place("web-1")
    with pytest.raises(NotYet, match="nodes"):
        shop.hear()
    assert shop.there(REPLICA_SETS) == []
    shop.place("web-2")
    with pytest.raises(NotYet, match="web-1/scratch"):
        shop.hear()
    assert shop.there(REPLICA_SETS) == ["web"]
    assert shop.there(PODS) == ["alone", "web-1", "web-2"]
    assert ledger.read(shop.store, keys.wave_applied(RESTORE, "waiting-pods"), Applied).created == 2
    assert ledger.read(shop.store, keys.wave_applied(RESTORE, "workloads"), Applied).created == 2


def test_a_pod_that_no_node_takes_keeps_the_others_waiting_for_seconds_only(shop: Shop) -> None:
    with pytest.raises(NotYet, match="nodes"):
        shop.hear()
    shop.now += NODES_PATIENCE + timedelta(seconds=1)
    with pytest.raises(NotYet, match="web-1/scratch"):
        shop.hear()
    assert shop.there(REPLICA_SETS) == ["web"]


def test_a_slow_wave_takes_nothing_from_the_patience_of_the_pods_that_wait_for_data(shop: Shop) -> None:
    with pytest.raises(NotYet, match="nodes"):
        shop.hear()
    shop.now += PATIENCE + timedelta(seconds=1)  # what comes between the wave of the pods and the wait for them
    with pytest.raises(NotYet, match="web-1/scratch"):
        shop.hear()
    shop.now += PATIENCE
    with pytest.raises(NotYet, match="web-1/scratch"):
        shop.hear()
    shop.now += timedelta(seconds=1)
    assert [type(said) for said in shop.hear()] == [e.VolumesRestoreFailed, e.VolumesRestoreFailed, e.RestoreApplied]


def _placed(shop: Shop) -> None:
    with pytest.raises(NotYet):
        shop.hear()
    shop.place("web-1", "web-2")
    with pytest.raises(NotYet, match="that mount"):
        shop.hear()


def _assert_only_web_1_is_lost(shop: Shop) -> None:
    shop.start("web-2")
    failed, asked = shop.hear()
    assert isinstance(failed, e.VolumesRestoreFailed)
    assert failed.volume == "shop/web-1/scratch"
    assert "replaced" in str(failed.reason)
    assert isinstance(asked, e.VolumesRestoreRequested)
    assert asked.volume == "shop/web-2/scratch"
    shop.fill("shop/web-2/scratch")
    assert shop.hear() == [e.RestoreApplied(restore="r")]


def test_a_pod_that_was_deleted_before_its_data_came_is_given_up_and_the_others_go_on(shop: Shop) -> None:
    _placed(shop)
    shop.cluster.delete(PODS, "shop", "web-1", grace_seconds=0)
    _assert_only_web_1_is_lost(shop)


def test_a_pod_that_its_controller_made_anew_under_the_same_name_gets_no_data_behind_its_back(shop: Shop) -> None:
    _placed(shop)
    shop.cluster.delete(PODS, "shop", "web-1", grace_seconds=0)
    anew = pod("web-1", volumes={"scratch": {"emptyDir": {}}})
    anew["metadata"].pop("uid")
    shop.cluster.create(PODS, anew)
    _assert_only_web_1_is_lost(shop)


def test_a_pod_with_an_init_hook_comes_before_its_controller_and_has_the_container() -> None:
    annotations = {"init.hook.restore.velero.io/container-image": "tool:1"}
    captured = captured_shop()
    captured[3]["metadata"]["annotations"] = annotations
    shop = Shop(objects=captured)
    with pytest.raises(NotYet, match="nodes"):
        shop.hear()
    assert shop.there(PODS) == ["web-1", "web-2", "web-3"]
    [container] = shop.cluster.get(PODS, "shop", "web-3")["spec"]["initContainers"]
    assert (container["name"][:20], container["image"]) == ("velero-restore-init-", "tool:1")
    shop.place("web-1", "web-2", "web-3")
    with pytest.raises(NotYet, match="web-1/scratch"):
        shop.hear()
    assert shop.there(PODS) == ["alone", "web-1", "web-2", "web-3"]
