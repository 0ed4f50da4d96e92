"""restore.apply: pods with data of their own come before their controllers; a pod that was replaced holds up nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from schemas import events as e
from schemas import keys
from schemas.errors import NotYet
from schemas.job import Job
from schemas.kubernetes import PODS, REPLICA_SETS, Object, ResourceType
from schemas.messages import Message
from schemas.records import Applied, RestorePlan, RestoreRequest, VolumeKind, VolumeRestore, VolumeResult
from tests.support.objects import make, owner, pod
from workers.adapters.twins.cluster import MemoryCluster
from workers.adapters.twins.commands import Ended
from workers.adapters.twins.destinations import MemoryDestinations
from workers.adapters.twins.store import MemoryObjectStore
from workers.jobs import ledger
from workers.manifests.capture.document import Captured, encode_manifest
from workers.manifests.restore.mount_volumes import NODES_PATIENCE
from workers.manifests.restore.sanitise import RESTORE_NAME
from workers.repository import open_repository
from workers.steps import restore_apply, volumes_mount

MANIFEST = "backups/b/manifest"
RESTORE = Job("restore", "r")
PATIENCE = timedelta(minutes=10)


def captured_shop(owners: bool) -> list[Object]:
    """A ReplicaSet with two pods that have scratch space, and a pod of nobody's; or all are nobody's."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "busybox"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    web = make("ReplicaSet", "web", "shop", "apps/v1", spec=spec)
    owned = [owner(web)] if owners else []
    pods = [pod(name, volumes={"scratch": {"emptyDir": {}}}, owners=owned) for name in ("web-1", "web-2")]
    return [*pods, pod("alone"), pod("web-3", owners=[owner(web)]), web]


@dataclass
class Shop:
    """A restore of the shop, an API server on which nothing runs by itself, and a clock that is set by hand."""

    now: datetime = datetime(2026, 11, 24, tzinfo=UTC)
    owners: bool = True
    ran: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    objects: list[Object] | None = None

    def __post_init__(self) -> None:
        self.cluster = MemoryCluster([make("Namespace", "shop")], run=self._run)
        self.store = MemoryObjectStore()
        repository = open_repository(self.store, "a passphrase")
        plain = encode_manifest(Captured(self.objects or captured_shop(self.owners)))
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
        self.destinations = MemoryDestinations({"default": (self.store, repository)})
        self.needs = restore_apply.ApplyNeeds(
            self.destinations, self.cluster, "busybox", PATIENCE, PATIENCE, lambda: self.now
        )

    def hear(self) -> list[e.Event]:
        """What the step makes of `restore.prepared`."""
        event = e.wrap(e.RestorePrepared(restore="r"), source="tests", time=self.now)
        return list(restore_apply.apply(event, self.needs))

    def mount(self, name: str, kind: VolumeKind = "emptyDir") -> list[e.Event]:
        """What comes of the request to mount a pod's volumes."""
        asked = e.VolumesMountRequested(restore="r", pod=f"shop/{name}", kind=kind)
        return list(volumes_mount.mount(e.wrap(asked, source="tests", time=self.now), self.mounting))

    def mount_after_patience(self, name: str) -> None:
        """A pod's volumes are given up."""
        with pytest.raises(NotYet):
            self.mount(name)
        self.now += PATIENCE + timedelta(seconds=1)
        assert [type(said) for said in self.mount(name)] == [e.VolumesRestoreFailed]

    @property
    def mounting(self) -> volumes_mount.MountNeeds:
        """What mounting needs."""
        return volumes_mount.MountNeeds(self.destinations, self.cluster, "busybox", PATIENCE, lambda: self.now)

    def _run(self, pod: Object, container: str, command: Sequence[str], _: timedelta) -> Ended:
        self.ran.append((pod["metadata"]["name"], container, tuple(command)))
        return Ended()

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
    assert shop.hear() == asked_for("web-1", "web-2")
    assert shop.there(REPLICA_SETS) == ["web"]
    assert shop.there(PODS) == ["alone", "web-1", "web-2"]
    assert ledger.read(shop.store, keys.wave_applied(RESTORE, e.SHARED, "waiting-pods"), Applied).created == 2
    assert ledger.read(shop.store, keys.wave_applied(RESTORE, e.SHARED, "workloads"), Applied).created == 2


def test_a_pod_that_no_node_takes_keeps_the_others_waiting_for_seconds_only(shop: Shop) -> None:
    with pytest.raises(NotYet, match="nodes"):
        shop.hear()
    shop.now += NODES_PATIENCE + timedelta(seconds=1)
    assert shop.hear() == asked_for("web-1", "web-2")
    assert shop.there(REPLICA_SETS) == ["web"]


def test_a_slow_wave_takes_nothing_from_the_patience_of_the_pods_that_wait_for_data(shop: Shop) -> None:
    with pytest.raises(NotYet, match="nodes"):
        shop.hear()
    shop.now += PATIENCE + timedelta(seconds=1)  # what comes between the wave of the pods and the wait for them
    assert shop.hear() == asked_for("web-1", "web-2")
    with pytest.raises(NotYet, match="web-1/scratch"):
        shop.mount("web-1")
    shop.now += PATIENCE
    with pytest.raises(NotYet, match="web-1/scratch"):
        shop.mount("web-1")
    shop.now += timedelta(seconds=1)
    assert [type(said) for said in shop.mount("web-1")] == [e.VolumesRestoreFailed]
    with pytest.raises(NotYet, match="web-2/scratch"):
        shop.mount("web-2")


