"""restore.apply: pods with data of their own come before their controllers; a pod that was replaced holds up nobody."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet
from schemas.kubernetes import PODS, REPLICA_SETS, Object, ResourceType
from schemas.records import Applied, RestorePlan, RestoreRequest, RestoreUnitResult, VolumeRestore
from tests.support.objects import make, owner, pod
from workers import ledger
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.store import MemoryObjectStore
from workers.manifests.capture.document import Captured, encode_manifest
from workers.repository import open_repository
from workers.steps import restore_apply
from workers.steps.filling import PLACING

MANIFEST = "backups/b/manifest"


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

    def __post_init__(self) -> None:
        self.cluster = MemoryCluster([make("Namespace", "shop")])
        self.store = MemoryObjectStore()
        repository = open_repository(self.store, "a passphrase")
        plain = encode_manifest(Captured(captured_shop()))
        self.store.create(MANIFEST, repository.seal(plain, MANIFEST))
        request = RestoreRequest(name="r", request="q", event_id="q", requested_at=self.now, backup="b", scope="full")
        ledger.create(self.store, keys.request("restores", "r"), request)
        volumes = [
            VolumeRestore(
                unit=f"shop/{name}/scratch",
                kind="emptyDir",
                namespace="shop",
                pod=name,
                name="scratch",
                helper="helper",
                volume="v",
                bytes=1,
            )
            for name in ("web-1", "web-2")
        ]
        plan = RestorePlan(backup="b", manifest=MANIFEST, objects=5, volumes=volumes)
        ledger.create(self.store, keys.plan("restores", "r"), plan)
        minutes = timedelta(minutes=10)
        self.world = restore_apply.Applying(
            self.store, repository, self.cluster, "busybox", minutes, minutes, lambda: self.now
        )

    def hear(self) -> list[e.Event]:
        """What the step makes of `restore.prepared`."""
        event = e.wrap(e.RestorePrepared(restore="r", objects=5, units=2), source="tests", time=self.now)
        return list(restore_apply.apply(event, self.world))

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

    def fill(self, unit: str) -> None:
        """The node's worker has written a volume."""
        result = RestoreUnitResult(unit=unit, bytes=1, files=1, finished_at=self.now)
        ledger.create(self.store, keys.unit("restores", "r", unit), result)


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
    assert ledger.read(shop.store, keys.applied("r", "pods"), Applied).created == 2
    assert ledger.read(shop.store, keys.applied("r", "after"), Applied).created == 2


def test_a_pod_that_no_node_takes_keeps_the_others_waiting_for_seconds_only(shop: Shop) -> None:
    with pytest.raises(NotYet, match="nodes"):
        shop.hear()
    shop.now += PLACING + timedelta(seconds=1)
    with pytest.raises(NotYet, match="web-1/scratch"):
        shop.hear()
    assert shop.there(REPLICA_SETS) == ["web"]


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
    assert failed.unit == "shop/web-1/scratch"
    assert "replaced" in failed.reason
    assert isinstance(asked, e.VolumesRestoreRequested)
    assert asked.unit == "shop/web-2/scratch"
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
