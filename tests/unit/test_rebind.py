"""Claims and their volumes in a restore: those made by hand come back to their claims, others are made anew."""

from typing import Any

import pytest

from schemas import events as e
from schemas.errors import NotYet
from schemas.kubernetes import CLAIMS, PODS, VOLUMES, Object
from tests.support.objects import claim, make, on_claim, opted_in, owner, pod, volume
from tests.support.restores import CONSOLE, PATIENCE, Restoring, app, label

MANUAL = {"storageClassName": "manual"}


def hand_made(name: str, of: Object, reclaim: str = "Retain", **rest: Any) -> Object:
    """A volume that people made, bound to a claim."""
    made = volume(name, of, reclaim, spec=MANUAL, **rest)
    del made["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"]
    return made


def bound(name: str, to: str = "nfs", **spec: Any) -> Object:
    done = {"pv.kubernetes.io/bind-completed": "yes"}
    return claim(name, CONSOLE, to, labels=label("shop"), annotations=done, spec={**MANUAL, **spec})


def user(name: str) -> Object:
    volumes = {"data": on_claim(name)}
    return pod(f"{name}-0", CONSOLE, labels=label("shop"), annotations=opted_in("data"), volumes=volumes)


def restoring(claims: list[Object], volumes: list[Object], live: list[Object] | None = None) -> Restoring:
    names = [obj["metadata"]["name"] for obj in claims]
    captured = [*claims, *volumes, *map(user, names)]
    made = Restoring(captured, [app("shop")], live, claims=[(CONSOLE, name) for name in names])
    made.request()
    made.prepare()
    made.undeploy()
    return made


@pytest.mark.parametrize("reclaim", ["Retain", "Delete"])
def test_in_place_a_volume_made_by_hand_is_kept_and_free_for_its_claim_again(reclaim: str) -> None:
    old = bound("data")
    restored = restoring([old], [hand_made("nfs", old, reclaim)])
    released = restored.cluster.get(VOLUMES, None, "nfs")
    assert released["spec"]["persistentVolumeReclaimPolicy"] == "Retain", "nothing may take it away meanwhile"
    restored.apply()
    free = restored.cluster.get(VOLUMES, None, "nfs")
    assert free["spec"]["claimRef"] == {"kind": "PersistentVolumeClaim", "namespace": CONSOLE, "name": "data"}
    made = restored.cluster.get(CLAIMS, CONSOLE, "data")
    assert made["metadata"]["uid"] != old["metadata"]["uid"]
    assert made["spec"]["volumeName"] == "nfs"
    assert not made["metadata"].get("annotations")
    restored.fill("console/data")
    restored.apply()
    assert restored.cluster.get(VOLUMES, None, "nfs")["spec"]["persistentVolumeReclaimPolicy"] == reclaim


def test_a_volume_that_the_new_claim_has_by_now_is_left_alone() -> None:
    old = bound("data")
    restored = restoring([old], [hand_made("nfs", old)])
    restored.apply()
    new = restored.cluster.get(CLAIMS, CONSOLE, "data")
    reference = {"spec": {"claimRef": {"uid": new["metadata"]["uid"]}}}
    restored.cluster.patch(VOLUMES, None, "nfs", reference)
    restored.apply()
    assert restored.cluster.get(VOLUMES, None, "nfs")["spec"]["claimRef"]["uid"] == new["metadata"]["uid"]


def test_after_a_disaster_the_volume_comes_back_reserved_for_its_claim_by_name() -> None:
    old = bound("data", selector={"matchLabels": {"disk": "a"}})
    restored = restoring([old], [hand_made("nfs", old, labels={"disk": "a"})], live=[make("Namespace", CONSOLE)])
    restored.apply()
    assert "uid" not in restored.cluster.get(VOLUMES, None, "nfs")["spec"]["claimRef"]
    made = restored.cluster.get(CLAIMS, CONSOLE, "data")["spec"]
    assert (made["volumeName"], made["selector"]) == ("nfs", {"matchLabels": {"disk": "a"}})


def test_a_volume_made_by_hand_that_is_not_in_the_backup_but_there_is_rebound() -> None:
    old = bound("data")
    live = [old, user("data"), hand_made("nfs", old)]
    shop = app("shop", "{includeClusterResources: false}")
    restored = Restoring(live, [shop], live, [(CONSOLE, "data")], of="shop")
    restored.request()
    restored.prepare()
    restored.undeploy()
    restored.apply()
    assert "uid" not in restored.cluster.get(VOLUMES, None, "nfs")["spec"]["claimRef"]
    assert restored.cluster.get(CLAIMS, CONSOLE, "data")["spec"]["volumeName"] == "nfs"