def asked_for(*pods: str, kind: VolumeKind = "emptyDir") -> list[e.Event]:
    """The requests to mount the pods' volumes."""
    return [e.VolumesMountRequested(restore="r", pod=f"shop/{name}", kind=kind) for name in pods]


def _placed(shop: Shop) -> None:
    with pytest.raises(NotYet):
        shop.hear()
    shop.place("web-1", "web-2")
    assert shop.hear() == asked_for("web-1", "web-2")


def _assert_only_web_1_is_lost(shop: Shop) -> None:
    shop.start("web-2")
    [failed] = shop.mount("web-1")
    assert isinstance(failed, e.VolumesRestoreFailed)
    assert failed.volume == "shop/web-1/scratch"
    assert "replaced" in str(failed.reason)
    [asked] = shop.mount("web-2")
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


# --- a pod whose data does not come


def _given_up(shop: Shop) -> None:
    _placed(shop)
    shop.mount_after_patience("web-1")
    shop.fill("shop/web-2/scratch")


def test_a_pod_that_waits_for_data_that_will_not_come_is_told_to_start_without_it(shop: Shop) -> None:
    _given_up(shop)
    shop.start("web-1")
    assert shop.hear() == [e.RestoreApplied(restore="r")]
    assert shop.ran == [("web-1", "snapline-wait", ("mkdir", "-p", "/snapline/volumes/scratch/.snapline/done"))]
    assert "web-1" in shop.there(PODS)


def test_one_that_cannot_be_told_makes_way_for_another_of_its_controllers(shop: Shop) -> None:
    _given_up(shop)
    assert shop.hear() == [e.RestoreApplied(restore="r")]
    assert shop.there(PODS) == ["alone", "web-2"]


def test_one_that_nobody_would_make_again_is_created_without_the_wait() -> None:
    shop = Shop(owners=False)
    _given_up(shop)
    assert shop.hear() == [e.RestoreApplied(restore="r")]
    assert shop.hear() == [e.RestoreApplied(restore="r")]
    assert "initContainers" not in shop.cluster.get(PODS, "shop", "web-1")["spec"]
    assert "initContainers" in shop.cluster.get(PODS, "shop", "web-2")["spec"]


def test_a_pod_whose_status_comes_late_is_asked_itself_before_it_is_given_up(shop: Shop) -> None:
    _placed(shop)
    with pytest.raises(NotYet):
        shop.mount("web-1")
    shop.now += PATIENCE + timedelta(seconds=1)
    shop.cluster.patch(PODS, "shop", "web-1", {"status": {"phase": "Running"}}, status=True)
    assert [type(said) for said in shop.mount("web-1")] == [e.VolumesRestoreRequested]


def test_the_volumes_of_a_pod_that_cannot_be_mounted_at_all_are_given_up_alone(shop: Shop) -> None:
    _placed(shop)
    event = e.wrap(asked_for("web-1")[0], source="tests", time=shop.now)
    [told] = volumes_mount.give_up(event, Message(code="X", text="no such claim"), shop.mounting)  # type: ignore[arg-type]
    assert isinstance(told, e.VolumesRestoreFailed)
    assert told.volume == "shop/web-1/scratch"


def test_a_pod_with_an_init_hook_comes_before_its_controller_and_has_the_container() -> None:
    annotations = {"init.hook.restore.velero.io/container-image": "tool:1"}
    captured = captured_shop(owners=True)
    captured[3]["metadata"]["annotations"] = annotations
    shop = Shop(objects=captured)
    with pytest.raises(NotYet, match="nodes"):
        shop.hear()
    assert shop.there(PODS) == ["web-1", "web-2", "web-3"]
    [container] = shop.cluster.get(PODS, "shop", "web-3")["spec"]["initContainers"]
    assert (container["name"][:20], container["image"]) == ("velero-restore-init-", "tool:1")
    shop.place("web-1", "web-2", "web-3")
    assert shop.hear() == asked_for("web-1", "web-2")
    assert shop.there(PODS) == ["alone", "web-1", "web-2", "web-3"]


def test_a_pod_with_an_init_hook_that_is_created_without_the_wait_keeps_the_container() -> None:
    captured = captured_shop(owners=False)
    captured[0]["metadata"]["annotations"] = {"init.hook.restore.velero.io/container-image": "tool:1"}
    shop = Shop(objects=captured)
    _given_up(shop)
    assert shop.hear() == [e.RestoreApplied(restore="r")]
    [container] = shop.cluster.get(PODS, "shop", "web-1")["spec"]["initContainers"]
    assert container["image"] == "tool:1"


def test_a_pod_that_waits_for_an_earlier_restore_is_not_waited_for(shop: Shop) -> None:
    with pytest.raises(NotYet):
        shop.hear()
    shop.cluster.patch(PODS, "shop", "web-1", {"metadata": {"labels": {RESTORE_NAME: "earlier"}}})
    [said] = shop.mount("web-1")
    assert isinstance(said, e.VolumesRestoreFailed)
