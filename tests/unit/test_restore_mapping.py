"""Captured objects in other namespaces: nothing of them points back, and on trial nothing gets at others."""

from typing import Any

import pytest

from schemas.kubernetes import CLAIMS, CONFIG_MAPS, Object
from schemas.records import RestoreRequest, RestoreTest, VolumeRecord
from tests.support.objects import claim, make, pod, volume
from tests.support.restores import AFTER, BACKUP_AT, CONSOLE, Restoring, app, label
from workers.manifests.capture.document import Captured
from workers.manifests.kube.objects import is_excluded, name_of, uid_of
from workers.manifests.restore.mapping import mapping_of, moved, volumes_moved

RBAC = "rbac.authorization.k8s.io/v1"
NETWORK = "networking.k8s.io/v1"
_NEWER = AFTER.isoformat()


def _request(**asked: Any) -> RestoreRequest:
    given = {"name": "r-test-x", "request": "q", "event_id": "q", "requested_at": BACKUP_AT, "backup": "b"}
    return RestoreRequest(**{**given, "scope": "full", **asked})


def _on_trial(**asked: Any) -> RestoreRequest:
    return _request(test=RestoreTest(namespace="trial", **asked))


def _captured(*objects: Object) -> Captured:
    return Captured(list(objects), {uid_of(obj): ["shop"] for obj in objects})


def _moved(request: RestoreRequest, *objects: Object) -> dict[str, Object]:
    """By kind and namespace/name."""
    found = moved(_captured(*objects), request)
    assert all(found.owners_of(obj) == ["shop"] for obj in found.objects if uid_of(obj) in found.owners)
    return {f"{obj['kind']} {'/'.join(filter(None, name_of(obj)))}": obj for obj in found.objects}


def _service(**spec: Any) -> Object:
    ports = [{"port": 80, "nodePort": 30080}]
    return make("Service", "web", "shop", labels=label("shop"), spec={"ports": ports, "selector": {"a": "b"}, **spec})


MAPPED = _request(namespace_mapping={"shop": "copy"})


def test_what_was_in_a_namespace_goes_into_the_other_and_all_else_where_it_was() -> None:
    found = _moved(MAPPED, make("Namespace", "shop"), make("Secret", "a", "shop"), make("Secret", "b", "blog"))
    assert list(found) == ["Namespace copy", "Secret copy/a", "Secret blog/b"]


def test_without_a_mapping_it_is_as_it_was_captured() -> None:
    captured = _captured(make("Secret", "a", "shop"))
    assert moved(captured, _request()) is captured


def test_the_subjects_of_bindings_go_with_it() -> None:
    subjects = [{"kind": "ServiceAccount", "name": "web", "namespace": name} for name in ("shop", "blog")]
    bindings = [
        make("RoleBinding", "a", "shop", RBAC, subjects=subjects),
        make("ClusterRoleBinding", "b", None, RBAC, subjects=subjects),
    ]
    for found in _moved(MAPPED, *bindings).values():
        assert [subject["namespace"] for subject in found["subjects"]] == ["copy", "blog"]
    assert subjects[0]["namespace"] == "shop"


def test_a_claim_lets_go_of_its_volume_and_a_service_of_its_node_ports() -> None:
    bound = claim("data", spec={"selector": {"matchLabels": {"disk": "fast"}}})
    found = _moved(MAPPED, bound, volume("pv-data", bound), _service(type="NodePort", healthCheckNodePort=30081))
    assert list(found) == ["PersistentVolumeClaim copy/data", "Service copy/web"]
    assert found["PersistentVolumeClaim copy/data"]["spec"] == {"accessModes": ["ReadWriteOnce"]}
    spec = found["Service copy/web"]["spec"]
    assert (spec["type"], spec["ports"]) == ("NodePort", [{"port": 80}])
    assert "healthCheckNodePort" not in spec


def test_on_trial_nothing_cluster_wide_comes_and_nothing_that_brings_users() -> None:
    objects = [
        make("Namespace", "shop", labels=label("shop") | {"team": "a"}),
        make("ClusterRole", "shop", None, RBAC),
        make("CustomResourceDefinition", "widgets.example.com", None, "apiextensions.k8s.io/v1"),
        volume("pv"),
        make("Ingress", "web", "shop", NETWORK),
        make("HTTPRoute", "web", "shop", "gateway.networking.k8s.io/v1"),
        make("NetworkPolicy", "all", "shop", NETWORK),
        make("Secret", "registration", "shop", labels={"snapline.dev/application": "shop"}),
        make("ConfigMap", "config", "shop"),
    ]
    found = _moved(_on_trial(), *objects)
    assert list(found) == ["Namespace trial", "ConfigMap trial/config"]
    assert found["Namespace trial"]["metadata"]["labels"] == {
        "team": "a",
        "snapline.dev/test-restore": "r-test-x",
        "velero.io/exclude-from-backup": "true",
    }
    assert "NetworkPolicy trial/all" in _moved(_on_trial(open_network=True), *objects)