def test_a_volume_that_a_provisioner_made_is_made_anew_whatever_its_reclaim_policy() -> None:
    old = bound("data", "pvc-1")
    restored = restoring([old], [volume("pvc-1", old, "Retain")], live=[make("Namespace", CONSOLE)])
    restored.apply()
    assert list(restored.cluster.list(VOLUMES)) == []
    assert "volumeName" not in restored.cluster.get(CLAIMS, CONSOLE, "data")["spec"]


def test_a_new_volume_gets_the_reclaim_policy_and_the_labels_of_the_old_one_but_not_its_place() -> None:
    old = bound("data", "pvc-1")
    labels = {"team": "db", "topology.kubernetes.io/zone": "a", "velero.io/restore-name": "r0"}
    restored = restoring([old], [volume("pvc-1", old, "Retain", labels=labels)], live=[make("Namespace", CONSOLE)])
    restored.apply()
    new = volume("pvc-2", restored.cluster.get(CLAIMS, CONSOLE, "data"), labels={"topology.kubernetes.io/zone": "b"})
    new["metadata"].pop("uid")
    restored.cluster.create(VOLUMES, new)
    restored.cluster.patch(CLAIMS, CONSOLE, "data", {"spec": {"volumeName": "pvc-2"}})
    restored.fill("console/data")
    restored.apply()
    given = restored.cluster.get(VOLUMES, None, "pvc-2")
    assert given["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert given["metadata"]["labels"] == {"team": "db", "topology.kubernetes.io/zone": "b"}


# --- one pod at a time


def test_a_claim_that_cannot_be_bound_holds_up_no_other() -> None:
    claims = [bound("bad"), bound("good")]
    restored = restoring(claims, [], live=[make("Namespace", CONSOLE)])
    bad, good = restored.apply("_", "shop")[1:]
    assert [bad.pod, good.pod] == ["console/bad-0", "console/good-0"]  # type: ignore[attr-defined]
    restored.start_helpers("good")
    restored.cluster.patch(CLAIMS, CONSOLE, "good", {"spec": {"volumeName": "pvc-1"}})
    [asked] = restored.mount(good)
    assert isinstance(asked, e.VolumesRestoreRequested)
    assert (asked.volume, asked.directory, asked.node) == ("console/good", "pvc-1", "node-a")
    with pytest.raises(NotYet, match="console/bad"):
        restored.mount(bad)
    restored.now += PATIENCE * 2
    [told] = restored.mount(bad)
    assert isinstance(told, e.VolumesRestoreFailed)


def test_a_helper_that_has_gone_is_made_again() -> None:
    restored = restoring([bound("data")], [], live=[make("Namespace", CONSOLE)])
    _, asked = restored.apply("_", "shop")
    [helper] = restored.cluster.list(PODS, CONSOLE)
    restored.cluster.delete(PODS, CONSOLE, helper["metadata"]["name"])
    with pytest.raises(NotYet):
        restored.mount(asked)
    [again] = restored.cluster.list(PODS, CONSOLE)
    assert again["metadata"]["name"] == helper["metadata"]["name"]
    restored.fill("console/data")
    assert restored.mount(asked) == []


# --- pods and their controllers


def test_pods_are_left_to_their_controllers_only_where_these_come_back_and_are_kubernetes_own() -> None:
    sets = make("StatefulSet", "db", CONSOLE, "apps/v1", labels=label("shop"), spec={})
    foreign = make("StatefulSet", "foreign", CONSOLE, "apps/v1", spec={})
    kafka = make("Kafka", "k", CONSOLE, "kafka.example.com/v1", labels=label("shop"))
    done = {"completionTime": "2026-11-23T00:00:00Z"}
    job = make("Job", "done", CONSOLE, "batch/v1", labels=label("shop"), spec={}, status=done)
    owners = {"db-0": sets, "foreign-0": foreign, "kafka-0": kafka, "done-x": job}
    pods = [pod(name, CONSOLE, labels=label("shop"), owners=[owner(of)]) for name, of in owners.items()]
    definition = make(
        "CustomResourceDefinition",
        "kafkas.kafka.example.com",
        api="apiextensions.k8s.io/v1",
        spec={
            "group": "kafka.example.com",
            "scope": "Namespaced",
            "names": {"plural": "kafkas", "kind": "Kafka"},
            "versions": [{"name": "v1", "served": True, "storage": True}],
        },
    )
    captured = [definition, sets, kafka, job, *pods, pod("bare", CONSOLE, labels=label("shop"))]
    restored = Restoring(captured, [app("shop")], [make("Namespace", CONSOLE)])
    restored.request()
    restored.prepare()
    restored.undeploy()
    assert restored.apply() == [e.RestoreApplied(restore="r", owner=owner) for owner in ("_", "shop")]
    there = [found["metadata"]["name"] for found in restored.cluster.list(PODS, CONSOLE)]
    assert there == ["bare", "done-x", "foreign-0", "kafka-0"]