def test_on_trial_all_carries_the_label_by_which_backups_and_restores_leave_it_alone() -> None:
    found = _moved(_on_trial(), make("Deployment", "web", "shop", "apps/v1", labels=label("shop")), pod("web-0"))
    assert len(found) == 3
    assert all(map(is_excluded, found.values()))
    assert found["Deployment trial/web"]["metadata"]["labels"].items() > label("shop").items()


@pytest.mark.parametrize("outward", ["LoadBalancer", "NodePort"])
def test_on_trial_services_stay_inside_and_cron_jobs_rest(outward: str) -> None:
    cron_job = make("CronJob", "mail", "shop", "batch/v1", spec={"schedule": "* * * * *"})
    service = _service(
        type=outward, externalIPs=["192.0.2.1"], loadBalancerIP="192.0.2.1", externalTrafficPolicy="Local"
    )
    found = _moved(_on_trial(), service, cron_job)
    assert found["Service trial/web"]["spec"] == {
        "type": "ClusterIP",
        "ports": [{"port": 80}],
        "selector": {"a": "b"},
    }
    assert found["CronJob trial/mail"]["spec"]["suspend"] is True


def test_a_namespace_that_was_not_captured_is_made_and_several_have_names_that_tell_them_apart() -> None:
    long = "a" * 60
    objects = [make("Secret", "s", name) for name in ("shop", "blog", long, f"{long}b")]
    mapping = mapping_of(objects, _on_trial())
    assert mapping["shop"] == "trial-shop"
    assert len(set(mapping.values())) == 4
    assert all(len(name) <= 63 for name in mapping.values())
    namespaces = {name for name in _moved(_on_trial(), *objects) if name.startswith("Namespace")}
    assert namespaces == {f"Namespace {name}" for name in mapping.values()}


def test_volumes_go_where_their_claims_go() -> None:
    sizes = dict.fromkeys(("scanned_bytes", "changed_bytes", "uploaded_bytes", "files"), 1)
    held = [
        VolumeRecord(namespace=each, pod="db-0", name="data", kind="claim", claim="data", volume_id="v", **sizes)
        for each in ("shop", "blog")
    ]
    assert [each.key for each in volumes_moved(held, {"shop": "copy"})] == ["copy/data", "blog/data"]


def test_a_restore_into_another_namespace_looks_at_nothing_and_deletes_nothing_in_the_old_one() -> None:
    """Not even what is newer than the backup, or cluster-wide with the application's label."""
    bound = claim("data", labels=label("shop"))
    captured = [
        make("Namespace", CONSOLE),
        make("Namespace", "shop"),
        make("ConfigMap", "config", "shop", labels=label("shop")),
        make("ClusterRole", "shop", None, RBAC, labels=label("shop")),
        bound,
        volume("pv-data", bound),
    ]
    newer = make("ConfigMap", "newer", "shop", labels=label("shop"), metadata={"creationTimestamp": _NEWER})
    mine = make("ConfigMap", "config", "copy", labels=label("shop"))
    live = [*captured, newer, make("Namespace", "copy"), mine]
    restoring = Restoring(captured, [app("shop", namespaces=["shop"])], live, claims=[("shop", "data")])
    assert restoring.deletes(namespace_mapping={"shop": "copy"}) == ["configmaps copy/config"]
    assert [each.key for each in restoring.plan.volumes] == ["copy/data"]
    restoring.undeploy()
    restoring.apply()
    restoring.start_helpers("data")
    restoring.fill("copy/data")
    restoring.apply()
    cluster = restoring.cluster
    for type_ in cluster.discover().types:
        for obj in (each for each in live if each is not mine and each["kind"] == type_.kind):
            assert cluster.get(type_, *name_of(obj))["metadata"]["uid"] == obj["metadata"]["uid"]
    assert cluster.get(CLAIMS, "copy", "data")["spec"].get("volumeName") is None
    assert cluster.get(CONFIG_MAPS, "copy", "config")["metadata"]["uid"] != mine["metadata"]["uid"]
